"""`arbor run` over a real hub and daemon: bytes, streams, input, exit codes."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from arborlink.testing.cell_reader import CellReader
from tests.e2e.arbor import Arbor, cells
from tests.e2e.shared import one_for_all

arbor = one_for_all


def test_streams_come_apart_and_the_exit_code_is_the_commands(arbor: Arbor) -> None:
    done = arbor.run("run", "--", "sh", "-c", "echo out; echo err >&2; exit 7")

    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 7)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (["sh", "-c", "kill -9 $$"], 128 + 9),
        (["no-such-program"], 127),
        (["./not-executable"], 126),
    ],
)
def test_exit_codes_of_commands_that_do_not_exit(arbor: Arbor, line: list[str], code: int) -> None:
    (arbor.workspace / "not-executable").write_text("x")

    assert arbor.run("run", "--", *line).returncode == code


def test_timeout_and_cancel_have_codes_of_their_own(arbor: Arbor) -> None:
    assert arbor.run("run", "--timeout", "0.2", "--", "sleep", "60").returncode == 124


def test_output_and_input_are_exact(arbor: Arbor) -> None:
    total = 8 << 20
    done = arbor.run("run", "--", *cells("exact", total))
    reader = CellReader("exact")
    reader.feed(done.stdout)
    assert reader.finish(total) == []

    data = os.urandom(8 << 20)
    done = arbor.run("run", "--", "sha256sum", stdin=data)
    assert done.stdout.split()[0].decode() == hashlib.sha256(data).hexdigest()


def test_logs_and_tasks_show_what_ran(arbor: Arbor) -> None:
    arbor.run("run", "--", "sh", "-c", "echo one; echo two >&2")
    listed = json.loads(arbor.run("tasks", "--json").stdout)
    task_id = listed[0]["id"]

    assert sorted(arbor.run("logs", task_id).stdout.split()) == [b"one", b"two"]
    assert arbor.run("logs", "--stream", "stderr", task_id).stdout == b"two\n"
    assert arbor.run("logs", "--from", "-4", "-f", task_id).stdout in (b"two\n", b"one\n")
    assert listed[0]["status"] == "completed"


def test_arguments_reach_the_program_as_they_are(arbor: Arbor) -> None:
    odd = ["a b", "", "$HOME", "`id`", "*", "-rf", "\n", "é\U0001f333", '"', "'", "\\", "--"]
    done = arbor.run(
        "run", "--", "python3", "-c", "import sys, json; print(json.dumps(sys.argv[1:]))", *odd
    )

    assert json.loads(done.stdout) == odd
