"""Requests for snapshots that wait: one is made at a time, and holders of them take turns."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from arborlink.hub.screen import ipc


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """One of them. `holder`: whose it is; its `answer` is cancelled when it is given up."""

    holder: str
    terminal: ipc.Follow
    answer: asyncio.Future[ipc.Taken] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def end(self, taken: ipc.Taken) -> None:
        """Answer it, unless it was given up."""
        if not self.answer.done():
            self.answer.set_result(taken)


class Requests:
    """Hands out one after the other. What was given up is left out, and costs its holder nothing.

    Holders take turns, so a holder that asks often waits for itself. `is_dear`: terminals that
    wait until no other is asked for.
    """

    def __init__(self, is_dear: Callable[[ipc.Follow], bool]) -> None:
        self._is_dear = is_dear
        # The holder whose turn is next comes first.
        self._waiting: OrderedDict[str, deque[Request]] = OrderedDict()
        self._added = asyncio.Event()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def add(self, request: Request) -> None:
        """Queue a request."""
        self._waiting.setdefault(request.holder, deque()).append(request)
        self._added.set()

    def remove(self, request: Request) -> None:
        """A request was given up, or answered."""
        own = self._waiting.get(request.holder)
        if own is not None and request in own:
            own.remove(request)
            if not own:
                del self._waiting[request.holder]

    async def next(self) -> Request:
        """Wait for a request, and take it out."""
        while True:
            self._added.clear()
            request = self._first(dear=False) or self._first(dear=True)
            if request is not None:
                self.remove(request)
                if request.holder in self._waiting:
                    self._waiting.move_to_end(request.holder)
                return request
            await self._added.wait()

    def end(self, is_gone: Callable[[ipc.Follow], bool]) -> None:
        """Answer that there is no snapshot of terminals that are gone."""
        for own in list(self._waiting.values()):
            for request in [each for each in own if is_gone(each.terminal)]:
                self.remove(request)
                request.end(ipc.Taken(0))

    def _first(self, *, dear: bool) -> Request | None:
        for own in self._waiting.values():
            for request in own:
                if dear or not self._is_dear(request.terminal):
                    return request
        return None
