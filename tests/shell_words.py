"""The commands of a piece of shell, as far as documentation uses the shell. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Final, NamedTuple

_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_SUBSTITUTION: Final = re.compile(r"\$\(([^()]*)\)")
_REDIRECTION: Final = re.compile(r"[<>]+&?")
# Words before a command that say when or as whom it is run.
_PREFIXES: Final = frozenset({"while", "until", "if", "then", "else", "do", "!", "sudo", "exec"})


class Command(NamedTuple):
    """One command: the variables before it, its words, and how it is written."""

    variables: dict[str, str]
    words: list[str]

    @property
    def name(self) -> str:
        """The program, without its folder."""
        return self.words[0].rpartition("/")[2]

    def __str__(self) -> str:
        return shlex.join(self.words)


def commands(script: str) -> Iterator[Command]:
    """Iterate over the commands of a script, those of pipes and of `$(…)` included."""
    lexer = shlex.shlex(_plain(script), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set("();|&"):
            yield from _command(words)
            words = []
        else:
            words.append(word)


def _command(words: list[str]) -> Iterator[Command]:
    for word in words:
        for inner in _SUBSTITUTION.findall(word):
            yield from commands(inner)
    rest = _without_redirections(words)
    variables = {}
    while rest and (rest[0] in _PREFIXES or _ASSIGNMENT.fullmatch(rest[0])):
        found = _ASSIGNMENT.fullmatch(rest.pop(0))
        if found:
            variables[found[1]] = found[2]
    if rest:
        yield Command(variables, rest)


def _without_redirections(words: list[str]) -> list[str]:
    kept: list[str] = []
    place = 0
    while place < len(words):
        if _REDIRECTION.fullmatch(words[place]):
            # The number of a descriptor is written before its arrow.
            if kept and len(kept[-1]) == 1 and kept[-1].isdigit():
                kept.pop()
            place += 2
        else:
            kept.append(words[place])
            place += 1
    return kept


def _plain(script: str) -> str:
    """Return the script without comments and continued lines, with `;` between its lines."""
    made: list[str] = []
    quote, place = "", 0
    while place < len(script):
        character = script[place]
        before = made[-1] if made else "\n"
        if character == "\\" and quote != "'":
            pair = script[place : place + 2]
            made.append(" " if pair == "\\\n" else pair)
            place += 2
            continue
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "#" and before[-1:] in " \n;":
            place = script.find("\n", place)
            if place < 0:
                break
            continue
        made.append(" ; " if character == "\n" and not quote else character)
        place += 1
    return "".join(made)
