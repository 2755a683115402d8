"""Asks whether what Arbor is built and run with has known vulnerabilities: `python tools/audit.py`.

The packages are those of `requirements/` and `web/package-lock.json`; the service is osv.dev, which
gets their names and versions in one request. Where it cannot be reached nothing is known, that is
said, and it is no failure: a machine without it has to be able to run the checks. `--check` asks
once a day, or when a package has changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, Final

import locked
from locked import Package

SERVICE: Final = "https://api.osv.dev/v1/querybatch"
TIMEOUT_SECONDS: Final = 5.0
MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
KEPT_SECONDS: Final = 24 * 3_600.0
# How long a service that could not be reached is left alone.
UNREACHABLE_SECONDS: Final = 3_600.0
STATE: Final = locked.ROOT / ".venv" / ".audit.json"
# Findings that do not concern Arbor: their id, and why not.
ACCEPTED: Final[dict[str, str]] = {}

Ask = Callable[[Sequence[Package]], dict[str, list[str]]]


class NotKnown(Exception):
    """The service gave no answer; the text says why."""


def main() -> int:
    """Print what is known; 1 if that is a vulnerability."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="at most once a day")
    arguments = parser.parse_args()
    packages = [
        *locked.of_python("hub"),
        *locked.of_python("build"),
        *locked.of_page(),
        *locked.of_page(development=True),
    ]
    code, said = audit(packages, ask, STATE, time.time(), use_kept=arguments.check)
    print(said, file=sys.stderr if code else sys.stdout)
    return code


def audit(
    packages: Sequence[Package], ask: Ask, state: Path, now: float, *, use_kept: bool
) -> tuple[int, str]:
    """Return an exit code and what there is to say.

    Args:
        packages: what is looked for.
        ask: finds the ids of vulnerabilities by package URL.
        state: where the last answer is kept, with when it was given.
        now: seconds since 1970.
        use_kept: an answer that is young enough is not asked for again.
    """
    digest = hashlib.sha256("\n".join(each.purl for each in packages).encode()).hexdigest()
    kept = _kept(state, digest, now) if use_kept else None
    if kept is None:
        try:
            kept = {"found": ask(packages)}
        except NotKnown as reason:
            kept = {"reason": str(reason)}
        if state.parent.is_dir():
            state.write_text(json.dumps({**kept, "digest": digest, "at": now}))
    if "reason" in kept:
        return 0, f"vulnerabilities of dependencies: not checked ({kept['reason']})"
    open_ = {
        purl: ids
        for purl, all_ids in kept["found"].items()
        if (ids := [each for each in all_ids if each not in ACCEPTED])
    }
    if not open_:
        return 0, f"vulnerabilities of dependencies: none known in {len(packages)} packages"
    lines = [f"  {purl}: {', '.join(ids)}" for purl, ids in sorted(open_.items())]
    text = "vulnerabilities of dependencies: known, upgrade them (`make requirements`, npm)"
    return 1, "\n".join([text, *lines])


def _kept(state: Path, digest: str, now: float) -> dict[str, Any] | None:
    try:
        kept = json.loads(state.read_text())
        seconds = UNREACHABLE_SECONDS if "reason" in kept else KEPT_SECONDS
        is_young = kept["digest"] == digest and 0 <= now - kept["at"] <= seconds
        return kept if is_young and isinstance(kept, dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def ask(packages: Sequence[Package], service: str = SERVICE) -> dict[str, list[str]]:
    """Return the ids of known vulnerabilities by package URL.

    Raises:
        NotKnown: the service cannot be reached in time, or does not answer as it should.
    """
    queries = [{"package": {"purl": each.purl}} for each in packages]
    request = urllib.request.Request(
        service,
        json.dumps({"queries": queries}).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            results = json.loads(_read(answer))["results"]
        found = {
            package.purl: [str(each["id"]) for each in result.get("vulns", [])]
            for package, result in zip(packages, results, strict=True)
        }
    except (OSError, HTTPException) as error:
        raise NotKnown(f"offline: {getattr(error, 'reason', error)}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotKnown(f"the answer is not understood: {error}") from error
    return {purl: ids for purl, ids in found.items() if ids}


def _read(answer: HTTPResponse) -> bytes:
    """An answer that comes a byte at a time is none."""
    until = time.monotonic() + TIMEOUT_SECONDS
    data = bytearray()
    while piece := answer.read1(64 * 1024):
        data += piece
        if len(data) > MAX_ANSWER_BYTES or time.monotonic() > until:
            raise ValueError("it is too long, or takes too long")
    return bytes(data)


if __name__ == "__main__":
    sys.exit(main())
