"""Each format of output, by what it is given in order."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.protocol.formats import FORMATS, Format, JsonLinesFormat
from arborlink.protocol.resources import Task, TerminalSize, TerminalSizeChange
from tests.resources import TASK

TERMINAL = msgspec.structs.replace(TASK, tty=TerminalSize(cols=100, rows=30), title="building")

Chunk = tuple[bool, int, bytes]


def change(offset: int, time: int = 0, *, cols: int, rows: int) -> TerminalSizeChange:
    return TerminalSizeChange(cols=cols, rows=rows, offset=offset, time=time)


def document(form: str, *pieces: Chunk | TerminalSizeChange | str, task: Task = TASK) -> bytes:
    """What a format writes of these pieces; a text is the reason of a gap of nine bytes."""
    return written(FORMATS[form](task), *pieces, task=task)


def written(form: Format, *pieces: Chunk | TerminalSizeChange | str, task: Task = TASK) -> bytes:
    tty = task.tty
    first = None if tty is None else change(0, cols=tty.cols, rows=tty.rows)
    parts, offset = [form.begin(first)], 0
    for piece in pieces:
        if isinstance(piece, str):
            parts.append(form.gap(offset, offset + 9, piece))
            offset += 9
        elif isinstance(piece, TerminalSizeChange):
            parts.append(form.resize(piece))
        else:
            parts.append(form.chunk(offset, *piece))
            offset += len(piece[2])
    return b"".join([*parts, form.finish()])


def lines(data: bytes) -> list[object]:
    return [json.loads(line) for line in data.splitlines()]


def test_json_lines_keep_every_byte() -> None:
    told = document("jsonl", (True, 9, b"hi\n"), (False, 0, b"\xff"), "spool_full")
    assert lines(told) == [
        {"offset": 0, "length": 3, "isError": True, "time": 9, "text": "hi\n"},
        {"offset": 3, "length": 1, "isError": False, "time": 0, "base64": "/w=="},
        {"gap": {"from": 4, "to": 13, "reason": "spool_full"}},
    ]


def test_a_recording_says_when_its_terminal_was_resized() -> None:
    """Never before what was written at the size before, whatever the times are."""
    wider = TerminalSizeChange(cols=120, rows=40, offset=2, time=400_000)
    pieces = ((False, 500_000, b"a\n"), wider, (False, 1_500_000, b"b"))
    header, *events = lines(document("asciicast", *pieces, task=TERMINAL))
    assert header == {"version": 2, "width": 100, "height": 30, "title": "building"}
    assert events == [[0.5, "o", "a\n"], [0.5, "r", "120x40"], [1.5, "o", "b"]]
    assert document("text", *pieces) == b"a\nb"
    assert len(lines(document("jsonl", *pieces))) == 2


def test_a_recording_begins_in_the_size_of_its_first_output() -> None:
    early, wider = change(0, 300_000, cols=90, rows=20), change(1, 800_000, cols=120, rows=40)
    header, *events = lines(document("asciicast", early, (False, 500_000, b"a"), wider))
    assert header == {"version": 2, "width": 90, "height": 20, "title": "make"}
    assert events == [[0.5, "o", "a"], [0.8, "r", "120x40"]]
    assert lines(document("asciicast", early)) == [header]
    (header, event) = lines(document("asciicast", early, "lost"))
    assert header == {"version": 2, "width": 90, "height": 20, "title": "make"}
    assert event == [0.0, "o", "\r\n[9 bytes are missing: lost]\r\n"]


def test_json_lines_have_sizes_where_they_are_wanted() -> None:
    pieces = ((False, 500_000, b"a"), change(1, 800_000, cols=120, rows=40), (False, 900_000, b"b"))
    with_sizes = JsonLinesFormat(TERMINAL, sizes=True)
    assert lines(written(with_sizes, *pieces, task=TERMINAL)) == [
        {"size": {"cols": 100, "rows": 30, "offset": 0, "time": 0}},
        {"offset": 0, "length": 1, "isError": False, "time": 500_000, "text": "a"},
        {"size": {"cols": 120, "rows": 40, "offset": 1, "time": 800_000}},
        {"offset": 1, "length": 1, "isError": False, "time": 900_000, "text": "b"},
    ]
    assert len(lines(written(JsonLinesFormat(TASK, sizes=True), (False, 0, b"a")))) == 1


def test_a_recording_joins_characters_that_were_cut_in_two() -> None:
    pieces = ((False, 500_000, b"\xc3"), (True, 900_000, b"oops\n"), (False, 1_500_000, b"\xa9\n"))
    header, *events = lines(document("asciicast", *pieces))
    assert header == {"version": 2, "width": 80, "height": 24, "title": "make"}
    assert events == [[0.9, "o", "oops\r\n"], [1.5, "o", "é\r\n"]]


def test_a_recording_of_a_terminal_has_its_size_and_its_own_line_ends() -> None:
    pieces = ((False, 2_000_000, b"a\n\xc3"), (False, 1_000_000, b"b\r\n"), "lost", (False, 0, b""))
    header, *events = lines(document("asciicast", *pieces, task=TERMINAL))
    assert header == {"version": 2, "width": 100, "height": 30, "title": "building"}
    assert events == [
        [2.0, "o", "a\n"],
        [2.0, "o", "\ufffdb\r\n"],
        [2.0, "o", "\r\n[9 bytes are missing: lost]\r\n"],
    ]


def test_a_recording_says_what_was_cut_off_at_its_end() -> None:
    assert lines(document("asciicast", (False, 0, b"\xc3")))[1:] == [[0.0, "o", "\ufffd"]]


def test_text_has_gaps_on_lines_of_their_own() -> None:
    text = document("text", (False, 0, b"10%\r20%"), "size_limit", (False, 0, b"\x1b[1mend"))
    assert text == b"20%\n[9 bytes are missing: size_limit]\nend"


@pytest.mark.parametrize("form", ["text", "asciicast"])
def test_the_reason_of_a_gap_does_not_act_on_a_terminal(form: str) -> None:
    told = document(form, "x\x1b]0;t\x07\u202e\n")
    text = told.decode() if form == "text" else json.loads(told.splitlines()[1])[2]
    assert text.strip().isprintable()


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.binary(min_size=1, max_size=9))))
def test_any_output_gives_a_document(pieces: list[Chunk]) -> None:
    assert all(isinstance(event, list) for event in lines(document("asciicast", *pieces))[1:])
    told = [json.loads(line)["length"] for line in document("jsonl", *pieces).splitlines()]
    assert told == [len(data) for _, _, data in pieces]
    document("text", *pieces).decode()
