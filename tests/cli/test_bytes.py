"""What is not UTF-8 on a command line arrives as it is, or is refused by name."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from arborlink.client import Chunk, Hub
from arborlink.protocol.errors import InvalidInput

from .conftest import Up, start_up, stop_up

WORD = b"caf\xe9"
# As Python has it (PEP 383).
GIVEN = os.fsdecode(WORD)


def test_bytes_of_arguments_folders_and_variables_arrive(up: Up) -> None:
    """Through command line, hub and daemon; a listing shows them as escapes."""
    folder = os.fsencode(up.folder) + b"/" + WORD
    os.mkdir(folder)
    script = 'printf "%s|%s|" "$1" "$VALUE"; pwd'
    value = f"VALUE={os.fsdecode(bytes(range(0x80, 0x100)))}"
    words = ("--cwd", GIVEN, "-e", value, "--", "sh", "-c", script, "sh", GIVEN)
    result = up.arbor("run", *words)
    assert result.stdout == WORD + b"|" + bytes(range(0x80, 0x100)) + b"|" + folder + b"\n"
    listed = up.arbor("tasks", "--limit", "1").stdout.decode()
    assert r"caf\xe9" in listed
    (task,) = json.loads(up.arbor("tasks", "--limit", "1", "--json").stdout)
    assert (task["args"][-1], task["cwd"]) == ("caf\0\xe9", "caf\0\xe9")
    assert up.arbor("tasks", "--search", r"sh caf\xe9").stdout
    missing = up.arbor("run", "--", GIVEN)
    assert missing.returncode == 127
    assert rb"'caf\xe9' is not in the PATH" in missing.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--title", GIVEN, "--", "true"),
        ("run", "-e", f"{GIVEN}=x", "--", "true"),
        ("run", "-w", GIVEN, "--", "true"),
        ("tasks", "--search", GIVEN),
        ("tasks", "-w", GIVEN),
        ("logs", GIVEN),
        ("cancel", GIVEN),
        ("enroll", GIVEN),
        ("token", "create", GIVEN),
    ],
    ids=lambda words: " ".join(words[:2]).replace(GIVEN, "X"),
)
def test_what_has_to_be_text_is_refused_by_name(up: Up, words: tuple[str, ...]) -> None:
    """A sentence with the word in it; never the name of an exception."""
    result = up.arbor(*words)
    assert result.returncode != 0
    assert rb"'caf\xe9" in result.stderr or rb"'caf\udce9'" in result.stderr
    assert b"UnicodeEncodeError" not in result.stderr


def test_a_workspace_may_have_any_path(tmp_path: Path) -> None:
    """It is found again, and shown with escapes."""
    folder = tmp_path / os.fsdecode(b"proj\xe9")
    folder.mkdir()
    up = start_up(tmp_path / "home", folder)
    try:
        assert up.arbor("run", "--", "pwd").stdout == os.fsencode(folder) + b"\n"
        assert rb"proj\xe9" in up.arbor("workspaces").stdout
        (workspace,) = json.loads(up.arbor("workspaces", "--json").stdout)
        assert workspace["path"].endswith("/proj\0\xe9")
    finally:
        stop_up(up)


def test_programs_send_them_as_python_has_them(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    """`os.fsdecode` of any bytes; what cannot be carried is an `InvalidInput`."""
    monkeypatch.setenv("ARBOR_HOME", str(up.home))

    async def use() -> None:
        async with Hub() as hub:
            task = await hub.run("printf", "%s", GIVEN, stdin="empty")
            written = [each.data async for each in task.output() if isinstance(each, Chunk)]
            assert b"".join(written) == WORD
            for bad in ("a\0b", "\ud800"):
                with pytest.raises(InvalidInput, match="args cannot be sent"):
                    await hub.run("true", bad)

    asyncio.run(use())
