"""Tells one daemon that was restarted from two that hold the same identity. Pure.

A supervisor makes up its instance id when it starts, and never comes back once another one has
taken its place: that one was started after it. So an instance that does come back is a copy that
still runs: a cloned machine, a restored image, a stolen token. Nobody but a person can say which of
them is the right one.
"""

from __future__ import annotations

from collections import deque
from typing import Final

# One return may be an old supervisor's last attempt, overtaken by the new one's first.
RETURNS: Final = 3
WINDOW_SECONDS: Final = 600.0
# A copy that makes up an instance id for every connection must not push out the other one's.
MAX_REPLACED: Final = 1_024


class Contest:
    """The arrivals of one workspace's daemon; `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._present: str | None = None
        self._replaced: dict[str, float] = {}
        self._returns: deque[float] = deque()

    def arrives(self, instance_id: str, now: float) -> bool:
        """Whether its instances keep replacing each other, now that this one is here."""
        if instance_id == self._present:
            return False
        self._forget(now - WINDOW_SECONDS)
        if self._present is not None:
            self._replaced[self._present] = now
        self._present = instance_id
        if self._replaced.pop(instance_id, None) is not None:
            self._returns.append(now)
        return len(self._returns) >= RETURNS

    def _forget(self, before: float) -> None:
        while self._returns and self._returns[0] <= before:
            self._returns.popleft()
        # In the order in which they were replaced.
        for instance_id, at in list(self._replaced.items()):
            if at > before and len(self._replaced) < MAX_REPLACED:
                break
            del self._replaced[instance_id]


class Contests:
    """One for every workspace whose daemon has connected since the hub was started."""

    def __init__(self) -> None:
        self._contests: dict[str, Contest] = {}

    def arrives(self, workspace_id: str, instance_id: str, now: float) -> bool:
        """As `Contest.arrives`; a contest that was found is over, and counted anew."""
        contest = self._contests.setdefault(workspace_id, Contest())
        if not contest.arrives(instance_id, now):
            return False
        del self._contests[workspace_id]
        return True

    def forget(self, workspace_id: str) -> None:
        """Forget a workspace that was deleted."""
        self._contests.pop(workspace_id, None)
