"""A time before each line, wherever the pieces of output were cut."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.cli.timestamps import MAX_HELD_BYTES, Timestamps, moment_text
from arborlink.client import Chunk

T0 = "2026-01-31T08:00:00.000Z"
T1 = "2026-01-31T08:00:01.000Z"
T2 = "2026-01-31T08:00:02.000Z"
START = 1_769_846_400.0


@pytest.fixture(name="stamps")
def _stamps() -> Timestamps:
    stamps = Timestamps(utc=True)
    stamps.started_at = START
    return stamps


def out(seconds: float, data: bytes) -> Chunk:
    return Chunk(0, False, int(seconds * 1_000_000), data)


def err(seconds: float, data: bytes) -> Chunk:
    return Chunk(0, True, int(seconds * 1_000_000), data)


def shown(stamps: Timestamps, *chunks: Chunk) -> str:
    return (b"".join(map(stamps.feed, chunks)) + stamps.flush()).decode()


def test_a_line_in_two_pieces_has_the_time_of_its_first_byte(stamps: Timestamps) -> None:
    text = shown(stamps, out(0, b"a\nb"), out(1, b"c\n"), out(2, b"d"))
    assert text == f"{T0} a\n{T0} bc\n{T2} d"


def test_lines_of_both_streams_stay_whole(stamps: Timestamps) -> None:
    text = shown(stamps, out(0, b"ab"), err(1, b"oops\n"), out(2, b"cd\n"))
    assert text == f"{T1} oops\n{T0} abcd\n"


def test_an_empty_line_has_a_time_and_a_carriage_return_is_no_end(stamps: Timestamps) -> None:
    assert shown(stamps, out(0, b"\n\n"), out(1, b"10%\r20%\r\n")) == (
        f"{T0} \n{T0} \n{T1} 10%\r20%\r\n"
    )


def test_what_was_flushed_goes_on_in_its_line_unless_the_other_stream_came(
    stamps: Timestamps,
) -> None:
    assert stamps.feed(out(0, b"go on? ")) == b""
    assert stamps.flush() == f"{T0} go on? ".encode()
    assert stamps.feed(out(1, b"yes\n")) == b"yes\n"
    stamps.feed(out(0, b"one"))
    stamps.flush()
    assert stamps.feed(err(1, b"two\n")) == f"\n{T1} two\n".encode()
    assert stamps.feed(out(2, b"three\n")) == f"{T2} three\n".encode()
    assert stamps.flush() == b"" and not stamps.holds


def test_a_line_without_end_is_not_held_for_ever(stamps: Timestamps) -> None:
    written = stamps.feed(out(0, bytes(MAX_HELD_BYTES + 1)))
    assert len(written) == MAX_HELD_BYTES + 1 + len(T0) + 1
    assert stamps.feed(out(1, b"x\n")) == b"x\n"


@given(st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=9)), max_size=20))
def test_without_the_times_it_is_the_lines_of_each_stream(
    pieces: list[tuple[bool, bytes]],
) -> None:
    pieces = [(stream, data.replace(b" ", b"_")) for stream, data in pieces]
    stamps = Timestamps(utc=True)
    chunks = [Chunk(0, stream, 0, data) for stream, data in pieces]
    written = b"".join(map(stamps.feed, chunks)) + stamps.flush()
    for stream in (False, True):
        data = b"".join(each for which, each in pieces if which is stream)
        lines = data.removesuffix(b"\n").split(b"\n") if data else []
        prefix = moment_text(0, utc=True).encode() + b" "
        for line in lines:
            assert prefix + line in written
    assert written.count(b" ") == sum(
        b"".join(d for s, d in pieces if s is stream).removesuffix(b"\n").count(b"\n") + 1
        for stream in (False, True)
        if any(s is stream for s, _ in pieces)
    )


@pytest.fixture(name="zone")
def _zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(os.environ, "TZ", "XXX-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_times_are_those_of_the_local_zone(zone: None) -> None:
    assert moment_text(START + 0.5, utc=False) == "2026-01-31T10:00:00.500+02:00"
    assert moment_text(START + 0.5, utc=True) == "2026-01-31T08:00:00.500Z"
