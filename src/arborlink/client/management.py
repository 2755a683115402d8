"""Management of workspaces, daemons and ended tasks."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Final, TypeVar

from arborlink.client.replies import DaemonToken, Page
from arborlink.protocol.errors import NotFound
from arborlink.protocol.resources import Task, Workspace

if TYPE_CHECKING:
    from arborlink.client.http import HttpApi

# Seconds to wait; a connected daemon has its new token after a fraction of that.
ROTATION_SECONDS: Final = 5.0
ROTATION_POLL_SECONDS: Final = 0.1

T = TypeVar("T")


class Management(ABC):
    """The part of `Hub` for management. Every method raises ArborError: the hub's answer, or
    `Unavailable`."""

    @property
    @abstractmethod
    def _api(self) -> HttpApi: ...

    async def rename_workspace(self, workspace_id: str, name: str) -> Workspace:
        """Give a workspace another name.

        Raises:
            Conflict: there is one of this name.
        """
        return await self._api.patch(f"/api/workspaces/{workspace_id}", Workspace, {"name": name})

    async def remove_workspace(self, workspace_id: str) -> None:
        """Remove a workspace with its tasks, their output, its daemon and its tokens. The folder
        itself stays.

        Raises:
            Conflict: tasks run there (code `workspace_busy`).
        """
        await self._api.delete(f"/api/workspaces/{workspace_id}")

    async def remove_daemon(self, workspace_id: str) -> None:
        """Remove the workspace's daemon: its token is invalid, and it cannot connect any more. The
        workspace and its tasks stay.

        Raises:
            NotFound: there is no such workspace, or it has no daemon.
        """
        await self._api.delete(f"/api/daemons/{await self._daemon_id(workspace_id)}")

    async def release(self, workspace_id: str) -> Workspace:
        """Admit the workspace's daemon again, which was quarantined because copies of it ran.

        Raises:
            NotFound: there is no such workspace, or it has no daemon.
        """
        daemon_id = await self._daemon_id(workspace_id)
        return await self._api.post(f"/api/daemons/{daemon_id}/release", Workspace, {})

    async def rotate(self, workspace_id: str, *, wait_seconds: float = ROTATION_SECONDS) -> bool:
        """Replace the token of the workspace's daemon; its connection and tasks continue.

        Returns:
            Whether the daemon has it by now, and the old one is invalid. A daemon that is away, or
            of a release without this, keeps the old one until it is back, or upgraded.

        Raises:
            NotFound: there is no such workspace, or it has no daemon.
        """
        path = f"/api/daemons/{await self._daemon_id(workspace_id)}"
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + wait_seconds
        found = await self._api.post(f"{path}/rotate", DaemonToken, {})
        while found.rotation_requested_at is not None and loop.time() < give_up_at:
            await asyncio.sleep(ROTATION_POLL_SECONDS)
            found = await self._api.get(path, DaemonToken)
        return found.rotation_requested_at is None

    async def remove_task(self, task_id: str) -> None:
        """Delete a task that is over, with its output.

        Raises:
            Conflict: it is not over (code `task_not_over`).
        """
        await self._api.delete(f"/api/tasks/{task_id}")

    async def rerun_task(self, task_id: str, env: Mapping[str, str] | None = None) -> Task:
        """Run a task's command again, as a new task; `env`: values over those that it had.

        Raises:
            WorkspaceUnreachable: the daemon is not connected.
            Conflict: values of variables are forgotten and not in `env` (code
                `variables_forgotten`).
        """
        return await self._api.post(f"/api/tasks/{task_id}/rerun", Task, {"env": dict(env or {})})

    async def _daemon_id(self, workspace_id: str) -> str:
        workspace = await self._api.get(f"/api/workspaces/{workspace_id}", Workspace)
        if workspace.daemon_id is None:
            raise NotFound(f"Workspace {workspace.name} has no daemon.", ref=workspace_id)
        return workspace.daemon_id

    async def _pages(
        self, path: str, kind: type[Page[T]], **query: object
    ) -> AsyncGenerator[Page[T], None]:
        cursor: str | None = None
        while True:
            page = await self._api.get(path, kind, cursor=cursor, **query)
            yield page
            cursor = page.next_cursor
            if cursor is None:
                return
