"""CRC-32 as text."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.protocol.checksum import format_checksum, parse_checksum
from arborlink.protocol.fields import Checksum

crcs = st.integers(0, 2**32 - 1)


def test_a_checksum_is_padded_to_eight_digits() -> None:
    assert format_checksum(0xAB) == "crc32:000000ab"


@given(crcs)
def test_a_checksum_survives_the_round_trip(crc: int) -> None:
    assert parse_checksum(format_checksum(crc)) == crc


@given(crcs)
def test_a_checksum_has_the_shape_that_messages_demand(crc: int) -> None:
    assert msgspec.convert(format_checksum(crc), Checksum) == format_checksum(crc)


@pytest.mark.parametrize("text", ["", "md5:00000000", "CRC32:00000000", "00000000"])
def test_another_algorithm_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape("begins with crc32:")):
        parse_checksum(text)


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        parse_checksum("crc32:zzzzzzzz")
