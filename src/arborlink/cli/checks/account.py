"""Who the command line is to the hub."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from arborlink import home
from arborlink.cli.checks.finding import Finding, failed, ok, warning
from arborlink.cli.checks.machine import check_private
from arborlink.client import ArborError, Hub, NotAuthenticated, Workspace
from arborlink.client.credentials import Credentials, resolve

DAY_SECONDS: Final = 86_400
EXPIRES_SOON_DAYS: Final = 7


def find_credentials() -> Credentials | Finding:
    """The hub and token that commands use, or why there are none."""
    try:
        return resolve()
    except NotAuthenticated as error:
        do = "sign in with `arbor login HUB_URL`; a machine that only runs daemons needs no sign-in"
        what = "this user is not signed in to a hub"
        return warning("credentials", what, why=error.message, do=do)
    except ArborError as error:
        do = "correct ARBOR_URL, or sign in anew with `arbor login HUB_URL`"
        return failed("credentials", "they cannot be used", why=error.message, do=do)


def check_account(credentials: Credentials | Finding, *, reachable: bool) -> Iterator[Finding]:
    """The credentials, where they are kept, and what the hub thinks of them."""
    for check, file in (
        ("credentials", home.credentials_file()),
        ("first token", home.first_token_file()),
    ):
        private = check_private(check, file)
        if private is not None:
            yield private
    if isinstance(credentials, Finding):
        yield credentials
    elif reachable:
        yield asyncio.run(check_token(credentials))


async def check_token(credentials: Credentials) -> Finding:
    """Whether the hub knows the token, and for how long it will."""
    try:
        async with _hub(credentials) as hub:
            principal = await hub.me()
    except NotAuthenticated as error:
        return failed(
            "token",
            f"{credentials.url} does not accept the token",
            why=error.message,
            do=f"`arbor login {credentials.url}`, or correct ARBOR_TOKEN",
        )
    except ArborError as error:
        do = "what was found about the hub says what to do"
        return failed("token", "it could not be tried", why=error.message, do=do)
    return check_end(principal.username, principal.expires_at)


def check_end(username: str, end: str | None) -> Finding:
    """Whether a token that ends at `end` (RFC 3339) does so soon."""
    found = f"signed in as {username}"
    if end is None:
        return ok("token", found)
    left = (datetime.fromisoformat(end) - datetime.now(UTC)).total_seconds() / DAY_SECONDS
    if left >= EXPIRES_SOON_DAYS:
        return ok("token", f"{found} for {int(left)} days")
    return warning(
        "token",
        f"{found}, until {end}",
        why="the token ends within a week, and with it what uses it",
        do="`arbor login` again, or make a new one: `arbor token create NAME`",
    )


def visible_workspaces(credentials: Credentials) -> dict[str, Workspace]:
    """What the hub says of the workspaces that one may see, by id; nothing if it says nothing."""

    async def ask() -> dict[str, Workspace]:
        async with _hub(credentials) as hub:
            return {each.id: each for each in await hub.workspaces()}

    try:
        return asyncio.run(ask())
    except ArborError:
        return {}


def _hub(credentials: Credentials) -> Hub:
    return Hub(
        credentials.url,
        credentials.token,
        retry_seconds=0,
        ca=credentials.ca,
        hub_key=credentials.hub_key,
    )
