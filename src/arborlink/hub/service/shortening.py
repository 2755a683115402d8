"""Keeps less of outputs that are being written, of accounts that take more than their share.

What is not over cannot be removed, but its output can lose its middle, with a gap, as one that is
longer than it may be does anyway.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from arborlink.hub.live.flusher import Flusher
from arborlink.hub.live.output import TaskOutput
from arborlink.hub.live.outputs import Outputs
from arborlink.hub.store.base import TaskStore
from arborlink.protocol.limits import MIB

# Of each output, whatever the share and however many they are.
LEAST_BYTES: Final = 1 * MIB


class Shortening:
    """Divides the share of an account among its outputs."""

    def __init__(self, tasks: TaskStore, outputs: Outputs, flusher: Flusher) -> None:
        self._tasks = tasks
        self._outputs = outputs
        self._flusher = flusher

    def apply(self, shares: Mapping[str, int], owners: Mapping[str, str]) -> None:
        """Let the outputs of each account in `shares` keep as many bytes together, others all.

        `owners` are the accounts by workspace. Holds until it is applied again.
        """
        for output in self._outputs.written():
            output.stored_limit = self._outputs.stored_limit
        if not shares:
            return
        for owner_id, outputs in self._by_owner(owners).items():
            share = shares.get(owner_id)
            if share is None:
                continue
            limit = max(LEAST_BYTES, share // len(outputs))
            for output in outputs:
                if limit < output.stored_limit:
                    output.stored_limit = limit
                    # It is looked at with the next flush, even if nothing of it comes any more.
                    self._flusher.hurry(output)

    def _by_owner(self, owners: Mapping[str, str]) -> dict[str, list[TaskOutput]]:
        found = defaultdict[str, list[TaskOutput]](list)
        for output in self._outputs.written():
            row = self._tasks.task(output.task_id)
            if row is not None:
                found[owners.get(row.workspace_id, "")].append(output)
        return found
