"""Whose input it is: what a command did not read stays, or it is said that it is gone."""

from __future__ import annotations

import hashlib
import os
import pty
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bounds import HANG_SECONDS

from .conftest import Up

Bash = Callable[[str], subprocess.CompletedProcess[bytes]]


@pytest.fixture(name="bash")
def _bash(up: Up) -> Bash:
    """Run a script of bash in which `arbor` is the command."""

    def run(script: str) -> subprocess.CompletedProcess[bytes]:
        words = " ".join(f"'{word}'" for word in up.command())
        return subprocess.run(
            ["bash", "-c", f'arbor() {{ {words} "$@"; }}\nexport -f arbor\n{script}'],
            env=up.environment,
            cwd=up.folder,
            capture_output=True,
            timeout=HANG_SECONDS,
            check=False,
        )

    return run


@pytest.fixture(name="lines")
def _lines(tmp_path: Path) -> Path:
    file = tmp_path / "lines"
    file.write_text("".join(f"{number}\n" for number in range(4)))
    return file


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("arbor run -- echo $x", "0 1 2 3"),
        ("arbor run -- sh -c 'read y; echo $0$y' $x", "01 23"),
        ("arbor run -- no-such-command; echo $x", "0 1 2 3"),
        ("arbor run -- sh -c 'exec <&-; echo $0' $x", "0 1 2 3"),
        ("arbor run -- sh -c 'kill -9 $$'; echo $x", "0 1 2 3"),
        ("arbor run -- cat", "1 2 3"),
        ("arbor run -n -- sh -c 'cat; echo $0' $x", "0 1 2 3"),
        ("arbor run -n -d -- true > /dev/null; echo $x", "0 1 2 3"),
    ],
)
def test_a_loop_over_a_file_goes_on_after_what_was_read(
    bash: Bash, lines: Path, command: str, expected: str
) -> None:
    done = bash(f"while read x; do {command}; done < {lines}")
    assert done.stdout.decode().split() == expected.split(), done.stderr


