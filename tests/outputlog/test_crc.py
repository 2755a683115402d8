"""Checksum arithmetic agrees with zlib on real bytes."""

import zlib

from hypothesis import given
from hypothesis import strategies as st

from arborlink.outputlog.crc import crc32_combine, crc32_remove_prefix, crc32_remove_suffix


@given(a=st.binary(max_size=300), b=st.binary(max_size=300))
def test_join_and_split(a: bytes, b: bytes) -> None:
    """Any two of crc(A), crc(B), crc(A + B) give the third."""
    crc_a, crc_b, both = zlib.crc32(a), zlib.crc32(b), zlib.crc32(a + b)
    assert crc32_combine(crc_a, crc_b, len(b)) == both
    assert crc32_remove_prefix(crc_a, both, len(b)) == crc_b
    assert crc32_remove_suffix(both, crc_b, len(b)) == crc_a


@given(crc_a=st.integers(0, 2**32 - 1), crc_b=st.integers(0, 2**32 - 1), length=st.integers(0))
def test_any_length(crc_a: int, crc_b: int, length: int) -> None:
    """Lengths of any size, petabytes too, are undone exactly."""
    both = crc32_combine(crc_a, crc_b, length)
    assert crc32_remove_suffix(both, crc_b, length) == crc_a
    assert crc32_remove_prefix(crc_a, both, length) == crc_b


def test_large() -> None:
    """A length above the table's cache of small ones."""
    a, b = b"x" * 70_000, b"y" * 3_000_001
    assert crc32_combine(zlib.crc32(a), zlib.crc32(b), len(b)) == zlib.crc32(a + b)
