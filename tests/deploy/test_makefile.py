"""`make` with a Python that is too old, broken or another one, and what it installs by apt."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# It answers as a Python of another version would; `-m venv` makes what is needed here.
FAKE = """#!/bin/sh
if [ "$1" = -c ]; then
    exec {python} -c 'import sys; sys.version_info = ({version}, 0); exec(sys.argv[1])' "$2"
fi
for folder; do :; done
mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python" && echo "made with {version}"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The Makefile and its scripts alone: what is installed afterwards is not looked at."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    return tmp_path


def fake_python(folder: Path, version: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / f"python{version.replace(', ', '.')}"
    file.write_text(FAKE.format(python=sys.executable, version=version))
    file.chmod(0o755)
    return file


def make(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    kept.pop("PYTHON", None)
    return subprocess.run(
        ["make", *words], cwd=checkout, env=kept, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("version", ["2, 7", "3, 6", "3, 9", "3, 10"])
def test_a_python_that_is_too_old_is_named_at_once(checkout: Path, version: str) -> None:
    old = fake_python(checkout / "bin", version)
    done = make(checkout, "up", f"PYTHON={old}")
    assert done.returncode != 0 and not (checkout / ".venv").exists()
    first, second = done.stderr.splitlines()
    dotted = version.replace(", ", ".")
    assert f"needs Python 3.11 or newer, and {old} is Python {dotted}." in first
    assert "PYTHON=python3" in first and second.startswith("make: ***")


def test_a_python_that_is_not_there_is_named(checkout: Path) -> None:
    done = make(checkout, "up", "PYTHON=/no/such/python")
    assert "needs Python 3.11 or newer, and /no/such/python does not run" in done.stderr


def test_another_python_makes_the_environment_anew(checkout: Path) -> None:
    first, second = (fake_python(checkout / "bin", version) for version in ("3, 11", "3, 12"))
    assert "made with 3, 11" in make(checkout, ".venv/.pip", f"PYTHON={first}").stdout
    (checkout / ".venv" / ".pip").touch()
    # Neither where none is asked for, nor where it is the same one.
    for words in ([], [f"PYTHON={first}"]):
        assert "up to date" in make(checkout, ".venv/.pip", *words).stdout
    done = make(checkout, ".venv/.pip", f"PYTHON={second}")
    assert f"its Python is 3.11, and {second} is 3.12" in done.stdout
    assert "made with 3, 12" in done.stdout


def test_an_environment_that_is_broken_is_made_anew(checkout: Path) -> None:
    python = fake_python(checkout / "bin", "3, 12")
    make(checkout, ".venv/.pip", f"PYTHON={python}")
    (checkout / ".venv" / ".pip").touch()
    (checkout / ".venv" / "bin" / "python").write_text("#!/no/such/interpreter\n")
    done = make(checkout, ".venv/.pip", f"PYTHON={python}")
    assert ".venv is made anew: its Python does not run" in done.stdout
    assert "made with 3, 12" in done.stdout


def test_an_environment_of_another_folder_is_made_anew(checkout: Path) -> None:
    python = fake_python(checkout / "bin", "3, 12")
    make(checkout, ".venv/.pip", f"PYTHON={python}")
    (checkout / ".venv" / ".pip").touch()
    (checkout / ".venv" / "bin" / "pip").write_text("#!/elsewhere/.venv/bin/python\n")
    done = make(checkout, ".venv/.pip", f"PYTHON={python}")
    assert "it was made in another folder" in done.stdout


def test_an_old_python_does_not_touch_an_environment_that_works(checkout: Path) -> None:
    good, old = fake_python(checkout / "bin", "3, 12"), fake_python(checkout / "bin", "3, 9")
    make(checkout, ".venv/.pip", f"PYTHON={good}")
    done = make(checkout, ".venv/.pip", f"PYTHON={old}")
    assert done.returncode != 0 and "is Python 3.9" in done.stderr
    assert (checkout / ".venv" / "bin" / "python").exists()


def test_a_new_version_is_installed_anew(checkout: Path) -> None:
    """The metadata of an editable installation stays as it was, and the hub's wheel needs it."""
    make(checkout, ".venv/.pip", f"PYTHON={fake_python(checkout / 'bin', '3, 12')}")
    version = Path("src/arborlink/__init__.py")
    inputs = [Path("pyproject.toml"), Path("hatch_build.py"), version]
    for index, name in enumerate([*inputs, Path(".venv/.pip"), Path(".venv/.installed")]):
        file = checkout / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        os.utime(file, (index, index))
    assert make(checkout, "-q", ".venv/.installed").returncode == 0
    (checkout / version).touch()
    assert make(checkout, "-q", ".venv/.installed").returncode == 1


# Packages that are called as the command that they bring.
PROGRAMS = ("tmux", "less", "vim", "htop", "fish", "curl")


class Machine:
    """A PATH with these commands, `apt-get` among them, which writes down what it is asked for."""

    def __init__(self, folder: Path, *, user: int, there: tuple[str, ...] = ()) -> None:
        self.bin = folder / "path"
        self.bin.mkdir()
        self.log = folder / "apt.log"
        self.add("id", f"echo {user}")
        self.add("apt-get", f'echo "$@" >> {self.log}')
        for name in there:
            self.add(name, "")

    def add(self, name: str, line: str) -> None:
        file = self.bin / name
        file.write_text(f"#!/bin/sh\n{line}\n")
        file.chmod(0o755)

    def run(self, **variables: str) -> str:
        script = ROOT / "tools" / "debian_packages.sh"
        done = subprocess.run(
            ["/bin/sh", str(script)],
            env={"PATH": str(self.bin), **variables},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def installed(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


def test_packages_are_named_before_they_are_installed(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user=0, there=("nginx", *PROGRAMS))
    said = machine.run()
    assert "with apt-get: iproute2 chromium" in said and "APT=no" in said
    assert "iproute2" in machine.installed() and "nginx" not in machine.installed()


@pytest.mark.parametrize(("user", "variables"), [(0, {"APT": "no"}), (1000, {})])
def test_without_leave_nothing_is_installed(
    tmp_path: Path, user: int, variables: dict[str, str]
) -> None:
    machine = Machine(tmp_path, user=user)
    said = machine.run(**variables)
    assert "iproute2 nginx-light tmux less vim htop fish curl chromium" in said
    assert "skipped" in said
    assert not machine.installed()


def test_a_machine_that_has_all_of_it_is_left_alone(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user=0, there=("tc", "nginx", "chromium", *PROGRAMS))
    assert machine.run() == "" and not machine.installed()
