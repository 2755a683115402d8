"""Thinning: few segments, in order, without holes, and no error or gap is hidden."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import pytest

from arborlink.hub.service.segments import thin
from arborlink.outputlog import Gap, Record

Segment = Record | Gap


def start_of(segment: Segment) -> int:
    return segment.start if isinstance(segment, Gap) else segment.offset


def records(count: int, *, errors: int = 0, gaps: int = 0, size: int = 10) -> Iterator[Segment]:
    """`count` records; each `errors`-th is stderr, each `gaps`-th a gap."""
    for number in range(count):
        offset = number * size
        if gaps and number % gaps == gaps - 1:
            yield Gap(offset, offset + size, "lost")
        else:
            yield Record(offset, size, bool(errors) and number % errors == 0, number)


def test_few_segments_stay_as_they_are() -> None:
    few = list(records(50, errors=3, gaps=7))
    assert thin(few, 50) == few
    assert thin([], 50) == []


@pytest.mark.parametrize(
    ("count", "errors", "gaps"),
    [(100_000, 0, 0), (100_000, 2, 0), (100_000, 100, 0), (100_000, 0, 2), (99_999, 3, 5)],
)
def test_many_segments_become_few_that_cover_the_same(count: int, errors: int, gaps: int) -> None:
    few = thin(records(count, errors=errors, gaps=gaps), 2_000)
    assert 200 <= len(few) <= 2_000 or (not errors and not gaps and len(few) <= 2_000)
    assert start_of(few[0]) == 0 and few[-1].end == count * 10
    assert all(one.end == start_of(two) for one, two in pairwise(few))


def test_joined_segments_tell_of_the_errors_and_gaps_in_them() -> None:
    one_error = [Record(n * 10, 10, n == 5_000, n) for n in range(10_000)]
    assert any(isinstance(s, Record) and s.is_error for s in thin(one_error, 10))
    one_gap: list[Segment] = [*records(5_000), Gap(50_000, 50_010, "spool_full")]
    one_gap += [Record(50_010 + n * 10, 10, False, n) for n in range(5_000)]
    assert any(isinstance(segment, Gap) for segment in thin(one_gap, 10))


def test_one_huge_segment_among_small_ones_does_not_keep_them_from_being_joined() -> None:
    small = list(records(50_000, errors=2))
    huge = Record(500_000, 2**40, False, 9)
    after = [Record(huge.end + n, 1, n % 2 == 0, n) for n in range(50_000)]
    few = thin([*small, huge, *after], 100)
    assert len(few) <= 100 and few[-1].end == after[-1].end


def test_memory_does_not_grow_with_the_number_of_segments() -> None:
    tracemalloc.start()
    try:
        thin(records(40_000, errors=2), 200)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 500_000
