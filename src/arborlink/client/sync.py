"""The same hub for programs without an event loop: one runs in a background thread."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, Literal, Self, TypeVar

from arborlink.client.chunks import Chunk, Gap
from arborlink.client.http import hub_closed
from arborlink.client.hub import Hub
from arborlink.client.new_task import SystemText
from arborlink.client.tasks import TaskHandle
from arborlink.protocol import limits
from arborlink.protocol.errors import LocalProtocolError
from arborlink.protocol.resources import (
    Principal,
    SearchHit,
    SpoolPolicy,
    StandardInput,
    Task,
    TerminalSizeChange,
    Workspace,
)

T = TypeVar("T")


class SyncHub:
    """`Hub` with plain methods and iterators. Use it as a context manager, from any thread.

    Raises:
        NotAuthenticated: no hub or no token is configured.
        InvalidInput: as `Hub`.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        ca: str | os.PathLike[str] | None = None,
        hub_key: str | None = None,
    ) -> None:
        self._url = url
        self._token = token
        self._ca = ca
        self._hub_key = hub_key
        self._ready: Future[tuple[Hub, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        # Held while a call is handed to the loop: a call to a closed loop would never return.
        self._submitting = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._main, name="arbor-hub", daemon=True)

    def __enter__(self) -> Self:
        if self._thread.ident is not None:
            raise LocalProtocolError("a SyncHub is opened once. Make another `SyncHub()`")
        self._thread.start()
        try:
            self._ready.result()
        except BaseException:
            self._thread.join()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        _, loop, stop = self._ready.result()
        with self._submitting:
            if not self._closed:
                self._closed = True
                loop.call_soon_threadsafe(stop.set)
        self._thread.join()

    def me(self) -> Principal:
        """Call `Hub.me`."""
        return self._call(self._hub.me())

    def workspaces(self) -> list[Workspace]:
        """Call `Hub.workspaces`."""
        return self._call(self._hub.workspaces())

    def workspace(self, ref: str) -> Workspace:
        """Call `Hub.workspace`."""
        return self._call(self._hub.workspace(ref))

    def tasks(
        self,
        *,
        workspace: str | None = None,
        status: str | None = None,
        search: str | None = None,
        limit: int = 50,
        created_by: str | None = None,
    ) -> list[Task]:
        """Call `Hub.tasks`."""
        tasks = self._hub.tasks(
            workspace=workspace, status=status, search=search, limit=limit, created_by=created_by
        )
        return self._call(tasks)

    def task(self, ref: str) -> SyncTaskHandle:
        """Call `Hub.task`."""
        return SyncTaskHandle(self, self._call(self._hub.task(ref)))

    def run(
        self,
        command: SystemText,
        *args: SystemText,
        workspace: str | None = None,
        cwd: SystemText = ".",
        env: Mapping[str, SystemText] | None = None,
        shell: bool = False,
        tty: tuple[int, int] | None = None,
        tty_modes: Mapping[str, int] | None = None,
        timeout: float | None = None,
        if_offline: Literal["fail", "queue"] = "fail",
        on_spool_full: SpoolPolicy = "block",
        title: str | None = None,
        stdin: StandardInput = "empty",
        merge_stderr: bool = False,
    ) -> SyncTaskHandle:
        """Call `Hub.run`."""
        running = self._hub.run(
            command,
            *args,
            workspace=workspace,
            cwd=cwd,
            env=env,
            shell=shell,
            tty=tty,
            tty_modes=tty_modes,
            timeout=timeout,
            if_offline=if_offline,
            on_spool_full=on_spool_full,
            title=title,
            stdin=stdin,
            merge_stderr=merge_stderr,
        )
        return SyncTaskHandle(self, self._call(running))

    @property
    def _hub(self) -> Hub:
        if self._closed:
            raise hub_closed()
        if not self._thread.is_alive():
            raise LocalProtocolError("a SyncHub is used inside `with SyncHub() as hub:`")
        return self._ready.result()[0]

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        _, loop, _ = self._ready.result()
        with self._submitting:
            if self._closed:
                coroutine.close()
                raise hub_closed()
            future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        try:
            return future.result()
        except CancelledError:
            # Only the end of the loop cancels a coroutine for which another thread waits.
            raise hub_closed() from None
        except BaseException:
            # Ctrl-C in the caller's thread: the coroutine must not continue without it.
            future.cancel()
            raise

    def _iterate(self, source: AsyncIterator[T]) -> Iterator[T]:
        async def close() -> None:
            closing = getattr(source, "aclose", None)
            if closing is not None:
                await closing()

        async def following() -> T:
            return await anext(source)

        try:
            while True:
                try:
                    item = self._call(following())
                except StopAsyncIteration:
                    return
                yield item
        finally:
            # Refused after the end of the loop, which has closed the generator.
            with suppress(LocalProtocolError):
                self._call(close())

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _serve(self) -> None:
        stop = asyncio.Event()
        async with Hub(self._url, self._token, ca=self._ca, hub_key=self._hub_key) as hub:
            self._ready.set_result((hub, asyncio.get_running_loop(), stop))
            await stop.wait()


class SyncTaskHandle:
    """`TaskHandle` with plain methods and iterators."""

    def __init__(self, hub: SyncHub, handle: TaskHandle) -> None:
        self._hub = hub
        self._handle = handle

    @property
    def id(self) -> str:
        """The task's id."""
        return self._handle.id

    @property
    def info(self) -> Task:
        """The task's last known state."""
        return self._handle.info

    def output(
        self, offset: int = 0, *, until_end: bool = True, window: int | None = None
    ) -> Iterator[Chunk | Gap]:
        """Call `TaskHandle.output`."""
        return self._hub._iterate(self._handle.output(offset, until_end=until_end, window=window))

    def search(
        self, query: str, *, regex: bool = False, case: bool = False, offset: int = 0
    ) -> Iterator[SearchHit]:
        """Call `TaskHandle.search`."""
        hits = self._handle.search(query, regex=regex, case=case, offset=offset)
        return self._hub._iterate(hits)

    def sizes(self) -> list[TerminalSizeChange]:
        """As `TaskHandle.sizes`."""
        return self._hub._call(self._handle.sizes())

    def statuses(self) -> Iterator[Task]:
        """Call `TaskHandle.statuses`."""
        return self._hub._iterate(self._handle.statuses())

    def wait(self) -> Task:
        """Call `TaskHandle.wait`."""
        return self._hub._call(self._handle.wait())

    def cancel(self, *, grace_seconds: float = limits.DEFAULT_GRACE_SECONDS) -> None:
        """Call `TaskHandle.cancel`."""
        self._hub._call(self._handle.cancel(grace_seconds=grace_seconds))

    def write(self, data: bytes, *, eof: bool = False) -> None:
        """Call `TaskHandle.write`."""
        self._hub._call(self._handle.write(data, eof=eof))

    def drain(self) -> None:
        """Call `TaskHandle.drain`."""
        self._hub._call(self._handle.drain())

    def resize(self, cols: int, rows: int, *, take: bool = False) -> None:
        """Call `TaskHandle.resize`."""
        self._hub._call(self._handle.resize(cols, rows, take=take))

    def refresh(self) -> Task:
        """Call `TaskHandle.refresh`."""
        return self._hub._call(self._handle.refresh())
