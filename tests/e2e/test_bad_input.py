"""Bad input gets a named answer within a second, changes nothing, and harms no neighbour."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from arborlink.testing.cell_reader import CellReader
from tests.e2e.arbor import TOKEN, Arbor, cells, wait_until
from tests.e2e.test_faults import detached, size, task

MIB = 1 << 20
ANSWER_SECONDS = 1.0


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arbor]:
    """One hub and daemon for all inputs, with a healthy task that runs meanwhile.

    Whatever is sent must leave them as they were: at the end the task still runs, and every byte
    of it has arrived.
    """
    folder = tmp_path_factory.mktemp("bad-input")
    arbor = Arbor(folder / "home", folder / "workspace")
    try:
        arbor.start_hub()
        arbor.start_daemon()
        task_id = detached(arbor, "--", *cells("healthy", 1 << 40, "--rate", str(MIB // 2)))
        with arbor.popen("logs", "-f", task_id) as neighbour:
            yield arbor
            assert task(arbor, task_id)["status"] == "running"
            assert arbor.run("cancel", task_id).returncode == 0
            seen, errors = neighbour.communicate(timeout=30)
        assert neighbour.returncode == 0, errors
        judge = CellReader("healthy")
        judge.feed(seen)
        assert judge.faults == []
        assert judge.end == size(arbor, task_id) > 0
    finally:
        arbor.stop()


@contextmanager
def dialled(arbor: Arbor, auth: dict[str, object] | None) -> Iterator[ClientConnection]:
    """A WebSocket that has said `auth`; None: nothing yet."""
    with connect(f"ws://127.0.0.1:{arbor.port}/api/ws", max_size=None) as socket:
        if auth is not None:
            socket.send(json.dumps(auth))
        yield socket


def viewer() -> dict[str, object]:
    return {"type": "auth", "authToken": TOKEN}


def answer(socket: ClientConnection, *, skip: tuple[str, ...] = ("welcome",)) -> str:
    """The code of the next error, or `close CODE`, within a second."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            message = json.loads(socket.recv(timeout=max(0.0, deadline - time.monotonic())))
        except ConnectionClosed as closed:
            return f"close {closed.rcvd.code if closed.rcvd else 1006}"
        if message["type"] == "error":
            return str(message["code"])
        assert message["type"] in skip, message


VIEWER_FRAMES: list[tuple[str | bytes, str]] = [
    ("not json", "close 4400"),
    ("[]", "close 4400"),
    ("null", "close 4400"),
    ("[" * 100_000, "close 4400"),
    ('{"type":"subscribe","taskId":"t","offset":NaN}', "close 4400"),
    ('{"type":"subscribe","taskId":"t","offset":1e400}', "close 4400"),
    ('{"type":"subscribe","taskId":"t","offset":true}', "close 4400"),
    ('{"type":"subscribe","taskId":7}', "close 4400"),
    ('{"type":"subscribe","taskId":"\\ud800"}', "close 4400"),
    (json.dumps({"type": "input", "taskId": "t", "input": "=" * 9}), "close 4400"),
    (json.dumps({"type": "subscribe", "taskId": "t" * MIB}), "close 4413"),
    (json.dumps(viewer()), "close 4400"),
    ('{"type":"shutdown"}', "unknown_message"),
    ('{"type":"__proto__"}', "unknown_message"),
    ('{"type":"subscribe"}', "invalid_input"),
    ('{"type":"subscribe","taskId":"../../etc/passwd","offset":0}', "not_found"),
    ('{"type":"subscribe","workspaceId":"ws_somebody_elses"}', "not_found"),
    ('{"type":"cancel","taskId":"tsk_somebody_elses"}', "not_found"),
    ('{"type":"input","taskId":"tsk_somebody_elses","input":"eA=="}', "not_found"),
    ('{"type":"resize","taskId":"tsk_x","cols":0,"rows":65536}', "close 4400"),
]


@pytest.mark.parametrize(("frame", "expected"), VIEWER_FRAMES, ids=lambda value: str(value)[:40])
def test_a_viewers_bad_frame_is_answered(pair: Arbor, frame: str, expected: str) -> None:
    with dialled(pair, viewer()) as socket:
        socket.send(frame)
        assert answer(socket) == expected


FIRST_FRAMES: list[tuple[dict[str, object] | str, str]] = [
    ("garbage", "close 4400"),
    ({"type": "subscribe", "taskId": "t", "offset": 0}, "close 4400"),
    ({"type": "auth"}, "close 4400"),
    ({"type": "auth", "authToken": ""}, "close 4501"),
    ({"type": "auth", "authToken": TOKEN + "\n"}, "close 4501"),
    ({"type": "auth", "authToken": TOKEN[:-1]}, "close 4501"),
    ({"type": "auth", "authToken": "x" * MIB}, "close 4413"),
]


@pytest.mark.parametrize(("first", "expected"), FIRST_FRAMES, ids=lambda value: str(value)[:40])
def test_a_bad_first_frame_is_answered(
    pair: Arbor, first: dict[str, object] | str, expected: str
) -> None:
    with dialled(pair, None) as socket:
        socket.send(first if isinstance(first, str) else json.dumps(first))
        assert answer(socket, skip=()) == expected


def test_silence_is_ended_after_five_seconds(pair: Arbor) -> None:
    with dialled(pair, None) as socket, pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=8)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4408


@pytest.mark.parametrize("origin", ["null", "http://evil.example", "https://127.0.0.1:1"])
def test_a_foreign_origin_cannot_connect(pair: Arbor, origin: str) -> None:
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://127.0.0.1:{pair.port}/api/ws", origin=Origin(origin)),
    ):
        pass
    assert refused.value.response.status_code == 403


