"""Types of the fields of messages, each with its bounds."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from arborlink.protocol import limits

Id = Annotated[str, Meta(min_length=1, max_length=limits.MAX_ID_CHARS)]
Secret = Annotated[str, Meta(max_length=limits.MAX_TOKEN_CHARS)]
ShortText = Annotated[str, Meta(max_length=256)]
MAX_SENTENCE_CHARS = 4096
Sentence = Annotated[str, Meta(max_length=MAX_SENTENCE_CHARS)]
Count = Annotated[int, Meta(ge=0, le=limits.MAX_OFFSET)]
Amount = Annotated[float, Meta(ge=0, le=float(limits.MAX_OFFSET))]
# Bounded: an integer of a thousand digits fits neither a float nor MessagePack.
Clock = Annotated[int, Meta(ge=-limits.MAX_OFFSET, le=limits.MAX_OFFSET)] | float
# What any system's processes end with, and its signals are numbered.
ExitCode = Annotated[int, Meta(ge=-(2**31), le=2**32 - 1)]
SignalNumber = Annotated[int, Meta(ge=0, le=limits.MAX_SIGNAL)]
Moment = Annotated[int, Meta(ge=0, le=limits.MAX_UNIX_MICROSECONDS)]
Checksum = Annotated[str, Meta(pattern=r"^crc32:[0-9a-f]{8}$")]
Capabilities = Annotated[list[ShortText], Meta(max_length=limits.MAX_CAPABILITIES)]
InputBytes = Annotated[bytes, Meta(max_length=limits.INPUT_FRAME_BYTES)]


class TaskUsage(Struct, frozen=True, kw_only=True, rename="camel"):
    """What the processes of one running task use: see `usage` of a task in the HTTP API."""

    task_id: Id
    cpu_seconds: Amount
    cpu_share: Amount
    memory_bytes: Count
    processes: Count
