"""Outputs on their way to somebody by HTTP: broken off when the credential for them is no more.

An answer that has begun cannot say that it is wrong. Its connection is cut, so that nobody takes
what has arrived for the whole.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from arborlink.hub.access import Identity
from arborlink.hub.front.gate import HTTP_CONNECTION
from arborlink.hub.live.clock import now_us
from arborlink.protocol.errors import OutputDamaged

log = logging.getLogger(__name__)

MICROSECONDS: Final = 1_000_000
# A download takes no longer, and some loops cannot count further.
MAX_TIMER_SECONDS: Final = 30 * 86_400.0


class HttpConnection(Protocol):
    """What a download needs of its connection."""

    def cut(self) -> None: ...


class Downloads:
    """Those that are in progress, by whose they are."""

    def __init__(self) -> None:
        self._open: set[tuple[Identity, HttpConnection]] = set()

    def revoke(self, subject_id: str) -> None:
        """A token, session or user is not valid any more."""
        for identity, connection in tuple(self._open):
            if subject_id in (identity.token_id, identity.user_id):
                connection.cut()

    @contextmanager
    def open(self, identity: Identity, connection: HttpConnection) -> Iterator[None]:
        """While a body is sent."""
        entry = (identity, connection)
        self._open.add(entry)
        timer = None
        if identity.expires_at is not None:
            seconds = (identity.expires_at - now_us()) / MICROSECONDS
            timer = asyncio.get_running_loop().call_later(
                min(max(0.0, seconds), MAX_TIMER_SECONDS), connection.cut
            )
        try:
            yield
        finally:
            self._open.discard(entry)
            if timer is not None:
                timer.cancel()


class Download(StreamingResponse):
    """A body that is sent for as long as `identity` is good."""

    def __init__(
        self,
        downloads: Downloads,
        identity: Identity,
        body: Iterator[bytes],
        status: int,
        headers: dict[str, str],
    ) -> None:
        super().__init__(body, status, headers)
        self._downloads = downloads
        self._identity = identity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        connection = scope.get(HTTP_CONNECTION)
        if connection is None:
            await super().__call__(scope, receive, send)
            return
        with self._downloads.open(self._identity, connection):
            try:
                await super().__call__(scope, receive, send)
            except OutputDamaged as error:
                log.error("a download was broken off: %s", error)
                connection.cut()
