"""Runs the tests in odd surroundings, one after the other, and prints what each showed.

`python tools/surroundings.py [--full] [--only NAME] [--workers N] [-- PYTEST ARGUMENTS]`: the fast
part, the whole suite, or what the arguments select. What pytest says is kept in
`test-results/surroundings/`.
"""

from __future__ import annotations

import argparse
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "test-results" / "surroundings"
WEB_PAGE: Final = "src/arborlink/hub/static"
FAST: Final = ("--fast",)
# As `make test`.
FULL: Final = ("-m", "not autobahn and not chaos and not fuzz and not soak")
OLDEST_PYTHON: Final = (3, 11)
TEMPORARY_FOLDER_CHARACTERS: Final = 90
ORDINARY_USER: Final = "nobody"
# In a network namespace, so that nothing else of the machine loses IPv6.
WITHOUT_IPV6: Final = (
    'ip link set lo up && echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 && exec "$@"'
)


class Impossible(Exception):
    """The surrounding cannot be made here; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Place:
    """How pytest is started: `before` gets its command line as arguments.

    A variable of `environment` that is None is removed.
    """

    before: tuple[str, ...] = ()
    environment: Mapping[str, str | None] = field(default_factory=dict)
    python: Path = Path(sys.executable)
    checkout: Path = ROOT


@dataclass(frozen=True, slots=True)
class Surrounding:
    """`make` is given an empty temporary folder, and raises Impossible."""

    name: str
    make: Callable[[Path], Place]


@dataclass(slots=True)
class Outcome:
    """What one surrounding showed. `counts` are tests by passed, failed, skipped."""

    name: str
    verdict: str
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)


def started_by(*before: str) -> Callable[[Path], Place]:
    """Start pytest as the arguments of the command `before`."""
    return lambda _: Place(before=before)


def started_in_shell(script: str) -> Callable[[Path], Place]:
    """Start pytest as the arguments of the shell script `script`."""
    return started_by("sh", "-c", script, "sh")


def with_environment(**environment: str | None) -> Callable[[Path], Place]:
    """Start pytest with variables replaced or, where they are None, removed."""
    return lambda _: Place(environment=environment)


def as_root(_: Path) -> Place:
    """Start pytest as it is, if that is as root."""
    if os.geteuid() != 0:
        raise Impossible("needs root")
    return Place()


def as_ordinary_user(folder: Path) -> Place:
    """Start pytest in a copy of the checkout that an unprivileged user owns."""
    if os.geteuid() != 0:
        return Place()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise Impossible("needs `setpriv` (the package util-linux)")
    user = pwd.getpwnam(ORDINARY_USER)
    become = (setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--")
    # A Python below root's home cannot be executed by others.
    python = find_python(None, become)
    checkout = folder / "checkout"
    copy_checkout(checkout)
    made = make_environment(python, folder / "environment", checkout)
    home, temporary = folder / "home", folder / "tmp"
    for path in (home, temporary):
        path.mkdir()
    for path in (checkout, home, temporary):
        subprocess.run(["chown", "-R", f"{user.pw_uid}:{user.pw_gid}", str(path)], check=True)
    environment = {"HOME": str(home), "TMPDIR": str(temporary), "USER": ORDINARY_USER}
    return Place(become, {**environment, "LOGNAME": ORDINARY_USER}, made, checkout)


def with_long_temporary_folder(folder: Path) -> Place:
    """Start pytest with a TMPDIR that is as long as a Unix socket's path nearly may be."""
    room = TEMPORARY_FOLDER_CHARACTERS - len(str(folder)) - 1
    if room < 1:
        raise Impossible(f"the system's temporary folder is too long already: {folder}")
    temporary = folder / ("t" * room)
    temporary.mkdir()
    return Place(environment={"TMPDIR": str(temporary)})


def without_ipv6(_: Path) -> Place:
    """Start pytest in a network of its own, where no address of IPv6 can be bound."""
    before = ("unshare", "--net", "sh", "-c", WITHOUT_IPV6, "sh")
    try:
        subprocess.run([*before, "true"], check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise Impossible("needs `unshare` (the package util-linux)") from error
    except subprocess.CalledProcessError as error:
        raise Impossible(f"no network namespace: {str(error.stderr).strip()}") from error
    return Place(before=before)


def with_python(version: str) -> Callable[[Path], Place]:
    """Start pytest in an environment of its own of another Python."""

    def make(folder: Path) -> Place:
        if version == f"{sys.version_info.major}.{sys.version_info.minor}":
            return Place()
        return Place(python=make_environment(find_python(version), folder / "environment", ROOT))

    return make


SURROUNDINGS: Final = (
    Surrounding("plain", lambda _: Place()),
    Surrounding("background", started_in_shell('"$@" & wait "$!"')),
    Surrounding("nohup", started_by("nohup")),
    Surrounding("no-terminal", started_by("setsid", "--wait")),
    Surrounding("no-home", with_environment(HOME=None)),
    Surrounding("root", as_root),
    Surrounding("ordinary-user", as_ordinary_user),
    Surrounding("lang-c", with_environment(LANG="C", LC_ALL=None, LC_CTYPE=None, LANGUAGE=None)),
    Surrounding("umask-077", started_in_shell('umask 077 && exec "$@"')),
    Surrounding("long-tmpdir", with_long_temporary_folder),
    Surrounding("no-ipv6", without_ipv6),
    Surrounding("few-files", started_in_shell('ulimit -n 1024 && exec "$@"')),
    Surrounding("python3.11", with_python("3.11")),
    Surrounding("python3.12", with_python("3.12")),
    Surrounding("python3.13", with_python("3.13")),
)


def find_python(version: str | None, before: tuple[str, ...] = ()) -> Path:
    """Find an interpreter that `before` can execute and that can make environments.

    Raises:
        Impossible: there is none on the PATH, nor among pyenv's versions.
    """
    names = (
        [f"python{version}"] if version else ["python3", *(f"python3.{n}" for n in (13, 12, 11))]
    )
    folders = [Path(each) for each in os.get_exec_path()]
    pyenv = shutil.which("pyenv")
    if pyenv is not None:
        root = subprocess.run([pyenv, "root"], check=True, capture_output=True, text=True).stdout
        folders += sorted(Path(root.strip()).glob("versions/*/bin"), reverse=True)
    probe = f"import ensurepip, sys; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    for candidate in (folder / name for folder in folders for name in names):
        # A shim of pyenv exists for versions, too, that are not chosen, and fails.
        if candidate.is_file() and _succeeds(*before, str(candidate), "-c", probe):
            return candidate
    raise Impossible(f"no {names[0]} that can be used and can make environments")


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, cwd="/", capture_output=True, check=False).returncode == 0


