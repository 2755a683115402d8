"""How a cell is drawn: colours and attributes, from SGR sequences and back to them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

# A colour is the default, one of 256, or red, green and blue with this bit set.
DEFAULT: Final = -1
RGB: Final = 1 << 24

BOLD, FAINT, ITALIC, BLINK, INVERSE, HIDDEN, STRUCK, OVERLINED = (1 << bit for bit in range(8))
# Above them: how it is underlined, from 1 (once) to 5 (dashed).
UNDERLINE_SHIFT: Final = 8
_UNDERLINE_MASK: Final = 7 << UNDERLINE_SHIFT
_MAX_UNDERLINE: Final = 5
_MAX_DIGITS: Final = 6

_SET: Final = {1: BOLD, 2: FAINT, 3: ITALIC, 5: BLINK, 6: BLINK, 7: INVERSE, 8: HIDDEN, 9: STRUCK}
_CLEAR: Final = {22: BOLD | FAINT, 23: ITALIC, 25: BLINK, 27: INVERSE, 28: HIDDEN, 29: STRUCK}
_CODES: Final = (
    (BOLD, "1"),
    (FAINT, "2"),
    (ITALIC, "3"),
    (BLINK, "5"),
    (INVERSE, "7"),
    (HIDDEN, "8"),
    (STRUCK, "9"),
    (OVERLINED, "53"),
)


class Pen(NamedTuple):
    """What a cell is drawn with."""

    foreground: int = DEFAULT
    background: int = DEFAULT
    attributes: int = 0
    underline_colour: int = DEFAULT


PLAIN: Final = Pen()


def blank(pen: Pen) -> Pen:
    """Return what an erased cell is drawn with: the background that is set, and nothing else."""
    return PLAIN if pen.background == DEFAULT else Pen(background=pen.background)


def select(pen: Pen, parameters: str) -> Pen:
    """Return the pen after an SGR sequence with these parameters."""
    numbers = _numbers(parameters)
    for group in numbers:
        code = group[0]
        if code in (38, 48, 58):
            colour = _colour(group[1:], numbers)
            if colour is not None:
                pen = _with_colour(pen, code, colour)
        else:
            pen = _with_code(pen, code, group[1:])
    return pen


def _with_code(pen: Pen, code: int, rest: list[int]) -> Pen:
    foreground, background, attributes, underline_colour = pen
    if code == 0:
        return PLAIN
    if code in _SET:
        attributes |= _SET[code]
    elif code in _CLEAR:
        attributes &= ~_CLEAR[code]
    elif code in (4, 21, 24):
        style = {4: rest[0] if rest else 1, 21: 2, 24: 0}[code]
        attributes &= ~_UNDERLINE_MASK
        attributes |= min(style, _MAX_UNDERLINE) << UNDERLINE_SHIFT
    elif code in (53, 55):
        attributes = attributes | OVERLINED if code == 53 else attributes & ~OVERLINED
    elif 30 <= code <= 37 or 90 <= code <= 97:
        foreground = code - 30 if code < 90 else code - 82
    elif 40 <= code <= 47 or 100 <= code <= 107:
        background = code - 40 if code < 100 else code - 92
    elif code == 39:
        foreground = DEFAULT
    elif code == 49:
        background = DEFAULT
    elif code == 59:
        underline_colour = DEFAULT
    return Pen(foreground, background, attributes, underline_colour)


def _with_colour(pen: Pen, code: int, colour: int) -> Pen:
    if code == 38:
        return pen._replace(foreground=colour)
    if code == 48:
        return pen._replace(background=colour)
    return pen._replace(underline_colour=colour)


def _numbers(parameters: str) -> Iterator[list[int]]:
    """Yield each parameter with what follows it behind colons; what is left out is 0."""
    for parameter in parameters.split(";"):
        yield [int(part[:_MAX_DIGITS]) if part else 0 for part in parameter.split(":")]


def _colour(own: list[int], following: Iterator[list[int]]) -> int | None:
    """Return the colour of `5:n`, `2::r:g:b`, `5;n` or `2;r;g;b`; None if it is none."""
    if not own:
        kind = next(following, [0])[0]
        count = {2: 3, 5: 1}.get(kind, 0)
        own = [kind, *(next(following, [0])[0] for _ in range(count))]
    match own:
        case [5, index, *_] if index < 256:
            return index
        case [2, _, red, green, blue, *_] | [2, red, green, blue]:
            return RGB | _byte(red) << 16 | _byte(green) << 8 | _byte(blue)
    return None


def _byte(value: int) -> int:
    return min(value, 255)


def sequence(pen: Pen) -> str:
    """Return the SGR sequence that makes any pen this one."""
    if pen == PLAIN:
        return "\x1b[m"
    codes = ["0", *(code for bit, code in _CODES if pen.attributes & bit)]
    style = (pen.attributes & _UNDERLINE_MASK) >> UNDERLINE_SHIFT
    if style:
        codes.append("4" if style == 1 else "21" if style == 2 else f"4:{style}")
    codes += _colour_codes(pen.foreground, 30)
    codes += _colour_codes(pen.background, 40)
    if pen.underline_colour != DEFAULT:
        codes.append(_long("58", pen.underline_colour, ":"))
    return f"\x1b[{';'.join(codes)}m"


def _colour_codes(colour: int, base: int) -> list[str]:
    if colour == DEFAULT:
        return []
    if colour < 8:
        return [str(base + colour)]
    if colour < 16:
        return [str(base + 52 + colour)]
    return [_long(str(base + 8), colour, ";")]


def _long(code: str, colour: int, separator: str) -> str:
    if colour & RGB:
        parts = [code, "2", *(str(colour >> shift & 255) for shift in (16, 8, 0))]
        if separator == ":":
            parts.insert(2, "")
    else:
        parts = [code, "5", str(colour)]
    return separator.join(parts)
