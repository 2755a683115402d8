"""`GET /api/tasks/{id}/output`, `…/segments`, `…/sizes`: what is stored, and what comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from arborlink.hub.access import Access, Identity
from arborlink.hub.bus.base import Bus
from arborlink.hub.live.downloads import Download
from arborlink.hub.live.outputs import Outputs
from arborlink.hub.live.stored import missing_end, open_stored, stored_extent
from arborlink.hub.problems import problem_response
from arborlink.hub.routes.authentication import hold_until_answered, identify
from arborlink.hub.service import formats
from arborlink.hub.service.following import Following, follow
from arborlink.hub.service.formats import Pieces
from arborlink.hub.service.ranges import (
    ANY_END,
    RangeNotSatisfiable,
    parse_open_range,
    parse_range,
)
from arborlink.hub.service.segments import thin
from arborlink.hub.service.tasks import Tasks
from arborlink.hub.store.base import TaskRow
from arborlink.hub.terminals.control import Terminals
from arborlink.outputlog import Gap, Record
from arborlink.protocol.errors import InvalidInput, OffsetOutOfOrder
from arborlink.protocol.formats import FORMATS, Format, JsonLinesFormat
from arborlink.protocol.lifecycle import is_final
from arborlink.protocol.limits import TASK_UNACKNOWLEDGED_BYTES
from arborlink.protocol.resources import GapInfo, Task, TerminalSizes

MAX_SEGMENTS = 2_000
MAX_OFFSET_DIGITS = 19
MEDIA_TYPES = {
    "raw": "text/plain; charset=utf-8",
    "text": "text/plain; charset=utf-8",
    "jsonl": "application/jsonl",
    "asciicast": "application/x-asciicast",
}
SUFFIXES = {"raw": "log", "text": "txt", "jsonl": "jsonl", "asciicast": "cast"}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """How an output is asked for. `form`: its name in `MEDIA_TYPES`."""

    form: str
    stream: str | None
    follows: bool
    sizes: bool

    @property
    def is_raw(self) -> bool:
        """Whether what is sent is the bytes of the output, each at its offset."""
        return self.form == "raw" and self.stream is None

    def format(self, task: Task) -> Format | None:
        """Return what writes it; None: the bytes are sent as they are."""
        if self.sizes:
            return JsonLinesFormat(task, sizes=True)
        return FORMATS[self.form](task) if self.form in FORMATS else None


class OutputRoutes:
    """Reads with readers of its own; reading runs in Starlette's thread pool, off the loop."""

    def __init__(
        self, access: Access, tasks: Tasks, outputs: Outputs, terminals: Terminals, bus: Bus
    ) -> None:
        self._access = access
        self._terminals = terminals
        self._tasks = tasks
        self._outputs = outputs
        self._bus = bus
        self._requests = access.open_requests

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route("/api/tasks/{task_id}/output", self.output, methods=["GET"]),
            Route("/api/tasks/{task_id}/segments", self.segments, methods=["GET"]),
            Route("/api/tasks/{task_id}/sizes", self.sizes, methods=["GET"]),
        ]

    async def output(self, request: Request) -> Response:
        """The bytes, or another format of them: what is stored, or all there will be."""
        identity = await identify(self._access, request)
        row = self._tasks.visible(identity, request.path_params["task_id"])
        task = self._tasks.shown(identity, row.id)
        wanted = _wanted(request)
        with self._requests.open(identity, row.workspace_id, row.id) as opened:
            size, gaps = await self._extent(row)
            opened.check()
        row = self._tasks.visible(identity, row.id)
        headers = _headers(request, task, wanted.form)
        if gaps:
            headers["Arbor-Gaps"] = formats.gaps_header(gaps)
        if wanted.follows and not is_final(row.status):
            return self._followed(request, identity, row, task, wanted, size, gaps, headers)
        first, last = _limits(request, size)
        is_whole = wanted.is_raw and (first, last) == (0, size)
        try:
            found = parse_range(request.headers.get("range"), size) if is_whole else None
        except RangeNotSatisfiable as error:
            refusal = problem_response(error)
            refusal.headers["Content-Range"] = f"bytes */{size}"
            return refusal
        start, end = found or (first, last)
        if is_whole:
            headers["Accept-Ranges"] = "bytes"
            headers["Content-Length"] = str(end - start)
        if found is not None:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        sizes = self._terminals.history(row)
        pieces = Pieces(wanted.stream, wanted.format(task), gaps, sizes)
        body = _body(self._outputs.stem(task.id), row, start, end, pieces)
        return self._download(request, identity, row, body, 206 if found else 200, headers)

    def _followed(
        self,
        request: Request,
        identity: Identity,
        row: TaskRow,
        task: Task,
        wanted: _Wanted,
        size: int,
        gaps: list[GapInfo],
        headers: dict[str, str],
    ) -> Response:
        """Answer with what is stored and what comes, until the task is over."""
        self._requests.check_following()
        start, end = _open_limits(request, size)
        found = None
        if wanted.is_raw:
            headers["Accept-Ranges"] = "bytes"
            if (start, end) == (0, ANY_END):
                found = parse_open_range(request.headers.get("range"), size)
        if found is not None:
            start, end = found
            headers["Content-Range"] = f"bytes {start}-{end - 1}/*"
        if start > size + TASK_UNACKNOWLEDGED_BYTES:
            raise OffsetOutOfOrder(
                f"offset {start} is beyond the end of the output, {size}: begin there or below",
                want=size,
            )
        # A proxy that collects an answer, or packs it, would hold it back.
        headers["X-Accel-Buffering"] = "no"
        headers["Cache-Control"] = "no-store, no-transform"
        following = Following(
            task_id=row.id,
            start=start,
            end=end,
            pieces=Pieces(wanted.stream, wanted.format(task), gaps),
            row=partial(self._tasks.visible, identity, row.id),
            sizes=partial(self._terminals.history, row),
        )
        hold_until_answered(request, self._access.budgets.followed, identity)
        body = follow(self._outputs, self._bus, following)
        return self._download(request, identity, row, body, 206 if found else 200, headers)

    def _download(
        self,
        request: Request,
        identity: Identity,
        row: TaskRow,
        body: Iterator[bytes] | AsyncGenerator[bytes, None],
        status: int,
        headers: dict[str, str],
    ) -> Response:
        if request.method == "HEAD":
            # Nothing is read for what is not sent.
            return StreamingResponse(iter(()), status, headers)
        hold_until_answered(request, self._access.budgets.downloads, identity)
        # Counted as open again before anything else runs.
        return Download(self._requests, identity, row, body, status, headers)

    async def _extent(self, row: TaskRow) -> tuple[int, list[GapInfo]]:
        """Return how long the output is, and what is missing of it. Raises OutputDamaged."""
        stem = self._outputs.stem(row.id)
        output = self._outputs.find(row.id)
        if output is None or output.writer is None:
            return await run_in_threadpool(stored_extent, stem, row)
        lost = await run_in_threadpool(missing_end, stem, row)
        return output.end, [*output.gaps(), *lost]

    async def segments(self, request: Request) -> Response:
        """Who wrote what when, thinned to at most MAX_SEGMENTS."""
        identity = await identify(self._access, request)
        row = self._tasks.visible(identity, request.path_params["task_id"])
        size = self._tasks.shown(identity, row.id).output_size
        start, end = _offset(request, "from", 0), _offset(request, "to", size)
        stem = self._outputs.stem(row.id)
        # A long output has millions of records: off the loop, and never all of them in memory.
        with self._requests.open(identity, row.workspace_id, row.id) as opened:
            items = await run_in_threadpool(_segments, stem, row, start, min(end, size))
            opened.check()
        return Response(msgspec.json.encode({"items": items}), media_type="application/json")

    async def sizes(self, request: Request) -> Response:
        """The sizes that a task's terminal has had."""
        identity = await identify(self._access, request)
        row = self._tasks.visible(identity, request.path_params["task_id"])
        found = TerminalSizes(items=list(self._terminals.history(row).items))
        return Response(msgspec.json.encode(found), media_type="application/json")