def make_environment(python: Path, folder: Path, checkout: Path) -> Path:
    """Make an environment with what the tests need; returns its interpreter."""
    made = folder / "bin" / "python"
    pip = (str(made), "-m", "pip", "install", "--quiet")
    for command in (
        (str(python), "-m", "venv", str(folder)),
        (*pip, "--upgrade", "pip>=25.1"),
        (*pip, "--editable", ".[hub]"),
        (*pip, "--group", "dev"),
    ):
        subprocess.run(command, cwd=checkout, check=True, capture_output=True, text=True)
    return made


def copy_checkout(destination: Path) -> None:
    """Copy what git knows or would add, and the page as it was built."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, destination / name)
    shutil.copytree(ROOT / WEB_PAGE, destination / WEB_PAGE)


def run(surrounding: Surrounding, arguments: list[str]) -> Outcome:
    """Run pytest with these arguments in a surrounding, and judge what it showed."""
    print(f"{surrounding.name}: ", end="", flush=True)
    with tempfile.TemporaryDirectory(prefix="arbor-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            place = surrounding.make(folder)
        except Impossible as error:
            outcome = Outcome(surrounding.name, f"not here: {error}")
        except subprocess.CalledProcessError as error:
            (RESULTS / f"{surrounding.name}.log").write_text(str(error.stderr or ""))
            outcome = Outcome(surrounding.name, f"not here: `{' '.join(error.cmd)}` failed")
        else:
            outcome = _run_in(place, surrounding.name, arguments)
    print(outcome.verdict, flush=True)
    return outcome


def _run_in(place: Place, name: str, arguments: list[str]) -> Outcome:
    outcome = Outcome(name, "passed")
    environment = {**os.environ, **place.environment}
    began = time.monotonic()
    with (RESULTS / f"{name}.log").open("wb") as log, tempfile.TemporaryDirectory() as reports:
        # Written by another user, perhaps.
        Path(reports).chmod(0o777)
        report = Path(reports) / "report.xml"
        pytest = (str(place.python), "-m", "pytest", "-p", "no:cacheprovider")
        done = subprocess.run(
            [*place.before, *pytest, f"--junitxml={report}", *arguments],
            cwd=place.checkout,
            env={key: value for key, value in environment.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            outcome.verdict = f"failed ({done.returncode})"
        if report.exists():
            _count(report, outcome)
    outcome.seconds = time.monotonic() - began
    return outcome


def _count(report: Path, outcome: Outcome) -> None:
    for case in ElementTree.parse(report).iter("testcase"):
        skipped = case.find("skipped")
        if skipped is not None:
            outcome.counts["skipped"] += 1
            outcome.skipped[skipped.get("message", "")] += 1
        elif case.find("failure") is not None or case.find("error") is not None:
            outcome.counts["failed"] += 1
            outcome.failed.append(f"{case.get('classname')}::{case.get('name')}")
        else:
            outcome.counts["passed"] += 1


def print_table(outcomes: list[Outcome]) -> None:
    """Print a line for each surrounding, what failed, and what was skipped for which reason."""
    print("\n| surrounding | outcome | seconds | passed | failed | skipped |")
    print("|---|---|---|---|---|---|")
    for each in outcomes:
        counts = " | ".join(str(each.counts[key]) for key in ("passed", "failed", "skipped"))
        print(f"| {each.name} | {each.verdict} | {each.seconds:.0f} | {counts} |")
    for each in outcomes:
        for test in each.failed:
            print(f"\n{each.name}: {test} failed", end="")
        for reason, count in each.skipped.most_common():
            print(f"\n{each.name}: {count} skipped: {reason}", end="")
    print()


def main() -> int:
    """Run what was asked for; 1 if a test has failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the whole suite, not its fast part")
    parser.add_argument("--only", action="append", choices=[each.name for each in SURROUNDINGS])
    parser.add_argument("--workers", type=int, default=3, help="of pytest-xdist; 3 unless given")
    parser.add_argument("pytest", nargs="*", help="arguments that select other tests")
    options = parser.parse_args()
    os.umask(0o022)  # another user reads what is copied and installed
    RESULTS.mkdir(parents=True, exist_ok=True)
    beside = ["-n", str(options.workers), "--dist", "worksteal"]
    selection = options.pytest or (FULL if options.full else FAST)
    chosen = [each for each in SURROUNDINGS if not options.only or each.name in options.only]
    outcomes = [run(each, [*beside, *selection]) for each in chosen]
    print_table(outcomes)
    return int(any(each.verdict.startswith("failed") for each in outcomes))


if __name__ == "__main__":
    sys.exit(main())
