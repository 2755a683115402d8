"""What may run on a machine that restricts commands: which files, and how they may be used.

Nothing is executed here, and no word of a task is resolved: a `Request` says what was opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Final

from msgspec import Meta, Struct

from arborlink.daemon import environment
from arborlink.daemon.executable import StartFailed, find_in_path

ANY_MORE: Final = "..."
_ANY_FOLDERS: Final = "**"
_WILDCARDS: Final = frozenset("*?[")


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """Allow a file to be executed, within bounds of its use. What is left out has no bound.

    In `path` and `cwd`, `*` stands for a part of one name and `**` for any folders. `environment`
    adds to `allow_environment`.
    """

    path: Annotated[str, Meta(min_length=1)]
    arguments: list[str] | None = None
    cwd: list[str] | None = None
    environment: list[str] = []
    input: bool = True
    terminal: bool = True

    def __post_init__(self) -> None:
        """Refuse what could never match, and would only look like a rule.

        Raises:
            ValueError: a path has `..` or a NUL in it.
        """
        for pattern in (self.path, *(self.cwd or ())):
            if ".." in pattern.split("/") or "\0" in pattern:
                raise ValueError(f"{pattern!r} has `..` or NUL in it: name the folder itself")


@dataclass(frozen=True, slots=True)
class Request:
    """Describe what would be executed, as it was opened.

    `named` and `real` are absolute paths (`executable.OpenFile`), `cwd` is relative to the
    workspace, "." for the workspace itself.
    """

    named: str
    real: str
    arguments: Sequence[str]
    cwd: str
    environment: Mapping[str, str]
    terminal: bool


@dataclass(frozen=True, slots=True)
class Machine:
    """Hold where patterns lead: the workspace's real path, and the folders of names in PATH."""

    workspace: str
    folders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restriction:
    """Hold the rules of a policy, and the variables that tasks may set under any of them."""

    rules: tuple[Rule, ...]
    allow_environment: tuple[str, ...] = ()

    def find_rule(self, request: Request, machine: Machine) -> Rule:
        """Return a rule that allows all of a request; one that allows input, if there is one.

        Raises:
            NotAllowed: there is none.
        """
        allowed: list[Rule] = []
        problems: list[str] = []
        for rule in self.rules:
            if names_file(rule.path, request, machine):
                problem = self._problem(rule, request)
                if problem is None:
                    allowed.append(rule)
                else:
                    problems.append(problem)
        if not allowed:
            raise NotAllowed(problems[0] if problems else None)
        return next((rule for rule in allowed if rule.input), allowed[0])

    def names(self, word: str) -> bool:
        """Return whether a rule's path is this word."""
        return any(rule.path == word for rule in self.rules)

    def _problem(self, rule: Rule, request: Request) -> str | None:
        if not _arguments_match(rule.arguments, request.arguments):
            return "with these arguments (the rule's `arguments`)"
        if rule.cwd is not None:
            parts = _parts(request.cwd)
            if not any(_parts_match(parts, _parts(pattern)) for pattern in rule.cwd):
                return f"in the folder {request.cwd[:256]!r} (the rule's `cwd`)"
        if request.terminal and not (rule.terminal and rule.input):
            return "with a terminal (the rule's `terminal` and `input`)"
        allowed = (*self.allow_environment, *rule.environment)
        name = environment.unlisted_name(request.environment, allowed=allowed)
        if name is not None:
            return (
                f"with the variable {name[:256]!r}. Where commands are restricted, "
                "`allow_environment` or the rule's `environment` has to name it"
            )
        return None


class NotAllowed(Exception):
    """No rule allows a request. `problem` completes "it is allowed, but not …".

    It is None if no rule names the file.
    """

    def __init__(self, problem: str | None) -> None:
        super().__init__(problem)
        self.problem = problem


def names_file(pattern: str, request: Request, machine: Machine) -> bool:
    """Return whether a rule's path is the file that was opened.

    A path without wildcards names a directory entry, be it a link or a file. One with wildcards
    has to match both the entry and the file it leads to. What is named below the workspace has to
    be there.
    """
    parts = _parts(pattern)
    if not parts:
        return False
    if pattern.startswith("/"):
        starts: Iterable[str] = ("/",)
    elif "/" in pattern:
        starts = (machine.workspace,)
        if _below(request.real, machine.workspace) is None:
            return False
    elif _has_wildcard(pattern):
        starts = machine.folders
    else:
        starts = _first_folder(pattern, machine.folders)
    return any(_leads_to(start, parts, request) for start in starts)


def _first_folder(name: str, folders: Iterable[str]) -> tuple[str, ...]:
    try:
        found = find_in_path(os.fsencode(name), map(os.fsencode, folders))
    except (StartFailed, ValueError):
        return ()
    return (os.path.dirname(os.fsdecode(found)),)


def _leads_to(start: str, parts: Sequence[str], request: Request) -> bool:
    fixed = 0
    while fixed < len(parts) - 1 and not _has_wildcard(parts[fixed]):
        fixed += 1
    folder = os.path.realpath(os.path.join(start, *parts[:fixed]))
    rest = parts[fixed:]
    paths = [request.named]
    if len(rest) > 1 or _has_wildcard(rest[0]):
        paths.append(request.real)
    below = [_below(path, folder) for path in paths]
    return all(each is not None and _parts_match(each, rest) for each in below)


def _below(path: str, folder: str) -> list[str] | None:
    prefix = folder.rstrip("/") + "/"
    return path[len(prefix) :].split("/") if path.startswith(prefix) else None


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _has_wildcard(part: str) -> bool:
    return not _WILDCARDS.isdisjoint(part)


def _parts_match(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Match name by name. The work grows with the product of both lengths, and not faster."""
    places = _skip_folders({0}, pattern)
    for part in parts:
        after: set[int] = set()
        for place in places:
            if place < len(pattern):
                if pattern[place] == _ANY_FOLDERS:
                    after.add(place)
                elif fnmatchcase(part, pattern[place]):
                    after.add(place + 1)
        places = _skip_folders(after, pattern)
    return len(pattern) in places


def _skip_folders(places: set[int], pattern: Sequence[str]) -> set[int]:
    found = set(places)
    for place in places:
        while place < len(pattern) and pattern[place] == _ANY_FOLDERS:
            place += 1
            found.add(place)
    return found


def _arguments_match(patterns: Sequence[str] | None, arguments: Sequence[str]) -> bool:
    if patterns is None:
        return True
    if patterns and patterns[-1] == ANY_MORE:
        patterns = patterns[:-1]
        arguments, more = arguments[: len(patterns)], arguments[len(patterns) :]
        if any(argument.startswith("-") for argument in more):
            return False
    return len(patterns) == len(arguments) and all(map(_argument_matches, arguments, patterns))


def _argument_matches(argument: str, pattern: str) -> bool:
    # Options are the way to make a program do something else (`make --eval=…`): a wildcard never
    # stands for the dash they begin with.
    if argument.startswith("-") and not pattern.startswith("-"):
        return False
    return fnmatchcase(argument, pattern)
