"""How the descriptors that the process may have are divided. Pure, but for `limit`.

Each connection takes one, an output that is followed or downloaded two, a running task four. Each
use has a share that it cannot exceed; together these shares leave room for the database, the
outputs of running tasks, and the daemons.
"""

from __future__ import annotations

import resource
from typing import Final, NamedTuple

from arborlink.hub.settings import HubSettings

# Shares of all descriptors: one over so many.
HTTP_SHARE: Final = 4
VIEWERS_SHARE: Final = 8
MEMBERS_DAEMONS_SHARE: Final = 8
# Of outputs, which take two descriptors each.
FOLLOWED_SHARE: Final = 16
DOWNLOADS_SHARE: Final = 32


class Division(NamedTuple):
    """How many there may be: connections for HTTP, connections of viewers, outputs that viewers
    follow, downloads, and daemons of members' workspaces."""

    http: int
    viewers: int
    followed: int
    downloads: int
    members_daemons: int


def divide(descriptors: int, settings: HubSettings) -> Division:
    """Return the shares of so many descriptors."""
    return Division(
        http=min(settings.http_connections, max(1, descriptors // HTTP_SHARE)),
        viewers=max(1, descriptors // VIEWERS_SHARE),
        followed=max(1, descriptors // FOLLOWED_SHARE),
        downloads=max(1, descriptors // DOWNLOADS_SHARE),
        members_daemons=max(1, descriptors // MEMBERS_DAEMONS_SHARE),
    )


def limit() -> int:
    """Return how many descriptors this process may have open."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return UNLIMITED if soft == resource.RLIM_INFINITY else soft


UNLIMITED: Final = 1 << 20
