"""One viewer of a terminal sets its size and answers the program; the others are told of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import (
    RESIZED_CAPABILITY,
    ErrorMessage,
    Input,
    InputAck,
    Output,
    Resize,
    Resized,
    Subscribe,
    TerminalState,
    ViewerInput,
    ViewerResize,
)
from arborlink.protocol.resources import TerminalSizeChange
from arborlink.protocol.size_history import SizeHistory
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import DaemonIdentity, ScriptedDaemon, ScriptedViewer, spooled

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZE = {"cols": 80, "rows": 24}


class Stage:
    """A task with a terminal, its daemon, and viewers of it."""

    def __init__(self, bench: Bench, daemon: ScriptedDaemon, task: str) -> None:
        self.bench = bench
        self.daemon = daemon
        self.task = task
        self.end = 0
        # Of the next size, in µs; the one that a terminal is created with is at 0.
        self.time = 1_000

    async def output(self, data: bytes, time: int = 0) -> None:
        await self.daemon.output(self.task, self.end, data, time=time)
        self.end += len(data)

    async def applied(self, cols: int, rows: int = 24, *, offset: int | None = None) -> None:
        """The daemon says that the terminal has this size."""
        at = self.end if offset is None else offset
        await self.daemon.send(
            Resized(task_id=self.task, offset=at, cols=cols, rows=rows, time=self.time)
        )
        self.time += 1_000

    async def resized_to(self, cols: int, rows: int = 24) -> None:
        """The hub asks for this size, and gets it."""
        message = await self.daemon.expect(Resize)
        assert message == Resize(task_id=self.task, cols=cols, rows=rows)
        await self.applied(cols, rows)

    async def follow(self, viewer: ScriptedViewer, offset: int = 0) -> TerminalState:
        """Subscribe as a terminal, up to the first `terminal`."""
        await viewer.send(Subscribe(task_id=self.task, offset=offset, terminal=True))
        return await viewer.expect(TerminalState)

    def state(self, cols: int, offset: int, *, controls: bool, rows: int = 24) -> TerminalState:
        return TerminalState(
            task_id=self.task, offset=offset, cols=cols, rows=rows, controls=controls
        )

    async def wish(self, viewer: ScriptedViewer, cols: int, *, take: bool = False) -> None:
        await viewer.send(ViewerResize(task_id=self.task, cols=cols, rows=24, take=take))

    async def type(self, viewer: ScriptedViewer, data: bytes = b"x", **fields: Any) -> None:
        await viewer.send(ViewerInput(task_id=self.task, input=data, **fields))

    async def is_told_nothing(self, viewer: ScriptedViewer) -> None:
        before = len(viewer.seen(TerminalState))
        await viewer.settle()
        assert len(viewer.seen(TerminalState)) == before


@asynccontextmanager
async def staged(
    bench: Bench, identity: DaemonIdentity, capabilities: tuple[str, ...] = (RESIZED_CAPABILITY,)
) -> AsyncIterator[Stage]:
    async with bench.daemon(identity, capabilities=capabilities) as daemon:
        task = await bench.create(identity.workspace_id, tty=SIZE)
        await daemon.running(task)
        await bench.becomes(task, TaskStatus.RUNNING)
        yield Stage(bench, daemon, task)


@pytest_asyncio.fixture(loop_scope="module")
async def stage(bench: Bench, identity: DaemonIdentity) -> AsyncIterator[Stage]:
    async with staged(bench, identity) as found:
        yield found


async def test_who_only_looks_changes_nothing(stage: Stage) -> None:
    async with stage.bench.viewer() as first, stage.bench.viewer() as glance:
        assert await stage.follow(first) == stage.state(80, 0, controls=False)
        await stage.wish(first, 132, take=True)
        await stage.resized_to(132)
        assert await first.expect(TerminalState) == stage.state(80, 0, controls=True)
        assert await first.expect(TerminalState) == stage.state(132, 0, controls=True)
        assert await stage.follow(glance) == stage.state(132, 0, controls=False)
        await stage.wish(glance, 40)
        await stage.is_told_nothing(first)
    await stage.daemon.settle()
    assert not stage.daemon.seen(Resize)


async def test_the_size_is_of_the_one_that_typed_last(stage: Stage) -> None:
    async with stage.bench.viewer() as wide, stage.bench.viewer() as narrow:
        for viewer, cols in ((wide, 132), (narrow, 40)):
            await stage.follow(viewer)
            await stage.wish(viewer, cols)
        await stage.type(wide)
        await stage.resized_to(132)
        assert await wide.expect(TerminalState) == stage.state(80, 0, controls=True)
        assert await wide.expect(TerminalState) == stage.state(132, 0, controls=True)
        assert await narrow.expect(TerminalState) == stage.state(132, 0, controls=False)
        await stage.output(b"abc")
        await stage.type(narrow)
        await stage.resized_to(40)
        assert await wide.expect(TerminalState) == stage.state(132, 0, controls=False)
        assert await wide.expect(TerminalState) == stage.state(40, 3, controls=False)
        assert await narrow.expect(TerminalState) == stage.state(132, 0, controls=True)
        assert await narrow.expect(TerminalState) == stage.state(40, 3, controls=True)
        # Its window changes while it controls: at once.
        await stage.wish(narrow, 44)
        await stage.resized_to(44)
        assert (await narrow.expect(TerminalState)).cols == 44


async def test_the_size_stays_when_its_viewer_leaves_and_the_next_that_types_has_it(
    stage: Stage,
) -> None:
    async with stage.bench.viewer() as staying:
        await stage.follow(staying)
        await stage.wish(staying, 100)
        async with stage.bench.viewer() as leaving:
            await stage.follow(leaving)
            await stage.wish(leaving, 40, take=True)
            await stage.resized_to(40)
            assert (await staying.expect(TerminalState)).cols == 40
        await stage.is_told_nothing(staying)
        await stage.type(staying)
        await stage.resized_to(100)
        assert await staying.expect(TerminalState) == stage.state(40, 0, controls=True)
        assert await staying.expect(TerminalState) == stage.state(100, 0, controls=True)


async def test_replies_come_from_the_viewer_that_controls_alone(stage: Stage) -> None:
    async with stage.bench.viewer() as one, stage.bench.viewer() as other:
        await stage.follow(one)
        await stage.follow(other)
        # Nothing controls yet: who would answer is not known.
        await stage.type(one, b"\x1b[1;1R", is_reply=True)
        assert (await one.expect(InputAck)).offset == 0
        await stage.type(one, b"a")
        assert (await stage.daemon.expect(Input)).input == b"a"
        await stage.type(other, b"\x1b[2;2R", is_reply=True)
        assert (await other.expect(InputAck)).offset == 0
        await stage.type(one, b"\x1b[3;3R", is_reply=True)
        assert (await stage.daemon.expect(Input)).input == b"\x1b[3;3R"
        # A reply takes nothing over.
        assert stage.bench.hub.daemons.terminals.follows(stage.task, _only_controller(stage))


def _only_controller(stage: Stage) -> Any:
    (terminal,) = stage.bench.hub.daemons.terminals._followed.values()
    return terminal.controller


async def test_a_viewer_that_may_not_type_has_no_say(stage: Stage) -> None:
    watcher = await stage.bench.token(["tasks:read"])
    async with stage.bench.viewer(watcher["secret"]) as viewer:
        await stage.follow(viewer)
        for attempt in ("wish", "take", "type", "reply"):
            if attempt in ("wish", "take"):
                await stage.wish(viewer, 40, take=attempt == "take")
            else:
                await stage.type(viewer, is_reply=attempt == "reply")
            assert (await viewer.expect(ErrorMessage)).code == "not_allowed"
        assert not viewer.seen(TerminalState)
    await stage.daemon.settle()
    assert not stage.daemon.seen(Resize)


async def test_viewers_of_an_earlier_version_resize_as_they_did(stage: Stage) -> None:
    async with stage.bench.viewer() as old, stage.bench.viewer() as new:
        await stage.follow(new)
        await stage.wish(new, 100, take=True)
        await stage.resized_to(100)
        await old.subscribe(stage.task)
        await stage.wish(old, 50)
        await stage.resized_to(50)
        assert await new.expect(TerminalState, lambda each: each.cols == 50)
        await stage.type(new)
        await stage.resized_to(100)


async def test_a_daemon_of_an_earlier_version_has_its_sizes_noted_by_the_hub(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with staged(bench, identity, ()) as stage, bench.viewer() as viewer:
        await stage.output(b"abc")
        await viewer.subscribe(stage.task)
        await viewer.read(stage.task, 3)
        await stage.follow(viewer)
        await stage.wish(viewer, 90, take=True)
        assert (await stage.daemon.expect(Resize)).cols == 90
        assert await viewer.expect(TerminalState, lambda each: each.cols == 90) == stage.state(
            90, 3, controls=True
        )
        assert [item["offset"] for item in await sizes(stage)] == [0, 3]


async def sizes(stage: Stage) -> list[dict[str, int]]:
    response = await stage.bench.client.get(f"/api/tasks/{stage.task}/sizes")
    assert response.status_code == 200, response.text
    found: list[dict[str, int]] = response.json()["items"]
    return found


async def test_a_late_viewer_is_told_every_size_of_what_it_is_sent(tmp_path: Path) -> None:
    async with (
        running_bench(tmp_path, terminal_screens=0) as bench,
        staged(bench, await bench.enrolled()) as stage,
    ):
        for cols in (90, 100, 110):
            await stage.output(b"abc")
            await stage.applied(cols)
        await stage.daemon.acked(stage.task, 9)
        await stage.bench.until(lambda: len(stage.bench.hub.store.terminal_sizes(stage.task)) == 4)
        async with bench.viewer() as viewer:
            assert await stage.follow(viewer, offset=4) == stage.state(90, 3, controls=False)
            assert await viewer.expect(TerminalState) == stage.state(100, 6, controls=False)
            assert await viewer.expect(TerminalState) == stage.state(110, 9, controls=False)
            assert not viewer.seen(Output)
            assert await viewer.read(stage.task, 5) == b"bcabc"


async def test_a_size_comes_before_the_output_that_was_written_in_it(stage: Stage) -> None:
    async with stage.bench.viewer() as viewer:
        await stage.follow(viewer)
        for cols in range(90, 110):
            await stage.applied(cols)
            drawn = f"{cols};".encode()
            await stage.output(drawn)
            assert await viewer.read(stage.task, len(drawn)) == drawn
            assert viewer.seen(TerminalState)[-1] == stage.state(
                cols, stage.end - len(drawn), controls=False
            )


async def test_a_viewer_that_comes_before_a_size_is_stored_is_told_of_it(stage: Stage) -> None:
    async with stage.bench.viewer() as viewer:
        for cols in range(90, 110):
            await stage.applied(cols)
            await stage.output(b"drawn")
            await stage.bench.until(lambda: _received(stage) == stage.end)
            assert (await stage.follow(viewer, stage.end - 5)).cols == cols


def _received(stage: Stage) -> int:
    output = stage.bench.hub.daemons.outputs.find(stage.task)
    return 0 if output is None else output.end


async def test_what_was_wished_while_the_daemon_was_away_counts_when_it_is_back(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.viewer() as viewer:
        async with staged(bench, identity) as stage:
            await stage.follow(viewer)
            await stage.wish(viewer, 90, take=True)
            await stage.resized_to(90)
            await viewer.expect(TerminalState, lambda each: each.cols == 90)
        await bench.until(lambda: not bench.connected(identity.workspace_id))
        await stage.wish(viewer, 95)
        await viewer.settle()
        known = [spooled(stage.task)]
        async with bench.daemon(identity, tasks=known, capabilities=[RESIZED_CAPABILITY]) as daemon:
            assert (await daemon.expect(Resize)).cols == 95


async def test_what_was_wished_before_the_task_ran_counts_when_it_does(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id, tty=SIZE)
    async with bench.viewer() as viewer:
        await viewer.send(Subscribe(task_id=task, terminal=True))
        assert (await viewer.expect(TerminalState)).cols == 80
        await viewer.send(ViewerResize(task_id=task, cols=95, rows=24, take=True))
        assert (await viewer.expect(TerminalState)).controls
        async with bench.daemon(identity, capabilities=[RESIZED_CAPABILITY]) as daemon:
            await daemon.running(task)
            assert (await daemon.expect(Resize)).cols == 95


async def test_a_size_beyond_the_output_is_refused(stage: Stage) -> None:
    await stage.applied(90, offset=1)
    closed = await stage.daemon.closed()
    assert closed.code == 4400 and "a size from 1 on" in closed.reason


async def test_sizes_are_in_the_record_with_their_times(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with staged(bench, identity) as stage:
        await stage.output(b"narrow", time=500_000)
        for _ in range(2):  # as after a reconnect
            await stage.daemon.send(
                Resized(task_id=stage.task, offset=6, cols=132, rows=43, time=1_500_000)
            )
        await stage.output(b"wide", time=2_000_000)
        await stage.daemon.ended(stage.task, b"narrowwide")
        await stage.daemon.settled(stage.task)
        recorded = (await bench.stored(stage.task, format="asciicast")).splitlines()
        assert b'"width":80,"height":24' in recorded[0]
        assert [json.loads(line) for line in recorded[1:]] == [
            [0.5, "o", "narrow"],
            [1.5, "r", "132x43"],
            [2.0, "o", "wide"],
        ]
        part = (await bench.stored(stage.task, format="asciicast", **{"from": "7"})).splitlines()
        assert b'"width":132,"height":43' in part[0]
        assert json.loads(part[1]) == [2.0, "o", "ide"]
        listed = await sizes(stage)
        assert listed[-1] == {"offset": 6, "time": 1_500_000, "cols": 132, "rows": 43}


async def test_a_recording_is_the_same_while_it_is_made(
    bench: Bench, identity: DaemonIdentity
) -> None:
    """Also where output comes right behind a size, before that is stored."""
    options: list[dict[str, str]] = [
        {"format": "asciicast"},
        {"format": "asciicast", "from": "3"},
        {"format": "asciicast", "stream": "stderr"},
        {"format": "jsonl", "sizes": "1"},
    ]
    async with staged(bench, identity) as stage:
        async with asyncio.TaskGroup() as group:
            answers = [group.create_task(followed(bench, stage.task, each)) for each in options]
            await bench.until(lambda: watchers(bench, stage.task) == len(options))
            await stage.applied(90)
            for number in range(30):
                await stage.output(b"abc", time=5_000 + number)
                await stage.applied(91 + number)
            await stage.applied(200)
            await stage.daemon.ended(stage.task, b"abc" * 30)
        for option, answer in zip(options, answers, strict=True):
            assert answer.result() == await bench.stored(stage.task, **option)
        recording = [json.loads(line) for line in answers[0].result().splitlines()]
        assert (recording[0]["width"], recording[0]["height"]) == (90, 24)
        assert [event[1] for event in recording[1:]] == [*"or"] * 30 + ["r"]
        known = [json.loads(line).get("size") for line in answers[3].result().splitlines()]
        assert [each for each in known if each] == await sizes(stage)


async def test_sizes_are_lines_only_of_json(bench: Bench, identity: DaemonIdentity) -> None:
    task = await bench.create(identity.workspace_id, tty=SIZE)
    path = f"/api/tasks/{task}/output"
    for form in ("raw", "text", "asciicast"):
        refused = await bench.client.get(path, params={"format": form, "sizes": "1"})
        assert refused.status_code == 422 and "format=jsonl" in refused.text


def watchers(bench: Bench, task: str) -> int:
    output = bench.hub.daemons.outputs.find(task)
    return 0 if output is None else len(output.listeners)


async def followed(bench: Bench, task: str, query: dict[str, str]) -> bytes:
    params = {"follow": "1", **query}
    response = await bench.client.get(f"/api/tasks/{task}/output", params=params)
    assert response.status_code == 200, response.text
    return response.content


async def test_sizes_survive_a_restart(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench, staged(bench, await bench.enrolled()) as stage:
        await stage.output(b"abc")
        await stage.applied(132)
        await stage.output(b"def")
        await stage.daemon.ended(stage.task, b"abcdef")
        await stage.daemon.settled(stage.task)
        before = await sizes(stage)
    async with running_bench(tmp_path) as bench:
        assert await sizes(Stage(bench, stage.daemon, stage.task)) == before
        assert [(item["offset"], item["cols"]) for item in before] == [(0, 80), (3, 132)]


async def test_each_of_a_thousand_sizes_costs_the_hub_the_same(
    bench: Bench, identity: DaemonIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon can say them as fast as it likes; all before were read again for each."""
    async with staged(bench, identity) as stage, bench.viewer() as viewer:
        await stage.follow(viewer)
        placed = 0
        place = SizeHistory.add

        def count(self: SizeHistory, change: TerminalSizeChange) -> bool:
            nonlocal placed
            placed += 1
            return place(self, change)

        monkeypatch.setattr(SizeHistory, "add", count)
        times = 30
        for number in range(times):
            await stage.applied(80 + number % 2)
        await stage.output(b"x")
        for _ in range(times):
            await viewer.expect(TerminalState)
        # For those who follow the terminal when it arrives and when it is stored; the one of the
        # beginning. The process that keeps the screen has its own.
        assert placed <= 2 * times + 1
