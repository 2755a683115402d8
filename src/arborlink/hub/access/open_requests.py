"""Requests that wait or take long: they end when their credential does, or what they are about.

Who asks is proven once, at the beginning. A request that reads a long output or waits for a daemon
is still there when its token is revoked, or its task is removed; its answer must not be.
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

# No request takes longer, and some loops cannot count further.
MAX_TIMER_SECONDS: Final = 30 * 86_400.0


class OpenRequest:
    """One of them. `failure` is why it has ended, and `on_end` is called when it does."""

    def __init__(self, identity: Identity, workspace_id: str | None, task_id: str | None) -> None:
        self.identity = identity
        self.workspace_id = workspace_id
        self.task_id = task_id
        self.failure: ArborError | None = None
        # Whether it goes on for as long as its task does.
        self.follows = False
        self.on_end: Callable[[], object] | None = None
        self._ended = asyncio.Event()

    def check(self) -> None:
        """Raise `failure` if it has ended. To be asked after everything that was awaited.

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
    """All of a hub. Told of what is removed, at once and whatever removes it."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._open: set[OpenRequest] = set()
        self._closing: ArborError | None = None

    @contextmanager
    def open(
        self, identity: Identity, workspace_id: str | None = None, task_id: str | None = None
    ) -> Iterator[OpenRequest]:
        """Count a request of `identity` while inside; about a workspace, or a task of it.

        What goes wrong inside once it has ended goes wrong because of that, and is told as that.
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
        """End those that are about what was removed, or came from it."""
        for request in tuple(self._open):
            failure = _failure(request, removed)
            if failure is not None:
                request.end(failure)

    def end_following(self, failure: ArborError) -> None:
        """End those that would go on for as long as their tasks do, and let none begin."""
        self._closing = failure
        for request in tuple(self._open):
            if request.follows:
                request.end(failure)

    def check_following(self) -> None:
        """Raise the failure with which those that follow were ended, if they were."""
        if self._closing is not None:
            raise self._closing

    def changed(self, user_id: str) -> None:
        """End those of a user who may do more or less than before: they are to ask again."""
        for request in tuple(self._open):
            if request.identity.user_id == user_id:
                request.end(Unavailable("Your account was changed just now; retry in 1 seconds."))


def removed_task() -> NotFound:
    """Tell a reader of a task that there is nothing more to read, nor to come."""
    return NotFound(
        "this task and its output were removed: they were kept as long as there is time and room "
        "for them, or their workspace was deleted",
        code="task_removed",
    )


def removed_workspace() -> NotFound:
    """Tell of a workspace that it was deleted."""
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
