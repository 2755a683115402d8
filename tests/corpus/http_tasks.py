"""Tasks that the hub must not take, or that must end at once with a reason that says why."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.corpus.http_case import HttpCase
from tests.corpus.http_wire import JSON

TASKS = "/api/workspaces/<workspace>/tasks"
KIB = 1024
# A part of an argument that must never be carried out by anybody: it would leave this behind.
MARK = "carried-out"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCase:
    """A task that the hub takes. It ends as `expected`: status and reason, or status alone; with
    `output`, if it is said, to its last byte."""

    id: str
    kind: str
    expected: str
    command: str = "true"
    args: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    output: str | None = None


# ── refused by the hub ───────────────────────────────────────────────────────────────────────────


def _with_modes(modes: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"command": "true", "tty": {"cols": 80, "rows": 24, "modes": modes}}


_INVALID = "422 invalid_input"
_OUTSIDE = "422 cwd_outside_workspace"
_NUL = "422 nul_character"
_TOO_LARGE = "422 command_too_large"
_REFUSED: Mapping[str, Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "B27": {
        "no-command": (_INVALID, {"args": []}),
        "empty-command": ("422 empty_command", {"command": ""}),
        "blank-command": ("422 empty_command", {"command": " \t\n"}),
        "empty-script": ("422 empty_command", {"command": "", "shell": True}),
        "list": (_INVALID, {"command": ["ls", "-l"]}),
        "args-in-one": (_INVALID, {"command": "ls", "args": "-l"}),
        "args-of-numbers": (_INVALID, {"command": "ls", "args": [1]}),
        "args-of-null": (_INVALID, {"command": "ls", "args": [None]}),
        "args-of-lists": (_INVALID, {"command": "ls", "args": [[""]]}),
        "args-object": (_INVALID, {"command": "ls", "args": {"0": "-l"}}),
        "20000-args": (_INVALID, {"command": "ls", "args": [""] * 20_000}),
        "200000-args": (_INVALID, {"command": "ls", "args": [""] * 200_000}),
        "long-arg": (_INVALID, {"command": "ls", "args": ["x" * (128 * KIB + 1)]}),
        # Linux starts nothing with an argument of this size.
        "arg-at-limit": (_TOO_LARGE, {"command": "ls", "args": ["x" * (128 * KIB)]}),
        "args-in-all": (_TOO_LARGE, {"command": "ls", "args": ["x" * 60_000] * 3}),
        "three-megabytes": ("413 message_too_large", {"command": "ls", "args": ["x" * 3_000_000]}),
        "nul-in-command": (_NUL, {"command": "l\0s"}),
        "nul-in-arg": (_NUL, {"command": "ls", "args": ["a\0b"]}),
        "nul-alone": (_NUL, {"command": "\0"}),
    },
    "B30": {
        "up": (_OUTSIDE, {"command": "true", "cwd": ".."}),
        "up-and-up": (_OUTSIDE, {"command": "true", "cwd": "../../.."}),
        "up-inside": (_OUTSIDE, {"command": "true", "cwd": "a/../../b"}),
        "root": (_OUTSIDE, {"command": "true", "cwd": "/"}),
        "two-slashes": (_OUTSIDE, {"command": "true", "cwd": "//"}),
        "proc": (_OUTSIDE, {"command": "true", "cwd": "/proc/self/cwd"}),
        "absolute": (_OUTSIDE, {"command": "true", "cwd": "/etc"}),
        "nul": (_NUL, {"command": "true", "cwd": "a\0b"}),
        "long": (_INVALID, {"command": "true", "cwd": "x" * 4_097}),
        "list": (_INVALID, {"command": "true", "cwd": ["."]}),
    },
    "B31": {
        "empty-name": (_INVALID, {"command": "true", "env": {"": "x"}}),
        "equals": (_INVALID, {"command": "true", "env": {"A=B": "x"}}),
        "equals-first": (_INVALID, {"command": "true", "env": {"=A": "x"}}),
        "nul-in-name": (_INVALID, {"command": "true", "env": {"A\0B": "x"}}),
        "nul-in-value": (_NUL, {"command": "true", "env": {"A": "x\0y"}}),
        "10000": (_INVALID, {"command": "true", "env": {f"A{n}": "" for n in range(10_000)}}),
        "long-name": (_INVALID, {"command": "true", "env": {"A" * 257: ""}}),
        "long-value": (_INVALID, {"command": "true", "env": {"A": "x" * (128 * KIB + 1)}}),
        "list": (_INVALID, {"command": "true", "env": ["A=B"]}),
        "number": (_INVALID, {"command": "true", "env": {"A": 1}}),
        "null": (_INVALID, {"command": "true", "env": {"A": None}}),
    },
    "B33": {
        "timeout-0": (_INVALID, {"command": "true", "timeout": 0}),
        "timeout-minus-1": (_INVALID, {"command": "true", "timeout": -1}),
        "timeout-1e12": (_INVALID, {"command": "true", "timeout": 1e12}),
        "timeout-text": (_INVALID, {"command": "true", "timeout": "1"}),
        "expiry-0": (_INVALID, {"command": "true", "expiresIn": 0}),
        "expiry-1e12": (_INVALID, {"command": "true", "expiresIn": 1e12}),
        "cols-0": (_INVALID, {"command": "true", "tty": {"cols": 0, "rows": 24}}),
        "rows-0": (_INVALID, {"command": "true", "tty": {"cols": 80, "rows": 0}}),
        "cols-minus-1": (_INVALID, {"command": "true", "tty": {"cols": -1, "rows": 24}}),
        "rows-65536": (_INVALID, {"command": "true", "tty": {"cols": 80, "rows": 65_536}}),
        "cols-true": (_INVALID, {"command": "true", "tty": {"cols": True, "rows": 24}}),
        "no-rows": (_INVALID, {"command": "true", "tty": {"cols": 80}}),
        "mode-256": (_INVALID, _with_modes({"VERASE": 256})),
        "mode-minus-1": (_INVALID, _with_modes({"ECHO": -1})),
        "mode-text": (_INVALID, _with_modes({"ECHO": "on"})),
        "mode-name": (_INVALID, _with_modes({"echo": 1})),
        "mode-long-name": (_INVALID, _with_modes({"E" * 17: 1})),
        "modes-65": (_INVALID, _with_modes({f"M{n}": 1 for n in range(65)})),
        "tty-list": (_INVALID, {"command": "true", "tty": [80, 24]}),
    },
    "B22": {
        "title-nul": ("422 unprintable_title", {"command": "true", "title": "a\0b"}),
        "title-newlines": ("422 unprintable_title", {"command": "true", "title": "a\r\nb"}),
        "title-turned": ("422 unprintable_title", {"command": "true", "title": "\u202eb"}),
        "title-separator": ("422 unprintable_title", {"command": "true", "title": "a\u2028b"}),
        "title-zero-width": ("422 unprintable_title", {"command": "true", "title": "a\u200bb"}),
        "title-escape": ("422 unprintable_title", {"command": "true", "title": "\x1b[2J"}),
        "title-long": (_INVALID, {"command": "true", "title": "x" * 257}),
    },
    "B24": {
        "policy": (_INVALID, {"command": "true", "onSpoolFull": "__proto__"}),
        "offline": (_INVALID, {"command": "true", "ifOffline": "constructor"}),
        "stdin": (_INVALID, {"command": "true", "stdin": "{0.__init__}"}),
    },
}
_GRACE: Mapping[str, object] = {
    "minus-1": -1,
    "1e12": 1e12,
    "text": '9"; rm -rf /',
    "signal": [9],
    "true": True,
}
_INPUTS: Mapping[str, Mapping[str, Any]] = {
    "nothing": {},
    "both": {"input": "eA==", "text": "x"},
    "not-base64": {"input": "=" * 9},
    "negative-offset": {"text": "x", "offset": -1},
    "half-offset": {"text": "x", "offset": 0.5},
    "offset-beyond-63-bits": {"text": "x", "offset": 2**63},
    "too-much": {"text": "x" * (64 * KIB + 1)},
    "too-many-bytes": {"text": "\u20ac" * (60 * KIB)},
    "eof-text": {"text": "x", "eof": "yes"},
}

REFUSED = (
    *(
        HttpCase(
            id=f"{kind}-{name}",
            kind=kind,
            expected=expected,
            method="POST",
            target=TASKS,
            headers=(("Content-Type", JSON),),
            body=json.dumps(body).encode(),
        )
        for kind, cases in _REFUSED.items()
        for name, (expected, body) in cases.items()
    ),
    *(
        HttpCase(
            id=f"B33-grace-{name}",
            kind="B33",
            expected=_INVALID,
            method="POST",
            target="/api/tasks/<task>/cancel",
            headers=(("Content-Type", JSON),),
            body=json.dumps({"graceSeconds": value}).encode(),
        )
        for name, value in _GRACE.items()
    ),
    *(
        HttpCase(
            id=f"B33-input-{name}",
            kind="B33",
            expected=_INVALID,
            method="POST",
            target="/api/tasks/<task>/input",
            headers=(("Content-Type", JSON),),
            body=json.dumps(body).encode(),
        )
        for name, body in _INPUTS.items()
    ),
    HttpCase(
        id="B33-input-beyond-the-end",
        kind="B33",
        expected="409 offset_out_of_order",
        method="POST",
        target="/api/tasks/<task>/input",
        headers=(("Content-Type", JSON),),
        body=b'{"text":"x","offset":5}',
    ),
)

# ── taken, and ended by the daemon with a reason ─────────────────────────────────────────────────

_NOT_FOUND = "failed command_not_found"
_NOT_EXECUTABLE = "failed command_not_executable"
_FOLDER = "failed working_directory"
_POLICY = "failed policy"

# Whoever reads one of these as anything but an argument leaves MARK behind.
_ARGUMENTS = (
    "$(touch {mark})",
    "`touch {mark}`",
    "; touch {mark}",
    "| touch {mark}",
    "&& touch {mark}",
    "\n touch {mark}\n",
    "> {mark}",
    "${{IFS}}touch${{IFS}}{mark}",
    "--output={mark}",
    "@{mark}",
    "%n%s{mark}",
    "{{0.__init__}}",
    "\u202ereversed",
    "\u2028",
    "\x1b]52;c;ZXZpbA==\x07",
    "*",
    "~",
    "",
)
FORBIDDEN_VARIABLES = ("ARBOR_TOKEN", "ARBOR_URL", "arbor_home")
# Code to some program. A machine that restricts no commands takes them (`env NAME=VALUE` would do
# as well), and the daemon itself obeys none; tests/daemon/test_hostile_hub.py has the others.
CODE_VARIABLES = (
    *("LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "GLIBC_TUNABLES", "GCONV_PATH", "BASH_ENV"),
    *("SHELLOPTS", "PS4", "IFS", "BASH_FUNC_ls%%", "VIMINIT", "GIT_SSH_COMMAND", "PYTHONPATH"),
    *("NODE_OPTIONS", "PERL5OPT", "JAVA_TOOL_OPTIONS", "LESSOPEN", "HOSTALIASES"),
)
# As `prepare` makes them in the workspace; those that lead out lead to the folder beside it.
_FOLDERS: Mapping[str, str] = {
    "link-out": "out",
    "link-to-root": "root",
    "link-through-up": "up",
    "link-to-proc": "proc",
    "link-to-itself": "loop",
    "below-a-link-out": "out/below",
    "fifo": "fifo",
    "file": "file",
    "below-a-file": "file/x",
    "deleted": "never-was",
    "long-name": "x" * 300,
    "home": "~root",
    "variable": "$HOME",
    "newline": "a\nb",
    "turned-round": "\u202e",
    "trailing-up": "inside/never-was",
}

TAKEN = (
    # B27: what is no program, and what must stay one argument.
    TaskCase(id="B27-line", kind="B27", expected=_NOT_FOUND, command="ls -l"),
    TaskCase(id="B27-script", kind="B27", expected=_NOT_FOUND, command="touch x; ls"),
    TaskCase(id="B27-option", kind="B27", expected=_NOT_FOUND, command="-rf"),
    TaskCase(id="B27-newline", kind="B27", expected=_NOT_FOUND, command="true\n"),
    TaskCase(id="B27-turned-round", kind="B27", expected=_NOT_FOUND, command="\u202eeurt"),
    TaskCase(id="B27-long-name", kind="B27", expected=_NOT_FOUND, command="x" * 300),
    TaskCase(id="B27-proto", kind="B27", expected=_NOT_FOUND, command="__proto__"),
    TaskCase(id="B27-format", kind="B27", expected=_NOT_FOUND, command="%n{0.__init__}"),
    TaskCase(id="B27-jndi", kind="B27", expected=_NOT_FOUND, command="${jndi:ldap:x}"),
    TaskCase(id="B27-variable", kind="B27", expected=_NOT_FOUND, command="$SHELL"),
    *(
        TaskCase(
            id=f"B27-argument-{number}",
            kind="B27",
            expected="completed",
            command="printf",
            args=("%s|", argument.format(mark=MARK)),
            output=f"{argument.format(mark=MARK)}|",
        )
        for number, argument in enumerate(_ARGUMENTS)
    ),
    # B29: whose program it is.
    TaskCase(id="B29-relative", kind="B29", expected=_NOT_FOUND, command="./never-was"),
    TaskCase(id="B29-in-workspace", kind="B29", expected=_NOT_FOUND, command="planted"),
    TaskCase(id="B29-up", kind="B29", expected=_NOT_FOUND, command="../never-was"),
    TaskCase(id="B29-folder", kind="B29", expected=_NOT_EXECUTABLE, command="./inside"),
    TaskCase(id="B29-workspace-itself", kind="B29", expected=_NOT_EXECUTABLE, command="./"),
    TaskCase(id="B29-no-permission", kind="B29", expected=_NOT_EXECUTABLE, command="./file"),
    TaskCase(id="B29-no-program", kind="B29", expected=_NOT_EXECUTABLE, command="./noise"),
    TaskCase(id="B29-no-interpreter", kind="B29", expected=_NOT_FOUND, command="./orphan"),
    TaskCase(id="B29-fifo", kind="B29", expected=_NOT_EXECUTABLE, command="./fifo"),
    TaskCase(id="B29-loop", kind="B29", expected="failed start_failed", command="./loop"),
    *(
        TaskCase(
            id=f"B29-path-{name}",
            kind="B29",
            expected=_NOT_FOUND,
            command="planted",
            fields={"env": {"PATH": path}},
        )
        for name, path in {
            "empty": "",
            "empty-entry": ":/usr/bin",
            "empty-entry-last": "/usr/bin:",
            "empty-entry-inside": "/usr/bin::/bin",
            "dot": ".:/usr/bin",
            "relative": "inside:/usr/bin",
            "home": "~:/usr/bin",
            "up": "../workspace:/usr/bin",
        }.items()
    ),
    # B30: where it is to run.
    *(
        TaskCase(id=f"B30-{name}", kind="B30", expected=_FOLDER, command="pwd", fields={"cwd": cwd})
        for name, cwd in _FOLDERS.items()
    ),
    # B31: variables that are Arbor's, and those that are code.
    *(
        TaskCase(id=f"B31-{name}", kind="B31", expected=_POLICY, fields={"env": {name: "/x"}})
        for name in FORBIDDEN_VARIABLES
    ),
    *(
        TaskCase(id=f"B31-{name}", kind="B31", expected="completed", fields={"env": {name: "/x"}})
        for name in CODE_VARIABLES
    ),
    TaskCase(
        id="B31-option-in-user",
        kind="B31",
        expected="completed",
        command="printenv",
        args=("USER",),
        fields={"env": {"USER": "-f root"}},
        output="-f root\n",
    ),
    TaskCase(
        id="B31-newline-in-value",
        kind="B31",
        expected="completed",
        command="printenv",
        args=("A",),
        fields={"env": {"A": "x\nLD_PRELOAD=/x"}},
        output="x\nLD_PRELOAD=/x\n",
    ),
    # B33: the least that is allowed.
    TaskCase(
        id="B33-timeout-of-nothing",
        kind="B33",
        expected="failed timeout",
        command="sleep",
        args=("60",),
        fields={"timeout": 1e-300},
    ),
)


def prepare(workspace: Path, beside: Path) -> None:
    """The files that the cases speak of, in the workspace; `beside` is a folder next to it."""
    (workspace / "inside").mkdir()
    (beside / "below").mkdir(parents=True)
    (beside / "untouched").write_text("as it was")
    links = {
        "out": beside,
        "root": Path("/"),
        "up": Path("..") / beside.name,
        "proc": Path("/proc/self/root"),
        "loop": Path("loop"),
    }
    for name, leads_to in links.items():
        (workspace / name).symlink_to(leads_to)
    os.mkfifo(workspace / "fifo")
    (workspace / "file").write_text("no program")
    _program(workspace / "noise", b"\x00\x01\x02\x03 no program of any kind")
    _program(workspace / "orphan", b"#!/never/was\n")
    planted = f"#!/bin/sh\ntouch {beside}/{MARK}\n".encode()
    for folder in (workspace, workspace / "inside"):
        _program(folder / "planted", planted)


def seen(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Everything below a folder, by name."""
    for path in sorted(folder.rglob("*")):
        yield str(path.relative_to(folder)), path.read_bytes() if path.is_file() else b""


def _program(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o755)
