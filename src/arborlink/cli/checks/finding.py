"""What a check has found, and what to do about it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Verdict = Literal["ok", "warning", "failed"]


class Finding(Struct, frozen=True):
    """`check` names what was looked at. `why` and `do` are empty where nothing is wrong."""

    check: str
    verdict: Verdict
    found: str
    why: str = ""
    do: str = ""


def ok(check: str, found: str) -> Finding:
    """As it should be."""
    return Finding(check, "ok", found)


def warning(check: str, found: str, *, why: str, do: str) -> Finding:
    """It works today."""
    return Finding(check, "warning", found, why, do)


def failed(check: str, found: str, *, why: str, do: str) -> Finding:
    """It does not work, or gives a secret away."""
    return Finding(check, "failed", found, why, do)


class Section(Struct, frozen=True):
    """Findings about one thing: the machine, a hub, a daemon."""

    about: str
    findings: list[Finding]
