"""What is understood, what is refused, and how it is explained; nothing here needs a hub."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from arborlink.cli import console, display, exits
from arborlink.cli.logs_output import _spans
from arborlink.cli.main import COMMANDS, cli
from arborlink.cli.screen.local import LocalTerminal
from arborlink.cli.table import Column
from arborlink.client import Gap, TaskStatus
from arborlink.protocol.resources import GapInfo
from tests.resources import TASK


def commands() -> list[list[str]]:
    nested = [["token", each] for each in ("create", "list", "revoke")]
    nested += [["user", each] for each in ("add", "list", "remove", "passwd")]
    nested += [[each, part] for each in ("hub", "daemon") for part in ("install", "uninstall")]
    return [*([each] for each in COMMANDS), *nested]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(words: list[str]) -> None:
    result = CliRunner().invoke(cli, [*words, "--help"])
    assert result.exit_code == 0, result.output
    assert "Example" in result.output
    assert "arbor" in result.output


def test_the_list_of_commands_says_what_the_commands_say() -> None:
    result = CliRunner().invoke(cli, ["--help"])
    context = click.Context(cli)
    for name, (_, text) in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(100) == text
        assert text in result.output


def test_listings_have_json() -> None:
    listings = (["tasks"], ["workspaces"], ["token", "list"], ["user", "list"])
    for words in (*listings, ["whoami"], ["doctor"], ["use"], ["search"], ["inspect"]):
        assert "--json" in CliRunner().invoke(cli, [*words, "--help"]).output
    for words in listings:
        shown = CliRunner().invoke(cli, [*words, "--help"]).output
        assert all(each in shown for each in ("--quiet", "--format", "--no-trunc", "--utc"))


@pytest.mark.parametrize(
    ("alias", "name"), [("ps", "tasks"), ("ls", "tasks"), ("describe", "inspect")]
)
def test_other_names_of_commands(alias: str, name: str) -> None:
    assert f"arbor {name}" in CliRunner().invoke(cli, [alias, "--help"], prog_name="arbor").output
    assert alias not in CliRunner().invoke(cli, ["--help"]).output.split("Commands:")[1].split()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["run", "-e", "=x", "true"], "has no name"),
        (["run", "-e", "ARBOR_NOT_SET_ANYWHERE", "true"], "is not set here"),
        (["run", "--timeout", "0", "true"], "timeout"),
        (["logs", "--format", "xml", "tsk_1"], "xml"),
        (["completion", "csh"], "csh"),
        (["daemon", "--code", "X"], "needs --hub"),
        (["login", "http://x", "--scope", "all"], "tasks:read"),
        (["login", "http://x", "--scope", "admin", "--all"], "not both"),
        (["login", "http://x", "--days", "1", "--no-expiry"], "not both"),
    ],
)
def test_misuse_is_explained(words: list[str], text: str) -> None:
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 2
    assert text in result.output


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 0),
        ({"status": TaskStatus.FAILED, "reason": "exit_code", "exit_code": 3}, 3),
        ({"status": TaskStatus.FAILED, "reason": "signal", "signal": 9}, 137),
        ({"status": TaskStatus.FAILED, "reason": "timeout", "signal": 15}, 124),
        ({"status": TaskStatus.FAILED, "reason": "command_not_found"}, 127),
        ({"status": TaskStatus.FAILED, "reason": "command_not_executable"}, 126),
        ({"status": TaskStatus.FAILED, "reason": "policy", "exit_code": 1}, 125),
        ({"status": TaskStatus.FAILED, "reason": "corrupt_output", "exit_code": 0}, 125),
        ({"status": TaskStatus.CANCELLED}, 130),
        ({"status": TaskStatus.LOST}, 125),
        ({"status": TaskStatus.EXPIRED}, 125),
    ],
)
def test_exit_codes(changes: dict[str, object], code: int) -> None:
    assert exits.of_task(msgspec.structs.replace(TASK, **changes))[0] == code


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"timeout": 2.5}, "the task was ended after its timeout of 2.5 s"),
        ({}, "the task was ended by its timeout"),
        (
            {"timeout": 60.0, "error": "this machine allows 1 s"},
            "the task was ended by its timeout: this machine allows 1 s",
        ),
    ],
)
def test_whose_time_was_up(changes: dict[str, object], sentence: str) -> None:
    task = msgspec.structs.replace(TASK, status=TaskStatus.FAILED, reason="timeout", **changes)
    assert exits.of_task(task) == (124, sentence)


def test_output_is_pointed_at_if_there_is_any() -> None:
    lost = msgspec.structs.replace(TASK, status=TaskStatus.LOST)
    assert "arbor logs" in (exits.of_task(lost)[1] or "")
    assert exits.of_task(msgspec.structs.replace(lost, output_size=0))[1] == "the task is lost"


def test_stored_output_is_read_around_its_gaps() -> None:
    gaps = [GapInfo(start=10, end=20, reason="a"), GapInfo(start=90, end=100, reason="b")]
    task = msgspec.structs.replace(TASK, gaps=gaps)
    assert _spans(task, 0, 100) == [(0, 10), Gap(10, 20, "a"), (20, 90), Gap(90, 100, "b")]
    assert _spans(task, 15, 100) == [Gap(15, 20, "a"), (20, 90), Gap(90, 100, "b")]
    assert _spans(task, 100, 100) == []
    assert _spans(task, 5, 15) == [(5, 10), Gap(10, 15, "a")]
    assert _spans(task, 20, 90) == [(20, 90)]


def test_what_a_task_calls_itself_cannot_act_on_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console.print_table((Column("A"), Column("B")), [("x\x1b]52;c;evil\x07", "y\nz")])
    output = capsys.readouterr().out
    assert "\x1b" not in output and "\x07" not in output
    assert output.count("\n") == 2


def test_times_and_sizes_as_people_say_them() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert display.ago("2026-01-01T00:00:00Z", now) == "1 d ago"
    assert display.ago("2026-01-01T23:59:30Z", now) == "30 s ago"
    assert display.ago(None) == "never"
    assert display.size_text(1536) == "1.5 KiB"


def test_the_alternate_screen_is_left_only_if_it_was_entered() -> None:
    enter, leave = b"\x1b[?1049h", b"\x1b[?1049l"
    local = LocalTerminal(may_act=True)
    assert leave not in local.leave()
    local.show(b"x" + enter + b"y")
    assert leave in local.leave()
    local.show(enter + leave)
    assert leave not in local.leave()


def test_completion_knows_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/zsh")
    assert "compdef" in CliRunner().invoke(cli, ["completion"]).output
    assert "complete" in CliRunner().invoke(cli, ["completion", "fish"]).output


def test_logout_without_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ARBOR_HOME", str(tmp_path))
    assert "nothing" in CliRunner().invoke(cli, ["logout"]).output


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("arbor hub in", {"install"}),
        ("arbor daemon install --on", {"--on-stop"}),
        ("arbor daemon ./project --o", {"--on-stop"}),
        ("arbor hub --p", {"--port", "--public-url"}),
        ("arbor hub uninstall --m", {"--manager"}),
    ],
)
def test_completion_knows_commands_with_parts(words: str, wanted: set[str]) -> None:
    *before, last = words.split()[1:]
    offered = ShellComplete(cli, {}, "arbor", "_ARBOR_COMPLETE").get_completions(before, last)
    assert {each.value for each in offered} == wanted
