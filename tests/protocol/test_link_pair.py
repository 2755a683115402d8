"""Both ends of a connection under one virtual clock: delays, stalls, half-open links.

A live link is never given up, however slow it is and whoever stood still for up to eight seconds.
A direction that is dead is found within the silence. A closed end says nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import count
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from arborlink.protocol import limits
from arborlink.protocol.limits import WireLimits
from arborlink.protocol.link import (
    AuthReceived,
    Close,
    HubLink,
    Link,
    LinkState,
    MessageReceived,
    PeerLink,
)
from arborlink.protocol.messages import (
    AnyMessage,
    ErrorMessage,
    Heartbeat,
    UnknownMessage,
    Unsubscribe,
    ViewerAuth,
    ViewerWelcome,
)

# Shrinking a failure takes longer than finding it, and so does the `long` profile.
pytestmark = pytest.mark.timeout(3_600)

Side = Literal["hub", "peer"]
SIDES: tuple[Side, Side] = ("hub", "peer")
OTHER: dict[Side, Side] = {"hub": "peer", "peer": "hub"}
WELCOME = ViewerWelcome(user_id="usr_1", scopes=[], limits=WireLimits())
MAX_DELAY = 1.0
# What was on its way when the link broke may still arrive.
FOUND_WITHIN = limits.SILENCE_SECONDS + MAX_DELAY

sides = st.sampled_from(SIDES)
delays = st.sampled_from([0.0, 0.01, 0.3, MAX_DELAY])


class LinkPair(RuleBasedStateMachine):
    """Each side reads its `inbox` of `(arrival, message)` unless it stands still."""

    @initialize(delay=delays)
    def begin(self, delay: float) -> None:
        self.now = 0.0
        self.delay = delay
        self.hub = HubLink(0.0)
        self.peer = PeerLink(ViewerAuth(auth_token="secret"), 0.0)
        self.inbox: dict[Side, deque[tuple[float, AnyMessage | UnknownMessage | Close]]]
        self.inbox = {"hub": deque(), "peer": deque()}
        self.stalled_until: dict[Side, float] = {"hub": 0.0, "peer": 0.0}
        self.dead_since: dict[Side, float] = {}
        self.closed_at: dict[Side, float] = {}
        self.received: dict[Side, list[str]] = {"hub": [], "peer": []}
        self.sent: dict[Side, list[str]] = {"hub": [], "peer": []}
        self.names: Iterator[int] = count()
        self.flush("peer")
        self.run_until(self.now + 2 * delay)
        assert self.is_open

    def end(self, side: Side) -> HubLink | PeerLink:
        return self.hub if side == "hub" else self.peer

    @property
    def is_open(self) -> bool:
        return self.hub.state is self.peer.state is LinkState.OPEN

    # ── the shell around each end ────────────────────────────────────────────────────────────

    def flush(self, side: Side) -> None:
        link, other = self.end(side), OTHER[side]
        messages = link.to_send()
        assert not (messages and side in self.closed_at), "a closed link says nothing more"
        for message in messages:
            if other not in self.dead_since:
                self.inbox[other].append((self.now + self.delay, message))
        if link.state is LinkState.CLOSED:
            self.closed_at.setdefault(side, self.now)

    def handle(self, side: Side, message: AnyMessage | UnknownMessage | Close) -> None:
        link = self.end(side)
        if isinstance(message, Close):
            link.disconnected()
            self.closed_at.setdefault(side, self.now)
            return
        link.receive(message, self.now)
        for event in link.events():
            if isinstance(event, AuthReceived):
                self.hub.welcome(WELCOME, self.now)
            elif isinstance(event, MessageReceived):
                self.hear(side, event.message)
        self.flush(side)

    def hear(self, side: Side, message: AnyMessage) -> None:
        if isinstance(message, Unsubscribe):
            self.received[side].append(message.task_id or "")
        else:
            assert isinstance(message, ErrorMessage)
            assert (side, message.code) == ("peer", "unknown_message")

    # ── the clock ────────────────────────────────────────────────────────────────────────────

    def due(self, side: Side) -> tuple[float, bool]:
        """When `side` is next served, and whether by its timer: a sleeper's timer fires first."""
        awake = self.stalled_until[side]
        deadline = self.end(side).next_deadline()
        timer = max(deadline, awake) if deadline is not None else float("inf")
        arrival = max(self.inbox[side][0][0], awake) if self.inbox[side] else float("inf")
        return min(timer, arrival), timer <= arrival

    def run_until(self, end: float) -> None:
        while True:
            (time, is_timer), side = min((self.due(side), side) for side in SIDES)
            if time > end:
                break
            self.now = max(self.now, time)
            if is_timer:
                self.end(side).on_deadline(self.now)
                self.flush(side)
            else:
                self.handle(side, self.inbox[side].popleft()[1])
        self.now = end

    @rule(seconds=st.sampled_from([0.001, 0.5, 4.9, 5.0, 12.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.run_until(self.now + seconds)

    # ── what may happen ──────────────────────────────────────────────────────────────────────

    @rule(side=sides, seconds=st.sampled_from([0.2, 4.9, 5.0, 5.3, 7.0, 8.0]))
    def stands_still(self, side: Side, seconds: float) -> None:
        """SIGSTOP, a blocked loop; there are a few seconds of life between two of them."""
        if self.now >= self.stalled_until[side] + 2.0:
            self.stalled_until[side] = self.now + seconds

    @rule(delay=delays)
    def the_way_takes(self, delay: float) -> None:
        """Messages stay in order: none overtakes those before it."""
        arrivals = [inbox[-1][0] for inbox in self.inbox.values() if inbox]
        self.delay = max([delay, *(arrival - self.now for arrival in arrivals)])

    @precondition(lambda self: self.is_open)
    @rule(side=sides)
    def says_something(self, side: Side) -> None:
        name = f"tsk_{next(self.names)}"
        self.end(side).send(Unsubscribe(task_id=name))
        self.sent[side].append(name)
        self.flush(side)

    @rule(side=sides, echo=st.sampled_from([None, 0, -1, 2**62, 1e300, 1]))
    def a_strange_heartbeat_arrives(self, side: Side, echo: float | None) -> None:
        self.handle(side, Heartbeat(sent_at=3, echo=echo))

    @rule(side=sides)
    def an_unknown_message_arrives(self, side: Side) -> None:
        self.handle(side, UnknownMessage("teleport"))

    @precondition(lambda self: any(self.inbox.values()))
    @rule(side=sides)
    def a_message_arrives_twice(self, side: Side) -> None:
        if self.inbox[side]:
            message = self.inbox[side][0][1]
            if isinstance(message, Heartbeat):
                self.handle(side, message)

    @precondition(lambda self: not self.dead_since)
    @rule(side=sides)
    def one_direction_dies(self, side: Side) -> None:
        """From now on nothing reaches `side`; what it sends still arrives."""
        self.inbox[side].clear()
        self.dead_since[side] = self.now

    @rule(side=sides, code=st.sampled_from([1000, 1012, 4409]))
    def closes(self, side: Side, code: int) -> None:
        self.end(side).close(code)
        self.flush(side)

    # ── what must hold ───────────────────────────────────────────────────────────────────────

    @invariant()
    def a_live_link_is_never_given_up(self) -> None:
        if not self.dead_since:
            assert self.hub.failure is None
            assert self.peer.failure is None

    @invariant()
    def what_was_said_arrives_in_order(self) -> None:
        for side in SIDES:
            said = self.sent[OTHER[side]]
            assert self.received[side] == said[: len(self.received[side])]

    @invariant()
    def a_closed_end_is_silent(self) -> None:
        for side in self.closed_at:
            link: Link = self.end(side)
            assert (link.to_send(), link.events(), link.next_deadline()) == ([], [], None)

    def teardown(self) -> None:
        if not hasattr(self, "now"):
            return
        start = max(self.now, *self.stalled_until.values())
        self.run_until(start + MAX_DELAY + FOUND_WITHIN)
        if self.dead_since:
            assert set(self.closed_at) == set(SIDES), "a half-open link is found by both"
        elif not self.closed_at:
            assert self.is_open
            for side in SIDES:
                assert self.received[side] == self.sent[OTHER[side]]
                assert (self.end(side).heartbeat.round_trip or 0.0) <= 2 * MAX_DELAY + 10


TestLinkPair = LinkPair.TestCase


@given(
    delay=st.floats(0, MAX_DELAY),
    stalls=st.lists(
        st.tuples(
            sides,
            st.sampled_from([0.1, 2.5, 4.9, 5.0, 7.5, 9.9, 10.0]),
            st.sampled_from([0.1, 4.9, 5.0, 7.9, 8.0, 9.0]),
        ),
        min_size=4,
        max_size=6,
    ),
)
# An answer lay unread when the verdict fell: the reason for the last look.
@example(
    delay=0.0,
    stalls=[
        ("hub", 0.1, 9.0),
        ("hub", 5.0, 9.0),
        ("peer", 7.5, 9.0),
        ("hub", 7.5, 9.0),
        ("hub", 4.9, 9.0),
    ],
)
def test_no_series_of_stalls_kills_a_live_link(
    delay: float, stalls: list[tuple[Side, float, float]]
) -> None:
    pair = LinkPair()
    pair.begin(delay=delay)
    for side, pause, length in stalls:
        pair.run_until(pair.now + pause)
        pair.stands_still(side=side, seconds=length)
    pair.run_until(pair.now + 60)
    assert pair.is_open


@given(delay=st.floats(0, MAX_DELAY), age=st.floats(0, 20), deaf=sides)
def test_a_dead_direction_is_found_in_time_whenever_it_dies(
    delay: float, age: float, deaf: Side
) -> None:
    pair = LinkPair()
    pair.begin(delay=delay)
    pair.run_until(pair.now + age)
    died = pair.now
    pair.one_direction_dies(side=deaf)
    pair.run_until(died + FOUND_WITHIN)
    assert deaf in pair.closed_at
