"""How facts reach whoever watches: the seam where a hub of several processes would differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from arborlink.protocol.messages import InputAck, TaskStatusChanged, WorkspaceChanged


@dataclass(frozen=True, slots=True)
class TaskRemoved:
    """Retention has removed the task and its output."""

    task_id: str


Fact: TypeAlias = TaskStatusChanged | WorkspaceChanged | InputAck | TaskRemoved
Listener: TypeAlias = Callable[[str, Fact], None]


class Bus(Protocol):
    """Facts are published under the workspace they belong to and heard in the order published."""

    def publish(self, workspace_id: str, fact: Fact) -> None:
        """Tell every listener, at once and without waiting for any."""
        ...

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hear every fact from now on, until the returned function is called."""
        ...
