"""The input relays of all unfinished tasks."""

from __future__ import annotations

from arborlink.hub.live.input_relay import InputRelay
from arborlink.protocol.errors import Unavailable


class Inputs:
    """By task. After a restart of the hub a running task's relay is unknown until its daemon says
    how far the command has read."""

    def __init__(self) -> None:
        self._relays: dict[str, InputRelay] = {}

    def relay(self, task_id: str) -> InputRelay:
        """The task's relay, begun at 0 if there was none."""
        relay = self._relays.get(task_id)
        if relay is None:
            relay = self._relays[task_id] = InputRelay(task_id)
        return relay

    def known(self, task_id: str) -> InputRelay:
        """The task's relay.

        Raises:
            Unavailable: the daemon has not come back since the hub started.
        """
        relay = self._relays.get(task_id)
        if relay is None:
            raise Unavailable(
                "the hub does not know yet how much input the command has read; "
                "it goes on when the daemon is back",
                code="input_not_ready",
            )
        return relay

    def end(self, task_id: str) -> int | None:
        """Where the task's input ends; None where that is not known yet, or it is over."""
        relay = self._relays.get(task_id)
        return None if relay is None else relay.end

    def acked(self, task_id: str) -> int:
        """Up to where the command is known to have the task's input."""
        relay = self._relays.get(task_id)
        return 0 if relay is None else relay.acked

    def forget(self, task_id: str) -> None:
        """The task is over."""
        self._relays.pop(task_id, None)
