"""No test knows how busy the machine is: what it asserts of time, a busy machine cannot make false.

Flagged are assertions that something took less than so many seconds, and waits that end after a
number of seconds, unless the number is `HANG_SECONDS` or running into the end is what is expected.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parent
BOUND: Final = "HANG_SECONDS"
CLOCKS: Final = ("monotonic", "perf_counter", "time")
WAITS: Final = ("timeout", "wait_for")
# Without a timeout of ours these give up after five seconds.
CLIENTS: Final = ("AsyncClient", "Client", "get", "post", "request", "stream")
# `file::function` below tests/, and why only a fault makes it false.
ALLOWED: Final[dict[str, str]] = {
    "e2e/test_herd.py::until_all_are_back": "its deadline is that of a hang without any progress",
    "e2e/test_liveness_network.py::look_until_all_know": "its deadline is that of a hang",
}


def sources() -> list[Path]:
    return sorted(TESTS.rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(TESTS).as_posix()


def seconds_in(source: str) -> Iterator[tuple[str, int]]:
    """Yield function and line of each time that a busy machine may exceed."""
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            measured = set(measured_names(function))
            for node in own_nodes(function, is_expected=False):
                if is_upper_bound(node, measured) or is_short_wait(node):
                    assert isinstance(node, ast.expr)
                    yield function.name, node.lineno


def own_nodes(node: ast.AST, *, is_expected: bool) -> Iterator[ast.AST]:
    """Yield comparisons of assertions, and calls where nothing expects a TimeoutError."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(child, ast.Assert):
            yield from (each for each in ast.walk(child.test) if isinstance(each, ast.Compare))
        if isinstance(child, ast.Call) and not is_expected:
            yield child
        expects = is_expected or (isinstance(child, ast.With) and expects_the_end(child))
        yield from own_nodes(child, is_expected=expects)


def expects_the_end(node: ast.With) -> bool:
    """Whether it is `with pytest.raises(TimeoutError)` or `suppress(TimeoutError)`."""
    return any(
        isinstance(name, ast.Name) and name.id == "TimeoutError"
        for item in node.items
        for name in ast.walk(item.context_expr)
    )


def measured_names(function: ast.AST) -> Iterator[str]:
    """Yield the variables that hold how long something took."""
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if is_elapsed(value, set()):
                yield name


def is_upper_bound(node: ast.AST, measured: set[str]) -> bool:
    """Whether a comparison asks that something took less than another thing than the bound."""
    if not isinstance(node, ast.Compare):
        return False
    sides = [node.left, *node.comparators]
    for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
        match operator:
            case ast.Lt() | ast.LtE():
                smaller, larger = left, right
            case ast.Gt() | ast.GtE():
                smaller, larger = right, left
            case _:
                continue
        if is_elapsed(smaller, measured) and not is_bound(larger):
            return True
    return False


def is_elapsed(node: ast.AST, measured: set[str]) -> bool:
    """Whether it is a clock's reading, minus something or not, or a variable that holds one."""
    match node:
        case ast.BinOp(left=left, op=ast.Sub()):
            return is_elapsed(left, measured)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[]):
            return name in CLOCKS
        case ast.Name(id=name):
            return name in measured
    return False


def is_short_wait(node: ast.AST) -> bool:
    """Whether a call waits for a number of seconds. With 0 it does not wait."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="mark"))):
            return False  # pytest's own, against hangs
        case ast.Call(func=ast.Attribute(value=ast.Name(id="httpx2"), attr=name), keywords=given):
            names = {each.arg for each in given}
            return name in CLIENTS and not names & {"timeout", "transport", None}
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[*_, last]):
            match last:
                case ast.Constant(value=int() | float() as seconds):
                    return name in WAITS and seconds > 0
    return False


def is_bound(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == BOUND


@pytest.mark.parametrize("path", sources(), ids=relative)
def test_no_test_knows_how_busy_the_machine_is(path: Path) -> None:
    found = {f"{relative(path)}::{name}": line for name, line in seconds_in(path.read_text())}
    assert {name: line for name, line in found.items() if name not in ALLOWED} == {}
    stale = {name for name in ALLOWED if name.startswith(f"{relative(path)}::")} - found.keys()
    assert stale == set()


@pytest.mark.parametrize(
    ("line", "is_fine"),
    [
        ("assert time.monotonic() - began < 1", False),
        ("assert 1 > time.perf_counter() - began", False),
        ("assert loop.time() < deadline", False),
        ("assert a() == 2 and 0.1 <= time.monotonic() - began < 1", False),
        ("took = time.monotonic() - began; assert took < LIMIT_SECONDS", False),
        ("assert time.monotonic() - began >= 0.3", True),
        ("assert time.monotonic() - began < HANG_SECONDS", True),
        ("assert time.process_time() - began < 1", True),
        ("while time.monotonic() < deadline: pass", True),
        ("asyncio.timeout(5)", False),
        ("asyncio.wait_for(f(), 2.5)", False),
        ("asyncio.timeout(HANG_SECONDS)", True),
        ("asyncio.timeout(0)", True),
        ("with pytest.raises(TimeoutError): asyncio.wait_for(f(), 0.1)", True),
        ("parser.timeout('x')", True),
        ("httpx2.AsyncClient(verify=False)", False),
        ("httpx2.get(url, timeout=HANG_SECONDS)", True),
        ("httpx2.Client(transport=asgi)", True),
    ],
)
def test_a_time_that_a_busy_machine_exceeds_is_recognised(line: str, is_fine: bool) -> None:
    assert (list(seconds_in(f"def f():\n {line}")) == []) is is_fine
