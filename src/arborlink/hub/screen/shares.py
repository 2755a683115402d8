"""How accounts share what the process that keeps screens has: models, cells and time. Pure."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable
from typing import Final

from arborlink.hub.screen.allowance import Allowance

# Of the time that passes, for the drawing of one account's terminals before those of others.
OWNER_SHARE: Final = 0.1
OWNER_BURST_SECONDS: Final = 2.0
# Whose use is remembered; of more the one that drew least lately is forgotten.
MAX_OWNERS: Final = 1_024


def crowded_out(models: Iterable[tuple[str, str, int]], wanted: str) -> str | None:
    """Return which model makes room for `wanted`: of the account that has most, the first.

    `models`: of each its task, its account, and how much it takes; the one used last at the end.
    None: there is no other than `wanted`.
    """
    held: Counter[str] = Counter()
    first: dict[str, str] = {}
    for task_id, owner_id, size in models:
        held[owner_id] += size
        if task_id != wanted:
            first.setdefault(owner_id, task_id)
    if not first:
        return None
    return first[max(first, key=held.__getitem__)]


class DrawingTime:
    """Which accounts have drawn more than their share of the time."""

    def __init__(self) -> None:
        self._owners: OrderedDict[str, Allowance] = OrderedDict()

    def spend(self, owner_id: str, seconds: float, now: float) -> None:
        """An account's terminal took so much processor time."""
        allowance = self._owners.setdefault(
            owner_id, Allowance(share=OWNER_SHARE, burst=OWNER_BURST_SECONDS)
        )
        allowance.left(now)
        allowance.spend(seconds)
        self._owners.move_to_end(owner_id)
        while len(self._owners) > MAX_OWNERS:
            self._owners.popitem(last=False)

    def left(self, owner_id: str, now: float) -> float:
        """Return how much an account has left; below nothing: others come first."""
        allowance = self._owners.get(owner_id)
        return OWNER_BURST_SECONDS if allowance is None else allowance.left(now)
