"""Which token a daemon authenticates with, while it is given another one, and after. Pure.

Two may be good: the one it has, and the one that the hub has offered. What is on disk always holds
one that is. The one before is kept although it is void: a hub that is restored from a backup may
know that one alone.
"""

from __future__ import annotations


class Tokens:
    """`current` is what the next connection uses, `other` what is tried if that is refused."""

    def __init__(self, current: str, other: str | None) -> None:
        self.current = current
        self.other = other
        self._fell_back = False

    def rotated(self, auth_token: str) -> None:
        """`auth_token` is on disk, with the one before beside it."""
        if auth_token != self.current:
            self.current, self.other = auth_token, self.current
        self._fell_back = False

    def refused(self) -> bool:
        """The hub does not accept `current`; whether there is another one to try."""
        if self.other is None or self._fell_back:
            return False
        self.current, self.other = self.other, self.current
        self._fell_back = True
        return True

    def accepted(self) -> bool:
        """The hub accepts `current`; whether the disk has to be told that it is this one."""
        fell_back, self._fell_back = self._fell_back, False
        return fell_back
