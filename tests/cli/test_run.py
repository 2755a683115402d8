"""What `arbor run` asks for beside the command."""

from __future__ import annotations

import json

from .conftest import Up

SCRIPT = "echo out; echo err >&2; " * 5


def test_streams_are_apart_or_one(up: Up) -> None:
    """With `--merge` all of it is stdout, in the order of writing."""
    apart = up.arbor("run", "--", "sh", "-c", SCRIPT)
    assert (apart.stdout, apart.stderr) == (b"out\n" * 5, b"err\n" * 5)
    merged = up.arbor("run", "--merge", "--", "sh", "-c", SCRIPT)
    assert (merged.stdout, merged.stderr) == (b"out\nerr\n" * 5, b"")
    (task,) = json.loads(up.arbor("tasks", "--limit", "1", "--json").stdout)
    assert task["mergeStderr"]
