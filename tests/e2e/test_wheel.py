"""What ships: the wheel has the page, the SQL and the types inside."""

from __future__ import annotations

import email
import io
import subprocess
import sys
import zipfile
from pathlib import Path

from arborlink.hub.service import wheel as hub_wheel

ROOT = Path(__file__).parents[2]
EXPECTED = {
    "arborlink/hub/static/index.html",
    "arborlink/hub/static/licenses.txt",
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
    (about,) = (name for name in names if name.endswith(".dist-info/METADATA"))
    content = zipfile.ZipFile(wheel)
    fields = email.message_from_bytes(content.read(about))
    assert "licenses.txt" in str(fields.get_all("License-File"))
    for name in fields.get_all("License-File", []):
        held = f"{about.removesuffix('METADATA')}licenses/{name}"
        assert b"permission" in content.read(held).lower(), held
    assert "](docs/" not in fields.get_payload() and "<img" not in fields.get_payload()
    # What a hub serves of itself is the same package.
    served = set(zipfile.ZipFile(io.BytesIO(hub_wheel.build().content)).namelist())
    ours = {name for name in names if name.startswith("arborlink/")}
    assert {name for name in served if name.startswith("arborlink/")} == {
        name for name in ours if not name.rpartition("/")[2].startswith(".")
    }
