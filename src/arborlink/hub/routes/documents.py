"""The API's description, for programs and for people."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from arborlink.hub.routes import openapi, reference
from arborlink.hub.routes.in_pieces import InPieces
from arborlink.hub.routes.operations import Operation
from arborlink.hub.service.ports import HubPorts

TAG = "Description"


class Documents:
    """Describes the given operations, and its own."""

    def __init__(self, described: Sequence[Operation]) -> None:
        self.operations = (
            Operation(
                method="GET",
                path="/api/openapi.json",
                summary="This API as OpenAPI 3.1",
                tag=TAG,
                handle=self.json,
                public=True,
                result=dict,
            ),
            Operation(
                method="GET",
                path="/api/docs",
                summary="This API, to read",
                tag=TAG,
                handle=self.page,
                public=True,
                media_types=("text/html",),
            ),
        )
        document = openapi.document([*described, *self.operations])
        self._json = msgspec.json.encode(document)
        self._page = reference.page(document)

    async def json(self, _hub: HubPorts, _request: Request) -> Response:
        """For programs."""
        return InPieces(self._json, media_type="application/json")

    async def page(self, _hub: HubPorts, _request: Request) -> Response:
        """For people: no script, nothing from elsewhere."""
        return InPieces(self._page, media_type="text/html")
