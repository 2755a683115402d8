"""What the SDK does with API tokens and accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from arborlink.client.management import Management
from arborlink.client.replies import (
    CreatedToken,
    CreatedUser,
    NewToken,
    NewUser,
    Page,
    SessionLink,
    UserChanges,
)
from arborlink.protocol.resources import Role, Scope, Token, User

DEFAULT_SCOPES: Final[tuple[Scope, ...]] = ("tasks:read", "tasks:write")


class Accounts(Management):
    """The part of `Hub` for tokens and accounts. Every method raises ArborError: the hub's answer,
    or `Unavailable`."""

    # ── tokens ───────────────────────────────────────────────────────────────────────────────

    async def tokens(self) -> list[Token]:
        """Return the API tokens of the token's owner, without their secrets."""
        return [
            each async for page in self._pages("/api/tokens", Page[Token]) for each in page.items
        ]

    async def create_token(
        self,
        name: str,
        *,
        scopes: Sequence[Scope] = DEFAULT_SCOPES,
        workspace_id: str | None = None,
        expires_in: float | None = None,
    ) -> CreatedToken:
        """Create an API token; its secret is returned this once. `expires_in` is in seconds."""
        body = NewToken(
            name=name,
            scopes=list(scopes),
            workspace_id=workspace_id,
            expires_in=expires_in,
        )
        return await self._api.post("/api/tokens", CreatedToken, body)

    async def revoke_token(self, token_id: str) -> None:
        """Revoke a token, at once.

        Raises:
            NotFound: there is none.
        """
        await self._api.delete(f"/api/tokens/{token_id}")

    # ── accounts ─────────────────────────────────────────────────────────────────────────────

    async def users(self) -> list[User]:
        """Return all accounts of the hub; for owners."""
        return [each async for page in self._pages("/api/users", Page[User]) for each in page.items]

    async def create_user(
        self, username: str, *, role: Role = "member", password: str | None = None
    ) -> CreatedUser:
        """Create an account; without a password it has a link to sign in with, once. For owners.

        Raises:
            Conflict: the name is taken.
            InvalidInput: a name or password that cannot be used.
        """
        body = NewUser(username=username, role=role, password=password)
        return await self._api.post("/api/users", CreatedUser, body)

    async def change_user(
        self,
        user_id: str,
        *,
        username: str | None = None,
        role: Role | None = None,
        password: str | None = None,
        current_password: str | None = None,
    ) -> User:
        """Change the given fields. To change one's own password the current one is needed, if there
        is one; everything else is for owners. A new password ends the account's sessions.

        Raises:
            NotAllowed: the current password is wrong (code `wrong_password`), or no owner.
            Conflict: the name is taken, or no owner would be left.
        """
        body = UserChanges(
            username=username, role=role, password=password, current_password=current_password
        )
        return await self._api.patch(f"/api/users/{user_id}", User, body)

    async def remove_user(self, user_id: str) -> None:
        """Remove an account; its workspaces pass on to the token's owner. For owners.

        Raises:
            NotFound: there is none.
            Conflict: it is one's own.
        """
        await self._api.delete(f"/api/users/{user_id}")

    async def session_link(self) -> SessionLink:
        """Create a link that signs a browser in, once."""
        return await self._api.post("/api/session/link", SessionLink, {})
