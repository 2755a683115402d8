"""What a person is told of the connection while a command runs."""

from __future__ import annotations

import math
import sys

from arborlink.cli.console import say


class Notices:
    """Says that the connection was lost and is back, and why it takes a while; to a person only."""

    def __init__(self) -> None:
        self._lost = False

    def connection(self, connected: bool) -> None:
        """For `Hub`'s `on_connection`."""
        if sys.stderr.isatty() and (self._lost or not connected):
            say("connected again" if connected else "connection lost, reconnecting…")
        self._lost = not connected

    @staticmethod
    def wait(seconds: float, why: str) -> None:
        """For `Hub`'s `on_wait`."""
        if sys.stderr.isatty():
            say(f"{why}; trying again in {math.ceil(seconds)} s")
