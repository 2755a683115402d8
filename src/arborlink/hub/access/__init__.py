"""Authentication and authorization: who a principal is, and what it may do."""

from arborlink.hub.access.environment import Environment
from arborlink.hub.access.identity import Identity
from arborlink.hub.access.origins import host_allowed, origin_allowed, sent_origin
from arborlink.hub.access.service import Access
from arborlink.hub.access.visibility import Visibility

__all__ = [
    "Access",
    "Environment",
    "Identity",
    "Visibility",
    "host_allowed",
    "origin_allowed",
    "sent_origin",
]
