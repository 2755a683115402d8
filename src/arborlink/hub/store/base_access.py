"""The rest of the relational store: accounts, and whatever proves who somebody is.

Secrets never get here: only their SHA-256. Whether a row has expired is for the caller to judge,
except where a code is used up by reading it. Times are µs since 1970.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from arborlink.protocol.resources import DaemonChangeKind, Role, Scope


class UserRow(Struct, frozen=True, kw_only=True):
    """An account. Without `password_hash` (argon2) it has no password and none is right."""

    id: str
    username: str
    role: Role
    created_at: int
    password_hash: str | None = None


class TokenRow(Struct, frozen=True, kw_only=True):
    """An API token. `prefix` is the part of the secret that may be shown.

    `made_by`: the API token that it was made with, and ends with.
    """

    id: str
    user_id: str
    name: str
    prefix: str
    secret_hash: bytes
    scopes: list[Scope]
    created_at: int
    workspace_id: str | None = None
    expires_at: int | None = None
    last_used_at: int | None = None
    made_by: str | None = None


class SessionRow(Struct, frozen=True, kw_only=True):
    """A browser that is signed in; `user_agent` is what it says of itself.

    Use moves `expires_at` on, but not past `ends_at`. `confirmed_at`: when a password or link last
    proved who uses it; None in a session that is older than this field. `made_by`: the API token
    that made the link which proved it, and `maker_expires_at` when that token expires, which is
    read and never written.
    """

    id: str
    user_id: str
    secret_hash: bytes
    created_at: int
    expires_at: int
    ends_at: int
    last_seen_at: int | None = None
    address: str | None = None
    user_agent: str | None = None
    confirmed_at: int | None = None
    made_by: str | None = None
    maker_expires_at: int | None = None


class SignInLinkRow(Struct, frozen=True, kw_only=True):
    """A link that signs its bearer in, once. `made_by`: the API token that it was made with."""

    code_hash: bytes
    user_id: str
    expires_at: int
    made_by: str | None = None


class UsedLink(Struct, frozen=True, kw_only=True):
    """A sign-in link that was used up: whose it was, and the API token that made it, if one did."""

    user: UserRow
    made_by: str | None = None
    maker_expires_at: int | None = None


class Confirmation(Struct, frozen=True, kw_only=True):
    """A session's user proved again who they are, by a password or a link; fields as those of
    `SessionRow`."""

    session_id: str
    confirmed_at: int
    ends_at: int
    made_by: str | None = None


class EnrolmentRow(Struct, frozen=True, kw_only=True):
    """A code that lets one daemon serve one workspace, once.

    `made_by`: the API token that it was made with. `first_only`: only a workspace's first daemon.
    """

    code_hash: bytes
    workspace_id: str
    created_by: str
    expires_at: int
    made_by: str | None = None
    first_only: bool = False


class RemovedUser(Struct, frozen=True, kw_only=True):
    """What removing an account did: `passed_on` are the ids of workspaces that have another owner,
    `unserved` of those whose daemon was removed."""

    passed_on: list[str]
    unserved: list[str]


class DaemonRow(Struct, frozen=True, kw_only=True):
    """A daemon's identity; what it said about its machine is in the workspace's row."""

    id: str
    workspace_id: str
    token_hash: bytes
    created_by: str
    created_at: int
    rotation_requested_at: int | None = None
    token_rotated_at: int | None = None


class DaemonChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What last happened to a workspace's daemon: by whom, with which API token (its name), from
    which address, and because which account was removed. `at` is in µs since 1970."""

    what: DaemonChangeKind
    at: int
    user: str
    token: str | None = None
    address: str | None = None
    removed_account: str | None = None


class OfferedTokenRow(Struct, frozen=True, kw_only=True):
    """A token that a daemon may have in place of its own."""

    rotation_id: str
    daemon_id: str
    token_hash: bytes
    offered_at: int


