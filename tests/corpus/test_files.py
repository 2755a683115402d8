"""B51: damaged files of a hub are named, and harm nothing but what was in them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from tests.bounds import HANG_SECONDS
from tests.corpus.http_damage import DATABASES, OUTPUTS, Stored, copied
from tests.corpus.http_life import FINAL
from tests.e2e.arbor import TOKEN, Arbor, command, wait_until
from tests.ports import free_port

# What each task writes, in pieces of which every one is a record of its own: each waits until the
# one before it is stored.
PIECE_BYTES, PIECES = 1_000, 3
WRITER = (
    "for part in 1 2 3; do printf '%01000d' $0; until [ -e go-$0-$part ]; do sleep 0.05; done; done"
)
HEALTHY = 4


@dataclass
class Scene:
    """A hub with tasks that are over, some of which were damaged while it was not running."""

    arbor: Arbor
    http: httpx2.Client
    damaged: dict[str, str] = field(default_factory=dict)
    healthy: list[str] = field(default_factory=list)

    def start(self, number: int) -> str:
        """A task that writes a number of its own."""
        path = f"/api/workspaces/{self.arbor.workspace_id}/tasks"
        body = {"command": "sh", "args": ["-c", WRITER, str(number)]}
        return str(self.http.post(path, json=body).raise_for_status().json()["id"])

    def finish(self, ids: list[str]) -> None:
        """Let all tasks go on from piece to piece, to their ends."""
        left = dict(enumerate(ids))

        def go_on() -> bool:
            for number, task_id in list(left.items()):
                task = self.http.get(f"/api/tasks/{task_id}").json()
                part = task["outputSize"] // PIECE_BYTES
                (self.arbor.workspace / f"go-{number}-{part}").touch()
                if task["status"] in FINAL:
                    del left[number]
            return not left

        wait_until(go_on, "the end of all tasks", HANG_SECONDS)

    def written(self, task_id: str) -> bytes:
        """What it wrote."""
        number = [*self.damaged.values(), *self.healthy].index(task_id)
        return b"%01000d" % number * PIECES


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The hub runs again; its daemon does not."""
    folder = tmp_path_factory.mktemp("files")
    arbor = Arbor(folder / "home", folder / "workspace")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx2.Client(
        verify=False, base_url=arbor.url, headers=headers, timeout=HANG_SECONDS
    ) as http:
        try:
            arbor.start_hub()
            arbor.start_daemon()
            scene = Scene(arbor, http)
            ids = [scene.start(number) for number in range(len(OUTPUTS) + HEALTHY)]
            scene.damaged = dict(zip(OUTPUTS, ids, strict=False))
            scene.healthy = ids[len(OUTPUTS) :]
            scene.finish(ids)
            arbor.stop()
            for name, (_, damage) in OUTPUTS.items():
                other = scene.healthy.pop() if name.endswith("of-another") else ids[-1]
                damage(Stored.of(arbor.home / "hub", scene.damaged[name], other))
            arbor.port = free_port()
            arbor.url = f"http://127.0.0.1:{arbor.port}"
            http.base_url = arbor.url
            arbor.start_hub()
            yield scene
        finally:
            arbor.stop()


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_damaged_output_is_named(scene: Scene, name: str) -> None:
    expected, _ = OUTPUTS[name]
    task_id = scene.damaged[name]
    path = f"/api/tasks/{task_id}/output"
    if expected == "410":
        for what in ("", "?format=jsonl", "?format=text", "?format=asciicast"):
            gone = scene.http.get(f"{path}{what}")
            assert (gone.status_code, gone.json()["code"]) == (410, "output_damaged")
            assert str(scene.arbor.home) not in gone.text
        for what in ("segments", "search?q=x"):
            assert scene.http.get(f"/api/tasks/{task_id}/{what}").status_code == 410
    elif expected == "broken off":
        with pytest.raises(httpx2.RemoteProtocolError):
            scene.http.get(path)
        assert gaps(scene, path)
    elif expected == "gap":
        raw = scene.http.get(path)
        assert raw.headers["arbor-gaps"].endswith(f"-{PIECES * PIECE_BYTES};corrupt")
        lost = int(raw.headers["arbor-gaps"].partition("-")[0])
        assert raw.content == scene.written(task_id)[:lost].ljust(PIECES * PIECE_BYTES, b"\0")
        assert gaps(scene, path)
    else:
        assert scene.http.get(path).content == scene.written(task_id)


def gaps(scene: Scene, path: str) -> list[dict[str, object]]:
    """What the hub says is missing; everything else must be as it was written."""
    found = []
    for line in scene.http.get(f"{path}?format=jsonl").text.splitlines():
        item = json.loads(line)
        if "gap" in item:
            assert item["gap"]["reason"] == "corrupt"
            found.append(item["gap"])
        else:
            whole = scene.written(path.split("/")[3])
            assert item["text"].encode() == whole[item["offset"] :][: item["length"]]
    return found


def test_all_others_are_as_they_were(scene: Scene) -> None:
    for task_id in scene.healthy:
        assert scene.http.get(f"/api/tasks/{task_id}/output").content == scene.written(task_id)
    listed = scene.http.get("/api/tasks?limit=500").json()["items"]
    assert {each["id"] for each in listed} >= {*scene.damaged.values(), *scene.healthy}
    assert scene.http.get("/readyz").status_code == 200
    assert "Traceback" not in scene.arbor.log("hub")


def test_a_hub_with_a_damaged_database_does_not_start_and_says_why(
    scene: Scene, tmp_path: Path
) -> None:
    hub = scene.arbor.home / "hub"

    def start(name: str) -> tuple[str, int, str]:
        _, damage = DATABASES[name]
        damage(copied(hub, tmp_path / name / "hub"))
        ended = subprocess.run(
            command(["hub", "--port", str(free_port())]),
            env={**scene.arbor.environment(), "ARBOR_HOME": str(tmp_path / name)},
            capture_output=True,
            timeout=HANG_SECONDS,
            check=False,
        )
        return name, ended.returncode, ended.stderr.decode()

    with ThreadPoolExecutor(2) as threads:
        for name, status, said in threads.map(start, DATABASES):
            assert status != 0, name
            assert DATABASES[name][0] in said
            assert said.count("\n") == 1, said
