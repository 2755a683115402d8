"""The licenses of what the page contains, as one text: they have to go wherever the page goes.

Used by the packaging hook: this module imports the standard library only.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_TEXT = re.compile(r"(licen[cs]e|copying|notice|ofl)", re.IGNORECASE)
_COPYRIGHT = re.compile(r"^Copyright .*$", re.MULTILINE)
_RULE = "-" * 78
_HEAD = "The page of Arbor contains these packages, under the licenses below.\n"


class MissingLicense(Exception):
    """A package has no license text to pass on; the text names it."""


def licenses(packages: Path) -> str:
    """Return the text for the packages that `packages`, which the build writes, lists.

    Raises:
        MissingLicense: one has neither a file with its license nor a known one.
    """
    listed = json.loads(packages.read_text())
    parts = {_part(Path(folder), reads=True) for folder in listed["folders"]}
    # Their own files have the texts of all that they are built of, which is not in the page.
    parts |= {_part(Path(folder), reads=False) for folder in listed["tools"]}
    return "\n".join([_HEAD, *sorted(parts)])


def _part(folder: Path, *, reads: bool) -> str:
    about = json.loads((folder / "package.json").read_text())
    files = sorted(each for each in folder.iterdir() if _TEXT.match(each.name) and each.is_file())
    texts = [each.read_text("utf-8", "replace").strip() for each in files] if reads else []
    text = "\n\n".join(texts) or _mit(about)
    name = f"{about['name']} {about['version']} ({about.get('license', 'as below')})"
    if not text:
        raise MissingLicense(f"{name} has no license text to pass on")
    return f"{_RULE}\n{name}\n{_RULE}\n\n{text}\n"


def _mit(about: dict[str, Any]) -> str:
    """The MIT License of a package without a file of it: Arbor is under the same one."""
    author = about.get("author", "")
    holder = author["name"] if isinstance(author, dict) else author
    if about.get("license") != "MIT" or not holder:
        return ""
    return _COPYRIGHT.sub(f"Copyright (c) {holder}", (ROOT / "LICENSE").read_text().strip())
