"""How long a daemon leaves a hub alone that ends every connection for a reason that stays. Pure.

A network that fails is worth another try at once. A contest with a double, or a message that one
side cannot accept, is there again as soon as the connection is: the daemon would come back many
times a second, for ever.
"""

from __future__ import annotations

from typing import Final

from arborlink.protocol.backoff import CAP_SECONDS
from arborlink.protocol.errors import ConnectionReplaced, MessageTooLarge, RemoteProtocolError

# What happens sooner than this after a connection was begun has happened to it, not to time.
REPEATED_SECONDS: Final = 60.0
CONTEST: Final = ConnectionReplaced.close_code
BROKEN_RULE: Final = frozenset({RemoteProtocolError.close_code, MessageTooLarge.close_code})


class Patience:
    """Grows with every connection that ends soon, and for such a reason."""

    def __init__(self) -> None:
        self._repeated = 0

    def wait(self, code: int | None, lived: float) -> float | None:
        """Seconds to wait at least, before the next connection; None: no reason to.

        Args:
            code: the close code of the connection that has ended, if it had one.
            lived: for how many seconds it was there, its beginning included.
        """
        if code != CONTEST and code not in BROKEN_RULE:
            return None
        self._repeated = 0 if lived > REPEATED_SECONDS else self._repeated + 1
        if code in BROKEN_RULE and self._repeated < 2:
            # Once is often cured by beginning anew: what each side holds is compared then.
            return None
        return min(CAP_SECONDS, 2.0 ** min(self._repeated, 16))