class AccountStore(Protocol):
    """Accounts, API tokens and browser sessions."""

    def user(self, user_id: str) -> UserRow | None: ...

    def user_by_name(self, username: str) -> UserRow | None:
        """Case does not matter."""
        ...

    def owner(self) -> UserRow | None:
        """The first owner."""
        ...

    async def ensure_owner(self, row: UserRow) -> UserRow:
        """The first owner; `row` becomes it when there is none."""
        ...

    async def add_user(self, row: UserRow) -> UserRow:
        """Raises Conflict when the name is taken."""
        ...

    def users(self) -> list[UserRow]:
        """All, by name."""
        ...

    async def update_user(
        self, user_id: str, *, username: str | None = None, role: Role | None = None
    ) -> UserRow:
        """Change what is given.

        Raises:
            NotFound: no such account.
            Conflict: the name is taken, or nobody would be an owner (code `last_owner`).
        """
        ...

    async def delete_user(self, user_id: str, heir_id: str, now: int) -> RemovedUser:
        """Delete an account with its tokens, sessions, links and codes, the daemons that it
        enrolled and those of its workspaces; its workspaces pass on to the heir.

        Raises:
            NotFound: no such account, or heir.
            Conflict: nobody would be an owner (code `last_owner`).
        """
        ...

    async def set_password(
        self, user_id: str, password_hash: str | None, keep_session: str | None = None
    ) -> None:
        """Also ends the account's links and sessions but that one.

        Raises:
            NotFound: no such account.
        """
        ...

    def token_by_hash(self, secret_hash: bytes) -> TokenRow | None: ...

    async def tokens(self, user_id: str) -> list[TokenRow]:
        """Read an account's tokens, oldest first, off the event loop.

        Raises:
            InvalidInput: it takes longer than one request may (code `read_too_slow`).
            TooManyRequests: too many are read or wait already (code `too_many_reads`).
        """
        ...

    async def add_token(self, row: TokenRow, *, limit: int | None = None) -> TokenRow:
        """Store a new token of an account that has at most `limit`; expired ones make room.

        Raises:
            Conflict: there are as many as there may be (code `too_many_tokens`), or its makers are
                too many one after the other (`too_many_generations`).
            NotFound: no such account, workspace or maker.
        """
        ...

    async def add_bootstrap_token(self, row: TokenRow, fingerprint: str) -> bool:
        """Store the token unless one was stored this way before; whether this one ever was.

        A fingerprint is remembered for good: a bootstrap token that was revoked stays so.
        """
        ...

    async def delete_token(self, token_id: str, user_id: str) -> None:
        """Delete a token and all that was made with it, over all generations.

        Raises NotFound when this user has no such token.
        """
        ...

    async def browser_mark_key(self, fresh: bytes) -> bytes:
        """Return the key of browsers' marks: the one that is stored, or else `fresh`, from now."""
        ...

    def note_token_used(self, token_id: str, at: int) -> None:
        """Remember it soon, without anybody waiting."""
        ...

    def session_by_hash(self, secret_hash: bytes) -> SessionRow | None: ...

    def sessions(self, user_id: str, now: int) -> list[SessionRow]:
        """Those that have not expired, newest first."""
        ...

    async def add_session(
        self, row: SessionRow, password_hash: str | None = None, *, limit: int | None = None
    ) -> None:
        """Store a new session. With `password_hash` only while that is still the account's own:
        a password that was changed meanwhile signs nobody in. The account's longest unused other
        sessions end, so that it has at most `limit`.

        Raises:
            NotAuthenticated: it is another one by now, or the account or the maker is gone.
        """
        ...

    async def confirm_session(
        self, confirmation: Confirmation, password_hash: str | None = None
    ) -> None:
        """Record that its user proved who they are. `password_hash` and `Raises` as `add_session`;
        a session that has ended is NotAuthenticated as well."""
        ...

    def note_session_used(self, session_id: str, at: int, expires_at: int) -> None:
        """Remember it soon, without anybody waiting."""
        ...

    async def delete_session(self, session_id: str) -> None:
        """Does nothing when it is gone already."""
        ...

    async def delete_sessions(self, user_id: str) -> None:
        """All of an account's, and its links."""
        ...

    async def add_sign_in_link(
        self, row: SignInLinkRow, now: int, *, limit: int | None = None
    ) -> None:
        """Store a link; of the account's earlier ones the oldest go, so that it has at most
        `limit`. Raises NotFound without the account or the maker."""
        ...

    async def take_sign_in_link(self, code_hash: bytes, now: int) -> UsedLink | None:
        """The account of an unexpired link, which is used up by this."""
        ...


class DaemonStore(Protocol):
    """Daemons and the codes that make them."""

    def daemon(self, daemon_id: str) -> DaemonRow | None: ...

    def daemon_by_hash(self, token_hash: bytes) -> DaemonRow | None: ...

    async def add_enrolment(self, row: EnrolmentRow, now: int, *, limit: int | None = None) -> None:
        """Store a code of an account that has at most `limit`.

        Raises:
            NotFound: no such workspace.
            TooManyRequests: there are as many as there may be (code `too_many_enrollment_codes`).
        """
        ...

    async def redeem_enrolment(
        self,
        code_hash: bytes,
        daemon_id: str,
        token_hash: bytes,
        now: int,
        address: str | None = None,
    ) -> DaemonRow:
        """Use an unexpired code up and give its workspace this daemon, or change nothing.

        `address`: where the daemon is, for the owner to see.

        Raises:
            NotFound: no such code (code `unknown_code`).
            WorkspaceTaken: the workspace has a daemon.
        """
        ...

    async def delete_daemon(self, daemon_id: str, change: DaemonChange) -> DaemonRow:
        """Its token is worth nothing from now on, its workspace is free. Raises NotFound."""
        ...

    async def request_rotation(self, daemon_id: str, now: int) -> DaemonRow:
        """Remember that the daemon is to have another token. Raises NotFound."""
        ...

    def offered_token(self, token_hash: bytes) -> OfferedTokenRow | None: ...

    async def offer_token(self, row: OfferedTokenRow, *, since: int, kept: int) -> None:
        """Store an offer; of the daemon's earlier ones the newest `kept` stay, if they were made
        after `since`. Raises NotFound without the daemon."""
        ...

    async def settle_rotation(
        self, daemon_id: str, rotation_id: str, now: int, *, since: int
    ) -> bool:
        """Make what was offered after `since` the daemon's only token; whether there was that."""
        ...
