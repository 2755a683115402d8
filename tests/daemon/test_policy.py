"""What the owner of the machine forbids, and what a file that cannot be read does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from arborlink.daemon.environment import build, forbidden_name
from arborlink.daemon.policy import Policy, PolicyError, PolicyFile, load
from arborlink.protocol.messages import Command

from .conftest import Arena


def command(name: str, *, shell: bool = False, env: dict[str, str] | None = None) -> Command:
    """A command to judge."""
    return Command(task_id="t", command=name, args=[], shell=shell, env=env or {})


def test_nothing_said_allows_everything_ordinary(tmp_path: Path) -> None:
    """No file is no policy."""
    policy = load(tmp_path / "arbor.toml")
    assert (
        policy.refusal(command("anything", env={"PATH": "/x", "PYTHONUNBUFFERED": "1"}), 0) is None
    )


@pytest.mark.parametrize(
    ("name", "shell", "allowed"),
    [
        ("git", False, True),
        ("git-lfs", False, False),
        ("/usr/bin/git", False, False),
        ("pytest-3", False, True),
        ("GIT", False, False),
        ("git", True, False),
    ],
)
def test_allowed_commands(name: str, shell: bool, allowed: bool) -> None:
    """Globs over the command as it was given; a shell command is the shell's."""
    policy = Policy(allowed_commands=["git", "pytest*"])
    assert (policy.refusal(command(name, shell=shell), 0) is None) is allowed


def test_with_a_list_of_commands_their_names_mean_what_they_do_here() -> None:
    """Otherwise PATH would decide what `git` is."""
    policy = Policy(allowed_commands=["git"])
    assert "PATH" in (policy.refusal(command("git", env={"PATH": "."}), 0) or "")
    policy = Policy(allowed_commands=["git"], allow_environment=["PATH"])
    assert policy.refusal(command("git", env={"PATH": "/opt"}), 0) is None


def test_read_only_and_too_many() -> None:
    """Both refuse with a sentence."""
    assert "read-only" in (Policy(read_only=True).refusal(command("true"), 0) or "")
    assert "at most 2" in (Policy(max_running_tasks=2).refusal(command("true"), 2) or "")
    assert Policy(max_running_tasks=2).refusal(command("true"), 1) is None


@pytest.mark.parametrize(
    "name",
    [
        *("LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "BASH_ENV", "BASH_FUNC_ls%%", "ENV"),
        *("IFS", "SHELLOPTS", "PS4", "PYTHONPATH", "PYTHONSTARTUP", "NODE_OPTIONS", "PERL5OPT"),
        *("RUBYOPT", "GIT_SSH_COMMAND", "GIT_TEMPLATE_DIR", "GIT_CONFIG_COUNT", "VIMINIT"),
        *("HOSTALIASES", "ARBOR_TOKEN", "arbor_token", "", "A=B", "A\0B"),
    ],
)
def test_variables_that_can_run_code(name: str) -> None:
    """The kind, not the list, is what is meant; ours are never set."""
    assert forbidden_name([name]) == name


@pytest.mark.parametrize("name", ["FOO", "PYTHONUNBUFFERED", "CI", "GIT_AUTHOR_NAME", "NO_COLOR"])
def test_ordinary_variables(name: str) -> None:
    """These are what people set."""
    assert forbidden_name([name]) is None


def test_an_exception_is_the_owners() -> None:
    """It lifts the built-in list, but neither the owner's own nor ours."""
    assert forbidden_name(["LD_PRELOAD"], allowed=["LD_*"]) is None
    assert forbidden_name(["FOO"], forbidden=["F*"], allowed=["FOO"]) == "FOO"
    assert forbidden_name(["ARBOR_X"], allowed=["*"]) == "ARBOR_X"


def test_the_environment_is_an_allow_list() -> None:
    """A terminal has a type; a machine without a PATH gets a usual one."""
    daemon = {"HOME": "/h", "LC_ALL": "C", "SECRET": "s", "TERM": "dumb", "ARBOR_TOKEN": "t"}
    plain = build(daemon, {"É": "ü\n"}, terminal=False)
    assert set(plain) == {b"HOME", b"LC_ALL", b"PATH", "É".encode()}
    assert build(daemon, {}, terminal=True)[b"TERM"] == b"xterm-256color"


@pytest.mark.parametrize(
    "text",
    ["allowed_commands = 3", "no_such_setting = true", "sandbox = 'landlock'", "not toml", "\0"],
)
def test_a_file_that_cannot_be_used_is_an_error(tmp_path: Path, text: str) -> None:
    """It never counts as no policy."""
    file = tmp_path / "arbor.toml"
    file.write_text(text)
    with pytest.raises(PolicyError, match=r"arbor\.toml"):
        load(file)


def test_a_changed_file_counts_at_once(tmp_path: Path) -> None:
    """And a broken one keeps being an error."""
    file = tmp_path / "arbor.toml"
    policy = PolicyFile(file)
    assert not policy.current().read_only
    file.write_text("read_only = true")
    assert policy.current().read_only
    file.write_text("read_only = maybe")
    for _ in range(2):
        with pytest.raises(PolicyError):
            policy.current()
    os.unlink(file)
    assert not policy.current().read_only


async def test_a_daemon_obeys_its_policy(arena: Arena) -> None:
    """Also one that is written while it runs."""
    task = await arena.run("true")
    assert task.end is not None
    assert task.end.exit_code == 0
    (arena.daemon.state / "arbor.toml").write_text("allowed_commands = ['echo']\n")
    task = await arena.run("true")
    assert task.end is not None
    assert (task.end.reason, task.end.final_offset) == ("policy", 0)
    (arena.daemon.state / "arbor.toml").write_text("max_run_seconds = 0.2\n")
    task = await arena.run("sleep", "60")
    assert task.end is not None
    assert task.end.reason == "timeout"
