"""One viewer's subscription to one task: a cursor into its output."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from arborlink.hub.live.output import TaskOutput
from arborlink.protocol import limits
from arborlink.protocol.codec import Codec
from arborlink.protocol.cursor import Cursor
from arborlink.protocol.messages import Gap, Output, Screen, TerminalState

# Large enough to fill a line, small enough that a control message does not wait long behind one.
FRAME_BYTES = 64 * limits.KIB
# Below this much room a cursor waits for an acknowledgement rather than send crumbs.
CRUMB_BYTES = 4 * limits.KIB


class Subscription:
    """Costs the hub one frame at a time, however slow its viewer is."""

    def __init__(self, output: TaskOutput, workspace_id: str, offset: int, window: int) -> None:
        self.output = output
        self.workspace_id = workspace_id
        self.cursor = Cursor(offset, window)
        # What a terminal is sent before the output.
        self.prologue: deque[Screen | TerminalState] = deque()
        self.is_held = False
        self._on_begun: Callable[[], None] | None = None

    def hold(self, on_begun: Callable[[], None]) -> None:
        """Send nothing until `begin` is called; then `on_begun`, once the prologue is sent."""
        self.is_held = True
        self._on_begun = on_begun

    def begin(self, screen: Screen | None, states: Iterable[TerminalState]) -> None:
        """Go on from a screen, or without one from where the viewer wanted to."""
        self.is_held = False
        if screen is not None:
            self.cursor = Cursor(screen.offset, self.cursor.window)
            self.prologue.append(screen)
        self.prologue.extend(states)

    @property
    def has_more(self) -> bool:
        """Whether there is something to send and room for it."""
        if self.is_held or self.prologue:
            return not self.is_held
        waiting = self.output.end - self.cursor.sent
        return waiting > 0 and self.cursor.room >= min(waiting, CRUMB_BYTES)

    @property
    def lag_bytes(self) -> int:
        """How much there is that was not sent yet."""
        return max(0, self.output.end - self.cursor.sent)

    def lag_us(self) -> int | None:
        """How much later than what comes next the newest output was written; 0 when up to date."""
        if not self.lag_bytes:
            return 0
        following = self.output.time_at(self.cursor.sent)
        newest = self.output.time_at(self.output.end - 1)
        return None if following is None or newest is None else max(0, newest - following)

    def next_message(self) -> Output | Gap | Screen | TerminalState | None:
        """The next message, now counted as sent; None when up to date or out of room."""
        if not self.has_more:
            return None
        if self.prologue:
            first = self.prologue.popleft()
            if not self.prologue and self._on_begun is not None:
                self._on_begun()
            return first
        cursor = self.cursor
        room = cursor.room
        message = self.output.read(cursor.sent, min(room, FRAME_BYTES), room)
        if isinstance(message, Output):
            cursor.mark_sent(message.offset + len(message.output))
        elif isinstance(message, Gap):
            cursor.skip_to(message.end)
        return message


class Rotation:
    """Takes the next frame from several subscriptions in turn, so that none starves another."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._subscriptions: dict[str, Subscription] = {}

    def __len__(self) -> int:
        return len(self._subscriptions)

    def task_ids(self) -> tuple[str, ...]:
        """The tasks followed."""
        return tuple(self._subscriptions)

    def subscriptions(self) -> tuple[Subscription, ...]:
        """All of them."""
        return tuple(self._subscriptions.values())

    def add(self, task_id: str, subscription: Subscription) -> None:
        """Follow a task; in place of the subscription there was to it."""
        self._subscriptions[task_id] = subscription

    def get(self, task_id: str) -> Subscription | None:
        """The subscription to a task."""
        return self._subscriptions.get(task_id)

    def remove(self, task_id: str) -> Subscription | None:
        """Stop following a task."""
        return self._subscriptions.pop(task_id, None)

    def next_frame(self) -> bytes | str | None:
        """The next frame of whichever subscription has waited longest; None if none has any."""
        for task_id, subscription in tuple(self._subscriptions.items()):
            message = subscription.next_message()
            if message is None:
                continue
            # To the back of the queue: dictionaries keep the order of insertion.
            del self._subscriptions[task_id]
            self._subscriptions[task_id] = subscription
            if isinstance(message, Output) and not self._codec.json:
                return subscription.output.frame(message, self._codec.encode_binary)
            return self._codec.encode(message)
        return None
