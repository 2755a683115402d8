"""How much of something one user has at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from arborlink.protocol.errors import TooManyRequests

RETRY_SECONDS = 1.0


class Shares:
    """Places for users, `per_user` for each, so that one user never has those of all."""

    def __init__(self, per_user: int) -> None:
        self._per_user = per_user
        self._held: Counter[str] = Counter()

    @contextmanager
    def place(self, user_id: str) -> Iterator[None]:
        """Hold one of the user's places while inside.

        Raises:
            TooManyRequests: the user holds all of them (code `too_many_reads`).
        """
        if self._held[user_id] >= self._per_user:
            raise TooManyRequests(
                f"{self._per_user} of your searches are not answered yet. Wait for them.",
                code="too_many_reads",
                retry_after=RETRY_SECONDS,
            )
        self._held[user_id] += 1
        try:
            yield
        finally:
            self._held[user_id] -= 1
            if not self._held[user_id]:
                del self._held[user_id]
