"""A pipe for messages between two machines in one process, which fails as it is told to.

It has no randomness, no clock and no tasks: a test (or Hypothesis) chooses every step, so that any
history can be replayed.
"""

from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Generic, TypeVar

M = TypeVar("M")


@dataclass
class Direction(Generic[M]):
    """What is in flight one way, the oldest first."""

    in_flight: deque[M] = field(default_factory=deque)
    delayed: deque[M] = field(default_factory=deque)
    arrived: list[M] = field(default_factory=list)

    def send(self, message: M) -> None:
        """Put a message on the way; it arrives when `deliver` says so."""
        self.in_flight.append(message)

    def deliver(self, count: int = 1) -> int:
        """Let up to so many messages arrive, in order; returns how many did."""
        count = min(count, len(self.in_flight))
        for _ in range(count):
            self.arrived.append(self.in_flight.popleft())
        return count

    def delay(self) -> bool:
        """Set the oldest message aside until `release`: later ones overtake it."""
        if self.in_flight:
            self.delayed.append(self.in_flight.popleft())
            return True
        return False

    def release(self) -> int:
        """Put the delayed messages back on the way, behind the others; returns how many."""
        count = len(self.delayed)
        self.in_flight.extend(self.delayed)
        self.delayed.clear()
        return count

    def duplicate(self) -> bool:
        """Let the oldest message arrive now and once more later."""
        if self.in_flight:
            self.arrived.append(self.in_flight[0])
            return True
        return False

    def receive(self) -> list[M]:
        """Return what has arrived since the last call."""
        arrived, self.arrived = self.arrived, []
        return arrived

    def clear(self) -> int:
        """Lose everything that is on the way; returns how many messages."""
        lost = len(self.in_flight) + len(self.delayed)
        self.in_flight.clear()
        self.delayed.clear()
        return lost


class FlakyTransport(Generic[M]):
    """Two directions between the ends "left" and "right", and a cut that both ends notice.

    A cut loses what is in flight but not what has arrived. Until `reconnect`, nothing can be sent:
    `send` returns False, as a closed socket would. `cuts_seen` of an end counts the cuts that it
    was told about: it is told when it receives.

    Attributes:
        to_right: the messages from left to right.
        to_left: the messages from right to left.
        cuts: how often the pipe was cut.
    """

    def __init__(self) -> None:
        self.to_right: Direction[M] = Direction()
        self.to_left: Direction[M] = Direction()
        self.connected = True
        self.cuts = 0
        self._told = {"left": 0, "right": 0}

    def send_right(self, message: M) -> bool:
        """Send from left to right; False while the pipe is cut."""
        if self.connected:
            self.to_right.send(message)
        return self.connected

    def send_left(self, message: M) -> bool:
        """Send from right to left; False while the pipe is cut."""
        if self.connected:
            self.to_left.send(message)
        return self.connected

    def cut(self) -> int:
        """Break the pipe: what is in flight is lost; returns how many messages."""
        if self.connected:
            self.connected = False
            self.cuts += 1
        return self.to_right.clear() + self.to_left.clear()

    def reconnect(self) -> None:
        """Let messages pass again; what arrived before and was not received is forgotten."""
        self.to_right.receive()
        self.to_left.receive()
        self.connected = True

    def left_was_cut(self) -> bool:
        """Whether there was a cut since the left end last asked."""
        return self._was_cut("left")

    def right_was_cut(self) -> bool:
        """Whether there was a cut since the right end last asked."""
        return self._was_cut("right")

    def step(self, chance: Random) -> str:
        """Do one random thing to the messages in flight and return its name.

        Delivering is as likely as everything else together, so that a conversation gets somewhere.
        """
        direction = chance.choice((self.to_right, self.to_left))
        name = chance.choice(("deliver", "deliver", "deliver", "duplicate", "delay", "release"))
        if name == "deliver":
            direction.deliver()
        elif name == "duplicate":
            direction.duplicate()
        elif name == "delay":
            direction.delay()
        else:
            direction.release()
        return name

    def _was_cut(self, end: str) -> bool:
        was_cut = self._told[end] < self.cuts
        self._told[end] = self.cuts
        return was_cut
