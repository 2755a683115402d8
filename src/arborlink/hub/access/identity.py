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
    a session that is not used again.
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

    def require(self, scope: Scope, workspace_id: str | None = None) -> None:
        """Go on only when this is permitted; `admin` includes every other scope.

        Raises:
            NotAllowed: the scope is missing, or the credential is for another workspace.
        """
        if scope not in self.scopes and "admin" not in self.scopes:
            raise NotAllowed(f"This needs the scope {scope}, which this credential does not have.")
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
