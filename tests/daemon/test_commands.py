"""What a command gets and how its end is reported: arguments, folder, environment, exit."""

from __future__ import annotations

import os
import signal
import string
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arborlink.protocol import octets
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import Command, Status

from .conftest import Arena, make_arena
from .hub_double import HubTask

pytestmark = pytest.mark.asyncio(loop_scope="module")

IN_A_SHELL = {"shell": True}
SHOW_ARGV = "import os, sys; sys.stdout.write(repr([os.fsencode(a) for a in sys.argv[1:]]))"


def end_of(task: HubTask) -> Status:
    """The final status."""
    assert task.end is not None
    return task.end


async def test_exit_code_zero_completes(shared: Arena) -> None:
    """0 is `completed`, after `running`."""
    task = await shared.run("true")
    assert [s.status for s in task.statuses] == [TaskStatus.RUNNING, TaskStatus.COMPLETED]
    assert (end_of(task).exit_code, end_of(task).reason) == (0, None)


@pytest.mark.parametrize("code", [1, 42, 255])
async def test_other_exit_codes_fail(shared: Arena, code: int) -> None:
    """Anything else is `failed`, with the code."""
    end = end_of(await shared.run("sh", "-c", f"exit {code}"))
    assert (end.status, end.reason, end.exit_code) == (TaskStatus.FAILED, "exit_code", code)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
async def test_a_signal_is_named(shared: Arena, number: signal.Signals) -> None:
    """Death by signal is `failed`, with the number and no exit code."""
    end = end_of(await shared.run("sh", "-c", f"ulimit -c 0; kill -{number.value} $$"))
    assert (end.reason, end.signal, end.exit_code) == ("signal", number, None)


@pytest.mark.parametrize(
    ("command", "reason", "code"),
    [
        ("no-such-command", "command_not_found", 127),
        ("./no-such-command", "command_not_found", 127),
        ("/etc/passwd", "command_not_executable", 126),
        ("./", "command_not_executable", 126),
        ("./plain", "command_not_executable", 126),
        ("./text", "command_not_executable", 126),
        ("", "start_failed", None),
        ("a\0b", "start_failed", None),
    ],
)
async def test_what_cannot_start_says_why(
    shared: Arena, command: str, reason: str, code: int | None
) -> None:
    """127 and 126 as shells have them; nothing crashes."""
    (shared.workspace / "plain").write_text("true\n")
    (shared.workspace / "text").write_text("true\n")
    (shared.workspace / "text").chmod(0o755)
    end = end_of(await shared.run(command))
    assert (end.status, end.reason, end.exit_code) == (TaskStatus.FAILED, reason, code)
    assert end.error
    assert end.final_offset == 0


async def test_arguments_that_are_too_long_fail_by_themselves(shared: Arena) -> None:
    """E2BIG is the task's failure, not the daemon's."""
    args = ["x" * 120_000] * 6
    end = end_of(await shared.run("true", *args, env={"BIG": "x" * 120_000}))
    assert end.status is TaskStatus.COMPLETED
    end = end_of(await shared.run("true", "x" * 131_072))
    assert (end.status, end.reason) == (TaskStatus.FAILED, "start_failed")


@settings(max_examples=12, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)))
async def test_arguments_arrive_exactly(shared: Arena, args: list[str]) -> None:
    """Whatever is in them: no shell, no expansion, no encoding in between."""
    task = await shared.run(sys.executable, "-c", SHOW_ARGV, *args)
    assert task.stdout.decode() == repr([a.encode() for a in args])


def not_nul(data: bytes) -> bytes:
    """Bytes that a program can receive."""
    return data.replace(b"\0", b"")


@settings(max_examples=12, deadline=None)
@given(st.lists(st.binary(max_size=40).map(not_nul)), st.binary(max_size=40).map(not_nul))
async def test_bytes_arrive_exactly(shared: Arena, args: list[bytes], value: bytes) -> None:
    """Arguments and variables need not be UTF-8."""
    show = f"{SHOW_ARGV}; sys.stdout.write(repr(os.environb[b'VALUE']))"
    env = {"VALUE": octets.from_bytes(value)}
    task = await shared.run(sys.executable, "-c", show, *map(octets.from_bytes, args), env=env)
    assert task.stdout.decode() == repr(args) + repr(value)


