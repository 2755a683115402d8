"""What is used after its hub's `with` has ended, or before it, says so by name."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from arborlink.client import ArborError, Hub, SyncHub, SyncTaskHandle, TaskHandle
from arborlink.protocol.errors import LocalProtocolError
from arborlink.testing.hub import HubInProcess, hub_in_process


async def _first(task: TaskHandle) -> None:
    async with aclosing(task.output()) as output:
        await anext(output)


async def _stored(closed: Hub, task: TaskHandle) -> None:
    async with closed.stored_output(task.id):
        pass


CALLS: dict[str, Callable[[Hub, TaskHandle], Awaitable[object]]] = {
    "me": lambda closed, _: closed.me(),
    "run": lambda closed, _: closed.run("true", workspace="lab", if_offline="queue"),
    "stored_output": _stored,
    "refresh": lambda _, task: task.refresh(),
    "wait": lambda _, task: task.wait(),
    "output": lambda _, task: _first(task),
    "write": lambda _, task: task.write(b"x"),
    "drain": lambda _, task: task.drain(),
    "resize": lambda _, task: task.resize(80, 24),
    "cancel": lambda _, task: task.cancel(),
}


def check(error: BaseException) -> None:
    """It names what was closed and what to do, and is no error of a library below."""
    assert isinstance(error, ArborError) and error.code == "hub_closed"
    assert "`with` block has ended" in error.message


async def test_everything_of_a_closed_hub_says_that_it_is_closed(tmp_path: Path) -> None:
    async with hub_in_process(tmp_path) as running:
        async with Hub(running.url, running.token) as opened:
            await opened.create_workspace("lab")
            task = await opened.run("cat", workspace="lab", if_offline="queue", stdin="open")
            await task.write(b"held open")
        for call in CALLS.values():
            with pytest.raises(ArborError) as caught:
                await call(opened, task)
            check(caught.value)


async def test_what_waits_when_the_hub_is_closed_ends(tmp_path: Path) -> None:
    async with hub_in_process(tmp_path) as running:
        async with Hub(running.url, running.token) as opened:
            await opened.create_workspace("lab")
            task = await opened.run("cat", workspace="lab", if_offline="queue", stdin="open")
            waiting = asyncio.create_task(task.wait())
            async with aclosing(task.statuses()) as statuses:
                assert (await anext(statuses)).status == "pending"
        with pytest.raises(ArborError) as caught:
            await waiting
        check(caught.value)


async def test_a_hub_is_opened_once() -> None:
    unopened = Hub("http://127.0.0.1:9", "token")
    with pytest.raises(LocalProtocolError, match="inside `async with"):
        await unopened.me()
    async with unopened:
        with pytest.raises(LocalProtocolError, match="opened once"):
            await unopened.__aenter__()
    with pytest.raises(LocalProtocolError, match="opened once"):
        await unopened.__aenter__()


SYNC_CALLS: dict[str, Callable[[SyncHub, SyncTaskHandle], object]] = {
    "me": lambda closed, _: closed.me(),
    "run": lambda closed, _: closed.run("true"),
    "refresh": lambda _, task: task.refresh(),
    "wait": lambda _, task: task.wait(),
    "output": lambda _, task: list(task.output()),
    "statuses": lambda _, task: list(task.statuses()),
    "write": lambda _, task: task.write(b"x"),
    "cancel": lambda _, task: task.cancel(),
}


@pytest.fixture
def pending(hub: HubInProcess) -> Iterator[tuple[SyncHub, SyncTaskHandle]]:
    """An open hub, and a task that waits for its machine."""

    async def make() -> None:
        async with Hub(hub.url, hub.token) as asynchronous:
            await asynchronous.create_workspace("lab")

    asyncio.run(make())
    sync = SyncHub(hub.url, hub.token)
    sync.__enter__()
    task = sync.run("cat", workspace="lab", if_offline="queue", stdin="open")
    try:
        yield sync, task
    finally:
        sync.__exit__()


def test_so_does_everything_of_the_synchronous_face(
    pending: tuple[SyncHub, SyncTaskHandle],
) -> None:
    closed, task = pending
    begun = task.statuses()
    assert next(begun).status == "pending"
    closed.__exit__()
    for call in SYNC_CALLS.values():
        with pytest.raises(ArborError) as caught:
            call(closed, task)
        check(caught.value)
    with pytest.raises(ArborError) as caught:
        next(begun)
    check(caught.value)
    with pytest.raises(LocalProtocolError, match="opened once"):
        closed.__enter__()


def test_another_thread_that_waits_is_released(pending: tuple[SyncHub, SyncTaskHandle]) -> None:
    closing, task = pending
    ended: list[BaseException] = []
    waits = threading.Event()

    def wait() -> None:
        try:
            for _ in task.statuses():
                waits.set()
        except ArborError as error:
            ended.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    assert waits.wait(20)
    closing.__exit__()
    thread.join(20)
    (error,) = ended
    check(error)
