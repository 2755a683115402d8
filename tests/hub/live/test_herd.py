"""Those who come all at once are sent away to different times."""

from __future__ import annotations

from collections import Counter

import pytest

from arborlink.hub.live.herd import ADMISSIONS_PER_SECOND, SOONEST_SECONDS, Herd, turn_seconds


@pytest.mark.parametrize(("place", "seconds"), [(0, 1), (1, 1), (200, 1), (201, 2), (1_000, 5)])
def test_the_turn_depends_on_the_place(place: int, seconds: int) -> None:
    assert turn_seconds(place) == seconds


def test_no_second_has_more_turns_than_are_admitted() -> None:
    herd = Herd()
    turns = Counter(herd.turn(100.0) for _ in range(1_000))
    assert sorted(turns) == [1, 2, 3, 4, 5]
    assert max(turns.values()) <= ADMISSIONS_PER_SECOND + 1


def test_turns_that_have_passed_are_forgotten() -> None:
    herd = Herd()
    for _ in range(1_000):
        herd.turn(100.0)
    assert herd.turn(102.0) == 4
    assert herd.turn(200.0) == SOONEST_SECONDS
