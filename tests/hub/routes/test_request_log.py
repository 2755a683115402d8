"""What the log says, as programs read it: ids and words of ours, and nothing that was sent."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from arborlink.client import Hub
from arborlink.hub.front.gate import FROM_PROXY
from arborlink.hub.logs import FIELDS, formatter
from arborlink.hub.problems import EXCEPTION_HANDLERS
from arborlink.hub.routes.request_log import SLOW_LINES, RequestLog
from arborlink.hub.routes.sessions import FAILURE_LINES
from arborlink.testing.hub import hub_in_process

from .conftest import ORIGIN, Api

SECRET = "canary-5d1f02"

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What was logged, each line an object."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter("json"))
    ours = logging.getLogger("arborlink")
    level = ours.level
    ours.addHandler(handler)
    ours.setLevel(logging.DEBUG)
    try:
        yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    finally:
        ours.removeHandler(handler)
        ours.setLevel(level)
        structlog.contextvars.clear_contextvars()


def of(lines: Lines, event: str) -> list[dict[str, Any]]:
    """Those that say this."""
    return [line for line in lines() if line["event"] == event]


class Behind:
    """As the server does for a trusted proxy."""

    def __init__(self, app: Any, *, trusted: bool) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        scope[FROM_PROXY] = self._trusted
        await self._app(scope, receive, send)


async def asked(api: Api, headers: list[tuple[str, str]], *, trusted: bool) -> str:
    """The id under which a request was answered."""
    transport = httpx2.ASGITransport(Behind(api.app, trusted=trusted))
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        response = await client.get("/healthz", headers=headers)
    return str(response.headers["x-request-id"])


async def test_a_request_has_one_id_in_its_answer_and_in_every_line(api: Api, lines: Lines) -> None:
    workspace_id = await api.workspace()
    response = await api.client.get(f"/api/workspaces/{workspace_id}?token={SECRET}")

    assert response.headers["x-request-id"].startswith("req_")
    (line,) = [each for each in lines() if each["request"] == response.headers["x-request-id"]]
    assert line["event"] == "a request was answered"
    assert (line["method"], line["route"]) == ("GET", "/api/workspaces/{id}")
    assert (line["status"], line["workspace"], line["level"]) == (200, workspace_id, "debug")
    assert line["user"].startswith("usr_") and line["milliseconds"] >= 0
    assert len({each["request"] for each in lines()}) == 2


@pytest.mark.parametrize(
    "sent", ["/api/tasks/{}", "/api/tasks/{}/output", "/api/tokens/{}", "/{}", "/api/{}", "/a/{}"]
)
async def test_nothing_of_an_address_is_logged(api: Api, lines: Lines, sent: str) -> None:
    await api.client.get(sent.format(SECRET))
    await api.client.delete(sent.format(SECRET))
    await api.client.request(SECRET, "/api/me")

    assert len(lines()) == 3
    assert SECRET not in json.dumps(lines())


@pytest.mark.parametrize(
    ("given", "trusted", "is_taken"),
    [
        ([("X-Request-Id", "8c1f-proxy.7_a")], True, True),
        ([("X-Request-Id", "8c1f-proxy.7_a")], False, False),
        ([("X-Request-Id", "short")], True, False),
        ([("X-Request-Id", "x" * 65)], True, False),
        ([("X-Request-Id", 'say "what"')], True, False),
        ([("X-Request-Id", "first-one"), ("X-Request-Id", "second-one")], True, False),
        ([], True, False),
    ],
)
async def test_an_id_is_taken_from_proxies_alone(
    api: Api, given: list[tuple[str, str]], trusted: bool, is_taken: bool
) -> None:
    answered = await asked(api, given, trusted=trusted)
    assert (answered in [value for _, value in given]) is is_taken
    assert is_taken or answered.startswith("req_")


async def test_a_mistake_of_ours_can_be_found_by_the_id_of_the_request(lines: Lines) -> None:
    async def mistaken(_request: Request) -> Response:
        logging.getLogger("arborlink.anything").warning("about to fail")
        raise ZeroDivisionError

    app = Starlette(
        routes=[Route("/x", mistaken)],
        middleware=[Middleware(RequestLog)],
        exception_handlers=EXCEPTION_HANDLERS,
    )
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        response = await client.get("/x")
    assert response.status_code == 500
    (line,) = of(lines, "about to fail")
    assert line["request"] == response.headers["x-request-id"]


async def answered_after(body: float, answer: float, times: int = 1) -> None:
    """Requests whose body takes so many seconds to arrive, and whose answer takes so many more."""
    now = 0.0

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal now
        await receive()
        now += answer
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Message:
        nonlocal now
        now += body
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: Message) -> None:
        """Takes it."""

    log = RequestLog(app, lambda: now)
    for _ in range(times):
        scope = {"type": "http", "path": "/x", "method": "POST", "headers": []}
        await log(scope, receive, send)


async def test_slow_requests_are_told_of_but_never_fill_the_log(lines: Lines) -> None:
    await answered_after(body=0.0, answer=1.1, times=200)

    told = of(lines, "a request was slow")
    assert {line["level"] for line in told} == {"warning"}
    assert told[0]["milliseconds"] == 1100
    # Its budget grew while they were answered.
    assert len(told) <= SLOW_LINES.burst + 200 * 1.1 * SLOW_LINES.per_second + 1
    assert len(told) + len(of(lines, "a request was answered")) == 200


async def test_the_time_a_body_takes_to_arrive_is_not_ours(lines: Lines) -> None:
    await answered_after(body=60.0, answer=0.5)
    assert [line["level"] for line in lines()] == ["debug"]


async def test_sign_ins_are_told_of_without_names_and_secrets(api: Api, lines: Lines) -> None:
    link = (await api.client.post("/api/session/link")).json()["link"]
    async with api.anonymous() as client:
        await client.post("/api/session", json={"link": link})
        for _ in range(3):
            await client.post("/api/session", json={"username": SECRET, "password": SECRET})

    (signed_in,) = of(lines, "signed in")
    assert (signed_in["by"], signed_in["level"]) == ("link", "info")
    assert signed_in["user"].startswith("usr_") and signed_in["address"]
    failed = of(lines, "sign-in failed")
    assert [line["by"] for line in failed] == ["password"] * 3
    assert SECRET not in json.dumps(lines()) and link not in json.dumps(lines())


async def test_failed_sign_ins_from_many_addresses_never_fill_the_log(
    api: Api, lines: Lines
) -> None:
    for number in range(FAILURE_LINES.burst + 20):
        transport = httpx2.ASGITransport(api.app, client=(f"198.{number}.100.7", 1))
        origin = ORIGIN.replace("http:", "https:")
        async with httpx2.AsyncClient(transport=transport, base_url=origin) as client:
            answer = await client.post("/api/session", json={"link": SECRET})
            assert answer.status_code == 401
    failed = of(lines, "sign-in failed")
    assert len(failed) == FAILURE_LINES.burst + 20
    assert len([line for line in failed if line["level"] == "info"]) < FAILURE_LINES.burst + 10


async def test_a_connections_lines_have_its_id(tmp_path: Path, lines: Lines) -> None:
    async with hub_in_process(tmp_path) as running, Hub(running.url, running.token) as hub:
        workspace = await hub.create_workspace("one")
        task = await hub.run("echo", SECRET, workspace=workspace.id, if_offline="queue")
        statuses = task.statuses()
        await anext(statuses)
        await task.cancel()
        await statuses.aclose()
    (connected,) = of(lines, "viewer connected")
    (disconnected,) = of(lines, "viewer disconnected")
    assert connected["connection"] == disconnected["connection"]
    assert connected["connection"].startswith("con_")
    assert disconnected["by"] == "peer" and disconnected["milliseconds"] >= 0
    (created,) = of(lines, "task created")
    (ended,) = of(lines, "task ended")
    for line in (created, ended):
        assert (line["task"], line["workspace"]) == (task.id, workspace.id)
        assert line["request"].startswith("req_")
    assert (ended["status"], ended["reason"]) == ("cancelled", "cancelled")
    assert SECRET not in json.dumps(lines())


def test_only_named_fields_get_through(lines: Lines) -> None:
    logger = logging.getLogger("arborlink.anything")
    logger.info("x", extra={"task": "tsk_1", "token": SECRET, "color_message": SECRET})
    (line,) = lines()
    assert line["task"] == "tsk_1" and SECRET not in json.dumps(line)
    assert set(line) == {"event", "level", "logger", "task", "timestamp"}
    assert "token" not in FIELDS


def test_whatever_is_logged_is_one_line(lines: Lines) -> None:
    logger = logging.getLogger("arborlink.anything")
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        logger.exception("with\na trace")
    (line,) = lines()
    assert line["event"] == "with\na trace" and "second" in line["exception"]
