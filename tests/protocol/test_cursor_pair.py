"""A hub's cursor and a viewer of a log with gaps, over a link that is slow, cut and taken up again.

At every step the viewer shows a prefix of the log, gaps included, and never has more unacknowledged
bytes than its window. Once it reads on, it has everything; a gap at the end stops nobody.
"""

from __future__ import annotations

from collections import deque
from itertools import takewhile

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from arborlink.protocol.cursor import Cursor
from arborlink.protocol.stream import ReceiveStream

# Shrinking a failure takes longer than finding it, and so does the `long` profile.
pytestmark = pytest.mark.timeout(3_600)

GAP = None
contents = st.lists(st.integers(0, 9), min_size=1, max_size=30)


class CursorPair(RuleBasedStateMachine):
    """`log` and `shown` hold one number an offset; None is a byte in a gap."""

    @initialize(window=st.integers(1, 20), content=contents)
    def begin(self, window: int, content: list[int]) -> None:
        self.window = window
        self.log: list[int | None] = [*content]
        self.shown: list[int | None] = []
        self.viewer = ReceiveStream(window=window)
        self.subscribe()

    @rule(content=contents)
    def log_grows(self, content: list[int]) -> None:
        self.log += content

    @rule(length=st.integers(1, 100))
    def log_has_a_gap(self, length: int) -> None:
        self.log += [GAP] * length

    @rule()
    def subscribe(self) -> None:
        """A new connection: the viewer goes on from what it has rendered."""
        self.frames: deque[tuple[int, list[int | None]]] = deque()
        self.acks: deque[int] = deque()
        self.viewer = ReceiveStream(self.viewer.durable, window=self.window)
        del self.shown[self.viewer.end :]
        self.cursor = Cursor(Cursor.resolve(self.viewer.end, len(self.log)), self.window)

    @precondition(lambda self: self.cursor.sent < len(self.log))
    @rule(max_bytes=st.integers(1, 30))
    def send(self, max_bytes: int) -> None:
        start = self.cursor.sent
        is_gap = self.log[start] is GAP
        run = list(takewhile(lambda value: (value is GAP) == is_gap, self.log[start:]))
        if is_gap:
            self.cursor.skip_to(start + len(run))
        else:
            run = run[: min(max_bytes, self.cursor.room)]
            self.cursor.mark_sent(start + len(run))
        if run:
            self.frames.append((start, run))

    @precondition(lambda self: self.frames)
    @rule()
    def deliver(self) -> None:
        offset, run = self.frames.popleft()
        if run[0] is GAP:
            assert self.viewer.receive_gap(offset, offset + len(run)) is not None
        else:
            assert self.viewer.receive(offset, len(run)) == 0
        self.shown += run

    @precondition(lambda self: self.viewer.durable < self.viewer.end)
    @rule(count=st.integers(1, 50))
    def render(self, count: int) -> None:
        """The viewer acknowledges bytes that it shows; it says nothing about gaps."""
        offset = min(self.viewer.durable + count, self.viewer.end)
        self.viewer.advance_durable(offset)
        while offset and self.shown[offset - 1] is GAP:
            offset -= 1
        self.acks.append(offset)

    @precondition(lambda self: self.acks)
    @rule()
    def acknowledge(self) -> None:
        self.cursor.acknowledge(self.acks.popleft())

    @invariant()
    def the_viewer_shows_a_prefix(self) -> None:
        assert self.shown == self.log[: self.viewer.end]

    @invariant()
    def what_the_viewer_has_not_rendered_is_bounded(self) -> None:
        waiting = self.log[self.viewer.durable : self.cursor.sent]
        assert sum(value is not GAP for value in waiting) <= self.window
        assert 0 <= self.cursor.unacknowledged <= self.window

    def teardown(self) -> None:
        if not hasattr(self, "cursor"):
            return
        for _ in range(3 * len(self.log) + 3):
            if self.cursor.sent < len(self.log):
                self.send(max_bytes=30)
            while self.frames:
                self.deliver()
            if self.viewer.durable < self.viewer.end:
                self.render(count=len(self.log))
            while self.acks:
                self.acknowledge()
        assert self.shown == self.log
        assert self.cursor.room == self.window


TestCursorPair = CursorPair.TestCase
