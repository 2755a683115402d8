"""What a person is told of the connection while a command runs."""

from __future__ import annotations

import math
import sys

from arborlink.cli.console import say


def new_key(url: str, key: str) -> str:
    """Return the line about a key that was taken because a hub proved it first."""
    return f"the hub at {url} has the key {key}; from now on it has to prove it (`arbor trust`)"


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
    def hub_key(key: str) -> None:
        """For `Hub`'s `on_hub_key`."""
        from arborlink.client import InvalidInput, credentials

        try:
            stored = credentials.load_all()
        except InvalidInput:
            return
        for each in stored:
            if each.hub_key == key:
                say(new_key(each.url, key))

    @staticmethod
    def wait(seconds: float, why: str) -> None:
        """For `Hub`'s `on_wait`."""
        if sys.stderr.isatty():
            say(f"{why}; trying again in {math.ceil(seconds)} s")
