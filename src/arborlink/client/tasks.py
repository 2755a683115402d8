"""A handle on one task: its output, its end, its input."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import msgspec

from arborlink.client.chunks import Chunk, Gap, Snapshot, TerminalChange
from arborlink.client.http import HttpApi
from arborlink.client.input import ExactInput, TypedInput
from arborlink.client.live import Feed, LivePool
from arborlink.client.replies import Page, Segment
from arborlink.client.subscription import Item, Subscription
from arborlink.protocol import limits
from arborlink.protocol.errors import ArborError, Conflict
from arborlink.protocol.lifecycle import is_final
from arborlink.protocol.messages import TaskStatusChanged
from arborlink.protocol.resources import (
    SearchHit,
    SearchPage,
    Task,
    TerminalSizeChange,
    TerminalSizes,
    Workspace,
)

HITS_AT_ONCE: Final = 1_000


class CancelBody(msgspec.Struct, frozen=True, rename="camel"):
    """Body of `POST /api/tasks/{id}/cancel`."""

    grace_seconds: float = limits.DEFAULT_GRACE_SECONDS


class TaskHandle:
    """One task. `info` is its last known state.

    The handle that `Hub.run` returns owns the task's input from its first byte: what it writes
    arrives exactly once. A handle from `Hub.task` types after whatever others have typed.
    """

    def __init__(self, api: HttpApi, live: LivePool, info: Task, *, owns_input: bool) -> None:
        self.info = info
        self._api = api
        self._live = live
        self._input = ExactInput(info.id) if owns_input else TypedInput(info.id)
        self._input_feed: Feed | None = None

    @property
    def id(self) -> str:
        """The task's id."""
        return self.info.id

    @property
    def over(self) -> bool:
        """Whether the task is known to be over."""
        return is_final(self.info.status)

    async def refresh(self) -> Task:
        """Ask the hub for the task.

        Raises:
            ArborError: the hub's answer, or `Unavailable`.
        """
        self.info = await self._api.get(f"/api/tasks/{self.id}", Task)
        return self.info

    async def output(
        self, offset: int = 0, *, until_end: bool = True, window: int | None = None
    ) -> AsyncGenerator[Chunk | Gap, None]:
        """Iterate over the output from `offset` (negative: so many bytes before its end), in order,
        each byte once, over reconnects and restarts of the hub.

        It ends with the task; with `until_end=False`, where the output ended when this was called.
        At most `window` bytes (32 KiB to 16 MiB) are read ahead of the consumer; by default as
        many as the hub announces (256 KiB).

        Raises:
            InvalidInput: `offset` is beyond the end of a task that is over.
            ArborError: the task cannot be seen, or the token is not valid any more.
        """
        stop_at = limits.MAX_OFFSET if until_end else (await self.refresh()).output_size
        if offset >= stop_at or stop_at == 0:
            return
        feed = self._live.follow(Subscription(self.id, offset, window=window))
        self._prime(feed)
        try:
            while (item := await _next(feed)) is not None:
                self._learn(feed)
                if not isinstance(item, Chunk | Gap):
                    continue
                part = _below(item, stop_at)
                if part is not None:
                    yield part
                if item.end >= stop_at:
                    return
            self._learn(feed)
        finally:
            feed.close()

    async def terminal(
        self, offset: int = 0, *, window: int | None = None
    ) -> AsyncGenerator[Chunk | Gap | Snapshot | TerminalChange, None]:
        """Iterate over what a terminal shows of the task's terminal: from a negative `offset` a
        snapshot, then the output after it, and each change of size or control in its place. It
        ends with the task.

        From another `offset` there is the output, as long as it is near its end; a terminal that
        has fallen far behind is sent another snapshot. A hub without one sends the output from
        `offset` (negative: so many bytes before its end), as `output` does.

        Raises:
            ArborError: the task cannot be seen, or the token is not valid any more.
        """
        feed = self._live.follow(Subscription(self.id, offset, window=window, terminal=True))
        self._prime(feed)
        try:
            while (item := await _next(feed)) is not None:
                self._learn(feed)
                yield item
            self._learn(feed)
        finally:
            feed.close()

    async def search(
        self, query: str, *, regex: bool = False, case: bool = False, offset: int = 0
    ) -> AsyncGenerator[SearchHit, None]:
        """Iterate over the hits of `query` in the stored output, from `offset` to its present end.

        `regex`: it is an expression of RE2; `case`: upper and lower case differ. A hit lies within
        one line.

        Raises:
            InvalidInput: the query cannot be used; the text says why.
            ArborError: the hub's answer, or `Unavailable`.
        """
        options = {"q": query, "regex": int(regex), "case": int(case), "limit": HITS_AT_ONCE}
        place: dict[str, object] = {"from": offset}
        while True:
            path = f"/api/tasks/{self.id}/search"
            page = await self._api.get(path, SearchPage, **options, **place)
            for hit in page.items:
                yield hit
            if page.next_cursor is None:
                return
            place = {"cursor": page.next_cursor}

    async def segments(self, start: int, end: int) -> list[Segment]:
        """Return the segments of the stored output `[start, end)`: stream, range and time.

        At most 2,000: of more, neighbors are joined, with the time of the first. Gaps are left out.

        Raises:
            ArborError: the hub's answer, or `Unavailable`.
        """
        path = f"/api/tasks/{self.id}/segments"
        page = await self._api.get(path, Page[Segment], **{"from": start, "to": end})
        return [each for each in page.items if each.length]

    async def sizes(self) -> list[TerminalSizeChange]:
        """Every size that the task's terminal has had by now, in order, from which byte of the
        output on and when; the first as it was created. Without a terminal there is none.

        Of more than 1,000 some in the middle are left out; the last is always there.

        Raises:
            ArborError: the hub's answer, or `Unavailable`.
        """
        return (await self._api.get(f"/api/tasks/{self.id}/sizes", TerminalSizes)).items

    async def statuses(self) -> AsyncGenerator[Task, None]:
        """Iterate over the task's states: the present one and each change, until it is over.

        Raises:
            ArborError: the task cannot be seen, or the token is not valid any more.
        """
        if self.over:
            yield self.info
            return
        feed = self._live.attach(self.id)
        shown: TaskStatusChanged | None = None
        try:
            while True:
                status = feed.subscription.status
                if status is not None and status is not shown:
                    shown = status
                    self._learn(feed)
                    yield self.info
                    if is_final(status.status):
                        return
                elif feed.subscription.failure is not None:
                    raise feed.subscription.failure
                else:
                    await feed.changed()
        finally:
            feed.close()

    async def workspace_states(self) -> AsyncGenerator[Workspace, None]:
        """Iterate over changes of the workspace between connected and not, until the task is over.
        A workspace that is connected at the beginning and stays so yields nothing.

        Raises:
            ArborError: the task cannot be seen, or the token is not valid any more.
        """
        feed = self._live.attach(self.id)
        shown: Workspace | None = None
        try:
            while not feed.subscription.ended and feed.subscription.failure is None:
                workspace = feed.subscription.workspace
                if workspace is not shown and workspace is not None:
                    shown = workspace
                    yield workspace
                else:
                    await feed.changed()
            if feed.subscription.failure is not None:
                raise feed.subscription.failure
        finally:
            feed.close()

    async def wait(self) -> Task:
        """Return the task, once it is over.

        Raises:
            ArborError: the task cannot be seen, or the token is not valid any more.
        """
        async with aclosing(self.statuses()) as statuses:
            async for info in statuses:
                if is_final(info.status):
                    break
        return self.info

    async def cancel(self, *, grace_seconds: float = limits.DEFAULT_GRACE_SECONDS) -> None:
        """End the task's whole process tree: SIGTERM, `grace_seconds`, SIGKILL.

        Raises:
            ArborError: the hub's answer, or `Unavailable`.
        """
        body = CancelBody(grace_seconds)
        key = f"cancel-{self.id}"
        self.info = await self._api.post(
            f"/api/tasks/{self.id}/cancel", Task, body, idempotency_key=key
        )

    async def write(self, data: bytes, *, eof: bool = False) -> None:
        """Write to the command's standard input; `eof` ends it after `data`.

        Returns once everything is accepted (at most 1 MiB is on its way); with `eof`, once the
        command has it all. A command reads what is written if it was run with `stdin="open"` or a
        terminal.

        Raises:
            Conflict: the task is over or was started with an empty input, or another viewer writes
                to it.
            Unavailable: it is unknown whether typed input arrived.
            ArborError: input is not allowed.
        """
        self._check_takes_input()
        feed = self._hold()
        stream = feed.input(self._input)
        rest = memoryview(data)
        while rest:
            while stream.room == 0:
                await _progress(feed, stream)
            part = rest[: stream.room]
            rest = rest[len(part) :]
            stream.write(bytes(part), eof=eof and not rest)
            feed.poke()
            _check(feed, stream)
        if eof and not data:
            stream.write(b"", eof=True)
            feed.poke()
        if eof:
            await self.drain()

    async def drain(self) -> None:
        """Wait until the command has everything written so far.

        Raises:
            Conflict: the task ended before.
            ArborError: as for `write`.
        """
        feed = self._hold()
        stream = feed.input(self._input)
        while not stream.settled:
            await _progress(feed, stream)

    async def reply(self, data: bytes) -> None:
        """Answer a query of the program, as a terminal does by itself.

        The hub passes it on only from the viewer that controls the terminal (`TerminalChange`).

        Raises:
            Conflict: this handle owns the task's input, which has no place for answers.
        """
        feed = self._hold()
        stream = feed.input(self._input)
        if isinstance(stream, ExactInput):
            raise Conflict("answers of a terminal have no place in a task's exact input")
        stream.write_reply(data)
        feed.poke()

    def share_input(self) -> None:
        """Append input to that of other writers, as a handle from `Hub.task` does.

        Call it before anything is written.
        """
        self._input = TypedInput(self.id)

    async def resize(self, cols: int, rows: int, *, take: bool = False) -> None:
        """Send the size of the terminal, in characters.

        Of a task that is followed by `terminal` it is a wish: the size becomes it while this viewer
        controls the terminal. `take`: it takes control.
        """
        self._hold().resize(cols, rows, take=take)

    def _check_takes_input(self) -> None:
        """Raise what the hub would answer, which might come after the end of the command."""
        if self.info.stdin == "empty" and self.info.tty is None:
            raise Conflict(
                "the task was started with an empty input, so its command does not read what is "
                'written. Start it with an open one (in Python: `stdin="open"`)',
                code="input_closed",
            )

    def _hold(self) -> Feed:
        feed = self._input_feed
        if feed is None or feed.closed:
            feed = self._input_feed = self._live.attach(self.id)
            self._prime(feed)
            self._live.hold(feed)
        return feed

    def _prime(self, feed: Feed) -> None:
        """Set the state of a task that is over: the hub may send nothing about it any more."""
        if self.over and feed.subscription.status is None:
            feed.subscription.prime(
                TaskStatusChanged(
                    task_id=self.id,
                    status=self.info.status,
                    final_offset=self.info.output_size,
                    task=self.info,
                )
            )

    def _learn(self, feed: Feed) -> None:
        status = feed.subscription.status
        if status is None:
            return
        if status.task:
            self.info = status.task
        elif status.status is not self.info.status:
            final = status.final_offset
            self.info = msgspec.structs.replace(
                self.info,
                status=status.status,
                output_size=self.info.output_size if final is None else final,
                exit_code=status.exit_code,
                signal=status.signal,
                error=status.error,
                reason=status.reason,
            )


