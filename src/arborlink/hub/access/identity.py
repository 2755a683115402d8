"""Who a request or connection is made by, and what its credential permits."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from arborlink.protocol.errors import NotAllowed
from arborlink.protocol.resources import Scope

IdentityKind = Literal["user", "token", "session", "daemon"]


class Identity(Struct, frozen=True, kw_only=True):
    """A proven principal. A `workspace_id` limits it to that workspace.

    `token_id` is what revocation names: an API token's id, a session's, or a daemon's. From
    `expires_at` (µs since 1970) on the credential is worth nothing. `session_expires_at` is that of
    a session that is not used again, and `confirmed_at` when its user last proved who they are.

    What this makes ends with the API token `maker_id`, by `maker_ends_at` at the latest: a token
    makes for itself, a session for the token that made its link. None: it belongs to the account.
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
        """Return when something ends that this makes to last until `expires_at` (µs since 1970)."""
        ends = [each for each in (expires_at, self.maker_ends_at) if each is not None]
        return min(ends, default=None)

    def require_lasting(self) -> None:
        """Go on only when this may make what outlives every credential: accounts, passwords, roles.

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
        """Whose budgets this credential shares: those of all tokens of the user together, or those
        of all browsers together, so that tokens that leaked leave a person's browser its own."""
        return f"{self.user_id} {self.kind}"

    def require(self, scope: Scope, workspace_id: str | None = None) -> None:
        """Go on only when this is permitted; `admin` includes every other scope.

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
        """As `require`, for what concerns the account and not one workspace.

        Raises:
            NotAllowed: also when the credential is limited to a workspace.
        """
        self.require(scope)
        if self.workspace_id is not None:
            raise NotAllowed("This credential is limited to one workspace and cannot do that.")

    def require_owner(self) -> None:
        """Go on only when this may manage the hub and its accounts.

        Raises:
            NotAllowed: not an owner, or a credential that may do less than its owner.
        """
        self.require_everywhere("admin")
        if self.role != "owner":
            raise NotAllowed("Only owners of this hub may do that. Ask one of them.")
