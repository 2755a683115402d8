"""Arbor to install on other machines: the wheel of the hub's own version, from the hub itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from arborlink.hub.routes.in_pieces import InPieces
from arborlink.hub.routes.operations import Operation
from arborlink.hub.service import wheel

# Leads to the one that is here now. pip asks for the whole name: it is the package's version.
STABLE_PATH: Final = "/arbor.whl"
WHEEL_PATH: Final = f"/{wheel.FILE_NAME}"


class WheelRoutes:
    """Serves the wheel, which is put together when it is first asked for, and kept."""

    def __init__(self, count: Callable[[Request], None]) -> None:
        self._count = count
        self._wheel: wheel.Wheel | None = None
        self._building = asyncio.Lock()

    def routes(self) -> list[BaseRoute]:
        """To come before the page's, which takes every address."""
        return [
            Route(STABLE_PATH, self.redirect, methods=["GET"]),
            Route("/{name}.whl", self.serve, methods=["GET"]),
        ]

    async def redirect(self, request: Request) -> Response:
        """Raises as `count`, which hears of every request."""
        self._count(request)
        return RedirectResponse(WHEEL_PATH, 302, headers={"Cache-Control": "no-store"})

    async def serve(self, request: Request) -> Response:
        """Raises as `count`, and NotFound where the hub was not installed."""
        self._count(request)
        if request.url.path != WHEEL_PATH:
            raise HTTPException(404)
        async with self._building:
            if self._wheel is None:
                self._wheel = await asyncio.to_thread(wheel.build)
        tag = f'"{self._wheel.tag}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return InPieces(self._wheel.content, headers=headers, media_type="application/zip")


OPERATIONS: Final = (
    Operation(
        method="GET",
        path=STABLE_PATH,
        summary="Arbor to install: leads to `/arborlink-VERSION-py3-none-any.whl` of this hub",
        tag="Installation",
        public=True,
        status=302,
    ),
)