async def _next(feed: Feed) -> Item | None:
    """Return the next piece, as soon as there is one; None at the end."""
    subscription = feed.subscription
    while True:
        item = subscription.take()
        feed.consumed()
        if item is not None:
            return item
        if subscription.failure is not None:
            raise subscription.failure
        if subscription.ended:
            return None
        await feed.changed()


async def _progress(feed: Feed, stream: ExactInput | TypedInput) -> None:
    _check(feed, stream)
    await feed.changed()
    _check(feed, stream)


def _check(feed: Feed, stream: ExactInput | TypedInput) -> None:
    failure: ArborError | None = stream.failure or feed.subscription.failure
    if isinstance(stream, TypedInput):
        # A possible loss is reported once; later input is sent as usual.
        stream.failure = None
    if failure is not None:
        raise failure
    status = feed.subscription.status
    if status is not None and is_final(status.status) and not stream.settled:
        raise Conflict("the task is over, so it does not read its input any more", code="task_over")


def _below(item: Chunk | Gap, stop_at: int) -> Chunk | Gap | None:
    if item.end <= stop_at:
        return item
    if isinstance(item, Gap):
        return Gap(item.start, stop_at, item.reason) if item.start < stop_at else None
    if item.offset >= stop_at:
        return None
    return Chunk(item.offset, item.is_error, item.time, item.data[: stop_at - item.offset])
