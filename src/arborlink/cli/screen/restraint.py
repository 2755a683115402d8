"""What of a program's output may reach a terminal that does not answer it. Pure.

A replay, and a program whose terminal another viewer controls, must do nothing but draw: an answer
to a question would be typed into the program once more, and bells, notifications, clipboards,
printers and windows are for the moment in which they were written. So only what is known to draw,
or to change a mode, is passed on; new questions are invented every year.
"""

from __future__ import annotations

import re
from typing import Final

from arborlink.cli.screen.sequences import Kind, Sequence

# Modes in which a terminal sends of its own accord, some of them at once: focus, colour scheme,
# size. They are withheld, and set when the viewer controls the terminal.
REPORTING: Final = frozenset({1004, 2031, 2048})

_CSI: Final = frozenset(
    [bytes([each]) for each in b"@ABCDEFGHIJKLMPSTXZ`abdefghlmrsu"]
    + [b"?" + bytes([each]) for each in b"hlJKsrW"]
    + [b">m", b">n", b">u", b"<u", b"=u", b">p", b">f", b" q", b" @", b" A", b"!p", b'"q']
    + [b"$r", b"$t", b"$v", b"$x", b"$z", b"${", b"$}", b"$~", b"*x", b"'}", b"'~"]
    + [b"#{", b"#}", b"#p", b"#q", b"#P", b"#Q"]
)
_ESCAPES: Final = frozenset(
    [bytes([each]) for each in b"6789=>DEHMNOcno|}~<lm\\"]
    + [b"#" + bytes([each]) for each in b"34568"]
    + [b"%@", b"%G", b" F", b"]P"]
)
_CHARSET: Final = re.compile(rb"\$?[()*+\-./][\x20-\x2f]?[\x30-\x7e]")
# Titles, links, pointers, marks of a shell's prompt; colours, unless they are asked for.
_COMMANDS: Final = frozenset({b"0", b"1", b"2", b"8", b"22", b"133", b"104", b"105"})
_COLOURS: Final = frozenset({b"4", b"5", *(b"%d" % each for each in range(10, 20))})
_COLOUR_RESETS: Final = frozenset(b"%d" % each for each in range(110, 120))
# Pictures (sixels), and the old way to say that the screen is not complete.
_DEVICE_STRING: Final = re.compile(rb"[0-9;]*q|=[12]s\Z")


def only_draws(sequence: Sequence) -> bool:
    """Whether `sequence` neither asks the terminal nor makes it do anything but draw."""
    match sequence.kind:
        case Kind.TEXT:
            return True
        case Kind.CONTROL:
            return sequence.final in b"\x0e\x0f"
        case Kind.CSI:
            return sequence.form in _CSI and not _tracks_highlight(sequence)
        case Kind.ESCAPE:
            return sequence.form in _ESCAPES or _CHARSET.fullmatch(sequence.form) is not None
        case Kind.STRING:
            return _string_draws(sequence)
        case _:
            return False


def reporting_modes(sequence: Sequence) -> list[int]:
    """Return the modes it sets or resets in which a terminal reports."""
    if sequence.kind is not Kind.CSI or sequence.form not in (b"?h", b"?l"):
        return []
    return [each for each in sequence.numbers() if each in REPORTING]


def without_reporting(sequence: Sequence) -> Sequence | None:
    """Return what remains of it without the modes in which a terminal reports."""
    if not reporting_modes(sequence):
        return sequence
    rest = b";".join(b"%d" % each for each in sequence.numbers() if each not in REPORTING)
    if not rest:
        return None
    raw = b"\x1b[?%b%b" % (rest, sequence.final)
    return Sequence(raw, Kind.CSI, sequence.final, sequence.marks, rest)


def ends_by_itself(sequence: Sequence) -> bool:
    """Whether a whole string has an end of its own, and was not broken off by what follows."""
    return sequence.raw.endswith((b"\x07", b"\x1b\\", b"\xc2\x9c", b"\x18", b"\x1a"))


def sets_title(sequence: Sequence) -> bool:
    """Whether it gives the window or its icon a title."""
    if sequence.kind is not Kind.STRING or sequence.final != b"]":
        return False
    return sequence.body.partition(b";")[0] in (b"0", b"1", b"2")


def _tracks_highlight(sequence: Sequence) -> bool:
    # With five parameters it is no scrolling: the terminal waits for an answer, and sends one.
    return sequence.form == b"T" and sequence.body.count(b";") >= 4


def _string_draws(sequence: Sequence) -> bool:
    body = sequence.body
    if sequence.final == b"P":
        return _DEVICE_STRING.match(body) is not None
    if sequence.final != b"]":
        return False
    number, _, rest = body.partition(b";")
    if number in _COLOURS:
        return sequence.is_whole and b"?" not in rest.split(b";")
    if number == b"22":
        return not rest.startswith(b"?")
    return number in _COMMANDS or number in _COLOUR_RESETS
