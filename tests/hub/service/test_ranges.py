"""The Range header, as RFC 9110 (14.1.2) has it, for one range."""

from __future__ import annotations

import pytest

from arborlink.hub.service.ranges import RangeNotSatisfiable, parse_range


@pytest.mark.parametrize(
    ("header", "size", "found"),
    [
        (None, 10, None),
        ("", 10, None),
        ("bytes=-", 10, None),
        ("bytes=0-0", 10, (0, 1)),
        (" bytes=2-5 ", 10, (2, 6)),
        ("bytes=2-", 10, (2, 10)),
        ("bytes=2-99999999999999999", 10, (2, 10)),
        ("bytes=-4", 10, (6, 10)),
        ("bytes=-40", 10, (0, 10)),
        ("bytes=5-2", 10, None),
        ("bytes=0-1,2-3", 10, None),
        ("Bytes: 0-1", 10, None),
        ("bytes=1e3-", 10, None),
        ("bytes=" + "9" * 20 + "-", 10, None),
    ],
)
def test_a_range_is_found_or_ignored(
    header: str | None, size: int, found: tuple[int, int] | None
) -> None:
    assert parse_range(header, size) == found


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=-5", 0)])
def test_a_range_without_a_byte_is_refused(header: str, size: int) -> None:
    with pytest.raises(RangeNotSatisfiable, match=f"{size} bytes"):
        parse_range(header, size)
