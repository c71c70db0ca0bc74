"""The check of the whole archive that a running service makes, in a process of its own."""

import asyncio
from pathlib import Path

from holdings import make_holdings, new_store

from service.checking import Checked, check
from service.settings import load


def test_a_sound_archive_is_found_sound_and_a_damaged_one_is_not(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    make_holdings(tmp_path, store)
    store.close()
    settings = load(None, data_dir=tmp_path)
    assert asyncio.run(check(settings)) == Checked(10, 0)

    (sealed,) = tmp_path.glob("articles/*/*.jsonl.gz")
    sealed.write_bytes(sealed.read_bytes()[:-9])
    found = asyncio.run(check(settings))
    assert not found.is_good
    assert found.damaged >= 1
    assert sealed.name in str(found)


def test_an_archive_that_cannot_be_read_is_not_taken_for_sound(tmp_path: Path) -> None:
    found = asyncio.run(check(load(None, data_dir=tmp_path)))
    assert not found.is_good
    assert str(found).startswith("could not be checked: there is no database")
