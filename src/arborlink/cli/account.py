"""`arbor whoami`, `arbor login` and `arbor logout`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from arborlink.cli.ca_option import ca_option
from arborlink.cli.completion import complete_hubs
from arborlink.cli.console import (
    ask_secret,
    erase_status,
    print_json,
    say,
    show,
    show_status,
)
from arborlink.cli.display import day_text
from arborlink.cli.hub_key_option import hub_key_option
from arborlink.cli.token import DAY_SECONDS, DAYS, SCOPES

# As `SIGN_IN_SCOPES` and `SIGN_IN_SECONDS` of the protocol, which is not imported for the help.
LOGIN_SCOPES: tuple[Scope, ...] = ("tasks:read", "tasks:write")
LOGIN_DAYS = 90
# Of a hub's data folder.
DATABASE = "hub.sqlite3"

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arborlink.client import DeviceCode
    from arborlink.client.credentials import Credentials
    from arborlink.proof.known_hub import KnownHub
    from arborlink.protocol.resources import Scope

TICK_SECONDS = 1.0


@click.command(
    "whoami",
    epilog="Example: arbor whoami --json",
    short_help="Which hub you use, and who you are there.",
)
@click.option("--json", "as_json", is_flag=True, help="As the API shows it.")
def whoami_command(as_json: bool) -> None:
    """Say which hub is used, who its token belongs to, and where both were found."""
    from arborlink.cli.session import with_hub
    from arborlink.client import Hub, Principal

    async def work(hub: Hub) -> tuple[str, Principal]:
        return hub.url, await hub.me()

    url, principal = with_hub(work)
    if as_json:
        print_json(principal)
        return
    show(f"{principal.username} ({principal.role}) on {url}")
    show(f"may: {', '.join(principal.scopes)}")
    if principal.workspace_id is not None:
        show(f"only in: {principal.workspace_id}")
    show(f"token: {principal.token_id}, from {_token_source()}")
    show(f"until: {_end_text(principal.expires_at)}")


def _end_text(expires_at: str | None) -> str:
    return "it is revoked" if expires_at is None else day_text(expires_at)


def _token_source() -> str:
    from arborlink import home

    return "ARBOR_TOKEN" if os.environ.get("ARBOR_TOKEN") else str(home.credentials_file())


@click.command(
    "login",
    epilog="\b\nExamples:\narbor login https://arbor.example.org\n"
    "arbor login https://arbor.example.org --all --days 1\n"
    "echo $TOKEN | arbor login https://arbor.example.org --token",
    short_help="Sign this machine in to a hub.",
)
@click.argument("hub_url")
@click.option("--token", "from_stdin", is_flag=True, help="Read an API token from stdin.")
@ca_option
@hub_key_option
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    show_default=", ".join(LOGIN_SCOPES),
    help="What to ask for. Repeatable.",
)
@click.option("--all", "all_scopes", is_flag=True, help="Ask for every scope.")
@click.option(
    "--days",
    type=DAYS,
    show_default=str(LOGIN_DAYS),
    help="Days until the token expires, or a duration such as 12h.",
)
@click.option("--no-expiry", is_flag=True, help="Ask for a token that lives until it is revoked.")
@click.option("--name", help="What the hub is called here, for `arbor use`.  [default: its host]")
def login_command(
    hub_url: str,
    from_stdin: bool,
    ca: str | None,
    hub_key: str | None,
    scopes: tuple[Scope, ...],
    all_scopes: bool,
    days: float | None,
    no_expiry: bool,
    name: str | None,
) -> None:
    """Sign in to the hub at HUB_URL, and keep its address and an API token for the other commands,
    which use this hub from now on. `arbor use` goes back to another one.

    Shows an address and a code, and waits until you have approved it in a browser, on any machine.
    The token may watch and run tasks, for 90 days. `arbor link`, `token` and `user` need
    the scope admin, `arbor enroll` needs workspaces:write, `arbor rotate` and `release` need
    daemons:write.
    """
    from arborlink.addresses import hub_address
    from arborlink.client.credentials import key_of
    from arborlink.proof.known_hub import KnownHub

    if scopes and all_scopes:
        raise click.UsageError("give --scope or --all, not both")
    if days is not None and no_expiry:
        raise click.UsageError("give --days or --no-expiry, not both")
    url = hub_address(hub_url)
    known = KnownHub(url, hub_key or key_of(url))
    if from_stdin:
        token = _read_token()
    else:
        asked = SCOPES if all_scopes else scopes or LOGIN_SCOPES
        lifetime = None if no_expiry else LOGIN_DAYS if days is None else days
        token = asyncio.run(_approved(known, asked, lifetime, ca))
    _keep(known, token, ca, name)


async def _approved(
    known: KnownHub, scopes: Sequence[Scope], days: float | None, ca: str | None
) -> str:
    import socket

    from arborlink.client import sign_in

    async with asyncio.TaskGroup() as group:
        waiting: list[asyncio.Task[None]] = []

        def show_code(code: DeviceCode) -> None:
            say(f"open {code.verification_uri_complete}")
            say(f"or {code.verification_uri} and type the code")
            say("")
            say(f"    {code.user_code}")
            say("")
            if sys.stderr.isatty():
                waiting.append(group.create_task(_count_down(code.expires_in)))

        try:
            granted = await sign_in(
                known.url,
                on_code=show_code,
                hostname=socket.gethostname() or None,
                scopes=scopes,
                expires_in=None if days is None else days * DAY_SECONDS,
                ca=ca,
                hub_key=known.key,
                on_hub_key=known.learn,
            )
        finally:
            for each in waiting:
                each.cancel()
    return granted.token


async def _count_down(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    try:
        while (left := round(end - loop.time())) > 0:
            show_status(f"waiting for approval, {left // 60}:{left % 60:02} left ")
            await asyncio.sleep(TICK_SECONDS)
    finally:
        erase_status()


def _keep(known: KnownHub, token: str, ca: str | None, name: str | None) -> None:
    from arborlink.cli.notices import new_key
    from arborlink.client import Hub, Principal
    from arborlink.client.credentials import Credentials, key_of, save

    async def check() -> Principal:
        hub_key, learn = known.key, known.learn
        async with Hub(known.url, token, ca=ca, hub_key=hub_key, on_hub_key=learn) as hub:
            return await hub.me()

    me = asyncio.run(check())
    is_new = known.key is not None and known.key != key_of(known.url)
    path = save(Credentials(known.url, token, ca=ca, hub_key=known.key, name=name or ""))
    say(f"signed in to {known.url} as {me.username}; kept in {path}")
    say(f"may: {', '.join(me.scopes)}; until {_end_text(me.expires_at)}")
    if is_new and known.key is not None:
        say(new_key(known.url, known.key))
    if os.environ.get("ARBOR_URL") or os.environ.get("ARBOR_TOKEN"):
        say("ARBOR_URL or ARBOR_TOKEN is set, and comes before it")


def _read_token() -> str:
    token = ask_secret("API token: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not token.strip():
        raise click.ClickException("there is no token on stdin: arbor login HUB_URL --token < FILE")
    return token.strip()


@click.command(
    "logout", epilog="Example: arbor logout", short_help="Sign this machine out of a hub."
)
@click.argument("hub", required=False, shell_complete=complete_hubs)
def logout_command(hub: str | None) -> None:
    """Revoke the token that this machine has for HUB, and forget it. HUB is a name that `arbor use`
    lists, an address or a host; without it, the hub in use is meant.

    The token of `arbor up` is not revoked while its hub's data is here: it is the owner's way into
    that hub, and `arbor up` needs it.
    """
    from arborlink.client import InvalidInput, credentials

    try:
        stored = credentials.load() if hub is None else credentials.find(hub)
    except InvalidInput:
        if hub is not None:
            raise
        credentials.remove()
        say("signed out; what credentials.toml said could not be read")
        return
    if stored is None:
        say("there was nothing to sign out of")
    elif _is_of_up(stored):
        raise click.ClickException(
            f"nothing was changed: the token for {stored.url} is the one that `arbor up` made. It "
            "is the owner's way into that hub, and `arbor up` needs it. To use the hub as another "
            f"account, `arbor login {stored.url}`; to end it for good, stop `arbor up` and delete "
            f"{stored.data_folder}"
        )
    else:
        outcome = asyncio.run(_revoke(stored))
        in_use = credentials.forget(stored)
        say(f"signed out of {stored.url}; {outcome}")
        if in_use is not None:
            say(f"commands go to {in_use.name} ({in_use.url}) now")
    if os.environ.get("ARBOR_TOKEN"):
        say("ARBOR_TOKEN is still set, and still counts")


def _is_of_up(stored: Credentials) -> bool:
    """Return whether these are of the hub that `arbor up` runs here, and its data is there."""
    return stored.data_folder is not None and (Path(stored.data_folder) / DATABASE).exists()


async def _revoke(stored: Credentials) -> str:
    from arborlink.client import ArborError, Hub, NotAuthenticated

    try:
        async with Hub(
            stored.url, stored.token, retry_seconds=0, ca=stored.ca, hub_key=stored.hub_key
        ) as hub:
            token_id = (await hub.me()).token_id
            if token_id is not None:
                await hub.revoke_token(token_id)
    except NotAuthenticated:
        return "the token was not valid any more"
    except ArborError as error:
        # A machine is signed out whether or not the hub is there.
        return (
            f"but the token stays valid until it is revoked on {stored.url}, because "
            f"{error.message}"
        )
    return "the token is revoked, with all that was made with it"
