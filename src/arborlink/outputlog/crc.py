"""Arithmetic on CRC-32 values: join and split checksums without the bytes.

A CRC is a polynomial over GF(2) modulo a fixed one, so appending n bytes multiplies it by x^(8n).
The method and the bit-reversed representation are those of zlib's `crc32_combine`. Pure.
"""

from functools import lru_cache
from typing import Final

_POLYNOMIAL: Final = 0xEDB88320
_ONE: Final = 1 << 31  # x^0: bit-reversed, the highest bit is the lowest power
_X: Final = 1 << 30
_ORDER: Final = 2**32 - 1  # the polynomial is primitive: x^_ORDER == 1, hence x has an inverse


def crc32_combine(crc_a: int, crc_b: int, len_b: int) -> int:
    """Return crc(A + B) from crc(A), crc(B) and the length of B in bytes."""
    return _multiply(_power(8 * len_b % _ORDER), crc_a) ^ crc_b


def crc32_remove_prefix(crc_a: int, crc_ab: int, len_b: int) -> int:
    """Return crc(B) from crc(A), crc(A + B) and the length of B in bytes."""
    return crc32_combine(crc_a, crc_ab, len_b)  # subtraction is addition in GF(2)


def crc32_remove_suffix(crc_ab: int, crc_b: int, len_b: int) -> int:
    """Return crc(A) from crc(A + B), crc(B) and the length of B in bytes."""
    return _multiply(_power(-8 * len_b % _ORDER), crc_ab ^ crc_b)


def _multiply(a: int, b: int) -> int:
    """Multiply two polynomials modulo the CRC's."""
    product = 0
    while a:
        if a & _ONE:
            product ^= b
        a = (a << 1) & 0xFFFFFFFF
        b = (b >> 1) ^ _POLYNOMIAL if b & 1 else b >> 1
    return product


def _squares() -> list[int]:
    """Return x^(2^k) for k = 0..31."""
    powers = [_X]
    for _ in range(31):
        powers.append(_multiply(powers[-1], powers[-1]))
    return powers


_SQUARES: Final = _squares()


@lru_cache(maxsize=1024)  # writers append in few different sizes
def _power(exponent: int) -> int:
    """Return x^exponent for an exponent below 2^32."""
    result = _ONE
    for square in _SQUARES:
        if exponent & 1:
            result = _multiply(square, result)
        exponent >>= 1
    return result
