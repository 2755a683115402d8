"""Replaces the token of a connected daemon: the hub offers a new one over the daemon's connection,
and the former one becomes invalid when the daemon confirms.

Both tokens are valid until the daemon confirms or the offer expires, so a failure in between leaves
the daemon with a valid token. A daemon that is away gets its offer when it connects.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from arborlink.hub.access.credentials import hash_secret, make_secret
from arborlink.hub.access.enrolments import Enrolments
from arborlink.hub.access.environment import SECOND_US, Environment
from arborlink.hub.access.identity import Identity
from arborlink.hub.store.base import Store
from arborlink.hub.store.base_access import DaemonRow, OfferedTokenRow

# How long an offer is valid beside the daemon's token. After that the daemon keeps its token, and
# gets another offer when it connects again.
OVERLAP_SECONDS: Final = 86_400.0
# Offers kept: a daemon of a release without rotation gets one at each connection.
MAX_OFFERS: Final = 8


class Offer(NamedTuple):
    """An offered token; `rotation_id` names it without containing it."""

    rotation_id: str
    auth_token: str


class Rotations:
    """Rotations of daemons' tokens: requested by users, confirmed by daemons."""

    def __init__(self, store: Store, environment: Environment, enrolments: Enrolments) -> None:
        self._store = store
        self._environment = environment
        self._enrolments = enrolments

    async def request(self, identity: Identity, daemon_id: str) -> DaemonRow:
        """Request another token for a daemon. Raises NotFound, NotAllowed."""
        row = self._enrolments.daemon(identity, daemon_id)
        identity.require("daemons:write", row.workspace_id)
        return await self._store.request_rotation(row.id, self._environment.unix_us())

    async def offer(self, daemon_id: str) -> Offer | None:
        """Return the offer for a daemon whose token is to be replaced; None for others."""
        row = self._store.daemon(daemon_id)
        if row is None or row.rotation_requested_at is None:
            return None
        offer = Offer(
            self._environment.new_id("rot"), make_secret("d", self._environment.random_bytes)
        )
        await self._store.offer_token(
            OfferedTokenRow(
                rotation_id=offer.rotation_id,
                daemon_id=daemon_id,
                token_hash=hash_secret(offer.auth_token),
                offered_at=self._environment.unix_us(),
            ),
            since=self._oldest_us(),
            kept=MAX_OFFERS - 1,
        )
        return offer

    async def authenticate(self, daemon_id: str, auth_token: str, workspace_id: str) -> Identity:
        """Authenticate a daemon; the use of an offered token confirms it.

        Raises: as `Enrolments.authenticate`.
        """
        token_hash = hash_secret(auth_token)
        offered = self._store.offered_token(token_hash)
        is_good = offered is not None and offered.offered_at > self._oldest_us()
        row = self._store.daemon(offered.daemon_id) if offered is not None and is_good else None
        if offered is None or row is None:
            return self._enrolments.authenticate(daemon_id, auth_token, workspace_id)
        identity = self._enrolments.identity(row, daemon_id, workspace_id)
        await self.settle(daemon_id, offered.rotation_id)
        return identity

    async def settle(self, daemon_id: str, rotation_id: str) -> bool:
        """Settle an offer that the daemon has stored: its other tokens become invalid.

        Returns False if there is no such offer, or not any more.
        """
        return await self._store.settle_rotation(
            daemon_id, rotation_id, self._environment.unix_us(), since=self._oldest_us()
        )

    def _oldest_us(self) -> int:
        return self._environment.unix_us() - round(OVERLAP_SECONDS * SECOND_US)