async def test_folders_and_programs_may_have_any_name(shared: Arena) -> None:
    """The command and its folder; what is missing is named in a sentence."""
    folder = shared.workspace / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    program = folder / os.fsdecode(b"t\xf6\xf6l")
    program.write_text("#!/bin/sh\npwd\n")
    program.chmod(0o755)
    tool, cwd = octets.from_bytes(b"./t\xf6\xf6l"), octets.from_bytes(b"caf\xe9")
    task = await shared.run(tool, cwd=cwd)
    assert bytes(task.stdout) == os.fsencode(folder) + b"\n"
    missing = end_of(await shared.run(octets.from_bytes(b"./no\xe9")))
    assert r"'./no\xe9' does not exist" in (missing.error or "")
    missing = end_of(await shared.run("true", cwd=octets.from_bytes(b"no\xe9")))
    assert missing.reason == "working_directory"
    assert r"'no\xe9'" in (missing.error or "")


@pytest.mark.parametrize(
    "more",
    [{"cwd": "a\0b"}, {"env": {"A": "\0"}}, {"args": ["\0e"]}],
    ids=["cwd", "value", "argument"],
)
async def test_nul_that_marks_nothing_is_refused(shared: Arena, more: dict[str, object]) -> None:
    """No program could receive it."""
    task = shared.hub.task(shared.task_id())
    command = {"command": "true", "args": [], **more}
    await shared.hub.send(Command(task_id=task.task_id, **command))  # type: ignore[arg-type]
    assert "NUL" in ((await shared.hub.ended(task)).error or "")


async def test_a_shell_command_is_for_bin_sh(shared: Arena) -> None:
    """`shell: true` is `/bin/sh -c COMMAND ARGS…`."""
    task = await shared.run('printf "%s|%s" "$0" "$1"; exit 7', "a b", "c", **IN_A_SHELL)
    assert bytes(task.stdout) == b"a b|c"
    assert end_of(task).exit_code == 7


async def test_a_command_with_a_slash_is_relative_to_its_folder(shared: Arena) -> None:
    """`./tool` is that of `cwd`."""
    folder = shared.workspace / "tools"
    folder.mkdir()
    (folder / "tool").write_text("#!/bin/sh\npwd\n")
    (folder / "tool").chmod(0o755)
    task = await shared.run("./tool", cwd="tools")
    assert task.stdout.decode().strip() == str(folder)


async def test_relative_entries_of_the_path_do_not_count(shared: Arena) -> None:
    """A PATH with `.` or an empty entry does not find what lies in the workspace."""
    (shared.workspace / "sneaky").write_text("#!/bin/sh\n")
    (shared.workspace / "sneaky").chmod(0o755)
    end = end_of(await shared.run("sneaky", env={"PATH": ".::bin:" + os.environ["PATH"]}))
    assert end.reason == "command_not_found"


@pytest.fixture
def traps(shared: Arena) -> Path:
    """Links, a file, and a folder that leave the workspace or are no folder."""
    workspace = shared.workspace
    for link, target in [
        ("out", "/"),
        ("up", ".."),
        ("proc", "/proc/self/cwd"),
        ("inside", str(workspace / "real")),
    ]:
        if not (workspace / link).is_symlink():
            (workspace / link).symlink_to(target)
    (workspace / "real").mkdir(exist_ok=True)
    (workspace / "file").write_text("")
    if not (workspace / "fifo").exists():
        os.mkfifo(workspace / "fifo")
    return workspace


@pytest.mark.parametrize(
    "cwd",
    [
        "..",
        "/",
        "out",
        "out/etc",
        "up",
        "real/../..",
        "proc",
        "/etc",
        "file",
        "fifo",
        "gone",
        "a\0",
    ],
)
async def test_a_folder_outside_is_refused(shared: Arena, traps: Path, cwd: str) -> None:
    """By any way of leading out, and what is no folder too."""
    end = end_of(await shared.run("touch", "/tmp/escaped", cwd=cwd))
    assert (end.status, end.reason) == (TaskStatus.FAILED, "working_directory")


