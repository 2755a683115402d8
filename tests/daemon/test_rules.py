"""Rules for commands: which paths and arguments a pattern matches, and what is executed."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.daemon.executable import OpenFile, StartFailed, open_file, through_interpreters
from arborlink.daemon.restricted import Place, opened
from arborlink.daemon.rules import Machine, NotAllowed, Request, Restriction, Rule, names_file
from arborlink.protocol.messages import Command

MACHINE = Machine("/srv/space [1]", ("/no/such/folder", "/usr/bin"))


def request(named: str, real: str | None = None) -> Request:
    """A file as it was opened, without arguments."""
    return Request(named, real or named, [], ".", {}, terminal=False)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/opt/x/*", "/opt/x/a", True),
        ("/opt/x/*", "/opt/x/a/b", False),
        ("/opt/x/*", "/opt/x", False),
        ("/opt/*/a", "/opt/x/a", True),
        ("/opt/*/a", "/opt/x/y/a", False),
        ("/opt/**/a", "/opt/a", True),
        ("/opt/**/a", "/opt/x/y/a", True),
        ("/opt/**", "/opt/x/y/a", True),
        ("/opt/**", "/optional", False),
        ("/opt/x**", "/opt/x/y", False),
        ("/**", "/opt/x", True),
        ("/opt/x/[ab]?", "/opt/x/ac", True),
        ("/opt/X", "/opt/x", False),
        ("//opt/./x", "/opt/x", True),
        ("tools/*", "/srv/space [1]/tools/a", True),
        ("./a", "/srv/space [1]/a", True),
        ("./a", "/srv/space [1]/b/a", False),
        ("./*", "/srv/space 1/a", False),
        ("**/a", "/srv/space [1]/b/c/a", True),
        ("m?ke", "/usr/bin/make", True),
        ("m?ke", "/bin/sub/make", False),
        ("*", "/opt/make", False),
        ("/", "/", False),
    ],
)
def test_patterns_match_name_by_name(pattern: str, path: str, matches: bool) -> None:
    """`*` never crosses a `/`; what is relative is below the workspace, or in PATH."""
    assert names_file(pattern, request(path), MACHINE) is matches


def test_a_wildcard_matches_the_entry_and_what_it_leads_to() -> None:
    """A path without one names the entry, be it a link."""
    link = request("/opt/x/java", "/opt/java/bin/java")
    assert not names_file("/opt/x/*", link, MACHINE)
    assert names_file("/opt/x/java", link, MACHINE)
    assert names_file("/opt/**", link, MACHINE)
    # Below the workspace also without a wildcard: the workspace is the tasks'.
    link = request("/srv/space [1]/a", "/opt/x/java")
    assert not names_file("./a", link, MACHINE)
    assert names_file("/srv/space [1]/a", link, MACHINE) is False  # `[1]` is a wildcard there
    assert names_file("/srv/space [[]1]/a", link, MACHINE) is False
    assert not names_file("/opt/x/java", request("/opt/y/java", "/opt/x/java"), MACHINE)


@given(st.lists(st.sampled_from(["a", "b", "ab"]), max_size=8))
def test_folders_in_between(parts: list[str]) -> None:
    """`**` is any number of names, none included."""
    path = "/" + "/".join(["r", *parts, "end"])
    assert names_file("/r/**/**/end", request(path), MACHINE)
    assert names_file("/**/a/**/end", request(path), MACHINE) is ("a" in parts)


def test_many_wildcards_take_no_long_time() -> None:
    """Only work that grows with both lengths ends here at all."""
    path = "/" + "/".join(["a"] * 2000)
    assert not names_file("/" + "**/*/" * 200 + "b", request(path), MACHINE)


def test_a_rule_with_input_comes_first() -> None:
    """The order of the rules decides nothing."""
    rules = Rule("/x", input=False), Rule("/x"), Rule("/x", terminal=False)
    for order in (rules, rules[::-1]):
        assert Restriction(order).find_rule(request("/x"), MACHINE).input
    assert not Restriction(rules[:1]).find_rule(request("/x"), MACHINE).input
    with pytest.raises(NotAllowed):
        Restriction(rules).find_rule(request("/y"), MACHINE)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A workspace with an allowed program and another one."""
    for name, kind in {"good/tool": "true", "evil/tool": "false"}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(Path("/bin", kind).read_bytes())
        (tmp_path / name).chmod(0o755)
    (tmp_path / "link").symlink_to("good")
    folder_fd = os.open(tmp_path, os.O_PATH)
    yield Place(str(tmp_path), folder_fd, b"/usr/bin")
    os.close(folder_fd)


