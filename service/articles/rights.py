"""What a page and its answer say about keeping it and about text and data mining. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reserved:
    """The publisher's word: ``noarchive``, ``noai`` (or ``noimageai``), and the TDM Reservation Protocol's two."""

    noarchive: bool
    noai: bool
    tdm_reservation: bool | None
    """None: nothing was said."""
    tdm_policy: str | None
    """Where the terms for mining it stand."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a record has no field for: ``tdm-policy: URL``."""
        return (f"tdm-policy: {self.tdm_policy}",) if self.tdm_policy else ()


def read_reserved(meta: Mapping[str, list[str]], headers: Mapping[str, str]) -> Reserved:
    """Read the reservations of a page.

    Args:
        meta: Contents of the page's ``<meta>``, by lower-case name.
        headers: The answer's headers, names in lower case, header lines of one name each on a line.

    ``<meta name=robots>`` and X-Robots-Tag count where they speak to every robot, or to this one. Where a page and its
    header disagree on the TDM reservation, it is reserved.
    """
    directives = set(_directives(meta.get("robots", [])))
    directives.update(_directives(meta.get(NAME, [])))
    directives.update(_directives(map(_for_us, headers.get("x-robots-tag", "").splitlines())))
    reservations = (*meta.get("tdm-reservation", []), *headers.get("tdm-reservation", "").splitlines())
    flags = {_flag(part) for said in reservations for part in said.split(",")}
    policies = (*meta.get("tdm-policy", []), *headers.get("tdm-policy", "").splitlines())
    return Reserved(
        noarchive=bool(directives & {"noarchive", "nocache"}),
        noai=bool(directives & {"noai", "noimageai"}),
        tdm_reservation=True if True in flags else False if False in flags else None,
        tdm_policy=next((said.strip()[:_LONGEST_POLICY] for said in policies if said.strip()), None),
    )


def _directives(contents: Iterable[str]) -> Iterable[str]:
    for content in contents:
        yield from re.findall(r"[\w-]+", content.lower())


def _for_us(tag: str) -> str:
    """An X-Robots-Tag without what follows another's name: ``noai, somebot: noarchive, nofollow`` → ``noai``."""
    kept, ours = [], True
    for part in tag.split(","):
        name, colon, rest = part.partition(":")
        if colon and name.strip().lower() not in _WITH_VALUES:
            ours, part = name.strip().lower() == NAME, rest
        if ours:
            kept.append(part)
    return ",".join(kept)


NAME = "veille"
"""What robots' rules call this one."""
_LONGEST_POLICY = 2_000
_WITH_VALUES = {"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"}


def _flag(said: str) -> bool | None:
    return {"1": True, "0": False}.get(said.strip())
