"""A hub that puts terminal controls and line feeds into every text that it answers with."""

from __future__ import annotations

import json
import sys
import types
import typing
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final, Literal, Union, get_args, get_origin

import msgspec
import pytest

from arborlink import visible
from arborlink.cli import main as command_line
from arborlink.client.replies import CreatedToken, CreatedUser, Enrollment, SessionLink
from arborlink.protocol.formats import AsciicastFormat
from arborlink.protocol.resources import Principal, Problem, Task, Token, User, Workspace
from tests.threaded_http import serving

HOSTILE: Final = "x\x1b]0;t\x07\x9b31m\x7f\x85\r\nforged\u202e\u2066\u200f\u061c\u2028\u2029y"
TIME: Final = "2026-01-01T00:00:00Z"
LISTED: Final[dict[str, type[msgspec.Struct]]] = {
    "/api/workspaces": Workspace,
    "/api/tasks": Task,
    "/api/tokens": Token,
    "/api/users": User,
}
FOUND: Final[dict[tuple[str, str], type[msgspec.Struct]]] = {
    ("GET", "me"): Principal,
    ("POST", "link"): SessionLink,
    ("POST", "tokens"): CreatedToken,
    ("POST", "users"): CreatedUser,
    ("POST", "workspaces"): Workspace,
    ("POST", "enrollment"): Enrollment,
    ("POST", "tasks"): Task,
}
COMMANDS: Final = [
    ["whoami"],
    ["workspaces"],
    ["tasks"],
    ["tasks", "--status", "running"],
    ["token", "list"],
    ["token", "create", "ci"],
    ["user", "list"],
    ["user", "add", "mia", "--link"],
    ["link"],
    ["enroll", "laptop"],
    ["release", "x"],
    ["rotate", "x"],
    ["cancel", "last"],
    ["run", "--detach", "--", "true"],
    ["logs", "last"],
    ["wait", "x"],
    ["doctor"],
]
WITH_JSON: Final = [
    [*words, "--json"]
    for words in COMMANDS
    if words[0] in ("whoami", "workspaces", "tasks", "token", "user", "link", "enroll", "doctor")
]


def made(kind: object, name: str = "") -> object:
    """A value of `kind` with HOSTILE in each text, but for times, which are parsed."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return arguments[0]
    if origin in (Union, types.UnionType):
        return made(arguments[0], name)
    if origin is typing.Annotated:
        return made(arguments[0], name)
    if origin is list:
        return [made(arguments[0])]
    if kind is str:
        # The client puts ids into addresses, where it refuses HOSTILE by itself.
        return {"id": "x", "since": TIME}.get(name, TIME if name.endswith("_at") else HOSTILE)
    if kind in (int, float, bool):
        return typing.cast("type[int]", kind)(1)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind, include_extras=True)
        return kind(**{each: made(hints[each], each) for each in kind.__struct_fields__})
    return next(iter(typing.cast("typing.Iterable[object]", kind)))


class HostileHub(BaseHTTPRequestHandler):
    """Answers every request; what it does not know it refuses with a hostile reason."""

    refuses = False

    def answer(self) -> None:
        """One request."""
        path = self.path.partition("?")[0]
        kind = FOUND.get((self.command, path.rpartition("/")[2]))
        if self.refuses or (kind is None and path not in LISTED):
            problem = Problem(
                title=HOSTILE, status=409, detail=HOSTILE, code=HOSTILE, candidates=[HOSTILE]
            )
            self.send(HTTPStatus.CONFLICT, problem)
        elif self.command == "GET" and path in LISTED:
            self.send(HTTPStatus.OK, {"items": [made(LISTED[path])], "nextCursor": None})
        else:
            self.send(HTTPStatus.OK, made(kind))

    do_GET = do_POST = do_PATCH = do_DELETE = answer

    def send(self, status: HTTPStatus, value: object) -> None:
        """An answer."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = msgspec.json.encode(value)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Not here."""


def test_the_reason_of_a_gap_does_not_act_on_the_terminal_of_a_player() -> None:
    recording = AsciicastFormat(typing.cast("Task", made(Task)))
    # Behind the recording's own first line.
    (_, _, text) = json.loads(recording.gap(0, 5, HOSTILE).splitlines()[-1])
    assert text.removeprefix("\r\n").removesuffix("\r\n").isprintable()


@pytest.fixture(params=[False, True], ids=["answers", "refuses"])
def hub(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[bool]:
    handler = type("Handler", (HostileHub,), {"refuses": request.param})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    with serving(server):
        monkeypatch.setenv("ARBOR_HOME", str(tmp_path))
        monkeypatch.setenv("ARBOR_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("ARBOR_TOKEN", "arb_t_x")
        # The guard would hide what a command writes by itself.
        monkeypatch.setattr(visible, "guard_standard_streams", lambda: None)
        yield request.param


@pytest.mark.parametrize("words", COMMANDS + WITH_JSON, ids=" ".join)
def test_no_command_lets_it_act_on_the_terminal(
    words: list[str],
    hub: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["arbor", *words])
    with pytest.raises(SystemExit):
        command_line.main()
    out, err = capsys.readouterr()
    acting = [each for each in out + err if not each.isprintable() and each != "\n"]
    assert acting == []
    assert not [line for line in (out + err).splitlines() if line.startswith("forged")]
    if "--json" in words and not hub:
        json.loads(out)
    if hub or words[0] not in ("run", "cancel", "doctor", "logs"):
        assert "forged" in out + err
