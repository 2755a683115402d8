"""What the hub and the process that keeps screens say to each other, and the frames of it. Pure.

A frame is four bytes of length and a MessagePack array. Output never crosses: the process reads
the logs.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec
from msgspec import Struct

from arborlink.protocol.resources import TerminalSizeChange

MAX_FRAME_BYTES: Final = 4 * 1024 * 1024
LENGTH: Final = struct.Struct("<I")


class Follow(Struct, frozen=True, array_like=True, tag="follow"):
    """A terminal that runs: keep up with the log `stem`, as far as there is time.

    `owner_id`: the account whose workspace it is in.
    """

    task_id: str
    stem: str
    sizes: list[TerminalSizeChange]
    workspace_id: str = ""
    owner_id: str = ""


class Sized(Struct, frozen=True, array_like=True, tag="sized"):
    """A terminal that is followed has this size from an offset on."""

    task_id: str
    size: TerminalSizeChange


class Take(Struct, frozen=True, array_like=True, tag="take"):
    """Take a snapshot, within `seconds`; answered by a `Taken` with the same number."""

    number: int
    terminal: Follow
    seconds: float


class Forget(Struct, frozen=True, array_like=True, tag="forget"):
    """The task is gone."""

    task_id: str


class ForgetWorkspace(Struct, frozen=True, array_like=True, tag="forget_workspace"):
    """A workspace is gone, and all of its tasks."""

    workspace_id: str


class Taken(Struct, frozen=True, array_like=True):
    """A snapshot at `offset`; `output` is None where there is none. `fault`: a mistake of ours.

    `spent`: seconds of processor time that it took.
    """

    number: int
    offset: int = 0
    cols: int = 0
    rows: int = 0
    output: bytes | None = None
    fault: str | None = None
    spent: float = 0.0


ToKeeper = Follow | Sized | Take | Forget | ForgetWorkspace

_ENCODER: Final = msgspec.msgpack.Encoder()
decode_request: Final = msgspec.msgpack.Decoder(ToKeeper).decode
decode_answer: Final = msgspec.msgpack.Decoder(Taken).decode


def frame(message: ToKeeper | Taken) -> bytes:
    """Return the frame of a message."""
    body = _ENCODER.encode(message)
    return LENGTH.pack(len(body)) + body
