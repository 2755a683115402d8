"""Who is to hear of something, at once and in the order in which they asked."""

from __future__ import annotations

from collections.abc import Callable


class Listeners:
    """Hear the ids of tokens, sessions, daemons or users to which something happened."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[str], object]] = []

    def add(self, callback: Callable[[str], object]) -> None:
        """Call this with every id from now on."""
        self._callbacks.append(callback)

    def tell(self, *ids: str) -> None:
        """It happened to these."""
        for each in ids:
            for callback in self._callbacks:
                callback(each)
