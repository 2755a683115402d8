"""Networks from which a credential was proved lately, and browsers that signed in before.

Requests from there are served while unknown peers use up the shared limits. This authenticates
nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from arborlink.hub.access.networks import customer

# Networks of one user, and of all together; the least recently used are dropped.
NETWORKS_PER_USER: Final = 64
MAX_NETWORKS: Final = 10_000
MARK_BYTES: Final = 16
KEY_BYTES: Final = 32
MAX_MARK_CHARS: Final = 256

Networks = OrderedDict[str, None]


class Acquaintances:
    """Remembers, in memory, who proved a credential from where, and makes marks for browsers.

    A mark is the user's id, a random part, and a keyed hash of both. It grants nothing: it only
    distinguishes a browser that signed in before from unknown ones. `key` is the key of the hash.
    """

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self.key = random_bytes(KEY_BYTES)
        self._random_bytes = random_bytes
        self._by_user: dict[str, Networks] = {}
        self._all: Networks = OrderedDict()

    def note(self, user_id: str, address: str) -> None:
        """Remember that a credential of this user was proved from this address."""
        network = customer(address)
        of_user = self._by_user.setdefault(user_id, OrderedDict())
        for networks, most in ((of_user, NETWORKS_PER_USER), (self._all, MAX_NETWORKS)):
            networks[network] = None
            networks.move_to_end(network)
            if len(networks) > most:
                networks.popitem(last=False)

    def forget(self, user_id: str) -> None:
        """Forget a deleted user."""
        self._by_user.pop(user_id, None)

    def is_stranger(self, address: str) -> bool:
        """Return whether no credential of anyone was proved from this address lately."""
        return customer(address) not in self._all

    def recognise(self, user_id: str, address: str, mark: str | None) -> str | None:
        """Return the name under which a sign-in from a known browser or network is counted.

        None: neither is known.
        """
        if mark is not None and self._belongs(mark[:MAX_MARK_CHARS], user_id):
            return f"{user_id} {hashlib.sha256(mark.encode()).hexdigest()}"
        network = customer(address)
        if network in self._by_user.get(user_id, ()):
            return f"{user_id} {network}"
        return None

    def mark(self, user_id: str) -> str:
        """Return a mark for a browser that has just signed in as this user."""
        name = f"{user_id}.{self._random_bytes(MARK_BYTES).hex()}"
        return f"{name}.{self._seal(name)}"

    def _belongs(self, mark: str, user_id: str) -> bool:
        name, _, seal = mark.rpartition(".")
        good = hmac.compare_digest(seal.encode(errors="replace"), self._seal(name).encode())
        return good and name.partition(".")[0] == user_id

    def _seal(self, name: str) -> str:
        return hmac.new(self.key, name.encode(errors="replace"), hashlib.sha256).hexdigest()
