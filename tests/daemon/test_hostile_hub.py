"""A hub that was taken over, against a machine that restricts commands: nothing else ever runs."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.resources import Terminal

from .conftest import Arena, make_arena
from .hub_double import HubTask

pytestmark = pytest.mark.asyncio(loop_scope="module")

POLICY: Final = """
allowed_commands = ["tools/*", "./run.sh", "true", "/usr/bin/printenv", "links/ls", "deep/**/go"]
allow_environment = ["FOO_*"]
forbidden_environment = ["FOO_SECRET"]

[[command]]
path = "printf"
arguments = ["%s|", "[a-z]*", "..."]

[[command]]
path = "/bin/sh"
arguments = ["-c", "echo exactly this"]
terminal = false

[[command]]
path = "pwd"
arguments = ["-P"]
cwd = ["sub", "deep/**"]

[[command]]
path = "cat"
arguments = []
input = false

[[command]]
path = "/usr/bin/env"
arguments = ["--null"]
environment = ["BAR"]
"""
TERMINAL: Final = Terminal(cols=80, rows=24)
# What some program obeys by running code, loading it, or reading its configuration elsewhere.
DANGEROUS: Final = (
    *("LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "GLIBC_TUNABLES", "GCONV_PATH", "LOCPATH"),
    *("DYLD_INSERT_LIBRARIES", "MALLOC_TRACE", "HOSTALIASES", "NLSPATH", "LANGUAGE", "TERMINFO"),
    *("BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "PS4", "IFS", "BASH_FUNC_ls%%", "ZDOTDIR"),
    *("PROMPT_COMMAND", "CDPATH", "PATH", "HOME", "SHELL", "TMPDIR", "XDG_CONFIG_HOME"),
    *("XDG_CONFIG_DIRS", "XDG_DATA_HOME", "TAR_OPTIONS", "TAPE", "RSH", "MAKEFILES", "MAKEFLAGS"),
    *("GNUMAKEFLAGS", "GIT_DIR", "GIT_WORK_TREE", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_CONFIG_COUNT"),
    *("GIT_CONFIG_GLOBAL", "GIT_EXEC_PATH", "GIT_TEMPLATE_DIR", "GIT_EXTERNAL_DIFF", "GIT_PAGER"),
    *("EDITOR", "VISUAL", "PAGER", "BROWSER", "LESSOPEN", "VIMINIT", "EXINIT", "FOO", "INPUTRC"),
    *("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONPYCACHEPREFIX"),
    *("NODE_OPTIONS", "NODE_PATH", "PERL5OPT", "PERL5LIB", "RUBYOPT", "RUBYLIB", "LUA_INIT"),
    *("JAVA_TOOL_OPTIONS", "CLASSPATH", "PHPRC", "R_PROFILE", "AWKPATH", "OPENSSL_CONF"),
    *("OPENSSL_MODULES", "CURL_HOME", "WGETRC", "PIP_CONFIG_FILE", "PIP_INDEX_URL", "npm_config_x"),
    *(
        "CARGO_HOME",
        "RUSTC_WRAPPER",
        "CC",
        "CXX",
        "GOFLAGS",
        "GOENV",
        "DOCKER_CONFIG",
        "KUBECONFIG",
    ),
    *("SSH_ASKPASS", "SUDO_ASKPASS", "RSYNC_RSH", "CVS_RSH", "GNUPGHOME", "PSQLRC", "MYSQL_HOME"),
    *("FOO_SECRET", "ARBOR_TOKEN", "ARBOR_HOME", "arbor_url"),
)


def script(path: Path, text: str) -> None:
    """Write a file that may be executed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def furnish(workspace: Path) -> None:
    """Put allowed tools into the workspace, and all that a policy must not be led to."""
    evil = f"#!/bin/sh\n: > {workspace / 'mark'}\n"
    for name in ("evil", "sub/run.sh", "sub/tools/ok", "tools/below/evil", "true", "deep/gone"):
        script(workspace / name, evil)
    script(workspace / "run.sh", "#!/bin/sh\necho ran in $(pwd -P)\n")
    script(workspace / "tools" / "ok", '#!/bin/sh\ncd "$(dirname "$0")" && echo "$PWD $0 $*"\n')
    script(workspace / "tools" / "nested", f"#!{workspace}/tools/ok an argument\n")
    script(workspace / "tools" / "relative", "#!sub/run.sh\n")
    script(workspace / "tools" / "python", f"#!{sys.executable}\nprint(__file__)\n")
    script(workspace / "deep" / "a" / "b" / "go", "#!/bin/sh\necho deep\n")
    script(workspace / "links" / "box", '#!/bin/sh\necho "${0##*/}"\n')
    for name in ("ls", "sh"):
        (workspace / "links" / name).symlink_to("box")
    shutil.copy(shutil.which("echo") or "", workspace / "tools" / "binary")
    os.link(workspace / "tools" / "binary", workspace / "hard")
    os.mkfifo(workspace / "tools" / "fifo")
    (workspace / "tools" / "alias").symlink_to("ok")
    for name, target in {
        "tools/out": "/bin/sh",
        "tools/up": "../evil",
        "tools/not-text": os.fsdecode(b"../\xff"),
        "tools/self": "/proc/self/exe",
        "bin": "/bin",
        "within": "tools",
        "proc": "/proc/self/cwd",
    }.items():
        (workspace / name).symlink_to(target)
    script(workspace / os.fsdecode(b"\xff"), evil)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hostile(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arena]:
    """A furnished workspace, with a daemon that has the policy."""
    async with make_arena(tmp_path_factory.mktemp("hostile")) as made:
        furnish(made.workspace)
        (made.daemon.state / "arbor.toml").write_text(POLICY)
        yield made


