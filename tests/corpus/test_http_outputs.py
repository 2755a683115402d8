"""Whatever a task writes is kept byte for byte, harms nobody who looks, and can be searched."""

from __future__ import annotations

import base64
import json
import sys
from urllib.parse import quote

import pytest

from tests.corpus.arena import Arena
from tests.corpus.http_case import REFUSALS, ROLES
from tests.corpus.http_life import forget, look, output, over
from tests.corpus.http_outputs import (
    EVIL_OUTPUT,
    EXPRESSIONS,
    OUTPUTS,
    TEXTS,
    UNUSABLE_TEXTS,
    WRITER,
    OutputCase,
)
from tests.corpus.http_wire import Wire

# Who may look at the neighbour's workspace.
MAY_LOOK = ("owner", "runner", "reader", "browser")


def written(arena: Arena, case: OutputCase) -> str:
    """The id of a task that writes it."""
    # Some are longer than the arguments of a task may be.
    file = arena.arbor.workspace / f"{case.id}.hex"
    file.write_text("".join(f"{piece.hex()}\n" for piece in case.pieces))
    return arena.run(sys.executable, "-c", WRITER, str(case.times), file.name)


@pytest.fixture(scope="module")
def tasks(arena: Arena) -> dict[str, str]:
    """One task for each output, all over."""
    started = {case.id: written(arena, case) for case in (*OUTPUTS, EVIL_OUTPUT)}
    ended = {name: over(arena, task_id)["status"] for name, task_id in started.items()}
    assert set(ended.values()) == {"completed"}, ended
    return started


@pytest.mark.parametrize("case", OUTPUTS, ids=lambda case: case.id)
def test_every_format_gives_it_back(
    arena: Arena, wire: Wire, tasks: dict[str, str], case: OutputCase
) -> None:
    task_id = tasks[case.id]

    assert output(arena, wire, task_id) == case.content
    assert _of_jsonl(output(arena, wire, task_id, "format=jsonl")) == case.content
    header, *events = _lines(output(arena, wire, task_id, "format=asciicast"))
    assert header["version"] == 2
    shown = "".join(text for _, _, text in events)
    assert shown == case.content.decode(errors="replace").replace("\n", "\r\n")
    plain = output(arena, wire, task_id, "format=text").decode()
    assert not set(plain) & _CONTROLS


@pytest.mark.parametrize("form", ["raw", "text", "jsonl", "asciicast"])
def test_no_format_is_a_page(arena: Arena, wire: Wire, tasks: dict[str, str], form: str) -> None:
    for case in OUTPUTS:
        path = f"/api/tasks/{tasks[case.id]}/output?format={form}&download=1"
        headers = look(arena, wire, path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "html" not in headers["content-type"]
        assert "default-src 'none'" in headers["content-security-policy"]
        endings = {"raw": "log", "text": "txt"}
        name = f"{tasks[case.id]}.{endings.get(form, form.replace('asciicast', 'cast'))}"
        assert headers["content-disposition"] == f'attachment; filename="{name}"'
        assert "set-cookie" not in headers


@pytest.mark.parametrize("role", MAY_LOOK)
def test_no_expression_keeps_anybody_waiting(
    arena: Arena, wire: Wire, tasks: dict[str, str], role: str
) -> None:
    wrong = {}
    for name, (expected, expression) in EXPRESSIONS.items():
        path = f"/api/tasks/{tasks[EVIL_OUTPUT.id]}/search?regex=1&q={quote(expression)}"
        answer = look(arena, wire, path, role)
        arena.note(f"the expression {name}", answer.seconds)
        if f"{answer.status} {answer.code}".strip() != expected:
            wrong[name] = answer.shown
    assert wrong == {}


@pytest.mark.parametrize("role", sorted(set(ROLES) - set(MAY_LOOK)))
def test_nobody_else_searches_at_all(
    arena: Arena, wire: Wire, tasks: dict[str, str], role: str
) -> None:
    for _, expression in EXPRESSIONS.values():
        path = f"/api/tasks/{tasks[EVIL_OUTPUT.id]}/search?regex=1&q={quote(expression)}"
        answer = look(arena, wire, path, role)
        assert f"{answer.status} {answer.code}" in REFUSALS[role]


@pytest.mark.parametrize("role", (*MAY_LOOK, "elsewhere"))
def test_a_filter_is_only_a_text(arena: Arena, wire: Wire, role: str) -> None:
    for text in TEXTS:
        encoded = quote(text.encode("utf-8", "surrogatepass"))
        answer = look(arena, wire, f"/api/tasks?limit=500&search={encoded}", role)
        assert answer.status == 200, text
        arena.note(f"the filter {text[:20]!a}", answer.seconds)
        for task in json.loads(answer.body)["items"]:
            searched = " ".join([task["command"], *task["args"], task["title"] or ""])
            assert text.casefold() in searched.casefold()
            assert role != "elsewhere" or task["workspaceId"] == arena.elsewhere_id


@pytest.mark.parametrize("role", MAY_LOOK)
def test_a_filter_that_cannot_be_one_is_refused(arena: Arena, wire: Wire, role: str) -> None:
    for expected, text in UNUSABLE_TEXTS.values():
        answer = look(arena, wire, f"/api/tasks?search={text}", role)
        assert f"{answer.status} {answer.code}" == expected


def test_a_filter_finds_the_text_itself(arena: Arena, wire: Wire) -> None:
    workspace = arena.post("/api/workspaces", {"name": "filters"})["id"]
    usable = [text for text in TEXTS if text.isprintable()]
    made = {text: arena.run("x", text, workspace=workspace, ifOffline="queue") for text in usable}
    for text, task_id in made.items():
        path = f"/api/tasks?workspace={workspace}&limit=500&search={quote(text)}"
        found = {task["id"] for task in json.loads(look(arena, wire, path).body)["items"]}
        assert task_id in found
        assert found == {
            made[other] for other in usable if text.casefold() in f"x {other}".casefold()
        }
    forget(arena, wire, workspace)


_CONTROLS = {chr(code) for code in (*range(32), *range(127, 160))} - {"\n", "\t"}


def _lines(body: bytes) -> list[dict[str, object]]:
    assert not body or body.endswith(b"\n")
    return [json.loads(line) for line in body.split(b"\n")[:-1]]


def _of_jsonl(body: bytes) -> bytes:
    found = b""
    for line in _lines(body):
        text = line.get("text")
        part = base64.b64decode(str(line["base64"])) if text is None else str(text).encode()
        assert (line["offset"], line["length"]) == (len(found), len(part))
        found += part
    return found
