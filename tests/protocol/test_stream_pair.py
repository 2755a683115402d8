"""A sender and a receiver of one log over a link that does its worst, until it is let live.

Safety, at every step: what was received is a prefix of what was produced, but for the gaps that
were declared, and only bytes that were dropped are in a gap. Nothing unbounded is on its way.
Liveness, at the end: once the link stays up, everything arrives in a bounded number of rounds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from arborlink.protocol.errors import OffsetOutOfOrder
from arborlink.protocol.stream import ReceiveStream, SendStream

# Shrinking a failure takes longer than finding it, and so does the `long` profile.
pytestmark = pytest.mark.timeout(3_600)


@dataclass(frozen=True)
class Bytes:
    """A frame of output."""

    offset: int
    content: tuple[int, ...]


@dataclass(frozen=True)
class Hole:
    """A frame that declares a gap."""

    start: int
    end: int


@dataclass(frozen=True)
class Welcome:
    """The first message of a connection: from where the receiver wants to go on."""

    offset: int


@dataclass(frozen=True)
class Acknowledge:
    """The receiver has kept everything below `offset`."""

    offset: int


Frame: TypeAlias = Bytes | Hole
Answer: TypeAlias = Welcome | Acknowledge

parts = st.sampled_from([0.1, 0.3, 0.5, 0.9, 1.0])
counts = st.integers(1, 4)
contents = st.lists(st.integers(0, 9), min_size=1, max_size=60)


class StreamPair(RuleBasedStateMachine):
    """`produced` and `received` hold one number an offset; None is a byte in a gap."""

    @initialize(window=st.integers(1, 40), content=contents)
    def begin(self, window: int, content: list[int]) -> None:
        self.window = window
        self.produced: list[int] = []
        self.received: list[int | None] = []
        self.dropped: set[int] = set()
        self.sender = SendStream()
        self.receiver = ReceiveStream(window=window)
        self.connected = False
        self.frames: deque[Frame] = deque()
        self.answers: deque[Answer] = deque()
        self.every_frame: list[Frame] = []
        self.every_ack: list[Acknowledge] = []
        self.produce(content)
        self.connect()

    # ── the two ends ─────────────────────────────────────────────────────────────────────────

    @rule(content=contents)
    def produce(self, content: list[int]) -> None:
        self.produced += content
        self.sender.grow(len(self.produced))

    @precondition(lambda self: self.sender.next_range(1))
    @rule(max_bytes=st.integers(1, 50), frames=st.integers(1, 5))
    def send(self, max_bytes: int, frames: int) -> None:
        for _ in range(frames):
            span = self.sender.next_range(max_bytes)
            if span is None:
                break
            start, end = span
            assert end - start <= max_bytes
            assert start >= self.sender.start, "bytes that are no longer kept cannot be sent"
            self._transmit(Bytes(start, tuple(self.produced[start:end])))
            self.sender.mark_sent(end)

    def _transmit(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.every_frame.append(frame)

    @precondition(lambda self: self.receiver.durable < self.receiver.end)
    @rule(part=parts)
    def keep_for_good(self, part: float) -> None:
        stream = self.receiver
        stream.advance_durable(stream.durable + round(part * (stream.end - stream.durable)))
        if self.connected:
            ack = Acknowledge(stream.durable)
            self.answers.append(ack)
            self.every_ack.append(ack)

    @precondition(lambda self: self.sender.start < self.sender.acked)
    @rule(part=parts)
    def prune_what_is_acknowledged(self, part: float) -> None:
        self.sender.prune(round(part * self.sender.acked))

    @precondition(lambda self: not self.sender.attached and self.sender.start < self.sender.end)
    @rule(part=parts)
    def drop_what_may_not_have_arrived(self, part: float) -> None:
        """The spool was full while the link was down."""
        start = self.sender.start
        self.sender.prune(start + round(part * (self.sender.end - start)))
        self.dropped |= set(range(start, self.sender.start))

    # ── the link ─────────────────────────────────────────────────────────────────────────────

    @rule()
    def connect(self) -> None:
        self.cut()
        self.connected = True
        self.answers.append(Welcome(self.receiver.durable))

    @precondition(lambda self: self.connected)
    @rule()
    def cut(self) -> None:
        self.connected = False
        self.frames.clear()
        self.answers.clear()
        self.sender.detach()

    @precondition(lambda self: self.receiver.end)
    @rule()
    def crash_receiver(self) -> None:
        self.cut()
        self.receiver = ReceiveStream(self.receiver.durable, window=self.window)
        del self.received[self.receiver.end :]

    @precondition(lambda self: self.frames)
    @rule(count=counts, twice=st.booleans())
    def deliver_frames(self, count: int, twice: bool) -> None:
        for _ in range(min(count, len(self.frames))):
            frame = self.frames.popleft()
            self._receive(frame)
            if twice:
                self._receive(frame)

    @precondition(lambda self: self.every_frame)
    @rule(data=st.data())
    def replay_frame(self, data: st.DataObject) -> None:
        frame = data.draw(st.sampled_from(self.every_frame))
        before = self.receiver.end
        try:
            self._receive(frame)
        except OffsetOutOfOrder as error:
            assert error.want == before == self.receiver.end

    def _receive(self, frame: Frame) -> None:
        if isinstance(frame, Bytes):
            skip = self.receiver.receive(frame.offset, len(frame.content))
            if skip is not None:
                self.received += frame.content[skip:]
        else:
            new = self.receiver.receive_gap(frame.start, frame.end)
            if new is not None:
                assert new[0] == len(self.received)
                self.received += [None] * (new[1] - new[0])

    @precondition(lambda self: self.answers)
    @rule(count=counts)
    def deliver_answers(self, count: int) -> None:
        for _ in range(min(count, len(self.answers))):
            answer = self.answers.popleft()
            if isinstance(answer, Acknowledge):
                self.sender.acknowledge(answer.offset, self.receiver.credit)
            else:
                self._resume(answer.offset)

    def _resume(self, offset: int) -> None:
        missing = self.sender.resume(offset, self.receiver.credit)
        if missing is not None:
            self._transmit(Hole(missing.start, missing.end))

    @precondition(lambda self: self.every_ack)
    @rule(data=st.data())
    def replay_acknowledgement(self, data: st.DataObject) -> None:
        ack = data.draw(st.sampled_from(self.every_ack))
        limit = self.sender.limit
        self.sender.acknowledge(ack.offset, self.receiver.credit)
        assert self.sender.limit >= limit, "a late acknowledgement takes no credit back"

    @precondition(lambda self: self.connected)
    @rule(part=parts, max_bytes=st.integers(1, 50))
    def everything_moves(self, part: float, max_bytes: int) -> None:
        """A moment in which the link lives."""
        self.deliver_answers(len(self.answers))
        self.send(max_bytes, frames=self.window)
        self.deliver_frames(len(self.frames), twice=False)
        self.keep_for_good(part)
        self.deliver_answers(len(self.answers))

    # ── what must hold ───────────────────────────────────────────────────────────────────────

    @invariant()
    def received_is_a_prefix_of_produced(self) -> None:
        assert len(self.received) == self.receiver.end <= len(self.produced)
        for offset, value in enumerate(self.received):
            if value is None:
                assert offset in self.dropped
            else:
                assert value == self.produced[offset]

    @invariant()
    def what_is_on_its_way_is_bounded(self) -> None:
        assert self.sender.unacknowledged <= self.window
        assert self.sender.limit <= self.receiver.durable + self.window
        kept, end = self.receiver.durable, self.receiver.end
        assert sum(value is not None for value in self.received[kept:end]) <= self.window

    @invariant()
    def the_marks_are_in_order(self) -> None:
        sender = self.sender
        assert sender.acked <= sender.sent <= sender.end
        assert sender.acked <= max(self.receiver.durable, sender.start)
        if sender.attached:
            assert sender.start <= sender.acked

    def teardown(self) -> None:
        if not hasattr(self, "sender"):
            return
        if not self.connected:
            self.connect()
        rounds = 0
        while not (self.sender.attached and self.sender.all_acknowledged):
            rounds += 1
            assert rounds <= 3 + len(self.produced) // self.window, "the link lives, nothing moves"
            self.everything_moves(part=1.0, max_bytes=50)
        self.received_is_a_prefix_of_produced()
        assert len(self.received) == len(self.produced)


TestStreamPair = StreamPair.TestCase


def test_a_frame_beyond_the_end_is_refused_and_the_rest_follows_from_there() -> None:
    receiver = ReceiveStream(window=100)
    with pytest.raises(OffsetOutOfOrder) as caught:
        receiver.receive(3, 4)
    assert receiver.receive(caught.value.want, 7) == 0
