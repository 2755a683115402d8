"""`GET /api/tasks/{id}/search`: what is looked for, from where, and the hits page by page."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from arborlink.hub.access import Access
from arborlink.hub.access.open_requests import OpenRequest
from arborlink.hub.live.outputs import Outputs
from arborlink.hub.live.stored import missing_end
from arborlink.hub.routes.authentication import identify
from arborlink.hub.routes.requests import integer_parameter, json_response
from arborlink.hub.service.matching import Matcher
from arborlink.hub.service.search import Position
from arborlink.hub.service.searches import Answer, Searches, Wish
from arborlink.hub.service.shares import Shares
from arborlink.hub.service.tasks import Tasks
from arborlink.protocol.errors import InvalidInput
from arborlink.protocol.lifecycle import is_final
from arborlink.protocol.limits import MAX_OFFSET
from arborlink.protocol.resources import SearchPage

DEFAULT_HITS: Final = 100
MAX_HITS: Final = 1_000
# A quarter of what may wait, so that no user keeps all others from searching.
SEARCHES_PER_USER: Final = 8

_CURSOR: Final = re.compile(r"(\d{1,18})\.(\d{1,18})?", re.ASCII)


class SearchRoutes:
    """Reads with readers of its own, off the loop."""

    def __init__(self, access: Access, tasks: Tasks, outputs: Outputs) -> None:
        self._access = access
        self._tasks = tasks
        self._outputs = outputs
        self._requests = access.open_requests
        self._searches = Searches()
        self._shares = Shares(SEARCHES_PER_USER)

    def routes(self) -> list[BaseRoute]:
        """The route."""
        return [Route("/api/tasks/{task_id}/search", self.search, methods=["GET"])]

    async def search(self, request: Request) -> Response:
        """The next hits, or as many as there are in what could be searched in time."""
        identity = await identify(self._access, request)
        row = self._tasks.visible(identity, request.path_params["task_id"])
        stem = self._outputs.stem(row.id)
        query = request.query_params.get("q", "")
        regex, case = _flag(request, "regex"), _flag(request, "case")
        start = _start(request)
        to = integer_parameter(request, "to", MAX_OFFSET, 0, MAX_OFFSET)
        limit = integer_parameter(request, "limit", DEFAULT_HITS, 1, MAX_HITS)
        with self._requests.open(identity, row.workspace_id, row.id) as opened:
            matcher = await run_in_threadpool(Matcher, query, regex=regex, case=case)
            await run_in_threadpool(missing_end, stem, row)
            wish = Wish(matcher, start, to, limit)
            with self._shares.place(identity.user_id):
                answer = await self._searches.run(stem, wish, partial(_gone, request, opened))
            opened.check()
        return json_response(_page(answer, over=is_final(row.status)))


async def _gone(request: Request, opened: OpenRequest) -> None:
    """Return when nobody waits for the answer any more, or nobody may have it."""
    async with asyncio.TaskGroup() as group:
        ends = [group.create_task(_left(request)), group.create_task(opened.until_ended())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for each in ends:
            each.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _page(answer: Answer, *, over: bool) -> SearchPage:
    found, end = answer
    return SearchPage(
        items=found.hits,
        next_cursor=None if found.complete else _cursor(found.position),
        searched_to=min(end, found.position.offset if over else found.firm),
        end=end,
    )


def _flag(request: Request, name: str) -> bool:
    value = request.query_params.get(name, "0")
    if value not in ("0", "1"):
        raise InvalidInput(f"{name} is 0 or 1.")
    return value == "1"


def _start(request: Request) -> Position:
    cursor = request.query_params.get("cursor")
    if cursor is None:
        return Position(integer_parameter(request, "from", 0, 0, MAX_OFFSET))
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise InvalidInput("cursor is not one that this hub gave.")
    offset, newlines = found.groups()
    return Position(int(offset), None if newlines is None else int(newlines))


def _cursor(position: Position) -> str:
    newlines = "" if position.newlines is None else position.newlines
    return f"{position.offset}.{newlines}"
