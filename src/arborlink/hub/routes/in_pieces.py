"""Answers that anyone may have, in pieces: who does not read one holds a piece, not the whole."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from arborlink.protocol.limits import KIB

PIECE_BYTES: Final = 64 * KIB


class InPieces(Response):
    """Sends its content as the client takes it.

    uvicorn passes a part of a body to the connection at once, however large, and waits for the
    client before the next one. With TLS the connection has a copy of what is not sent.
    """

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """ASGI."""
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        for at in range(0, max(1, len(self.body)), PIECE_BYTES):
            piece = bytes(self.body[at : at + PIECE_BYTES])
            more = at + PIECE_BYTES < len(self.body)
            await send({"type": "http.response.body", "body": piece, "more_body": more})
