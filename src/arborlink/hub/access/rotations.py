"""Another token for a daemon that works: offered over its own connection, confirmed by it, and
only then is the one before worth nothing.

Whatever breaks in between, the daemon holds a token that is good: what it was offered is as good
as what it has until one of the two is settled. A daemon that is away is offered one when it comes.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from arborlink.hub.access.credentials import hash_secret, make_secret
from arborlink.hub.access.enrolments import Enrolments
from arborlink.hub.access.environment import SECOND_US, Environment
from arborlink.hub.access.identity import Identity
from arborlink.hub.store.base import Store
from arborlink.hub.store.base_access import DaemonRow, OfferedTokenRow

# For so long an offer is good beside the token that the daemon has. One that is not taken up by
# then is void; the daemon keeps what it has, and is offered another one when it comes back.
OVERLAP_SECONDS: Final = 86_400.0
# A daemon that does not know about rotation is offered one whenever it comes.
MAX_OFFERS: Final = 8


class Offer(NamedTuple):
    """A token that a daemon may have; `rotation_id` names it without telling it."""

    rotation_id: str
    auth_token: str


class Rotations:
    """Asked for by people, settled by daemons."""

    def __init__(self, store: Store, environment: Environment, enrolments: Enrolments) -> None:
        self._store = store
        self._environment = environment
        self._enrolments = enrolments

    async def request(self, identity: Identity, daemon_id: str) -> DaemonRow:
        """The daemon is to have another token. Raises NotFound, NotAllowed."""
        row = self._enrolments.daemon(identity, daemon_id)
        identity.require("daemons:write", row.workspace_id)
        return await self._store.request_rotation(row.id, self._environment.unix_us())

    async def offer(self, daemon_id: str) -> Offer | None:
        """A token for a daemon that is to have another one; None for any other."""
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
        """As `Enrolments.authenticate`; who comes with a token that was offered has taken it."""
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
        """The daemon has stored what it was offered: nothing else of it is good from now on.

        False: there is no such offer, any more.
        """
        return await self._store.settle_rotation(
            daemon_id, rotation_id, self._environment.unix_us(), since=self._oldest_us()
        )

    def _oldest_us(self) -> int:
        return self._environment.unix_us() - round(OVERLAP_SECONDS * SECOND_US)
