"""Who a request or connection is made by, and what its credential permits."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from arborlink.protocol.errors import NotAllowed
from arborlink.protocol.resources import ALL_SCOPES, Principal, Scope

IdentityKind = Literal["user", "token", "session", "daemon"]


class Identity(Struct, frozen=True, kw_only=True):
    """A proven principal. A `workspace_id` limits it to that workspace.

    `token_id` is what revocation names: an API token's id, a session's, or a daemon's. From
    `expires_at` (µs since 1970) on the credential is worth nothing.
    """

    user_id: str
    username: str
    role: Literal["owner", "member", "daemon"]
    kind: IdentityKind
    scopes: frozenset[Scope] = frozenset()
    workspace_id: str | None = None
    token_id: str | None = None
    expires_at: int | None = None

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

    def principal(self) -> Principal:
        """This identity as `GET /api/me` shows it."""
        return Principal(
            user_id=self.user_id,
            username=self.username,
            role=self.role,
            scopes=[scope for scope in ALL_SCOPES if scope in self.scopes],
            workspace_id=self.workspace_id,
            token_id=self.token_id if self.kind == "token" else None,
        )
