"""`arbor logs` of a part: last lines, times, and how the task ended; `arbor wait`."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.cli.log_range import LastLines
from arborlink.client import Chunk
from tests.bounds import HANG_SECONDS

from .conftest import Up

LINES = 60_000
STAMP = re.compile(rb"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d) ")


@given(
    data=st.lists(st.sampled_from([b"\n", b"a", b"bc", b"\n\n"]), max_size=20),
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=8),
    count=st.integers(1, 8),
)
def test_lines_are_counted_as_tail_does(data: list[bytes], sizes: list[int], count: int) -> None:
    """Whatever pieces the bytes come in, and however many pieces are read at a time."""
    whole = b"".join(data)
    chunks: list[Chunk] = []
    offset = 0
    while offset < len(whole):
        piece = whole[offset : offset + sizes[len(chunks) % len(sizes)]]
        chunks.append(Chunk(offset, False, 0, piece))
        offset += len(piece)
    lines, found = LastLines(count), None
    while chunks and found is None:
        found = lines.before(chunks[-2:])
        del chunks[-2:]
    lines_with_ends = whole.split(b"\n")
    kept = [each + b"\n" for each in lines_with_ends[:-1]] + [
        each for each in lines_with_ends[-1:] if each
    ]
    assert whole[found or 0 :] == b"".join(kept[-count:])


@pytest.fixture(scope="module", name="large")
def _large(up: Up) -> str:
    """Over, with lines of both streams in a known order, of which stderr has few."""
    script = f"seq 1 {LINES}; sleep 0.2; echo oops >&2; sleep 0.2; seq 1 {LINES}; printf end"
    assert up.arbor("run", "--shell", "--title", "range", "--", script).returncode == 0
    return str(json.loads(up.arbor("tasks", "--search", "range", "--json").stdout)[0]["id"])


@pytest.mark.parametrize("follow", [[], ["-f"]], ids=" ".join)
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--tail", "1"], b"end"),
        (["-n", "2"], b"%d\nend" % LINES),
        (["--tail", "0"], b""),
        (["--tail", "1", "--stream", "stderr"], b"oops\n"),
        (["--tail", "9", "--stream", "stderr"], b"oops\n"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_last_lines(
    up: Up, large: str, options: list[str], expected: bytes, follow: list[str]
) -> None:
    assert up.arbor("logs", *follow, *options, large).stdout == expected


def test_more_last_lines_than_one_step_reads(up: Up, large: str) -> None:
    whole = up.arbor("logs", large).stdout
    for count in (LINES // 2, LINES + 5, 3 * LINES):
        shown = up.arbor("logs", "--tail", str(count), large).stdout
        assert shown == b"\n".join(whole.split(b"\n")[-count:])
    stdout = up.arbor("logs", "--stream", "stdout", "--tail", str(LINES + 5), large).stdout
    lines = [str(number) for number in (*range(1, LINES + 1), *range(1, LINES + 1))] + ["end"]
    assert stdout.decode() == "\n".join(lines[-(LINES + 5) :])


def test_since_and_until_a_moment(up: Up, large: str) -> None:
    """The moment is when stderr was written; a time before each line says when that was."""
    stamped = up.arbor("logs", "-t", "--stream", "stderr", large).stdout
    assert STAMP.match(stamped)
    moment = datetime.fromisoformat(stamped.split()[0].decode())
    whole = up.arbor("logs", large).stdout
    at = whole.index(b"oops\n")
    earlier = (moment - timedelta(seconds=0.1)).isoformat()
    later = (moment + timedelta(seconds=0.1)).isoformat()

    assert up.arbor("logs", "--since", earlier, large).stdout == whole[at:]
    assert up.arbor("logs", "--since", later, large).stdout == whole[at + 5 :]
    assert up.arbor("logs", "-f", "--since", later, large).stdout == whole[at + 5 :]
    assert up.arbor("logs", "--until", earlier, large).stdout == whole[:at]
    assert up.arbor("logs", "-f", "--until", earlier, large).stdout == whole[:at]
    both = up.arbor("logs", "--since", earlier, "--until", later, large).stdout
    assert both == b"oops\n"
    assert up.arbor("logs", "--until", later, "--tail", "1", large).stdout == b"oops\n"
    assert up.arbor("logs", "--since", "1h", large).stdout == whole
    assert up.arbor("logs", "--until", "1h", large).stdout == b""


@pytest.mark.parametrize("follow", [[], ["-f"]], ids=" ".join)
def test_every_line_has_its_time(up: Up, large: str, follow: list[str]) -> None:
    shown = up.arbor("logs", *follow, "-t", "--utc", large).stdout.split(b"\n")
    assert all(STAMP.match(line) and b"Z " in line[:25] for line in shown)
    assert [line.split(b" ", 1)[1] for line in shown] == up.arbor("logs", large).stdout.split(b"\n")
    times = [line.split(b" ", 1)[0] for line in shown]
    assert times == sorted(times) and len(set(times)) > 2


def test_following_a_task_shows_a_question_with_its_time(up: Up) -> None:
    words = ["run", "-d", "-t", "--", "sh", "-c", "printf 'go on? '; read x; echo went on"]
    task = up.arbor(*words).stdout.decode().strip()
    follower = subprocess.Popen(
        up.command("logs", "-f", "-t", task),
        env=up.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    assert follower.stdout is not None
    seen = b""
    while not seen.endswith(b"go on? "):
        seen += os.read(follower.stdout.fileno(), 4_096)
    with subprocess.Popen(
        up.command("attach", task), env=up.environment, stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as typist:  # fmt: skip
        assert typist.stdin is not None
        typist.stdin.write(b"y\n")
        typist.stdin.flush()
        rest = follower.communicate(timeout=HANG_SECONDS)[0]
    lines = (seen + rest).splitlines()
    assert [STAMP.sub(b"", line) for line in lines] == [b"go on? y", b"went on"]


def test_mistakes_are_said_with_examples(up: Up) -> None:
    for words in (["--since", "yesterday"], ["--until", "5 fortnights"]):
        refused = up.arbor("logs", *words, "last")
        assert refused.returncode == 2 and b"how long ago (10m" in refused.stderr
    refused = up.arbor("logs", "-t", "--format", "jsonl", "last")
    assert refused.returncode == 2 and b"has times of its own" in refused.stderr


@pytest.fixture(scope="module", name="ended")
def _ended(up: Up) -> dict[str, str]:
    """Tasks by how they ended."""
    commands = {
        "done": ["true"],
        "seven": ["sh", "-c", "echo x; exit 7"],
        "killed": ["sh", "-c", "echo x; kill -9 $$"],
        "missing": ["./no-such-command"],
    }
    return {
        name: up.arbor("run", "-d", "-n", "--", *words).stdout.decode().strip()
        for name, words in commands.items()
    }


@pytest.mark.parametrize(
    ("name", "code"), [("done", 0), ("seven", 7), ("killed", 137), ("missing", 127)]
)
def test_exit_codes_of_tasks(up: Up, ended: dict[str, str], name: str, code: int) -> None:
    task = ended[name]
    assert up.arbor("wait", task).returncode == code
    assert up.arbor("logs", "-f", "--exit-status", task).returncode == code
    assert up.arbor("logs", "--exit-status", task).returncode == code
    assert up.arbor("logs", task).returncode == 0


def test_a_task_that_wrote_nothing_says_why(up: Up, ended: dict[str, str]) -> None:
    for follow in ([], ["-f"]):
        said = up.arbor("logs", *follow, ended["missing"]).stderr
        assert b"there is no output: the task failed (command_not_found)" in said
        assert up.arbor("logs", *follow, ended["done"]).stderr == b""


def test_waiting_for_several_tasks(up: Up, ended: dict[str, str]) -> None:
    tasks = [ended[name] for name in ("done", "killed", "seven")]
    assert up.arbor("wait", *tasks).returncode == 137
    shown = up.arbor("wait", "--json", *tasks)
    assert [each["id"] for each in json.loads(shown.stdout)] == tasks
    assert up.arbor("wait", ended["done"], "no-such-task").returncode == 125


def test_waiting_has_an_end(up: Up) -> None:
    task = up.arbor("run", "-d", "-n", "--", "sleep", "300").stdout.decode().strip()
    late = up.arbor("wait", "--timeout", "0.2", task)
    assert late.returncode == 124 and task.encode() in late.stderr
    unfinished = up.arbor("logs", "--exit-status", task)
    assert unfinished.returncode == 125 and b"no exit code yet" in unfinished.stderr
    waiting = subprocess.Popen(up.command("wait", task), env=up.environment, stderr=subprocess.PIPE)
    assert up.arbor("cancel", "--grace", "0", task).returncode == 0
    _, said = waiting.communicate(timeout=HANG_SECONDS)
    assert waiting.returncode == 130 and b"cancelled" in said


def test_a_person_is_told_how_the_task_ended(up: Up, ended: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    follower = subprocess.run(
        up.command("logs", "-f", ended["seven"]),
        env=up.environment,
        stdout=subprocess.PIPE,
        stderr=theirs,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert (follower.returncode, follower.stdout) == (0, b"x\n")
    assert b"the task failed, exit code 7" in os.read(ours, 4_096)
    os.close(ours)
    os.close(theirs)