def was_marked(arena: Arena) -> bool:
    """Whether something ran that leaves a mark; the mark is removed."""
    mark = arena.workspace / "mark"
    found = mark.exists()
    mark.unlink(missing_ok=True)
    return found


def assert_refused(arena: Arena, task: HubTask, reason: str = "policy") -> str:
    """Hold the whole refusal: failed, never running, no output, no trace; return the sentence."""
    assert task.end is not None
    marked = was_marked(arena)
    assert [(s.status, s.reason) for s in task.statuses] == [(TaskStatus.FAILED, reason)]
    assert task.end.final_offset == 0
    assert not marked
    return task.end.error or ""


async def printed(arena: Arena, command: str, *args: str, **more: object) -> str:
    """Run what is allowed and return its output."""
    task = await arena.run(command, *args, **more)
    assert task.end is not None
    assert (task.end.status, task.end.exit_code) == (TaskStatus.COMPLETED, 0), task.end.error
    return task.stdout.decode()


@pytest.mark.parametrize(
    ("word", "args", "cwd"),
    [
        ("tools/../../../../../../../../../bin/sh", ["-c", ": > mark"], "."),
        *[
            (word, [], ".")
            for word in ("tools/../evil", "./tools/../evil", "tools/below/../../evil")
        ],
        *[(f"tools/{name}", [], ".") for name in ("out", "up", "not-text", "self", "below/evil")],
        *[(word, [], ".") for word in ("hard", "./hard", "evil", "./evil", "./true", "{ws}/true")],
        *[(word, [], "sub") for word in ("./run.sh", "tools/ok", "./tools/ok", "../evil")],
        *[(word, [], ".") for word in ("TOOLS/ok", "tools/OK", "tools/ok/", "tools/ok/.", "True")],
        *[(word, [], ".") for word in ("tools", "tools/", "tools/.", "tools/..", "/", ".", "..")],
        *[(f"/proc/self/{name}", [], ".") for name in ("exe", "fd/0", "cwd/evil", "root/bin/sh")],
        *[(word, [], ".") for word in ("bin/sh", "bin/ls", "proc/evil", "/dev/stdin", "~/run.sh")],
        *[(f"tools/{'x' * size}", [], ".") for size in (300, 5000)],
        *[(word, ["./evil"], ".") for word in ("env", "/usr/bin/env", "nice", "timeout", "xargs")],
        *[(word, ["-c", ": > mark"], ".") for word in ("sh", "/bin/sh", "dash", "/usr/bin/dash")],
        *[(f"links/{name}", [], ".") for name in ("sh", "box", "../links/sh")],
        ("/lib64/ld-linux-x86-64.so.2", ["/bin/sh", "-c", ": > mark"], "."),
        ("/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", ["{ws}/evil"], "."),
        *[
            (word, [], ".")
            for word in ("tools/?k", "*", "**", "tools/ok ", " tools/ok", "tools\\ok")
        ],
        *[
            (word, [], ".")
            for word in ("go", "deep/gone", "printenv\n", "never-was", "./never-was")
        ],
    ],
)
async def test_no_name_leads_to_another_file(
    hostile: Arena, word: str, args: list[str], cwd: str
) -> None:
    """Whatever way a word takes, the file it leads to is not one that a rule names."""
    workspace = str(hostile.workspace)
    args = [each.replace("{ws}", workspace) for each in args]
    task = await hostile.run(word.replace("{ws}", workspace), *args, cwd=cwd)
    text = assert_refused(hostile, task)
    assert "arbor.toml" in text or "`arguments`" in text


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("tools/ok\0", "start_failed"),
        ("", "start_failed"),
        ("tools/*", "command_not_found"),
        ("tools/relative", "command_not_executable"),
        ("tools/fifo", "policy"),
    ],
)
async def test_what_cannot_be_executed(hostile: Arena, word: str, reason: str) -> None:
    """An allowed file that is none, and an interpreter that the working folder would decide."""
    assert_refused(hostile, await hostile.run(word), reason)


