"""Old epochs: whatever a replaced connection still brings, at whatever time, changes nothing.

One daemon and one hub, with whole messages through the codec. The daemon comes back again and
again; the frames of its earlier connections are still on their way when the next is welcomed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from arborlink.protocol.codec import Codec
from arborlink.protocol.errors import ConnectionReplaced
from arborlink.protocol.limits import WireLimits
from arborlink.protocol.link import (
    AuthReceived,
    Close,
    HubLink,
    LinkState,
    MessageReceived,
    Opened,
    PeerLink,
)
from arborlink.protocol.messages import (
    Ack,
    DaemonAuth,
    DaemonWelcome,
    HostInfo,
    Output,
    TaskPosition,
    ViewerAuth,
)
from arborlink.protocol.stream import ReceiveStream, SendStream

# Shrinking a failure takes longer than finding it, and so does the `long` profile.
pytestmark = pytest.mark.timeout(3_600)

CODEC = Codec(json=False)
TASK = "tsk_1"
WINDOW = 30
AUTH = DaemonAuth(
    daemon_id="dmn_1",
    auth_token="secret",
    workspace_id="ws_1",
    instance_id="one",
    protocol=1,
    version="0",
    host=HostInfo(hostname="h", platform="linux", user="u", path="/"),
)


@dataclass
class Connection:
    """One WebSocket: both ends and what is on its way, as frames."""

    peer: PeerLink = field(default_factory=lambda: PeerLink(AUTH, 0.0))
    hub: HubLink = field(default_factory=lambda: HubLink(0.0))
    up: deque[bytes | str] = field(default_factory=deque)
    down: deque[bytes | str | Close] = field(default_factory=deque)
    is_first: bool = True

    def flush(self) -> None:
        self.up += (CODEC.encode(m) for m in self.peer.to_send() if not isinstance(m, Close))
        self.down += (m if isinstance(m, Close) else CODEC.encode(m) for m in self.hub.to_send())


which = st.integers(0, 9)


class Epochs(RuleBasedStateMachine):
    """The hub knows the current connection; an older one may be current for nobody."""

    @initialize()
    def begin(self) -> None:
        self.produced = b""
        self.received = b""
        self.sender = SendStream()
        self.receiver = ReceiveStream(window=WINDOW)
        self.connections: list[Connection] = []
        self.current: Connection | None = None
        self.epoch = 0
        self.connect()

    @rule()
    def connect(self) -> None:
        """The daemon has lost its connection, as far as it knows; the hub may not have noticed."""
        if self.connections:
            self.connections[-1].peer.disconnected()
        self.sender.detach()
        self.connections.append(Connection())
        self.connections[-1].flush()

    @rule(content=st.binary(min_size=1, max_size=20))
    def produce(self, content: bytes) -> None:
        self.produced += content
        self.sender.grow(len(self.produced))

    @rule(max_bytes=st.integers(1, 15))
    def send(self, max_bytes: int) -> None:
        span = self.sender.next_range(max_bytes)
        if span is None:
            return
        start, end = span
        output = self.produced[start:end]
        connection = self.connections[-1]
        connection.peer.send(
            Output(task_id=TASK, offset=start, is_error=False, time=0, output=output)
        )
        self.sender.mark_sent(end)
        connection.flush()

    @rule(which=which)
    def a_frame_reaches_the_hub(self, which: int) -> None:
        connection = self.connections[-1 - which % len(self.connections)]
        if not connection.up:
            return
        frame, before = connection.up.popleft(), self.receiver.end
        if connection.is_first:
            connection.hub.receive(CODEC.decode_first(frame), 0.0)
            connection.is_first = False
        else:
            connection.hub.receive(CODEC.daemon_to_hub.decode(frame), 0.0)
        for event in connection.hub.events():
            if isinstance(event, AuthReceived):
                self.accept(connection, event.auth)
            elif isinstance(event, MessageReceived) and isinstance(event.message, Output):
                self.append(event.message)
        assert connection is self.current or self.receiver.end == before, "an old epoch wrote"
        connection.flush()

    def accept(self, connection: Connection, auth: DaemonAuth | ViewerAuth) -> None:
        assert auth == AUTH
        if self.current is not None:
            self.current.hub.fail(ConnectionReplaced("a newer connection took over"))
            self.current.flush()
        self.epoch += 1
        self.current = connection
        position = TaskPosition(task_id=TASK, offset=self.receiver.durable, credit=WINDOW)
        connection.hub.welcome(
            DaemonWelcome(epoch=self.epoch, hub_id="hub_1", limits=WireLimits(), tasks=[position]),
            0.0,
        )

    def append(self, message: Output) -> None:
        skip = self.receiver.receive(message.offset, len(message.output))
        if skip is not None:
            self.received += message.output[skip:]

    @rule()
    def the_hub_keeps_what_it_has(self) -> None:
        self.receiver.advance_durable(self.receiver.end)
        if self.current is not None and self.current.hub.state is LinkState.OPEN:
            ack = Ack(task_id=TASK, offset=self.receiver.durable, credit=WINDOW)
            self.current.hub.send(ack)
            self.current.flush()

    @rule(which=which)
    def a_frame_reaches_the_daemon(self, which: int) -> None:
        connection = self.connections[-1 - which % len(self.connections)]
        if not connection.down:
            return
        frame = connection.down.popleft()
        if isinstance(frame, Close):
            assert connection is not self.current
            assert frame.code == 4409
            connection.peer.disconnected()
            return
        connection.peer.receive(CODEC.hub_to_daemon.decode(frame), 0.0)
        for event in connection.peer.events():
            assert connection is self.connections[-1], "the daemon gave that connection up"
            if isinstance(event, Opened) and isinstance(event.welcome, DaemonWelcome):
                [position] = event.welcome.tasks
                self.sender.resume(position.offset, position.credit)
            elif isinstance(event, MessageReceived) and isinstance(event.message, Ack):
                self.sender.acknowledge(event.message.offset, event.message.credit)

    @invariant()
    def received_is_a_prefix_of_produced(self) -> None:
        assert self.received == self.produced[: self.receiver.end]

    @invariant()
    def only_the_current_connection_is_open_at_the_hub(self) -> None:
        accepted = [c for c in self.connections if c.hub.state is LinkState.OPEN]
        assert accepted in ([], [self.current])

    def teardown(self) -> None:
        if not hasattr(self, "sender"):
            return
        self.connect()
        while self.connections[-1].up:
            self.a_frame_reaches_the_hub(which=0)
        for _ in range(3 + 2 * len(self.produced) // WINDOW):
            while self.connections[-1].down:
                self.a_frame_reaches_the_daemon(which=0)
            for _ in range(WINDOW):
                self.send(max_bytes=15)
            while self.connections[-1].up:
                self.a_frame_reaches_the_hub(which=0)
            self.the_hub_keeps_what_it_has()
        assert self.received == self.produced
        assert self.epoch <= len(self.connections)


TestEpochs = Epochs.TestCase
