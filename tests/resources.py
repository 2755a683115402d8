"""Resources that tests change with `msgspec.structs.replace`."""

from __future__ import annotations

from typing import Final

from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.resources import Task

TASK: Final = Task(
    id="tsk_1",
    workspace_id="ws_1",
    command="make",
    args=["test"],
    cwd=".",
    env=[],
    shell=False,
    tty=None,
    title=None,
    status=TaskStatus.COMPLETED,
    reason=None,
    exit_code=0,
    signal=None,
    error=None,
    created_by="usr_1",
    created_at="2026-01-01T00:00:00Z",
    started_at=None,
    finished_at=None,
    output_size=100,
    gaps=[],
    timeout=None,
)
