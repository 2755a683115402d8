"""Every message survives both sub-protocols; no frame does anything but decode or be refused."""

from __future__ import annotations

import base64
import time
from functools import cache
from typing import Any, Final, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from arborlink.protocol import limits
from arborlink.protocol.codec import Codec, Decoder
from arborlink.protocol.errors import MalformedMessage, MessageTooLarge
from arborlink.protocol.messages import (
    Cancel,
    DaemonAuth,
    DaemonToHub,
    Heartbeat,
    HubToDaemon,
    HubToViewer,
    Output,
    UnknownMessage,
    ViewerAuth,
    ViewerToHub,
)

JSON: Final = Codec(json=True)
MSGPACK: Final = Codec(json=False)
BOTH = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=["json", "msgpack"])

DIRECTIONS: Final[dict[str, Any]] = {
    "daemon_to_hub": DaemonToHub,
    "hub_to_daemon": HubToDaemon,
    "viewer_to_hub": ViewerToHub,
    "hub_to_viewer": HubToViewer,
}
EACH_DIRECTION = pytest.mark.parametrize("direction", DIRECTIONS)


def decoder(codec: Codec, direction: str) -> Decoder[Any]:
    found: Decoder[Any] = getattr(codec, direction)
    return found


# ── every value a type allows, from the type itself ──────────────────────────────────────────

PATTERNS: Final = {
    r"^crc32:[0-9a-f]{8}$": st.from_regex(r"\Acrc32:[0-9a-f]{8}\Z"),
    r"^[^=\x00]+$": st.text(st.characters(exclude_characters="=\0", codec="utf-8"), min_size=1),
    r"^[A-Z][A-Z0-9]*$": st.from_regex(r"\A[A-Z][A-Z0-9]{0,15}\Z"),
}


