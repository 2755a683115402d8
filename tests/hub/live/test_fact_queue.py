"""What waits for one viewer: of each thing the newest, and only so much."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.hub.bus.base import Fact, TaskRemoved, WorkspaceRemoved
from arborlink.hub.live import fact_queue
from arborlink.hub.live.fact_queue import FactQueue
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import InputAck, TaskStatusChanged, WorkspaceChanged

NAMES = st.sampled_from(["a", "b"])
FACTS = st.one_of(
    st.builds(InputAck, task_id=NAMES, offset=st.integers(0, 9)),
    st.builds(TaskRemoved, task_id=NAMES),
    st.builds(TaskStatusChanged, task_id=NAMES, status=st.sampled_from(TaskStatus)),
    st.builds(WorkspaceRemoved, workspace_id=NAMES, owner_id=NAMES),
    st.builds(WorkspaceChanged, workspace_id=NAMES, state=NAMES),
)


def about(fact: Fact) -> tuple[type, str]:
    """What a fact is about."""
    if isinstance(fact, WorkspaceChanged | WorkspaceRemoved):
        return type(fact), fact.workspace_id
    return type(fact), fact.task_id


@given(facts=st.lists(FACTS))
def test_the_newest_of_each_waits_in_the_order_they_came(facts: list[Fact]) -> None:
    waiting = FactQueue()
    for fact in facts:
        assert waiting.add(fact)
    newest = {about(fact): n for n, fact in enumerate(facts)}
    assert list(waiting.drain()) == [facts[n] for n in sorted(newest.values())]
    assert len(waiting) == 0 and list(waiting.drain()) == []


def status(n: int, error: str = "") -> TaskStatusChanged:
    """A fact about the nth task."""
    return TaskStatusChanged(task_id=str(n), status=TaskStatus.FAILED, error=error)


def test_so_many_facts_wait_and_no_more() -> None:
    waiting = FactQueue()
    assert all(waiting.add(status(n)) for n in range(fact_queue.MAX_WAITING_FACTS))
    assert waiting.add(status(0))
    assert not waiting.add(status(-1))
    list(waiting.drain())
    assert waiting.add(status(-1))


def test_so_many_bytes_wait_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fact_queue, "MAX_WAITING_BYTES", 10_000)
    waiting = FactQueue()
    for _ in range(100):
        assert waiting.add(status(1, "e" * 4_000))
    assert waiting.add(status(2, "e" * 4_000))
    assert not waiting.add(status(3, "e" * 4_000))
    assert len(waiting) == 2
