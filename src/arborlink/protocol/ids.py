"""Identifiers: prefixed, random, ordered by time. Pure: the time and the randomness come in."""

from typing import Final, Literal, NewType, get_args

WorkspaceId = NewType("WorkspaceId", str)
TaskId = NewType("TaskId", str)
DaemonId = NewType("DaemonId", str)
UserId = NewType("UserId", str)
TokenId = NewType("TokenId", str)

Kind = Literal["ws", "tsk", "dmn", "usr", "tok", "enr", "hub", "con", "req", "rot"]

KINDS: Final[frozenset[str]] = frozenset(get_args(Kind))
TIME_BYTES: Final = 6
RANDOM_BYTES: Final = 10
# Crockford's base 32 in lower case: its characters sort as their values do.
ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
BODY_CHARS: Final = 26
# The first of them say when the id was made: 48 bits, at 5 bits a character.
TIME_CHARS: Final = 10


def make_id(kind: Kind, unix_ms: int, randomness: bytes) -> str:
    """Return `kind_` and 26 characters: 48 bits of milliseconds, then 80 random bits.

    Raises:
        ValueError: `randomness` is not RANDOM_BYTES long, or the time does not fit.
    """
    if len(randomness) != RANDOM_BYTES:
        raise ValueError(f"{RANDOM_BYTES} random bytes are needed, not {len(randomness)}")
    if not 0 <= unix_ms < 1 << (8 * TIME_BYTES):
        raise ValueError(f"{unix_ms} ms does not fit an identifier")
    value = unix_ms << (8 * RANDOM_BYTES) | int.from_bytes(randomness, "big")
    body = "".join(ALPHABET[value >> shift & 31] for shift in range(5 * (BODY_CHARS - 1), -1, -5))
    return f"{kind}_{body}"


def is_id(kind: Kind, text: str) -> bool:
    """Return whether `text` has the shape of an identifier of this kind."""
    prefix, separator, body = text.partition("_")
    return (
        prefix == kind
        and bool(separator)
        and len(body) == BODY_CHARS
        and all(character in ALPHABET for character in body)
    )


def is_id_part(text: str) -> bool:
    """Return whether `text` may be the beginning or the end of a task's identifier."""
    body = text.removeprefix("tsk_")
    return bool(text) and len(body) <= BODY_CHARS and all(each in ALPHABET for each in body)


def looks_like_id(text: str) -> bool:
    """Return whether `text` begins as an identifier of any kind does, in either case."""
    prefix, separator, _ = text.partition("_")
    return bool(separator) and prefix.lower() in KINDS


def unix_ms_of(text: str) -> int:
    """Return when an identifier was made."""
    value = 0
    for character in text.rpartition("_")[2]:
        value = value << 5 | ALPHABET.index(character)
    return value >> (8 * RANDOM_BYTES)
