"""The life of a task is a table, and the table is whole."""

import itertools

import pytest

from arborlink.protocol.errors import LocalProtocolError
from arborlink.protocol.lifecycle import (
    EVENT_FOR,
    FINAL,
    TRANSITIONS,
    Reason,
    TaskEvent,
    TaskStatus,
    advance,
    is_final,
)

EVERY_CASE = list(itertools.product(TaskStatus, TaskEvent))


def test_the_table_has_a_row_for_every_status() -> None:
    assert set(TRANSITIONS) == set(TaskStatus)


def test_every_status_but_the_first_is_reached_from_it() -> None:
    reached, frontier = set[TaskStatus](), {TaskStatus.PENDING}
    while frontier:
        frontier = {after for status in frontier for after in TRANSITIONS[status].values()}
        reached |= frontier
    assert reached == set(TaskStatus) - {TaskStatus.PENDING}


def test_a_task_is_over_in_every_status_but_two() -> None:
    assert set(TaskStatus) - FINAL == {TaskStatus.PENDING, TaskStatus.RUNNING}


@pytest.mark.parametrize("status", TaskStatus)
def test_a_final_status_has_no_exit(status: TaskStatus) -> None:
    assert is_final(status) == (not TRANSITIONS[status])


@pytest.mark.parametrize(("status", "event"), EVERY_CASE)
def test_an_event_does_what_the_table_says_or_is_refused_by_name(
    status: TaskStatus, event: TaskEvent
) -> None:
    if event in TRANSITIONS[status]:
        assert advance(status, event) is TRANSITIONS[status][event]
    else:
        with pytest.raises(LocalProtocolError, match=f"{status} cannot {event}") as caught:
            advance(status, event)
        assert caught.value.code == "illegal_transition"


@pytest.mark.parametrize("status", sorted(EVENT_FOR))
def test_the_event_for_a_status_leads_to_it_wherever_it_is_allowed(status: TaskStatus) -> None:
    event = EVENT_FOR[status]
    allowed = [row[event] for row in TRANSITIONS.values() if event in row]
    assert set(allowed) == {status}


def test_every_event_leads_somewhere() -> None:
    assert set(EVENT_FOR.values()) == set(TaskEvent)


def test_only_a_pending_task_expires() -> None:
    assert [s for s in TaskStatus if TaskEvent.EXPIRE in TRANSITIONS[s]] == [TaskStatus.PENDING]


@pytest.mark.parametrize("text", [*TaskStatus, *TaskEvent, *Reason])
def test_names_are_lower_case_as_they_are_on_the_wire(text: str) -> None:
    assert text == text.lower()
    assert text.replace("_", "").isalpha()
