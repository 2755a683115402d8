"""The documentation says what the code does: nothing stale, no link into nowhere."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import msgspec
import pytest

from arborlink import __version__, client
from arborlink.cli.main import cli
from arborlink.daemon.policy import Policy
from arborlink.hub.routes.api import OPERATIONS
from arborlink.hub.settings import HubSettings
from arborlink.protocol import errors, lifecycle, messages

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / "docs"
REFERENCE: Final = DOCS / "reference"
PAGES: Final = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
DIRECTIONS: Final[dict[str, Any]] = {
    "Daemon to hub": messages.DaemonToHub,
    "Hub to daemon": messages.HubToDaemon,
    "Viewer to hub": messages.ViewerToHub,
    "Hub to viewer": messages.HubToViewer,
}
LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE: Final = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
HEADING: Final = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
# A numbered rule, guarantee or kind of bad input, as code and tests cite them.
CITATION: Final = re.compile(r"\b(?:[Rr]ules? (\d+)|([GB]\d{1,2}))\b")
CITING: Final = sorted(
    path
    for folder, pattern in (("src", "*.py"), ("tests", "*.py"), ("web/src", "*.ts*"))
    for path in (ROOT / folder).rglob(pattern)
)
# A terminal's character sets have such names, too (ECMA-35).
CHARACTER_SETS: Final = re.compile(r"\bG0 to G3\b")
SOURCE_PATH: Final = re.compile(r"`((?:[\w.-]+/)+[\w-]+\.(?:py|tsx?|sql|json))`")
# Where a path in a document may begin.
ROOTS: Final = (ROOT, ROOT / "src" / "arborlink", ROOT / "web" / "src", ROOT / "web")
# Of one version in the changelog.
CHANGES: Final = {
    "Upgrade notes", "Added", "Changed", "Deprecated", "Removed", "Fixed", "Security",
}  # fmt: skip
TRANSITION: Final = re.compile(r"^ +(\w+) --> (\w+): (\w+)$", re.MULTILINE)


def reference(name: str) -> str:
    return (REFERENCE / name).read_text()


def anchors(page: Path) -> set[str]:
    """What a link may point to in a page, as GitHub makes it of the headings."""
    found: dict[str, int] = {}
    names = set()
    for heading in HEADING.findall(FENCE.sub("", page.read_text())):
        plain = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        count = found[plain] = found.get(plain, -1) + 1
        names.add(f"{plain}-{count}" if count else plain)
    return names


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command below this one, by the words that call it."""
    context = click.Context(command, info_name=path)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield f"{path} {name}", inner
            yield from commands(inner, f"{path} {name}")


