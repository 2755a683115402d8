"""The fenced blocks of the documentation, for tests that run what they show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
_FENCE: Final = re.compile(r"^( *)```(\w*)\s*$")
_HEADING: Final = re.compile(r"^#+ (.+)$")


class Block(NamedTuple):
    """The text between two fences. `page` is below ROOT; `line` is that of its first line."""

    page: str
    heading: str
    line: int
    text: str


def blocks(*languages: str) -> Iterator[Block]:
    """Iterate over the blocks of these languages ("" is none) in all pages."""
    for page in PAGES:
        for language, block in _blocks(page):
            if language in languages:
                yield block


def _blocks(page: Path) -> Iterator[tuple[str, Block]]:
    name = page.relative_to(ROOT).as_posix()
    heading = language = indent = ""
    began = 0
    lines: list[str] = []
    for number, line in enumerate(page.read_text().splitlines(), start=1):
        fence = _FENCE.match(line)
        if began and fence and not fence[2]:
            yield language, Block(name, heading, began + 1, "".join(lines))
            began = 0
        elif began:
            lines.append(line.removeprefix(indent) + "\n")
        elif fence:
            indent, language, began, lines = fence[1], fence[2], number, []
        elif found := _HEADING.match(line):
            heading = found[1]
    assert not began, f"a block of {name} has no end"
