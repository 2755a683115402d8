"""Whatever bytes arrive, a decoder gives a message or one of two errors, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.protocol.codec import Codec
from arborlink.protocol.errors import MalformedMessage, MessageTooLarge
from arborlink.protocol.messages import AnyMessage, UnknownMessage

TRACES: Final = Path(__file__).parents[2] / "schema" / "traces"
JSON: Final = Codec(json=True)
MSGPACK: Final = Codec(json=False)
BOTH = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=["json", "msgpack"])

KNOWN: Final = (*AnyMessage.__args__, UnknownMessage)


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


def check(codec: Codec, frame: bytes | str) -> None:
    """Every decoder keeps the promise, and what it accepts can be encoded again."""
    decoders: list[Callable[[bytes | str], Any]] = [
        codec.daemon_to_hub.decode,
        codec.hub_to_daemon.decode,
        codec.viewer_to_hub.decode,
        codec.hub_to_viewer.decode,
        codec.decode_first,
    ]
    for decode in decoders:
        try:
            message = decode(frame)
        except (MalformedMessage, MessageTooLarge):
            continue
        assert isinstance(message, KNOWN)
        if not isinstance(message, UnknownMessage):
            codec.encode(message)


def encoded(codec: Codec, value: object) -> bytes:
    return msgspec.json.encode(value) if codec.json else msgspec.msgpack.encode(value)


edits = st.lists(
    st.tuples(
        st.floats(0, 1), st.sampled_from(["cut", "insert", "replace"]), st.binary(max_size=9)
    ),
    min_size=1,
    max_size=4,
)


def edited(frame: bytes, changes: list[tuple[float, str, bytes]]) -> bytes:
    for place, kind, new in changes:
        at = round(place * len(frame))
        skipped = {"cut": len(new) + 1, "insert": 0, "replace": len(new)}[kind]
        frame = frame[:at] + (b"" if kind == "cut" else new) + frame[at + skipped :]
    return frame


FIELDS: Final = sorted({name for message in CORPUS for name in message} | {"__proto__", ""})
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


def test_the_corpus_has_messages_of_most_types() -> None:
    assert len({message["type"] for message in CORPUS}) >= 10


@BOTH
@pytest.mark.parametrize("message", CORPUS, ids=lambda message: str(message["type"]))
def test_every_message_of_the_traces_is_held_to_the_promise(
    codec: Codec, message: dict[str, Any]
) -> None:
    check(codec, encoded(codec, message))


@BOTH
@given(frame=st.binary(max_size=300))
def test_random_bytes(codec: Codec, frame: bytes) -> None:
    check(codec, frame)


@BOTH
@given(frame=st.text(max_size=100))
def test_random_text_with_surrogates_too(codec: Codec, frame: str) -> None:
    check(codec, frame)


@BOTH
@given(message=st.sampled_from(CORPUS), changes=edits)
def test_messages_with_bytes_cut_inserted_and_replaced(
    codec: Codec, message: dict[str, Any], changes: list[tuple[float, str, bytes]]
) -> None:
    check(codec, edited(encoded(codec, message), changes))


@BOTH
@given(message=st.sampled_from(CORPUS), name=st.sampled_from(FIELDS), value=plain)
def test_messages_with_a_field_of_anything(
    codec: Codec, message: dict[str, Any], name: str, value: object
) -> None:
    check(codec, encoded(codec, message | {name: value}))


@BOTH
@given(message=st.dictionaries(st.sampled_from(FIELDS), plain), kind=st.sampled_from(CORPUS))
def test_maps_of_anything_under_a_known_type(
    codec: Codec, message: dict[str, object], kind: dict[str, Any]
) -> None:
    check(codec, encoded(codec, message | {"type": kind["type"]}))
