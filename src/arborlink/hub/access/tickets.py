"""Tickets for a browser's first WebSocket message: in memory, used once, for half a minute."""

from __future__ import annotations

from typing import Final, NamedTuple

from arborlink.hub.access.credentials import hash_secret, make_secret
from arborlink.hub.access.environment import Environment
from arborlink.hub.access.identity import Identity
from arborlink.protocol.errors import Unavailable

TICKET_SECONDS: Final = 30.0
MAX_TICKETS: Final = 10_000


class Ticket(NamedTuple):
    """`expires_at` is in µs since 1970."""

    ticket: str
    expires_at: int


class _Issued(NamedTuple):
    identity: Identity
    deadline: float


class Tickets:
    """Each stands for the identity it was issued to."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        # Oldest first, so that those whose time is over are at the front.
        self._issued: dict[bytes, _Issued] = {}

    def issue(self, identity: Identity) -> Ticket:
        """Raises Unavailable when MAX_TICKETS wait to be used."""
        now = self._environment.monotonic()
        self._forget_expired(now)
        if len(self._issued) >= MAX_TICKETS:
            raise Unavailable(
                "Too many tickets are waiting to be used. Try again in 30 s.",
                retry_after=TICKET_SECONDS,
            )
        ticket = make_secret("k", self._environment.random_bytes)
        self._issued[hash_secret(ticket)] = _Issued(identity, now + TICKET_SECONDS)
        return Ticket(ticket, self._environment.after(TICKET_SECONDS))

    def take(self, ticket: str) -> Identity | None:
        """Whose ticket this is; it is used up by this."""
        issued = self._issued.pop(hash_secret(ticket), None)
        if issued is None or issued.deadline <= self._environment.monotonic():
            return None
        return issued.identity

    def revoke(self, subject_id: str) -> None:
        """Forget the tickets of a token, session or user."""
        self._issued = {
            key: issued
            for key, issued in self._issued.items()
            if subject_id not in (issued.identity.token_id, issued.identity.user_id)
        }

    def _forget_expired(self, now: float) -> None:
        for key, issued in tuple(self._issued.items()):
            if issued.deadline > now:
                break
            del self._issued[key]
