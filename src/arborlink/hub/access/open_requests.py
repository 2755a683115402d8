"""Requests that wait or take long: they end with their credential and with what they are about.

A request is authenticated once, at its beginning. One that reads a long output or waits for a
daemon still runs when its token is revoked or its task is removed; it must not be answered then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from arborlink.hub.access.environment import SECOND_US, Environment
from arborlink.hub.access.identity import Identity
from arborlink.hub.store.base import Removed
from arborlink.protocol.errors import ArborError, NotAuthenticated, NotFound, Unavailable

# Longer than any request; some event loops accept no longer timer.
MAX_TIMER_SECONDS: Final = 30 * 86_400.0


class OpenRequest:
    """One request. `failure` is why it has ended, and `on_end` is called when it ends."""

    def __init__(self, identity: Identity, workspace_id: str | None, task_id: str | None) -> None:
        self.identity = identity
        self.workspace_id = workspace_id
        self.task_id = task_id
        self.failure: ArborError | None = None
        # Whether it lasts until its task is over.
        self.follows = False
        self.on_end: Callable[[], object] | None = None
        self._ended = asyncio.Event()

    def check(self) -> None:
        """Raise `failure` if it has ended. To be called after each await.

        Raises:
            NotAuthenticated: its credential is not valid any more.
            NotFound: its task or workspace was removed (code `task_removed`, `workspace_removed`).
        """
        if self.failure is not None:
            raise self.failure

    async def until_ended(self) -> None:
        """Wait until it has ended before its time."""
        await self._ended.wait()

    def end(self, failure: ArborError) -> None:
        """End it because of `failure`; the first one counts."""
        if self.failure is not None:
            return
        self.failure = failure
        self._ended.set()
        if self.on_end is not None:
            self.on_end()


class OpenRequests:
    """All open requests of a hub. It is told of removals at once, whatever their cause."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._open: set[OpenRequest] = set()
        self._closing: ArborError | None = None

    @contextmanager
    def open(
        self, identity: Identity, workspace_id: str | None = None, task_id: str | None = None
    ) -> Iterator[OpenRequest]:
        """Count a request of `identity` while inside; about a workspace, or a task of it.

        An error inside, after the request was ended, is replaced by the reason of the end.
        """
        request = OpenRequest(identity, workspace_id, task_id)
        expiry = self._end_when_expired(request)
        self._open.add(request)
        try:
            yield request
        except ArborError:
            request.check()
            raise
        finally:
            self._open.discard(request)
            if expiry is not None:
                expiry.cancel()

    def _end_when_expired(self, request: OpenRequest) -> asyncio.TimerHandle | None:
        expires_at = request.identity.expires_at
        if expires_at is None:
            return None
        seconds = (expires_at - self._environment.unix_us()) / SECOND_US
        error = NotAuthenticated("The credential of this request has expired. Sign in again.")
        return asyncio.get_running_loop().call_later(
            min(max(0.0, seconds), MAX_TIMER_SECONDS), request.end, error
        )

    def removed(self, removed: Removed) -> None:
        """End requests about what was removed, and requests with a removed credential."""
        for request in tuple(self._open):
            failure = _failure(request, removed)
            if failure is not None:
                request.end(failure)

    def end_following(self, failure: ArborError) -> None:
        """End requests that follow a task, and refuse new ones."""
        self._closing = failure
        for request in tuple(self._open):
            if request.follows:
                request.end(failure)

    def check_following(self) -> None:
        """Raise the failure with which requests that follow a task were ended, if they were."""
        if self._closing is not None:
            raise self._closing

    def changed(self, user_id: str) -> None:
        """End the requests of a user whose rights have changed: the client has to repeat them."""
        for request in tuple(self._open):
            if request.identity.user_id == user_id:
                request.end(Unavailable("Your account was changed just now.", retry_after=1.0))


def removed_task() -> NotFound:
    """Return the error for a reader of a removed task."""
    return NotFound(
        "this task and its output were removed: they were kept as long as there is time and room "
        "for them, or their workspace was deleted",
        code="task_removed",
    )


def removed_workspace() -> NotFound:
    """Return the error for a deleted workspace."""
    return NotFound(
        "this workspace was deleted, with its tasks, daemon and tokens", code="workspace_removed"
    )


def _failure(request: OpenRequest, removed: Removed) -> ArborError | None:
    identity = request.identity
    match removed.kind:
        case "user" | "token" | "session" | "daemon":
            if removed.id not in (identity.user_id, identity.token_id):
                return None
            return NotAuthenticated("The credential of this request was revoked. Sign in again.")
        case "task":
            return removed_task() if removed.id == request.task_id else None
        case "workspace":
            if removed.id != request.workspace_id:
                return None
            return removed_workspace()
