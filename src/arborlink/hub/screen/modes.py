"""What a program has switched on in its terminal, besides what is on the screen. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

# Private modes (DEC and later) that say only on or off, and whether they are on at first.
SWITCHES: Final[dict[int, bool]] = {
    1: False,  # application cursor keys
    5: False,  # reverse video
    6: False,  # origin
    7: True,  # autowrap
    12: False,  # blinking cursor
    25: True,  # cursor
    45: False,  # reverse wraparound
    66: False,  # application keypad
    1004: False,  # focus events
    1007: False,  # arrow keys for the wheel
    1036: False,  # meta sends escape
    2004: False,  # bracketed paste
    2027: False,  # grapheme clusters
    2031: False,  # reports of a changed colour scheme
}
ORIGIN: Final = 6
AUTOWRAP: Final = 7
KEYPAD: Final = 66
# Of each of these at most one is on: which mouse events are sent, and how.
MOUSE: Final = frozenset({9, 1000, 1002, 1003})
MOUSE_ENCODINGS: Final = frozenset({1005, 1006, 1015, 1016})
ALTERNATE: Final = frozenset({47, 1047, 1049})
SAVED_CURSOR: Final = 1048

MAX_KITTY_ENTRIES: Final = 16
_KITTY_FLAGS: Final = 31
MAX_TITLE_CHARS: Final = 256
MAX_CURSOR_STYLE: Final = 6


@dataclass(slots=True)
class KittyKeyboard:
    """The flags of the kitty keyboard protocol of one screen, and those that were pushed."""

    flags: int = 0
    stack: list[int] = field(default_factory=list)

    def set(self, flags: int, how: int) -> None:
        """Set all flags (1), add some (2), or take some away (3)."""
        flags &= _KITTY_FLAGS
        if how == 2:
            flags |= self.flags
        elif how == 3:
            flags = self.flags & ~flags
        self.flags = flags

    def push(self, flags: int) -> None:
        """Remember the flags, and set others."""
        self.stack.append(self.flags)
        del self.stack[:-MAX_KITTY_ENTRIES]
        self.flags = flags & _KITTY_FLAGS

    def pop(self, count: int) -> None:
        """Go back to remembered flags; to none when there are no more."""
        for _ in range(min(max(count, 1), MAX_KITTY_ENTRIES)):
            self.flags = self.stack.pop() if self.stack else 0

    def sequences(self) -> list[str]:
        """Return what makes a terminal's flags these."""
        if not self.stack:
            return [f"\x1b[={self.flags};1u"] if self.flags else []
        first, *rest = [*self.stack, self.flags]
        bottom = [f"\x1b[={first};1u"] if first else []
        return bottom + [f"\x1b[>{flags}u" for flags in rest]


@dataclass(slots=True)
class Modes:
    """All that is the terminal's and not one screen's."""

    switches: dict[int, bool] = field(default_factory=lambda: dict(SWITCHES))
    mouse: int | None = None
    mouse_encoding: int | None = None
    insert: bool = False
    newline: bool = False
    modify_other_keys: int = 0
    cursor_style: int = 0
    title: str = ""

    def set_private(self, mode: int, on: bool) -> None:
        """Switch a private mode; one that is not kept changes nothing."""
        if mode in MOUSE:
            self.mouse = mode if on else None
        elif mode in MOUSE_ENCODINGS:
            self.mouse_encoding = mode if on else None
        elif mode in self.switches:
            self.switches[mode] = on

    def soft_reset(self) -> None:
        """What DECSTR resets of it."""
        for mode in (1, ORIGIN, AUTOWRAP, 25, KEYPAD):
            self.switches[mode] = SWITCHES[mode]
        self.insert = False
        self.modify_other_keys = 0

    def sequences(self) -> list[str]:
        """Return what makes a terminal's modes these, but for origin, autowrap and insert."""
        found = [
            f"\x1b[?{mode}{'h' if on else 'l'}"
            for mode, on in self.switches.items()
            if on != SWITCHES[mode] and mode not in (ORIGIN, AUTOWRAP, KEYPAD)
        ]
        if self.switches[KEYPAD]:
            found.append("\x1b=")
        if self.newline:
            found.append("\x1b[20h")
        found += [f"\x1b[?{mode}h" for mode in (self.mouse, self.mouse_encoding) if mode]
        if self.modify_other_keys:
            found.append(f"\x1b[>4;{self.modify_other_keys}m")
        if self.cursor_style:
            found.append(f"\x1b[{self.cursor_style} q")
        if self.title:
            found.append(f"\x1b]2;{self.title}\x1b\\")
        return found
