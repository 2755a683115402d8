"""`python -m benchmarks [SCENARIO…] [--runs N] [--out FILE]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import SubprocessError
from typing import Final

from tests.e2e.arbor import Arbor

from arborlink.client import ArborError
from benchmarks import bulk, dispatch, interrupt, line, page, report, rest, siege
from benchmarks.bench import Bench, Faulty, Scenario
from benchmarks.figures import Round
from benchmarks.report import Finding
from benchmarks.ssh import Ssh, SshMissing

SCENARIOS: Final = {
    each.name: each
    for each in (
        dispatch.SCENARIO,
        bulk.SCENARIO,
        line.SCENARIO,
        page.SCENARIO,
        interrupt.SCENARIO,
        rest.SCENARIO,
        siege.SCENARIO,
    )
}
DEFAULT_RUNS: Final = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """The figures are information: the exit code does not depend on them."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="arbor-bench-") as name:
        folder = Path(name)
        ssh = _ssh(folder / "ssh")
        try:
            findings = [
                _measure(SCENARIOS[each], folder, ssh, options.runs) for each in _chosen(options)
            ]
            content = report.document(
                findings, ssh.version() if ssh else None, report.storage_of(folder)
            )
        finally:
            if ssh is not None:
                ssh.stop()
    file: Path = options.out or report.default_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    print(f"all figures: {file}")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("scenario", nargs="*", help=f"of {', '.join(SCENARIOS)}; default: all")
    parser.add_argument(
        "--runs", type=int, default=DEFAULT_RUNS, metavar="N", help="rounds of each"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the JSON goes")
    options = parser.parse_args(arguments)
    unknown = [each for each in options.scenario if each not in SCENARIOS]
    if unknown or options.runs < 1:
        parser.error(
            f"no such scenario: {', '.join(unknown)}" if unknown else "--runs is at least 1"
        )
    return options


def _chosen(options: argparse.Namespace) -> list[str]:
    return list(options.scenario) or list(SCENARIOS)


def _ssh(folder: Path) -> Ssh | None:
    try:
        return Ssh(folder)
    except SshMissing as error:
        print(f"without ssh, hence without ratios: {error}", file=sys.stderr)
        return None


def _measure(scenario: Scenario, folder: Path, ssh: Ssh | None, runs: int) -> Finding:
    rounds: list[Round] = []
    fault = None
    try:
        for number in range(runs):
            print(f"{scenario.name}: round {number + 1} of {runs}", file=sys.stderr)
            # A new home every time: no round finds what an earlier one has left on disk.
            with tempfile.TemporaryDirectory(dir=folder) as home, _arbor(Path(home)) as arbor:
                rounds.append(scenario.run(Bench(arbor, ssh, folder)))
    except (Faulty, AssertionError, ArborError, OSError, SubprocessError) as error:
        fault = f"{type(error).__name__}: {error}"
    finding = Finding(scenario, rounds, fault)
    print(report.table(finding), flush=True)
    return finding


@contextmanager
def _arbor(home: Path) -> Iterator[Arbor]:
    arbor = Arbor(home / "home", home / "workspace")
    try:
        arbor.start_hub()
        arbor.start_daemon()
        yield arbor
    finally:
        arbor.stop()


if __name__ == "__main__":
    sys.exit(main())
