"""Bytes of a WebSocket message to a message and back, for both sub-protocols.

Limits are applied to the frame before anything is allocated for its content. An unknown `type`
becomes an `UnknownMessage`; anything else that does not fit is a `MalformedMessage`.
"""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar

import msgspec

from arborlink.protocol import limits
from arborlink.protocol.errors import MalformedMessage, MessageTooLarge
from arborlink.protocol.messages import (
    AnyMessage,
    DaemonAuth,
    DaemonToHub,
    HubToDaemon,
    HubToViewer,
    Output,
    UnknownMessage,
    ViewerAuth,
    ViewerToHub,
)

MSGPACK_SUBPROTOCOL: Final = "arbor.v1.msgpack"
JSON_SUBPROTOCOL: Final = "arbor.v1.json"
SUBPROTOCOLS: Final = (MSGPACK_SUBPROTOCOL, JSON_SUBPROTOCOL)

T = TypeVar("T")

# TypeError: a text frame on a connection of MessagePack.
_UNREADABLE: Final = (msgspec.MsgspecError, RecursionError, UnicodeError, TypeError)


class _Tag(msgspec.Struct):
    type: str


class _AuthPeek(msgspec.Struct, tag_field="type", tag="auth", rename="camel"):
    daemon_id: object = None


class Decoder(Generic[T]):
    """Decodes one direction's messages of one sub-protocol.

    `max_bytes` bounds the frame, `output_bytes` what an `output` carries.
    """

    def __init__(
        self, union: Any, *, json: bool, max_bytes: int, output_bytes: int | None = None
    ) -> None:
        make = msgspec.json.Decoder if json else msgspec.msgpack.Decoder
        self._decode = make(union).decode
        self._decode_tag = make(_Tag).decode
        self._tags = _tags_of(union)
        self._max_bytes = max_bytes
        self._output_bytes = output_bytes

    def decode(self, frame: bytes | str) -> T | UnknownMessage:
        """Decode one frame.

        Raises:
            MessageTooLarge: the frame is above the limit, and its content was not looked at; or
                there is more output in it than there may be.
            MalformedMessage: it does not parse, or breaks a field's type or bound.
        """
        size = frame_size(frame)
        if size > self._max_bytes:
            raise MessageTooLarge(
                f"a message of {size} bytes is above the limit of {self._max_bytes} bytes"
            )
        try:
            message: T = self._decode(frame)  # type: ignore[arg-type]
        except _UNREADABLE as error:
            return self._explain(frame, error)
        if self._output_bytes is not None and isinstance(message, Output):
            _check_output(message, self._output_bytes)
        return message

    def _explain(self, frame: bytes | str, error: Exception) -> UnknownMessage:
        try:
            tag = self._decode_tag(frame).type  # type: ignore[arg-type]
        except _UNREADABLE:
            tag = None
        if tag is not None and tag not in self._tags:
            return UnknownMessage(tag)
        raise MalformedMessage(f"the message cannot be read: {error}") from error


def _check_output(message: Output, allowed: int) -> None:
    size = len(message.output)
    if size > allowed:
        raise MessageTooLarge(
            f"an output of {size} bytes is above the limit of {allowed} bytes", ref=message.task_id
        )


def frame_size(frame: bytes | str) -> int:
    """Return a frame's length in bytes, which for text is not its length in characters."""
    if isinstance(frame, bytes) or frame.isascii():
        return len(frame)
    return len(frame.encode(errors="surrogatepass"))


def _tags_of(union: Any) -> frozenset[str]:
    members = getattr(union, "__args__", (union,))
    return frozenset(str(member.__struct_config__.tag) for member in members)


class Codec:
    """One sub-protocol, both directions, with the limits of `settings` applied.

    `encode` returns `str` for JSON (a text frame) and `bytes` for MessagePack (a binary frame).
    """

    def __init__(
        self,
        *,
        json: bool,
        control_bytes: int = limits.CONTROL_MESSAGE_BYTES,
        output_bytes: int = limits.OUTPUT_FRAME_BYTES,
    ) -> None:
        self.json = json
        self.subprotocol = JSON_SUBPROTOCOL if json else MSGPACK_SUBPROTOCOL
        # Base64 makes 4 characters of 3 bytes.
        payload_bytes = (output_bytes + 2) // 3 * 4 if json else output_bytes
        max_bytes = max(control_bytes, payload_bytes + limits.FRAME_ENVELOPE_BYTES)
        self.daemon_to_hub = Decoder[DaemonToHub](
            DaemonToHub, json=json, max_bytes=max_bytes, output_bytes=output_bytes
        )
        # The hub may send larger messages than its peers: a `welcome` names every spooled task.
        self.hub_to_daemon = Decoder[HubToDaemon](HubToDaemon, json=json, max_bytes=2 * max_bytes)
        self.viewer_to_hub = Decoder[ViewerToHub](ViewerToHub, json=json, max_bytes=control_bytes)
        self.hub_to_viewer = Decoder[HubToViewer](HubToViewer, json=json, max_bytes=2 * max_bytes)
        self._peek = Decoder[_AuthPeek](_AuthPeek, json=json, max_bytes=control_bytes)
        self._daemon_auth = Decoder[DaemonAuth](DaemonAuth, json=json, max_bytes=control_bytes)
        self._viewer_auth = Decoder[ViewerAuth](ViewerAuth, json=json, max_bytes=control_bytes)

    def decode_first(self, frame: bytes | str) -> DaemonAuth | ViewerAuth:
        """Decode the first message of a connection, an `auth`; a daemon's has a `daemonId`.

        Raises:
            MessageTooLarge: as for `Decoder.decode`.
            MalformedMessage: it is not a valid `auth`.
        """
        auth: DaemonAuth | ViewerAuth | _AuthPeek | UnknownMessage = self._peek.decode(frame)
        if isinstance(auth, _AuthPeek):
            decoder = self._viewer_auth if auth.daemon_id is None else self._daemon_auth
            auth = decoder.decode(frame)
        if isinstance(auth, UnknownMessage):
            raise MalformedMessage(
                f"the first message must be auth, not {auth.type[:64]!r}", code="auth_required"
            )
        return auth

    def encode(self, message: AnyMessage) -> bytes | str:
        """Return the frame of a message."""
        if self.json:
            return _JSON.encode(message).decode()
        return _MSGPACK.encode(message)

    @staticmethod
    def encode_binary(message: AnyMessage) -> bytes:
        """Return the MessagePack frame of a message, whatever this connection's sub-protocol."""
        return _MSGPACK.encode(message)


_JSON: Final = msgspec.json.Encoder()
_MSGPACK: Final = msgspec.msgpack.Encoder()

__all__ = [
    "JSON_SUBPROTOCOL",
    "MSGPACK_SUBPROTOCOL",
    "SUBPROTOCOLS",
    "Codec",
    "Decoder",
    "frame_size",
]
