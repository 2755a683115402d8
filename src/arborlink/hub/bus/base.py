"""How facts reach whoever watches: the seam where a hub of several processes would differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from arborlink.protocol.messages import InputAck, TaskStatusChanged, WorkspaceChanged


@dataclass(frozen=True, slots=True)
class TaskRemoved:
    """The task and its output were removed, by themselves or with their workspace."""

    task_id: str


@dataclass(frozen=True, slots=True)
class WorkspaceRemoved:
    """The workspace was deleted, and all tasks in it."""

    workspace_id: str
    owner_id: str


Fact: TypeAlias = TaskStatusChanged | WorkspaceChanged | InputAck | TaskRemoved | WorkspaceRemoved
Listener: TypeAlias = Callable[[str, Fact], None]


class Bus(Protocol):
    """Facts are published under the workspace they belong to and heard in the order published."""

    def publish(self, workspace_id: str, fact: Fact) -> None:
        """Tell every listener, at once and without waiting for any."""
        ...

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hear every fact from now on, until the returned function is called."""
        ...
