"""What costs the hub something, and what names its machine's folders, is not for strangers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from arborlink.hub.live.output import storage_fault
from arborlink.hub.service.readiness import (
    TO_STRANGERS,
    ReadinessChecks,
    database_check,
)
from arborlink.hub.service.recent import Recent
from arborlink.outputlog import LogMissing
from arborlink.protocol.errors import Unavailable

from .conftest import Api, problem

REQUESTS = 20


async def test_strangers_make_the_hub_write_once_however_often_they_ask(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[None] = []
    check = api.hub.store.check_writable

    async def counted() -> None:
        writes.append(None)
        await check()

    monkeypatch.setattr(api.hub.store, "check_writable", counted)
    async with api.anonymous() as client:
        answers = [await client.get("/readyz") for _ in range(REQUESTS)]
        answers += await asyncio.gather(*(client.get("/readyz") for _ in range(REQUESTS)))
    assert {answer.status_code for answer in answers} == {200}
    # The first, and those whose time had come on a slow machine.
    assert len(writes) < len(answers)


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_a_result_is_shared_until_it_is_too_old() -> None:
    clock, taken = Clock(), 0

    async def measure() -> int:
        nonlocal taken
        taken += 1
        await asyncio.sleep(0)
        return taken

    recent = Recent(measure, 2.0, monotonic=clock)
    assert await asyncio.gather(*(recent.get() for _ in range(REQUESTS))) == [1] * REQUESTS
    clock.now += 2.0
    assert await recent.get() == 1
    clock.now += 0.001
    assert await recent.get() == 2


async def test_a_measurement_that_was_cancelled_or_failed_is_made_by_the_next_who_asks() -> None:
    begun, outcomes = asyncio.Event(), ["hang", "fail", "fine"]

    async def measure() -> str:
        outcome = outcomes.pop(0)
        begun.set()
        if outcome == "hang":
            await asyncio.Event().wait()
        if outcome == "fail":
            raise Unavailable("no")
        return outcome

    recent = Recent(measure, 2.0)
    first = asyncio.create_task(recent.get())
    await begun.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    with pytest.raises(Unavailable):
        await recent.get()
    assert await recent.get() == "fine"


FAULT = "The hub's database cannot be used: disk I/O error in /srv/secret."


class Broken:
    """A store that does not store."""

    async def check_writable(self) -> None:
        raise Unavailable(FAULT)


async def test_strangers_learn_what_is_wrong_and_nothing_of_the_machine() -> None:
    checks = ReadinessChecks(
        database_check(Broken()), lambda: "/srv/secret has 7 bytes free", lambda: True
    )
    assert await checks.reasons(detailed=False) == TO_STRANGERS
    detailed = await checks.reasons(detailed=True)
    assert detailed["database"] == FAULT and "7 bytes" in str(detailed["disk"])
    assert not any("/" in text or "bytes" in text for text in TO_STRANGERS.values())


@pytest.fixture
def low(api: Api) -> Api:
    """A hub whose disk is full."""

    def full(_folder: object) -> int:
        return 7

    api.hub.reserve.free = full
    return api


async def test_details_are_for_owners(low: Api) -> None:
    await low.hub.reserve.look()
    member = await low.client.post("/api/users", json={"username": "m", "password": "m" * 12})
    assert member.status_code == 201, member.text
    scoped = await low.token(["tasks:read"])
    asking: list[tuple[Callable[[], object], bool]] = [
        (low.anonymous, False),
        (lambda: low.bearer("arb_wrong"), False),
        (lambda: low.bearer(scoped), False),
        (lambda: low.client, True),
    ]
    for make, sees_details in asking:
        client = make()
        ready = await client.get("/readyz")  # type: ignore[attr-defined]
        assert ready.status_code == 503
        (reason,) = ready.json()["reasons"]
        assert ("7 bytes free" in reason) is sees_details
        assert reason == ready.json()["checks"]["disk"]["reason"]
        assert str(low.hub.settings.data_dir) not in ready.text


async def test_no_refusal_names_a_folder_of_the_hub(low: Api) -> None:
    await low.hub.reserve.look()
    body = {"command": "true", "ifOffline": "queue"}
    refused = await low.client.post(f"/api/workspaces/{await low.workspace()}/tasks", json=body)
    assert problem(refused) == (507, "storage_low")
    assert str(low.hub.settings.data_dir) not in refused.text
    assert "/" not in refused.json()["detail"]


@pytest.mark.parametrize(
    "fault",
    [
        OSError(28, "No space left on device", "/srv/secret/output/tsk_1.log"),
        LogMissing(Path("/srv/secret/output/tsk_1")),
    ],
)
def test_a_daemon_does_not_learn_where_its_output_cannot_be_stored(fault: Exception) -> None:
    told = storage_fault(fault)
    assert told.code == "storage_full"
    assert "/" not in told.message


async def test_guesses_at_a_token_are_counted_where_none_is_needed(api: Api) -> None:
    api.stop_time_for_budgets()
    async with api.bearer("arb_guess") as client:
        answers = {(await client.get("/readyz")).status_code for _ in range(2 * REQUESTS)}
    assert answers == {200, 429}


async def test_figures_are_read_once_for_all_strangers(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[None] = []
    count = api.hub.store.task_counts

    def counting(*of: str) -> object:
        counted.append(None)
        return count(*of)

    monkeypatch.setattr(api.hub.store, "task_counts", counting)
    async with api.anonymous() as client:
        answers = await asyncio.gather(*(client.get("/metrics") for _ in range(REQUESTS)))
    assert len({answer.text for answer in answers}) == 1
    assert len(counted) < REQUESTS
    # An owner's are of this moment.
    await api.task(await api.workspace())
    assert 'arbor_unfinished_tasks{state="queued"} 1.0' in (await api.client.get("/metrics")).text
