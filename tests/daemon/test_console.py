"""The daemon's lines, for people and for programs."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

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


def test_a_log_file_is_written_instead_of_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "logs" / "daemon.log"
    monkeypatch.setenv("ARBOR_LOG_FILE", str(file))
    monkeypatch.delenv("ARBOR_LOG_FORMAT", raising=False)
    say("ws_1: connected\x1b", level="warning")
    assert capsys.readouterr() == ("", "")
    time, _, rest = file.read_text().partition(" ")
    assert datetime.fromisoformat(time).tzinfo is not None
    assert rest == "[warning] ws_1: connected\\x1b\n"


def test_what_a_log_file_refuses_is_said_on_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ARBOR_LOG_FILE", str(tmp_path))
    say("beware")
    assert "beware" in capsys.readouterr().err
