"""Accounts: their management, and what each user may change of their own."""

from __future__ import annotations

from arborlink.hub.access.confirmations import Confirmations
from arborlink.hub.access.environment import Environment
from arborlink.hub.access.identity import Identity
from arborlink.hub.access.listeners import Listeners
from arborlink.hub.access.open_requests import OpenRequests
from arborlink.hub.access.passwords import Passwords, signed_in
from arborlink.hub.store.base import Store
from arborlink.hub.store.base_access import RemovedUser, UserRow
from arborlink.protocol.errors import Conflict, NotAllowed, NotFound
from arborlink.protocol.limits import MAX_ID_CHARS
from arborlink.protocol.resources import Role


class Users:
    """Accounts. Owners manage all of them; each user may change their own password.

    `changed` is told of accounts whose rights have changed.
    """

    def __init__(
        self,
        store: Store,
        environment: Environment,
        passwords: Passwords,
        open_requests: OpenRequests,
        confirmations: Confirmations,
        changed: Listeners,
    ) -> None:
        self._store = store
        self._environment = environment
        self._passwords = passwords
        self._open_requests = open_requests
        self._confirmations = confirmations
        self._changed = changed

    def all(self, identity: Identity) -> list[UserRow]:
        """Return all accounts, by name. Raises NotAllowed."""
        identity.require_owner()
        return self._store.users()

    async def create(
        self, identity: Identity, username: str, role: Role, password: str | None
    ) -> UserRow:
        """Create an account.

        Raises:
            NotAllowed: also for a credential with an end (code `credential_ends`), and for a
                session that is to be confirmed (`confirmation_needed`).
            InvalidInput: a password that cannot be used.
            Conflict: the name is taken (code `name_taken`).
        """
        identity.require_owner()
        self._require_may_make(identity)
        password_hash = None
        if password is not None:
            with self._open_requests.open(identity) as opened:
                password_hash = await self._passwords.hash(password, username, identity.user_id)
                opened.check()
        row = UserRow(
            id=self._environment.new_id("usr"),
            username=username,
            role=role,
            created_at=self._environment.unix_us(),
            password_hash=password_hash,
        )
        return await self._store.add_user(row)

    async def change(
        self,
        identity: Identity,
        user_id: str,
        *,
        username: str | None = None,
        role: Role | None = None,
        password: str | None = None,
        current_password: str | None = None,
    ) -> UserRow:
        """Change the given fields. A new password ends the account's other sessions.

        Raises:
            NotAllowed: not an owner, and another account or more than the password is to be
                changed; or the current password is wrong (code `wrong_password`); and as
                `create`, except that the current password confirms a session.
            NotFound: no such account.
            InvalidInput: a password that cannot be used.
            Conflict: the name is taken, or no owner would be left (code `last_owner`).
        """
        identity.require_everywhere("admin")
        own = user_id == identity.user_id
        if not own or username is not None or role is not None:
            identity.require_owner()
        user = self._existing(user_id)
        if password is not None or role is not None:
            is_proven = own and role is None and user.password_hash is not None
            self._require_may_make(identity, is_proven=is_proven)
        password_hash = None
        if password is not None:
            # Hashing waits for a turn; the caller's rights may have been withdrawn meanwhile.
            with self._open_requests.open(identity) as opened:
                if own:
                    await self._prove(user, current_password)
                password_hash = await self._passwords.hash(
                    password, username or user.username, identity.user_id
                )
                opened.check()
        if username is not None or role is not None:
            await self._store.update_user(user_id, username=username, role=role)
            self._changed.tell(user_id)
        if password_hash is not None:
            keep = identity.token_id if own and identity.kind == "session" else None
            await self._store.set_password(user_id, password_hash, keep)
        return self._existing(user_id)

    async def remove(self, identity: Identity, user_id: str) -> RemovedUser:
        """Delete an account, all its credentials, the daemons that it enrolled and those of its
        workspaces. The workspaces pass on to the owner who removes it.

        Raises:
            NotAllowed, NotFound: as always.
            Conflict: one's own account (code `own_account`).
        """
        identity.require_owner()
        if user_id == identity.user_id:
            raise Conflict(
                "This is your own account. Let another owner remove it.", code="own_account"
            )
        return await self._store.delete_user(user_id, identity.user_id, self._environment.unix_us())

    async def set_password(self, user_id: str, password: str) -> None:
        """Set a password without a check of rights. Raises NotFound, InvalidInput."""
        username = self._existing(user_id).username
        password_hash = await self._passwords.hash(password, username, user_id)
        await self._store.set_password(user_id, password_hash)

    def has_password(self, user_id: str) -> bool:
        """Return whether the account has a password."""
        user = self._store.user(user_id)
        return user is not None and user.password_hash is not None

    def _require_may_make(self, identity: Identity, *, is_proven: bool = False) -> None:
        identity.require_lasting()
        if not is_proven:
            self._confirmations.require(identity)

    async def _prove(self, user: UserRow, current_password: str | None) -> None:
        # Access to a browser for a minute must not suffice to take the account over.
        if user.password_hash is None:
            return
        claim = signed_in(user.id)
        if not await self._passwords.verify(user.password_hash, current_password or "", claim):
            raise NotAllowed(
                "The current password is wrong. Without it, ask an owner for another one.",
                code="wrong_password",
            )

    def _existing(self, user_id: str) -> UserRow:
        user = self._store.user(user_id)
        if user is None:
            shown = user_id[:MAX_ID_CHARS]
            raise NotFound(f"There is no user {shown!r}.", ref=shown)
        return user
