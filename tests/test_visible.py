"""Text from elsewhere cannot act on a terminal, and no module prints past `arborlink.visible`."""

from __future__ import annotations

import ast
import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink import __version__, visible
from arborlink.daemon import console as daemon_console
from arborlink.hub.logs import formatter
from tests.bounds import HANG_SECONDS

SOURCE: Final = Path(__file__).parents[1] / "src" / "arborlink"
# One of each kind: C0, DEL, C1, bidirectional controls, separators, tags, a byte of a file's name.
HOSTILE: Final = (
    "a\x1b]0;b\x07\x9b31m\x7f\x85\r\nforged\u202e\u2066\u2069\u200f\u061c\u2028\u2029\U000e0001"
)
# These make text visible before they write it.
EXITS: Final = {"visible.py", "cli/console.py", "daemon/console.py", "hub/logs.py", "hub/app.py"}
# These write a task's output, which is raw by design, and fixed bytes that restore a terminal.
RAW: Final = {"cli/writer.py", "cli/terminal.py"}
PRINTING: Final = {
    "print",
    "input",
    "click.echo",
    "click.secho",
    "click.echo_via_pager",
    "click.prompt",
    "click.confirm",
    "click.pause",
    "click.progressbar",
    "getpass.getpass",
    "traceback.print_exc",
    "traceback.print_exception",
    "logging.StreamHandler",
    "logging.basicConfig",
    "error.show",
}
STREAMS: Final = {"sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"}
HARMLESS: Final = {"isatty", "flush", "fileno", "encoding"}
WRITES: Final = {"os.write", "os.writev", "os.pwritev"}


def acting(text: str) -> str:
    """What of `text` is unprintable, but for its line feeds."""
    return "".join(each for each in text if not each.isprintable() and each != "\n")


@given(st.text())
def test_a_line_is_printable_and_one_line(text: str) -> None:
    assert visible.line(text).isprintable()
    assert visible.line(visible.line(text)) == visible.line(text)


@given(st.text())
def test_lines_keep_line_feeds_and_tabs_alone(text: str) -> None:
    assert acting(visible.lines(text).replace("\t", "")) == ""
    assert visible.lines(text).count("\n") == text.count("\n")


@given(st.recursive(st.text(), st.lists))
def test_json_means_the_same_and_is_printable(value: object) -> None:
    encoded = json.dumps(value, ensure_ascii=False, indent=2)
    assert json.loads(visible.json_text(encoded)) == value
    assert acting(visible.json_text(encoded)) == ""


def test_what_libraries_write_to_a_guarded_stream_is_visible() -> None:
    stream = io.StringIO()
    guard = visible.GuardedStream(stream)
    print(HOSTILE, file=guard)
    guard.writelines([HOSTILE])
    assert acting(stream.getvalue()) == ""
    assert guard.isatty() is False  # type: ignore[operator]


@pytest.mark.parametrize("form", ["text", "json"])
def test_lines_of_the_daemon_are_visible(
    form: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARBOR_LOG_FORMAT", form)
    daemon_console.say(HOSTILE, workspace=HOSTILE)
    said = capsys.readouterr().err
    assert acting(said) == "" and said.count("\n") == 1


@pytest.mark.parametrize("form", ["text", "json"])
def test_lines_of_the_hub_are_visible(form: str) -> None:
    record = logging.LogRecord("any", logging.WARNING, "", 1, "%s", (HOSTILE,), None)
    record.address, record.reason = HOSTILE.replace(" ", ""), [HOSTILE]
    said = formatter("json" if form == "json" else "text").format(record)
    assert acting(said) == "" and "\n" not in said


def test_tracebacks_in_the_hubs_log_are_visible() -> None:
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        record = logging.LogRecord("any", logging.ERROR, "", 1, "failed", (), sys.exc_info())
    said = formatter("text").format(record)
    assert "ValueError" in said and acting(said) == ""


def modules() -> list[str]:
    names = [path.relative_to(SOURCE).as_posix() for path in sorted(SOURCE.rglob("*.py"))]
    return [name for name in names if not name.startswith("testing/") and name not in EXITS]


@pytest.mark.parametrize("name", modules())
def test_no_module_prints_by_itself(name: str) -> None:
    assert list(printing(ast.parse((SOURCE / name).read_text()), name)) == []


@pytest.mark.parametrize("data", [b"", b"x"])
def test_a_guarded_stream_takes_no_bytes_not_even_none(data: bytes) -> None:
    """click writes none of them to find out whether it may; `arbor --version` then failed."""
    with pytest.raises(TypeError):
        visible.GuardedStream(io.StringIO()).write(data)  # type: ignore[arg-type]


def test_the_version_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "arborlink.cli", "--version"],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )
    assert (done.returncode, done.stdout) == (0, f"arbor, version {__version__}\n"), done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "print(x)",
        "click.echo(x)",
        "sys.stderr.write(x)",
        "stream = sys.stdout",
        "os.write(1, x)",
        "sys.stdout.buffer.write(x)",
        "from sys import stderr",
        "from click import echo",
    ],
)
def test_code_that_prints_by_itself_is_found(code: str) -> None:
    assert list(printing(ast.parse(code), "cli/new.py"))


def printing(tree: ast.AST, name: str) -> Iterator[str]:
    """Places that write to a standard stream by themselves."""
    harmless = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in HARMLESS
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            # Elsewhere descriptors are pipes and files.
            is_raw = called in WRITES and name.startswith("cli/") and name not in RAW
            if called in PRINTING or is_raw:
                yield f"{node.lineno}: {called}"
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in STREAMS:
            if id(node) not in harmless:
                yield f"{node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.ImportFrom) and node.module in ("sys", "click", "getpass"):
            imported = {f"{node.module}.{each.name}" for each in node.names}
            yield from (f"{node.lineno}: {each}" for each in imported & (PRINTING | STREAMS))
