"""What a shell is offered: names that the hub knows, and files where they are meant."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.shell_completion import CompletionItem, ShellComplete

from arborlink.cli import completion
from arborlink.cli.main import cli
from tests.bounds import HANG_SECONDS, NEVER_SECONDS

from .conftest import ARBOR, Up, clean_environment


def offered(line: str) -> list[CompletionItem]:
    """What the last word of a line may become."""
    words = line.split(" ")
    shell = ShellComplete(cli, {}, "arbor", completion.VARIABLE)
    return shell.get_completions(words[:-1], words[-1])


def values(line: str) -> list[str]:
    return [each.value for each in offered(line)]


@pytest.fixture
def signed_in(up: Up, monkeypatch: pytest.MonkeyPatch) -> Up:
    """This process speaks to the hub of `up`, and waits for it."""
    for name in [each for each in os.environ if each.startswith("ARBOR_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ARBOR_HOME", str(up.home))
    monkeypatch.setattr(completion, "WAIT_SECONDS", NEVER_SECONDS)
    return up


def test_tasks_are_offered_by_the_end_of_their_ids(signed_in: Up) -> None:
    signed_in.arbor("run", "--title", "to be completed", "--", "true")
    task_id = signed_in.arbor("tasks", "-q", "-n", "1").stdout.decode().strip()
    for command in ("logs", "attach", "cancel", "rm", "rerun", "inspect", "search text"):
        items = offered(f"{command} ")
        assert "last" in [each.value for each in items], command
        ends = [each for each in items if task_id.endswith(each.value)]
        assert ends and "to be completed" in (ends[0].help or ""), command
    assert task_id in values("logs tsk_")
    assert values(f"logs {task_id[-4:]}") == [task_id[-4:]]


def test_workspaces_are_offered(signed_in: Up) -> None:
    for command in (
        "run -w",
        "tasks --workspace",
        "rename",
        "remove",
        "use -w",
        "rotate",
        "inspect",
    ):
        assert "project" in values(f"{command} pro"), command
    assert values("run -w zzz") == []


@pytest.mark.parametrize(
    "name",
    [
        *"$(id) `id` a;id a&id a|id <(id) >x a* [a]".split(),
        *"a'b a\"b !1 ~root =id -rf {a,b} a\\b #a".split(),
        *("a b", "a\u00a0b", "a\u200bb", "\x1b[2J"),
    ],
)
def test_no_name_is_offered_that_a_shell_would_run_or_take_for_something_else(name: str) -> None:
    """Others choose what their workspaces are called, and bash inserts it unquoted."""
    assert completion._items([(name, "")], "") == []
    plain = ["lab-1", "mia/büro_2.x@y:z"]
    assert [each.value for each in completion._items([(each, "") for each in plain], "")] == plain


def test_a_workspace_with_the_name_of_a_command_is_not_offered(signed_in: Up) -> None:
    signed_in.arbor("rename", "project", "$(touch${IFS}x)")
    try:
        assert [each for each in values("run -w ") if "touch" in each] == []
    finally:
        signed_in.arbor("rename", "$(touch${IFS}x)", "project")


def test_statuses_several_with_commas() -> None:
    assert values("tasks --status r") == ["running"]
    assert values("tasks --status running,c") == ["running,completed", "running,cancelled"]
    assert "failed" in values("prune --status ")


def test_hubs_and_formats(signed_in: Up) -> None:
    assert values("use 127") == ["127.0.0.1"] == values("logout ")
    assert values("logs --format a") == ["asciicast"]


def test_files_stay_the_shells_business() -> None:
    assert [(each.value, each.type) for each in offered("run -- ./tr")] == [("./tr", "file")]
    assert [each.type for each in offered("run -- make ")] == ["file"]


@pytest.fixture
def silent_hub(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment in which the hub takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        yield {**clean_environment(tmp_path), "ARBOR_URL": url, "ARBOR_TOKEN": "x" * 40}


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_a_hub_that_does_not_answer_is_given_up_without_a_word(
    silent_hub: dict[str, str], shell: str
) -> None:
    words = {"COMP_WORDS": "arbor logs ", "COMP_CWORD": "2" if shell != "fish" else ""}
    asked = subprocess.run(
        ARBOR,
        env={**silent_hub, **words, completion.VARIABLE: f"{shell}_complete"},
        capture_output=True,
        timeout=HANG_SECONDS,
    )
    assert (asked.returncode, asked.stderr) == (0, b"")
    assert b"last" in asked.stdout


def test_without_credentials_nothing_is_offered_and_nothing_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [each for each in os.environ if each.startswith("ARBOR_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ARBOR_HOME", str(tmp_path))
    assert values("run -w ") == []
    assert capsys.readouterr() == ("", "")
