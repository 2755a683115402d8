"""What is looked for in output: a text or an expression, as RE2 finds it in bytes. Pure.

RE2 (https://github.com/google/re2) takes time in proportion to what it reads, whatever the
expression, and lets other threads run meanwhile. Python's `re` does neither.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

import re2

from arborlink.hub.service.readable import Readable
from arborlink.protocol.errors import InvalidInput
from arborlink.protocol.limits import KIB, MIB

MAX_QUERY_CHARS: Final = 1_000
# Of RE2, for the expression and what it learns while it searches.
EXPRESSION_BYTES: Final = 1 * MIB
MAX_INSTRUCTIONS: Final = 4_096

# The most that one call of RE2 is given. Without a DFA it takes some 10 ns for each instruction and
# byte, so the product is kept below what takes a third of a second.
MAX_WINDOW_BYTES: Final = 256 * KIB
_WINDOW_COST: Final = MAX_WINDOW_BYTES * 128

# A character that is not shown, as it is or as an expression names it.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]|\\(?:x1[bB]|x\{0*1[bB]\}|0?33|x08)")
_EACH_LINE: Final = "(?m)"
# `\A`, `\z` and `^` without `m` mean the ends of what RE2 is given, which are nowhere in
# particular; `\C` would match a newline. Escapes and quoted text are stepped over.
_REFUSED: Final = re.compile(r"\\Q.*?(?:\\E|$)|(\\[AzC]|\(\?[a-zA-Z]*-[a-zA-Z]*m)|\\.", re.DOTALL)


class _Match(Protocol):
    def span(self) -> tuple[int, int]: ...


class _Expression(Protocol):
    @property
    def programsize(self) -> int: ...

    def search(self, text: bytes, pos: int, endpos: int) -> _Match | None: ...


class Matcher:
    """Finds one query, within lines.

    Attributes:
        window: how many bytes may be searched at a time.
    """

    def __init__(self, query: str, *, regex: bool, case: bool) -> None:
        """`case`: upper and lower case differ.

        Raises:
            InvalidInput: the query cannot be used; the text says why (code `invalid_expression`
                for an expression).
        """
        if not 1 <= len(query) <= MAX_QUERY_CHARS:
            raise InvalidInput(f"q has 1 to {MAX_QUERY_CHARS} characters; this has {len(query)}.")
        if regex:
            _refuse_positions(query)
        elif "\n" in query:
            raise InvalidInput("q has a newline, but a hit is within one line: search for a part.")
        self._expression = _compile(query, regex=regex, case=case)
        instructions = self._expression.programsize
        if instructions > MAX_INSTRUCTIONS:
            raise _invalid("it is too large. Repeat less, or use smaller classes of characters")
        self.window = min(MAX_WINDOW_BYTES, _WINDOW_COST // instructions)
        self._wants_controls = _CONTROLS.search(query) is not None
        self._wants_line_ends = regex and "$" in query

    def readable(self, data: bytes, end: int) -> Readable:
        """Return `data[:end]` as it is to be searched: as people read it, unless it is control
        characters that are looked for."""
        data = data if end == len(data) else data[:end]
        if self._wants_controls:
            return Readable(data, None, keeps_backspaces=True)
        return Readable.shown(data, line_ends=self._wants_line_ends)

    def find(self, data: bytes, start: int, end: int) -> tuple[int, int] | None:
        """Where the first match in `[start, end)` begins and ends; what is around it counts for
        `^` and `\\b`, but `end` is the end of a line."""
        match = self._expression.search(data, start, end)
        return match.span() if match is not None else None


def _compile(query: str, *, regex: bool, case: bool) -> _Expression:
    options = re2.Options()
    options.max_mem = EXPRESSION_BYTES
    options.log_errors = False
    options.never_nl = True
    options.never_capture = True
    options.literal = not regex
    options.case_sensitive = case
    pattern = _EACH_LINE + query if regex else query
    try:
        expression: _Expression = re2.compile(pattern.encode(), options)
    except re2.error as error:
        raise _invalid(_reason(error)) from error
    except UnicodeEncodeError as error:
        raise InvalidInput("q is not UTF-8.") from error
    # It keeps the last 128 otherwise, with all the memory each may use.
    re2.purge()
    return expression


def _refuse_positions(query: str) -> None:
    for found in _REFUSED.finditer(query):
        if found.group(1):
            raise _invalid(
                f"{found.group(1)} at character {found.start() + 1} has no meaning here. "
                "^ and $ are the ends of a line"
            )


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else b""
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return text.replace(_EACH_LINE, "", 1)


def _invalid(reason: str) -> InvalidInput:
    return InvalidInput(
        f"The expression cannot be used: {reason}. The syntax is RE2's, which has no look-around "
        "and no back-references.",
        code="invalid_expression",
    )