@pytest.mark.parametrize("cwd", [".", "", "real", "./real/../real", "inside", "{workspace}/real"])
async def test_a_folder_inside_is_used(shared: Arena, traps: Path, cwd: str) -> None:
    """Links that stay inside are fine, absolute ones too."""
    task = await shared.run("pwd", "-P", cwd=cwd.format(workspace=traps))
    expected = traps if cwd in (".", "") else traps / "real"
    assert task.stdout.decode().strip() == str(expected)


async def test_no_variable_of_arbor_leaks(shared: Arena) -> None:
    """The environment is the allow-list and what the task asked for."""
    task = await shared.run("env", "-0", env={"MINE": "a\nb", "PYTHONUNBUFFERED": "1"})
    names = {item.split(b"=")[0].decode() for item in task.stdout.split(b"\0") if item}
    assert {"MINE", "PYTHONUNBUFFERED", "PATH"} <= names
    assert not any(name.startswith("ARBOR") for name in names)
    assert names <= {
        *("MINE", "PYTHONUNBUFFERED", "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG"),
        *("LANGUAGE", "TZ", "TMPDIR", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK"),
        *(name for name in names if name.startswith("LC_")),
    }
    assert b"secret-of-the-daemon" not in task.stdout


@pytest.mark.parametrize("name", ["ARBOR_TOKEN", "Arbor_Home"])
async def test_a_variable_of_arbor_is_refused(shared: Arena, name: str) -> None:
    """It fails and names the variable; the command does not run."""
    end = end_of(await shared.run("true", env={name: "/tmp/x"}))
    assert (end.status, end.reason) == (TaskStatus.FAILED, "policy")
    assert name in (end.error or "")


@pytest.mark.parametrize("name", ["PYTHONPATH", "EDITOR", "MAKEFLAGS", "GIT_SSH_COMMAND", "PATH"])
async def test_where_every_command_may_run_every_variable_may_be_set(
    shared: Arena, name: str
) -> None:
    """`env NAME=VALUE COMMAND` would set it as well: refusing it stopped people, not attackers."""
    task = await shared.run("/usr/bin/printenv", name, env={name: "/x"})
    assert (end_of(task).exit_code, bytes(task.stdout)) == (0, b"/x\n")


async def test_a_command_has_three_descriptors(shared: Arena) -> None:
    """No pipe, socket or file of Arbor is inherited."""
    show = "import os; print(sorted(int(f) for f in os.listdir('/proc/self/fd')))"
    task = await shared.run(sys.executable, "-c", show)
    assert task.stdout.strip() == b"[0, 1, 2, 3]"  # 3 is listdir's own


async def signals_of_a_command(arena: Arena) -> list[int]:
    """The masks of what a command has ignored and blocked."""
    task = await arena.run("grep", "-E", "^Sig(Ign|Blk)", "/proc/self/status")
    values = [int(line.split()[1], 16) for line in task.stdout.decode().splitlines()]
    # 32 and 33 are the C library's own: posix_spawn leaves them ignored whatever it is asked.
    return [value & ~(0b11 << 31) for value in values]


async def test_signals_are_as_in_a_fresh_login(shared: Arena) -> None:
    """What Python ignores is not ignored in the command, and nothing is blocked."""
    assert await signals_of_a_command(shared) == [0, 0]


@pytest.mark.asyncio(loop_scope="function")
async def test_signals_that_the_daemon_was_started_with_do_not_reach_a_command(
    tmp_path: Path,
) -> None:
    """A shell starts `arbor daemon &` with SIGINT and SIGQUIT ignored, others with more."""
    async with make_arena(tmp_path, "--signals-ignored") as arena:
        assert await signals_of_a_command(arena) == [0, 0]
        for number in (signal.SIGQUIT, signal.SIGINT, signal.SIGUSR1, signal.SIGRTMIN):
            kill = f"ulimit -c 0; kill -{number:d} $$; echo survived"
            end = end_of(await arena.run("sh", "-c", kill))
            assert (end.reason, end.signal) == ("signal", number)
        assert await arena.daemon.stop() == 0


async def test_a_task_id_that_is_a_path_is_refused(shared: Arena) -> None:
    """It would become a file name."""
    task = await shared.hub.run("true", task_id="../../x")
    assert end_of(task).reason == "start_failed"
    assert set(string.punctuation) & set(task.task_id)
