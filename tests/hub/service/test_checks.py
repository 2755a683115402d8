"""What a request for a task must fulfil beyond the types of its fields."""

from __future__ import annotations

from typing import Any

import pytest

from arborlink.hub.service.checks import check_task
from arborlink.protocol.errors import InvalidInput
from arborlink.protocol.resources import NewTask


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"command": ""}, "empty_command"),
        ({"command": "  "}, "empty_command"),
        ({"command": "a\0b"}, "nul_character"),
        ({"args": ["\0"]}, "nul_character"),
        ({"cwd": "a\0"}, "nul_character"),
        ({"env": {"A": "\0"}}, "nul_character"),
        ({"args": ["\0e"]}, "nul_character"),
        ({"args": ["\0\u0100"]}, "nul_character"),
        ({"env": {"A\0": "x"}}, "nul_character"),
        ({"cwd": "/etc"}, "cwd_outside_workspace"),
        ({"cwd": "a/../../b"}, "cwd_outside_workspace"),
        ({"title": "a\x1b[31m"}, "unprintable_title"),
        ({"title": "two\nlines"}, "unprintable_title"),
    ],
)
def test_what_cannot_be_run_is_refused_with_a_code(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as error:
        check_task(NewTask(**{"command": "true"} | fields))
    assert error.value.code == code


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"command": "  ", "shell": True},
        {"args": ["", "--", "ü", "a\nb"]},
        {"cwd": "."},
        {"cwd": "a/b..c/..d"},
        {"title": "Bauen für alle"},
        {"env": {"A": ""}},
        {"command": "\0\xff", "args": ["\0\xe9"], "cwd": "\0\x80", "env": {"A": "a\0\xe9"}},
    ],
)
def test_what_can_be_run_is_let_through(fields: dict[str, Any]) -> None:
    check_task(NewTask(**{"command": "true"} | fields))
