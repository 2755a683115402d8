"""How much a viewer may say: what it asks for is counted, and all of it is paced.

Asking too often is answered with an error, and going on with it ends the connection. Acknowledging,
typing and heartbeats are never refused: when there are too many of them the hub reads on later, and
the viewer feels it as a slow line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from arborlink.hub.access.rates import Budget, Rate, too_many
from arborlink.protocol.errors import TooManyRequests
from arborlink.protocol.messages import (
    AnyMessage,
    Heartbeat,
    UnknownMessage,
    Unsubscribe,
    ViewerAck,
    ViewerInput,
)

# Not a demand, or one that only makes less work.
UNCOUNTED: Final = (ViewerAck, Heartbeat, ViewerInput, Unsubscribe)


@dataclass(frozen=True, slots=True)
class ViewerRates:
    """What the settings say of one viewer's connection."""

    requests: Rate
    messages: Rate


@dataclass(frozen=True, slots=True)
class UserBudget:
    """What a user has over all of its connections: each takes one, and returns 0 or the seconds
    until there is one."""

    take_request: Callable[[], float] = lambda: 0.0
    take_message: Callable[[], float] = lambda: 0.0


class Pace:
    """One viewer's state. `asked_at`: when it last wanted something, in monotonic seconds."""

    def __init__(self, rates: ViewerRates, now: float, user: UserBudget = UserBudget()) -> None:
        self.asked_at = now
        self._user = user
        self._requests = Budget(rates.requests)
        self._refusals = Budget(rates.requests)
        self._messages = Budget(rates.messages)

    def delay(self, now: float) -> float:
        """For how many seconds to read nothing more."""
        return self._messages.take(now) or self._user.take_message()

    def refusal(self, message: AnyMessage | UnknownMessage, now: float) -> TooManyRequests | None:
        """Why this message is not looked at; None: it is."""
        if not isinstance(message, ViewerAck | Heartbeat):
            self.asked_at = now
        if isinstance(message, UNCOUNTED):
            return None
        wait = self._requests.take(now) or self._user.take_request()
        return too_many(wait) if wait else None

    def goes_on(self, now: float) -> bool:
        """Whether the viewer was refused too often; to be asked at every refusal."""
        return bool(self._refusals.take(now))