def run(path: bytes, argv: list[bytes]) -> int:
    """Execute a path and return the exit code."""
    pid = os.posix_spawn(path, argv, {})
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("word", ["good/tool", "link/tool"])
def test_what_was_checked_is_what_is_executed(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """Between check and execution both the link and the file are exchanged."""
    monkeypatch.chdir(tmp_path)
    restriction = Restriction((Rule("good/*"),))
    command = Command(task_id="t", command=word, args=[])
    with opened(command, [word.encode()], place, restriction) as allowed:
        (tmp_path / "link").unlink()
        (tmp_path / "link").symlink_to("evil")
        os.rename(tmp_path / "evil" / "tool", tmp_path / "good" / "tool")
        assert allowed.argv == [os.fsencode(tmp_path / "good" / "tool")]
        assert run(allowed.path, allowed.argv) == 0
        assert run(os.fsencode(tmp_path / "good" / "tool"), [b"tool"]) == 1


def test_the_first_argument_is_the_way_that_the_rule_allows(place: Place, tmp_path: Path) -> None:
    """A virtual environment is found by it, and must not be found by a link of the task's."""
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "venv" / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).parent}\n")
    (tmp_path / "way").symlink_to("venv/bin")
    word = os.fsencode(tmp_path / "way" / "python")
    show = f"import sys; sys.exit(sys.prefix != {str(tmp_path / 'venv')!r})".encode()
    restriction = Restriction((Rule(f"{tmp_path}/venv/bin/python"),))
    command = Command(task_id="t", command="python", args=[])
    with opened(command, [word, b"-c", show], place, restriction) as allowed:
        assert allowed.argv[0] == os.fsencode(tmp_path / "venv" / "bin" / "python")
        assert run(allowed.path, allowed.argv) == 0


def test_a_deleted_file_is_not_taken_for_another(tmp_path: Path) -> None:
    """The kernel would give its path a mark that could be part of a name."""
    (tmp_path / "x").write_text("")
    fd = os.open(tmp_path / "x", os.O_RDONLY)
    (tmp_path / "x").unlink()
    (tmp_path / "x (deleted)").write_text("")
    with pytest.raises(StartFailed):
        open_file(f"/proc/self/fd/{fd}".encode())
    os.close(fd)


def test_without_descriptors_nothing_is_said_of_the_file() -> None:
    """The task fails to start, and no rule is blamed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            open_file(b"/bin/true")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("#!/bin/sh", ["/bin/sh", "{}", "x"]),
        ("#! \t/bin/sh\t -e  -u \t\nrest", ["/bin/sh", "-e  -u", "{}", "x"]),
        ("#!/bin/sh -e\r\n", ["/bin/sh", "-e\r", "{}", "x"]),
        ("#!/bin/sh\0/x\n", ["/bin/sh", "{}", "x"]),
        ("#!/bin/sh " + "a" * 400, ["/bin/sh", "a" * 246, "{}", "x"]),
        ("#!/bin/sh\r\n", None),
        ("#!/" + "a" * 400, None),
        ("#!", None),
        ("#!  \n", None),
        ("#!sh\n", None),
        ("#!./sh\n", None),
        ("#!/etc\n", None),
        ("#!/no/such\n", None),
        ("#!{}\n", None),
    ],
)
def test_the_first_line_of_a_script(tmp_path: Path, line: str, expected: list[str] | None) -> None:
    """Read as the kernel reads it (binfmt_script.c), but for interpreters that are relative."""
    path = tmp_path / "script"
    path.write_text(line.replace("{}", str(path)))
    before = os.listdir("/proc/self/fd")
    file: OpenFile = open_file(os.fsencode(path))
    if expected is None:
        with pytest.raises(StartFailed):
            through_interpreters(file, [b"script", b"x"])
    else:
        file, argv = through_interpreters(file, [b"script", b"x"])
        os.close(file.fd)
        assert [each.decode() for each in argv] == [each.format(path) for each in expected]
    assert os.listdir("/proc/self/fd") == before
