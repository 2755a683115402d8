"""Search over HTTP: pages, what is refused, who may, and that nobody else notices."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from arborlink.client import Hub, InvalidInput
from arborlink.hub.service import searches as searching
from arborlink.hub.service.matching import Matcher
from arborlink.hub.service.search import Position
from arborlink.hub.service.searches import Answer, Searches, Wish
from arborlink.outputlog import OutputLog
from arborlink.protocol.errors import TooManyRequests
from arborlink.protocol.limits import MIB
from arborlink.testing.hub import TOKEN
from tests.bounds import NEVER_SECONDS
from tests.conftest import MEASURED
from tests.hub.live.bench import Bench
from tests.hub.live.peers import LOG_ID, DaemonIdentity
from tests.hub.live.test_output import handed
from tests.hub.live.test_output_route import stored

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG_BYTES = 256 * MIB
# Far fewer than there are, and far more than none.
ANSWERED_MEANWHILE = 10


async def search(bench: Bench, task: str, q: str | None = None, **options: Any) -> Any:
    parameters = {**({} if q is None else {"q": q}), **options.pop("params", {})}
    return await bench.client.get(f"/api/tasks/{task}/search", params=parameters, **options)


async def found(bench: Bench, task: str, q: str, **parameters: str) -> dict[str, Any]:
    response = await search(bench, task, q, params=parameters)
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page


def write_long_log(stem: Path) -> None:
    """A log whose one hit is its last line."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    piece = (b"nothing to be found in here, and plenty of it\n" * 25_000)[:MIB]
    log = OutputLog.create(stem, LOG_ID)
    while log.end < LONG_BYTES:
        log.append(piece, is_error=False, time_us=0)
    log.append(b"\nneedle", is_error=False, time_us=0)
    log.close()


async def test_hits_say_where_they_are_and_what_is_around_them(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await stored(bench, identity, b"one\ntwo \x1b[31mThree\x1b[0m!\n\xffthree")
    assert await found(bench, task, "three") == {
        "items": [
            {"offset": 13, "length": 5, "line": 2, "text": "two Three!", "column": 4, "width": 5},
            {"offset": 25, "length": 5, "line": 3, "text": "\ufffdthree", "column": 1, "width": 5},
        ],
        "nextCursor": None,
        "searchedTo": 30,
        "end": 30,
    }
    assert [hit["offset"] for hit in (await found(bench, task, "three", case="1"))["items"]] == [25]
    expressions = await found(bench, task, "^t|e$", regex="1")
    assert [hit["offset"] for hit in expressions["items"]] == [2, 4, 29]
    assert (await found(bench, task, "^t"))["items"] == []


async def test_pages_go_on_where_the_last_one_ended(bench: Bench, identity: DaemonIdentity) -> None:
    task = await stored(bench, identity, b"".join(b"line %d\n" % n for n in range(1, 26)))
    page = await found(bench, task, "line", limit="10")
    items = page["items"]
    while page["nextCursor"] is not None:
        assert len(page["items"]) == 10 and page["searchedTo"] <= page["end"]
        page = await found(bench, task, "line", limit="10", cursor=page["nextCursor"])
        items += page["items"]
    assert [hit["line"] for hit in items] == list(range(1, 26))
    assert [hit["text"] for hit in items] == [f"line {n}" for n in range(1, 26)]
    part = await found(bench, task, "line", **{"from": "7", "to": "15"})
    assert [(hit["offset"], hit["line"]) for hit in part["items"]] == [(7, 2), (14, 3)]
    beyond = await found(bench, task, "line", **{"from": "9000"})
    assert (beyond["items"], beyond["nextCursor"]) == ([], None)
    assert beyond["searchedTo"] == beyond["end"]


async def test_a_running_task_is_searched_up_to_its_end(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        assert (await found(bench, task, "needle"))["end"] == 0
        await daemon.output(task, 0, b"a needle\nand a nee")
        await daemon.acked(task, 18)
        page = await found(bench, task, "needle")
        assert [hit["offset"] for hit in page["items"]] == [2]
        # The line without an end may still become one with a hit.
        assert (page["searchedTo"], page["end"], page["nextCursor"]) == (9, 18, None)
        await daemon.output(task, 18, b"dle", is_error=True)
        await daemon.acked(task, 21)
        page = await found(bench, task, "needle", **{"from": str(page["searchedTo"])})
        assert [(hit["offset"], hit["line"]) for hit in page["items"]] == [(15, 2)]
        await daemon.gap(task, 21, 30)
        await daemon.output(task, 30, b"needle")
        await daemon.acked(task, 36)
        page = await found(bench, task, "needle")
        assert [(hit["offset"], hit["line"]) for hit in page["items"]] == [
            (2, 1),
            (15, 2),
            (30, None),
        ]


async def test_a_task_without_output_has_no_hits(bench: Bench, identity: DaemonIdentity) -> None:
    task = await bench.create(identity.workspace_id)
    empty: dict[str, Any] = {"items": [], "nextCursor": None, "searchedTo": 0, "end": 0}
    assert await found(bench, task, "x") == empty


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, "invalid_input"),
        ({"q": ""}, "invalid_input"),
        ({"q": "a\nb"}, "invalid_input"),
        ({"q": "x" * 1_001}, "invalid_input"),
        ({"q": "a(", "regex": "1"}, "invalid_expression"),
        ({"q": "x", "regex": "yes"}, "invalid_input"),
        ({"q": "x", "case": "2"}, "invalid_input"),
        ({"q": "x", "from": "-1"}, "invalid_input"),
        ({"q": "x", "to": "x"}, "invalid_input"),
        ({"q": "x", "limit": "1001"}, "invalid_input"),
        ({"q": "x", "limit": "0"}, "invalid_input"),
        ({"q": "x", "cursor": "7"}, "invalid_input"),
        ({"q": "x", "cursor": "\u0667.1"}, "invalid_input"),
    ],
)
async def test_what_cannot_be_searched_is_refused_with_a_sentence(
    bench: Bench, identity: DaemonIdentity, parameters: dict[str, str], code: str
) -> None:
    task = await bench.create(identity.workspace_id)
    response = await search(bench, task, params=parameters)
    assert response.status_code == 422 and response.json()["detail"]
    assert response.json()["code"] == code


