"""Callbacks that are called at once, in the order in which they were added."""

from __future__ import annotations

from collections.abc import Callable


class Listeners:
    """Callbacks for ids of tokens, sessions, daemons or users to which something happened."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[str], object]] = []

    def add(self, callback: Callable[[str], object]) -> None:
        """Add a callback, which is called with every further id."""
        self._callbacks.append(callback)

    def tell(self, *ids: str) -> None:
        """Call the callbacks with each of these ids."""
        for each in ids:
            for callback in self._callbacks:
                callback(each)
