"""Every command line that the documentation, a help text or an error shows is one that exists."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import pytest

from arborlink.cli.main import cli
from arborlink.hub.routes.api import OPERATIONS
from arborlink.proof.keys import PREFIX, encode
from tests.documents import PAGES, ROOT, Block, blocks
from tests.shell_words import Command, commands

SHELL: Final = ("sh", "console", "bash", "shell")
SOURCES: Final = sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "tools").rglob("*.py")])
PAGE_SOURCES: Final = sorted(
    path
    for path in (ROOT / "web" / "src").rglob("*.ts*")
    if ".test." not in path.name and "generated" not in path.parts
)
MAKEFILE: Final = (ROOT / "Makefile").read_text()
TARGETS: Final = frozenset(re.findall(r"^([a-z][\w-]*):", MAKEFILE, re.MULTILINE))
SPAN: Final = re.compile(r"(?<!`)`((?:[A-Z_]+=\S* )*(?:arbor|make) [^`\n]+(?:\n[^`\n]+)?)`(?!`)")
# In a span, what a reader fills in: COMMAND, TASK…, [PATH], `…`.
PLACEHOLDER: Final = re.compile(r"[…{}\[\]<>]")
# What stands for the hub's key, and one.
KEY: Final = PREFIX + encode(bytes(range(32)))
EXAMPLE_HOST: Final = re.compile(r"(?:\$ARBOR_URL|https?://[\w.:$-]+)(/[^?\"' ]*)")


class Ran(Exception):
    """A command line was understood up to the call of its command."""


@pytest.fixture
def understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """What is called with `check` is read by the real command line, and not carried out."""

    def invoke(command: click.Command, context: click.Context) -> None:
        if not isinstance(command, click.Group) or not context.invoked_subcommand:
            raise Ran

    # The reader has the files and folders that a line names.
    def existing(path: click.Path, value: str, *_: object) -> object:
        return path.coerce_path_result(value)

    monkeypatch.setattr(click.Command, "invoke", invoke)
    monkeypatch.setattr(click.Path, "convert", existing)
    monkeypatch.setenv("ARBOR_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def check(command: Command, environment: pytest.MonkeyPatch) -> None:
    """Fail unless there is such a command, with these options and so many arguments."""
    if command.name == "arbor":
        with environment.context() as here:
            for name, value in command.variables.items():
                here.setenv(name, value)
            words = [each.replace(f"{PREFIX}…", KEY) for each in command.words[1:]]
            with pytest.raises(Ran):
                cli.main(words, prog_name="arbor", standalone_mode=False)
    elif command.name == "make":
        for word in command.words[1:]:
            name, assigned, _ = word.partition("=")
            is_variable = assigned and re.search(rf"\b{name}\b", MAKEFILE)
            assert is_variable or word in TARGETS or word.startswith("-"), f"make {word}"
    elif command.name == "curl":
        _check_request(command.words)


def _check_request(words: list[str]) -> None:
    found = [match[1] for word in words if (match := EXAMPLE_HOST.match(word))]
    assert len(found) == 1, words
    has_body = any(word in ("-d", "--data") for word in words)
    method = words[words.index("-X") + 1] if "-X" in words else "POST" if has_body else "GET"
    assert any(
        operation.method == method
        and re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", operation.path), found[0])
        for operation in OPERATIONS
    ), f"{method} {found[0]}"
    if has_body:
        json.loads(words[words.index("-d") + 1])


@pytest.mark.parametrize(
    "block", list(blocks(*SHELL)), ids=lambda block: f"{block.page}:{block.line}"
)
def test_a_block_of_the_documents(block: Block, understood: pytest.MonkeyPatch) -> None:
    for command in commands(block.text):
        check(command, understood)


def every_command(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Iterate over this command and all below it, with the words that call them."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from every_command(inner, f"{path} {name}")


@pytest.mark.parametrize(("path", "command"), list(every_command(cli, "arbor")))
def test_the_examples_of_a_help_text(
    path: str, command: click.Command, understood: pytest.MonkeyPatch
) -> None:
    _, _, examples = (command.epilog or "").replace("\b", "").partition(":")
    assert examples.strip(), "it has no example"
    shown = list(commands(examples))
    assert [each for each in shown if each.name == "arbor"]
    for each in shown:
        check(each, understood)


def spans_of_page(path: Path) -> list[str]:
    """The command lines within sentences of a page, or of the texts of the web page."""
    text = re.sub(r"^ *```.*?^ *```$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    return SPAN.findall(text)


def spans_of_source(path: Path) -> list[str]:
    """Those in the texts of a module; what is filled in is X."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            parts = [each.value if isinstance(each, ast.Constant) else "X" for each in node.values]
            found += SPAN.findall("".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found += SPAN.findall(node.value)
    return found


def check_span(span: str) -> None:
    """Fail unless its commands and options exist; arguments are left out in sentences."""
    for command in commands(span.replace("\n", " ")):
        if command.name == "make":
            target = command.words[1]
            assert PLACEHOLDER.search(target) or target in TARGETS or "=" in target, span
        elif command.name == "arbor":
            _check_options(command.words[1:], span)


def _check_options(words: list[str], span: str) -> None:
    found: click.Command = cli
    context = click.Context(cli, info_name="arbor")
    flags = _flags(cli)
    for word in words:
        if word == "--":
            return
        if word.startswith("-") and len(word) > 1:
            assert word.partition("=")[0] in flags or _negative(word), f"{word} in `{span}`"
        elif isinstance(found, click.Group):
            inner = found.get_command(context, getattr(found, "aliases", {}).get(word, word))
            takes_words = any(isinstance(each, click.Argument) for each in found.params)
            is_filled_in = word.isupper() or PLACEHOLDER.search(word)
            is_open = takes_words or found.invoke_without_command or is_filled_in
            assert inner is not None or is_open, f"{word} in `{span}`"
            if inner is None:
                return
            found, flags = inner, _flags(inner)


def _negative(word: str) -> bool:
    return word[1:].isdigit()


def _flags(command: click.Command) -> set[str]:
    options = [each for each in command.params if isinstance(each, click.Option)]
    names = {flag for each in options for flag in (*each.opts, *each.secondary_opts)}
    return names | {"--help", "-h", "--version"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_in_sentences_of_a_page(path: Path) -> None:
    for span in spans_of_page(path):
        check_span(span)


def test_commands_in_texts_of_the_sources() -> None:
    spans = [(path, span) for path in SOURCES for span in spans_of_source(path)]
    spans += [(path, span) for path in PAGE_SOURCES for span in spans_of_page(path)]
    assert len(spans) > 50
    failed = []
    for path, span in spans:
        try:
            check_span(span)
        except AssertionError as error:
            failed.append(f"{path.relative_to(ROOT)}: {error}")
    assert not failed


@pytest.mark.parametrize(
    "line",
    [
        "arbor run --no-such-option -- true",
        "arbor nosuch",
        "arbor logs",
        "arbor tasks --since nonsense",
        "true; X=$(arbor logs --tial 5 last)",
        "while read x; do arbor cancle last; done",
        "make nosuch",
        "make up NOSUCH=1",
        "curl -s $ARBOR_URL/api/nosuch",
        "curl -X DELETE $ARBOR_URL/api/workspaces",
        "curl $ARBOR_URL/api/tasks/t/input -d '{]'",
    ],
)
def test_a_wrong_line_is_found(line: str, understood: pytest.MonkeyPatch) -> None:
    errors: tuple[Any, ...] = (click.ClickException, AssertionError, ValueError)
    with pytest.raises((*errors, pytest.fail.Exception)):
        for command in commands(line):
            check(command, understood)


@pytest.mark.parametrize(
    "span", ["arbor nosuch", "arbor run --nosuch", "arbor token create --nosuch", "make nosuch"]
)
def test_a_wrong_span_is_found(span: str) -> None:
    with pytest.raises(AssertionError):
        check_span(span)


def test_the_shell_is_read_as_a_shell_reads_it() -> None:
    script = """\
A=1 arbor run -- sh -c 'a; b # c' 2>/dev/null | sudo x/y < in > out  # it's a comment
while read -r host; do arbor run -n -- "$host"; done
arbor hub \\
  --port 1 &
kill $(cat "a b"); echo "$(arbor link)"
"""
    assert [(each.variables, each.words) for each in commands(script)] == [
        ({"A": "1"}, ["arbor", "run", "--", "sh", "-c", "a; b # c"]),
        ({}, ["x/y"]),
        ({}, ["read", "-r", "host"]),
        ({}, ["arbor", "run", "-n", "--", "$host"]),
        ({}, ["done"]),
        ({}, ["arbor", "hub", "--port", "1"]),
        ({}, ["kill", "$"]),
        ({}, ["cat", "a b"]),
        ({}, ["arbor", "link"]),
        ({}, ["echo", "$(arbor link)"]),
    ]
