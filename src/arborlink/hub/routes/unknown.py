"""Requests for what does not exist: a credential with them is judged as everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from arborlink.hub.access import Access
from arborlink.hub.problems import EXCEPTION_HANDLERS, problem_response
from arborlink.hub.routes.authentication import IDENTITY, has_credential, identify
from arborlink.protocol.errors import ArborError


def exception_handlers(access: Access) -> Mapping[Any, ExceptionHandler]:
    """Return how errors are answered. No route looked at a request that is for none: its credential
    is judged here, so that a wrong one counts as a failed attempt and a good one by its budget."""
    answer: Any = EXCEPTION_HANDLERS[HTTPException]

    async def judged(request: Request, error: Exception) -> Response:
        if has_credential(request) and IDENTITY not in request.scope:
            try:
                await identify(access, request)
            except ArborError as refusal:
                return problem_response(refusal)
        response: Response = await answer(request, error)
        return response

    handler: Any = judged
    return {**EXCEPTION_HANDLERS, HTTPException: handler}
