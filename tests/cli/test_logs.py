"""`arbor logs` and how tasks are named, with a real hub and daemon."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from tests.bounds import HANG_SECONDS

from .conftest import Up
from .terminals import Terminal

LINES = 60_000


@pytest.fixture(scope="module", name="large")
def _large(up: Up) -> str:
    """A task that is over, with more output than any buffer on the way takes."""
    # Two pipes have no order between them. What follows `oops` is more than one read takes, so that
    # it is read before the end, however late the daemon is.
    seq = f"seq 1 {LINES}"
    script = f'{seq}; echo oops >&2; {seq}; {seq}; echo "end of it"'
    result = up.arbor("run", "--shell", "--title", "large", "--", script)
    assert result.returncode == 0
    task = json.loads(up.arbor("tasks", "--search", "large", "--json").stdout)[0]
    return str(task["id"])


@pytest.mark.parametrize(
    "options",
    [[], ["-f"], ["--format", "jsonl"], ["--format", "asciicast"], ["--stream", "stdout"]],
    ids=" ".join,
)
def test_a_reader_that_has_seen_enough(up: Up, large: str, options: list[str]) -> None:
    process = subprocess.Popen(
        up.command("logs", *options, large),
        env=up.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(30) == 128 + signal.SIGPIPE
    process.stderr.close()


def test_formats_from_an_offset_keep_the_pieces(up: Up, large: str) -> None:
    def pieces(*options: str) -> list[dict[str, object]]:
        output = up.arbor("logs", "--format", "jsonl", *options, large).stdout
        return [json.loads(line) for line in output.splitlines()]

    whole = pieces()
    size = len(up.arbor("logs", large).stdout)
    middle = len(whole) // 2
    offset = whole[middle]["offset"]
    assert isinstance(offset, int)
    assert pieces("--from", str(offset)) == whole[middle:]
    assert pieces("--from", str(offset - size)) == whole[middle:]
    assert "".join(str(each["text"]) for each in pieces("--from", "-10")) == "end of it\n"
    assert pieces("--from", str(-size - 5)) == whole
    stderr = up.arbor("logs", "--stream", "stderr", "--from", "100", large).stdout
    assert stderr == b"oops\n"
    recorded = up.arbor("logs", "--format", "asciicast", "--from", "-10", large).stdout.splitlines()
    assert json.loads(recorded[0])["version"] == 2
    assert [json.loads(each)[2] for each in recorded[1:]] == ["end of it\r\n"]
    beyond = up.arbor("logs", "--format", "jsonl", "--from", str(size + 1), large)
    assert beyond.returncode == 1 and f"{size} bytes".encode() in beyond.stderr


def test_followed_output_is_written_as_the_hub_writes_stored_output(up: Up) -> None:
    script = "printf 'caf\\303'; printf 'oops\\n' >&2; printf '\\251 10%%\\b\\b\\b20%%\\n'"
    assert up.arbor("run", "--shell", "--", script).returncode == 0

    def said(*options: str) -> str:
        recording = up.arbor("logs", "--format", "asciicast", *options, "last").stdout
        return "".join(json.loads(line)[2] for line in recording.splitlines()[1:])

    assert said("-f") == said()
    assert "\ufffd" not in said("-f")
    text = up.arbor("logs", "--format", "text", "last").stdout
    assert up.arbor("logs", "-f", "--format", "text", "last").stdout == text
    # Two pipes have no order between them.
    orders = ("café 20%\noops\n", "cafoops\né 20%\n", "oops\ncafé 20%\n")
    assert text.decode() in orders


def test_a_recording_that_is_followed_is_that_of_what_is_stored(up: Up) -> None:
    """With the sizes that the terminal had meanwhile, each in its place."""
    script = "stty size; while read x; do stty size; done; echo over"
    with Terminal(up, "run", "--tty", "--title", "sized", "--shell", "--", script) as terminal:
        terminal.until(b"24 80")
        following = [
            subprocess.Popen(
                up.command("logs", "-f", "--format", form, "last"),
                env=up.environment,
                stdout=subprocess.PIPE,
                bufsize=0,
            )
            for form in ("asciicast", "jsonl")
        ]
        recorder = following[0].stdout
        assert recorder is not None and b'"width":80' in (header := recorder.readline())
        for cols in (100, 132, 40):
            terminal.resize(cols, 30)
            # The size arrives by itself, and a line that is read by the program shows it.
            terminal.type(b"\r")
            while b"30 %d" % cols not in terminal.seen:
                terminal.until(b"\n")
                terminal.type(b"\r")
        terminal.type(b"\x04")
        assert terminal.end() == 0
    recording, pieces = (each.communicate(timeout=HANG_SECONDS)[0] for each in following)
    assert [each.returncode for each in following] == [0, 0]
    assert header + recording == up.arbor("logs", "--format", "asciicast", "last").stdout
    assert up.arbor("logs", "-f", "--format", "asciicast", "last").stdout == header + recording
    assert pieces == up.arbor("logs", "--format", "jsonl", "last").stdout
    events = [json.loads(line) for line in recording.splitlines()]
    assert [event[2] for event in events if event[1] == "r"] == ["100x30", "132x30", "40x30"]


def test_a_recording_goes_on_over_a_hub_that_is_killed(up: Up) -> None:
    script = "stty size; while read x; do echo got $x; done; echo over"
    with Terminal(up, "run", "--tty", "--shell", "--", script) as terminal:
        terminal.until(b"24 80")
        following = subprocess.Popen(
            up.command("logs", "-f", "--format", "asciicast", "last"),
            env=up.environment,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        assert following.stdout is not None
        first = following.stdout.readline()
        for number in range(3):
            hub = int((up.home / "hub" / "hub.pid").read_text())
            os.kill(hub, signal.SIGKILL)
            terminal.resize(90 + number, 24)
            # What is typed while the connection is lost may be lost.
            terminal.until(b"connected again")
            terminal.type(b"%d\r" % number)
            terminal.until(b"got %d" % number)
        terminal.type(b"\x04")
        assert terminal.end() == 0
    rest = following.communicate(timeout=HANG_SECONDS)[0]
    assert following.returncode == 0
    stored = up.arbor("logs", "--format", "asciicast", "last").stdout
    assert spoken(first + rest) == spoken(stored)


def spoken(recording: bytes) -> tuple[str, list[str]]:
    """What a recording shows, and its sizes: a hub that was killed may have lost in which pieces
    its last bytes came."""
    events = [json.loads(line) for line in recording.splitlines()[1:]]
    shown = "".join(event[2] for event in events if event[1] == "o")
    return shown, [event[2] for event in events if event[1] == "r"]


def test_a_task_is_named_by_its_end_or_as_the_last_one(up: Up) -> None:
    first, second = (
        up.arbor("run", "--detach", "--", "echo", each).stdout.decode().strip()
        for each in ("first", "second")
    )
    assert up.arbor("logs", "-f", "last").stdout == b"second\n"
    assert up.arbor("logs", "-f", first[-6:]).stdout == b"first\n"
    assert up.arbor("logs", "-f", second[:-1]).stdout == b"second\n"
    too_short = up.arbor("logs", first[-3:])
    assert too_short.returncode == 1 and b"at least the last 4 characters" in too_short.stderr
    ambiguous = up.arbor("logs", first[:7])
    assert ambiguous.returncode == 1 and first.encode() in ambiguous.stderr