def section(page: str, heading: str) -> str:
    """A page from one heading to the next of the same level."""
    level = heading.partition(" ")[0]
    _, found, rest = page.partition(f"\n{heading}\n")
    assert found, f"there is no heading {heading!r}"
    return re.split(rf"^{level} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def test_generated_parts_are_current() -> None:
    script = ROOT / "tools" / "generate_docs.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_internal_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_table_is_one_table(page: Path) -> None:
    """An empty line within a table ends it, and a row of more or fewer cells is shown cut."""
    text = FENCE.sub("", page.read_text())
    for table in re.findall(r"(?:^[ ]*\|.*\n)+", text, re.MULTILINE):
        rows = table.strip().splitlines()
        assert len(rows) > 1 and re.fullmatch(r"[\s|:-]+", rows[1]), rows[0]
        cells = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
        assert len(cells) == 1, rows[0]


def test_every_command_and_flag_is_in_the_reference() -> None:
    page = reference("cli.md")
    for words, command in commands(cli, "arbor"):
        text = section(page, f"## {words}")
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                for flag in parameter.opts:
                    assert re.search(rf"{re.escape(flag)}\b", text), f"{words} {flag}"


@pytest.mark.parametrize("kind", [HubSettings, Policy])
def test_every_setting_is_in_the_reference(kind: type[msgspec.Struct]) -> None:
    page = reference("settings.md")
    assert not [name for name in kind.__struct_fields__ if f"| `{name}` |" not in page]


def test_every_environment_variable_is_in_the_reference() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    names = set(re.findall(r'"(ARBOR_[A-Z_]+)"', sources))
    page = reference("settings.md")
    assert names
    assert not [name for name in names if f"`{name}`" not in page]


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_every_message_and_field_is_in_the_reference(direction: str) -> None:
    text = section(reference("websocket.md"), f"## {direction}")
    for kind in DIRECTIONS[direction].__args__:
        table = section(text, f"### `{kind.__struct_config__.tag}`")
        for field in msgspec.structs.fields(kind):
            assert f"| `{field.encode_name}` |" in table, f"{kind.__name__}.{field.name}"


def test_every_operation_is_in_the_reference() -> None:
    page = reference("http.md")
    assert not [o for o in OPERATIONS if f"| `{o.method} {o.path}` | {o.summary} |" not in page]


def test_every_error_and_reason_is_in_the_reference() -> None:
    page = reference("errors.md")
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = [kind.code for kind in kinds if issubclass(kind, errors.ArborError)]
    wanted = [*codes, *(reason.value for reason in lifecycle.Reason)]
    assert not [code for code in wanted if f"`{code}`" not in page]


def test_every_public_name_of_the_sdk_is_in_the_reference() -> None:
    page = reference("sdk.md")
    assert not [name for name in client.__all__ if f"\n### {name}\n" not in page]


def test_the_diagram_and_the_table_are_the_table_in_the_code() -> None:
    page = (DOCS / "explanation" / "lifecycle.md").read_text()
    code = {
        (status.value, event.value, to.value)
        for status, events in lifecycle.TRANSITIONS.items()
        for event, to in events.items()
    }
    diagram = {(status, event, to) for status, to, event in TRANSITION.findall(page)}
    assert diagram == code
    assert set(re.findall(r"^ +(\w+) --> \[\*\]$", page, re.MULTILINE)) == lifecycle.FINAL
    assert table_of_transitions(page) == code


def table_of_transitions(page: str) -> set[tuple[str, str, str]]:
    """What the table of states and events says."""
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    header, *rows = ([cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines)
    return {
        (row[0].removesuffix("(final)").strip(" `"), event, to)
        for row in rows
        for event, to in zip(header[1:], row[1:], strict=True)
        if to.isalpha()
    }


def test_the_changelog_begins_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (?:Unreleased|\d{4}-\d\d-\d\d)$", text, re.M)
    assert versions[0] == __version__
    assert len(versions) == len(re.findall(r"^## ", text, re.M))
    assert set(re.findall(r"^### (.+)$", text, re.M)) <= CHANGES
    for version in re.split(r"^## ", text, flags=re.M)[1:]:
        parts = re.findall(r"^### (.+)$", version, re.M)
        assert len(parts) == len(set(parts)), parts
        assert "Upgrade notes" not in parts[1:], parts


@pytest.mark.parametrize(
    "page",
    [*PAGES, *(path for path in (ROOT / "deploy").rglob("*") if path.is_file())],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_the_wheel_that_is_named_is_of_this_version(page: Path) -> None:
    assert set(re.findall(r"arborlink-(\d[\w.]*)-py3", page.read_text())) <= {__version__}


def test_every_page_can_be_reached() -> None:
    reached = {ROOT / "README.md"}
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        for link in LINK.findall(FENCE.sub("", page.read_text())):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target.is_file() and target not in reached:
                reached.add(target)
                waiting.append(target)
    assert not [page for page in DOCS.rglob("*.md") if page.resolve() not in reached]


def cited(text: str) -> set[str]:
    """Names of the rules, guarantees and kinds of bad input in a text."""
    found = CITATION.findall(CHARACTER_SETS.sub("", text))
    return {f"Rule {number}" if number else name for number, name in found}


def test_every_cited_rule_is_in_the_design_rules() -> None:
    page = (DOCS / "explanation" / "design-rules.md").read_text()
    known = {*re.findall(r"^### (Rule \d+):", page, re.M), *re.findall(r"^\| (\w+) \|", page, re.M)}
    missing = {
        path.relative_to(ROOT).as_posix(): sorted(unknown)
        for path in CITING
        if (unknown := cited(path.read_text()) - known)
    }
    assert not missing


def test_citations_are_recognized() -> None:
    text = "(rule 4), design rule 11: as G7 and B36 say; G0 to G3 are character sets"
    assert cited(text) == {"Rule 4", "Rule 11", "G7", "B36"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_source_file_that_a_page_names_exists(page: Path) -> None:
    named = SOURCE_PATH.findall(FENCE.sub("", page.read_text()))
    assert not [name for name in named if not any((root / name).exists() for root in ROOTS)]