def test_a_script_that_bash_reads_from_a_file_goes_on(bash: Bash, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("arbor run -- true\necho second\narbor run -- head -c 4\nabcecho third\n")
    done = bash(f"bash < {script}")
    # `head` of a pipe reads more than it writes, which is gone as it is without Arbor.
    assert done.stdout == b"second\nabce", done.stderr


def test_a_large_file_is_given_back_from_where_it_was_read(bash: Bash, tmp_path: Path) -> None:
    """What is on its way, at the hub, in the daemon and in the pipe counts as not read."""
    file = tmp_path / "large"
    data = random.Random(7).randbytes(5_000_000)
    file.write_bytes(data)
    script = "import os; os.read(0, 1); [os.read(0, 1) for _ in range(999)]"
    done = bash(f"(arbor run -- {sys.executable} -c '{script}'; cat) < {file}")
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(data[1_000:]).digest()
    assert done.stderr == b""


def test_of_a_pipe_it_is_said_how_much_is_gone(bash: Bash) -> None:
    done = bash("printf 'arbor run -- true\\necho second\\n' | bash")
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"12 bytes of input were taken and not read" in done.stderr
    assert b"-n (--no-input)" in done.stderr


@pytest.mark.parametrize("flag", ["arbor run -n", "ARBOR_NO_INPUT=1 arbor run"])
def test_without_input_a_pipe_is_left_alone(bash: Bash, flag: str) -> None:
    done = bash(f"printf '{flag} -- cat\\necho second\\n' | bash")
    assert (done.stdout, done.stderr) == (b"second\n", b"")


def test_input_that_was_read_needs_no_word(bash: Bash) -> None:
    done = bash("seq 1 100000 | arbor run -- sha256sum; seq 1 100000 | sha256sum")
    first, second = done.stdout.splitlines()
    assert (first, done.stderr) == (second, b"")


@pytest.mark.parametrize("kind", ["pipe", "socket", "shared"])
def test_a_reader_that_does_not_block_gets_all_bytes_and_the_end(up: Up, kind: str) -> None:
    """Its flags belong to all that share it, and stay as they are."""
    if kind == "socket":
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        read, write = theirs.detach(), ours.detach()
    else:
        read, write = os.pipe()
        os.set_blocking(read, False)
    process = subprocess.Popen(
        up.command("run", "--", "sh", "-c", "echo ready; cat"),
        env=up.environment,
        cwd=up.folder,
        stdin=read,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    for piece in (b"late\n", b"later\n"):
        os.write(write, piece)
        assert process.stdout.readline() == piece
    assert not os.get_blocking(read)
    os.close(write)
    assert process.communicate(timeout=HANG_SECONDS)[0] == b""
    assert process.returncode == 0
    os.close(read)


def test_input_that_cannot_be_read_is_named_and_not_taken_for_its_end(
    up: Up, tmp_path: Path
) -> None:
    with (tmp_path / "write-only").open("w") as file:
        # `&&`: the shell may go on for a moment when `cat` was ended by the cancellation.
        done = subprocess.run(
            up.command("run", "--", "sh", "-c", "cat && echo all of it"),
            env=up.environment,
            cwd=up.folder,
            stdin=file,
            capture_output=True,
            timeout=HANG_SECONDS,
            check=False,
        )
    assert (done.returncode, done.stdout) == (125, b"")
    assert b"standard input cannot be read: Bad file descriptor" in done.stderr


def test_detached_input_is_sent_to_its_end(up: Up) -> None:
    data = random.Random(9).randbytes(3_000_000)
    done = up.arbor("run", "--detach", "--", "sha256sum", stdin=data)
    assert done.returncode == 0
    assert b"sent 3,000,000 bytes" in done.stderr
    shown = up.arbor("logs", "-f", done.stdout.decode().strip()).stdout
    assert shown.split()[0].decode() == hashlib.sha256(data).hexdigest()


def test_the_id_comes_before_the_input_and_an_interrupt_ends_it(up: Up) -> None:
    process = subprocess.Popen(
        up.command("run", "-d", "--", "sh", "-c", "cat; echo end of it"),
        env=up.environment,
        cwd=up.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    task = process.stdout.readline().decode().strip()
    process.stdin.write(b"begun\n")
    process.stdin.flush()
    assert b"still sending standard input" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()
    assert process.wait(HANG_SECONDS) == 130
    assert b"ends here, after 6 bytes; the task goes on" in said
    assert up.arbor("logs", "-f", task).stdout == b"begun\nend of it\n"
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()


def test_a_terminal_is_no_input_unless_it_is_asked_for(up: Up) -> None:
    def typed(*options: str) -> bytes:
        ours, theirs = pty.openpty()
        os.write(ours, b"typed\n\x04")
        try:
            return subprocess.run(
                up.command("run", *options, "--", "cat"),
                env=up.environment,
                cwd=up.folder,
                stdin=theirs,
                capture_output=True,
                timeout=HANG_SECONDS,
                check=False,
            ).stdout
        finally:
            os.close(ours)
            os.close(theirs)

    assert typed() == b""
    assert typed("-i") == b"typed\n"


def test_variables_of_a_file(up: Up, tmp_path: Path) -> None:
    file = tmp_path / "variables"
    file.write_bytes(b'# a comment\n\nONE=1 # 2\r\nTWO="two"\nHERE\nNOT_HERE\nTHREE=3=3\n')
    up_environment = {**up.environment, "HERE": "here"}
    words = ["run", "--env-file", str(file), "-e", "TWO=2", "--"]
    script = 'echo "$ONE|$TWO|$HERE|${NOT_HERE-unset}|$THREE"'
    done = subprocess.run(
        up.command(*words, "sh", "-c", script),
        env=up_environment,
        cwd=up.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.stdout == b"1 # 2|2|here|unset|3=3\n", done.stderr
    file.write_text("ok=1\n=2\n")
    refused = up.arbor("run", "--env-file", str(file), "--", "true")
    assert refused.returncode == 125
    assert b"line 2" in refused.stderr and b"NAME=VALUE" in refused.stderr
