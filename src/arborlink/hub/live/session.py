"""The shell around a `HubLink`: one WebSocket, one reader, one flush point, one timer.

What daemons and viewers have in common. The subclass handles messages and says what bulk there is
to send; control messages go out between any two bulk frames.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from starlette.websockets import WebSocket, WebSocketDisconnect

from arborlink.hub.access import Identity
from arborlink.hub.live.admission import WaitingPlace
from arborlink.hub.live.clock import new_id, now_us
from arborlink.hub.live.traffic import Backlog, Meter, Traffic
from arborlink.protocol.codec import Codec, Decoder, frame_size
from arborlink.protocol.errors import (
    ArborError,
    PeerSilent,
    RemoteProtocolError,
    TooManyRequests,
    Unavailable,
)
from arborlink.protocol.fields import MAX_SENTENCE_CHARS
from arborlink.protocol.figures import ConnectionKind
from arborlink.protocol.link import AuthReceived, Close, HubLink, LinkState, MessageReceived
from arborlink.protocol.messages import AnyMessage, ErrorMessage, UnknownMessage
from arborlink.protocol.retry import explained, retry_seconds

Frame = bytes | str
T = TypeVar("T")

# How long a peer has to take the close frame, and what was on its way before it.
CLOSE_SECONDS = 0.5
# For a peer that asks and asks, and does not read. Commands and input of a handshake are fewer.
MAX_WAITING_MESSAGES = 65_536
STALLED_RETRY_SECONDS = 1.0
# How long a hub that was too slow for a handshake is left alone.
BUSY_RETRY_SECONDS = 5.0
# How many are handled before the loop has its turn.
MESSAGES_AT_ONCE = 64
# A close frame did not come: the connection broke (RFC 6455, 7.4.1).
BROKEN = 1006
INTERNAL_ERROR = Close(ArborError.close_code, "the hub made a mistake; its log says more")
# Starlette raises the first when the peer is gone and the second after a close; uvicorn an OSError.
_GONE = (WebSocketDisconnect, RuntimeError, OSError)

logger = logging.getLogger(__name__)


class ConnectionLost(Exception):
    """The peer went away. `code`: that of its close frame."""

    def __init__(self, code: int = BROKEN) -> None:
        super().__init__(code)
        self.code = code


class Session:
    """One authenticated connection. `address` is for people.

    `traffic` counts what came and went since the connection was let in. `closed`: once it is over,
    how we closed it, or the code with which the peer did.
    """

    kind: ClassVar[ConnectionKind]

    def __init__(self, websocket: WebSocket, codec: Codec, link: HubLink) -> None:
        self.id = new_id("con")
        self.link = link
        self.codec = codec
        self.connected_at = time.time()
        self.address = websocket.client.host if websocket.client else "unknown"
        self.identity: Identity | None = None
        self.closed: Close | int = BROKEN
        self.traffic = Traffic()
        self.meter = Meter()
        self._websocket = websocket
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._waiting = 0
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, decoder: Decoder[Any]) -> None:
        """Until either side closes. Never raises for what the peer did."""
        self._arm()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(decoder))
                group.create_task(self._write())
                group.create_task(self._end())
                self.start_tasks(group)
        except* ConnectionLost:
            pass
        except* Exception:
            # A mistake of ours ends this connection and nothing else.
            logger.exception("a connection of %s is closed because of a mistake", self.address)
            self.closed = INTERNAL_ERROR
            await close_websocket(self._websocket, INTERNAL_ERROR)
        finally:
            self.link.disconnected()
            if self._timer is not None:
                self._timer.cancel()

    def start_tasks(self, group: asyncio.TaskGroup) -> None:
        """Further tasks of the subclass, which end when the connection does."""

    async def admits(self, message: AnyMessage | UnknownMessage) -> bool:
        """Whether to look at a message that has arrived; nothing is read until it is known."""
        return True

    async def handle(self, message: AnyMessage) -> None:
        """A message of an open link. An `ArborError` is answered; a protocol error closes."""
        raise NotImplementedError

    def next_bulk(self) -> Frame | None:
        """The next frame that may wait behind control messages."""
        return None

    def backlog(self) -> Backlog:
        """What is still to be done here."""
        raise NotImplementedError

    def lag_ms(self) -> float | None:
        """How much older than the newest output the peer's is; None where that has no meaning."""
        return None

    @property
    def is_dead(self) -> bool:
        """Whether the peer was given up because nothing was heard of it."""
        return isinstance(self.link.failure, PeerSilent)

    def last_seen_us(self) -> int:
        """Until when there was a peer, in µs since 1970: now, unless it fell silent before."""
        silence = time.monotonic() - self.link.heartbeat.last_heard
        # One that is there is never silent for longer than from one of its heartbeats to the next.
        was_away = silence > self.link.heartbeat.liveness.interval
        return now_us() - (round(silence * 1_000_000) if was_away else 0)

    def collect(self) -> None:
        """Queue on the link what has come together since the last flush."""

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    def send(self, message: AnyMessage) -> None:
        """Queue a control message; silently dropped once the link is closed."""
        if self.link.state.value == "open":
            self.link.send(message)
            self._count()
            self._wake.set()

    def _count(self) -> None:
        self._waiting += 1
        if self._waiting > MAX_WAITING_MESSAGES:
            self.fail(
                TooManyRequests(
                    "read what there is before you ask for more",
                    retry_after=STALLED_RETRY_SECONDS,
                )
            )

    def fail(self, error: ArborError) -> None:
        """Close because of `error`."""
        self.link.fail(error)
        self._note()

    def close(self, code: int, text: str, *, retry_after: int | None = None) -> None:
        """Close the connection; see `Link.close`."""
        self.link.close(code, text, retry_after=retry_after)
        self._note()

    def _note(self) -> None:
        """The link may have something to send, or be closed."""
        if self.link.wants_to_send:
            self._wake.set()
        if self.link.state is LinkState.CLOSED:
            self._closing.set()

    async def _end(self) -> None:
        """A peer that does not read cannot keep its connection after we closed it."""
        await self._closing.wait()
        await asyncio.sleep(0 if self.is_dead else CLOSE_SECONDS)
        raise ConnectionLost

    async def _read(self, decoder: Decoder[Any]) -> None:
        while True:
            try:
                frame = await receive_frame(self._websocket)
            except ConnectionLost as lost:
                # After our own close frame this is only the peer's answer to it.
                self.closed = lost.code if self.closed == BROKEN else self.closed
                raise
            self.traffic.messages_in += 1
            self.traffic.bytes_in += frame_size(frame)
            try:
                message = decoder.decode(frame)
                if await self.admits(message):
                    self.link.receive(message, time.monotonic())
            except RemoteProtocolError as error:
                self.link.fail(without_trace(error))
            for event in self.link.events():
                if isinstance(event, MessageReceived):
                    await self._handle(event.message)
            if self.link.wants_to_send:
                self._count()
            self._note()
            if self.traffic.messages_in % MESSAGES_AT_ONCE == 0:
                # A peer that is never out of messages does not keep the others from theirs.
                await asyncio.sleep(0)

    async def _handle(self, message: AnyMessage) -> None:
        try:
            await self.handle(message)
        except RemoteProtocolError as error:
            self.link.fail(without_trace(error))
        except ArborError as error:
            self.send(error_message(error, getattr(message, "task_id", None)))

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._flush()

    async def _flush(self) -> None:
        """The one place that sends."""
        while True:
            self.collect()
            self._waiting = 0
            for message in self.link.to_send():
                if isinstance(message, Close):
                    self.closed = message
                    await close_websocket(self._websocket, message)
                    raise ConnectionLost
                await self._send_frame(self.codec.encode(message))
            frame = self.next_bulk()
            if frame is None:
                return
            await self._send_frame(frame)

    async def _send_frame(self, frame: Frame) -> None:
        await send_frame(self._websocket, frame)
        self.traffic.messages_out += 1
        self.traffic.bytes_out += frame_size(frame)

    def _arm(self) -> None:
        deadline = self.link.next_deadline()
        if deadline is not None:
            delay = max(0.0, deadline - time.monotonic())
            self._timer = asyncio.get_running_loop().call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        self.link.on_deadline(time.monotonic())
        self._note()
        self._arm()


