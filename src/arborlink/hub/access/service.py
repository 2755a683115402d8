"""The parts of access control, composed for routes and sockets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

import argon2
from msgspec import structs

from arborlink.hub.access.accounts import Accounts
from arborlink.hub.access.acquaintances import Acquaintances
from arborlink.hub.access.browsers import Browsers, NewLink
from arborlink.hub.access.budgets import Budgets
from arborlink.hub.access.confirmations import Confirmations
from arborlink.hub.access.devices import Devices
from arborlink.hub.access.enrolments import Enrolments
from arborlink.hub.access.environment import Environment
from arborlink.hub.access.identity import Identity
from arborlink.hub.access.listeners import Listeners
from arborlink.hub.access.open_requests import OpenRequests
from arborlink.hub.access.passwords import CONCURRENT_HASHES, Passwords, own_hasher
from arborlink.hub.access.rotations import Rotations
from arborlink.hub.access.sign_in_queue import SignInQueue
from arborlink.hub.access.steady_clock import SteadyClock
from arborlink.hub.access.tickets import Ticket, Tickets
from arborlink.hub.access.users import Users
from arborlink.hub.access.visibility import Visibility
from arborlink.hub.descriptors import Division, divide, limit
from arborlink.hub.settings import HubSettings
from arborlink.hub.store.base import Removed, RemovedKind, Store
from arborlink.hub.store.base_access import DaemonRow, TokenRow, UserRow
from arborlink.protocol.errors import NotAuthenticated, Unavailable
from arborlink.protocol.limits import MAX_TOKEN_CHARS
from arborlink.protocol.resources import Scope

MINUTE_SECONDS: Final = 60.0
# Of what a store deletes, the kinds that authenticate a principal.
CREDENTIALS: Final[frozenset[RemovedKind]] = frozenset({"user", "token", "session", "daemon"})
# A smaller difference is corrected by any machine that synchronizes its clock.
CLOCK_TOLERANCE_SECONDS: Final = 60.0

log = logging.getLogger(__name__)


class Access:
    """One per hub. A credential that was revoked stops working before the revocation returns.

    `budgets`: how much each credential, user and network may ask for. `division`: how the process's
    descriptors are divided, if not as its limit says.
    """

    def __init__(
        self,
        store: Store,
        settings: HubSettings,
        environment: Environment | None = None,
        *,
        hasher: argon2.PasswordHasher | None = None,
        division: Division | None = None,
    ) -> None:
        machine = environment or Environment()
        self._clock = SteadyClock(machine.unix_us, machine.monotonic, store.latest_time())
        self.environment = structs.replace(machine, unix_us=self._clock)
        self.settings = settings
        self.visibility = Visibility(store)
        self.open_requests = OpenRequests(self.environment)
        self._revoked, self._changed = Listeners(), Listeners()
        self.budgets = Budgets(
            settings, self.environment.monotonic, division or divide(limit(), settings)
        )
        queue = SignInQueue(at_once=CONCURRENT_HASHES, accounts=self.budgets.accounts)
        passwords = Passwords(hasher or own_hasher(), queue)
        self.accounts = Accounts(store, self.environment, tokens_per_user=settings.tokens_per_user)
        self.browsers = Browsers(store, self.environment, passwords, settings)
        self.confirmations = Confirmations(
            self.browsers, self.environment, self._changed, seconds=settings.confirmation_seconds
        )
        self.users = Users(
            store,
            self.environment,
            passwords,
            self.open_requests,
            self.confirmations,
            self._changed,
        )
        self.devices = Devices(self.accounts, self.environment, self.confirmations)
        self.enrolments = Enrolments(
            store,
            self.environment,
            self.visibility,
            codes_per_user=settings.enrollment_codes_per_user,
        )
        self.rotations = Rotations(store, self.environment, self.enrolments)
        self._store = store
        self._tickets = Tickets(self.environment, per_user=settings.tickets_per_user)
        for listener in (self._tickets.revoke, self.devices.revoke):
            self._revoked.add(listener)
            self._changed.add(listener)
        store.on_removed(self._on_removed)
        store.on_removed(self.open_requests.removed)
        self._changed.add(self.open_requests.changed)
        self.acquaintances = Acquaintances(self.environment.random_bytes)
        self._revoked.add(self.acquaintances.forget)

    async def bootstrap(self, token: str | None) -> UserRow:
        """Create the owner's account if needed: see `Accounts.bootstrap`. Raises InvalidInput."""
        self.acquaintances.key = await self._store.browser_mark_key(self.acquaintances.key)
        return await self.accounts.bootstrap(token, self.settings.owner_name)

    def warn_of_slow_clock(self) -> None:
        """Log when this machine's clock is behind the time up to which the hub has worked."""
        behind = self._clock.behind_seconds()
        if behind > CLOCK_TOLERANCE_SECONDS:
            log.warning(
                "this machine's clock is %.0f s behind the latest time at which this hub worked; "
                "credentials end as if it had not been set back. `arbor doctor` compares clocks",
                behind,
            )

    async def keep_time(self) -> None:
        """Store the time every minute until cancelled, and once more then: what has expired stays
        so when this machine's clock is behind at the next start."""
        self.warn_of_slow_clock()
        try:
            while True:
                await asyncio.sleep(MINUTE_SECONDS)
                try:
                    await self.note_time()
                except Unavailable as error:
                    log.error("the time could not be stored: %s", error)
        finally:
            with contextlib.suppress(Unavailable):
                await self.note_time()

    async def note_time(self) -> None:
        """Store the time, which is never before the one that was stored. Raises Unavailable."""
        await self._store.note_time(self.environment.unix_us())

    async def create_link(self, identity: Identity) -> NewLink:
        """Create a link that signs its bearer in as the same user, once.

        Raises:
            NotAllowed: the credential does not permit it, or a session is to be confirmed (code
                `confirmation_needed`).
            NotFound: the API token that creates it was revoked just now.
        """
        identity.require_everywhere("admin")
        self.confirmations.require(identity)
        return await self.browsers.create_link(identity.user_id, identity)

    async def create_sign_in_link(self, user_id: str | None = None) -> NewLink:
        """Create a link for this user, or the owner. It belongs to the account.

        Raises NotAuthenticated without one.
        """
        owner = self._store.owner() if user_id is None else self._store.user(user_id)
        if owner is None:
            raise NotAuthenticated("There is no such account.")
        return await self.browsers.create_link(owner.id)

    # ── authentication ───────────────────────────────────────────────────────────────────────

    def authenticate_token(self, secret: str) -> Identity:
        """Return the principal of an API token. Raises NotAuthenticated."""
        identity = None
        if 0 < len(secret) <= MAX_TOKEN_CHARS:
            identity = self.accounts.authenticate_token(secret)
        if identity is None:
            raise NotAuthenticated("This token is unknown, expired or revoked. Sign in again.")
        return identity

    def authenticate_session(self, secret: str, *, only_older: bool = False) -> Identity:
        """Return the owner of a session cookie; `only_older` as that of `Browsers.authenticate`.

        Raises NotAuthenticated.
        """
        identity = None
        if 0 < len(secret) <= MAX_TOKEN_CHARS:
            identity = self.browsers.authenticate(secret, only_older=only_older)
        if identity is None:
            raise NotAuthenticated("This session is over. Sign in again.")
        return identity

    async def authenticate_viewer(self, secret: str) -> Identity:
        """Return the principal of an API token or ticket (used up). Raises NotAuthenticated."""
        ticket = self._tickets.take(secret)
        return self.authenticate_token(secret) if ticket is None else ticket

    async def authenticate_daemon(
        self, daemon_id: str, auth_token: str, workspace_id: str
    ) -> Identity:
        """Return the identity of a daemon. Raises as `Enrolments.authenticate`."""
        return await self.rotations.authenticate(daemon_id, auth_token, workspace_id)

    def issue_ticket(self, identity: Identity) -> Ticket:
        """Return a ticket for one WebSocket. Raises as `Tickets.issue`."""
        return self._tickets.issue(identity)

    def recognise(self, username: str, address: str, mark: str | None) -> str | None:
        """Return the name under which a sign-in from a known browser or network is counted.

        None: neither is known, or there is no such account. See `Acquaintances.recognise`.
        """
        user = self._store.user_by_name(username)
        return None if user is None else self.acquaintances.recognise(user.id, address, mark)

    # ── revocation ───────────────────────────────────────────────────────────────────────────

    def on_revoked(self, callback: Callable[[str], object]) -> None:
        """Add a callback for the id of every token, session, daemon or user that is deleted."""
        self._revoked.add(callback)

    def on_changed(self, callback: Callable[[str], object]) -> None:
        """Add a callback for the id of every user whose role or name was changed."""
        self._changed.add(callback)

    async def create_token(
        self,
        identity: Identity,
        name: str,
        scopes: list[Scope],
        *,
        workspace_id: str | None = None,
        seconds: float | None = None,
    ) -> tuple[TokenRow, str]:
        """Create an API token of the same user; return its secret too.

        Raises:
            NotFound, NotAllowed, Conflict: as `Accounts.create_token`; NotAllowed also for a
                session that is to be confirmed (code `confirmation_needed`).
        """
        if workspace_id is not None:
            self.visibility.workspace(identity, workspace_id)
        identity.require("admin", workspace_id)
        self.confirmations.require(identity)
        return await self.accounts.create_token(
            identity, name, scopes, workspace_id=workspace_id, seconds=seconds
        )

    async def revoke_token(self, identity: Identity, token_id: str) -> None:
        """End a token, and what was made with it. Raises NotFound when it is not this user's,
        NotAllowed."""
        if token_id != identity.token_id:
            identity.require_everywhere("admin")
        await self._store.delete_token(token_id, identity.user_id)

    async def sign_out(self, identity: Identity) -> None:
        """End the session that this identity came from."""
        if identity.kind == "session" and identity.token_id is not None:
            await self._store.delete_session(identity.token_id)

    async def end_replaced_session(self, secret: str) -> None:
        """End the session whose cookie a browser sent when it signed in again."""
        if 0 < len(secret) <= MAX_TOKEN_CHARS:
            await self.browsers.end_replaced(secret)

    async def end_session(self, identity: Identity, session_id: str) -> None:
        """End one of this user's sessions. Raises NotFound, NotAllowed."""
        await self.browsers.end(identity, session_id)

    async def sign_out_everywhere(self, identity: Identity) -> None:
        """End all sessions of this user; API tokens stay. Raises NotAllowed."""
        await self.browsers.end_all(identity)

    async def remove_daemon(
        self, identity: Identity, daemon_id: str, address: str | None = None
    ) -> DaemonRow:
        """Remove a daemon. Raises NotFound, NotAllowed."""
        return await self.enrolments.remove(identity, daemon_id, address)

    def _on_removed(self, removed: Removed) -> None:
        # Whatever the cause: a request, the deletion of its workspace or user, or its age.
        if removed.kind in CREDENTIALS:
            self._revoked.tell(removed.id)
