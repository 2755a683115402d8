"""Rows and live state as the world sees them, and telling it when they change."""

from __future__ import annotations

from msgspec import structs

from arborlink.hub.bus.base import Bus, TaskRemoved, WorkspaceRemoved
from arborlink.hub.live.inputs import Inputs
from arborlink.hub.live.outputs import Outputs
from arborlink.hub.live.presence import Presence
from arborlink.hub.store.base import TaskRequest, TaskRow, TaskStore, WorkspaceStore
from arborlink.hub.views import optional_rfc3339, rfc3339, workspace_resource
from arborlink.protocol.lifecycle import TaskStatus, is_final
from arborlink.protocol.messages import InputAck, TaskStatusChanged, WorkspaceChanged
from arborlink.protocol.resources import ProcessUsage, Task, TerminalSize


class Facts:
    """Makes resources of rows and publishes changes on the bus."""

    def __init__(
        self,
        tasks: TaskStore,
        workspaces: WorkspaceStore,
        outputs: Outputs,
        presence: Presence,
        inputs: Inputs,
        bus: Bus,
    ) -> None:
        self._tasks = tasks
        self._workspaces = workspaces
        self._outputs = outputs
        self._presence = presence
        self._inputs = inputs
        self.bus = bus

    def task(self, row: TaskRow) -> Task:
        """Return the task as lists and events show it; a running one's size is that of now."""
        size, gaps = row.output_size, row.gaps
        output = self._outputs.find(row.id)
        if output is not None and not is_final(row.status):
            size, gaps = output.end, output.gaps()
        return Task(
            id=row.id,
            workspace_id=row.workspace_id,
            command=row.command,
            args=row.args,
            cwd=row.cwd,
            env=sorted(row.env),
            shell=row.shell,
            tty=None if row.tty is None else TerminalSize(cols=row.tty.cols, rows=row.tty.rows),
            title=row.title,
            status=row.status,
            reason=row.reason,
            exit_code=row.exit_code,
            signal=row.signal,
            error=row.error,
            created_by=row.created_by,
            created_at=rfc3339(row.created_at),
            started_at=optional_rfc3339(row.started_at),
            finished_at=optional_rfc3339(row.finished_at),
            output_size=size,
            gaps=gaps,
            timeout=row.timeout,
            cancel_requested=row.cancel_requested,
            watching=0 if output is None else len(output.listeners),
            is_cut=row.is_cut,
            input_read=row.input_read,
            usage=self._usage(row),
            reported_started_at=optional_rfc3339(row.reported_started_at),
            stdin="open" if row.tty is not None else row.stdin,
            reported_finished_at=optional_rfc3339(row.reported_finished_at),
            merge_stderr=row.merge_stderr,
        )

    def _usage(self, row: TaskRow) -> ProcessUsage | None:
        session = self._presence.session(row.workspace_id)
        is_running = row.status is TaskStatus.RUNNING
        return session.usage(row.id) if session is not None and is_running else None

    def whole_task(self, row: TaskRow, request: TaskRequest) -> Task:
        """Return the task with all of what was asked for."""
        return structs.replace(
            self.task(row),
            command=request.command,
            args=request.args,
            env=sorted(request.env),
            is_cut=False,
        )

    def status(self, row: TaskRow) -> TaskStatusChanged:
        """The task's status as viewers hear it."""
        return TaskStatusChanged(
            task_id=row.id,
            status=row.status,
            exit_code=row.exit_code,
            signal=row.signal,
            error=row.error,
            reason=row.reason,
            final_offset=row.output_size if is_final(row.status) else None,
            input_end=None if is_final(row.status) else self._input_end(row),
            task=self.task(row),
        )

    def _input_end(self, row: TaskRow) -> int | None:
        end = self._inputs.end(row.id)
        # One that no daemon was given has no input but what is here.
        return 0 if end is None and row.instance_id is None else end

    def workspace(self, workspace_id: str) -> WorkspaceChanged | None:
        """The workspace as viewers hear of it; None if it is gone."""
        row = self._workspaces.workspace(workspace_id)
        if row is None:
            return None
        resource = workspace_resource(
            row, self._presence.state(workspace_id), self._tasks.task_counts(workspace_id)
        )
        return WorkspaceChanged(
            workspace_id=row.id, state=resource.state, since=resource.since, workspace=resource
        )

    def task_changed(self, row: TaskRow) -> None:
        """Tell everybody."""
        self.bus.publish(row.workspace_id, self.status(row))

    def task_removed(self, workspace_id: str, task_id: str) -> None:
        """Tell those who follow it."""
        self.bus.publish(workspace_id, TaskRemoved(task_id))

    def workspace_removed(self, workspace_id: str, owner_id: str) -> None:
        """Tell those who watch it, or follow a task of it."""
        self.bus.publish(workspace_id, WorkspaceRemoved(workspace_id, owner_id))

    def workspace_changed(self, workspace_id: str) -> None:
        """Tell everybody."""
        fact = self.workspace(workspace_id)
        if fact is not None:
            self.bus.publish(workspace_id, fact)

    def input_acked(self, task_id: str) -> InputAck | None:
        """What one who begins to follow a task missed: how much of its input the command has."""
        offset = self._inputs.acked(task_id)
        return InputAck(task_id=task_id, offset=offset) if offset else None

    def input_acknowledged(self, workspace_id: str, task_id: str, offset: int) -> None:
        """Tell those who type."""
        self.bus.publish(workspace_id, InputAck(task_id=task_id, offset=offset))