def enrolled(arbor: Arbor) -> dict[str, Any]:
    """A daemon of a workspace of its own, as its `auth` message."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx2.Client(base_url=arbor.url, headers=headers) as http:
        made = http.post("/api/workspaces", json={"name": f"other-{time.monotonic_ns()}"}).json()
        code = http.post(f"/api/workspaces/{made['id']}/enrollment").json()["code"]
        identity = http.post("/api/enroll", json={"code": code}).json()
    return {
        "type": "auth",
        "daemonId": identity["daemonId"],
        "authToken": identity["authToken"],
        "workspaceId": identity["workspaceId"],
        "instanceId": "instance",
        "protocol": 1,
        "version": "0",
        "host": {"hostname": "h", "platform": "p", "user": "u", "path": "/"},
        "tasks": [],
    }


def test_a_daemon_is_only_what_its_token_says(pair: Arbor) -> None:
    good = enrolled(pair)
    wrong: list[tuple[dict[str, object], str]] = [
        ({"authToken": "arb_d_wrong"}, "close 4501"),
        ({"workspaceId": pair.workspace_id}, "close 4503"),
        ({"daemonId": "dmn_other"}, "close 4503"),
        ({"protocol": 999}, "close 4526"),
        ({"protocol": "1"}, "close 4400"),
    ]
    for change, expected in wrong:
        with dialled(pair, {**good, **change}) as socket:
            assert answer(socket, skip=()) == expected, change
    assert pair.state() == "connected"


def test_a_daemons_bad_output_is_answered_and_others_are_untouched(pair: Arbor) -> None:
    good = enrolled(pair)
    theirs = detached(pair, "-w", "test", "--", "sleep", "2")
    output = {"type": "output", "offset": 0, "isError": False, "time": 0, "output": "eA=="}
    with dialled(pair, good) as socket:
        socket.send(json.dumps({**output, "taskId": theirs}))
        assert answer(socket) == "not_found"
        mine = httpx2.post(
            f"{pair.url}/api/workspaces/{good['workspaceId']}/tasks",
            headers={"Authorization": f"Bearer {TOKEN}"},
            json={"command": "x"},
        ).json()["id"]
        socket.send(json.dumps({**output, "taskId": mine, "offset": 5}))
        assert answer(socket, skip=("command",)) == "offset_out_of_order"
        assert answer(socket) == "close 4400"
    wait_until(lambda: task(pair, theirs)["status"] == "completed", "the neighbour's end")


HTTP_INPUTS: list[tuple[bytes, str, int, str]] = [
    (b"{", "application/json", 400, "malformed_json"),
    (b'{"x":' + b"[" * 100_000, "application/json", 400, "malformed_json"),
    (b"[]", "application/json", 422, "invalid_input"),
    (b"{}", "application/json", 422, "invalid_input"),
    (b'{"command":"ls"}', "text/plain", 415, "unsupported_media_type"),
    (b'{"command":""}', "application/json", 422, "empty_command"),
    (b'{"command":"ls","args":["a\\u0000b"]}', "application/json", 422, "nul_character"),
    (b'{"command":"ls","cwd":"../.."}', "application/json", 422, "cwd_outside_workspace"),
    (b'{"command":"ls","cwd":"/etc"}', "application/json", 422, "cwd_outside_workspace"),
    (b'{"command":"ls","env":{"":"x"}}', "application/json", 422, "invalid_input"),
    (b'{"command":"ls","env":{"A=B":"x"}}', "application/json", 422, "invalid_input"),
    (b'{"command":"ls","timeout":-1}', "application/json", 422, "invalid_input"),
    (b'{"command":"ls","timeout":1e12}', "application/json", 422, "invalid_input"),
    (b'{"command":"ls","tty":{"cols":0,"rows":1}}', "application/json", 422, "invalid_input"),
    (b'{"command":"' + b"x" * (2 * MIB) + b'"}', "application/json", 413, "message_too_large"),
]


@pytest.mark.parametrize(
    ("body", "media_type", "status", "code"), HTTP_INPUTS, ids=lambda value: str(value)[:40]
)
def test_a_bad_request_is_answered(
    pair: Arbor, body: bytes, media_type: str, status: int, code: str
) -> None:
    answered = httpx2.post(
        f"{pair.url}/api/workspaces/{pair.workspace_id}/tasks",
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": media_type},
        content=body,
        timeout=ANSWER_SECONDS,
    )

    assert (answered.status_code, answered.json()["code"]) == (status, code)
    assert answered.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/tasks/tsk_none", "/api/workspaces/a%2Fb", "/api/x"])
def test_what_is_not_there_is_not_found(pair: Arbor, path: str) -> None:
    got = httpx2.get(pair.url + path, headers={"Authorization": f"Bearer {TOKEN}"})

    assert (got.status_code, got.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "Basic eDp5", "Bearer " + "x" * 700])
def test_a_present_but_invalid_token_is_refused(pair: Arbor, header: str) -> None:
    got = httpx2.get(f"{pair.url}/api/me", headers={"Authorization": header})

    assert got.status_code == 401


def test_the_daemon_itself_refuses_what_leaves_the_workspace(pair: Arbor, tmp_path: Path) -> None:
    (pair.workspace / "out").unlink(missing_ok=True)
    (pair.workspace / "out").symlink_to(tmp_path)
    done = pair.run("run", "--cwd", "out", "--", "pwd")

    assert done.stdout == b""
    assert done.returncode == 125
    failed = json.loads(pair.run("tasks", "--status", "failed", "--json").stdout)[0]
    assert failed["reason"] == "working_directory"
