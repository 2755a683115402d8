"""What is said of a command line that is not understood."""

from __future__ import annotations

import sys

import pytest

from arborlink.cli import main


def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["arbor", *words])
    with pytest.raises(SystemExit) as left:
        main.main()
    assert left.value.code in (1, 2, 125)
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["workspcaes"], "there is no command 'workspcaes'. Did you mean `arbor workspaces`?"),
        (["task"], "Did you mean `arbor tasks`"),
        (["kill"], "Did you mean `arbor cancel`?"),
        (["zzzzzz"], "there is no command 'zzzzzz'. `arbor --help` lists them"),
        (["user", "lst"], "Did you mean `arbor user list`?"),
        (["run", "--workspce", "x", "true"], "there is no option --workspce. Did you mean --work"),
        (["run", "--timeout", "soon", "true"], "--timeout: 'soon' is not a duration. Write"),
        (["run", "--timeout", "0", "true"], "--timeout: '0' is too short: it has to be more than"),
        (["cancel", "--grace", "1d", "x"], "--grace: '1d' is too long: at most 5 min is possible"),
        (["tasks", "--limit", "many"], "--limit: 'many' is not a whole number"),
        (["tasks", "--limit", "0"], "--limit: 0 is not possible: at least 1"),
        (["tasks", "--since", "soon"], "--since: 'soon' is no time. Write how long ago"),
        (["tasks", "--filter", "colour=red"], "--filter: 'colour=red' is not KEY=VALUE"),
        (["up", "--port", "x"], "--port: 'x' is not a whole number"),
        (["up", "--port", "70000"], "--port: 70000 is not possible: at least 0 and at most 65535"),
        (["logs", "--format", "xml", "x"], "--format: 'xml' is not one of"),
        (["token", "create", "--days", "-1", "x"], "--days: '-1' is too short"),
        (["rename", "x"], "NEW_NAME is missing"),
        (["cancel"], "TASKS is missing"),
        (["whoami", "x"], "unexpected extra argument"),
    ],
)
def test_errors_begin_with_arbor_and_are_sentences(
    words: list[str],
    text: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = said(capsys, monkeypatch, *words)
    assert shown.startswith("arbor: ")
    assert text in shown
    for raw in ("Error:", "is not a valid", "range x", "Invalid value"):
        assert raw not in shown


def test_bare_arbor_is_its_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = said(capsys, monkeypatch)
    assert "\\n" not in shown and "Commands:" in shown.splitlines()
