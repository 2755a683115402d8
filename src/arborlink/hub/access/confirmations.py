"""Proof that a browser is still used by its account's owner, before it creates credentials."""

from __future__ import annotations

from arborlink.hub.access.browsers import Browsers
from arborlink.hub.access.environment import SECOND_US, Environment
from arborlink.hub.access.identity import Identity
from arborlink.hub.access.listeners import Listeners
from arborlink.protocol.errors import NotAllowed


class Confirmations:
    """Requires a recent proof before a browser's session creates a credential.

    A cookie alone does not suffice: the browser may have been left open or taken over.

    `seconds`: how long a proof is valid. `changed` is told the ids of sessions whose end changed.
    """

    def __init__(
        self, browsers: Browsers, environment: Environment, changed: Listeners, *, seconds: float
    ) -> None:
        self._browsers = browsers
        self._environment = environment
        self._changed = changed
        self._seconds = seconds

    def require(self, identity: Identity) -> None:
        """Raise if this is a session whose user has not proved their identity lately.

        Raises:
            NotAllowed: code `confirmation_needed`.
        """
        if identity.kind != "session":
            return
        earliest = self._environment.unix_us() - round(self._seconds * SECOND_US)
        if identity.confirmed_at is None or identity.confirmed_at < earliest:
            raise NotAllowed(
                "This makes a credential, and this browser signed in a while ago. Confirm that "
                "it is you, with your password or a new sign-in link, and do it again.",
                code="confirmation_needed",
            )

    async def confirm(
        self, identity: Identity, *, password: str | None = None, link: str | None = None
    ) -> None:
        """Accept password or link as the proof of a session.

        Raises:
            NotAllowed: it is wrong (code `wrong_password`, `wrong_link`), or this is no session
                (code `browser_only`).
            NotAuthenticated: the session has ended.
        """
        if identity.kind != "session" or identity.token_id is None:
            raise NotAllowed(
                "Only a browser's session is confirmed; a token needs no confirmation.",
                code="browser_only",
            )
        if link is not None:
            is_changed = await self._browsers.confirm_with_link(identity, link)
        else:
            is_changed = await self._browsers.confirm_with_password(identity, password or "")
        if is_changed:
            self._changed.tell(identity.token_id)
