"""Offers a connected daemon another token, and hears that it has it. Nothing is interrupted."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from arborlink.hub.access.rotations import Rotations
from arborlink.hub.live.presence import Presence
from arborlink.protocol.messages import Rotate

if TYPE_CHECKING:
    from arborlink.hub.live.daemon_session import DaemonSession

logger = logging.getLogger(__name__)


class TokenRotation:
    """Between the connections of daemons and what is stored of their tokens."""

    def __init__(self, rotations: Rotations, presence: Presence) -> None:
        self._rotations = rotations
        self._presence = presence

    async def requested(self, workspace_id: str) -> None:
        """Somebody wants the workspace's daemon to have another token."""
        session = self._presence.session(workspace_id)
        if session is not None:
            await self.offer(session)

    async def offer(self, session: DaemonSession) -> None:
        """Send a daemon another token, if it is to have one."""
        offer = await self._rotations.offer(session.daemon_id)
        if offer is not None:
            session.send(Rotate(rotation_id=offer.rotation_id, auth_token=offer.auth_token))

    async def rotated(self, session: DaemonSession, rotation_id: str) -> None:
        """The daemon has stored what it was offered."""
        if await self._rotations.settle(session.daemon_id, rotation_id):
            logger.info("daemon token replaced")
