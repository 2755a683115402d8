"""Facts that wait to be sent to one viewer: of each task or workspace the newest, within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from arborlink.hub.bus.base import Fact, TaskRemoved, WorkspaceRemoved
from arborlink.protocol.limits import MIB
from arborlink.protocol.messages import InputAck, TaskStatusChanged

# For a viewer that does not read; beyond these it must come back and ask again.
MAX_WAITING_FACTS: Final = 4_096
MAX_WAITING_BYTES: Final = 4 * MIB

_JSON: Final = msgspec.json.Encoder()
_Key = tuple[type, str]


class FactQueue:
    """A fact takes the place of an earlier one about the same thing, and goes to the end.

    A fact says how something is now, so the earlier one has nothing that the later one lacks: a
    terminal that is resized a thousand times costs a viewer that does not read one message.
    """

    def __init__(self) -> None:
        self._facts: dict[_Key, tuple[Fact, int]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._facts)

    def add(self, fact: Fact) -> bool:
        """Let a fact wait; return False if there is no room for it."""
        key = _key(fact)
        _, replaced = self._facts.pop(key, (None, 0))
        size = 0 if isinstance(fact, TaskRemoved | WorkspaceRemoved) else len(_JSON.encode(fact))
        self._bytes += size - replaced
        if len(self._facts) == MAX_WAITING_FACTS or self._bytes > MAX_WAITING_BYTES:
            self._bytes -= size
            return False
        self._facts[key] = fact, size
        return True

    def drain(self) -> Iterator[Fact]:
        """Remove and yield what waits, in the order in which it was added."""
        facts, self._facts, self._bytes = self._facts, {}, 0
        for fact, _ in facts.values():
            yield fact


def _key(fact: Fact) -> _Key:
    match fact:
        case TaskStatusChanged() | InputAck() | TaskRemoved():
            return type(fact), fact.task_id
        case _:
            return type(fact), fact.workspace_id
