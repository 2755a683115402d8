"""No program looks into a sentence that we wrote: for that there are codes and fields."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import arborlink

PACKAGE: Final = Path(arborlink.__file__).parent
# What a sentence for a person is called on errors, problems, messages, frames and answers.
SENTENCES: Final = frozenset({"message", "detail", "close_reason", "title"})
# msgspec says nowhere but in its text which field does not fit.
OF_OTHERS: Final = frozenset({"protocol/misfits.py"})
SEARCHES: Final = frozenset(
    {"startswith", "endswith", "find", "index", "partition", "search", "match", "fullmatch"}
)


@pytest.mark.parametrize(
    "line",
    [
        '"retry" in error.message',
        'problem.detail.startswith("There is no")',
        're.search("gone", str(error))',
        'connection.close_reason == "going down"',
        "PATTERN.search(error.message)",
        '"no such" in str(error).lower()',
    ],
)
def test_a_look_into_a_sentence_is_found(line: str) -> None:
    assert list(_looks(ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    ['error.code == "x"', "say(error.message)", 'f"{error.message}."', 'error.message or "?"'],
)
def test_to_show_a_sentence_is_no_look_into_it(line: str) -> None:
    assert not list(_looks(ast.parse(line)))


def test_no_program_looks_into_a_sentence() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}: {ast.unparse(node)}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).as_posix() not in OF_OTHERS
        for node in _looks(ast.parse(path.read_text()))
    ]
    assert found == []


def _looks(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, comparators=others):
                sides = [left, *others]
                texts = any(isinstance(each, ast.Constant) and each.value for each in sides)
                if texts and any(_is_sentence(each) for each in sides):
                    yield node
            case ast.Call(func=ast.Attribute(value=value, attr=name), args=arguments):
                if name in SEARCHES and any(_is_sentence(each) for each in (value, *arguments)):
                    yield node


def _is_sentence(node: ast.expr) -> bool:
    match node:
        case ast.Attribute(attr=name):
            return name in SENTENCES
        case ast.Call(func=ast.Name(id="str"), args=[ast.Name(id="error" | "problem" | "failure")]):
            return True
        case ast.Call(func=ast.Attribute(value=value, attr="lower" | "casefold" | "strip")):
            return _is_sentence(value)
    return False
