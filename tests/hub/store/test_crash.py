"""Whatever was acknowledged is there after the process is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from arborlink.hub.store.sqlite import SqliteStore

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("acknowledged", [1, 40, 300])
async def test_everything_acknowledged_survives_a_kill(tmp_path: Path, acknowledged: int) -> None:
    path = tmp_path / "hub.sqlite3"
    command = [sys.executable, "-m", "tests.hub.store.endless_writer", str(path)]
    process = subprocess.Popen(  # noqa: ASYNC220
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ}
    )
    with process:
        assert process.stdout is not None
        seen = list(islice(process.stdout, acknowledged))
        process.kill()
        seen += process.stdout.readlines()
    store = await SqliteStore.open(path, lambda: "hub_1")
    complete = [line.strip() for line in seen if line.endswith("\n")]
    assert len(complete) >= acknowledged
    assert [task_id for task_id in complete if store.task(task_id) is None] == []
    assert store.generation == 2
    await store.close()
