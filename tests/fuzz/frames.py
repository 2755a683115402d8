"""Frames of every degree of wrongness, and the promise that each decoder keeps for all of them."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import strategies as st
from msgspec import inspect

from arborlink.protocol import messages
from arborlink.protocol.codec import Codec, frame_size
from arborlink.protocol.errors import MalformedMessage, MessageTooLarge
from arborlink.protocol.messages import AnyMessage, UnknownMessage
from tests.fuzz.valid import valid

Frame = bytes | str
Frames = Callable[[Codec], st.SearchStrategy[Frame]]

TRACES: Final = Path(__file__).parents[2] / "schema" / "traces"
JSON: Final = Codec(json=True)
MSGPACK: Final = Codec(json=False)
NARROW_BYTES: Final = 64
# The same with limits that the frames made here are above, now and then.
NARROW: Final = {
    codec: Codec(json=codec.json, control_bytes=NARROW_BYTES, output_bytes=NARROW_BYTES)
    for codec in (JSON, MSGPACK)
}
KNOWN: Final = (*AnyMessage.__args__, UnknownMessage)
DIRECTIONS: Final = {
    "daemon_to_hub": messages.DaemonToHub,
    "hub_to_daemon": messages.HubToDaemon,
    "viewer_to_hub": messages.ViewerToHub,
    "hub_to_viewer": messages.HubToViewer,
}
# Of the processor, which others do not use meanwhile: no frame is worth more.
MAX_CPU_SECONDS: Final = 0.5


def messages_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every message that a trace shows."""
    if isinstance(value, dict):
        if isinstance(value.get("type"), str):
            yield value
        else:
            for inner in value.values():
                yield from messages_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from messages_in(inner)


CORPUS: Final = [
    message
    for path in sorted(TRACES.glob("*.json"))
    for message in messages_in(json.loads(path.read_text()))
]
FIELDS: Final = sorted({name for message in CORPUS for name in message} | {"__proto__", ""})


def check(codec: Codec, frame: Frame) -> None:
    """A message or one of two errors, soon; what was accepted can be said and heard again."""
    began = time.process_time()
    for each in (codec, NARROW[codec]):
        for direction in DIRECTIONS:
            _hear(getattr(each, direction).decode, frame)
        _hear(each.decode_first, frame)
    assert time.process_time() - began < MAX_CPU_SECONDS
    for direction in DIRECTIONS:
        decode = getattr(codec, direction).decode
        message = _hear(decode, frame)
        if message is not None and not isinstance(message, UnknownMessage):
            said = codec.encode(message)
            # As bytes: a time that is no number is not equal to itself.
            assert codec.encode(decode(said)) == said
    if frame_size(frame) > NARROW_BYTES:
        with pytest.raises(MessageTooLarge):
            NARROW[codec].viewer_to_hub.decode(frame)


def _hear(decode: Callable[[Frame], Any], frame: Frame) -> Any:
    try:
        message = decode(frame)
    except (MalformedMessage, MessageTooLarge):
        return None
    assert isinstance(message, KNOWN)
    return message


def encoded(codec: Codec, value: object) -> bytes:
    """A frame of anything."""
    return msgspec.json.encode(value) if codec.json else msgspec.msgpack.encode(value)


# ── wrong in every part ──────────────────────────────────────────────────────────────────────


def random_bytes(_codec: Codec) -> st.SearchStrategy[Frame]:
    """Noise."""
    return st.binary(max_size=300)


def random_text(_codec: Codec) -> st.SearchStrategy[Frame]:
    """Noise in a text frame, surrogates too."""
    return st.text(max_size=100)


# ── valid once ───────────────────────────────────────────────────────────────────────────────


def edited(codec: Codec) -> st.SearchStrategy[Frame]:
    """Bytes cut, inserted and replaced."""
    edit = st.tuples(
        st.floats(0, 1), st.sampled_from(["cut", "insert", "replace"]), st.binary(max_size=9)
    )
    return st.builds(_edit, _valid_frames(codec), st.lists(edit, min_size=1, max_size=4))


