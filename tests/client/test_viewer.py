"""Whatever breaks: every byte once, in order, gaps exact, and never more buffered than allowed."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arborlink.client.chunks import Chunk, Gap, Snapshot, TerminalChange
from arborlink.client.input import ExactInput, TypedInput
from arborlink.client.subscription import MAX_CHANGES_AHEAD, MAX_WAITING_GAPS, Subscription
from arborlink.client.viewer import (
    ACK_DELAY_SECONDS,
    INPUT_RETRY_SECONDS,
    RESIZE_SECONDS,
    ViewerMachine,
)
from arborlink.protocol import limits
from arborlink.protocol.errors import (
    Conflict,
    InvalidInput,
    LocalProtocolError,
    NotAuthenticated,
    NotFound,
    RemoteProtocolError,
    Unavailable,
)
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.limits import WireLimits
from arborlink.protocol.messages import (
    AnyMessage,
    ErrorMessage,
    Output,
    Screen,
    Subscribe,
    TaskStatusChanged,
    TerminalState,
    Unsubscribe,
    ViewerAck,
    ViewerInput,
    ViewerResize,
)
from arborlink.protocol.messages import Gap as GapMessage

from .hub_half import TASK, HubHalf, Log

WINDOW = limits.SUBSCRIPTION_WINDOW_MIN_BYTES


class Pair:
    """A viewer and a hub with a link between them that can be cut."""

    def __init__(self, offset: int = 0) -> None:
        self.log = Log()
        self.viewer = ViewerMachine()
        self.subscription = Subscription(TASK, offset, window=WINDOW)
        self.viewer.follow(self.subscription)
        self.hub: HubHalf | None = None
        self.now = 0.0
        self.taken: list[Chunk | Gap] = []
        self._up: deque[AnyMessage] = deque()
        self._down: deque[AnyMessage] = deque()

    def connect(self) -> None:
        if self.hub is None:
            self.hub = HubHalf(self.log)
            self.viewer.connected()

    def cut(self) -> None:
        if self.hub is not None:
            self.hub = None
            self._up.clear()
            self._down.clear()
            self.viewer.disconnected()

    def exchange(self, most: int) -> None:
        """At most `most` messages each way."""
        if self.hub is None:
            return
        self._up.extend(self.viewer.to_send(self.now))
        for _ in range(min(most, len(self._up))):
            self.hub.receive(self._up.popleft())
        self._down.extend(self.hub.to_send())
        for _ in range(min(most, len(self._down))):
            self.viewer.receive(self._down.popleft(), self.now)
        assert self.buffered <= WINDOW

    def take(self, most: int) -> None:
        for _ in range(most):
            item = self.subscription.take()
            if isinstance(item, Chunk | Gap):
                self.taken.append(item)

    def crash(self, lost: int) -> None:
        """The hub loses bytes that it had sent but not synced."""
        self.cut()
        last = self.log.records[-1] if self.log.records else None
        if isinstance(last, Chunk):
            self.log.lost = min(lost, len(last.data))

    def finish(self) -> None:
        self.log.lost = 0
        self.log.final = True
        while not self.subscription.ended or self.subscription.take() is not None:
            self.connect()
            self.now += ACK_DELAY_SECONDS
            self.exchange(100)
            self.take(100)
        self.take(1)

    @property
    def buffered(self) -> int:
        return self.subscription._buffered


def joined(items: list[Chunk | Gap]) -> tuple[bytes, list[tuple[int, int]]]:
    """The bytes and the gaps; checks that each piece begins where the one before ended."""
    position, data, gaps = None, bytearray(), list[tuple[int, int]]()
    for item in items:
        start = item.start if isinstance(item, Gap) else item.offset
        assert position is None or start == position
        position = item.end
        if isinstance(item, Chunk):
            data += item.data
        elif gaps and gaps[-1][1] == start:
            gaps[-1] = (gaps[-1][0], item.end)
        else:
            gaps.append((start, item.end))
    return bytes(data), gaps


ACTIONS = st.one_of(
    st.tuples(st.just("write"), st.integers(1, 3 * WINDOW)),
    st.tuples(st.just("drop"), st.integers(1, 1 << 40)),
    st.tuples(st.just("exchange"), st.integers(1, 8)),
    st.tuples(st.just("take"), st.integers(1, 8)),
    st.tuples(st.just("cut"), st.just(0)),
    st.tuples(st.just("connect"), st.just(0)),
    st.tuples(st.just("crash"), st.integers(1, WINDOW)),
    st.tuples(st.just("wait"), st.integers(1, 3)),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(ACTIONS, max_size=60))
def test_every_byte_once_in_order_over_any_cuts(actions: list[tuple[str, int]]) -> None:
    pair = Pair()
    pair.connect()
    for number, (action, amount) in enumerate(actions):
        match action:
            case "write":
                pair.log.write(bytes([number % 251]) * amount, is_error=bool(number % 2))
            case "drop":
                pair.log.drop(amount)
            case "exchange":
                pair.exchange(amount)
            case "take":
                pair.take(amount)
            case "cut":
                pair.cut()
            case "connect":
                pair.connect()
            case "crash":
                pair.crash(amount)
            case "wait":
                pair.now += amount * ACK_DELAY_SECONDS
    pair.finish()
    expected = joined(pair.log.records)
    assert joined(pair.taken) == expected
    assert expected[0] == bytes(pair.log.written)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["write", "exchange", "cut", "ack"]), st.integers(1, 5))),
    st.booleans(),
)
def test_input_arrives_once_over_any_cuts(actions: list[tuple[str, int]], eof: bool) -> None:
    pair = Pair()
    stream = ExactInput(TASK)
    pair.viewer.open_input(stream)
    written = bytearray()
    for number, (action, amount) in enumerate(actions):
        pair.connect()
        if action == "write" and stream.room > 0:
            data = bytes([number % 251]) * min(stream.room, amount * 50_000)
            stream.write(data)
            written += data
        elif action == "exchange":
            pair.exchange(amount)
        elif action == "cut":
            pair.cut()
        elif action == "ack" and pair.hub is not None:
            pair.hub.acknowledge_input()
    if eof:
        stream.write(b"", eof=True)
    while not stream.settled:
        pair.connect()
        pair.exchange(100)
        assert pair.hub is not None
        pair.hub.acknowledge_input()
        pair.exchange(100)
    pair.exchange(100)
    assert pair.log.input == written
    assert pair.log.input_ended == eof


def test_a_negative_offset_begins_before_the_end_and_goes_on_after_a_cut() -> None:
    pair = Pair(offset=-3)
    pair.log.write(b"0123456789")
    pair.connect()
    pair.exchange(9)
    pair.take(1)
    pair.cut()
    pair.log.write(b"abc")
    pair.finish()
    assert joined(pair.taken)[0] == b"789abc"


def test_a_task_that_is_removed_while_it_is_read_ends_with_an_error() -> None:
    pair = Pair()
    pair.log.write(b"012")
    pair.connect()
    pair.exchange(9)
    assert pair.subscription.confirmed
    pair.viewer.receive(ErrorMessage(code="task_removed", message="gone", ref=TASK), pair.now)
    assert isinstance(pair.subscription.failure, NotFound)
    assert pair.subscription.failure.code == "task_removed"


def test_a_task_that_is_removed_when_all_of_it_is_here_is_no_error() -> None:
    pair = Pair()
    pair.log.write(b"012")
    pair.log.final = True
    pair.connect()
    pair.exchange(9)
    assert pair.subscription.ended
    pair.viewer.receive(ErrorMessage(code="task_removed", message="gone", ref=TASK), pair.now)
    pair.take(9)
    assert joined(pair.taken)[0] == b"012"
    assert pair.subscription.failure is None


def test_an_offset_beyond_the_end_of_a_finished_task_is_an_error() -> None:
    pair = Pair(offset=5)
    pair.log.write(b"012")
    pair.log.final = True
    pair.connect()
    pair.exchange(9)
    pair.exchange(9)
    assert isinstance(pair.subscription.failure, InvalidInput)
    assert "3" in pair.subscription.failure.message


def test_more_than_the_window_fails_the_connection() -> None:
    viewer = ViewerMachine()
    viewer.follow(Subscription(TASK, window=WINDOW))
    viewer.connected()
    frame = bytes(limits.OUTPUT_FRAME_BYTES)
    viewer.receive(Output(task_id=TASK, offset=0, is_error=False, time=0, output=frame), 0.0)
    with pytest.raises(RemoteProtocolError, match="window"):
        viewer.receive(
            Output(task_id=TASK, offset=len(frame), is_error=False, time=0, output=frame), 0.0
        )


def test_small_amounts_are_acknowledged_in_a_moment_and_large_ones_at_once() -> None:
    pair = Pair()
    pair.connect()
    pair.log.write(b"x")
    pair.exchange(9)
    pair.take(2)
    assert pair.viewer.to_send(1.0) == []
    assert pair.viewer.next_deadline() == 1.0 + ACK_DELAY_SECONDS
    assert pair.viewer.to_send(1.0 + ACK_DELAY_SECONDS) == [ViewerAck(task_id=TASK, offset=1)]
    pair.log.write(bytes(WINDOW // 2))
    pair.exchange(9)
    pair.take(9)
    assert pair.viewer.to_send(2.0) == [ViewerAck(task_id=TASK, offset=1 + WINDOW // 2)]
    assert pair.viewer.next_deadline() is None


def test_an_abandoned_task_is_not_followed_again_on_the_same_socket() -> None:
    viewer = ViewerMachine()
    viewer.connected()
    viewer.follow(Subscription(TASK))
    viewer.leave(TASK)
    assert [type(each) for each in viewer.to_send(0.0)] == [Subscribe, Unsubscribe]
    again = Subscription(TASK, 7)
    assert not viewer.may_follow(again)
    with pytest.raises(LocalProtocolError):
        viewer.follow(again)
    viewer.disconnected()
    viewer.connected()
    viewer.follow(again)


def test_a_connection_has_room_for_so_many_subscriptions() -> None:
    viewer = ViewerMachine()
    viewer.connected(WireLimits(subscriptions=1))
    viewer.follow(Subscription("tsk_a"))
    assert not viewer.may_follow(Subscription("tsk_b"))


def test_sizes_are_said_again_after_a_reconnect() -> None:
    viewer = ViewerMachine()
    viewer.follow(Subscription(TASK))
    viewer.connected()
    viewer.resize(TASK, 80, 24)
    viewer.resize(TASK, 100, 30)
    viewer.disconnected()
    viewer.connected()
    assert ViewerResize(task_id=TASK, cols=100, rows=30) in viewer.to_send(0.0)


def test_of_sizes_that_follow_quickly_the_newest_is_sent() -> None:
    viewer = ViewerMachine()
    viewer.follow(Subscription(TASK))
    viewer.connected()
    viewer.to_send(0.0)
    sent: list[tuple[float, ViewerResize]] = []
    now = 0.0
    for number in range(1_000):
        now = number * 0.001
        viewer.resize(TASK, 100 + number, 24, take=number == 10)
        sent += [(now, each) for each in viewer.to_send(now) if isinstance(each, ViewerResize)]
    assert viewer.next_deadline() is not None
    sent += [(2.0, each) for each in viewer.to_send(2.0) if isinstance(each, ViewerResize)]
    assert sent[0] == (0.0, ViewerResize(task_id=TASK, cols=100, rows=24))
    assert sent[-1] == (2.0, ViewerResize(task_id=TASK, cols=1_099, rows=24))
    assert len(sent) <= 2 + now / RESIZE_SECONDS
    assert [each.cols for _, each in sent] == sorted(each.cols for _, each in sent)
    # Control that was asked for goes with the next one, once.
    assert [each.take for _, each in sent].index(True) == 1
    assert sum(each.take for _, each in sent) == 1
    assert viewer.next_deadline() is None and viewer.to_send(3.0) == []


def test_a_size_is_sent_before_what_is_written_after_it() -> None:
    viewer, stream = ViewerMachine(), TypedInput(TASK)
    viewer.follow(Subscription(TASK))
    viewer.connected()
    viewer.open_input(stream)
    viewer.resize(TASK, 80, 24)
    viewer.to_send(0.0)
    viewer.resize(TASK, 90, 24)
    assert viewer.to_send(0.0) == []
    stream.write(b"x")
    size, written = viewer.to_send(0.0)
    assert size == ViewerResize(task_id=TASK, cols=90, rows=24)
    assert isinstance(written, ViewerInput)


@pytest.mark.parametrize(("code", "kind"), [("not_found", NotFound), ("conflict", Conflict)])
def test_a_refused_subscription_fails(code: str, kind: type[Exception]) -> None:
    viewer = ViewerMachine()
    subscription = Subscription(TASK)
    viewer.follow(subscription)
    viewer.connected()
    viewer.receive(ErrorMessage(code=code, message="no", ref=TASK), 0.0)
    assert isinstance(subscription.failure, kind)
    assert viewer.events() == [TASK]


def test_a_token_that_is_not_valid_fails_everything() -> None:
    viewer = ViewerMachine()
    subscription = Subscription(TASK)
    viewer.follow(subscription)
    viewer.fail(NotAuthenticated("revoked"))
    assert isinstance(subscription.failure, NotAuthenticated)


def test_input_waits_for_a_hub_that_cannot_take_it_yet() -> None:
    viewer = ViewerMachine()
    viewer.follow(Subscription(TASK))
    viewer.connected()
    stream = ExactInput(TASK)
    viewer.open_input(stream)
    stream.write(b"abc")
    viewer.to_send(0.0)
    viewer.receive(ErrorMessage(code="input_not_ready", message="wait", ref=TASK), 5.0)
    assert viewer.to_send(5.0) == []
    due = viewer.next_deadline()
    assert due == 5.0 + INPUT_RETRY_SECONDS
    assert viewer.to_send(due) == [ViewerInput(task_id=TASK, offset=0, input=b"abc")]


def test_input_of_somebody_else_is_a_conflict() -> None:
    stream = ExactInput(TASK)
    stream.connected()
    stream.write(b"abc")
    stream.acknowledge(10)
    assert isinstance(stream.failure, Conflict)


def test_typed_input_that_may_be_lost_is_reported() -> None:
    stream = TypedInput(TASK)
    stream.connected()
    stream.write(b"ls\n")
    assert stream.to_send() == [ViewerInput(task_id=TASK, input=b"ls\n")]
    stream.write(b"pwd\n")
    assert stream.to_send() == []
    stream.disconnected()
    assert isinstance(stream.failure, Unavailable)


def test_typed_input_goes_one_frame_at_a_time() -> None:
    stream = TypedInput(TASK)
    stream.connected()
    stream.write(b"a")
    stream.to_send()
    stream.write(b"b", eof=True)
    stream.acknowledge(1)
    assert stream.to_send() == [ViewerInput(task_id=TASK, input=b"b", eof=True)]
    stream.acknowledge(2)
    assert stream.settled


def test_input_goes_back_to_where_the_hub_wants_it() -> None:
    viewer = ViewerMachine()
    viewer.follow(Subscription(TASK))
    viewer.connected()
    stream = ExactInput(TASK)
    viewer.open_input(stream)
    stream.write(b"0123456789")
    viewer.to_send(0.0)
    viewer.receive(ErrorMessage(code="offset_out_of_order", message="later", ref=TASK, want=4), 0.0)
    assert viewer.to_send(0.0) == [ViewerInput(task_id=TASK, offset=4, input=b"456789")]
    viewer.receive(
        ErrorMessage(code="offset_out_of_order", message="later", ref=TASK, want=11), 0.0
    )
    assert isinstance(stream.failure, Conflict)


def test_the_input_window_bounds_what_is_on_its_way() -> None:
    stream = ExactInput(TASK)
    stream.connected()
    stream.write(bytes(stream.room))
    assert stream.room == 0
    with pytest.raises(LocalProtocolError):
        stream.write(b"x")
    frames = stream.to_send()
    assert sum(len(each.input) for each in frames) == limits.INPUT_WINDOW_BYTES
    assert max(len(each.input) for each in frames) == limits.INPUT_FRAME_BYTES
    stream.acknowledge(10)
    assert stream.room == 10


def test_who_names_no_window_has_the_one_that_the_hub_announces() -> None:
    viewer = ViewerMachine()
    subscription, small = Subscription(TASK), Subscription("tsk_2", window=32 * 1024)
    viewer.follow(subscription)
    viewer.follow(small)
    viewer.connected(WireLimits(subscription_window_bytes=40_000))
    assert viewer.to_send(0.0) == [
        Subscribe(task_id=TASK),
        Subscribe(task_id="tsk_2", window=32 * 1024),
    ]
    output = Output(task_id=TASK, offset=0, is_error=False, time=0, output=bytes(10_000))
    viewer.receive(output, 0.0)
    subscription.take()
    subscription.take()
    assert subscription.ack_is_due and not small.ack_is_due
    # Of a hub with larger frames one more may be on its way.
    viewer.connected(WireLimits(subscription_window_bytes=40_000, output_frame_bytes=500_000))
    subscription.receive_output(
        Output(task_id=TASK, offset=10_000, is_error=False, time=0, output=bytes(500_000))
    )


@pytest.mark.parametrize("stream", [ExactInput(TASK), TypedInput(TASK)])
def test_input_keeps_to_what_the_hub_announces(stream: ExactInput | TypedInput) -> None:
    stream.connected(WireLimits(input_frame_bytes=4, input_window_bytes=10))
    assert stream.room == 10
    stream.write(b"0123456789")
    assert stream.room == 0
    offset = 0
    while frames := stream.to_send():
        assert all(len(frame.input) <= 4 for frame in frames)
        offset += sum(len(frame.input) for frame in frames)
        stream.acknowledge(offset)
    assert offset == 10 and stream.settled


def test_typed_input_waits_until_the_hub_has_said_where_it_goes_on() -> None:
    viewer = ViewerMachine()
    viewer.follow(Subscription(TASK))
    viewer.connected(tells_input_end=True)
    stream = TypedInput(TASK)
    viewer.open_input(stream)
    stream.write(b"ls\n", eof=True)
    viewer.to_send(0.0)
    assert viewer.to_send(0.0) == []
    # A hub that restarted does not know it before the daemon is back.
    viewer.receive(TaskStatusChanged(task_id=TASK, status=TaskStatus.RUNNING), 0.0)
    assert viewer.to_send(0.0) == []
    told = TaskStatusChanged(task_id=TASK, status=TaskStatus.RUNNING, input_end=7)
    viewer.receive(told, 0.0)
    sent = [ViewerInput(task_id=TASK, input=b"ls\n", eof=True)]
    assert viewer.to_send(0.0) == sent
    # Another one, which did not get it: what an earlier connection was told does not count.
    viewer.disconnected()
    viewer.connected(tells_input_end=True)
    assert ViewerInput not in {type(each) for each in viewer.to_send(0.0)}
    viewer.receive(told, 0.0)
    assert viewer.to_send(0.0) == sent and stream.failure is None


def test_a_terminal_goes_on_from_its_screen() -> None:
    viewer = ViewerMachine()
    subscription = Subscription(TASK, -100, terminal=True)
    viewer.follow(subscription)
    viewer.connected()
    assert viewer.to_send(0.0) == [Subscribe(task_id=TASK, offset=-100, terminal=True)]
    viewer.receive(Screen(task_id=TASK, offset=50, cols=80, rows=24, output=b"$ "), 0.0)
    state = TerminalState(task_id=TASK, offset=50, cols=80, rows=24, controls=False)
    viewer.receive(state, 0.0)
    viewer.receive(Output(task_id=TASK, offset=50, time=1, is_error=False, output=b"ls"), 0.0)
    taken = [subscription.take() for _ in range(4)]
    assert taken[:2] == [Snapshot(50, 80, 24, b"$ "), TerminalChange(50, 80, 24, controls=False)]
    assert taken[2] == Chunk(50, False, 1, b"ls") and taken[3] is None
    assert subscription.consumed == 52


def test_a_change_of_a_terminal_waits_for_the_output_before_it() -> None:
    subscription = Subscription(TASK, terminal=True)
    subscription.subscribe()
    for offset in (2, 4, 6):
        state = TerminalState(task_id=TASK, offset=offset, cols=offset, rows=1, controls=True)
        subscription.receive_terminal(state)
    subscription.receive_output(
        Output(task_id=TASK, offset=0, time=1, is_error=False, output=b"abcdef")
    )
    taken = []
    while (item := subscription.take()) is not None:
        taken.append(item)
    shown = [each.data if isinstance(each, Chunk) else each.end for each in taken]
    assert shown == [b"ab", 2, b"cd", 4, b"ef", 6]


@pytest.mark.parametrize("before", [b"", b"abc"])
def test_changes_of_a_terminal_without_end_keep_no_memory_of_a_slow_reader(before: bytes) -> None:
    """A machine can say sizes as fast as it likes; no window bounds them."""
    subscription = Subscription(TASK, terminal=True)
    subscription.subscribe()
    end = len(before)
    if before:
        subscription.receive_output(
            Output(task_id=TASK, offset=0, time=1, is_error=False, output=before)
        )
    for number in range(1, 5_001):
        state = TerminalState(
            task_id=TASK, offset=end, cols=number % 999 + 1, rows=1, controls=True
        )
        subscription.receive_terminal(state)
    subscription.receive_output(
        Output(task_id=TASK, offset=end, time=1, is_error=False, output=b"d")
    )
    taken = []
    while (item := subscription.take()) is not None:
        taken.append(item)
    assert len(taken) <= MAX_CHANGES_AHEAD + 2
    # The newest is the one in force, and it is before what was written at it.
    assert taken[-1] == Chunk(end, False, 1, b"d")
    assert taken[-2] == TerminalChange(end, 5_000 % 999 + 1, 1, controls=True)


def test_gaps_without_end_keep_no_memory_of_a_slow_reader() -> None:
    subscription = Subscription(TASK)
    subscription.subscribe()

    def tell(start: int) -> None:
        subscription.receive_gap(
            GapMessage(task_id=TASK, start=start, end=start + 1, reason="spool_full")
        )

    for start in range(MAX_WAITING_GAPS):
        tell(start)
    # What was read makes room.
    assert isinstance(subscription.take(), Gap)
    tell(MAX_WAITING_GAPS)
    with pytest.raises(RemoteProtocolError, match="more than 10000 gaps"):
        tell(MAX_WAITING_GAPS + 1)


def test_a_screen_takes_the_place_of_what_is_not_read_yet() -> None:
    subscription = Subscription(TASK, terminal=True)
    subscription.subscribe()
    subscription.receive_output(
        Output(task_id=TASK, offset=0, time=1, is_error=False, output=b"abc")
    )
    subscription.subscribe()
    subscription.receive_screen(Screen(task_id=TASK, offset=9, cols=2, rows=1, output=b"x"))
    assert subscription.take() == Snapshot(9, 2, 1, b"x")
    subscription.receive_output(Output(task_id=TASK, offset=9, time=1, is_error=False, output=b"y"))
    assert subscription.take() == Chunk(9, False, 1, b"y")
    assert subscription.take() is None and subscription.unacknowledged == 1


def test_answers_do_not_wait_for_what_is_typed() -> None:
    stream = TypedInput(TASK)
    stream.write_reply(b"too early")
    stream.connected()
    stream.write(b"ls\n")
    stream.to_send()
    stream.write(b"pwd\n")
    stream.write_reply(b"\x1b[1;1R")
    assert stream.to_send() == [ViewerInput(task_id=TASK, input=b"\x1b[1;1R", is_reply=True)]


def test_typed_input_that_the_hub_did_not_take_is_sent_again() -> None:
    stream = TypedInput(TASK)
    stream.connected()
    stream.write(b"ls\n")
    sent = stream.to_send()
    stream.pause()
    assert stream.to_send() == [] and stream.failure is None
    stream.connected()
    assert stream.to_send() == sent


def test_control_is_taken_once_and_the_size_is_said_again() -> None:
    viewer = ViewerMachine()
    viewer.follow(Subscription(TASK, terminal=True))
    viewer.resize(TASK, 80, 24, take=True)
    viewer.connected()
    taking = ViewerResize(task_id=TASK, cols=80, rows=24, take=True)
    assert viewer.to_send(0.0)[-1] == taking
    viewer.disconnected()
    viewer.connected()
    assert viewer.to_send(0.0)[-1] == ViewerResize(task_id=TASK, cols=80, rows=24)