@pytest.mark.parametrize("name", DANGEROUS)
async def test_no_variable_changes_what_an_allowed_program_does(hostile: Arena, name: str) -> None:
    """A list of the dangerous ones would never be complete; `LOCPATH` and `TAPE` are examples."""
    text = assert_refused(hostile, await hostile.run("true", env={name: "x"}))
    assert repr(name) in text
    if name not in ("PATH", "FOO_SECRET") and "ARBOR" not in name.upper():
        assert "`allow_environment`" in text


@pytest.mark.parametrize(("name", "value"), [("TZ", ":/etc/passwd"), ("LANG", "../../x")])
async def test_a_listed_variable_is_no_path(hostile: Arena, name: str, value: str) -> None:
    """glibc reads the file that TZ names."""
    assert_refused(hostile, await hostile.run("true", env={name: value}))


async def test_variables_that_are_allowed_arrive(hostile: Arena) -> None:
    """The small list, the owner's, and a rule's; PATH is the daemon's."""
    variables = {"LANG": "C.UTF-8", "TZ": "Europe/Berlin", "FOO_BAR": "/any;thing"}
    text = await printed(hostile, "printenv", "LANG", "TZ", "FOO_BAR", env=variables)
    assert text.splitlines() == list(variables.values())
    shown = await printed(hostile, "env", "--null", env={"BAR": "1"})
    assert "BAR=1" in shown.split("\0")
    assert_refused(hostile, await hostile.run("true", env={"BAR": "1"}))


@pytest.mark.parametrize(
    "args",
    [
        *([], ["%s|"], ["%s", "a"], ["%d|", "a"], ["%s|", "A"], ["%s|", "-v"], ["-v", "a", "b"]),
        *(["%s|", "a", "--help"], ["%s|", "a", "b", "-v"], ["%s|", ""], ["--", "%s|", "a"]),
    ],
)
async def test_arguments_beyond_a_rule_are_refused(hostile: Arena, args: list[str]) -> None:
    """Number, order, and options: what a program is told to do is part of the rule."""
    assert "`arguments`" in assert_refused(hostile, await hostile.run("printf", *args))


async def test_arguments_within_a_rule_arrive(hostile: Arena) -> None:
    """A glob stands for one argument with anything in it, `...` for any number."""
    assert await printed(hostile, "printf", "%s|", "a/b c\n") == "a/b c\n|"
    assert await printed(hostile, "printf", "%s|", "a", "B", "") == "a|B||"