def error_message(error: ArborError, ref: str | None) -> ErrorMessage:
    """What a peer is told of an error that does not end its connection."""
    return ErrorMessage(
        code=error.code,
        message=explained(error)[:MAX_SENTENCE_CHARS],
        ref=error.ref or ref,
        want=getattr(error, "want", None),
        retry_after=retry_seconds(error),
    )


def without_trace(error: ArborError) -> ArborError:
    """What a link may keep: its trace would keep the whole message that was wrong, in a circle."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


async def receive_frame(websocket: WebSocket) -> Frame:
    """One WebSocket message.

    Raises:
        ConnectionLost: there are no more.
    """
    event = await websocket.receive()
    if event["type"] == "websocket.disconnect":
        raise ConnectionLost(event.get("code", BROKEN))
    frame: Frame | None = event.get("bytes")
    return frame if frame is not None else event["text"]


async def send_frame(websocket: WebSocket, frame: Frame) -> None:
    """Send one WebSocket message; waits while the peer does not take it.

    Raises:
        ConnectionLost: the peer is gone.
    """
    try:
        if isinstance(frame, str):
            await websocket.send({"type": "websocket.send", "text": frame})
        else:
            await websocket.send({"type": "websocket.send", "bytes": frame})
    except _GONE as error:
        raise ConnectionLost from error


async def close_websocket(websocket: WebSocket, close: Close) -> None:
    """Send the close frame, if there is still somebody to send it to."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await websocket.close(close.code, close.reason)
    except (*_GONE, TimeoutError):
        return


async def authenticate(
    websocket: WebSocket,
    link: HubLink,
    codec: Codec,
    accept: Callable[[AuthReceived], Any],
    place: WaitingPlace,
) -> Any:
    """Read the first message and let `accept` answer it within the link's deadline, for as long as
    the connection has its place among those that wait.

    Raises:
        ConnectionLost: the peer left, was too slow or was refused; the socket is closed.
    """
    deadline = link.next_deadline()
    assert deadline is not None
    try:
        async with asyncio.timeout(max(0.0, deadline - time.monotonic())) as timer:
            place.ends_by(timer)
            frame = await receive_frame(websocket)
            link.receive(codec.decode_first(frame), time.monotonic())
            (event,) = link.events()
            assert isinstance(event, AuthReceived)
            return await accept(event)
    except TimeoutError:
        if place.lost is not None:
            link.fail(place.lost)
        link.on_deadline(deadline)
        # It was in time, and we were not.
        link.fail(Unavailable("the hub is too busy to let you in", retry_after=BUSY_RETRY_SECONDS))
    except ArborError as error:
        logger.debug("a connection was refused", extra={"reason": error.code})
        link.fail(without_trace(error))
    except ConnectionLost:
        raise
    except Exception:
        logger.exception("a connection is refused because of a mistake")
        link.close(INTERNAL_ERROR.code, INTERNAL_ERROR.reason)
    for message in link.to_send():
        if isinstance(message, Close):
            await close_websocket(websocket, message)
    raise ConnectionLost
