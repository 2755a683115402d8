"""Settings of a terminal's line, as SSH carries them: by the names of RFC 4254, §8.

The line editor of the kernel erases a character with VERASE, and a character of several bytes as
one only with IUTF8 (RFC 8160). A key that a person has set in the own terminal is to do the same in
a terminal elsewhere. What one of two systems does not have is left as it is there.
"""

from __future__ import annotations

import os
import termios
from collections.abc import Mapping
from typing import Any, Final

# Both Linux (asm-generic/termbits.h) and macOS (sys/termios.h); Python has a name from 3.14 on.
_IUTF8: Final = 0x4000
# A key that is off, in RFC 4254.
_OFF: Final = 255

_INPUT, _OUTPUT, _LOCAL, _KEYS = 0, 1, 3, 6
_KEY_NAMES: Final = (
    *("VINTR", "VQUIT", "VERASE", "VKILL", "VEOF", "VEOL", "VEOL2", "VSTART", "VSTOP", "VSUSP"),
    *("VDSUSP", "VREPRINT", "VWERASE", "VLNEXT", "VSTATUS", "VDISCARD"),
)
_FLAG_NAMES: Final = {
    _INPUT: (
        *("IGNPAR", "PARMRK", "INPCK", "ISTRIP", "INLCR", "IGNCR", "ICRNL", "IXON", "IXANY"),
        *("IXOFF", "IMAXBEL"),
    ),
    _OUTPUT: ("OPOST", "ONLCR", "OCRNL", "ONOCR", "ONLRET"),
    _LOCAL: (
        *("ISIG", "ICANON", "ECHO", "ECHOE", "ECHOK", "ECHONL", "NOFLSH", "TOSTOP", "IEXTEN"),
        *("ECHOCTL", "ECHOKE"),
    ),
}
_FLAGS: Final = {
    name: (part, int(getattr(termios, name)))
    for part, names in _FLAG_NAMES.items()
    for name in names
    if hasattr(termios, name)
} | {"IUTF8": (_INPUT, _IUTF8)}
_KEY_PLACES: Final = {
    name: int(getattr(termios, name)) for name in _KEY_NAMES if hasattr(termios, name)
}


def read_modes(terminal: int) -> dict[str, int]:
    """Return the settings of a terminal's line.

    Raises:
        OSError: it is none, or gone.
    """
    attributes = _attributes(terminal)
    off = os.fpathconf(terminal, "PC_VDISABLE")
    modes = {name: int(bool(attributes[part] & bit)) for name, (part, bit) in _FLAGS.items()}
    for name, place in _KEY_PLACES.items():
        key = _code(attributes[_KEYS][place])
        modes[name] = _OFF if key == off else key
    return modes


def apply_modes(terminal: int, modes: Mapping[str, int]) -> None:
    """Set a terminal's line so; names that are not known here are passed over (RFC 4254, §8).

    Raises:
        OSError: it is none, or gone.
    """
    attributes = _attributes(terminal)
    off = os.fpathconf(terminal, "PC_VDISABLE")
    for name, value in modes.items():
        if name in _FLAGS:
            part, bit = _FLAGS[name]
            attributes[part] = attributes[part] | bit if value else attributes[part] & ~bit
        elif name in _KEY_PLACES:
            attributes[_KEYS][_KEY_PLACES[name]] = bytes([off if value == _OFF else value])
    try:
        termios.tcsetattr(terminal, termios.TCSANOW, attributes)
    except termios.error as error:
        raise OSError(*error.args) from error


def _attributes(terminal: int) -> list[Any]:
    try:
        return termios.tcgetattr(terminal)
    except termios.error as error:
        raise OSError(*error.args) from error


def _code(key: bytes | int) -> int:
    return key if isinstance(key, int) else key[0]
