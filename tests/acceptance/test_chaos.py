"""All that can go wrong, in one life of the service; ``make chaos`` is more of the same, ``chaos.storm`` says how."""

from collections.abc import Callable
from pathlib import Path

import pytest
from chaos.storm import Outcome, of_sites, of_the_clock, of_the_machine, rage
from chaos.world import why_not

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(why_not() is not None, reason=why_not() or ""),
]


def check(outcome: Outcome, record: Callable[[str, object], None]) -> None:
    record("measured", str(outcome))
    assert outcome.stuck == [], outcome
    assert outcome.complaints == [], outcome
    assert min(outcome.killed, outcome.reloads) > 0, outcome


def test_it_recovers_from_sites_database_and_disk_with_every_story_archived_once(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    check(rage(tmp_path, of_sites(6) + of_the_machine(20)), record_property)


def test_it_recovers_from_a_clock_that_is_set_back(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    check(rage(tmp_path, of_the_clock()), record_property)
