"""The asynchronous SDK: one hub, as a program sees it."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from typing import TYPE_CHECKING, Final, Literal, Self, TypeVar

from arborlink.client import selection
from arborlink.client.accounts import Accounts
from arborlink.client.credentials import known_hub, resolve, say_no_key
from arborlink.client.http import RETRY_SECONDS, HttpApi
from arborlink.client.live import LivePool
from arborlink.client.new_task import SystemText, sendable, system_text
from arborlink.client.patience import say_nothing
from arborlink.client.replies import Enrollment, Page
from arborlink.client.seeing import see
from arborlink.client.tasks import TaskHandle
from arborlink.protocol import ids
from arborlink.protocol.errors import LocalProtocolError, NotFound
from arborlink.protocol.resources import (
    NewTask,
    NewTerminal,
    Principal,
    SpoolPolicy,
    StandardInput,
    Task,
    Workspace,
)

if TYPE_CHECKING:
    from types import TracebackType

    import httpx2

PAGE_ITEMS: Final = 100
# How many tasks are searched for a part of an id: a hub that knows the filter `id` returns matches
# only.
SEARCHED_TASKS: Final = 1_000
IDEMPOTENCY_KEY_BYTES: Final = 16

T = TypeVar("T")


def _quiet(connected: bool) -> None:
    """Do nothing: the default of `on_connection`."""


class Hub(Accounts):
    """A hub. Use it as an asynchronous context manager:

        async with Hub() as hub:
            task = await hub.run("make", "test", workspace="laptop")
            async for chunk in task.output():
                ...

    `url` and `token` default to ARBOR_URL and ARBOR_TOKEN, then to `credentials.toml`.
    `on_connection` is told whether the live connection is there; `on_wait` for how many seconds
    requests wait because the hub asked for that, and why, in words. Requests that are safe to
    repeat are repeated for `retry_seconds`; where the hub asks for more, its error is raised and
    carries `retry_after`. `ca`: a file with the certificate of the hub's own CA, which
    is trusted as well as the system's or SSL_CERT_FILE's. `hub_key`: the hub's public key, as
    `arbor hub key` prints it; it defaults to ARBOR_HUB_KEY, then to the one in `credentials.toml`.
    The hub proves on every connection that it has this key before anything is sent. Without one the
    first key that is proven counts; it is kept with credentials of `credentials.toml`, and given to
    `on_hub_key`.

    Raises:
        NotAuthenticated: no hub or no token is configured.
        HubNotProven: by every method; the server is not the hub with the known key.
        InvalidInput: the address is invalid or would send the token unencrypted; or `ca`,
            `hub_key`, or a proxy in the environment, cannot be used.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        on_connection: Callable[[bool], None] = _quiet,
        on_wait: Callable[[float, str], None] = say_nothing,
        retry_seconds: float = RETRY_SECONDS,
        ca: str | os.PathLike[str] | None = None,
        hub_key: str | None = None,
        on_hub_key: Callable[[str], None] = say_no_key,
    ) -> None:
        self._credentials = resolve(url, token, os.fspath(ca) if ca else None, hub_key)
        self._known = known_hub(self._credentials, on_hub_key)
        self._on_connection = on_connection
        self._on_wait = on_wait
        self._retry_seconds = retry_seconds
        self._group = asyncio.TaskGroup()
        self._opened: tuple[HttpApi, LivePool] | None = None

    @property
    def url(self) -> str:
        """The hub's address."""
        return self._credentials.url

    async def __aenter__(self) -> Self:
        if self._opened is not None:
            raise LocalProtocolError("a Hub is opened once. Make another `Hub()`")
        await self._group.__aenter__()
        url, token, ca = self._credentials.url, self._credentials.token, self._credentials.ca
        self._opened = (
            HttpApi(
                url,
                token,
                ca=ca,
                retry_seconds=self._retry_seconds,
                on_wait=self._on_wait,
                known=self._known,
            ),
            LivePool(self._known, token, self._group, self._on_connection, self._on_wait, ca=ca),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.close()
        try:
            await self._group.__aexit__(None, None, None)
        finally:
            await self._api.close()

    # ── workspaces ───────────────────────────────────────────────────────────────────────────

    async def me(self) -> Principal:
        """Return the account that the token belongs to, and its rights."""
        return await self._api.get("/api/me", Principal)

    async def workspaces(self) -> list[Workspace]:
        """Return all workspaces that the token may see."""
        return [
            each
            async for page in self._pages("/api/workspaces", Page[Workspace])
            for each in page.items
        ]

    async def workspace(self, ref: str) -> Workspace:
        """Return the workspace with this id; or of the token's owner's, the one with this name or
        unique beginning of an id. Another account's is `account/name`.

        Raises:
            NotFound: there is none.
            InvalidInput: there are several, or only other accounts have a workspace of this name.
        """
        if ids.is_id("ws", ref):
            return await self._api.get(f"/api/workspaces/{ref}", Workspace)
        return selection.pick_workspace(await see(self), ref)

    async def create_workspace(self, name: str) -> Workspace:
        """Create a workspace, without a daemon yet.

        Raises:
            Conflict: there is one of this name.
        """
        return await self._api.post("/api/workspaces", Workspace, {"name": name})

    async def enrollment(self, workspace_id: str) -> Enrollment:
        """Create a one-time code that admits a daemon to the workspace."""
        path = f"/api/workspaces/{workspace_id}/enrollment"
        return await self._api.post(path, Enrollment, {})

    # ── tasks ────────────────────────────────────────────────────────────────────────────────

    async def tasks(
        self,
        *,
        workspace: str | None = None,
        status: str | None = None,
        search: str | None = None,
        limit: int = 50,
        created_by: str | None = None,
    ) -> list[Task]:
        """Return the newest tasks, at most `limit`; `status` may name several, with commas.
        `created_by`: an account's id.

        A long command is cut in lists (`is_cut`); `TaskHandle.refresh` asks for all of it.
        """
        if workspace is not None and not ids.is_id("ws", workspace):
            workspace = (await self.workspace(workspace)).id
        found: list[Task] = []
        pages = self.task_pages(
            workspace=workspace,
            status=status,
            search=search,
            created_by=created_by,
            page_items=limit,
        )
        async with aclosing(pages):
            async for page in pages:
                found += page
                if len(found) >= limit:
                    break
        return found[:limit]

    async def task_pages(
        self,
        *,
        workspace: str | None = None,
        status: str | None = None,
        search: str | None = None,
        created_by: str | None = None,
        id_part: str | None = None,
        page_items: int | None = None,
    ) -> AsyncGenerator[list[Task], None]:
        """Iterate over all tasks, newest first, in pages of at most `page_items`; as `tasks`.

        `workspace` is an id. `id_part`: the end of the task's id, at least 4 characters, or its
        beginning.
        """
        pages = self._pages(
            "/api/tasks",
            Page[Task],
            workspace=workspace,
            status=status,
            search=search,
            limit=min(page_items or PAGE_ITEMS, PAGE_ITEMS),
            createdBy=created_by,
            id=id_part,
        )
        async with aclosing(pages):
            async for page in pages:
                yield page.items

    async def task(self, ref: str) -> TaskHandle:
        """Return the task with this id; or of those that the token's owner started, the one whose
        id alone begins so, or ends so (at least 4 characters); "last" is the newest of them. Of
        another account's task, more of the id is needed.

        Raises:
            NotFound: there is none.
            InvalidInput: there are several, or only other accounts have one whose id begins or ends
                so.
        """
        if ids.is_id("tsk", ref):
            info = await self._api.get(f"/api/tasks/{ref}", Task)
        elif ref == selection.LAST:
            info = await self._last_task()
        else:
            info = await self._find_task(ref)
        return TaskHandle(self._api, self._live, info, owns_input=False)

    async def run(
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
    ) -> TaskHandle:
        """Run a command; at most once, however often the connection breaks meanwhile.

        `workspace` may be left out when the token's owner has one only. `tty`: columns and rows,
        1,000 and 500 at most; `tty_modes`: settings of its line, by their names in RFC 4254, §8
        (UTF-8 and the system's own without). `timeout` is in seconds. `stdin="open"`: the command
        reads what `write` sends; else its input ends at once, except that of a terminal.
        `merge_stderr`: both streams are one pipe, in the order in which they were written, and all
        of it is stdout. Command, arguments, folder and values of variables may be text, bytes
        (the command gets these) or paths; surrogates in text are bytes, as in `sys.argv`.

        Raises:
            InvalidInput: a text cannot be carried, or the hub refuses the request as it is.
            WorkspaceUnreachable: its daemon is not connected, and `if_offline` is not "queue".
            ArborError: the hub's answer, or `Unavailable`.
        """
        new = NewTask(
            command=system_text("command", command),
            args=[system_text("args", each) for each in args],
            cwd=system_text("cwd", cwd),
            env={name: system_text("env", value) for name, value in (env or {}).items()},
            shell=shell,
            tty=None
            if tty is None
            else NewTerminal(cols=tty[0], rows=tty[1], modes=dict(tty_modes or {})),
            timeout=timeout,
            if_offline=if_offline,
            on_spool_full=on_spool_full,
            title=title,
            stdin=stdin,
            merge_stderr=merge_stderr,
        )
        info = await self._api.post(
            f"/api/workspaces/{await self._workspace_id(workspace)}/tasks",
            Task,
            sendable(new),
            idempotency_key=secrets.token_hex(IDEMPOTENCY_KEY_BYTES),
        )
        return TaskHandle(self._api, self._live, info, owns_input=True)

    def stored_output(
        self, task_id: str, start: int = 0, end: int | None = None
    ) -> AbstractAsyncContextManager[httpx2.Response]:
        """Open the stored bytes `[start, end)` of an output, as a streaming HTTP response."""
        last = "" if end is None else end - 1
        headers = {"Range": f"bytes={start}-{last}", "Accept-Encoding": "identity"}
        return self._api.stream(f"/api/tasks/{task_id}/output", headers)

    def formatted_output(
        self,
        task_id: str,
        form: str,
        stream: str | None = None,
        start: int = 0,
        end: int | None = None,
        *,
        follow: bool = False,
        sizes: bool = False,
    ) -> AbstractAsyncContextManager[httpx2.Response]:
        """Open the stored output `[start, end)` as "raw", "text", "jsonl" or "asciicast", of
        "stdout", "stderr" or both.

        `follow`: then what comes, until the task is over; where nothing comes for a minute reading
        it raises `Unavailable`, and it goes on from the offset that was reached. `sizes`: "jsonl"
        has the sizes of the task's terminal as well.
        """
        path = f"/api/tasks/{task_id}/output"
        headers = {"Accept-Encoding": "identity"}
        query = {"format": form, "stream": stream, "from": start, "to": end}
        query |= {"follow": int(follow) or None, "sizes": int(sizes) or None}
        return self._api.stream(path, headers, **query)

    # ── inside ───────────────────────────────────────────────────────────────────────────────

    async def _workspace_id(self, ref: str | None) -> str:
        if ref is not None and ids.is_id("ws", ref):
            return ref
        if ref is None:
            return selection.default_workspace(await see(self)).id
        return (await self.workspace(ref)).id

    async def _find_task(self, ref: str) -> Task:
        if not ids.is_id_part(ref):
            return selection.pick_others_task((), ref)
        owner = (await self.me()).user_id
        made = await self._named_tasks(ref, owner)
        # An older hub ignores the filter and returns tasks of other accounts as well.
        found = selection.pick_own_task([each for each in made if each.created_by == owner], ref)
        if found is not None:
            return found
        named = await self._named_tasks(ref, None)
        others = [each for each in named if each.created_by != owner]
        return selection.pick_others_task(others, ref)

    async def _named_tasks(self, ref: str, owner: str | None) -> list[Task]:
        """Return the tasks whose id begins or ends with `ref`; an older hub gives its newest."""
        found: list[Task] = []
        async with aclosing(self.task_pages(created_by=owner, id_part=ref)) as pages:
            async for page in pages:
                found += page
                if len(found) >= SEARCHED_TASKS:
                    break
        return found

    async def _last_task(self) -> Task:
        owner = (await self.me()).user_id
        searched = 0
        pages = self._pages("/api/tasks", Page[Task], limit=PAGE_ITEMS, createdBy=owner)
        async with aclosing(pages):
            async for page in pages:
                mine = next((each for each in page.items if each.created_by == owner), None)
                if mine is not None:
                    return mine
                searched += len(page.items)
                if searched >= SEARCHED_TASKS:
                    break
        raise NotFound(
            f"none of the newest {searched} tasks is yours. `arbor run -- COMMAND` starts one"
        )

    @property
    def _api(self) -> HttpApi:
        return self._parts[0]

    @property
    def _live(self) -> LivePool:
        return self._parts[1]

    @property
    def _parts(self) -> tuple[HttpApi, LivePool]:
        if self._opened is None:
            raise LocalProtocolError("a Hub is used inside `async with Hub() as hub:`")
        return self._opened
