"""The sizes that a task's terminal has had, by output offset and time. Pure.

Daemon and hub keep the same list by the same rule, so that saying a size again changes nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Literal, TypeAlias

from arborlink.protocol import limits
from arborlink.protocol.resources import TerminalSize, TerminalSizeChange

# Offset and time.
Position: TypeAlias = tuple[int, int]
Placing: TypeAlias = Literal["no", "add", "replace_last"]


def position(change: TerminalSizeChange) -> Position:
    """Return what sizes are ordered by: two changes at one offset differ in their time."""
    return change.offset, change.time


def placing(change: TerminalSizeChange, count: int, last: Position | None) -> Placing:
    """Return what to do with a change that is not known yet where there are `count` of them.

    Of more than `limits.MAX_TERMINAL_SIZES` the first and the newest stay: the last is replaced.
    """
    if count < limits.MAX_TERMINAL_SIZES:
        return "add"
    return "replace_last" if last is not None and position(change) > last else "no"


class SizeHistory:
    """Sizes in order. Of more than `limits.MAX_TERMINAL_SIZES` the first and the newest stay."""

    def __init__(self, items: Iterable[TerminalSizeChange] = ()) -> None:
        self._items: list[TerminalSizeChange] = []
        for item in items:
            self.add(item)

    def __len__(self) -> int:
        return len(self._items)

    @property
    def items(self) -> tuple[TerminalSizeChange, ...]:
        """All of them, in order."""
        return tuple(self._items)

    @property
    def last(self) -> TerminalSizeChange | None:
        """The size that the terminal has now."""
        return self._items[-1] if self._items else None

    def add(self, change: TerminalSizeChange) -> bool:
        """Put a change in its place; False if it is known, or older than what was left out."""
        last = self.last
        if last is None or position(last) < position(change):
            at = len(self._items)
        else:
            at = bisect_right(self._items, position(change), key=position)
            if at and position(self._items[at - 1]) == position(change):
                return False
        match placing(change, len(self._items), None if last is None else position(last)):
            case "no":
                return False
            case "replace_last":
                self._items[-1] = change
            case "add":
                self._items.insert(at, change)
        return True

    def at(self, offset: int) -> TerminalSizeChange | None:
        """Return the size that is in force for the byte at an offset; None before the first."""
        after = bisect_right(self._items, offset, key=lambda item: item.offset)
        return self._items[after - 1] if after else None

    def before(self, offset: int) -> TerminalSizeChange | None:
        """Return the size in which what is in front of an offset was written; at 0 the first."""
        after = bisect_left(self._items, offset, key=lambda item: item.offset)
        return self._items[max(0, after - 1)] if self._items else None

    def next_after(self, change: TerminalSizeChange | None) -> TerminalSizeChange | None:
        """Return the change that comes after one, or the first of all; None: there is none."""
        at = 0 if change is None else bisect_right(self._items, position(change), key=position)
        return self._items[at] if at < len(self._items) else None

    def after(self, offset: int) -> tuple[TerminalSizeChange, ...]:
        """Return the changes that come beyond an offset, in order."""
        return tuple(self._items[bisect_right(self._items, offset, key=lambda i: i.offset) :])


def same_size(one: TerminalSize, other: TerminalSize) -> bool:
    """Return whether two sizes are the same, whatever else is known of them."""
    return (one.cols, one.rows) == (other.cols, other.rows)
