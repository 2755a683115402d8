"""Bytes in and out: exactly, apart, and on a terminal."""

from __future__ import annotations

import hashlib
import sys

import pytest

from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import Input, Resize
from arborlink.protocol.resources import Terminal

from .conftest import Arena

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1024 * 1024
SIZE = Terminal(cols=80, rows=24)


async def test_a_flood_arrives_exactly(shared: Arena) -> None:
    """Far more than any buffer, through credit and back-pressure."""
    script = (
        "import hashlib, os, sys\n"
        "h = hashlib.sha256()\n"
        "for _ in range(160):\n"
        "    data = os.urandom(262144); h.update(data); sys.stdout.buffer.write(data)\n"
        "sys.stderr.write(h.hexdigest())\n"
    )
    task = await shared.run(sys.executable, "-c", script)
    assert len(task.stdout) == 40 * MIB
    assert hashlib.sha256(task.stdout).hexdigest() == task.stderr.decode()
    assert task.times == sorted(task.times)


async def test_cells_arrive_in_order(shared: Arena) -> None:
    """Every cell names its place."""
    task = await shared.run(
        sys.executable, "-m", "arborlink.testing.cells", "--key", "7", "--bytes", "3000000"
    )
    assert task.end is not None
    assert task.end.status is TaskStatus.COMPLETED
    assert len(task.stdout) == 3_000_000


async def test_both_streams_are_kept_apart(shared: Arena) -> None:
    """What went to stderr says so, in the order in which it was read."""
    script = "for i in 1 2 3; do echo out$i; echo err$i >&2; done"
    task = await shared.run("sh", "-c", script)
    assert bytes(task.stdout) == b"out1\nout2\nout3\n"
    assert bytes(task.stderr) == b"err1\nerr2\nerr3\n"


async def test_streams_that_are_one_keep_the_order_of_writing(shared: Arena) -> None:
    """However fast they are written, also by what the command starts."""
    script = "i=0; while [ $i -lt 300 ]; do echo out$i; sh -c 'echo err$0 >&2' $i; i=$((i+1)); done"
    lines = [f"{kind}{number}\n" for number in range(300) for kind in ("out", "err")]
    task = await shared.run("sh", "-c", script, merge_stderr=True)
    assert (task.stdout.decode(), bytes(task.stderr)) == ("".join(lines), b"")
    task = await shared.run("bash", "-xc", "echo A; echo B", merge_stderr=True)
    assert bytes(task.stdout) == b"+ echo A\nA\n+ echo B\nB\n"


