"""The keys that leave a terminal, as people name them: `ctrl-]`, `ctrl-p,ctrl-q`, `none`. Pure."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Final

from arborlink.protocol.errors import InvalidInput

DEFAULT: Final = "ctrl-]"
NONE: Final = "none"
MAX_KEYS: Final = 8
# With Ctrl these are Tab, Enter, Escape and line feed to most terminals, which programs need.
TAKEN: Final = frozenset("ijm[")
WITH_CTRL: Final = frozenset(string.ascii_lowercase + "@\\]^_") - TAKEN
_HINT: Final = (
    "Write ctrl- and one of a to z, @, \\, ], ^, _ (not i, j, m), or a single character; several "
    "with commas between them; or none"
)


@dataclass(frozen=True, slots=True)
class Key:
    """One key: `character` is as on its cap, in lower case."""

    character: str
    is_ctrl: bool

    @property
    def code(self) -> int:
        """The character that a terminal without a newer protocol sends."""
        return ord(self.character) & 0x1F if self.is_ctrl else ord(self.character)

    def __str__(self) -> str:
        return f"Ctrl-{self.character.upper()}" if self.is_ctrl else self.character


def parse_keys(text: str) -> tuple[Key, ...]:
    """Return the keys to press after each other; none of them: there is no way to leave.

    Raises:
        InvalidInput: it cannot be read, or no terminal could tell one of the keys.
    """
    if text.strip().lower() == NONE:
        return ()
    words = text.strip().split(",")
    if len(words) > MAX_KEYS:
        raise InvalidInput(f"{len(words)} keys are too many to leave a terminal with. {_HINT}")
    return tuple(_parse_key(word.strip()) for word in words)


def keys_text(keys: tuple[Key, ...]) -> str:
    """Return the keys as they are shown."""
    return " ".join(map(str, keys)) if keys else NONE


def _parse_key(word: str) -> Key:
    for prefix in ("ctrl-", "^"):
        rest = word[len(prefix) :].lower()
        if word.lower().startswith(prefix) and len(rest) == 1:
            if rest in WITH_CTRL:
                return Key(rest, is_ctrl=True)
            raise InvalidInput(f"{word} cannot be told from other keys. {_HINT}")
    if len(word) == 1 and word.isprintable() and word.isascii():
        return Key(word, is_ctrl=False)
    raise InvalidInput(f"{word!r} names no key to leave a terminal with. {_HINT}")
