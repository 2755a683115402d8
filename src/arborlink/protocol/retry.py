"""When a peer that was refused may come back: one number of seconds, on each of its ways. Pure.

`retry_after` is decided where an error is raised and stays a number: the header `Retry-After` and
`retryAfter` of a problem or of an `error` message carry it. A close frame has nothing but a reason,
so there it is the reason's last part (`docs/reference/websocket.md`, "Close codes"):

    <text>; retry in <seconds> seconds

These are also the words that a person reads, and that peers up to 0.1.0 search for anywhere in a
reason. They are written here and nowhere else, and read from their one position.
"""

from __future__ import annotations

import re
from math import ceil
from typing import Final

from arborlink.protocol.errors import (
    SERVICE_RESTART,
    ArborError,
    TooManyRequests,
    Unavailable,
)

# For errors of a kind that passes by itself, raised without a number.
RETRY_SECONDS: Final = 2
# What the close frame's token has digits for: more than eleven days.
MAX_RETRY_SECONDS: Final = 999_999
# RFC 6455, 5.5: a control frame holds 125 bytes, and two of them are the code.
MAX_CLOSE_REASON_BYTES: Final = 123
# Closes that may carry a number; a reason of any other code is text alone, wherever it is from.
RETRY_CLOSE_CODES: Final = frozenset(
    {SERVICE_RESTART, Unavailable.close_code, TooManyRequests.close_code}
)

_NUMBER: Final = r"(\d{1,6}(?:\.\d{1,3})?)"
# Hubs up to 0.1.0 end some reasons with a full stop.
_TOKEN: Final = re.compile(rf"(?<!\w)retry in {_NUMBER} seconds\.?\Z", re.ASCII)
_HEADER: Final = re.compile(_NUMBER, re.ASCII)


def retry_seconds(error: ArborError) -> int | None:
    """Return for how many whole seconds a peer is to stay away; None: coming back is no cure.

    `Unavailable` without a number of its own has `RETRY_SECONDS`.
    """
    if isinstance(error, Unavailable):
        return whole_seconds(RETRY_SECONDS if error.retry_after is None else error.retry_after)
    if isinstance(error, TooManyRequests) and error.retry_after is not None:
        return whole_seconds(error.retry_after)
    return None


def whole_seconds(seconds: float) -> int:
    """Return `seconds` as they are sent: whole, at least one, and not more than has a form."""
    return min(MAX_RETRY_SECONDS, max(1, ceil(seconds)))


def in_words(text: str, seconds: int | None) -> str:
    """Return `text` for a person, with the words that say when to come back."""
    if seconds is None:
        return text
    sentence = text.removesuffix(".")
    return f"{sentence}{_token(seconds)}{text[len(sentence) :]}"


def explained(error: ArborError) -> str:
    """Return the error's text for a person, with when to come back where that was decided."""
    decided = isinstance(error, TooManyRequests | Unavailable) and error.retry_after is not None
    return in_words(error.message, retry_seconds(error) if decided else None)


def close_reason(text: str, seconds: int | None = None) -> str:
    """Return the reason of a close frame: `text` as far as it fits, and the token after it."""
    if seconds is None:
        return _fit(text, MAX_CLOSE_REASON_BYTES)
    token = _token(seconds)
    return _fit(text.removesuffix("."), MAX_CLOSE_REASON_BYTES - len(token)) + token


def close_reason_of(error: ArborError) -> str:
    """Return the reason of a close frame with which `error` ends a connection."""
    seconds = retry_seconds(error)
    if seconds is None and error.close_code in RETRY_CLOSE_CODES:
        seconds = RETRY_SECONDS
    return close_reason(error.message, seconds)


def retry_after_of_close(code: int | None, reason: str) -> float | None:
    """Return for how many seconds a hub that closed so wants to be left alone, if it says so."""
    found = _TOKEN.search(reason) if code in RETRY_CLOSE_CODES else None
    return None if found is None else float(found[1])


def retry_after_of_header(header: str | None) -> float | None:
    """Return the same of the header `Retry-After` (RFC 9110, 10.2.3); None for a date."""
    found = None if header is None else _HEADER.fullmatch(header.strip())
    return None if found is None else float(found[1])


def _token(seconds: int) -> str:
    return f"; retry in {seconds} seconds"


def _fit(text: str, most: int) -> str:
    return text.encode()[:most].decode(errors="ignore")
