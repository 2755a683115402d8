"""The Autobahn Testsuite: found, installed, run, and read. It needs a Python 2.7."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

PACKAGE: Final = "autobahntestsuite==25.10.1"
INSTALLED: Final = Path(__file__).parents[2] / "build" / "autobahn"
# What follows RFC 6455. The rest measures speed (9) and tests compression (12, 13), which is off.
CASES: Final = [f"{section}.*" for section in (1, 2, 3, 4, 5, 6, 7, 10)]
CASE_COUNT: Final = 247
PASSED: Final = frozenset({"OK", "NON-STRICT", "INFORMATIONAL"})
INSTALL_SECONDS: Final = 600
STOP_SECONDS: Final = 10


def find_python() -> str | None:
    """A Python 2.7 that has pip, if there is one."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [
        shutil.which("python2.7"),
        *map(str, sorted(pyenv.glob("versions/2.7*/bin/python2.7"), reverse=True)),
    ]
    # pyenv's shims are there for versions that are not in use, too.
    return next((each for each in candidates if each is not None and _works(each)), None)


def _works(python: str) -> bool:
    looked = subprocess.run(
        [python, "-c", "import sys, pip; sys.exit(sys.version_info[:2] != (2, 7))"],
        capture_output=True,
        check=False,
    )
    return looked.returncode == 0


def install(python: str) -> None:
    """Once; `make clean` removes it.

    Raises:
        AssertionError: it cannot be installed; the text is pip's.
    """
    stamp = INSTALLED / PACKAGE
    if stamp.exists():
        return
    shutil.rmtree(INSTALLED, ignore_errors=True)
    installed = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--target", str(INSTALLED), PACKAGE],
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    assert installed.returncode == 0, installed.stderr[-4_000:]
    # A namespace that only site-packages would know as one.
    (INSTALLED / "zope" / "__init__.py").touch()
    stamp.touch()


@contextmanager
def running(
    python: str, mode: str, folder: Path, options: Mapping[str, Any]
) -> Iterator[subprocess.Popen[bytes]]:
    """The suite as a process, which writes its log and its reports to `folder`."""
    outdir = folder / "reports"
    spec = folder / "spec.json"
    spec.write_text(json.dumps({"outdir": str(outdir), "cases": CASES, **options}))
    start = "from autobahntestsuite import wstest; wstest.run()"
    arguments = ["--mode", mode, "--spec", str(spec), "--webport", "0"]
    with (
        (folder / "suite.log").open("wb") as log,
        subprocess.Popen(
            [python, "-u", "-c", start, *arguments],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(INSTALLED)},
            cwd=folder,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def failures(folder: Path) -> set[str]:
    """The cases that did not pass, by number.

    Raises:
        AssertionError: there is no report of every case.
    """
    index = folder / "reports" / "index.json"
    assert index.exists(), (folder / "suite.log").read_text()[-4_000:]
    (verdicts,) = json.loads(index.read_text()).values()
    assert len(verdicts) == CASE_COUNT
    return {
        case
        for case, verdict in verdicts.items()
        if not {verdict["behavior"], verdict["behaviorClose"]} <= PASSED
    }
