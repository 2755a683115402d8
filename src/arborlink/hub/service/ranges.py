"""The `Range` header of RFC 9110, one range, over the output's offsets. Pure."""

from __future__ import annotations

import re

from arborlink.protocol.errors import ArborError

_ONE_RANGE = re.compile(r"^bytes=(\d{0,19})-(\d{0,19})$")


class RangeNotSatisfiable(ArborError):
    """The range begins beyond the end of the output."""

    code = "range_not_satisfiable"
    http_status = 416


# What stands for the last position where it is not known yet (RFC 8673, 2.2). JavaScript counts
# exactly up to here.
ANY_END = 2**53 - 1


def parse_open_range(header: str | None, size: int) -> tuple[int, int] | None:
    """`[start, end)` of the header's range in an output that grows: it may begin and end beyond its
    present `size`, and has the end ANY_END if it names none. None as `parse_range`."""
    match = _ONE_RANGE.match(header.strip()) if header else None
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if first == "":
        return max(0, size - int(last)), ANY_END
    start, end = int(first), int(last) + 1 if last else ANY_END
    return (start, min(end, ANY_END)) if start < end else None


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """`[start, end)` of the header's range; None to send everything.

    Several ranges, other units and malformed headers are ignored, as RFC 9110 (14.2) allows.

    Raises:
        RangeNotSatisfiable: it begins at or beyond `size`.
    """
    match = _ONE_RANGE.match(header.strip()) if header else None
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if first == "":
        length = int(last)
        if length == 0 or size == 0:
            raise RangeNotSatisfiable(f"the output has {size} bytes")
        return max(0, size - length), size
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise RangeNotSatisfiable(f"the output has {size} bytes, so none at {start}")
    return start, min(size, int(last) + 1) if last else size
