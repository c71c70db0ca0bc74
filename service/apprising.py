"""Reads a message and addresses on standard input, sends the one to the others, and prints which could not be reached.

A process of its own, for ``service.telling``: the library that knows a hundred services loads all of them, 44 MB, and
may hang. The only importer of apprise. An address may hold a password: none is ever printed.
"""

import logging
import os
import sys
import warnings

import orjson


def main() -> None:
    """Check the addresses, and send them the message where there is one."""
    job = orjson.loads(sys.stdin.buffer.read())
    answer = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # what plugins print is nobody's business
    os.dup2(nowhere, 2)
    os.write(answer, orjson.dumps(_tell(job["addresses"], job["title"], job["body"])))


def _tell(addresses: list[str], title: str | None, body: str | None) -> dict[str, list[int]]:
    """Places of the addresses, from 1, that no service is known for, and of those that could not be reached."""
    warnings.simplefilter("ignore")
    from apprise import Apprise, AppriseAsset, PersistentStoreMode

    logging.disable(logging.CRITICAL)  # it logs addresses
    asset = AppriseAsset(storage_mode=PersistentStoreMode.MEMORY, async_mode=False)
    unknown, unreached = [], []
    for place, address in enumerate(addresses, start=1):
        apprise = Apprise(asset=asset)
        if not apprise.add(address):
            unknown.append(place)
        elif body is not None and not apprise.notify(body=body, title=title or ""):
            unreached.append(place)
    return {"unknown": unknown, "unreached": unreached}


if __name__ == "__main__":
    main()
