"""Liveness that proves both directions (design rule 10). Pure: `now` is monotonic seconds.

Each side sends a probe every interval and answers the other's at once. The peer is dead when
nothing at all has arrived for the silence limit *and* a probe went unanswered meanwhile: so a link
that broke is found within the silence limit, whenever in an interval it broke, and a peer that
stood still for less than the silence limit without an interval is not given up.
"""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

from arborlink.protocol import limits
from arborlink.protocol.errors import PeerSilent
from arborlink.protocol.messages import Heartbeat

MICROSECONDS = 1_000_000
# Between the suspicion that the peer is dead and the verdict, whatever lies unread is read.
LAST_LOOK_SECONDS = 0.25


class Liveness(NamedTuple):
    """How often each side probes, and after how much silence the other is dead, in seconds."""

    interval: float = limits.HEARTBEAT_SECONDS
    silence: float = limits.SILENCE_SECONDS


def announced(wire: limits.WireLimits) -> Liveness:
    """Return what a hub announces, within the bounds that a peer obeys."""
    interval = _within(
        wire.heartbeat_seconds,
        limits.HEARTBEAT_MIN_SECONDS,
        limits.HEARTBEAT_MAX_SECONDS,
        limits.HEARTBEAT_SECONDS,
    )
    silence = _within(
        wire.silence_seconds,
        limits.SILENCE_MIN_SECONDS,
        limits.SILENCE_MAX_SECONDS,
        limits.SILENCE_SECONDS,
    )
    return Liveness(interval, max(silence, limits.SILENCE_MIN_HEARTBEATS * interval))


def _within(seconds: float, least: float, most: float, default: float) -> float:
    return min(most, max(least, seconds)) if isfinite(seconds) else default


class HeartbeatMachine:
    """One side's probes and its view of the peer. `round_trip` is in seconds, None until known."""

    def __init__(
        self,
        now: float,
        liveness: Liveness = Liveness(),  # noqa: B008 - a tuple
    ) -> None:
        self.round_trip: float | None = None
        self.liveness = liveness
        self._interval, self._silence = liveness
        self._next_probe = now + liveness.interval
        self._unanswered_since: float | None = None
        self._last_heard = now
        self._verdict_at: float | None = None

    @property
    def last_heard(self) -> float:
        """When anything last arrived from the peer."""
        return self._last_heard

    def heard(self, now: float) -> None:
        """Note that a message of any kind has arrived."""
        self._last_heard = now
        self._verdict_at = None

    def receive(self, message: Heartbeat, now: float) -> Heartbeat | None:
        """Return the answer to a probe; None for an answer, which is not answered."""
        self.heard(now)
        if message.echo is None:
            return Heartbeat(sent_at=_ticks(now), echo=message.sent_at)
        elapsed = now - message.echo / MICROSECONDS
        # An echo of a probe that was never sent proves nothing, and is no round trip.
        if 0 <= elapsed <= self._silence:
            self.round_trip = elapsed
            self._unanswered_since = None
        return None

    def round_trip_at(self, now: float) -> float | None:
        """Return the last round trip, or how long an answer is overdue by now if that is longer."""
        since = self._unanswered_since
        if since is None or self.round_trip is None:
            return self.round_trip
        return max(self.round_trip, now - since)

    def next_deadline(self) -> float:
        """Return when `on_deadline` is due."""
        if self._verdict_at is not None:
            return min(self._next_probe, self._verdict_at)
        if self._unanswered_since is None:
            return self._next_probe
        return min(self._next_probe, self._suspicion())

    def on_deadline(self, now: float) -> Heartbeat | None:
        """Return a probe to send, if one is due.

        Raises:
            PeerSilent: the peer is dead.
        """
        late = now - self.next_deadline()
        if late < 0:
            return None
        if late > self._interval:
            # This process stood still (SIGSTOP, a blocked loop, a sleeping laptop): what
            # the peer sent meanwhile has not been read yet, so its silence proves nothing.
            self._unanswered_since = None
            self.heard(now)
        else:
            self._judge(now)
        if now < self._next_probe and self._unanswered_since is not None:
            return None
        self._next_probe = now + self._interval
        if self._unanswered_since is None:
            self._unanswered_since = now
        return Heartbeat(sent_at=_ticks(now))

    def _judge(self, now: float) -> None:
        since = self._unanswered_since
        if self._verdict_at is not None:
            if now >= self._verdict_at:
                raise PeerSilent(
                    f"no answer to a heartbeat and nothing else for {self._silence:g} seconds"
                )
        elif since is not None and now >= self._suspicion():
            # This process may have stood still for less than an interval: read once more first.
            self._verdict_at = now + LAST_LOOK_SECONDS

    def _suspicion(self) -> float:
        return self._last_heard + self._silence - LAST_LOOK_SECONDS


def _ticks(now: float) -> int:
    return round(now * MICROSECONDS)
