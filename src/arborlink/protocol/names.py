"""Names of workspaces, accounts and tokens, by which people and programs find them. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from arborlink.protocol.errors import InvalidInput
from arborlink.protocol.ids import looks_like_id
from arborlink.protocol.limits import MAX_NAME_CHARS

# Between an account and its workspace, as in `mia/lab`.
SEPARATOR: Final = "/"
# What `str.isprintable` lets through although it is drawn as nothing: the printable code points of
# Unicode's Default_Ignorable_Code_Point, and the empty Braille pattern.
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)


def checked_label(text: str) -> str:
    """Return what a program says that it is called, without spaces around it, composed (NFC).

    Raises:
        InvalidInput: too short or long, or it contains what is not visible.
    """
    text = unicodedata.normalize("NFC", text.strip())
    if not 1 <= len(text) <= MAX_NAME_CHARS:
        raise _invalid(f"A name has 1 to {MAX_NAME_CHARS} characters.")
    # What Python calls unprintable includes control and format characters, bidi overrides too.
    if not text.isprintable() or _INVISIBLE.search(text):
        raise _invalid("The name contains control characters or invisible ones.")
    return text


def checked_name(name: str) -> str:
    """Return a name by which something is found later.

    Raises:
        InvalidInput: as `checked_label`; or it looks like another name (with characters that
            Unicode's NFKC replaces), or begins as an id does.
    """
    name = checked_label(name)
    plain = unicodedata.normalize("NFKC", name)
    if plain != name:
        raise _invalid(f"The name looks like another one. Write it with plain characters: {plain}")
    if looks_like_id(name):
        raise _invalid(
            f"A name cannot begin as an id does, with {name.partition('_')[0]}_: "
            "it would be taken for one."
        )
    return name


def checked_path_part(name: str) -> str:
    """Return the name of a workspace or an account, which `account/workspace` is made of.

    Raises:
        InvalidInput: as `checked_name`, or it contains the separator.
    """
    name = checked_name(name)
    if SEPARATOR in name:
        raise _invalid(
            f"A name cannot contain {SEPARATOR}: it stands between an account and its workspace."
        )
    return name


def name_of_folder(folder: str) -> str:
    """Return a name that `checked_path_part` takes, as like the folder's as possible."""
    plain = unicodedata.normalize("NFKC", folder)
    shown = "".join(
        each if each.isprintable() and each != SEPARATOR and not _INVISIBLE.match(each) else "-"
        for each in plain
    )
    name = unicodedata.normalize("NFKC", shown)[:MAX_NAME_CHARS].strip()
    if looks_like_id(name):
        name = name.replace("_", "-", 1)
    return name or "workspace"


def same_name(one: str, other: str) -> bool:
    """Return whether both are the same text, however their accents are encoded."""
    return unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)


def _invalid(text: str) -> InvalidInput:
    return InvalidInput(text, code="invalid_name")
