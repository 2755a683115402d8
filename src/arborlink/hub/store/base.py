"""The relational store as the domain speaks of it: who, what and when. Output bytes are elsewhere.

Reads see every write that was awaited; those of few and small rows are immediate, the others are
coroutines. Writes are coroutines that return once
they are durable; those of one moment share a commit. Times are µs since 1970.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Literal, NamedTuple, Protocol, TypeAlias

from msgspec import Struct

from arborlink.hub.store.base_access import AccountStore, DaemonChange, DaemonStore
from arborlink.hub.store.base_retention import RetentionStore
from arborlink.protocol.lifecycle import TaskEvent, TaskStatus
from arborlink.protocol.messages import HostInfo
from arborlink.protocol.resources import (
    GapInfo,
    SpoolPolicy,
    StandardInput,
    Terminal,
    TerminalSizeChange,
)


class TaskRow(Struct, frozen=True, kw_only=True):
    """A task as stored. `instance_id` is the supervisor instance it was handed to, if any.

    `is_cut`: command, args and names of variables are the beginning of what was asked for. `env` is
    with values only in a row that is to be stored; in one that is, each is empty. To run a task,
    read its `TaskRequest`. All times are by the hub's clock; `reported_started_at` and
    `reported_finished_at` are by its daemon's, where it said any and they are not the same.
    """

    id: str
    workspace_id: str
    command: str
    args: list[str]
    cwd: str
    env: dict[str, str]
    shell: bool
    tty: Terminal | None
    title: str | None
    timeout: float | None
    on_spool_full: SpoolPolicy
    stdin: StandardInput
    status: TaskStatus
    created_by: str
    created_at: int
    expires_at: int | None = None
    started_at: int | None = None
    finished_at: int | None = None
    reason: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    error: str | None = None
    output_size: int = 0
    gaps: list[GapInfo] = []
    cancel_requested: bool = False
    instance_id: str | None = None
    log_id: str | None = None
    is_cut: bool = False
    reported_started_at: int | None = None
    reported_finished_at: int | None = None
    input_read: int | None = None
    merge_stderr: bool = False


class TaskRequest(Struct, frozen=True, kw_only=True):
    """What a task was asked to run, all of it.

    `is_forgotten`: the values of its variables are not known any more, and each is empty in `env`.
    """

    command: str
    args: list[str]
    env: dict[str, str]
    is_forgotten: bool = False


class TaskChanges(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a transition records besides the status; None leaves the column as it is."""

    started_at: int | None = None
    finished_at: int | None = None
    reason: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    error: str | None = None
    output_size: int | None = None
    gaps: list[GapInfo] | None = None
    log_id: str | None = None
    reported_started_at: int | None = None
    reported_finished_at: int | None = None
    input_read: int | None = None


class TaskQuery(Struct, frozen=True, kw_only=True):
    """Newest first. `workspace_ids`, `created_by` None: all. `id_part`: the end of the id, at least
    4 characters, or its beginning. `before` is the id of the last one already seen."""

    workspace_ids: frozenset[str] | None = None
    created_by: str | None = None
    id_part: str | None = None
    statuses: frozenset[TaskStatus] = frozenset()
    search: str | None = None
    before: str | None = None
    limit: int = 50


class TaskList(Struct, frozen=True, kw_only=True):
    """A page of tasks, and whether there are more."""

    rows: list[TaskRow]
    has_more: bool


class TaskCounts(Struct, frozen=True, kw_only=True):
    """Unfinished tasks: handed to a daemon, and waiting."""

    dispatched: int
    queued: int


class IdempotencyKey(Struct, frozen=True, kw_only=True):
    """A request's `Idempotency-Key`: the same key with another `body_hash` is a conflict."""

    user_id: str
    key: str
    body_hash: bytes
    expires_at: int


class WorkspaceRow(Struct, frozen=True, kw_only=True):
    """A workspace as stored; whether it is connected is known only to the hub that holds it."""

    id: str
    name: str
    owner_id: str
    owner_name: str
    created_at: int
    daemon_id: str | None = None
    instance_id: str | None = None
    epoch: int = 0
    host: HostInfo | None = None
    version: str | None = None
    last_connected_at: int | None = None
    last_seen_at: int | None = None
    quarantined_at: int | None = None
    daemon_change: DaemonChange | None = None
    had_daemon: bool = False


