"""Two copies of one daemon are told from one that was restarted."""

from __future__ import annotations

import pytest

from arborlink.hub.live.contest import MAX_REPLACED, RETURNS, WINDOW_SECONDS, Contest, Contests


def verdicts(instances: str, seconds: float = 1.0) -> list[bool]:
    contest = Contest()
    return [contest.arrives(each, seconds * number) for number, each in enumerate(instances)]


@pytest.mark.parametrize(
    "instances",
    ["", "a", "aaaaaaaaaa", "abcdefghijklmnop", "aba", "abab", "aabbaabb"],
    ids=["none", "one", "cut off again and again", "restarted again and again", "late", "two", "b"],
)
def test_one_daemon_is_no_contest(instances: str) -> None:
    assert not any(verdicts(instances))


@pytest.mark.parametrize("instances", ["ababa", "abcabc", "aabbaabba", "abcdadbdc"])
def test_copies_that_come_back_are_one(instances: str) -> None:
    assert any(verdicts(instances))


def test_a_copy_with_a_new_instance_every_time_is_found_by_the_return_of_the_other() -> None:
    contest = Contest()
    arrivals = [each for number in range(RETURNS + 1) for each in ("real", f"made up {number}")]
    found = [contest.arrives(each, float(at)) for at, each in enumerate(arrivals)]
    assert found.index(True) == 2 * RETURNS


def test_what_is_long_past_does_not_count() -> None:
    assert not any(verdicts("abababababab", WINDOW_SECONDS))
    assert not any(verdicts("ababababab", WINDOW_SECONDS / (RETURNS - 1) + 1.0))


def test_returns_spread_over_the_window_count() -> None:
    assert any(verdicts("abababa", WINDOW_SECONDS / RETURNS))


def test_instances_that_are_made_up_take_no_memory_without_end() -> None:
    contest = Contest()
    for number in range(3 * MAX_REPLACED):
        assert not contest.arrives(f"made up {number}", 0.0)
    assert len(contest._replaced) <= MAX_REPLACED


def test_every_workspace_has_a_contest_of_its_own_and_a_new_one_after_the_verdict() -> None:
    contests = Contests()
    found = [
        (workspace, at)
        for at, instance in enumerate("abababab")
        for workspace in ("ws_1", "ws_2")
        if contests.arrives(workspace, instance, float(at))
    ]
    assert found == [("ws_1", 4), ("ws_2", 4)]
