"""Gaps above a rising floor, against the set of their offsets."""

from hypothesis import given
from hypothesis import strategies as st

from arborlink.protocol.gaps import GapsAbove

lengths = st.integers(1, 5)


def test_a_gap_counts_as_far_as_it_is_above_the_floor() -> None:
    gaps = GapsAbove(0)
    gaps.add(10, 20)
    gaps.rise(15)
    assert (gaps.floor, gaps.total) == (15, 5)
    gaps.rise(30)
    assert (gaps.floor, gaps.total) == (30, 0)


def test_the_floor_never_sinks() -> None:
    gaps = GapsAbove(10)
    gaps.rise(5)
    assert gaps.floor == 10


def test_gaps_that_touch_are_passed_together() -> None:
    gaps = GapsAbove(0)
    gaps.add(5, 7)
    gaps.add(7, 9)
    gaps.add(20, 30)
    assert gaps.rise_through() == 0
    gaps.rise(5)
    assert gaps.rise_through() == 9
    assert gaps.total == 10


@given(st.lists(st.tuples(st.booleans(), lengths, lengths)))
def test_the_total_is_the_number_of_missing_offsets_above_the_floor(
    steps: list[tuple[bool, int, int]],
) -> None:
    gaps, missing, end = GapsAbove(0), set[int](), 0
    for rises, distance, length in steps:
        if rises:
            gaps.rise(gaps.floor + length)
        else:
            start = max(end, gaps.floor) + distance - 1
            end = start + length
            gaps.add(start, end)
            missing |= set(range(start, end))
        assert gaps.total == len({offset for offset in missing if offset >= gaps.floor})
