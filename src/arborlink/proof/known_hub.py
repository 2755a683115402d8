"""One hub as this process knows it: its address, and its key as soon as that is known.

Each new connection to it goes through `judge` before a secret is written to it. Knows nothing of
sockets: `exchange` gives the bytes to send, and takes those that arrive.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from arborlink.addresses import is_loopback
from arborlink.proof import statement
from arborlink.proof.exchange import Answer, Exchange
from arborlink.proof.keys import parse
from arborlink.proof.listener import foreign_owner, user_name
from arborlink.proof.statement import End
from arborlink.proof.verdict import Asked, Identity, judge
from arborlink.protocol.errors import HubNotProven, OtherHubKey, Unavailable

# The hub, or a proxy in front of it, has no time now; another moment it may.
_LATER: Final = frozenset({408, 429, 500, 502, 503, 504})
# The same code as of a hub that cannot be reached: nothing was done, and trying again is safe.
NOT_CONNECTED: Final = "not_connected"

logger = logging.getLogger(__name__)


def _keep_quiet(key: str) -> None:
    """The default of `on_key`."""


class KnownHub:
    """`key`: of the hub, if it is known; the first that is proven is kept and given to `on_key`.

    `url`: as `hub_address` returns it. `asks_listener`: False where nothing secret is sent, so that
    it does not matter which user of this machine answers.

    Raises:
        InvalidInput: `key` is none.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        on_key: Callable[[str], None] = _keep_quiet,
        asks_listener: bool = True,
    ) -> None:
        self.url = url
        self.key = None if key is None else parse(key)
        # Whether connections are asked: not those to what ends them with its answer. A hub whose
        # key is known is always asked.
        self.asks = True
        self._on_key = on_key
        self._asks_listener = asks_listener
        parts = urlsplit(url)
        self._scheme = parts.scheme
        self._host = parts.hostname or ""
        self._netloc = parts.netloc
        self._base = parts.path.rstrip("/")

    def exchange(self) -> Exchange:
        """Return the question for one connection."""
        return Exchange(self._netloc, self._base)

    def judge(self, exchange: Exchange, answer: Answer, client: End, server: End) -> bool:
        """Decide about a connection; False: it ended with the answer, and none is to be asked.

        `client` and `server`: the ends of the connection, as its socket has them.

        Raises:
            OtherHubKey: another hub is there, and nothing may be sent to it.
            HubNotProven: it may be another hub, or another user of this machine reads along.
            Unavailable: the hub does not answer the question now.
        """
        channel = None
        if self._is_plain:
            channel = statement.channel(exchange.nonce, client, server, statement.this_machine())
        asked = Asked(exchange.nonce, self._netloc, self._scheme, channel)
        if answer.status in _LATER:
            raise Unavailable(
                f"the hub at {self.url} has no time for a new connection (HTTP status "
                f"{answer.status})",
                code=NOT_CONNECTED,
                retry_after=answer.retry_after,
            )
        if self.key is None and not answer.reusable:
            self.check_listener(client, server)
            self.asks = False
            return False
        verdict = judge(answer, asked, self.key)
        if verdict.identity is Identity.OTHER_KEY:
            raise self._other(verdict.key)
        if verdict.identity is Identity.PROVEN:
            self._proven(verdict.key, client, server, is_direct=verdict.is_direct)
        elif self.key is not None:
            raise self._not_proven(verdict.why)
        else:
            logger.debug("%s proves no key: %s", self.url, verdict.why)
            self.check_listener(client, server)
        if not answer.reusable:
            raise self._not_proven(
                "it ends each connection after one answer, so that no other one is proven. A proxy "
                "in front of the hub has to keep connections open"
            )
        return True

    def check_listener(self, client: End, server: End) -> None:
        """Without TLS: refuse a connection whose other end is held by another user than root.

        Raises:
            HubNotProven: it is.
        """
        if not (self._is_plain and self._asks_listener):
            return
        owner = foreign_owner(client, server)
        if owner is None:
            return
        name = user_name(owner)
        if self.key is None:
            raise HubNotProven(
                f"user {name} of this machine serves {self.url}, and the hub's key is not known "
                "here: what is sent there may be for that user. If it is your hub, `arbor hub key` "
                f"prints its key where it runs: then `arbor trust {self.url} --key KEY`, or "
                "set ARBOR_HUB_KEY to it when you enroll or sign in"
            )
        raise HubNotProven(
            f"user {name} of this machine passes {self.url} on to the hub, and could read all that "
            "is sent. Forward the port as yourself or root, or use an https address of the hub"
        )

    def learn(self, key: str) -> None:
        """Know this key from now on, and tell `on_key`.

        Raises:
            InvalidInput: it is none.
        """
        self.key = parse(key)
        self._on_key(self.key)

    @property
    def _is_plain(self) -> bool:
        return self._scheme == "http" and is_loopback(self._host)

    def _proven(self, key: str | None, client: End, server: End, *, is_direct: bool) -> None:
        if self.key is None:
            self.check_listener(client, server)
            assert key is not None
            self.learn(key)
        elif not is_direct:
            self.check_listener(client, server)

    def _other(self, key: str | None) -> OtherHubKey:
        return OtherHubKey(
            f"what answers at {self.url} is another hub than the one that is known here: its key "
            f"is {key}, known is {self.key}. Nothing secret was sent. If the hub was made anew, "
            "compare the first with what `arbor hub key` prints on its machine, then `arbor trust "
            f"{self.url} --key KEY`"
        )

    def _not_proven(self, why: str) -> HubNotProven:
        return HubNotProven(
            f"what answers at {self.url} does not prove that it is the hub with the key "
            f"{self.key}: {why}. Nothing secret was sent. If the hub went back to a release of "
            f"Arbor without keys, `arbor trust {self.url} --forget`"
        )