def values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Values of a msgspec type, its bounds included."""
    match kind:
        case inspect.StructType(cls=cls, fields=fields):
            return st.builds(cls, **{field.name: values(field.type) for field in fields})
        case inspect.UnionType(types=types):
            return st.one_of(*(values(one) for one in types))
        case inspect.IntType(ge=low, le=high):
            return st.integers(
                None if low is None else int(low), None if high is None else int(high)
            ).filter(lambda number: -(2**63) <= number < 2**63)
        case inspect.FloatType(ge=low, gt=above, le=high):
            least = low if above is None else above
            return st.floats(
                least, high, allow_nan=False, allow_infinity=False, exclude_min=above is not None
            )
        case inspect.StrType(pattern=str(pattern)):
            return PATTERNS[pattern]
        case inspect.StrType(min_length=low, max_length=high):
            return st.text(
                st.characters(codec="utf-8"), min_size=low or 0, max_size=min(high or 9, 9)
            )
        case inspect.BytesType(max_length=high):
            return st.binary(max_size=min(high or 99, 99))
        case inspect.ListType(item_type=item):
            return st.lists(values(item), max_size=3)
        case inspect.DictType(key_type=key, value_type=value):
            return st.dictionaries(values(key), values(value), max_size=3)
        case inspect.EnumType(cls=cls):
            return st.sampled_from(list(cls))
        case inspect.LiteralType(values=literals):
            return st.sampled_from(literals)
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
    raise AssertionError(f"no strategy for {kind}")


@cache
def messages(kind: Any) -> st.SearchStrategy[Any]:
    """Every message of a type or of a direction."""
    return st.one_of(*(values(inspect.type_info(one)) for one in get_args(kind) or (kind,)))


@EACH_DIRECTION
@BOTH
@given(data=st.data())
def test_every_message_survives_the_round_trip(
    codec: Codec, direction: str, data: st.DataObject
) -> None:
    message = data.draw(messages(DIRECTIONS[direction]))
    assert decoder(codec, direction).decode(codec.encode(message)) == message


@EACH_DIRECTION
@given(data=st.data())
def test_unknown_fields_are_ignored(direction: str, data: st.DataObject) -> None:
    message = data.draw(messages(DIRECTIONS[direction]))
    wire = msgspec.to_builtins(message) | {"addedLater": {"deep": [1, None, "x"]}}
    assert decoder(JSON, direction).decode(msgspec.json.encode(wire)) == message


@EACH_DIRECTION
@given(data=st.data())
def test_a_message_without_a_required_field_is_malformed(
    direction: str, data: st.DataObject
) -> None:
    message = data.draw(messages(DIRECTIONS[direction]))
    fields = msgspec.structs.fields(message)
    required = ["type", *(field.encode_name for field in fields if field.required)]
    wire = msgspec.to_builtins(message)
    del wire[data.draw(st.sampled_from(required))]
    with pytest.raises(MalformedMessage):
        decoder(JSON, direction).decode(msgspec.json.encode(wire))


@EACH_DIRECTION
@given(data=st.data())
def test_a_field_of_the_wrong_type_is_malformed(direction: str, data: st.DataObject) -> None:
    wire = msgspec.to_builtins(data.draw(messages(DIRECTIONS[direction])))
    wire[data.draw(st.sampled_from(sorted(wire)))] = [[]]
    with pytest.raises(MalformedMessage):
        decoder(JSON, direction).decode(msgspec.json.encode(wire))


def test_json_is_text_with_base64_and_messagepack_is_binary_with_raw_bytes() -> None:
    message = Output(task_id="tsk_1", offset=7, is_error=True, time=9, output=b"\xff\x00")
    text, binary = JSON.encode(message), MSGPACK.encode(message)
    assert text == (
        '{"type":"output","taskId":"tsk_1","offset":7,"isError":true,"time":9,"output":"/wA="}'
    )
    assert isinstance(binary, bytes)
    assert b"\xff\x00" in binary


def test_a_fact_leaves_out_what_holds_its_default_and_a_command_says_everything() -> None:
    assert JSON.encode(Heartbeat(sent_at=1)) == '{"type":"heartbeat","sentAt":1}'
    assert JSON.encode(Cancel(task_id="t")) == '{"type":"cancel","taskId":"t","graceSeconds":5.0}'


def test_a_message_may_be_kept_in_messagepack_whatever_is_spoken() -> None:
    message = Cancel(task_id="tsk_1")
    assert Codec.encode_binary(message) == MSGPACK.encode(message)


def test_a_codec_knows_its_sub_protocol() -> None:
    assert [JSON.subprotocol, MSGPACK.subprotocol] == ["arbor.v1.json", "arbor.v1.msgpack"]


# ── hostile frames ───────────────────────────────────────────────────────────────────────────


def ack(offset: str) -> str:
    return f'{{"type":"ack","taskId":"t","offset":{offset}}}'


NOT_MESSAGES: Final = {
    "empty": "",
    "not JSON": "hello",
    "list": "[]",
    "null": "null",
    "string": '"x"',
    "number": "1",
    "no type": "{}",
    "type is no string": '{"type":7}',
    "deep lists": "[" * 100_000,
    "deep lists in a field": '{"type":"ack","x":' + "[" * 100_000,
    "deep maps in a field": '{"type":"ack","x":' + '{"a":' * 100_000,
    "cut off": '{"type":"ack","taskId":',
    "two messages": '{"type":"unsubscribe"}{"type":"unsubscribe"}',
    "lone surrogate, escaped": '{"type":"ack","taskId":"\\ud800","offset":0}',
    "lone surrogate, raw": '{"type":"ack","taskId":"\ud800","offset":0}',
    "lone surrogate in the type": '{"type":"\\ud800"}',
    "invalid UTF-8": b'{"type":"ack","taskId":"\xff","offset":0}',
    "id is empty": '{"type":"ack","taskId":"","offset":0}',
    "id is too long": '{"type":"ack","taskId":"' + "x" * 65 + '","offset":0}',
    "contradicting types": '{"type":"ack","type":"unsubscribe","taskId":"t","offset":0}',
    "base64 cut off": '{"type":"input","taskId":"t","input":"a"}',
    "base64 of another alphabet": '{"type":"input","taskId":"t","input":"é==="}',
    "grace beyond its bound": '{"type":"cancel","taskId":"t","graceSeconds":301}',
    "window below its bound": '{"type":"subscribe","taskId":"t","window":1}',
    "terminal of no width": '{"type":"resize","taskId":"t","cols":0,"rows":24}',
    "clock of a thousand digits": '{"type":"heartbeat","sentAt":' + "9" * 1_000 + "}",
    "echo of a thousand digits": '{"type":"heartbeat","sentAt":1,"echo":' + "9" * 1_000 + "}",
    "clock is true": '{"type":"heartbeat","sentAt":true}',
}


# Of the processor, which takes a thousandth of it: only work beyond the frame's size takes so long.
MAX_CPU_SECONDS = 1.0


@pytest.mark.parametrize("frame", NOT_MESSAGES.values(), ids=NOT_MESSAGES.keys())
def test_what_is_no_message_is_malformed_and_found_so_at_once(frame: bytes | str) -> None:
    began = time.process_time()
    with pytest.raises(MalformedMessage):
        JSON.viewer_to_hub.decode(frame)
    with pytest.raises(MalformedMessage):
        JSON.decode_first(frame)
    assert time.process_time() - began < MAX_CPU_SECONDS


@pytest.mark.parametrize(
    "offset",
    [
        *("NaN", "Infinity", "-Infinity", "1e400", "1.0", "1e2", "-0.0", "01", "+1", "0x5", "-1"),
        *("9223372036854775808", "1" * 5_000, "true", "null", '"5"', "[]"),
    ],
)
def test_an_offset_is_a_whole_number_within_its_bounds(offset: str) -> None:
    with pytest.raises(MalformedMessage):
        JSON.viewer_to_hub.decode(ack(offset))


@pytest.mark.parametrize(("offset", "value"), [("-0", 0), ("0", 0), (str(2**63 - 1), 2**63 - 1)])
def test_the_ends_of_the_range_of_offsets_are_offsets(offset: str, value: int) -> None:
    assert msgspec.to_builtins(JSON.viewer_to_hub.decode(ack(offset)))["offset"] == value


@pytest.mark.parametrize("value", [1.0, True, float("nan"), -1, 2**64 - 1, "5", b"5", None])
def test_messagepack_is_held_to_the_same_types(value: object) -> None:
    frame = msgspec.msgpack.encode({"type": "ack", "taskId": "t", "offset": value})
    with pytest.raises(MalformedMessage):
        MSGPACK.viewer_to_hub.decode(frame)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("exitCode", 2**63),
        ("exitCode", 2**64 - 1),
        ("exitCode", -(2**63)),
        ("signal", 2**63),
        ("signal", -1),
        ("at", limits.MAX_UNIX_MICROSECONDS + 1),
        ("at", limits.MAX_OFFSET),
    ],
)
@BOTH
def test_an_end_holds_nothing_that_can_neither_be_stored_nor_shown(
    codec: Codec, field: str, value: int
) -> None:
    encode = msgspec.json.encode if codec.json else msgspec.msgpack.encode
    frame = encode({"type": "status", "taskId": "t", "status": "failed", field: value})
    with pytest.raises(MalformedMessage):
        codec.daemon_to_hub.decode(frame)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xc1",
        b"\x91" * 100_000,
        b"\x82\xa4type\xa4auth\xa1x" + b"\x91" * 100_000,
        b"\x82\xa4type\xa4auth\xa8daemonId\xdd\xff\xff\xff\xff",
        b"\x82\xa4type\xa4auth\xa1x\x81\x81\x01\x01\x01",
        b"\x82\xa4type\xa4auth\xa1x\xc7\x0c\xff" + b"\xff" * 12,
        b"\x81\x01\x02",
        b"\x82\xa4type\xa4auth\xa9authToken\xa3\xed\xa0\x80",
        b"\x82\xa4type\xa4auth\xa9authToken\xa1xxx",
    ],
)
def test_broken_messagepack_is_malformed(frame: bytes) -> None:
    with pytest.raises(MalformedMessage):
        MSGPACK.viewer_to_hub.decode(frame)
    with pytest.raises(MalformedMessage):
        MSGPACK.decode_first(frame)


@pytest.mark.parametrize("header", [b"\xdd", b"\xdf", b"\xc6", b"\xdb"])
def test_a_size_that_nothing_follows_reserves_no_memory(header: bytes) -> None:
    with pytest.raises(MalformedMessage):
        MSGPACK.hub_to_daemon.decode(
            b"\x82\xa4type\xa7welcome\xa5tasks" + header + b"\xff\xff\xff\xff"
        )


def test_a_text_frame_where_messagepack_is_spoken_is_malformed() -> None:
    with pytest.raises(MalformedMessage):
        MSGPACK.viewer_to_hub.decode('{"type":"unsubscribe"}')


def test_a_binary_frame_of_json_is_read_as_json() -> None:
    assert JSON.viewer_to_hub.decode(b'{"type":"unsubscribe"}') == JSON.viewer_to_hub.decode(
        '{"type":"unsubscribe"}'
    )


HOSTILE_NAMES: Final = [
    *("__proto__", "constructor", "__class__", "{0.__init__}", "%n%s", "${jndi:ldap://x}"),
    *("a\0b", "a\r\nb", "\u202egnp", "\u2028", "\u200b", "' OR 1=1", "../../x"),
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@BOTH
def test_hostile_names_are_plain_data(codec: Codec, name: str) -> None:
    encode = msgspec.json.encode if codec.json else msgspec.msgpack.encode
    wire = {"type": "unsubscribe", "taskId": name, name: {name: name}}
    assert codec.viewer_to_hub.decode(encode(wire)) == codec.viewer_to_hub.decode(
        encode({"type": "unsubscribe", "taskId": name})
    )
    assert codec.viewer_to_hub.decode(encode({"type": name})) == UnknownMessage(name)


@pytest.mark.parametrize("direction", DIRECTIONS)
@BOTH
def test_an_unknown_type_is_an_unknown_message_in_every_direction(
    codec: Codec, direction: str
) -> None:
    encode = msgspec.json.encode if codec.json else msgspec.msgpack.encode
    frame = encode({"type": "teleport", "taskId": 7})
    assert decoder(codec, direction).decode(frame) == UnknownMessage("teleport")


def test_a_type_of_another_direction_is_unknown_here() -> None:
    assert JSON.daemon_to_hub.decode('{"type":"subscribe"}') == UnknownMessage("subscribe")


# ── sizes ────────────────────────────────────────────────────────────────────────────────────


def padded(size: int, fill: str = "x") -> str:
    """An `unsubscribe` with an unknown field that makes it `size` bytes long."""
    empty = '{"type":"unsubscribe","x":""}'
    width = len(fill.encode())
    room = size - len(empty)
    return f'{{"type":"unsubscribe","x":"{fill * (room // width)}{"x" * (room % width)}"}}'


@pytest.mark.parametrize("fill", ["x", "é", "€", "😀"])
def test_a_frame_of_text_is_measured_in_bytes(fill: str) -> None:
    limit = limits.CONTROL_MESSAGE_BYTES
    assert len(padded(limit, fill).encode()) == limit
    assert not isinstance(JSON.viewer_to_hub.decode(padded(limit, fill)), UnknownMessage)
    with pytest.raises(MessageTooLarge):
        JSON.viewer_to_hub.decode(padded(limit + 1, fill))


def test_a_frame_that_is_too_large_is_refused_before_it_is_looked_at() -> None:
    for frame in ("[" * 2_000_000, b"\xff" * 2_000_000):
        with pytest.raises(MessageTooLarge):
            JSON.viewer_to_hub.decode(frame)
        with pytest.raises(MessageTooLarge):
            JSON.decode_first(frame)


@BOTH
def test_the_largest_output_frame_passes_and_a_larger_one_does_not(codec: Codec) -> None:
    def frame(size: int) -> bytes | str:
        return codec.encode(
            Output(task_id="t" * 64, offset=2**62, is_error=False, time=2**62, output=bytes(size))
        )

    small = Codec(json=codec.json, control_bytes=1_000, output_bytes=limits.OUTPUT_FRAME_BYTES)
    assert isinstance(small.daemon_to_hub.decode(frame(limits.OUTPUT_FRAME_BYTES)), Output)
    with pytest.raises(MessageTooLarge, match=r"262145 bytes is above the limit of 262144 bytes"):
        codec.daemon_to_hub.decode(frame(limits.OUTPUT_FRAME_BYTES + 1))


def test_input_is_bounded_by_its_bytes_not_by_its_base64() -> None:
    def frame(size: int) -> str:
        text = base64.b64encode(bytes(size)).decode()
        return f'{{"type":"input","taskId":"t","input":"{text}"}}'

    JSON.viewer_to_hub.decode(frame(limits.INPUT_FRAME_BYTES))
    with pytest.raises(MalformedMessage):
        JSON.viewer_to_hub.decode(frame(limits.INPUT_FRAME_BYTES + 1))


# ── the first message ────────────────────────────────────────────────────────────────────────


@BOTH
@given(data=st.data())
def test_the_first_message_is_a_daemons_or_a_viewers_auth(
    codec: Codec, data: st.DataObject
) -> None:
    auth = data.draw(messages(DaemonAuth) | messages(ViewerAuth))
    assert codec.decode_first(codec.encode(auth)) == auth


@pytest.mark.parametrize("kind", ["heartbeat", "subscribe", "output", "teleport"])
def test_a_first_message_that_is_no_auth_says_that_auth_is_required(kind: str) -> None:
    with pytest.raises(MalformedMessage, match=f"must be auth, not '{kind}'") as caught:
        JSON.decode_first(f'{{"type":"{kind}","sentAt":1,"daemonId":"dmn_1"}}')
    assert caught.value.code == "auth_required"


@pytest.mark.parametrize("daemon_id", ["5", "true", "{}", "[]", '""', '"x"', "1e400", "NaN"])
def test_a_daemon_id_that_is_none_is_malformed(daemon_id: str) -> None:
    with pytest.raises(MalformedMessage):
        JSON.decode_first(f'{{"type":"auth","authToken":"t","daemonId":{daemon_id}}}')


def test_a_daemon_id_of_null_is_no_daemon_id() -> None:
    frame = '{"type":"auth","authToken":"t","daemonId":null}'
    assert JSON.decode_first(frame) == ViewerAuth(auth_token="t")