def _body(stem: Path, row: TaskRow, start: int, end: int, pieces: Pieces) -> Iterator[bytes]:
    # Opened only here: of a body that nobody begins to read nothing has to be closed.
    reader = open_stored(stem, row)
    with nullcontext() if reader is None else reader:
        yield from formats.written(reader, start, end, pieces)


def _wanted(request: Request) -> _Wanted:
    wanted = _Wanted(
        form=_choice(request, "format", tuple(MEDIA_TYPES), "raw") or "raw",
        stream=_choice(request, "stream", ("stdout", "stderr"), None),
        follows=_choice(request, "follow", ("0", "1"), "0") == "1",
        sizes=_choice(request, "sizes", ("0", "1"), "0") == "1",
    )
    if wanted.sizes and wanted.form != "jsonl":
        raise InvalidInput("sizes=1 is for format=jsonl: ask for that, or leave sizes out")
    return wanted


def _headers(request: Request, task: Task, form: str) -> dict[str, str]:
    headers = {"Content-Type": MEDIA_TYPES[form], "X-Content-Type-Options": "nosniff"}
    if request.query_params.get("download") == "1":
        headers["Content-Disposition"] = f'attachment; filename="{task.id}.{SUFFIXES[form]}"'
    return headers


def _choice(
    request: Request, name: str, allowed: tuple[str, ...], default: str | None
) -> str | None:
    value = request.query_params.get(name)
    if value is None:
        return default
    if value not in allowed:
        raise InvalidInput(f"{name} is one of {', '.join(allowed)}")
    return value


def _limits(request: Request, size: int) -> tuple[int, int]:
    """`from` and `to`, kept within the output; a negative `from` counts back from its end."""
    text = request.query_params.get("from", "0")
    back = text.startswith("-")
    start = _offset_of("from", text.removeprefix("-"))
    start = max(0, size - start) if back else min(start, size)
    return start, max(start, min(_offset(request, "to", size), size))


def _open_limits(request: Request, size: int) -> tuple[int, int]:
    """As `_limits`, of an output that grows: both may be beyond its present end."""
    text = request.query_params.get("from", "0")
    start = _offset_of("from", text.removeprefix("-"))
    start = max(0, size - start) if text.startswith("-") else start
    return start, max(start, min(_offset(request, "to", ANY_END), ANY_END))


def _offset(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    return _offset_of(name, text)


def _offset_of(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > MAX_OFFSET_DIGITS:
        raise InvalidInput(f"{name} is an offset in bytes, not {text[:32]!r}")
    return int(text)


def _segments(stem: Path, row: TaskRow, start: int, end: int) -> list[dict[str, object]]:
    reader = open_stored(stem, row)
    if reader is None:
        return []
    with reader:
        return [_shown(segment) for segment in thin(reader.records(start, end), MAX_SEGMENTS)]


def _shown(segment: Record | Gap) -> dict[str, object]:
    if isinstance(segment, Gap):
        return {"from": segment.start, "to": segment.end, "reason": segment.reason}
    return {
        "offset": segment.offset,
        "length": segment.length,
        "isError": segment.is_error,
        "time": segment.time_us,
    }