async def test_somebody_elses_output_is_not_searched(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await stored(bench, identity)
    other = await bench.enrolled()
    token = await bench.token(["tasks:read"], other.workspace_id)
    headers = {"Authorization": f"Bearer {token['secret']}"}
    assert (await search(bench, task, "0", headers=headers)).status_code == 404
    writer = await bench.token(["tasks:write"])
    headers = {"Authorization": f"Bearer {writer['secret']}"}
    assert (await search(bench, task, "0", headers=headers)).status_code == 403


async def test_others_are_served_while_a_long_output_is_searched(
    bench: Bench,
    identity: DaemonIdentity,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    # However slow the machine is, all of it is one search and has one answer.
    monkeypatch.setattr(searching, "SLICE_SECONDS", NEVER_SECONDS)
    task = await bench.create(identity.workspace_id)
    write_long_log(bench.hub.daemons.outputs.stem(task))
    waits: list[float] = []
    is_searching = True

    async def ask() -> None:
        while is_searching:
            asked = time.perf_counter()
            assert (await bench.client.get("/healthz")).status_code == 200
            waits.append(time.perf_counter() - asked)

    async with asyncio.TaskGroup() as group:
        group.create_task(ask())
        page = await found(bench, task, "nEEdle|(x+x+)+y", regex="1")
        is_searching = False
        answered = len(waits)
    assert [hit["offset"] for hit in page["items"]] == [LONG_BYTES + 1]
    assert page["items"][0]["line"] is not None
    assert answered >= ANSWERED_MEANWHILE
    record_property(f"{MEASURED}the slowest answer beside a search", round(max(waits), 3))


async def test_a_search_that_nobody_waits_for_stops(tmp_path: Path) -> None:
    write_long_log(tmp_path / "log")

    async def at_once() -> None:
        return

    answer = await Searches().run(tmp_path / "log", wish("needle"), at_once)
    assert not answer.found.complete and answer.found.hits == []
    assert answer.found.position.offset < answer.end


async def test_few_searches_run_at_once_and_not_many_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However long it takes here, each goes through all of it.
    monkeypatch.setattr(searching, "SLICE_SECONDS", 60.0)
    write_long_log(tmp_path / "log")
    searches = Searches(at_once=1, waiting=1)
    answers: list[Answer] = []

    async def run() -> None:
        answers.append(
            await searches.run(
                tmp_path / "log", wish("needle"), asyncio.get_running_loop().create_future
            )
        )

    async with asyncio.TaskGroup() as group:
        group.create_task(run())
        group.create_task(run())
        await asyncio.sleep(0)
        with pytest.raises(TooManyRequests) as refused:
            await searches.run(
                tmp_path / "log", wish("needle"), asyncio.get_running_loop().create_future
            )
        assert refused.value.code == "too_many_searches" and refused.value.retry_after
    assert len(answers) == 2
    await run()
    assert len(answers) == 3


def wish(query: str) -> Wish:
    matcher = Matcher(query, regex=False, case=True)
    return Wish(matcher, Position(0, 0), to=2 * LONG_BYTES, limit=9)


async def test_the_sdk_goes_through_all_pages(bench: Bench, identity: DaemonIdentity) -> None:
    task = await stored(bench, identity, b"ab\n" * 2_500)
    async with Hub(f"http://127.0.0.1:{bench.port}", TOKEN) as hub:
        handle = await hub.task(task)
        lines = [hit.line async for hit in handle.search("B$", regex=True)]
        assert lines == list(range(1, 2_501))
        assert [hit.offset async for hit in handle.search("ab", case=True, offset=7_490)] == [
            7_491,
            7_494,
            7_497,
        ]
        with pytest.raises(InvalidInput, match="missing"):
            await anext(handle.search("(", regex=True))
