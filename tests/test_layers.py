"""Who may import whom (the design's table), and what the protocol must not know."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
SOURCE: Final = ROOT / "src" / "arborlink"
PROTOCOL: Final = sorted((SOURCE / "protocol").glob("*.py"))
HEAVY: Final = ("arborlink.hub", "arborlink.daemon")
# The machines get bytes, messages and `now`; sockets, clocks and chance belong to the shells.
IMPURE: Final = {"asyncio", "socket", "os", "time", "random", "logging"}


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that a file imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


def test_the_contracts_of_import_linter_hold() -> None:
    # In a process of its own: it configures logging, and silences every logger there was.
    command = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run(
        [command, "--config", ROOT / ".importlinter", "--no-cache"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("path", PROTOCOL, ids=lambda path: path.stem)
def test_the_protocol_knows_no_clock_no_socket_and_no_chance(path: Path) -> None:
    roots = {name.partition(".")[0] for name in imported(ast.parse(path.read_text()))}
    assert not roots & IMPURE


def test_the_protocol_needs_msgspec_and_the_standard_library_alone() -> None:
    roots = {
        name.partition(".")[0]
        for path in PROTOCOL
        for name in imported(ast.parse(path.read_text()))
    }
    assert roots - sys.stdlib_module_names == {"arborlink", "msgspec"}


@pytest.mark.parametrize("path", sorted((SOURCE / "cli").rglob("*.py")), ids=lambda path: path.stem)
def test_the_command_line_imports_a_hub_or_daemon_only_inside_the_command_that_needs_it(
    path: Path,
) -> None:
    at_import_time = ast.Module(ast.parse(path.read_text()).body, [])
    for node in ast.walk(at_import_time):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [ast.Pass()]
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    heavy = [name for name in imported(at_import_time) if name.startswith(HEAVY)]
    assert not heavy