class Acceptance(Struct, frozen=True, kw_only=True):
    """A daemon's connection was accepted; frames of lower epochs change nothing from now on."""

    epoch: int
    previous_instance_id: str | None


RemovedKind: TypeAlias = Literal["workspace", "user", "token", "session", "daemon", "task"]


class Removed(NamedTuple):
    """A row that was deleted, by itself or with what it belonged to.

    `of`: the owner of a workspace, the user of a token or session, the workspace of a daemon or
    task. Tasks that were over and went with their workspace are not named one by one.
    """

    kind: RemovedKind
    id: str
    of: str


class TaskStore(Protocol):
    """Tasks and their transitions."""

    def task(self, task_id: str) -> TaskRow | None: ...

    def task_request(self, task_id: str) -> TaskRequest:
        """Return what the task was asked to run. Raises NotFound."""
        ...

    async def tasks(self, query: TaskQuery) -> TaskList:
        """Read a page, newest first, off the event loop; it ends early where its rows are large.

        Raises:
            InvalidInput: it takes longer than one request may (code `read_too_slow`).
            TooManyRequests: too many are read or wait already (code `too_many_reads`).
        """
        ...

    def unfinished_tasks(self, workspace_id: str) -> list[TaskRow]:
        """Return those of the workspace that are not final, oldest first."""
        ...

    def next_waiting_task(self, workspace_id: str) -> TaskRow | None:
        """Return the oldest that is pending and was not handed to a daemon."""
        ...

    def task_counts(self, workspace_id: str | None = None) -> TaskCounts:
        """Of a workspace; of all workspaces without one."""
        ...

    def queued_by(self, user_id: str) -> int:
        """Return how many tasks of this account wait for a daemon, in all workspaces."""
        ...

    async def task_counts_by_workspace(self) -> dict[str, TaskCounts]:
        """Read the counts of all that have any, off the event loop. Raises as `tasks`."""
        ...

    def handed_over_tasks(self, workspace_id: str) -> list[TaskRow]:
        """Return those that are not final and were made before a daemon of the workspace took over
        from another one, oldest first."""
        ...

    def expired_tasks(self, now: int, limit: int) -> list[TaskRow]:
        """Return some that are pending, never handed to a daemon, and past `expires_at`."""
        ...

    def known_tasks(self, task_ids: Collection[str]) -> set[str]:
        """Those of the ids that are tasks'."""
        ...

    async def add_task(
        self,
        row: TaskRow,
        key: IdempotencyKey | None = None,
        *,
        limit: int | None = None,
        keys_limit: int | None = None,
    ) -> TaskRow:
        """Store a new task; return its row as it is stored, or with a key that was used before, the
        task it made then.

        Args:
            row: the task.
            key: what the request was marked with.
            limit: as many may be unfinished in all workspaces of its owner.
            keys_limit: how many keys the account may have.

        Raises:
            Conflict: the key was used for another body (code `idempotency_key_reused`).
            NotFound: no such workspace.
            TooManyRequests: as many are unfinished (code `too_many_tasks`), or there are as many
                keys (`too_many_keys`).
        """
        ...

    def repeated_task(self, key: IdempotencyKey, now: int) -> TaskRow | None:
        """The task that the key made before, if it did and is still remembered.

        Raises:
            Conflict: the key was used for another body.
        """
        ...

    async def dispatch_task(self, task_id: str, instance_id: str | None) -> TaskRow:
        """Record to which supervisor instance the task is about to be handed; None: to none yet."""
        ...

    async def set_task_log(self, task_id: str, log_id: str) -> None:
        """Record the identity of the task's output log."""
        ...

    async def transition_task(
        self, task_id: str, event: TaskEvent, changes: TaskChanges
    ) -> TaskRow:
        """Advance the task by the lifecycle's table.

        Raises:
            LocalProtocolError: the table has no such transition (code `illegal_transition`).
            NotFound: no such task.
        """
        ...

    async def request_cancel(self, task_id: str) -> TaskRow:
        """Remember that somebody wants the task cancelled. Raises NotFound."""
        ...

    def terminal_sizes(self, task_id: str) -> list[TerminalSizeChange]:
        """Return the sizes that the task's terminal has had, in order; none were changed: none."""
        ...

    async def resize_task(self, task_id: str, change: TerminalSizeChange) -> TaskRow:
        """Record a size of the task's terminal, as `SizeHistory.add` does; the last is its `tty`.

        A task without a terminal stays as it is. Raises NotFound.
        """
        ...