async def test_input_arrives_exactly(shared: Arena) -> None:
    """10 MiB, within the window, to the end."""
    data = bytes(range(256)) * (10 * MIB // 256)
    task = await shared.start("sha256sum")
    await shared.hub.feed(task, data, eof=True)
    await shared.hub.ended(task)
    assert task.stdout.decode().split()[0] == hashlib.sha256(data).hexdigest()
    assert task.input_acked == len(data)


async def test_repeated_input_is_written_once(shared: Arena) -> None:
    """Overlaps are cut off by their offsets."""
    task = await shared.start("cat")
    for offset, data, eof in [(0, b"abc", False), (0, b"abcde", False), (2, b"cdef", True)]:
        message = Input(task_id=task.task_id, offset=offset, input=data, eof=eof)
        await shared.hub.send(message)
    await shared.hub.ended(task)
    assert bytes(task.stdout) == b"abcdef"


async def test_input_for_a_command_that_does_not_read(shared: Arena) -> None:
    """It is acknowledged once the command has closed its end, or has gone."""
    task = await shared.start("sh", "-c", "exec <&-; echo closed; sleep 1")
    await shared.printed(task, b"closed")
    await shared.hub.feed(task, b"x" * (2 * MIB), eof=True)
    await shared.hub.ended(task)
    assert task.input_acked == 2 * MIB


async def test_empty_input(shared: Arena) -> None:
    """`stdin: empty` is at its end from the beginning."""
    task = await shared.run("cat", stdin="empty")
    assert task.end is not None
    assert task.end.status is TaskStatus.COMPLETED


async def test_a_terminal_is_one(shared: Arena) -> None:
    """All three are, with the size that was asked for; it is the controlling one."""
    script = "test -t 0 -a -t 1 -a -t 2 && stty size && echo $TERM && : >/dev/tty && echo mine"
    task = await shared.run("sh", "-c", script, tty=SIZE)
    assert task.stdout.split() == [b"24", b"80", b"xterm-256color", b"mine"]
    assert not task.stderr


async def test_a_terminal_reads_utf8(shared: Arena) -> None:
    """Backspace erases a character, whatever it is made of; colours are all there."""
    script = 'read x; printf "%s" "$x" | od -An -tx1; echo $COLORTERM'
    task = await shared.start("sh", "-c", script, tty=SIZE)
    typed = "aü\x7fb🌳\x7f\r".encode()
    await shared.hub.send(Input(task_id=task.task_id, offset=0, input=typed))
    await shared.hub.ended(task)
    assert task.stdout.split()[-3:] == [b"61", b"62", b"truecolor"]


async def test_a_terminal_is_set_as_that_of_the_client(shared: Arena) -> None:
    """Keys and flags by the names of RFC 4254; unknown ones are passed over."""
    modes = {"VINTR": 7, "VERASE": 8, "VKILL": 255, "ECHO": 0, "IUTF8": 0, "NEW": 1}
    task = await shared.run("stty", "-a", tty=Terminal(cols=80, rows=24, modes=modes))
    said = task.stdout.decode()
    for part in ("intr = ^G", "erase = ^H", "kill = <undef>", "quit = ^\\", " -echo ", "-iutf8"):
        assert part in said


ENDS = {
    "a line that is not whole": ("cat", b"abc", b"abcabc"),
    "a line that is erased": ("cat", b"abc\x7f\x7f\x7f", b""),
    "nothing": ("cat", b"", b""),
    "a quoted line feed": ("cat", b"a\x16\n", b"a"),
    "several readers": ("cat; cat; read x || echo over", b"a\nb", b"over"),
    "another key": ("stty eof ^B; cat; echo over", b"abc", b"over"),
    "no key": ("stty eof undef; cat; echo over", b"abc", b"over"),
    "a late reader": ("sleep 0.3; cat; echo over", b"abc", b"over"),
    "a prompt": ("exec bash --norc -i", b"echo o''ver\n", b"over"),
    "a prompt in a prompt": ("exec bash --norc -i", b"bash --norc -i\necho o''ver\n", b"over"),
    "keys": ("stty -icanon; dd bs=1 count=4 2>/dev/null; echo over", b"abc", b"over"),
}


@pytest.mark.parametrize("case", ENDS)
async def test_the_end_of_input_reaches_every_reader(shared: Arena, case: str) -> None:
    """As that of a pipe does; what was typed before it is read first."""
    script, typed, said = ENDS[case]
    task = await shared.start("sh", "-c", script, tty=SIZE)
    await shared.hub.send(Input(task_id=task.task_id, offset=0, input=typed, eof=True))
    await shared.hub.ended(task)
    assert said in task.stdout.replace(b"\r\n", b"")


async def test_a_terminal_changes_its_size(shared: Arena) -> None:
    """The command is told by SIGWINCH."""
    script = "trap 'stty size; exit' WINCH; echo ready; while :; do read x; done"
    task = await shared.start("sh", "-c", script, tty=SIZE)
    await shared.printed(task, b"ready")
    await shared.hub.send(Resize(task_id=task.task_id, cols=132, rows=50))
    # The shell runs the trap between two commands: give it a line to read.
    await shared.hub.send(Input(task_id=task.task_id, offset=0, input=b"\n"))
    await shared.hub.ended(task)
    assert b"50 132" in task.stdout


async def test_ctrl_c_on_a_terminal_is_sigint(shared: Arena) -> None:
    """A byte of input like any other; the terminal makes a signal of it."""
    task = await shared.start("sh", "-c", "echo ready; exec sleep 60", tty=SIZE)
    await shared.printed(task, b"ready")
    await shared.hub.send(Input(task_id=task.task_id, offset=0, input=b"\x03"))
    end = await shared.hub.ended(task)
    assert (end.reason, end.signal) == ("signal", 2)


async def test_the_end_of_input_on_a_terminal(shared: Arena) -> None:
    """It is typed: `cat` sees its end of file, and what it printed is all there."""
    task = await shared.start("cat", tty=SIZE)
    await shared.hub.send(Input(task_id=task.task_id, offset=0, input=b"hello\n", eof=True))
    end = await shared.hub.ended(task)
    assert end.status is TaskStatus.COMPLETED
    assert bytes(task.stdout) == b"hello\r\nhello\r\n"
