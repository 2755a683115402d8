"""Whose workspaces are, on a hub that does not say so: one of a version before it did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest

from arborlink.client import Hub
from arborlink.client.seeing import see
from arborlink.protocol.resources import Principal, User
from tests.threaded_http import serving

from .test_selection import principal, workspace

ANSWER_WITHOUT_OWNERS = {"nextCursor": None}


@contextmanager
def older_hub(me: Principal, accounts: int) -> Iterator[str]:
    """The address of a double of a hub that has neither keys nor owners of workspaces."""
    shown = msgspec.to_builtins(workspace("ws_1", "lab", None))
    del shown["owner"]
    users = [
        User(id=f"usr_{n}", username=f"u{n}", role="owner", has_password=True, created_at="")
        for n in range(accounts)
    ]
    answers: dict[str, Any] = {
        "/api/me": me,
        "/api/workspaces": {"items": [shown], **ANSWER_WITHOUT_OWNERS},
        "/api/users": {"items": users, **ANSWER_WITHOUT_OWNERS},
    }
    refusal = {"status": 403, "code": "not_allowed", "title": "", "detail": "Only owners may."}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            is_known = path in answers and (path != "/api/users" or accounts > 0)
            body = msgspec.json.encode(answers[path] if is_known else refusal)
            self.send_response(200 if is_known else 403 if path == "/api/users" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.mark.parametrize(
    ("accounts", "own"),
    [(1, True), (2, False), (0, False)],
    ids=["the only account", "one of several", "a token that may not list them"],
)
async def test_an_owners_workspaces_are_ones_own_where_there_is_no_other_account(
    accounts: int, own: bool
) -> None:
    with older_hub(principal("owner"), accounts) as url:
        async with Hub(url, "token") as hub:
            found = await see(hub)
            assert [each.name for each in found.own] == (["lab"] if own else [])
            assert [each.name for each in found.others] == ([] if own else ["lab"])


async def test_a_member_sees_none_but_ones_own() -> None:
    with older_hub(principal("member"), 0) as url:
        async with Hub(url, "token") as hub:
            assert [each.name for each in (await see(hub)).own] == ["lab"]