class WorkspaceStore(Protocol):
    """Workspaces and the daemon of each."""

    def workspace(self, workspace_id: str) -> WorkspaceRow | None: ...

    async def workspaces(self, owner_id: str | None = None) -> list[WorkspaceRow]:
        """Read all, or those of one account, by name, off the event loop. Raises as `tasks`."""
        ...

    def workspace_names(self, owner_id: str | None = None) -> dict[str, str]:
        """Return the names of all, or of one account's, by their ids, in the order of the names."""
        ...

    def count_workspaces(self) -> int: ...

    async def add_workspace(self, row: WorkspaceRow, *, limit: int | None = None) -> WorkspaceRow:
        """Store a new workspace of an owner who has at most `limit`.

        Raises:
            Conflict: the owner has one of that name (code `name_taken`), or as many as there may be
                (code `too_many_workspaces`).
        """
        ...

    async def rename_workspace(self, workspace_id: str, name: str) -> WorkspaceRow:
        """Raises NotFound, or Conflict when the owner already has one of that name."""
        ...

    def is_untouched(self, workspace_id: str) -> bool:
        """Return whether there is such a workspace that never had a daemon and has no task."""
        ...

    async def delete_workspace(self, workspace_id: str) -> None:
        """Deletes its tasks' rows, daemon, enrolment codes and tokens too, with what was made with
        those tokens. Raises NotFound.

        The rows of tasks that are over go first, in several transactions.
        """
        ...

    async def accept_daemon(
        self,
        workspace_id: str,
        daemon_id: str,
        instance_id: str,
        host: HostInfo,
        version: str,
        now: int,
    ) -> Acceptance:
        """Give a daemon's new connection its epoch, in the transaction that accepts it.

        Raises:
            NotFound: no such workspace.
            WorkspaceTaken: the workspace belongs to another daemon.
            WorkspaceQuarantined: it belongs to this one, but to several copies of it.
            NotAuthenticated: it belongs to none any more: this daemon was removed.
        """
        ...

    async def quarantine_daemon(self, workspace_id: str, daemon_id: str, now: int) -> None:
        """Let no copy of this daemon in until `release_daemon`, or until there is another one."""
        ...

    async def release_daemon(self, workspace_id: str, change: DaemonChange) -> None:
        """Let the workspace's daemon in again."""
        ...

    async def daemon_disconnected(self, workspace_id: str, epoch: int, now: int) -> None:
        """Remember when the connection of this epoch was last seen; older epochs change nothing."""
        ...


class MetaStore(Protocol):
    """Facts about the database itself."""

    @property
    def hub_id(self) -> str:
        """Random, made with the database."""
        ...

    @property
    def generation(self) -> int:
        """How many times the database has been opened, this time included."""
        ...

    @property
    def restored_after(self) -> str | None:
        """The newest task of the backup that the database was restored from, if it was."""
        ...

    def on_removed(self, listener: Callable[[Removed], object]) -> None:
        """Call this with everything that is deleted from now on, whatever deletes it.

        It is called on the event loop, once the deletion is durable and before the write that
        deleted it returns, so that nothing that was removed is served after that.
        """
        ...

    def writes_waiting(self) -> int:
        """Writes that are not durable yet."""
        ...

    def take_most_writes_waiting(self) -> int:
        """The most that waited at a time since the last call, which one reader makes."""
        ...

    async def check_writable(self) -> None:
        """Write something durably. Raises Unavailable."""
        ...

    def latest_time(self) -> int:
        """Return the last that `note_time` stored, in µs since 1970; 0 before the first."""
        ...

    async def note_time(self, now: int) -> None:
        """Remember that it is `now`, in µs since 1970. Raises Unavailable."""
        ...

    async def close(self) -> None:
        """Everything that was handed in is written first; afterwards writes are Unavailable."""
        ...


class Store(
    TaskStore, RetentionStore, WorkspaceStore, AccountStore, DaemonStore, MetaStore, Protocol
):
    """All of it: what the hub is given."""
