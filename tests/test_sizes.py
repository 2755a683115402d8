"""Small files and small functions; an exception needs a reason beside it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
SOURCES: Final = sorted((ROOT / "src").rglob("*.py"))
TESTS: Final = sorted((ROOT / "tests").rglob("*.py"))

MAX_MODULE_LINES: Final = 500
MAX_TEST_MODULE_LINES: Final = 800
MAX_FUNCTION_LINES: Final = 60
MAX_MEDIAN_MODULE_LINES: Final = 150

# "path" or "path::function", from the repository's root, to the reason why it may be longer.
EXCEPTIONS: Final[dict[str, str]] = {}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function of a file with its length, decorators not counted."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or 0) - node.lineno + 1


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=relative)
def test_no_module_is_longer_than_its_cap(path: Path) -> None:
    cap = MAX_MODULE_LINES if path in SOURCES else MAX_TEST_MODULE_LINES
    assert lines(path) <= cap or relative(path) in EXCEPTIONS


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=relative)
def test_no_function_is_longer_than_the_cap(path: Path) -> None:
    long = {
        f"{relative(path)}::{name}" for name, size in functions(path) if size > MAX_FUNCTION_LINES
    }
    assert not long - EXCEPTIONS.keys()


def test_half_of_the_modules_fit_on_two_screens() -> None:
    assert median(lines(path) for path in SOURCES if lines(path)) <= MAX_MEDIAN_MODULE_LINES


def test_every_exception_is_still_needed_and_has_a_reason() -> None:
    for name, reason in EXCEPTIONS.items():
        path, _, function = name.partition("::")
        if function:
            sizes = [size for found, size in functions(ROOT / path) if found == function]
            assert max(sizes, default=0) > MAX_FUNCTION_LINES, name
        else:
            cap = MAX_MODULE_LINES if ROOT / path in SOURCES else MAX_TEST_MODULE_LINES
            assert lines(ROOT / path) > cap, name
        assert reason, name
