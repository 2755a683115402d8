"""What supervisor and connector say to each other, and how it is cut into frames. Pure.

A frame is four bytes of length and a MessagePack array. Output never crosses: the connector reads
the spool.
"""

from __future__ import annotations

import struct
from typing import Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from arborlink.daemon.processes import Tree
from arborlink.protocol.messages import Cancel, Command, Input, Resize, Status
from arborlink.protocol.resources import TerminalSizeChange

MAX_FRAME_BYTES: Final = 4 * 1024 * 1024
# A supervisor lives on over an upgrade, and the connectors that it starts are of the new release.
# The number goes up when one of them would misunderstand the other; optional fields at the end of a
# message, which the other one ignores, do not count. 0: from before there was a number.
CHANNEL_VERSION: Final = 1
OLDEST_CHANNEL_VERSION: Final = 0
_LENGTH: Final = struct.Struct("<I")


class IpcMessage(Struct, frozen=True, array_like=True):
    """Base of all of them. `workspace` is a workspace's id."""


# ── supervisor → connector ───────────────────────────────────────────────────────────────────


class ServedWorkspace(Struct, frozen=True, array_like=True):
    """Everything needed to authenticate as a workspace's daemon.

    `keeps_hub_key`: the supervisor stores the hub's key. One that was started before an upgrade
    does not know the messages about it. `never_started`: tasks that waited for their turn when an
    earlier supervisor ended.
    """

    workspace: str
    hub: str
    daemon_id: str
    auth_token: str
    path: str
    ca: str | None = None
    previous_token: str | None = None
    hub_key: str | None = None
    keeps_hub_key: bool = False
    never_started: list[str] = []


class Begin(IpcMessage, tag="begin", frozen=True):
    """The first message. `instance_id` is this supervisor's; the snapshot of tasks follows.

    `version` is the supervisor's release, `channel` the version that it speaks here.
    """

    instance_id: str
    workspaces: list[ServedWorkspace]
    version: str | None = None
    channel: int = 0

    @property
    def is_understood(self) -> bool:
        """Whether this release speaks with that supervisor."""
        return OLDEST_CHANNEL_VERSION <= self.channel <= CHANNEL_VERSION


class Ready(IpcMessage, tag="ready", frozen=True):
    """The snapshot is complete: connect."""


class TaskKnown(IpcMessage, tag="task", frozen=True):
    """A task that the hub has not settled. `stem` is its log's, None if it never had output.

    `tree` is there while it may have processes: they are ended if the supervisor dies.
    """

    workspace: str
    task_id: str
    log_id: str
    stem: str | None
    start: int
    end: int
    input_offset: int
    status: Status
    tree: Tree | None
    sizes: list[TerminalSizeChange] = []


class Grown(IpcMessage, tag="grown", frozen=True):
    """A task's output may be sent up to `end`; below `start` it is not kept any more."""

    workspace: str
    task_id: str
    start: int
    end: int


class StatusChanged(IpcMessage, tag="status", frozen=True):
    """A task's status, also as the answer to a command or a cancel that is not news."""

    workspace: str
    status: Status


class InputWritten(IpcMessage, tag="written", frozen=True):
    """Input below `offset` has been written to the command."""

    workspace: str
    task_id: str
    offset: int


class TerminalResized(IpcMessage, tag="resized", frozen=True):
    """A task's terminal has this size, from an offset of its output on."""

    workspace: str
    task_id: str
    size: TerminalSizeChange


class TokenKept(IpcMessage, tag="kept", frozen=True):
    """The token that a rotation brought is on disk."""

    workspace: str
    rotation_id: str
    auth_token: str


class HubKeyChanged(IpcMessage, tag="key", frozen=True):
    """The hub is to have this public key from now on; None: whichever it proves first."""

    workspace: str
    hub_key: str | None


class Stop(IpcMessage, tag="stop", frozen=True):
    """Close the connections and exit."""


# ── connector → supervisor ───────────────────────────────────────────────────────────────────