async def test_a_shell_needs_a_rule_for_exactly_that(hostile: Arena) -> None:
    """`shell: true` is `/bin/sh -c LINE`, and is judged as that."""
    assert await printed(hostile, "echo exactly this", shell=True) == "exactly this\n"
    for line in (": > mark", "echo exactly this; : > mark", ""):
        task = await hostile.run(line, shell=True)
        assert_refused(hostile, task, "policy" if line else "start_failed")
    task = await hostile.run("echo exactly this", "more", shell=True)
    assert_refused(hostile, task)
    task = await hostile.run("echo exactly this", shell=True, tty=TERMINAL)
    assert "`terminal`" in assert_refused(hostile, task)


async def test_a_rule_bounds_the_folder(hostile: Arena) -> None:
    """By the folder that is used, not by its name."""
    (hostile.workspace / "to-sub").symlink_to("sub")
    for cwd in ("sub", "to-sub", "sub/../sub", "deep/a/b"):
        folder = (hostile.workspace / cwd).resolve()
        assert await printed(hostile, "pwd", "-P", cwd=cwd) == f"{folder}\n"
    for cwd in (".", "tools", "sub/tools", "sub/..", "within"):
        assert "`cwd`" in assert_refused(hostile, await hostile.run("pwd", "-P", cwd=cwd))


async def test_a_rule_without_input_gives_an_empty_one(hostile: Arena) -> None:
    """Whatever the hub asks for and sends; a terminal would be input as well."""
    task = await hostile.start("cat", stdin="open")
    await hostile.hub.feed(task, b"secret", eof=True)
    end = await hostile.hub.ended(task)
    assert (end.exit_code, bytes(task.stdout)) == (0, b"")
    assert "`input`" in assert_refused(hostile, await hostile.run("cat", tty=TERMINAL))


@pytest.mark.parametrize(
    ("word", "cwd"),
    [
        *[(word, ".") for word in ("tools/ok", "./tools/ok", "tools//ok", "{ws}/tools/ok")],
        *[(word, ".") for word in ("tools/../tools/ok", "within/ok", "proc/tools/ok")],
        *[("../tools/ok", "sub"), ("./ok", "tools"), ("{ws}/within/ok", "sub")],
    ],
)
async def test_an_allowed_script_runs_by_any_name_of_its_own(
    hostile: Arena, word: str, cwd: str
) -> None:
    """It finds its own folder, and its `$0` has no link of the task's choice in it."""
    word = word.replace("{ws}", str(hostile.workspace))
    folder = hostile.workspace / "tools"
    text = await printed(hostile, word, "a b", "-c", cwd=cwd)
    assert text == f"{folder} {folder}/ok a b -c\n"


async def test_other_allowed_files_run(hostile: Arena) -> None:
    """Programs, names in PATH, links within what is allowed, interpreters of interpreters."""
    tools = hostile.workspace / "tools"
    assert await printed(hostile, "tools/binary", "a", "$b") == "a $b\n"
    assert await printed(hostile, "./run.sh") == f"ran in {hostile.workspace}\n"
    assert await printed(hostile, "../run.sh", cwd="sub") == f"ran in {hostile.workspace}/sub\n"
    assert await printed(hostile, "tools/alias") == f"{tools} {tools}/alias \n"
    assert await printed(hostile, "tools/python") == f"{tools}/python\n"
    nested = await printed(hostile, "tools/nested", "x")
    assert nested == f"{tools} {tools}/ok an argument {tools}/nested x\n"
    assert await printed(hostile, "deep/a/b/go") == "deep\n"
    for word in ("true", "/bin/true", "/usr/bin/true", "bin/true", "/proc/self/root/bin/true"):
        assert await printed(hostile, word) == ""


async def test_a_link_runs_under_the_name_that_is_allowed(hostile: Arena) -> None:
    """A program of many (busybox) does what it is called; `links/ls` allows no `links/sh`."""
    assert await printed(hostile, "links/ls") == "ls\n"
    assert_refused(hostile, await hostile.run("links/sh"))


async def test_what_is_executed_keeps_no_descriptor(hostile: Arena) -> None:
    """The one it is executed through is closed."""
    (hostile.workspace / "tools" / "fds").unlink(missing_ok=True)
    show = "import os; print(sorted(int(f) for f in os.listdir('/proc/self/fd')))"
    script(hostile.workspace / "tools" / "fds", f"#!{sys.executable}\n{show}\n")
    assert await printed(hostile, "tools/fds") == "[0, 1, 2, 3]\n"  # 3 is listdir's own


