"""Outputs on their way to somebody by HTTP: broken off when the credential for them is no more, or
when the task is.

An answer that has begun cannot say that it is wrong. Its connection is cut, so that nobody takes
what has arrived for the whole.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Iterator
from typing import Protocol

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from arborlink.hub.access import Identity
from arborlink.hub.access.open_requests import OpenRequests
from arborlink.hub.front.gate import HTTP_CONNECTION
from arborlink.hub.store.base import TaskRow
from arborlink.protocol.errors import ArborError

log = logging.getLogger(__name__)


class HttpConnection(Protocol):
    """What a download needs of its connection."""

    def cut(self) -> None: ...


class Download(StreamingResponse):
    """A body that is sent for as long as `identity` is good and the task is there."""

    def __init__(
        self,
        requests: OpenRequests,
        identity: Identity,
        row: TaskRow,
        body: Iterator[bytes] | AsyncGenerator[bytes, None],
        status: int,
        headers: dict[str, str],
    ) -> None:
        super().__init__(body, status, headers)
        # One that goes on for as long as the task does: it is ended when the hub stops.
        self._following = body if isinstance(body, AsyncGenerator) else None
        self._requests = requests
        self._identity = identity
        self._row = row

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        connection: HttpConnection | None = scope.get(HTTP_CONNECTION)
        if connection is None:
            await super().__call__(scope, receive, send)
            return
        with self._requests.open(self._identity, self._row.workspace_id, self._row.id) as request:
            request.on_end = connection.cut
            request.follows = self._following is not None
            try:
                await super().__call__(scope, receive, send)
            except ArborError as error:
                if request.failure is None:
                    log.error("a download was broken off: %s", error)
                connection.cut()
            finally:
                # Whoever took the last piece may be gone: what it follows is let go now.
                if self._following is not None:
                    await self._following.aclose()
