"""The checksum of a task's output as it travels: CRC-32 of all bytes that are not in gaps."""

PREFIX = "crc32:"


def format_checksum(crc: int) -> str:
    """Return a checksum as text: `crc32:` and eight hexadecimal digits."""
    return f"{PREFIX}{crc:08x}"


def parse_checksum(text: str) -> int:
    """Return the number in a text of `format_checksum`.

    Raises:
        ValueError: another algorithm, or not a number.
    """
    if not text.startswith(PREFIX):
        raise ValueError(f"a checksum begins with {PREFIX}, not {text[:16]!r}")
    return int(text.removeprefix(PREFIX), 16)
