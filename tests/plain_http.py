"""Requests to hubs of this machine, which speak no TLS.

To read the certificate authorities, as a client does unless told otherwise, takes longer than most
requests. No connection is kept: the hub may be another one at the next request.
"""

from __future__ import annotations

from typing import Final

import httpx2

from tests.bounds import HANG_SECONDS

HTTP: Final = httpx2.Client(
    verify=False,
    trust_env=False,
    timeout=HANG_SECONDS,
    limits=httpx2.Limits(max_keepalive_connections=0),
)
