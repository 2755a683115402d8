"""What the owner of the machine forbids, and what a file that cannot be read does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from arborlink.daemon.environment import build, forbidden_name, unlisted_name
from arborlink.daemon.policy import Policy, PolicyError, PolicyFile, load
from arborlink.daemon.rules import Rule
from arborlink.protocol.messages import Command

from .conftest import Arena


def command(name: str, *, shell: bool = False, env: dict[str, str] | None = None) -> Command:
    """A command to judge."""
    return Command(task_id="t", command=name, args=[], shell=shell, env=env or {})


def test_nothing_said_allows_everything_ordinary(tmp_path: Path) -> None:
    """No file is no policy."""
    policy = load(tmp_path / "arbor.toml")
    assert policy.refusal(command("anything", env={"PATH": "/x", "PYTHONUNBUFFERED": "1"})) is None


def test_commands_are_restricted_as_soon_as_one_is_named() -> None:
    """By a name in the list, or by a rule."""
    assert Policy().restriction() is None
    assert Policy(allowed_commands=["git"]).restriction() is not None
    assert Policy(command=[Rule(path="git")]).restriction() is not None


@pytest.mark.parametrize("allowed", [[], ["PATH"], ["*"]])
def test_with_a_list_of_commands_their_names_mean_what_they_do_here(allowed: list[str]) -> None:
    """A task's PATH would decide what `git` is, whatever else is allowed."""
    policy = Policy(allowed_commands=["git"], allow_environment=allowed)
    assert "PATH" in (policy.refusal(command("git", env={"PATH": "."})) or "")
    assert Policy().refusal(command("git", env={"PATH": "/opt"})) is None


def test_read_only_and_none_at_all() -> None:
    """Both refuse with a sentence."""
    assert "read-only" in (Policy(read_only=True).refusal(command("true")) or "")
    assert "no task" in (Policy(max_running_tasks=0).refusal(command("true")) or "")
    assert Policy(max_running_tasks=1).refusal(command("true")) is None


@pytest.mark.parametrize("name", ["ARBOR_TOKEN", "arbor_token", "", "A=B", "A\0B"])
@pytest.mark.parametrize("restricted", [True, False])
def test_variables_that_would_harm_arbor_are_always_refused(name: str, restricted: bool) -> None:
    """Its own, and what is no variable."""
    assert forbidden_name([name], restricted=restricted) == name


def test_the_owners_list_counts_always() -> None:
    """Also where commands are not restricted."""
    assert forbidden_name(["OK", "AWS_KEY"], forbidden=["AWS_*"]) == "AWS_KEY"
    policy = Policy(forbidden_environment=["AWS_*"], allow_environment=["*"])
    text = policy.refusal(command("x", env={"AWS_KEY": "k"})) or ""
    assert "AWS_KEY" in text and "`forbidden_environment`" in text


@pytest.mark.parametrize(
    ("name", "why"), [("ARBOR_URL", "Arbor's own"), ("", "no name"), ("A=B", "no name")]
)
def test_a_refused_variable_says_why(name: str, why: str) -> None:
    """On a machine without rules nothing else is refused."""
    assert why in (Policy().refusal(command("x", env={name: "k"})) or "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C"), ("LC_TIME", "de_DE@euro"), ("NO_COLOR", "")],
        *[("TZ", "Europe/Berlin"), ("TZ", "<+03>-3"), ("TZ", "EST5EDT,M3.2.0,M11.1.0")],
        *[("TERM", "xterm-256color"), ("COLUMNS", "80"), ("LINES", "24")],
    ],
)
def test_listed_variables(name: str, value: str) -> None:
    """What tasks may set wherever commands are restricted."""
    assert unlisted_name({name: value}) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("TZ", ":/etc/passwd"), ("TZ", "/tmp/zone"), ("TZ", "../x"), ("LANG", "a/../../x")],
        *[("LANGUAGE", "en"), ("lang", "C"), ("TERM", "/tmp/x"), ("TERM", "a\n"), ("FOO", "")],
    ],
)
def test_unlisted_variables(name: str, value: str) -> None:
    """Every other name, and values that a program takes for a path."""
    assert unlisted_name({name: value}) == name
    assert unlisted_name({name: value}, allowed=["T*", "LANG*", "lang", "F?O"]) is None


def test_the_environment_is_an_allow_list() -> None:
    """A terminal has a type; a machine without a PATH gets a usual one."""
    daemon = {"HOME": "/h", "LC_ALL": "C", "SECRET": "s", "TERM": "dumb", "ARBOR_TOKEN": "t"}
    plain = build(daemon, {"É": "ü\n"}, terminal=False)
    assert set(plain) == {b"HOME", b"LC_ALL", b"PATH", "É".encode()}
    assert build(daemon, {}, terminal=True)[b"TERM"] == b"xterm-256color"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".:/usr/bin::bin:/bin", b"/usr/bin:/bin"),
        ("/ws/bin:/bin:/ws:/wsx:/etc/../ws/x", b"/bin:/wsx"),
        (".", b"/usr/local/bin:/usr/bin:/bin"),
    ],
)
def test_the_path_of_a_restricted_command_leads_outside(path: str, expected: bytes) -> None:
    """What an allowed program starts by name must not come from the working folder."""
    assert build({"PATH": path}, {}, terminal=False, workspace="/ws")[b"PATH"] == expected
    assert build({"PATH": path}, {}, terminal=False)[b"PATH"] == path.encode()


@pytest.mark.parametrize(
    "text",
    [
        *(
            "allowed_commands = 3",
            "no_such_setting = true",
            "sandbox = 'landlock'",
            "not toml",
            "\0",
        ),
        *("allowed_commands = ['']", "allowed_commands = ['tools/../x']", "command = ['make']"),
        *("[[command]]", "[[command]]\npath = ''", "[[command]]\npath = 'x'\nargs = []"),
        *("[[command]]\npath = '../x'", "[[command]]\npath = 'x'\ncwd = ['a/..']"),
    ],
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


@pytest.mark.parametrize("target", ["nowhere", "arbor.toml"])
def test_a_link_that_leads_nowhere_is_an_error(tmp_path: Path, target: str) -> None:
    """Also where there was no policy a moment ago: it does not lift all limits."""
    policy = PolicyFile(tmp_path / "arbor.toml")
    assert not policy.current().read_only
    policy.path.symlink_to(target)
    for _ in range(2):
        with pytest.raises(PolicyError):
            policy.current()


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
