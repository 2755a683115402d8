"""One viewer's connection: cursors into outputs, facts about tasks, input and control."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from starlette.websockets import WebSocket

from arborlink.hub.access.open_requests import removed_task, removed_workspace
from arborlink.hub.bus.base import Fact, TaskRemoved, WorkspaceRemoved
from arborlink.hub.live.fact_queue import FactQueue
from arborlink.hub.live.pace import Pace, UserBudget, ViewerRates
from arborlink.hub.live.session import (
    STALLED_RETRY_SECONDS,
    Frame,
    Session,
    error_message,
)
from arborlink.hub.live.stored import damaged
from arborlink.hub.live.subscription import Rotation, Subscription
from arborlink.hub.live.told_states import ToldStates
from arborlink.hub.live.traffic import Backlog
from arborlink.hub.terminals.following import TerminalFollowing
from arborlink.outputlog import LogError
from arborlink.protocol import limits
from arborlink.protocol.codec import Codec, frame_size
from arborlink.protocol.cursor import Cursor
from arborlink.protocol.errors import (
    NORMAL_CLOSURE,
    ArborError,
    InvalidInput,
    MalformedMessage,
    OffsetOutOfOrder,
    RemoteProtocolError,
    TooManyRequests,
)
from arborlink.protocol.lifecycle import is_final
from arborlink.protocol.link import HubLink
from arborlink.protocol.messages import (
    AnyMessage,
    Cancel,
    InputAck,
    Subscribe,
    TaskStatusChanged,
    UnknownMessage,
    Unsubscribe,
    ViewerAck,
    ViewerInput,
    ViewerResize,
    WorkspaceChanged,
)
from arborlink.protocol.resources import TerminalSize

if TYPE_CHECKING:
    from arborlink.hub.access import Identity
    from arborlink.hub.access.budgets import Budgets
    from arborlink.hub.live.facts import Facts
    from arborlink.hub.live.outputs import Outputs
    from arborlink.hub.service.tasks import Tasks
    from arborlink.hub.store.base import TaskRow
    from arborlink.hub.terminals.control import Terminals
    from arborlink.hub.terminals.ports import ScreenSource

ALL_WORKSPACES = "*"
# Answers waiting for a viewer that does not read. Facts have as much again.
MAX_WAITING_BYTES = 4 * limits.MIB
# The tasks of a further workspace that is watched are read when less than this waits.
SNAPSHOT_BYTES = 1 * limits.MIB


@dataclass(frozen=True, slots=True)
class Viewing:
    """What every viewer session shares."""

    tasks: Tasks
    outputs: Outputs
    facts: Facts
    rates: ViewerRates
    budgets: Budgets
    terminals: Terminals
    screens: ScreenSource | None = None
    subscriptions_limit: int = limits.SUBSCRIPTIONS_PER_CONNECTION
    window_bytes: int = limits.SUBSCRIPTION_WINDOW_BYTES
    max_window_bytes: int = limits.SUBSCRIPTION_WINDOW_MAX_BYTES
    idle_seconds: float = limits.VIEWER_IDLE_SECONDS

    def user_budget(self, holder: str) -> UserBudget:
        """Return what a user has over all connections; see `Identity.holder`."""
        budgets = self.budgets
        return UserBudget(
            partial(budgets.viewer_requests.take_or_wait, holder),
            partial(budgets.viewer_messages.take_or_wait, holder),
        )


class ViewerSession(Session):
    """The shell of a viewer's link."""

    kind = "viewer"

    def __init__(
        self,
        websocket: WebSocket,
        codec: Codec,
        link: HubLink,
        identity: Identity,
        viewing: Viewing,
    ) -> None:
        super().__init__(websocket, codec, link)
        self.identity = identity
        self._who = identity
        self._viewing = viewing
        self._rotation = Rotation(codec)
        self._terminals = TerminalFollowing(
            viewing.terminals,
            viewing.screens,
            self._rotation,
            holder=identity.holder,
            send=self.send,
            wake=self.wake,
        )
        self._workspaces: set[str] = set()
        self._facts = FactQueue()
        self._states = ToldStates()
        # Workspaces that are watched, and whose tasks were not sent yet, in their order.
        self._snapshots: dict[str, None] = {}
        self._waiting_bytes = 0
        self._pace = Pace(viewing.rates, time.monotonic(), viewing.user_budget(identity.holder))
        self._stop_listening = viewing.facts.bus.listen(self._on_fact)

    def start_tasks(self, group: asyncio.TaskGroup) -> None:
        """Nobody keeps a connection for nothing."""
        group.create_task(self._end_when_idle())
        group.create_task(self._terminals.run())

    def leave(self) -> None:
        """The connection is gone."""
        self._stop_listening()
        for task_id in self._rotation.task_ids():
            self._unfollow(task_id)

    def backlog(self) -> Backlog:
        """What was sent and is not rendered, and what is stored and not sent, of all it follows."""
        followed = self._rotation.subscriptions()
        return Backlog(
            sum(each.cursor.unacknowledged for each in followed),
            sum(each.lag_bytes for each in followed),
            len(followed) + len(self._workspaces),
        )

    def lag_ms(self) -> float | None:
        """Of the subscription that is furthest behind."""
        lags = [each.lag_us() for each in self._rotation.subscriptions()]
        known = [lag for lag in lags if lag is not None]
        return max(known) / 1_000 if known else None

    async def admits(self, message: AnyMessage | UnknownMessage) -> bool:
        """Not what is asked for too often; and all of it only so fast."""
        now = time.monotonic()
        refusal = self._pace.refusal(message, now)
        if refusal is not None:
            ref = getattr(message, "task_id", None) or getattr(message, "workspace_id", None)
            self.send(error_message(refusal, ref))
            if self._pace.goes_on(now):
                self.fail(refusal)
        while delay := self._pace.delay(time.monotonic()):
            await asyncio.sleep(delay)
        return refusal is None

    async def handle(self, message: AnyMessage) -> None:
        """A viewer's message; what it asks for in vain is answered and harms nobody."""
        try:
            await self._dispatch(message)
        except MalformedMessage:
            raise
        except RemoteProtocolError as error:
            self.send(error_message(error, getattr(message, "task_id", None)))

    async def _dispatch(self, message: AnyMessage) -> None:
        match message:
            case ViewerAck():
                self._acknowledge(message)
            case Subscribe():
                self._subscribe(message)
            case Unsubscribe():
                self._unsubscribe(message)
            case ViewerInput():
                await self._write_input(message)
            case ViewerResize():
                await self._resize(message)
            case Cancel():
                await self._viewing.tasks.cancel(self._who, message.task_id, message.grace_seconds)
            case _:
                raise MalformedMessage(f"a viewer does not send {type(message).__name__}")

    async def _write_input(self, message: ViewerInput) -> None:
        viewing, task_id = self._viewing, message.task_id
        if message.is_reply and not viewing.terminals.controls(task_id, self._terminals):
            viewing.tasks.operable(self._who, task_id)
            # It is done with, which a viewer that sends one input after another waits to hear.
            self.send(InputAck(task_id=task_id, offset=0))
            return
        await viewing.tasks.write_input(
            self._who, task_id, message.input, offset=message.offset, eof=message.eof
        )
        if not message.is_reply and viewing.terminals.follows(task_id, self._terminals):
            row = viewing.tasks.operable(self._who, task_id)
            await viewing.terminals.typed(row, self._terminals)

    async def _resize(self, message: ViewerResize) -> None:
        terminals = self._viewing.terminals
        row = self._viewing.tasks.operable(self._who, message.task_id)
        size = TerminalSize(cols=message.cols, rows=message.rows)
        if terminals.follows(row.id, self._terminals):
            await terminals.wish(row, self._terminals, size, take=message.take)
        else:
            await terminals.apply(row, size)

    def next_bulk(self) -> Frame | None:
        """Output waits behind facts."""
        return self._rotation.next_frame()

    def send(self, message: AnyMessage) -> None:
        """Queue a message; a viewer that lets too many bytes of answers wait is disconnected."""
        self._queue(message)
        if self._waiting_bytes > MAX_WAITING_BYTES:
            self.fail(_too_much_waits())

    def collect(self) -> None:
        """Queue facts in the order they happened, and what else of watched workspaces has room."""
        for fact in self._facts.drain():
            super().send(_told(fact))
        self._send_workspaces()
        # All of it is sent before this is called again.
        self._waiting_bytes = 0
        if self._snapshots:
            self.wake()

    def _queue(self, message: AnyMessage) -> None:
        self._waiting_bytes += frame_size(self.codec.encode(message))
        super().send(message)

    def _send_workspaces(self) -> None:
        # Read when there is room for them: then they are as they are now, and no more wait, however
        # many are watched and however often that is asked for.
        while self._snapshots and self._waiting_bytes < SNAPSHOT_BYTES:
            workspace_id = next(iter(self._snapshots))
            del self._snapshots[workspace_id]
            self._send_workspace(workspace_id)

    def _send_workspace(self, workspace_id: str) -> None:
        if not self._is_watched(workspace_id):
            return
        try:
            fact = self._viewing.facts.workspace(workspace_id)
            tasks = self._viewing.tasks.unfinished(workspace_id)
        except ArborError as error:
            self._queue(error_message(error, workspace_id))
            return
        if fact is not None:
            self._queue(fact)
        for task in tasks:
            self._queue(self._viewing.facts.status(task))

    async def _end_when_idle(self) -> None:
        seconds = self._viewing.idle_seconds
        while True:
            left = self._pace.asked_at + seconds - time.monotonic()
            if left > 0:
                await asyncio.sleep(left)
            elif self._workspaces or len(self._rotation):
                # What it asks for to end that counts from then on.
                await asyncio.sleep(seconds)
            else:
                self.close(
                    NORMAL_CLOSURE,
                    f"nothing was followed or asked for in {seconds:g} seconds; "
                    "connect again when you need to",
                )
                return

    # ── subscriptions ────────────────────────────────────────────────────────────────────────

    def _subscribe(self, message: Subscribe) -> None:
        if (message.task_id is None) == (message.workspace_id is None):
            raise InvalidInput("subscribe names either a taskId or a workspaceId")
        new = message.task_id not in self._rotation.task_ids() and (
            message.workspace_id not in self._workspaces
        )
        if new and len(self._rotation) + len(self._workspaces) >= (
            self._viewing.subscriptions_limit
        ):
            raise TooManyRequests(
                f"a connection follows at most {self._viewing.subscriptions_limit} things; "
                "unsubscribe from some, or open another connection",
                code="too_many_subscriptions",
            )
        if message.task_id is not None:
            self._follow(message.task_id, message)
        elif message.workspace_id is not None:
            self._watch(message.workspace_id)

    def _follow(self, task_id: str, message: Subscribe) -> None:
        row = self._viewing.tasks.visible(self._who, task_id)
        places = self._viewing.budgets.followed
        full = None if self._rotation.get(task_id) else places.full(self._who)
        if full is not None:
            raise places.refusal(full)
        try:
            output = self._viewing.outputs.watch(task_id, self.wake)
        except (LogError, OSError) as error:
            raise damaged(row, error) from error
        try:
            if is_final(row.status) and output.end < row.output_size:
                raise damaged(row, f"only {output.end} of {row.output_size} bytes are there")
            offset = self._start(row, output.end, message.offset)
        except ArborError:
            if self._rotation.get(task_id) is None:
                self._viewing.outputs.unwatch(task_id, self.wake)
            raise
        window = min(message.window or self._viewing.window_bytes, self._viewing.max_window_bytes)
        if self._rotation.get(task_id) is None:
            places.hold(self._who)
        subscription = Subscription(output, row.workspace_id, offset, window)
        self._rotation.add(task_id, subscription)
        if message.terminal and row.tty is not None:
            self._terminals.follow(row, subscription, resumes=message.resumes)
        else:
            self._terminals.unfollow(task_id)
        self.send(self._viewing.facts.status(row))
        if not is_final(row.status):
            acked = self._viewing.facts.input_acked(task_id)
            if acked is not None:
                self.send(acked)
            self._tell_state(row.workspace_id)
        self.wake()

    def _tell_state(self, workspace_id: str) -> None:
        self._states.keep({each.workspace_id for each in self._rotation.subscriptions()})
        fact = self._viewing.facts.workspace(workspace_id)
        if fact is not None and self._states.is_news(fact):
            self.send(fact)

    @staticmethod
    def _start(row: TaskRow, end: int, offset: int) -> int:
        # After a crash of the hub a viewer may be ahead of it: it has seen bytes that were not
        # durable here. The daemon sends them again; the cursor waits for the log to catch up.
        ahead = offset - end
        if not is_final(row.status) and 0 < ahead <= limits.TASK_UNACKNOWLEDGED_BYTES:
            return offset
        if ahead > 0:
            error = OffsetOutOfOrder(
                f"offset {offset} is beyond the end of the output, {end}: subscribe there or below",
                want=end,
            )
            error.code = "offset_beyond_end"
            raise error
        return Cursor.resolve(offset, end)

    def _unsubscribe(self, message: Unsubscribe) -> None:
        if message.task_id is not None:
            self._unfollow(message.task_id)
        if message.workspace_id is not None:
            self._workspaces.discard(message.workspace_id)

    def _unfollow(self, task_id: str) -> None:
        if self._rotation.remove(task_id) is not None:
            self._terminals.unfollow(task_id)
            self._viewing.outputs.unwatch(task_id, self.wake)
            self._viewing.budgets.followed.release(self._who)

    def _acknowledge(self, message: ViewerAck) -> None:
        subscription = self._rotation.get(message.task_id)
        if subscription is not None:
            subscription.cursor.acknowledge(message.offset)
            if subscription.has_more:
                self.wake()

    def _watch(self, workspace_id: str) -> None:
        # First whether it may be seen: from then on its facts are passed on without asking again.
        visible = self._viewing.tasks.visible_workspaces(self._who, workspace_id, ALL_WORKSPACES)
        self._workspaces.add(workspace_id)
        self._snapshots |= dict.fromkeys(visible)
        self._send_workspaces()
        self.wake()

    # ── facts ────────────────────────────────────────────────────────────────────────────────

    def _on_fact(self, workspace_id: str, fact: Fact) -> None:
        if isinstance(fact, WorkspaceRemoved):
            self._end_workspace(fact)
            return
        if not self._concerns(workspace_id, fact):
            return
        if isinstance(fact, TaskRemoved):
            self._unfollow(fact.task_id)
        self._add(fact)

    def _add(self, fact: Fact) -> None:
        if self._facts.add(fact):
            self.wake()
        else:
            self.fail(_too_much_waits())

    def _end_workspace(self, fact: WorkspaceRemoved) -> None:
        # Before the deletion is answered: nothing more of it is read for this viewer.
        for subscription in self._rotation.subscriptions():
            if subscription.workspace_id == fact.workspace_id:
                task_id = subscription.output.task_id
                self._unfollow(task_id)
                self._add(TaskRemoved(task_id))
        watched = fact.workspace_id in self._workspaces or (
            ALL_WORKSPACES in self._workspaces
            and self._viewing.tasks.might_see(self._who, fact.workspace_id, fact.owner_id)
        )
        self._workspaces.discard(fact.workspace_id)
        self._snapshots.pop(fact.workspace_id, None)
        if watched:
            self._add(fact)

    def _concerns(self, workspace_id: str, fact: Fact) -> bool:
        if isinstance(fact, InputAck | TaskStatusChanged | TaskRemoved):
            if self._rotation.get(fact.task_id) is not None:
                return True
            if isinstance(fact, InputAck | TaskRemoved):
                return False
        return self._is_watched(workspace_id) or (
            isinstance(fact, WorkspaceChanged)
            and any(each.workspace_id == workspace_id for each in self._rotation.subscriptions())
            and self._states.is_news(fact)
        )

    def _is_watched(self, workspace_id: str) -> bool:
        return workspace_id in self._workspaces or (
            ALL_WORKSPACES in self._workspaces
            and self._viewing.tasks.may_see(self._who, workspace_id)
        )


def _told(fact: Fact) -> AnyMessage:
    match fact:
        case TaskRemoved():
            return error_message(removed_task(), fact.task_id)
        case WorkspaceRemoved():
            return error_message(removed_workspace(), fact.workspace_id)
        case _:
            return fact


def _too_much_waits() -> TooManyRequests:
    return TooManyRequests(
        "too much waits to be read; ask again", retry_after=STALLED_RETRY_SECONDS
    )
