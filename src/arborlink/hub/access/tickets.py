"""Tickets for a browser's first WebSocket message: in memory, used once, for half a minute."""

from __future__ import annotations

from typing import Final, NamedTuple

from arborlink.hub.access.credentials import hash_secret, make_secret
from arborlink.hub.access.environment import Environment
from arborlink.hub.access.identity import Identity
from arborlink.hub.access.places import Limits, Places

TICKET_SECONDS: Final = 30.0
MAX_TICKETS: Final = 10_000
# The limit of a user, as a multiple of the limit of a token or browser.
TOKENS_PER_USER: Final = 4


class Ticket(NamedTuple):
    """`expires_at` is in µs since 1970."""

    ticket: str
    expires_at: int


class _Issued(NamedTuple):
    identity: Identity
    deadline: float


class Tickets:
    """Tickets that wait to be used, each with the identity it was issued to."""

    def __init__(self, environment: Environment, *, per_user: int) -> None:
        self._environment = environment
        self._places = Places(
            "tickets that were not used",
            Limits(max(1, per_user // TOKENS_PER_USER), per_user, MAX_TICKETS),
            code="too_many_tickets",
        )
        # Oldest first: expired ones are at the front.
        self._issued: dict[bytes, _Issued] = {}

    def issue(self, identity: Identity) -> Ticket:
        """Make a ticket.

        Raises:
            TooManyRequests: too many of this credential or user wait to be used.
            Unavailable: too many of all users wait.
        """
        now = self._environment.monotonic()
        self._forget_expired(now)
        full = self._places.acquire(identity)
        if full is not None:
            raise self._places.refusal(full)
        ticket = make_secret("k", self._environment.random_bytes)
        self._issued[hash_secret(ticket)] = _Issued(identity, now + TICKET_SECONDS)
        return Ticket(ticket, self._environment.after(TICKET_SECONDS))

    def take(self, ticket: str) -> Identity | None:
        """Use a ticket up, and return its identity."""
        issued = self._forget(hash_secret(ticket))
        if issued is None or issued.deadline <= self._environment.monotonic():
            return None
        return issued.identity

    def revoke(self, subject_id: str) -> None:
        """Remove the tickets of a token, session or user."""
        for key, issued in tuple(self._issued.items()):
            if subject_id in (issued.identity.token_id, issued.identity.user_id):
                self._forget(key)

    def _forget(self, key: bytes) -> _Issued | None:
        issued = self._issued.pop(key, None)
        if issued is not None:
            self._places.release(issued.identity)
        return issued

    def _forget_expired(self, now: float) -> None:
        for key, issued in tuple(self._issued.items()):
            if issued.deadline > now:
                break
            self._forget(key)
