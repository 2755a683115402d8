"""Sizes of a terminal reach the hub at their place in the output, whatever breaks in between."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from arborlink.daemon.journal import Journal, Resized, read
from arborlink.daemon.recovery import recover
from arborlink.protocol import limits
from arborlink.protocol.messages import RESIZED_CAPABILITY, Gap, Input, Output, Resize, Status
from arborlink.protocol.resources import TerminalSize, TerminalSizeChange

from .conftest import Arena, make_arena
from .hub_double import HubDouble, HubTask
from .test_journal import accepted, ended
from .test_uplink import Bench, at
from .test_uplink import ended as ended_status

SIZE = TerminalSize(cols=80, rows=24)
# What a system keeps of a terminal's output that was not read yet, at most.
TERMINAL_BYTES = 64 * 1024
# Writes its terminal's size before everything else, and again for each line that it reads.
REPORTS = "while :; do stty size; read x || exit; done"


def change(offset: int, cols: int, time: int = 0) -> TerminalSizeChange:
    return TerminalSizeChange(offset=offset, time=time, cols=cols, rows=24)


async def resize(arena: Arena, task: HubTask, cols: int, *, known: int) -> None:
    """Another size, and the hub has heard of `known` of them; then the program says which."""
    await arena.hub.send(Resize(task_id=task.task_id, cols=cols, rows=24))
    await arena.hub.until(lambda: len(task.sizes) >= known)
    line = Input(task_id=task.task_id, offset=task.input_acked, input=b"\n")
    await arena.hub.send(line)
    await arena.printed(task, b"24 %d" % cols)


def sizes(task: HubTask) -> list[tuple[int, int]]:
    return [(message.offset, message.cols) for message, _ in task.sizes]


async def test_a_size_comes_after_the_output_before_it(arena: Arena) -> None:
    task = await arena.start("sh", "-c", REPORTS, tty=SIZE)
    await arena.printed(task, b"24 80")
    await resize(arena, task, 132, known=2)
    await resize(arena, task, 40, known=3)
    assert sizes(task)[0] == (0, 80)
    for message, end in task.sizes:
        assert message.offset == end
        shown = bytes(task.stdout)[message.offset :].split(b"24 ", 1)[1]
        assert shown.startswith(b"%d\r" % message.cols)
    times = [message.time for message, _ in task.sizes]
    assert times == sorted(times) and times[-1] > 0


async def test_the_same_size_again_is_no_change(arena: Arena) -> None:
    task = await arena.start("sh", "-c", REPORTS, tty=SIZE)
    await arena.printed(task, b"24 80")
    await arena.hub.send(Resize(task_id=task.task_id, cols=80, rows=24))
    await resize(arena, task, 90, known=2)
    assert [cols for _, cols in sizes(task)] == [80, 90]


async def test_a_task_without_a_terminal_has_no_size(arena: Arena) -> None:
    task = await arena.start("sh", "-c", "read x; echo over")
    await arena.hub.send(Resize(task_id=task.task_id, cols=90, rows=24))
    await arena.hub.feed(task, b"\n")
    await arena.hub.ended(task)
    assert task.sizes == []


async def test_a_hub_that_does_not_know_of_sizes_is_not_told(tmp_path: Path) -> None:
    hub = HubDouble()
    hub.capabilities = []
    async with make_arena(tmp_path, hub=hub) as arena:
        task = await arena.start("sh", "-c", REPORTS, tty=SIZE)
        await resize(arena, task, 90, known=0)
        assert task.sizes == []


async def test_sizes_come_again_over_a_reconnect_and_a_killed_connector(arena: Arena) -> None:
    task = await arena.start("sh", "-c", REPORTS, tty=SIZE)
    await arena.printed(task, b"24 80")
    await resize(arena, task, 100, known=2)
    before = sizes(task)
    connection = arena.hub.connection
    assert connection is not None
    connection.transport.abort()
    await arena.hub.until(lambda: len(task.sizes) >= 4)
    assert sizes(task) == before * 2
    os.kill(arena.daemon.connector_pid, signal.SIGKILL)
    await arena.hub.until(lambda: len(task.sizes) >= 6)
    assert sizes(task) == before * 3


async def test_sizes_of_a_flood_are_between_the_right_bytes(arena: Arena) -> None:
    """The program writes its size in every line; no line has a size before the hub was told of it,
    and what has the one before is no more than a terminal holds. It goes on until it had all."""
    script = (
        "import os, sys\n"
        "left = 10_000\n"
        "while left:\n"
        "    size = os.get_terminal_size(1)\n"
        "    sys.stdout.write(f'{size.columns:04d}\\n')\n"
        "    left -= size.columns == 85\n"
    )
    task = await arena.start(sys.executable, "-uc", script, tty=SIZE)
    for cols in range(81, 86):
        # 60,000 bytes on, and not before the program has had the size before.
        more = len(task.stdout) + 60_000
        await arena.hub.until(
            lambda end=more, before=b"%04d" % (cols - 1): (  # type: ignore[misc]
                len(task.stdout) > end and before in task.stdout
            )
        )
        await arena.hub.send(Resize(task_id=task.task_id, cols=cols, rows=24))
    await arena.hub.ended(task)
    assert [message.cols for message, _ in task.sizes] == [80, 81, 82, 83, 84, 85]
    output = bytes(task.stdout)
    for message, _ in task.sizes[1:]:
        first = output.index(b"%04d" % message.cols)
        # It may be told of in the middle of a line that is written.
        assert message.offset - 4 <= first <= message.offset + TERMINAL_BYTES


def test_an_output_is_cut_where_the_size_changes(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    changes = [change(0, 80), change(10, 81), change(10, 82, 1), change(70_000, 83)]
    bench.task("a", 100_000, end=ended_status("a", 100_000), sizes=changes)
    bench.connect(at("a"), capabilities=[RESIZED_CAPABILITY])
    seen: list[tuple[int, int]] = []
    end = 0
    for message in bench.sent():
        if isinstance(message, Output):
            end = message.offset + len(message.output)
        elif not isinstance(message, Status):
            seen.append((end, message.cols))  # type: ignore[union-attr]
        else:
            assert end == 100_000
    assert seen == [(0, 80), (10, 81), (10, 82), (70_000, 83)]


def test_a_size_in_what_was_pruned_comes_after_the_gap(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.task("a", 100, start=50, sizes=[change(20, 81), change(60, 82)])
    bench.connect(at("a"), capabilities=[RESIZED_CAPABILITY])
    kinds = [type(message).__name__ for message in bench.sent() if not isinstance(message, Status)]
    assert kinds == [Gap.__name__, "Resized", "Output", "Resized", "Output"]


def test_the_journal_knows_the_sizes_of_a_task_that_was_lost(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.append(accepted("a"))
    for number in range(3):
        journal.append(Resized("a", change(number, 80 + number)))
    journal.close()
    again = Journal(path)  # which writes it anew
    assert [item.cols for item in read(path)["a"].sizes.items] == [80, 81, 82]
    (found,) = recover(again, tmp_path, "boot")
    assert [item.offset for item in found.sizes.items] == [0, 1, 2]
    again.append(ended("a"))
    again.close()


async def test_a_journal_grows_by_a_bounded_number_of_sizes(arena: Arena) -> None:
    task = await arena.start("sh", "-c", REPORTS, tty=SIZE)
    await arena.printed(task, b"24 80")
    most = limits.MAX_TERMINAL_SIZES
    for number in range(most + 50):
        await arena.hub.send(Resize(task_id=task.task_id, cols=81 + number % 2, rows=24))
    await resize(arena, task, 99, known=2)
    await arena.hub.until(lambda: task.sizes[-1][0].cols == 99)
    journal = arena.daemon.state / "journal"
    assert journal.read_bytes().count(b'"resized"') <= most
