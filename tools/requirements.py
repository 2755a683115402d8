"""Writes `requirements/`: what Arbor needs, every version and every file of it by its hash.

`python tools/requirements.py` resolves anew, for all Pythons and systems at once (needs `uv` and
the package registry). No address is written down: any mirror may serve the files, and none can
change them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from web_build import NODE_PACKAGE

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "requirements"
BUILD: Final = ("hatchling>=1.27", "editables", NODE_PACKAGE)
LEAST_PYTHON: Final = "3.11"
HEADER: Final = """\
# {what}. Written by `make requirements`.
# Use: pip install --require-hashes -r requirements/{name}.txt
"""
# What each file is for, and what it is resolved from.
FILES: Final[dict[str, tuple[str, list[str]]]] = {
    "hub": ("What a hub and a daemon need", ["--extra", "hub", "pyproject.toml"]),
    "daemon": ("What a daemon, the command line and the SDK need", ["pyproject.toml"]),
    "build": ("What building the package needs", ["-"]),
}


def main() -> int:
    """Write every file."""
    FOLDER.mkdir(exist_ok=True)
    for name, (what, sources) in FILES.items():
        done = subprocess.run(
            [
                *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal"),
                *("--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url"),
                *("--python-version", LEAST_PYTHON, *sources),
            ],
            cwd=ROOT,
            input="\n".join(BUILD),
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            print(done.stderr, file=sys.stderr)
            return 1
        head = HEADER.format(what=what, name=name)
        (FOLDER / f"{name}.txt").write_text(head + done.stdout)
        print(f"wrote requirements/{name}.txt")
    return 0


if __name__ == "__main__":
    sys.exit(main())
