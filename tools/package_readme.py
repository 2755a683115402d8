"""README.md as a package index can show it: without pictures and links into the repository.

Used by the packaging hook: this module imports the standard library only.
"""

from __future__ import annotations

import re

# A Markdown picture, and the HTML paragraph that holds two side by side.
_PICTURE = re.compile(r"^!\[[^\]]*\]\([^)]*\)\n+|^<p>\n(?:\s*<img [^>]*>\n)+</p>\n+", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\((?![a-z]+:|#)[^)]*\)")


def readme(text: str) -> str:
    """Return `text` without pictures of the repository, its links to files as plain words."""
    return _LINK.sub(r"\1", _PICTURE.sub("", text))