async def test_a_link_that_is_swapped_all_the_time_leads_to_nothing_else(hostile: Arena) -> None:
    """Each task runs the allowed file or none, whatever the link led to at which moment."""
    (hostile.workspace / "swapped").mkdir()
    script(hostile.workspace / "swapped" / "true", f"#!/bin/sh\n: > {hostile.workspace}/mark\n")
    link, stop = hostile.workspace / "swap", threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for target in ("/bin", "swapped"):
                with suppress(FileExistsError):
                    (hostile.workspace / "next").symlink_to(target)
                os.rename(hostile.workspace / "next", link)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(100):
            task = await hostile.run("swap/true")
            assert task.end is not None
            assert task.end.exit_code == 0 or task.end.reason == "policy"
            assert not was_marked(hostile)
    finally:
        stop.set()
        thread.join()


async def test_refusals_do_not_show_what_else_is_on_the_machine(hostile: Arena) -> None:
    """A path that is there and one that is not are refused alike; the daemon's log says more."""
    texts = [
        assert_refused(hostile, await hostile.run(word)).replace(word, "…")
        for word in ("/etc/passwd", "/etc/never-was", "/etc", "tools/out", "/proc/self/exe")
    ]
    assert len(set(texts)) == 1
    assert b"'/usr/bin/" in hostile.daemon.stderr
    assert await printed(hostile, "true") == ""


@pytest.mark.asyncio(loop_scope="function")
async def test_a_path_with_the_workspace_in_it_finds_nothing_there(tmp_path: Path) -> None:
    """A daemon that was started in a virtual environment, or with `.` in its PATH."""
    workspace = tmp_path / "workspace"
    path = f"{workspace}/bin:.:bin::{tmp_path}/in:{tmp_path}/outside:{os.environ['PATH']}"
    async with make_arena(tmp_path, env={"PATH": path}) as arena:
        (tmp_path / "in").symlink_to(workspace / "bin")
        (arena.daemon.state / "arbor.toml").write_text("allowed_commands = ['true', 'm*', 'go']\n")
        for name in ("bin/true", "bin/mine", "true", "bin/sh"):
            script(workspace / name, f"#!/bin/sh\n: > {workspace}/mark\n")
        script(tmp_path / "outside" / "my-script", "#!/usr/bin/env sh\necho mine\n")
        for word in ("mine", "bin/true", "./true", "go"):
            task = await arena.run(word)
            reason = "command_not_found" if word == "go" else "policy"
            assert_refused(arena, task, reason)
        assert await printed(arena, "true", cwd="bin") == ""
        assert await printed(arena, "my-script", cwd="bin") == "mine\n"
        assert not was_marked(arena)


@pytest.mark.asyncio(loop_scope="function")
async def test_the_example_of_the_documentation_holds(arena: Arena) -> None:
    """It allows what it says and nothing by way of it."""
    page = Path(__file__).parents[2] / "docs" / "how-to" / "local-policy.md"
    example = page.read_text().split("```toml\n")[1].split("```")[0]
    (arena.daemon.state / "arbor.toml").write_text(example)
    script(arena.workspace / "df", f"#!/bin/sh\n: > {arena.workspace}/mark\n")
    (arena.workspace / "bin").symlink_to("/usr/bin")
    for word in ("df", "/usr/bin/df", "bin/df"):
        assert await printed(arena, word, "-h", env={"LC_ALL": "C"})
    for word, *args in (
        *[("df",), ("df", "-h", "."), ("df", "-h", "--help"), ("./df", "-h"), ("bin/../df", "-h")],
        *[("/usr/bin/env", "./df"), ("sh", "-c", "./df"), ("bin/sh", "-c", "./df")],
        *[("/usr/bin/df/../env", "./df"), ("/opt/lab/../../usr/bin/env", "./df"), ("make",)],
        *[("/opt/lab/measure/../x",), ("/opt/lab/x",), ("uptime", "-p"), ("git", "status")],
    ):
        assert_refused(arena, await arena.run(word, *args))
    assert_refused(arena, await arena.run("df", "-h", env={"HOME": "."}))
    assert_refused(arena, await arena.run("./df", shell=True))
