"""What does not fit is said in a sentence, for every type that a body has."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import msgspec
import pytest

from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.misfits import sentence
from arborlink.protocol.resources import NewTask, Scope


class Everything(msgspec.Struct, rename="camel"):
    """A field of each kind that bodies have."""

    some_scopes: list[Scope] = []
    status: TaskStatus | None = None
    by_name: dict[str, Literal["a", "b"]] = {}
    data: bytes = b""


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (NewTask, {}, "command is missing"),
        (NewTask, {"command": "x", "tty": {"cols": 1}}, "tty.rows is missing"),
        (NewTask, {"command": 1}, "command has to be text, not a whole number"),
        (NewTask, {"command": "x", "args": "ls"}, "args has to be a list, not text"),
        (NewTask, {"command": "x", "args": [1]}, "args[0] has to be text, not a whole number"),
        (NewTask, {"command": "x", "args": [""] * 10_001}, "args has to have at most 10000 items"),
        (NewTask, {"command": "x", "timeout": 0}, "timeout has to be more than 0"),
        (NewTask, {"command": "x", "timeout": 1e12}, "timeout has to be at most 2592000"),
        (
            NewTask,
            {"command": "x", "timeout": True},
            "timeout has to be a number or null, not true or false",
        ),
        (
            NewTask,
            {"command": "x", "env": {"A=B": "x"}},
            "a name in env has a character that is not possible there",
        ),
        (
            NewTask,
            {"command": "x", "env": {"A": 1}},
            "a value in env has to be text, not a whole number",
        ),
        (NewTask, {"command": "x", "tty": {"cols": 0, "rows": 1}}, "tty.cols has to be at least 1"),
        (
            NewTask,
            {"command": "x", "ifOffline": "maybe"},
            "ifOffline cannot be 'maybe'; it is one of fail, queue",
        ),
        (
            NewTask,
            {"command": "x", "shell": 1},
            "shell has to be true or false, not a whole number",
        ),
        (
            NewTask,
            {"command": "x", "title": "x" * 300},
            "title has to have at most 256 characters",
        ),
        (NewTask, [], "the body has to be an object, not a list"),
        (
            Everything,
            {"someScopes": ["tasks:read", "x"]},
            (
                "someScopes[1] cannot be 'x'; it is one of admin, daemons:write, tasks:read, "
                "tasks:write, workspaces:write"
            ),
        ),
        (Everything, {"data": "%"}, "data has to be bytes in base64"),
        (Everything, {"byName": {"k": "c"}}, "a value in byName cannot be 'c'; it is one of a, b"),
    ],
)
def test_sentences(kind: Any, value: object, text: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(json.dumps(value), type=kind)
    assert sentence(caught.value, kind) == text


def test_an_enumeration_says_its_values() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(b'{"status": "done"}', type=Everything)
    assert sentence(caught.value, Everything).startswith("status cannot be 'done'; it is one of pe")


def test_one_that_must_not_be_empty_and_units() -> None:
    meta = msgspec.Meta
    assert _said(meta(min_length=1), "") == "name must not be empty"
    assert _said(meta(min_length=2), "x") == "name has to have at least 2 characters"
    assert _said(meta(max_length=1), "xx") == "name has to have at most 1 character"


def test_what_is_not_known_is_kept() -> None:
    assert sentence(msgspec.ValidationError("Odd - at `$.a`"), NewTask) == "a: Odd"


def _said(meta: msgspec.Meta, value: str) -> str:
    named = msgspec.defstruct("Named", [("name", Annotated[str, meta])])
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert({"name": value}, named)
    return sentence(caught.value, named)
