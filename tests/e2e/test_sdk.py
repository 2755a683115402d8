"""The SDK with a real hub and daemon, as a program uses it the first time."""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from arborlink.client import Chunk, Conflict, Hub, InvalidInput, SyncHub, TaskHandle, parse_time
from arborlink.client.new_task import SystemText
from tests.e2e.arbor import TOKEN, Arbor
from tests.e2e.shared import one_for_all

arbor = one_for_all
# Every byte that an argument can have.
BYTES = bytes(range(1, 256))
SHOW = "import os, sys; sys.stdout.buffer.write(os.fsencode(sys.argv[1]))"


@pytest.fixture
def sync(arbor: Arbor) -> Iterator[SyncHub]:
    with SyncHub(arbor.url, TOKEN) as opened:
        yield opened


async def written(task: TaskHandle) -> bytes:
    """All output."""
    return b"".join([each.data async for each in task.output() if isinstance(each, Chunk)])


@pytest.mark.parametrize(
    ("given", "received"),
    [
        (b"x", b"x"),
        (BYTES, BYTES),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE}".encode(), b"caf\xc3\xa9"),
        (b"caf\xe9", b"caf\xe9"),
        (Path("a/b c"), b"a/b c"),
        ("text", b"text"),
    ],
    ids=str,
)
async def test_arguments_arrive_as_the_bytes_they_are(
    arbor: Arbor, given: SystemText, received: bytes
) -> None:
    async with Hub(arbor.url, TOKEN) as hub:
        assert await written(await hub.run(sys.executable, "-c", SHOW, given)) == received
        task = await hub.run("sh", "-c", 'printf %s "$VALUE"', env={"VALUE": given})
        assert await written(task) == received


async def test_commands_and_folders_may_be_paths_or_bytes(arbor: Arbor) -> None:
    name = b"f\xf6lder"
    os.mkdir(os.fsencode(arbor.workspace) + b"/" + name)
    (arbor.workspace / "sub").mkdir()
    async with Hub(arbor.url, TOKEN) as hub:
        for folder in (Path("sub"), b"sub", "sub"):
            output = await written(await hub.run(Path("/bin/pwd"), cwd=folder))
            assert output == os.fsencode(arbor.workspace / "sub") + b"\n"
        output = await written(await hub.run(b"pwd", cwd=name))
        assert output.endswith(b"/" + name + b"\n")


@pytest.mark.parametrize("given", [5, 2.5, None, ["a"], bytearray(b"x")], ids=repr)
async def test_other_arguments_are_refused_by_name(arbor: Arbor, given: Any) -> None:
    async with Hub(arbor.url, TOKEN) as hub:
        for words in (("echo", given), (given,)):
            with pytest.raises(InvalidInput, match=f"of the type {type(given).__name__}"):
                await hub.run(*words)
        with pytest.raises(InvalidInput, match="cwd takes"):
            await hub.run("true", cwd=given)


async def test_bytes_where_only_text_can_be_are_not_sent_as_base64(arbor: Arbor) -> None:
    text: Any = b"name"
    async with Hub(arbor.url, TOKEN) as hub:
        before = len(await hub.workspaces())
        for call in (hub.create_workspace, hub.create_token, hub.create_user):
            with pytest.raises(InvalidInput, match="'name' is bytes"):
                await call(text)
        with pytest.raises(InvalidInput):
            await hub.run("true", title=text)
        with pytest.raises(InvalidInput):
            await hub.run("true", env={text: "value"})
        with pytest.raises(InvalidInput, match="'name' is bytes"):
            await hub.tasks(search=text)
        assert len(await hub.workspaces()) == before


async def test_a_command_that_reads_its_input_ends(arbor: Arbor) -> None:
    async with Hub(arbor.url, TOKEN) as hub:
        task = await hub.run("cat")
        assert (await task.wait()).exit_code == 0
        assert task.info.stdin == "empty"


