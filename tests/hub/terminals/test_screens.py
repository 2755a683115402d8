"""A viewer that comes late gets the screen as it is, and then the stream."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from arborlink.hub.screen.model import ScreenModel
from arborlink.hub.screen.parser import Parser
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.limits import KIB
from arborlink.protocol.messages import (
    Output,
    Screen,
    Subscribe,
    TerminalState,
    Unsubscribe,
)
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import DaemonIdentity, ScriptedViewer

from .test_control import Stage, staged

pytestmark = pytest.mark.asyncio(loop_scope="module")

# A program that fills the screen, and has switched on what it wants to hear of.
EDITOR = b"\x1b[?1049h\x1b[?2004h\x1b[?1000;1006h\x1b[=5u\x1b[>4;2m\x1b[2J\x1b[3;4Hediting"


async def screen_of(stage: Stage, viewer: ScriptedViewer) -> tuple[Screen, ScreenModel]:
    """Subscribe, and draw the screen that comes; `terminal` follows it at once."""
    await viewer.send(Subscribe(task_id=stage.task, terminal=True))
    found = await viewer.expect(Screen)
    model = ScreenModel(found.cols, found.rows)
    Parser(model).feed(found.output)
    state = await viewer.receive()
    assert isinstance(state, TerminalState), state
    return found, model


def process_of(bench: Bench) -> int:
    screens = bench.hub.screens
    assert screens is not None and screens._process is not None
    return screens._process.pid


async def test_a_late_viewer_gets_the_screen_with_its_modes_and_then_the_stream(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with staged(bench, identity) as stage, bench.viewer() as viewer:
        await stage.output(EDITOR)
        await viewer.subscribe(stage.task)
        await viewer.read(stage.task, stage.end)
        found, model = await screen_of(stage, viewer)
        assert found.offset == stage.end
        assert "".join(model.alternate.rows[2].text).rstrip() == "   editing"
        assert model.is_alternate and model.modes.switches[2004]
        assert (model.modes.mouse, model.modes.mouse_encoding) == (1000, 1006)
        assert (model.keyboard.flags, model.modes.modify_other_keys) == (5, 2)
        await stage.output(b" more")
        following = await viewer.expect(Output)
        assert (following.offset, following.output) == (found.offset, b" more")


async def test_the_output_before_is_not_sent_whatever_offset_is_asked_for(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with staged(bench, identity) as stage, bench.viewer() as viewer:
        await stage.output(b"\x1b[6n\x1b[c\x1b]11;?\x07" * 100 + b"questions")
        await stage.daemon.acked(stage.task, stage.end)
        found, model = await screen_of(stage, viewer)
        assert b"\x1b[6n" not in found.output and b"?" not in found.output
        assert "".join(model.main.rows[0].text).rstrip() == "questions"
        await stage.output(b"!")
        assert (await viewer.expect(Output)).output == b"!"
        assert not viewer.seen(Output)


async def test_a_viewer_that_resumes_gets_the_output_unless_it_is_far_behind(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with staged(bench, identity) as stage, bench.viewer() as viewer:
        await stage.output(b"ask\x1b[6n")
        await stage.daemon.acked(stage.task, stage.end)
        for offset in (0, 3):
            await viewer.send(
                Subscribe(task_id=stage.task, offset=offset, terminal=True, resumes=True)
            )
            assert (await viewer.expect(TerminalState)).controls is False
            assert (await viewer.expect(Output)).output == b"ask\x1b[6n"[offset:]
        assert not viewer.seen(Screen)
        for _ in range(5):
            await stage.output(b"x" * 64 * KIB)
        await stage.daemon.acked(stage.task, stage.end)
        await viewer.send(Subscribe(task_id=stage.task, offset=0, terminal=True, resumes=True))
        assert (await viewer.expect(Screen)).offset == stage.end


async def test_a_size_goes_into_the_screen(bench: Bench, identity: DaemonIdentity) -> None:
    async with staged(bench, identity) as stage, bench.viewer() as viewer:
        await stage.output(b"wide")
        await stage.applied(132, 43)
        await stage.output(b"\x1b[43;132Hx")
        await stage.daemon.acked(stage.task, stage.end)
        found, model = await screen_of(stage, viewer)
        assert (found.cols, found.rows) == (132, 43)
        assert model.main.rows[42].text[131] == "x"


async def test_the_screen_of_a_task_that_is_over_is_its_last(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with staged(bench, identity) as stage, bench.viewer() as viewer:
        await stage.output(b"the end")
        await stage.daemon.ended(stage.task, b"the end")
        await stage.daemon.settled(stage.task)
        found, model = await screen_of(stage, viewer)
        assert (found.offset, "".join(model.main.rows[0].text).rstrip()) == (7, "the end")


async def test_a_task_without_a_terminal_has_no_screen(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await bench.create(identity.workspace_id)
        await daemon.running(task)
        await daemon.output(task, 0, b"plain")
        await daemon.acked(task, 5)
        await viewer.send(Subscribe(task_id=task, terminal=True))
        assert await viewer.read(task, 5) == b"plain"
        assert not viewer.seen(Screen) and not viewer.seen(TerminalState)


async def test_many_terminals_on_one_connection_get_their_screens_in_turn(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        tasks = []
        for number in range(6):
            task = await bench.create(identity.workspace_id, tty={"cols": 80, "rows": 24})
            await daemon.running(task)
            await daemon.output(task, 0, b"%d" % number)
            await daemon.acked(task, 1)
            tasks.append(task)
        for task in tasks:
            await viewer.send(Subscribe(task_id=task, terminal=True))
        await viewer.send(Unsubscribe(task_id=tasks[1]))
        wanted = {task for task in tasks if task != tasks[1]}
        got: dict[str, bytes] = {}
        while wanted - got.keys():
            screen = await viewer.expect(Screen)
            got[screen.task_id] = screen.output
        for number, task in enumerate(tasks):
            assert task not in wanted or got[task].startswith(b"%d" % number)


async def test_a_killed_process_costs_a_moment_and_nothing_else(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with staged(bench, identity) as stage, bench.viewer() as viewer:
        await stage.output(EDITOR)
        await stage.daemon.acked(stage.task, stage.end)
        first, _ = await screen_of(stage, viewer)
        pid = process_of(bench)
        os.kill(pid, signal.SIGKILL)
        await bench.until(lambda: _is_other(bench, pid), "another process")
        again, _ = await screen_of(stage, viewer)
        assert again == first


async def test_who_asks_and_leaves_again_and_again_ends_nothing(
    bench: Bench, identity: DaemonIdentity
) -> None:
    """A process that is busy is not taken for stuck because viewers have no patience."""
    async with staged(bench, identity) as stage, bench.viewer() as viewer:
        await stage.output(EDITOR)
        await stage.daemon.acked(stage.task, stage.end)
        await screen_of(stage, viewer)
        screens, pid = bench.hub.screens, process_of(bench)
        assert screens is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            for _ in range(20):
                async with bench.viewer() as impatient:
                    await impatient.send(Subscribe(task_id=stage.task, terminal=True))
                    await bench.until(lambda: screens._asked is not None, "a request")
            # One is being made; of the others none waits for anything.
            await bench.until(lambda: not len(screens._requests), "what was given up to go")
        finally:
            os.kill(pid, signal.SIGCONT)
        await screen_of(stage, viewer)
        assert process_of(bench) == pid


def _is_other(bench: Bench, pid: int) -> bool:
    screens = bench.hub.screens
    return screens is not None and screens._process is not None and screens._process.pid != pid


async def test_a_stopped_process_costs_the_screen_and_not_the_output(
    bench: Bench, identity: DaemonIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arborlink.hub.terminals.screens.SNAPSHOT_SECONDS", 0.05)
    monkeypatch.setattr("arborlink.hub.terminals.screens.STUCK_SECONDS", 0.5)
    async with staged(bench, identity) as stage, bench.viewer() as viewer:
        await stage.output(EDITOR)
        await stage.daemon.acked(stage.task, stage.end)
        await bench.until(lambda: _is_other(bench, 0), "a process")
        pid = process_of(bench)
        os.kill(pid, signal.SIGSTOP)
        try:
            for _ in range(2):
                await viewer.send(Subscribe(task_id=stage.task, offset=3, terminal=True))
                assert (await viewer.expect(TerminalState)).cols == 80
                assert (await viewer.expect(Output)).offset == 3
                assert not viewer.seen(Screen)
            # One that does not answer for long is started anew.
            await bench.until(lambda: _is_other(bench, pid), "another process")
        finally:
            if not _is_other(bench, pid):
                os.kill(pid, signal.SIGCONT)


async def test_the_model_is_made_again_after_a_restart_of_the_hub(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench, staged(bench, await bench.enrolled()) as stage:
        await stage.output(EDITOR)
        await stage.applied(100)
        await stage.output(b" and more")
        await stage.daemon.acked(stage.task, stage.end)
        async with bench.viewer() as viewer:
            before, _ = await screen_of(stage, viewer)
    async with running_bench(tmp_path) as bench, bench.viewer() as viewer:
        again, _ = await screen_of(Stage(bench, stage.daemon, stage.task), viewer)
        assert again == before


async def test_a_hub_that_keeps_no_screens_sends_the_output(tmp_path: Path) -> None:
    async with (
        running_bench(tmp_path, terminal_screens=0) as bench,
        staged(bench, await bench.enrolled()) as stage,
        bench.viewer() as viewer,
    ):
        assert bench.hub.screens is None
        await stage.output(EDITOR)
        await viewer.send(Subscribe(task_id=stage.task, terminal=True))
        assert await viewer.expect(TerminalState) == stage.state(80, 0, controls=False)
        assert await viewer.read(stage.task, len(EDITOR)) == EDITOR


async def test_no_process_is_started_without_a_terminal(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await bench.create(identity.workspace_id)
            await daemon.running(task)
            await bench.becomes(task, TaskStatus.RUNNING)
        screens = bench.hub.screens
        assert screens is not None and screens._process is None
        assert not screens._wanted.is_set()


async def test_a_removed_task_is_forgotten(bench: Bench, identity: DaemonIdentity) -> None:
    async with staged(bench, identity) as stage:
        screens = bench.hub.screens
        assert screens is not None
        await bench.until(lambda: stage.task in screens._followed, "the terminal to be followed")
        await stage.daemon.ended(stage.task)
        await stage.daemon.settled(stage.task)
        response = await bench.client.delete(f"/api/workspaces/{identity.workspace_id}")
        assert response.status_code in (200, 204), response.text
        assert stage.task not in screens._followed
