"""What ships: the wheel has the page, the SQL and the types inside."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXPECTED = {
    "arborlink/hub/static/index.html",
    "arborlink/hub/store/sql/migrations/0001_initial.sql",
    "arborlink/py.typed",
}


def test_the_wheel_contains_all_that_runs(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", tmp_path, ROOT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr[-3000:]

    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert names >= EXPECTED
    assert any(name.startswith("arborlink/hub/static/assets/") for name in names)
    assert not any("node_modules" in name or name.startswith("tests/") for name in names)
