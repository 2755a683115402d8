"""Daemons: the codes that admit them, their tokens, and their removal."""

from __future__ import annotations

import hmac
import logging
from typing import Final, NamedTuple

from arborlink.hub.access.credentials import hash_secret, make_code, make_secret, normal_code
from arborlink.hub.access.environment import Environment
from arborlink.hub.access.identity import Identity
from arborlink.hub.access.visibility import Visibility
from arborlink.hub.store.base import Store
from arborlink.hub.store.base_access import DaemonChange, DaemonRow, EnrolmentRow
from arborlink.protocol.errors import NotAllowed, NotAuthenticated, NotFound
from arborlink.protocol.resources import DaemonChangeKind

ENROLMENT_SECONDS: Final = 600.0

log = logging.getLogger(__name__)


class Enrolled(NamedTuple):
    """A daemon that was just admitted; its token is shown this once."""

    workspace_id: str
    daemon_id: str
    auth_token: str


class NewCode(NamedTuple):
    """`expires_at` is in µs since 1970."""

    code: str
    expires_at: int


class Enrolments:
    """Codes, each for one daemon in one workspace, and the daemons that they admit."""

    def __init__(
        self,
        store: Store,
        environment: Environment,
        visibility: Visibility,
        *,
        codes_per_user: int,
    ) -> None:
        self._store = store
        self._codes_per_user = codes_per_user
        self._environment = environment
        self._visibility = visibility

    async def create_code(self, identity: Identity, workspace_id: str) -> NewCode:
        """Create a code for this workspace, which ends with the API token that creates it.

        With `workspaces:write` alone the workspace must never have had a daemon or a task: a daemon
        that takes the place of another would receive what was meant for that one.

        Raises:
            NotFound: no such workspace, or the API token was revoked just now.
            NotAllowed: the credential does not permit it.
            TooManyRequests: too many of this user were not used yet (code
                `too_many_enrollment_codes`).
        """
        workspace = self._visibility.workspace(identity, workspace_id)
        first_only = not identity.has("daemons:write")
        is_enough = first_only and self._store.is_untouched(workspace.id)
        identity.require("workspaces:write" if is_enough else "daemons:write", workspace.id)
        code = make_code(self._environment.random_bytes)
        expires_at = self._environment.after(ENROLMENT_SECONDS)
        expires_at = identity.end_of(expires_at) or expires_at
        row = EnrolmentRow(
            code_hash=hash_secret(code),
            workspace_id=workspace.id,
            created_by=identity.user_id,
            expires_at=expires_at,
            made_by=identity.maker_id,
            first_only=first_only,
        )
        await self._store.add_enrolment(
            row, self._environment.unix_us(), limit=self._codes_per_user
        )
        return NewCode(code, expires_at)

    async def redeem(self, code: str, address: str | None = None) -> Enrolled:
        """Create the daemon that the code is for; the code is the only proof that is needed.

        `address`: where the request came from, for the workspace's owner to see.

        Raises:
            NotFound: unknown, used up, too old, or not good for this workspace any more.
            WorkspaceTaken: the workspace has a daemon; the code stays good.
        """
        token = make_secret("d", self._environment.random_bytes)
        daemon = await self._store.redeem_enrolment(
            hash_secret(normal_code(code)),
            self._environment.new_id("dmn"),
            hash_secret(token),
            self._environment.unix_us(),
            address,
        )
        log.info(
            "daemon %s was enrolled in workspace %s from %s",
            daemon.id,
            daemon.workspace_id,
            address or "an unknown address",
            extra={"workspace": daemon.workspace_id, "user": daemon.created_by},
        )
        return Enrolled(daemon.workspace_id, daemon.id, token)

    def daemon(self, identity: Identity, daemon_id: str) -> DaemonRow:
        """Return a daemon that the principal may see. Raises NotFound."""
        row = self._store.daemon(daemon_id)
        workspace = None if row is None else self._store.workspace(row.workspace_id)
        # A principal that may not see the workspace gets the same answer as for an unknown id.
        if row is None or workspace is None or not self._visibility.may_see(identity, workspace):
            raise NotFound("There is no such daemon, or not for you.", ref=daemon_id[:64])
        return row

    async def remove(
        self, identity: Identity, daemon_id: str, address: str | None = None
    ) -> DaemonRow:
        """Remove a daemon; its token is invalid at once. Raises NotFound, NotAllowed."""
        row = self.daemon(identity, daemon_id)
        identity.require("daemons:write", row.workspace_id)
        change = self._change("removed", identity, row, address)
        return await self._store.delete_daemon(daemon_id, change)

    async def release(
        self, identity: Identity, daemon_id: str, address: str | None = None
    ) -> DaemonRow:
        """End a daemon's quarantine. Raises NotFound, NotAllowed."""
        row = self.daemon(identity, daemon_id)
        identity.require("daemons:write", row.workspace_id)
        change = self._change("released", identity, row, address)
        await self._store.release_daemon(row.workspace_id, change)
        return row

    def _change(
        self, what: DaemonChangeKind, identity: Identity, row: DaemonRow, address: str | None
    ) -> DaemonChange:
        log.info(
            "daemon %s of workspace %s was %s",
            row.id,
            row.workspace_id,
            what,
            extra={"workspace": row.workspace_id, "user": identity.user_id, "address": address},
        )
        return DaemonChange(
            what=what,
            at=self._environment.unix_us(),
            user=identity.username,
            token=identity.token_name,
            address=address,
        )

    def authenticate(self, daemon_id: str, auth_token: str, workspace_id: str) -> Identity:
        """Return the identity of the daemon with this token.

        Raises:
            NotAuthenticated: the token is wrong.
            NotAllowed: the token belongs to another daemon.
        """
        token_hash = hash_secret(auth_token)
        row = self._store.daemon_by_hash(token_hash)
        if row is None or not hmac.compare_digest(row.token_hash, token_hash):
            raise NotAuthenticated(
                "This daemon's token is unknown or was revoked. Enrol the folder again with a "
                "new code."
            )
        return self.identity(row, daemon_id, workspace_id)

    @staticmethod
    def identity(row: DaemonRow, daemon_id: str, workspace_id: str) -> Identity:
        """Return the identity of the authenticated daemon `row`.

        Raises:
            NotAllowed: it names another daemon or workspace.
        """
        if row.id != daemon_id or row.workspace_id != workspace_id:
            raise NotAllowed(
                "This token belongs to another daemon or workspace. Look at the identity file in "
                "the daemon's state folder, or enrol again."
            )
        return Identity(
            user_id=row.created_by,
            username=row.id,
            role="daemon",
            kind="daemon",
            workspace_id=row.workspace_id,
            token_id=row.id,
        )
