"""The principal of a request or connection, and what its credential permits."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from arborlink.protocol.errors import NotAllowed
from arborlink.protocol.resources import Scope

IdentityKind = Literal["user", "token", "session", "daemon"]


class Identity(Struct, frozen=True, kw_only=True):
    """A proven principal. A `workspace_id` limits it to that workspace.

    `token_id` is the id that a revocation names: an API token's, a session's, or a daemon's. The
    credential is invalid from `expires_at` on (µs since 1970). `session_expires_at` is the end of
    an unused session, `confirmed_at` the last time its user proved their identity.

    Credentials that this one creates end with the API token `maker_id`, by `maker_ends_at` at the
    latest: the token itself, or the token that created a session's link. None: they belong to the
    account.
    `token_name` is that of an API token.
    """

    user_id: str
    username: str
    role: Literal["owner", "member", "daemon"]
    kind: IdentityKind
    scopes: frozenset[Scope] = frozenset()
    workspace_id: str | None = None
    token_id: str | None = None
    expires_at: int | None = None
    session_expires_at: int | None = None
    confirmed_at: int | None = None
    maker_id: str | None = None
    maker_ends_at: int | None = None
    token_name: str | None = None

    def has(self, scope: Scope) -> bool:
        """Return whether this is permitted; `admin` includes every other scope."""
        return scope in self.scopes or "admin" in self.scopes

    def end_of(self, expires_at: int | None) -> int | None:
        """Return the end of a credential that this one creates, at most `expires_at` (µs)."""
        ends = [each for each in (expires_at, self.maker_ends_at) if each is not None]
        return min(ends, default=None)

    def require_lasting(self) -> None:
        """Raise unless this may create what outlives credentials: accounts, passwords, roles.

        Raises:
            NotAllowed: this ends, or was made by what ends (code `credential_ends`).
        """
        if self.maker_ends_at is not None:
            raise NotAllowed(
                "This credential has an end, and an account, password or role would outlive it. "
                "Sign in with a browser, run the command on the hub's machine, or use a token "
                "without an end (`arbor login HUB_URL --all --no-expiry`).",
                code="credential_ends",
            )

    @property
    def holder(self) -> str:
        """The key of the budgets that this credential shares: all tokens of the user share one set,
        all browsers another, so that leaked tokens cannot use up the browsers' budgets."""
        return f"{self.user_id} {self.kind}"

    def require(self, scope: Scope, workspace_id: str | None = None) -> None:
        """Raise unless this is permitted; `admin` includes every other scope.

        Raises:
            NotAllowed: the scope is missing, or the credential is for another workspace.
        """
        if not self.has(scope):
            raise NotAllowed(
                f"This needs the scope {scope}, which this credential does not have. Use a token "
                f"that has it: add `--scope {scope}` to `arbor login HUB_URL --scope …` or to "
                "`arbor token create`."
            )
        if workspace_id is not None and self.workspace_id not in (None, workspace_id):
            raise NotAllowed("This credential is for another workspace.")

    def require_everywhere(self, scope: Scope) -> None:
        """Raise like `require`, for operations on the account and not on one workspace.

        Raises:
            NotAllowed: also when the credential is limited to a workspace.
        """
        self.require(scope)
        if self.workspace_id is not None:
            raise NotAllowed("This credential is limited to one workspace and cannot do that.")

    def require_owner(self) -> None:
        """Raise unless this may manage the hub and its accounts.

        Raises:
            NotAllowed: not an owner, or a credential that may do less than its owner.
        """
        self.require_everywhere("admin")
        if self.role != "owner":
            raise NotAllowed("Only owners of this hub may do that. Ask one of them.")
