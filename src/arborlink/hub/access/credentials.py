"""Creates secrets and codes, and their hashes at rest. Pure: the randomness is a parameter.

A secret is `arb_` + kind + `_` + 30 characters of base 62 (178 bits) + 6 of its CRC-32, so that a
scanner of leaks can tell one from noise. At rest it is a SHA-256: it is random enough not to need
a slow hash. Codes that people type are 8 characters of base 20 and live for ten minutes.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from typing import Final, Literal

SecretKind = Literal["u", "d", "s", "k"]
"""`u`: a user's API token; `d`: a daemon's; `s`: a browser session's; `k`: ticket, link or the
device code of a sign-in."""

BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Consonants: no code spells a word, and none is misread for a digit.
CODE_ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
BODY_CHARS: Final = 30
CHECKSUM_CHARS: Final = 6
CODE_CHARS: Final = 8
SHOWN_CHARS: Final = 10
# Twice what the longest secret needs: the remainder's bias is then below 2^-77.
ENTROPY_BYTES: Final = 32

RandomBytes = Callable[[int], bytes]


def make_secret(kind: SecretKind, random_bytes: RandomBytes) -> str:
    """Return a new secret of this kind."""
    body = f"arb_{kind}_{_random_text(BASE62, BODY_CHARS, random_bytes)}"
    return body + _digits(zlib.crc32(body.encode()), BASE62, CHECKSUM_CHARS)


def make_code(random_bytes: RandomBytes) -> str:
    """Return a new code for people, as it is shown: `XXXX-XXXX`."""
    code = _random_text(CODE_ALPHABET, CODE_CHARS, random_bytes)
    return f"{code[:4]}-{code[4:]}"


def normal_code(typed: str) -> str:
    """Return a code as people type it (case, dashes and spaces do not matter), as it is shown."""
    code = typed.upper().replace("-", "").replace(" ", "")
    return f"{code[:4]}-{code[4:]}"


def hash_secret(secret: str) -> bytes:
    """Return the hash under which a secret or code is stored."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def shown_prefix(secret: str) -> str:
    """Return the part of an API token by which its owner recognizes it."""
    return secret[:SHOWN_CHARS]


def _random_text(alphabet: str, length: int, random_bytes: RandomBytes) -> str:
    number = int.from_bytes(random_bytes(ENTROPY_BYTES), "big")
    return _digits(number % len(alphabet) ** length, alphabet, length)


def _digits(number: int, alphabet: str, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(alphabet))
        digits.append(alphabet[digit])
    return "".join(reversed(digits))
