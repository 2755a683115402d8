"""What hubs answered before they had keys. Doubles of a hub that know nothing of keys use it."""

from __future__ import annotations

from typing import Final

from arborlink.proof.statement import PATH

NO_KEY: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def asks_for_key(head: str | bytes) -> bool:
    """Whether the head of a request is that of the question who the hub is."""
    text = head if isinstance(head, str) else head.decode("latin-1")
    return text.startswith(f"GET {PATH}?")