class Hello(IpcMessage, tag="hello", frozen=True):
    """The answer to the `Begin` of a supervisor that knows it (`channel` 1): our release."""

    version: str
    channel: int


class StartTask(IpcMessage, tag="start", frozen=True):
    """The hub wants a command to run."""

    workspace: str
    command: Command


class FeedInput(IpcMessage, tag="input", frozen=True):
    """Input for a command."""

    workspace: str
    input: Input


class ResizeTerminal(IpcMessage, tag="resize", frozen=True):
    """The terminal of a task has another size."""

    workspace: str
    resize: Resize


class CancelTask(IpcMessage, tag="cancel", frozen=True):
    """End a task."""

    workspace: str
    cancel: Cancel


class Acknowledged(IpcMessage, tag="acked", frozen=True):
    """The hub has the output below `offset` for good; `settled`: the end of the task as well."""

    workspace: str
    task_id: str
    offset: int
    settled: bool


class Incomplete(IpcMessage, tag="incomplete", frozen=True):
    """The hub was told of a gap that the log does not have: its checksum says nothing there."""

    workspace: str
    task_id: str


class KeepToken(IpcMessage, tag="keep", frozen=True):
    """Store this token, and `previous_token` beside it.

    `rotation_id`: the hub waits for an answer.
    """

    workspace: str
    auth_token: str
    previous_token: str | None = None
    rotation_id: str | None = None


class KeepHubKey(IpcMessage, tag="keepkey", frozen=True):
    """The hub has proven this public key, and none was known: store it."""

    workspace: str
    hub_key: str


class HubNotProven(IpcMessage, tag="unproven", frozen=True):
    """What answers is not the hub with the key that is known: another may be stored by now."""

    workspace: str


class Connected(IpcMessage, tag="connected", frozen=True):
    """Whether there is a connection to the hub now."""

    workspace: str
    connected: bool


class Refused(IpcMessage, tag="refused", frozen=True):
    """The hub does not want this daemon, for good."""

    workspace: str


ToConnector = (
    Begin
    | Ready
    | TaskKnown
    | Grown
    | StatusChanged
    | InputWritten
    | TerminalResized
    | TokenKept
    | HubKeyChanged
    | Stop
)
ToSupervisor = (
    Hello
    | StartTask
    | FeedInput
    | ResizeTerminal
    | CancelTask
    | Acknowledged
    | Incomplete
    | KeepToken
    | KeepHubKey
    | HubNotProven
    | Connected
    | Refused
)

T = TypeVar("T")
_ENCODER: Final = msgspec.msgpack.Encoder()


class FrameError(Exception):
    """The other process sent what is not a frame: it is broken, or too new."""


def encode(message: ToConnector | ToSupervisor) -> bytes:
    """The frame of a message."""
    body = _ENCODER.encode(message)
    return _LENGTH.pack(len(body)) + body


class Frames(Generic[T]):
    """Bytes as they arrive in, messages out."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[T]) -> None:
        self._decode = decoder.decode
        self._buffer = bytearray()

    def receive(self, data: bytes | memoryview) -> list[T]:
        """The messages that are complete with `data`.

        Raises:
            FrameError: a frame is too long or does not parse.
        """
        self._buffer += data
        messages: list[T] = []
        at = 0
        while len(self._buffer) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer, at)
            if length > MAX_FRAME_BYTES:
                raise FrameError(f"a frame of {length} bytes is above {MAX_FRAME_BYTES}")
            if len(self._buffer) - at - _LENGTH.size < length:
                break
            at += _LENGTH.size
            body = bytes(self._buffer[at : at + length])
            at += length
            try:
                messages.append(self._decode(body))
            except msgspec.MsgspecError as error:
                raise FrameError(str(error)) from error
        del self._buffer[:at]
        return messages


def from_supervisor() -> Frames[ToConnector]:
    """The connector's end."""
    return Frames(msgspec.msgpack.Decoder(ToConnector))


def from_connector() -> Frames[ToSupervisor]:
    """The supervisor's end."""
    return Frames(msgspec.msgpack.Decoder(ToSupervisor))
