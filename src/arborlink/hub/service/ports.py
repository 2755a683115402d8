"""What the HTTP half of the hub asks of its live half, and the parts the routes are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from prometheus_client import CollectorRegistry

from arborlink.hub.access import Access, Identity
from arborlink.hub.service.health import Figures
from arborlink.hub.service.readiness import ReadinessChecks
from arborlink.hub.service.recent import Recent
from arborlink.hub.settings import HubSettings
from arborlink.hub.store.base import IdempotencyKey, Store, TaskQuery
from arborlink.hub.views import PresenceInfo
from arborlink.proof.keys import HubKey
from arborlink.protocol.resources import NewTask, StandardInput, Task


class Presence(Protocol):
    """Which daemons are connected now."""

    def state(self, workspace_id: str) -> PresenceInfo: ...

    def draining(self) -> bool:
        """Whether the hub is going down and takes nothing new."""
        ...


class TaskListing(NamedTuple):
    """A page of tasks, and whether there are more."""

    items: list[Task]
    has_more: bool


class TaskService(Protocol):
    """What may be done with tasks. Each checks that `identity` may; Raises NotFound, NotAllowed."""

    async def create(
        self,
        identity: Identity,
        workspace_id: str,
        new: NewTask,
        *,
        idempotency: IdempotencyKey | None = None,
    ) -> Task: ...

    async def cancel(
        self, identity: Identity, task_id: str, grace_seconds: float | None = None
    ) -> Task: ...

    async def rerun(
        self,
        identity: Identity,
        task_id: str,
        env: Mapping[str, str],
        *,
        stdin: StandardInput = "empty",
    ) -> Task:
        """A new task with the same request. `env`: values over those that its variables had.
        `stdin` open: it waits for input, of which the earlier task's was not kept."""
        ...

    async def delete(self, identity: Identity, task_id: str) -> None:
        """Delete a task that is over, with its output. Raises Conflict (code `task_not_over`)."""
        ...

    async def write_input(
        self,
        identity: Identity,
        task_id: str,
        data: bytes,
        *,
        offset: int | None = None,
        eof: bool = False,
    ) -> int:
        """The offset that input is accepted up to."""
        ...

    def get(self, identity: Identity, task_id: str) -> Task:
        """The task with all of what was asked for; elsewhere a long command is cut."""
        ...

    async def list(self, identity: Identity, query: TaskQuery) -> TaskListing:
        """Newest first, only what `identity` may see."""
        ...


class Announcer(Protocol):
    """Tells whoever watches that something changed."""

    def workspace_changed(self, workspace_id: str) -> None: ...


class Rotator(Protocol):
    """Gives daemons that are connected another token."""

    async def requested(self, workspace_id: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HubPorts:
    """The parts of a hub, as the routes use them."""

    settings: HubSettings
    store: Store
    access: Access
    tasks: TaskService
    presence: Presence
    announcer: Announcer
    rotator: Rotator
    figures: Figures
    readiness: ReadinessChecks
    metrics: CollectorRegistry
    recent_metrics: Recent[bytes]
    key: HubKey
