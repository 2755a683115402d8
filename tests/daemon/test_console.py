"""The daemon's lines, for people and for programs."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from arborlink.daemon.console import say


def test_lines_for_people_are_as_they_are_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ARBOR_LOG_FORMAT", raising=False)
    say("ws_1: connected", workspace="ws_1")
    assert capsys.readouterr() == ("", "arbor: ws_1: connected\n")


def test_lines_for_programs_are_one_object_each(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARBOR_LOG_FORMAT", "JSON")
    say('two\nlines and a "quote"', level="error", workspace="ws_1", task="tsk_1")
    say("no more")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert datetime.fromisoformat(first.pop("timestamp")).tzinfo is not None
    assert first == {
        "event": 'two\nlines and a "quote"',
        "workspace": "ws_1",
        "task": "tsk_1",
        "level": "error",
    }
    assert set(second) == {"event", "level", "timestamp"}


@pytest.mark.parametrize("form", ["text", "json"])
def test_less_is_said_when_less_is_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("ARBOR_LOG_FORMAT", form)
    monkeypatch.setenv("ARBOR_LOG_LEVEL", "warning")
    say("nothing new")
    say("beware", level="warning")
    assert capsys.readouterr().err.count("\n") == 1
