"""What others have for an HTTP API, on a real hub and daemon: curl, and a generated client."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import TOKEN, Arbor, wait_until
from tests.plain_http import HTTP

CURL = shutil.which("curl")
GENERATOR = "openapi_python_client"

needs_curl = pytest.mark.skipif(CURL is None, reason="curl is not installed")


def created(arbor: Arbor, **request: Any) -> str:
    """The id of a new task."""
    url = f"{arbor.url}/api/workspaces/{arbor.workspace_id}/tasks"
    made = HTTP.post(url, headers={"Authorization": f"Bearer {TOKEN}"}, json=request)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def write_input(arbor: Arbor, task: str, **body: Any) -> None:
    """Write to a task, as soon as the hub knows how far it has read."""
    url = f"{arbor.url}/api/tasks/{task}/input"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    body = {"offset": 0, **body}

    def is_written() -> bool:
        return HTTP.post(url, headers=headers, json=body).is_success

    wait_until(is_written, "the task to take input")


def curl(arbor: Arbor, task: str, query: str, *options: str) -> subprocess.Popen[bytes]:
    """`curl -N` on an output; the token is read from a file, not an argument."""
    header = arbor.home / "header"
    header.touch(mode=0o600)
    header.write_text(f"Authorization: Bearer {TOKEN}\n")
    url = f"{arbor.url}/api/tasks/{task}/output?{query}"
    return subprocess.Popen(
        [
            str(CURL),
            "-sSN",
            "--max-time",
            str(int(HANG_SECONDS)),
            "-H",
            f"@{header}",
            *options,
            url,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # What a line is read from holds nothing back from what reads the rest.
        bufsize=0,
    )


@needs_curl
def test_curl_follows_a_running_task(arbor: Arbor) -> None:
    """Each line before the next one is written, to the end, and on from an offset."""
    task = created(arbor, command="cat")
    following = curl(arbor, task, "follow=1")
    assert following.stdout is not None and following.stderr is not None
    for offset, line in ((0, b"one\n"), (4, b"two\n"), (8, b"three\n")):
        write_input(arbor, task, text=line.decode(), offset=offset)
        assert following.stdout.readline() == line
        assert following.poll() is None
    resumed = curl(arbor, task, "follow=1", "-C", "4")
    text = curl(arbor, task, "follow=1&format=jsonl&from=8")
    assert resumed.stdout is not None and text.stdout is not None
    assert resumed.stdout.readline() == b"two\n"
    assert json.loads(text.stdout.readline())["offset"] == 8
    write_input(arbor, task, text="end\n", offset=14, eof=True)
    assert following.communicate(timeout=HANG_SECONDS) == (b"end\n", b"")
    assert resumed.communicate(timeout=HANG_SECONDS) == (b"three\nend\n", b"")
    assert json.loads(text.communicate(timeout=HANG_SECONDS)[0])["text"] == "end\n"
    assert [each.returncode for each in (following, resumed, text)] == [0, 0, 0]


@needs_curl
def test_curl_knows_that_a_hub_that_stops_did_not_send_all(arbor: Arbor) -> None:
    task = created(arbor, command="cat")
    following = curl(arbor, task, "follow=1")
    assert following.stdout is not None
    write_input(arbor, task, text="one\n")
    assert following.stdout.readline() == b"one\n"
    assert arbor.hub is not None
    arbor.hub.terminate()
    assert following.communicate(timeout=HANG_SECONDS)[0] == b""
    # "Transferred a partial file", or the connection was reset.
    assert following.returncode in (18, 56)
    assert arbor.hub.wait(HANG_SECONDS) == 0
    arbor.start_hub()
    again = curl(arbor, task, "follow=1&from=4")
    write_input(arbor, task, text="two\n", offset=4, eof=True)
    assert again.communicate(timeout=HANG_SECONDS) == (b"two\n", b"")


@pytest.fixture
def generated(arbor: Arbor, tmp_path: Path) -> Iterator[str]:
    """The name of a package that a generator made of the hub's description."""
    if importlib.util.find_spec(GENERATOR) is None:
        pytest.skip("openapi-python-client is not installed: it is of the dependency group `dev`")
    document = tmp_path / "openapi.json"
    document.write_bytes(HTTP.get(f"{arbor.url}/api/openapi.json").content)
    package = tmp_path / "generated_arbor"
    made = subprocess.run(
        [
            *(sys.executable, "-m", GENERATOR, "generate", "--path", str(document)),
            *("--output-path", str(package), "--meta", "none", "--fail-on-warning"),
        ],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"},
    )
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(tmp_path))
    try:
        yield package.name
    finally:
        sys.path.remove(str(tmp_path))
        for name in [each for each in sys.modules if each.partition(".")[0] == package.name]:
            del sys.modules[name]


def test_a_generated_client_runs_a_task(arbor: Arbor, generated: str) -> None:
    def module(path: str) -> Any:
        return importlib.import_module(f"{generated}.{path}")

    client = module("client").AuthenticatedClient(base_url=arbor.url, token=TOKEN)
    with client:
        workspaces = module("api.workspaces.get_workspaces").sync(client=client)
        (workspace,) = workspaces.items
        assert workspace.id == arbor.workspace_id and workspace.state == "connected"
        new = module("models.new_task").NewTask(command="echo", args=["hello"])
        create = module("api.tasks.post_workspaces_id_tasks")
        task = create.sync(workspace.id, client=client, body=new)
        assert task.command == "echo" and task.args == ["hello"]
        follow = module("models.get_tasks_task_id_output_follow").GetTasksTaskIdOutputFollow
        output = module("api.output.get_tasks_task_id_output")
        followed = output.sync_detailed(task.id, client=client, follow=follow("1"))
        assert followed.content == b"hello\n"
        over = module("api.tasks.get_tasks_id").sync(task.id, client=client)
        assert (over.status, over.exit_code, over.output_size) == ("completed", 0, 6)
        again = module("api.tasks.post_tasks_id_rerun").sync(task.id, client=client)
        assert again.id != task.id and again.stdin == "empty"
        problem = module("api.tasks.get_tasks_id").sync("tsk_none", client=client)
        assert problem.code == "not_found"
