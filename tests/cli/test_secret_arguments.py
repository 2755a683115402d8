"""One-time secrets are not among the arguments of a process, where other users could read them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest

from arborlink.cli.browser import open_link_and_leave, write_page
from arborlink.cli.enrolment_code import without_code
from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import wait_until
from tests.threaded_http import serving

from .conftest import ARBOR, Up, clean_environment

CODE: Final = "BCDF-GHJK"


class EnrolmentHub:
    """Refuses every code, and notes it together with the arguments of the process that sent it."""

    def __init__(self) -> None:
        self.codes: list[str] = []
        self.arguments = b""
        self.pid: int | None = None
        self.began = threading.Event()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert hub.began.wait(HANG_SECONDS)
                hub.codes.append(json.loads(body)["code"])
                hub.arguments = Path(f"/proc/{hub.pid}/cmdline").read_bytes()
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Not here."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def started(self, pid: int) -> None:
        """Whose arguments are to be noted."""
        self.pid = pid
        self.began.set()


@pytest.fixture
def hub() -> Iterator[EnrolmentHub]:
    hub = EnrolmentHub()
    with serving(hub.server):
        yield hub


@pytest.mark.parametrize("command", [["daemon"], ["daemon", "install"]], ids=" ".join)
@pytest.mark.parametrize(
    ("words", "variable", "stdin", "warned"),
    [
        (["--code", CODE], None, "", True),
        ([f"--code={CODE}"], None, "", True),
        (["--code", "-"], None, f"{CODE}\n", False),
        (["--code-file", "code.txt"], None, "", False),
        ([], CODE, "", False),
    ],
    ids=["argument", "argument with =", "stdin", "file", "environment"],
)
def test_a_code_is_redeemed_by_a_process_without_it_in_its_arguments(
    hub: EnrolmentHub,
    tmp_path: Path,
    command: list[str],
    words: list[str],
    variable: str | None,
    stdin: str,
    warned: bool,
) -> None:
    (tmp_path / "code.txt").write_text(f"{CODE}\n")
    environment = clean_environment(tmp_path / "home")
    process = subprocess.Popen(
        [*ARBOR, *command, ".", "--hub", hub.url, *words],
        env=environment if variable is None else {**environment, "ARBOR_CODE": variable},
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    hub.started(process.pid)
    _, said = process.communicate(stdin, timeout=HANG_SECONDS)
    assert process.returncode == 1, said
    assert hub.codes == [CODE], said
    assert CODE.encode() not in hub.arguments and b"daemon" in hub.arguments
    assert said.count("other users of this machine can read a code") == warned
    assert CODE not in said


def test_a_code_is_asked_for_on_a_terminal(hub: EnrolmentHub, tmp_path: Path) -> None:
    child, terminal = pty.fork()
    if child == 0:
        words = [*ARBOR, "daemon", str(tmp_path), "--hub", hub.url]
        os.execve(sys.executable, words, clean_environment(tmp_path / "home"))
    try:
        hub.started(child)
        seen = b""
        while b"code, as" not in seen:
            seen += os.read(terminal, 1024)
        os.write(terminal, f"{CODE}\n".encode())
        _, status = os.waitpid(child, 0)
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 1
    assert hub.codes == [CODE] and CODE.encode() not in hub.arguments


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["daemon", "x", "--code", CODE], (["daemon", "x"], CODE)),
        (["daemon", f"--code={CODE}", "--", "x"], (["daemon", "--", "x"], CODE)),
        (["daemon", "--code", "A", "--code", CODE], (["daemon"], CODE)),
        (["daemon", "--code", "-"], None),
        (["daemon", "--code"], None),
        (["daemon", "--code-file", CODE], None),
        (["daemon", "--", "--code", CODE], None),
        (["run", "--", "daemon", "--code", CODE], None),
    ],
)
def test_a_code_is_found_among_the_arguments_of_a_daemon_alone(
    words: list[str], found: tuple[list[str], str] | None
) -> None:
    assert without_code(words) == found


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    """A program that notes its arguments, and what is in the file that it was given."""
    program = tmp_path / "browser"
    program.write_text(
        '#!/bin/sh\nfile="${1#file://}"\n'
        'printf "%s\\n" "$@" > "$0.arguments"; stat -c %a "$file" > "$0.mode"; '
        'cat "$file" > "$0.page.part"; mv "$0.page.part" "$0.page"\n'
    )
    program.chmod(0o755)
    return program


def noted(browser: Path, what: str) -> str:
    return Path(f"{browser}.{what}").read_text()


@pytest.mark.parametrize("words", [["link", "--open"], ["up"]], ids=" ".join)
def test_a_browser_gets_a_file_that_leads_to_the_link(
    up: Up, browser: Path, words: list[str]
) -> None:
    done = subprocess.run(
        up.command(*words),
        env={**up.environment, "BROWSER": f"{browser} %s", "DISPLAY": ":0"},
        cwd=up.folder,
        capture_output=True,
        timeout=HANG_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert "#link=" not in noted(browser, "arguments") and "file://" in noted(browser, "arguments")
    assert noted(browser, "mode") == "600\n"
    assert f"url=http://127.0.0.1:{up.port}/#link=" in noted(browser, "page")


def test_the_file_is_gone_when_arbor_up_has_ended(browser: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    process = subprocess.Popen(
        [*ARBOR, "up", str(tmp_path), "--port", "0"],
        env={**clean_environment(home), "BROWSER": f"{browser} %s", "DISPLAY": ":0"},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(Path(f"{browser}.page").exists, "the browser to be opened")
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=HANG_SECONDS)
    assert process.returncode == 0, said
    assert "/#link=" in noted(browser, "page") and "#link=" not in noted(browser, "arguments")
    assert list((home / "pages").iterdir()) == []


def test_without_a_browser_nothing_is_left_behind(up: Up, tmp_path: Path) -> None:
    done = subprocess.run(
        up.command("link", "--open"),
        env={**up.environment, "BROWSER": "/bin/false %s", "PATH": str(tmp_path)},
        cwd=up.folder,
        capture_output=True,
        timeout=HANG_SECONDS,
    )
    assert done.returncode == 1 and b"`arbor link` prints the link" in done.stderr


def test_the_file_for_a_browser_replaces_what_was_left_behind(
    browser: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARBOR_HOME", str(tmp_path / "home"))
    first = write_page("http://127.0.0.1:1/#link=a\"'<>")
    second = write_page("http://127.0.0.1:1/#link=b")
    assert list(first.parent.iterdir()) == [second]
    assert first.parent.stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr("webbrowser.open", lambda url: False)
    assert not open_link_and_leave("http://127.0.0.1:1/#link=c")
    assert list(first.parent.iterdir()) == []