def _edit(frame: bytes, edits: list[tuple[float, str, bytes]]) -> bytes:
    for place, kind, new in edits:
        at = round(place * len(frame))
        skipped = {"cut": len(new) + 1, "insert": 0, "replace": len(new)}[kind]
        frame = frame[:at] + (b"" if kind == "cut" else new) + frame[at + skipped :]
    return frame


def flipped(codec: Codec) -> st.SearchStrategy[Frame]:
    """Single bits turned over."""
    return st.builds(
        _flip,
        _valid_frames(codec),
        st.lists(st.integers(0, 2**16), min_size=1, max_size=4),
    )


def _flip(frame: bytes, bits: list[int]) -> bytes:
    turned = bytearray(frame)
    for bit in bits:
        turned[bit // 8 % len(turned)] ^= 1 << bit % 8
    return bytes(turned)


def spliced(codec: Codec) -> st.SearchStrategy[Frame]:
    """The beginning of one and the end of another; or of none: cut off."""
    return st.builds(
        lambda one, other, end, start: (
            one[: round(end * len(one))] + other[round(start * len(other)) :]
        ),
        _valid_frames(codec),
        _valid_frames(codec) | st.just(b""),
        st.floats(0, 1),
        st.floats(0, 1),
    )


def claiming(codec: Codec) -> st.SearchStrategy[Frame]:
    """A frame that says how much comes next, up to 4 GiB of it, and ends there."""
    if codec.json:
        return st.builds(
            lambda opener, depth: opener * depth,
            st.sampled_from([b"[", b'{"type":', b'{"type":"auth","tasks":[', b'"\\u0041']),
            st.integers(1, 5_000),
        )
    tags = [0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF]
    return st.builds(
        lambda frame, tag, size, name: (
            bytes([0x80 | (frame[0] & 15) + 1 & 15]) + frame[1:] + name + bytes([tag]) + size
        ),
        _valid_frames(codec),
        st.sampled_from(tags),
        st.integers(0, 2**32 - 1).map(lambda size: struct.pack(">I", size)),
        st.sampled_from([*FIELDS, "tasks", "host"]).map(msgspec.msgpack.encode),
    )


# ── well-formed ──────────────────────────────────────────────────────────────────────────────

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
    ),
    max_leaves=6,
)


def with_a_field_of_anything(codec: Codec) -> st.SearchStrategy[Frame]:
    """A message with one wrong value."""
    return st.builds(
        lambda message, name, value: encoded(codec, message | {name: value}),
        st.sampled_from(CORPUS),
        st.sampled_from(FIELDS),
        plain,
    )


def maps_of_a_known_type(codec: Codec) -> st.SearchStrategy[Frame]:
    """A message's type, and fields of anything."""
    return st.builds(
        lambda message, kind: encoded(codec, message | {"type": kind["type"]}),
        st.dictionaries(st.sampled_from(FIELDS), plain),
        st.sampled_from(CORPUS),
    )


# ── right ────────────────────────────────────────────────────────────────────────────────────

VALID: Final = {name: valid(inspect.type_info(union)) for name, union in DIRECTIONS.items()}


def _valid_frames(codec: Codec) -> st.SearchStrategy[bytes]:
    return st.sampled_from(CORPUS).map(lambda message: encoded(codec, message)) | st.one_of(
        list(VALID.values())
    ).map(lambda message: encoded(codec, message))


def check_round_trip(codec: Codec, direction: str, message: AnyMessage) -> None:
    """What was said is what is heard."""
    assert getattr(codec, direction).decode(codec.encode(message)) == message


WRONG: Final[tuple[Frames, ...]] = (
    random_bytes,
    random_text,
    edited,
    flipped,
    spliced,
    claiming,
    with_a_field_of_anything,
    maps_of_a_known_type,
)
