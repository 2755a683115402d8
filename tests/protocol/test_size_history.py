"""The sizes of a terminal: in order, once each, bounded, and found by offset."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from arborlink.protocol import limits
from arborlink.protocol.resources import TerminalSize, TerminalSizeChange
from arborlink.protocol.size_history import SizeHistory, position, same_size


def change(offset: int, time: int = 0, cols: int = 80) -> TerminalSizeChange:
    return TerminalSizeChange(offset=offset, time=time, cols=cols, rows=24)


def test_nothing_is_known_of_no_sizes() -> None:
    sizes = SizeHistory()
    assert (sizes.last, sizes.at(0), sizes.after(0), len(sizes)) == (None, None, (), 0)
    assert sizes.before(0) is None


def test_the_size_at_an_offset_is_the_last_that_begins_there_or_before() -> None:
    sizes = SizeHistory([change(0), change(10, 1, 100), change(10, 2, 120), change(20, 3, 60)])
    assert [getattr(sizes.at(offset), "cols", None) for offset in (0, 9, 10, 19, 20, 99)] == [
        *(80, 80, 120, 120, 60, 60)
    ]
    assert [item.cols for item in sizes.after(9)] == [100, 120, 60]
    assert sizes.after(20) == ()
    assert sizes.last == change(20, 3, 60)


def test_the_size_before_an_offset_is_that_of_the_byte_in_front_of_it() -> None:
    sizes = SizeHistory([change(0), change(0, 1, 90), change(10, 2, 100), change(10, 3, 120)])
    assert [getattr(sizes.before(offset), "cols", None) for offset in (0, 1, 10, 11)] == [
        *(80, 90, 90, 120)
    ]
    # With the changes behind it, it is the whole list.
    assert sizes.next_after(sizes.before(0)) == change(0, 1, 90)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=30), st.randoms())
def test_any_order_and_any_repetition_make_the_same_list(
    at: list[tuple[int, int]], random: object
) -> None:
    changes = [change(offset, time) for offset, time in at]
    once = SizeHistory(sorted(changes, key=position))
    shuffled = changes * 2
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert SizeHistory(shuffled).items == once.items
    assert [once.add(item) for item in changes] == [False] * len(changes)


def test_of_too_many_the_first_and_the_newest_stay() -> None:
    most = limits.MAX_TERMINAL_SIZES
    sizes = SizeHistory(change(offset) for offset in range(most + 10))
    assert len(sizes) == most
    assert [item.offset for item in sizes.items] == [*range(most - 1), most + 9]
    # A size that was left out, and one from before it, come again after a reconnect.
    assert not sizes.add(change(most + 5))
    assert not sizes.add(change(most + 9))
    assert sizes.last == change(most + 9)


def test_sizes_are_the_same_whatever_else_is_known() -> None:
    assert same_size(change(5), TerminalSize(cols=80, rows=24))
    assert not same_size(change(5), TerminalSize(cols=80, rows=25))
