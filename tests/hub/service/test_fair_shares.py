"""The largest gives first, none below the fair share, and no more than has to be."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from arborlink.hub.service.fair_shares import cuts, reduce

SIZES = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=2), st.integers(1, 10_000))


@given(used=SIZES, limit=st.integers(0, 50_000), fixed=st.sets(st.text("abcdefgh", max_size=2)))
def test_room_is_made_by_those_above_their_share_and_by_them_alone(
    used: dict[str, int], limit: int, fixed: set[str]
) -> None:
    before = dict(used)

    async def free(key: str, size: int) -> int:
        return 0 if key in fixed else size

    freed = asyncio.run(reduce(used, limit, free))
    assert freed == sum(before.values()) - sum(used.values())
    fair = limit // len(before) if before else 0
    for key, size in before.items():
        assert used[key] == size if size <= fair or key in fixed else used[key] >= fair
    given = {key: used[key] for key in before if used[key] < before[key]}
    if given:
        # Who gave is left with the same, and who gave nothing and could has no more.
        level = max(given.values())
        others = [used[key] for key in before if key not in given and key not in fixed]
        assert level - min(given.values()) <= len(before)
        assert all(size <= level for size in others)
    excess = sum(used.values()) - limit
    if excess > 0:
        assert all(size <= fair or key in fixed for key, size in used.items())
    elif given:
        assert -excess <= len(before), "no more is given than has to be"


@given(used=SIZES.filter(bool), excess=st.integers(1, 50_000))
def test_cuts_are_for_the_largest(used: dict[str, int], excess: int) -> None:
    found = cuts(used, excess, 0)
    assert sum(found.values()) >= min(excess, sum(used.values()))
    left = {key: size - found.get(key, 0) for key, size in used.items()}
    assert min(left.values()) >= 0
    assert all(left[key] == max(left.values()) for key in found)


def test_what_gives_more_than_it_was_asked_for_is_not_asked_again() -> None:
    used = {"a": 100, "b": 90, "c": 10}
    asked = list[tuple[str, int]]()

    async def free(key: str, size: int) -> int:
        asked.append((key, size))
        return max(size, 50)

    assert asyncio.run(reduce(used, 150, free)) == 100
    assert asked == [("a", 30), ("b", 20)] and used == {"a": 50, "b": 40, "c": 10}
