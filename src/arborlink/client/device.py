"""Sign-in of a program: a user approves its API token in a browser (RFC 8628)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Final

from arborlink.addresses import hub_address
from arborlink.client.credentials import say_no_key
from arborlink.client.http import HttpApi
from arborlink.client.replies import DeviceStart
from arborlink.proof.known_hub import KnownHub
from arborlink.protocol.errors import SignInUnfinished, TooManyRequests, Unavailable
from arborlink.protocol.resources import (
    SIGN_IN_SCOPES,
    SIGN_IN_SECONDS,
    DeviceCode,
    GrantedToken,
    Scope,
)

# RFC 8628, §3.5: what `slow_down` adds to the interval.
SLOW_DOWN_SECONDS: Final = 5.0


async def sign_in(
    url: str,
    *,
    on_code: Callable[[DeviceCode], None],
    client_name: str = "arbor",
    hostname: str | None = None,
    scopes: Sequence[Scope] = SIGN_IN_SCOPES,
    expires_in: float | None = SIGN_IN_SECONDS,
    ca: str | os.PathLike[str] | None = None,
    hub_key: str | None = None,
    on_hub_key: Callable[[str], None] = say_no_key,
) -> GrantedToken:
    """Return a token for the hub at `url`, once a user has approved it there.

    `on_code` gets the code and address to show. `client_name` and `hostname` are shown to the
    user who approves. `expires_in`: lifetime of the token in seconds; None: until it is revoked.
    `ca`, `hub_key` and `on_hub_key`: as those of `Hub`.

    Raises:
        SignInUnfinished: it was denied (code `access_denied`), or was not approved in time
            (`expired_token`).
        InvalidInput: the address is invalid, or would send the token unencrypted.
        HubNotProven: the server at `url` is not the hub with this key.
        ArborError: the hub's answer, or `Unavailable`.
    """
    address = hub_address(url)
    known = KnownHub(address, hub_key, on_key=on_hub_key)
    api = HttpApi(address, None, ca=os.fspath(ca) if ca else None, known=known)
    body = DeviceStart(
        client_name=client_name, hostname=hostname, scopes=list(scopes), expires_in=expires_in
    )
    try:
        code = await api.post("/api/device/code", DeviceCode, body)
        on_code(code)
        return await _collect(api, code)
    finally:
        await api.close()


async def _collect(api: HttpApi, code: DeviceCode) -> GrantedToken:
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + code.expires_in
    interval = pause = code.interval
    while True:
        await asyncio.sleep(pause)
        pause = interval
        try:
            return await api.post(
                "/api/device/token", GrantedToken, {"deviceCode": code.device_code}
            )
        except SignInUnfinished as error:
            if error.code == "slow_down":
                pause = interval = interval + SLOW_DOWN_SECONDS
            elif error.code != SignInUnfinished.code:
                raise
        except (Unavailable, TooManyRequests) as error:
            # The hub or the network may return before the code expires.
            pause = max(interval, error.retry_after or 0.0)
            if loop.time() + pause > give_up_at:
                raise
