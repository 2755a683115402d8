"""Results for people (a table) and for programs (JSON)."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.bench import Scenario
from benchmarks.figures import Result, Round, summarise

RESULTS: Final = Path(__file__).parent / "results"
PACKAGES: Final = ("arborlink", "apsw", "httpx2", "msgspec", "uvicorn", "uvloop", "websockets")
HEADINGS: Final = ("", "Arbor", "best", "ssh", "ratio", "target", "")
VERDICTS: Final = {True: "met", False: "not met", None: ""}


@dataclass(frozen=True, slots=True)
class Finding:
    """A scenario with all its rounds."""

    scenario: Scenario
    rounds: Sequence[Round]
    fault: str | None

    def results(self) -> list[Result]:
        """The rows that could be measured."""
        found = [summarise(row, self.rounds) for row in self.scenario.rows]
        return [each for each in found if each is not None]


def table(finding: Finding) -> str:
    """For a terminal of 100 columns."""
    scenario = finding.scenario
    lines = [f"{scenario.name}: {scenario.title} (median of {len(finding.rounds)})"]
    rows = [HEADINGS, *(_cells(each) for each in finding.results())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    for row in rows:
        cells = [
            text.ljust(width) if column in (0, 5, 6) else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(("  " + "  ".join(cells)).rstrip())
    lines += [f"  processor seconds, {name}: {text}" for name, text in _processor(finding).items()]
    if finding.fault is not None:
        lines.append(f"  FAULT: {finding.fault}")
    return "\n".join(lines)


def document(findings: Sequence[Finding], ssh: str | None, storage: str) -> bytes:
    """Everything, as JSON."""
    content = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
            "storage": storage,
            "load": os.getloadavg(),
        },
        "versions": _versions(ssh),
        "scenarios": {
            each.scenario.name: {
                "rows": each.results(),
                "rounds": each.rounds,
                "fault": each.fault,
            }
            for each in findings
        },
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def default_file() -> Path:
    """Where results go when nobody says."""
    return RESULTS / f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}.json"


def storage_of(folder: Path) -> str:
    """The type of the file system, because on some of them an fsync costs nothing."""
    best, kind = "", "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mount, found, *_ = line.split()
        if folder.is_relative_to(mount) and len(mount) >= len(best):
            best, kind = mount, found
    return kind


def _versions(ssh: str | None) -> dict[str, str | None]:
    found: dict[str, str | None] = {"python": platform.python_version(), "ssh": ssh}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def _cells(result: Result) -> tuple[str, ...]:
    unit = f" {result.unit}" if result.unit else ""
    return (
        result.title,
        _number(result.value) + unit,
        _number(result.best),
        _number(result.peer),
        _number(result.ratio),
        result.target or "",
        VERDICTS[result.met],
    )


def _number(value: float | None) -> str:
    if value is None:
        return ""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def _processor(finding: Finding) -> Mapping[str, str]:
    """Means over the rounds."""
    found: dict[str, str] = {}
    for leg in finding.rounds[0] if finding.rounds else ():
        spent = [each[leg].processor for each in finding.rounds if leg in each]
        if spent and spent[0]:
            means = {name: sum(each[name] for each in spent) / len(spent) for name in spent[0]}
            found[leg] = ", ".join(f"{name} {_number(value)}" for name, value in means.items())
    return found
