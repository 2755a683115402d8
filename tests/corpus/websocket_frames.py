"""Bad inputs below messages: frames that are split, compressed, cut, reserved or not masked."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from typing import Final

from tests.corpus.arena import Arena
from tests.corpus.sockets import Peer
from tests.corpus.websocket_case import (
    EVERYBODY,
    KNOWN,
    NOBODY,
    STRANGER,
    VIEWERS,
    Act,
    Case,
    Handshake,
    Wire,
)
from tests.e2e.arbor import TOKEN
from tests.hub.front.wire import BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, frame

MIB: Final = 1 << 20
RSV1, RSV2, RSV3 = 0x40, 0x20, 0x10
HARMLESS: Final = b'{"type":"unsubscribe","taskId":"t"}'
WRONG: Final = b'{"type":"auth","authToken":"wrong"}'
AUTH: Final = json.dumps({"type": "auth", "authToken": TOKEN}).encode()
EXTENSION: Final = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"


def dripping(data: bytes, size: int = 1) -> Act:
    """The bytes in segments of so many."""

    def act(_: Arena, peer: Peer) -> None:
        peer.drip(data, size)

    return act


def hang_up(_: Arena, peer: Peer) -> None:
    """Nothing more will come."""
    peer.end()


def deflated(data: bytes) -> bytes:
    """As permessage-deflate sends it (RFC 7692, 7.2.1)."""
    compressor = zlib.compressobj(wbits=-15)
    packed = compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return packed.removesuffix(b"\x00\x00\xff\xff")


def unmasked(payload: bytes, opcode: int) -> bytes:
    """A short frame as only a server may send it."""
    return bytes([FIN | opcode, len(payload)]) + payload


def closing(code: int, reason: bytes = b"") -> bytes:
    """A close frame."""
    return frame(struct.pack("!H", code) + reason, CLOSE)


def padded(size: int) -> bytes:
    """An unknown message of so many bytes."""
    start, end = b'{"type":"nobody-knows-this","x":"', b'"}'
    return start + b"x" * (size - len(start) - len(end)) + end


def halves(payload: bytes, opcode: int, between: bytes = b"") -> bytes:
    """A message in two frames, with something in between."""
    middle = len(payload) // 2
    first = frame(payload[:middle], opcode, first=0)
    return first + between + frame(payload[middle:], CONTINUATION)


def _segments() -> Iterator[Case]:
    # All of it byte by byte takes five seconds, and shows nothing more.
    mebibyte = frame(padded(MIB))
    dripped, rest = mebibyte[: MIB // 8], mebibyte[MIB // 8 :]
    sent = (dripping(dripped), dripping(rest, 64))
    yield Case("B09-a-mebibyte", sent, "unknown_message", ("owner",))
    yield Case(
        "B09-a-message-byte-by-byte", (dripping(frame(padded(4096))),), "unknown_message", KNOWN
    )
    yield Case("B09-above-the-limit", (dripping(frame(padded(MIB + 1)), 4096),), "close 4413")
    yield Case("B09-wrong-auth", (dripping(frame(WRONG)),), "close 4501", STRANGER)
    yield Case("B09-no-JSON", (dripping(frame(b"x" * 1000)),), "close 4400", EVERYBODY)
    tiny = b"".join(
        frame(HARMLESS[i : i + 1], CONTINUATION if i else TEXT, first=0)
        for i in range(len(HARMLESS))
    )
    yield Case(
        "B09-a-frame-a-byte", (dripping(tiny + frame(b"", CONTINUATION)),), "ignored", VIEWERS
    )
    yield Case(
        "B09-three-bytes-at-a-time", (dripping(frame(b"\xff" * 3000), 3),), "close 1007", KNOWN
    )
    yield Case("B09-pings", (dripping(frame(b"x" * 125, PING) * 3),), "ignored", KNOWN)


def _fragments() -> Iterator[Case]:
    start, empty = frame(b"", TEXT, first=0), frame(b"", CONTINUATION, first=0)
    yield Case("B10-65536-empty", (Wire(start + empty * 65_536),), "close 4413", EVERYBODY)
    yield Case(
        "B10-65536-empty-binary",
        (Wire(frame(b"", BINARY, first=0) + empty * 65_536),),
        "close 4413",
        EVERYBODY,
    )
    one = frame(b" ", CONTINUATION, first=0)
    yield Case("B10-65536-of-a-byte", (Wire(start + one * 65_536),), "close 4413", EVERYBODY)
    yield Case("B10-one-too-many", (Wire(start + empty * 1_024),), "close 4413", EVERYBODY)
    yield Case(
        "B10-just-as-many-as-may-be",
        (Wire(start + empty * 1_022 + frame(HARMLESS, CONTINUATION)),),
        "ignored",
    )
    yield Case(
        "B10-with-pings-in-between",
        (Wire(start + (empty + frame(b"", PING)) * 2_000),),
        "close 4413 | close 4429",
        EVERYBODY,
    )
    yield Case("B10-continues-nothing", (Wire(empty),), "close 1002", EVERYBODY)
    yield Case("B10-begins-twice", (Wire(start + start),), "close 1002", EVERYBODY)


def _reserved_bits() -> Iterator[Case]:
    bits = {"RSV1": RSV1, "RSV2": RSV2, "RSV3": RSV3, "all": RSV1 | RSV2 | RSV3}
    for name, bit in bits.items():
        wire = Wire(frame(deflated(HARMLESS), first=FIN | bit))
        yield Case(f"B11-{name}", (wire,), "close 1002", EVERYBODY)
    yield Case(
        "B11-not-compressed", (Wire(frame(HARMLESS, first=FIN | RSV1)),), "close 1002", EVERYBODY
    )
    yield Case("B11-ping", (Wire(frame(b"", PING, first=FIN | RSV1)),), "close 1002", EVERYBODY)
    bad_close = frame(struct.pack("!H", 1000), CLOSE, first=FIN | RSV1)
    yield Case("B11-close", (Wire(bad_close),), "close 1002", EVERYBODY)
    later = frame(HARMLESS[:5], TEXT, first=0) + frame(HARMLESS[5:], CONTINUATION, first=FIN | RSV1)
    yield Case("B11-continuation", (Wire(later),), "close 1002", EVERYBODY)


def _bombs() -> Iterator[Case]:
    zeros = deflated(bytes(64 * MIB))
    asked = (Handshake((EXTENSION,)), _upgraded)
    yield Case(
        "B12-64-MiB-of-zeros", (Wire(frame(zeros, BINARY, first=FIN | RSV1)),), "close 1002", KNOWN
    )
    yield Case(
        "B12-deflate-was-asked-for",
        (*asked, Wire(frame(zeros, BINARY, first=FIN | RSV1))),
        "close 1002",
        NOBODY,
    )
    broken = Wire(frame(zeros[:-1] + b"\x07", BINARY, first=FIN | RSV1))
    yield Case("B12-malformed-last-byte", (broken,), "close 1002", KNOWN)
    yield Case("B12-not-said-to-be-deflated", (Wire(frame(zeros, BINARY)),), "close 4400", KNOWN)
    bomb = frame(zeros, TEXT, first=RSV1) + frame(b"", CONTINUATION)
    yield Case("B12-in-fragments", (Wire(bomb),), "close 1002", EVERYBODY)
    nested = deflated(zeros)
    yield Case(
        "B12-deflated-twice",
        (Wire(frame(nested, BINARY, first=FIN | RSV1)),),
        "close 1002",
        EVERYBODY,
    )
    yield Case(
        "B12-asked-for-and-small",
        (*asked, Wire(frame(deflated(AUTH), TEXT, first=FIN | RSV1))),
        "close 1002",
        NOBODY,
    )
    yield Case(
        "B12-asked-for-and-not-used", (*asked, Wire(frame(AUTH))), "welcome", NOBODY
    )  # fmt: skip


def _upgraded(_: Arena, peer: Peer) -> None:
    assert peer.status(1.0) == 101


def _control_frames() -> Iterator[Case]:
    yield Case("B15-ping-of-126-bytes", (Wire(frame(b"x" * 126, PING)),), "close 1002", EVERYBODY)
    yield Case("B15-ping-of-64-KiB", (Wire(frame(b"x" * 65_536, PING)),), "close 1002", EVERYBODY)
    yield Case("B15-half-a-ping", (Wire(frame(b"x", PING, first=0)),), "close 1002", EVERYBODY)
    yield Case("B15-half-a-pong", (Wire(frame(b"x", PONG, first=0)),), "close 1002", EVERYBODY)
    yield Case("B15-10000-pings", (Wire(frame(b"x", PING) * 10_000),), "close 4429", EVERYBODY)
    yield Case("B15-10000-pongs", (Wire(frame(b"x", PONG) * 10_000),), "close 4429", EVERYBODY)
    yield Case("B15-unsolicited-pongs", (Wire(frame(b"x", PONG) * 5),), "ignored", KNOWN)
    yield Case("B15-empty-ping", (Wire(frame(b"", PING)),), "ignored", KNOWN)
    within = Wire(halves(HARMLESS, TEXT, frame(b"x" * 125, PING)))
    yield Case("B15-ping-inside-a-message", (within,), "ignored", VIEWERS)
    mixed = (frame(b"", PING) + frame(b"", PONG)) * 5_000
    yield Case("B15-pings-and-pongs", (Wire(mixed),), "close 4429", EVERYBODY)
    yield Case("B15-pong-of-126-bytes", (Wire(frame(b"x" * 126, PONG)),), "close 1002", EVERYBODY)


def _closes() -> Iterator[Case]:
    for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535):
        yield Case(f"B16-close-{code}", (Wire(closing(code)),), "close 1002", EVERYBODY)
    # These may be said, and are said back.
    for code in (1000, 1001, 3000, 4501):
        yield Case(f"B16-close-{code}", (Wire(closing(code)),), f"close {code}", EVERYBODY)
    inside = frame(HARMLESS[:5], TEXT, first=0) + closing(1000)
    # A message that was begun must be ended first.
    yield Case("B16-close-inside-a-message", (Wire(inside),), "close 1002", EVERYBODY)
    yield Case("B16-half-a-code", (Wire(frame(b"\x03", CLOSE)),), "close 1002", EVERYBODY)
    yield Case("B16-without-a-code", (Wire(frame(b"", CLOSE)),), "close 1005", EVERYBODY)
    bad = Wire(closing(1000, b"\xff\xfe"))
    yield Case("B16-reason-without-UTF-8", (bad,), "close 1007 | close 1002", EVERYBODY)
    yield Case("B16-reason-too-long", (Wire(closing(1000, b"x" * 124)),), "close 1002", EVERYBODY)
    # Nobody is left to whom a close frame could be of use.
    yield Case("B16-no-close", (hang_up,), "eof | reset", EVERYBODY)
    yield Case(
        "B16-ends-inside-a-frame", (Wire(frame(HARMLESS)[:9]), hang_up), "eof | reset", EVERYBODY
    )
    yield Case(
        "B16-ends-inside-a-message",
        (Wire(frame(HARMLESS, first=0)), hang_up),
        "eof | reset",
        EVERYBODY,
    )
    after = Wire(closing(1000) + frame(HARMLESS) * 100)
    yield Case("B16-goes-on-after-close", (after,), "close 1000", EVERYBODY)


def _broken_frames() -> Iterator[Case]:
    yield Case("B17-not-masked", (Wire(unmasked(HARMLESS, TEXT)),), "close 1002", EVERYBODY)
    yield Case("B17-ping-not-masked", (Wire(unmasked(b"x", PING)),), "close 1002", EVERYBODY)
    bare_close = Wire(unmasked(struct.pack("!H", 1000), CLOSE))
    yield Case("B17-close-not-masked", (bare_close,), "close 1002", EVERYBODY)
    for opcode in (3, 4, 7, 11, 12, 15):
        yield Case(f"B17-opcode-{opcode}", (Wire(frame(b"", opcode)),), "close 1002", EVERYBODY)
    huge = Wire(b"\x81\xff" + (1 << 40).to_bytes(8, "big"))
    yield Case("B17-a-terabyte-to-come", (huge,), "close 1009", EVERYBODY)
    turned = Wire(b"\x81\xff" + b"\xff" * 8)
    yield Case("B17-a-negative-length", (turned,), "close 1002 | close 1009", EVERYBODY)
    second = Wire(frame(HARMLESS) + unmasked(HARMLESS, TEXT))
    yield Case("B17-one-good-one-not-masked", (second,), "close 1002", VIEWERS)


def _not_utf8() -> Iterator[Case]:
    bad = {
        "never-in-UTF-8": b"\xff\xfe",
        "overlong": b"\xc0\xaf",
        "surrogate": b"\xed\xa0\x80",
        "cut-off": b"\xe2\x82",
        "beyond-unicode": b"\xf4\x90\x80\x80",
        "latin-1": "é".encode("latin-1"),
        "lone-continuation": b"\x80",
    }
    for name, data in bad.items():
        text = Wire(frame(b'{"type":"' + data + b'"}'))
        yield Case(f"B14-{name}", (text,), "close 1007", EVERYBODY)
    in_time = Wire(halves(b'{"type":"\xe2\x82\xac"}', TEXT, frame(b"", PING)))
    yield Case("B14-cut-between-frames", (in_time,), "unknown_message", KNOWN)


CASES: Final = tuple(
    case
    for group in (
        _segments,
        _fragments,
        _reserved_bits,
        _bombs,
        _not_utf8,
        _control_frames,
        _closes,
        _broken_frames,
    )
    for case in group()
)