def test_so_it_does_without_an_event_loop(sync: SyncHub) -> None:
    assert sync.run("cat").wait().exit_code == 0
    task = sync.run("cat", stdin="open")
    task.write(b"given", eof=True)
    assert [each.data for each in task.output() if isinstance(each, Chunk)] == [b"given"]


async def test_input_is_what_is_written_where_it_was_asked_for(arbor: Arbor) -> None:
    async with Hub(arbor.url, TOKEN) as hub:
        task = await hub.run("cat", stdin="open")
        await task.write(BYTES)
        await task.write(b"", eof=True)
        assert await written(task) == BYTES
        terminal = await hub.run("head", "-n", "1", tty=(80, 24))
        await terminal.write(b"typed\n")
        assert (await terminal.wait()).exit_code == 0


async def test_writing_to_an_empty_input_says_how_to_open_it(arbor: Arbor) -> None:
    async with Hub(arbor.url, TOKEN) as hub:
        made = await hub.run("sleep", "60")
        for task in (made, await hub.task(made.id)):
            for data, eof in ((b"x", False), (b"", True)):
                with pytest.raises(Conflict, match='stdin="open"') as caught:
                    await task.write(data, eof=eof)
                assert caught.value.code == "input_closed"
        await made.cancel()


async def test_a_download_is_a_context_manager_for_checkers_as_well(arbor: Arbor) -> None:
    for method in (Hub.stored_output, Hub.formatted_output):
        result = inspect.signature(method, eval_str=False).return_annotation
        assert result == "AbstractAsyncContextManager[httpx2.Response]"
    async with Hub(arbor.url, TOKEN) as hub:
        task = await hub.run("printf", "0123456789")
        await task.wait()
        download = hub.stored_output(task.id, 2, 5)
        assert isinstance(download, AbstractAsyncContextManager)
        async with download as response:
            assert await response.aread() == b"234"
        async with hub.formatted_output(task.id, "raw", start=8) as response:
            assert await response.aread() == b"89"


async def test_the_times_of_a_task_can_be_subtracted(arbor: Arbor) -> None:
    async with Hub(arbor.url, TOKEN) as hub:
        task = await hub.run("true")
        done = await task.wait()
        assert done.started_at is not None and done.finished_at is not None
        assert parse_time(done.finished_at) - parse_time(done.started_at) >= timedelta(0)
        assert parse_time(done.started_at) >= parse_time(done.created_at)


async def test_errors_speak_of_arguments_and_not_of_options(arbor: Arbor) -> None:
    variables: Mapping[str, str] = {"A": "\ud800"}
    async with Hub(arbor.url, TOKEN) as hub:
        other = await hub.create_workspace("another")
        try:
            with pytest.raises(InvalidInput, match='workspace="NAME"') as several:
                await hub.run("true")
            with pytest.raises(InvalidInput) as value:
                await hub.run("true", workspace="test", env=variables)
        finally:
            await hub.remove_workspace(other.id)
    for error in (several, value):
        assert " -" not in error.value.message


async def test_the_sizes_of_a_terminal_are_listed(arbor: Arbor, sync: SyncHub) -> None:
    async with Hub(arbor.url, TOKEN) as hub:
        task = await hub.run("sh", "-c", "read x; stty size", tty=(80, 24))
        assert [(size.cols, size.rows, size.offset) for size in await task.sizes()] == [(80, 24, 0)]
        await task.resize(132, 43)
        while len(await task.sizes()) < 2:
            await asyncio.to_thread(sync.me)
        await task.write(b"\r")
        assert b"43 132" in await written(task)
        sizes = await task.sizes()
        assert [(size.cols, size.rows) for size in sizes] == [(80, 24), (132, 43)]
        assert sizes[0].time == 0 < sizes[1].time
        assert await asyncio.to_thread(lambda: sync.task(task.id).sizes()) == sizes
        plain = await hub.run("true")
        await plain.wait()
        assert await plain.sizes() == []
