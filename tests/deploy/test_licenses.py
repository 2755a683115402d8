"""The page passes on the license of each package that it contains."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "src" / "arborlink" / "hub" / "static"
# They build the page, and are no part of it.
TOOLS = {"vite", "@vitejs/plugin-react"}
# Of types alone, or of what other systems and servers use.
NOT_IN_THE_PAGE = {
    *("cookie-es", "csstype", "isbot", "js-tokens", "loose-envify", "object-assign", "react-is"),
    *("seroval-plugins", "tagged-tag", "type-fest"),
}


def make(folder: Path) -> subprocess.CompletedProcess[str]:
    """The text for what `packages.json` in `folder` lists; run as the build does, by path."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from pathlib import Path; import web_licenses;"
        "print(web_licenses.licenses(Path(sys.argv[2])), end='')"
    )
    words = [sys.executable, "-c", program, str(ROOT / "tools"), str(folder / "packages.json")]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def add(folder: Path, name: str, about: dict[str, Any], **files: str) -> str:
    package = folder / name
    package.mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"name": name, "version": "1.2", **about}))
    for file, text in files.items():
        (package / file).write_text(text)
    return str(package)


def packages_of_the_page() -> set[str]:
    """What the lock file says is needed at run time, without the tools and what they need."""
    lock = json.loads((ROOT / "web" / "package-lock.json").read_text())["packages"]
    found: set[str] = set()
    waiting = [name for name in lock[""]["dependencies"] if name not in TOOLS]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += lock[f"node_modules/{name}"].get("dependencies", {})
    return found


@pytest.mark.skipif(not (STATIC / "index.html").exists(), reason="the page is not built")
def test_each_package_of_the_page_is_named_with_a_text() -> None:
    text = (STATIC / "licenses.txt").read_text()
    missing = {name for name in packages_of_the_page() if f"\n{name} " not in text}
    assert missing == NOT_IN_THE_PAGE
    for holder in (
        "Meta Platforms",
        "Vitaly Rtishchev",
        "xterm.js",
        "Leon Sorokin",
        "SIL OPEN FONT",
    ):
        assert holder.lower() in text.lower(), holder
    assert "packages.json" not in {each.name for each in STATIC.iterdir()}


def test_texts_are_taken_from_files_or_are_the_mit_license(tmp_path: Path) -> None:
    folders = [
        add(tmp_path, "with-files", {"license": "ISC"}, LICENSE="one text", NOTICE="a notice"),
        add(tmp_path, "without", {"license": "MIT", "author": {"name": "A Person"}}),
    ]
    tools = [add(tmp_path, "tool", {"license": "MIT", "author": "B"}, LICENSE="of much else")]
    listed = {"folders": folders, "tools": tools}
    (tmp_path / "packages.json").write_text(json.dumps(listed))
    done = make(tmp_path)
    assert "with-files 1.2 (ISC)" in done.stdout
    assert "one text\n\na notice" in done.stdout
    assert "Copyright (c) A Person" in done.stdout and "The Arbor authors" not in done.stdout
    assert "tool 1.2 (MIT)" in done.stdout and "of much else" not in done.stdout


def test_a_package_without_any_text_stops_the_build(tmp_path: Path) -> None:
    listed = {"folders": [add(tmp_path, "bare", {"license": "BSD-3-Clause"})], "tools": []}
    (tmp_path / "packages.json").write_text(json.dumps(listed))
    done = make(tmp_path)
    assert done.returncode != 0 and "bare 1.2 (BSD-3-Clause) has no license text" in done.stderr


def test_the_readme_of_the_package_has_no_picture_and_no_link_into_the_repository() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import package_readme;"
        "print(package_readme.readme(sys.stdin.read()), end='')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(ROOT / "tools")],
        input=(ROOT / "README.md").read_text() + "\n[kept](https://example.org) [too](#here)\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "![" not in done.stdout and "<img" not in done.stdout and "](docs" not in done.stdout
    assert "## Two commands" in done.stdout and "Tutorial" in done.stdout
    assert "[kept](https://example.org) [too](#here)" in done.stdout
