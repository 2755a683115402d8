"""Every asyncio task has an owner, and no test waits for time to pass."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
SOURCES: Final = sorted((ROOT / "src").rglob("*.py"))
TESTS: Final = sorted((ROOT / "tests").rglob("*.py"))
NO_OWNERS: Final = ("asyncio", "loop")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def calls(source: str) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))


def unowned_tasks(source: str) -> list[int]:
    """Lines that start an asyncio task which no task group owns."""
    return [call.lineno for call in calls(source) if starts_unowned_task(call)]


def starts_unowned_task(call: ast.Call) -> bool:
    match call.func:
        case ast.Name(id="ensure_future" | "create_task"):
            return True
        case ast.Attribute(attr="ensure_future"):
            return True
        case ast.Attribute(value=ast.Name(id=name) | ast.Attribute(attr=name), attr="create_task"):
            return name.strip("_").endswith(NO_OWNERS)
        case ast.Attribute(attr="create_task"):
            return True  # of a call's result: `get_running_loop().create_task`
    return False


def sleeps(source: str) -> list[int]:
    """Lines that sleep for a constant time; `sleep(0)` lets others run."""
    return [call.lineno for call in calls(source) if is_sleep(call)]


def is_sleep(call: ast.Call) -> bool:
    match call:
        case ast.Call(
            func=ast.Name(id="sleep") | ast.Attribute(attr="sleep"),
            args=[ast.Constant(value=int() | float() as seconds), *_],
        ):
            return seconds > 0
    return False


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_every_asyncio_task_belongs_to_a_task_group(path: Path) -> None:
    assert unowned_tasks(path.read_text()) == []


@pytest.mark.parametrize("path", TESTS, ids=relative)
def test_no_test_sleeps(path: Path) -> None:
    assert sleeps(path.read_text()) == []


@pytest.mark.parametrize(
    ("source", "is_owned"),
    [
        ("group.create_task(f())", True),
        ("self._tasks.create_task(f())", True),
        ("asyncio.create_task(f())", False),
        ("create_task(f())", False),
        ("loop.create_task(f())", False),
        ("self._loop.create_task(f())", False),
        ("asyncio.get_running_loop().create_task(f())", False),
        ("asyncio.ensure_future(f())", False),
    ],
)
def test_a_task_without_an_owner_is_recognised(source: str, is_owned: bool) -> None:
    assert (unowned_tasks(source) == []) is is_owned


@pytest.mark.parametrize(
    ("source", "is_fine"),
    [
        ("time.sleep(1)", False),
        ("asyncio.sleep(0.01)", False),
        ("sleep(2)", False),
        ("asyncio.sleep(0)", True),
        ("clock.advance(5)", True),
    ],
)
def test_a_sleep_is_recognised(source: str, is_fine: bool) -> None:
    assert (sleeps(source) == []) is is_fine
