"""What the HTTP API shows."""

import msgspec
import pytest

from arborlink.protocol import resources
from arborlink.protocol.resources import (
    ALL_SCOPES,
    GapInfo,
    NewTask,
    Problem,
    Resource,
    TerminalSize,
)


@pytest.mark.parametrize("kind", Resource.__subclasses__())
def test_a_resource_is_immutable_complete_and_described(kind: type[Resource]) -> None:
    config = kind.__struct_config__
    assert config.frozen
    assert not config.omit_defaults
    assert kind.__doc__


def test_a_gap_is_from_and_to_on_the_wire() -> None:
    gap = GapInfo(start=1, end=2, reason="spool_full")
    assert msgspec.to_builtins(gap) == {"from": 1, "to": 2, "reason": "spool_full"}


def test_a_new_task_needs_no_more_than_a_command() -> None:
    task = msgspec.json.decode(b'{"command":"true"}', type=NewTask)
    assert (task.args, task.cwd, task.env, task.shell) == ([], ".", {}, False)
    assert (task.if_offline, task.on_spool_full, task.stdin) == ("fail", "block", "open")


def test_defaults_are_not_shared_between_tasks() -> None:
    NewTask(command="one").args.append("x")
    assert NewTask(command="two").args == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"command": "true", "timeout": 0},
        {"command": "true", "timeout": -1},
        {"command": "true", "timeout": 1e12},
        {"command": "true", "timeout": float("nan")},
        {"command": "true", "tty": {"cols": 0, "rows": 24}},
        {"command": "true", "tty": {"cols": 80, "rows": 65_536}},
        {"command": "true", "ifOffline": "maybe"},
        {"command": "true", "onSpoolFull": "explode"},
        {"command": "true", "args": "-l"},
        {"command": "true", "args": [1]},
        {"command": "true", "args": ["x"] * 10_001},
        {"command": "true", "env": {"A=B": "x"}},
        {"command": "x" * 200_000},
    ],
)
def test_a_new_task_outside_its_bounds_is_refused(body: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(body, NewTask)


def test_a_problem_leaves_out_what_it_does_not_say() -> None:
    problem = Problem(title="Not found", status=404, detail="No such task.", code="not_found")
    assert sorted(msgspec.to_builtins(problem)) == ["code", "detail", "status", "title"]


def test_a_terminal_has_two_sides() -> None:
    assert msgspec.to_builtins(TerminalSize(cols=80, rows=24)) == {"cols": 80, "rows": 24}


def test_all_scopes_are_all_scopes() -> None:
    assert set(ALL_SCOPES) == set(resources.Scope.__args__)  # type: ignore[attr-defined]
