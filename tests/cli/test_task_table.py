"""How tasks and workspaces are written for people."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from arborlink.cli.inspect import describe
from arborlink.cli.task_table import exit_text, print_tasks, ran_text, status_text
from arborlink.cli.workspaces import state_text
from arborlink.client.selection import Seen
from arborlink.protocol.lifecycle import Reason, TaskStatus
from arborlink.protocol.resources import Attention, Principal, WorkspaceOwner
from tests.resources import TASK

from .test_events import workspace

NOW = datetime(2026, 1, 2, 13, 35, tzinfo=UTC)
ME = Principal(
    user_id="usr_1", username="me", role="owner", scopes=[], workspace_id=None, token_id=None
)
MINE = replace(
    workspace("1", "connected", None), name="lab", owner=WorkspaceOwner(id="usr_1", username="me")
)
THEIRS = replace(
    workspace("2", "connected", None), name="lab", owner=WorkspaceOwner(id="usr_2", username="mia")
)


@pytest.mark.parametrize(
    ("state", "since", "text"),
    [
        ("connected", "2026-01-02T13:03:00Z", "connected for 32 min"),
        ("unreachable", "2026-01-02T11:05:00Z", "unreachable for 2 h (last heard 11:05 UTC)"),
        (
            "unreachable",
            "2025-12-30T11:05:00Z",
            "unreachable for 3 d (last heard 2025-12-30 11:05 UTC)",
        ),
        ("never_connected", None, "never connected"),
        ("connected", "2026-01-02T13:36:00Z", "connected for 0 s"),
    ],
)
def test_states_read_as_what_they_are(state: str, since: str | None, text: str) -> None:
    assert state_text(workspace("a", state, since), utc=True, now=NOW) == text


def test_a_workspace_that_needs_a_decision_says_so() -> None:
    attention = Attention(code="quarantined", since="2026-01-02T10:00:00Z", text="Stop copies.")
    found = replace(workspace("a", "unreachable", None), attention=attention)
    assert state_text(found, now=NOW) == "quarantined for 3 h"


@pytest.mark.parametrize(
    ("changes", "status", "end"),
    [
        ({}, "completed", "0"),
        ({"status": TaskStatus.FAILED, "reason": "exit_code", "exit_code": 3}, "failed", "3"),
        (
            {"status": TaskStatus.FAILED, "reason": "signal", "exit_code": None, "signal": 9},
            "failed",
            "KILL",
        ),
        (
            {"status": TaskStatus.FAILED, "reason": "command_not_found", "exit_code": None},
            "failed (command not found)",
            "-",
        ),
        (
            {"status": TaskStatus.CANCELLED, "reason": Reason.CANCELLED, "exit_code": None},
            "cancelled",
            "-",
        ),
        (
            {"status": TaskStatus.RUNNING, "exit_code": None, "cancel_requested": True},
            "running (ending)",
            "-",
        ),
    ],
)
def test_status_and_exit(changes: dict[str, object], status: str, end: str) -> None:
    task = replace(TASK, **changes)
    assert (status_text(task), exit_text(task)) == (status, end)


def test_how_long_a_task_ran() -> None:
    started = replace(TASK, started_at="2026-01-02T13:00:00Z")
    assert ran_text(TASK) == "-"
    assert ran_text(started, NOW) == "35 min"
    assert ran_text(replace(started, finished_at="2026-01-02T13:00:01.500Z"), NOW) == "1.5 s"


def test_tasks_of_other_accounts_are_marked(capsys: pytest.CaptureFixture[str]) -> None:
    own = replace(TASK, id=f"tsk_{'0' * 22}aaaa")
    other = replace(TASK, id=f"tsk_{'0' * 20}bbbbbb", created_by="usr_2", workspace_id="ws_2")
    seen = Seen(ME, [MINE, THEIRS])
    print_tasks([own], seen, whole=True, utc=True)
    assert "BY" not in capsys.readouterr().out.splitlines()[0].split()
    print_tasks([own, other], seen, whole=True, utc=True)
    head, first, second = (line.split("  ") for line in capsys.readouterr().out.splitlines())
    cells = [[each.strip() for each in line if each.strip()] for line in (head, first, second)]
    by, where = cells[0].index("BY"), cells[0].index("WORKSPACE")
    assert (cells[1][by], cells[2][by]) == ("me", "mia")
    assert (cells[1][where], cells[2][where]) == ("lab", "mia/lab")
    assert "2026-01-01 00:00 UTC" in cells[1]


def test_all_that_is_known_is_described() -> None:
    failed = replace(TASK, title="night", error="no such folder", timeout=90.0, env=["A"])
    lines = dict(describe(failed, "lab", utc=True, now=NOW))
    assert lines["task"] == TASK.id and lines["title"] == "night"
    assert lines["why"] == "no such folder" and lines["timeout"] == "1 min 30 s"
    assert lines["created"] == "2026-01-01 00:00:00 UTC (1 d ago)"
    assert lines["workspace"] == "lab (ws_1)" and lines["variables"] == "A"
    about = dict(describe(THEIRS, "", utc=True, now=NOW))
    assert about["owner"] == "mia (usr_2)" and about["state"] == "connected"
