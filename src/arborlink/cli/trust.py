"""`arbor trust`."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace

import click

from arborlink.cli.ca_option import ca_option
from arborlink.cli.console import ask, say


@click.command(
    "trust",
    epilog="\b\nExamples:\narbor trust --key ed25519:...\n"
    "arbor trust https://arbor.example.org --forget",
    short_help="Change the key by which a hub is known here.",
)
@click.argument("hub_url", required=False)
@click.option("--key", metavar="KEY", help="What `arbor hub key` prints on the hub's machine.")
@click.option("--forget", is_flag=True, help="Know no key: the first that is proven counts again.")
@ca_option
def trust_command(hub_url: str | None, key: str | None, forget: bool, ca: str | None) -> None:
    """Change the key by which the hub at HUB_URL is known here: to the command line and to all
    daemons of this user. HUB_URL defaults to the hub that you are signed in to.

    Without --key, what answers there is asked for its key, and so are you. Nothing secret is sent.
    Daemons that run take the new key with their next attempt to connect.
    """
    from arborlink.proof.keys import parse

    if key is not None and forget:
        raise click.UsageError("give --key or --forget, not both")
    url = _url(hub_url)
    if forget:
        chosen = None
    elif key is not None:
        chosen = parse(key)
    else:
        chosen = _asked(url, ca)
    changed = _change(url, chosen)
    if not changed:
        raise click.ClickException(f"nothing here knows the hub at {url}")
    what = "forgot the key of" if chosen is None else f"the key {chosen} is now that of"
    say(f"{what} the hub at {url}, for {', '.join(changed)}")


def _url(given: str | None) -> str:
    from arborlink.addresses import hub_address
    from arborlink.client import credentials

    named = given or os.environ.get("ARBOR_URL")
    if named:
        return hub_address(named)
    stored = credentials.load()
    if stored is None:
        raise click.ClickException("you are not signed in to a hub: give its address")
    return stored.url


def _asked(url: str, ca: str | None) -> str:
    """Return the key of what answers at `url`, if a person says that it is the hub's."""
    from arborlink.client.http import HttpApi
    from arborlink.proof.known_hub import KnownHub

    if not sys.stdin.isatty():
        raise click.ClickException("there is no terminal to ask at: give --key KEY")
    known = KnownHub(url, asks_listener=False)

    async def answers() -> None:
        api = HttpApi(url, None, ca=ca, retry_seconds=0, known=known)
        try:
            await api.get("/healthz", object)
        finally:
            await api.close()

    asyncio.run(answers())
    if known.key is None:
        raise click.ClickException(f"what answers at {url} has no key: is it an older release?")
    say(f"what answers at {url} has the key {known.key}")
    say("compare it with what `arbor hub key` prints on the hub's machine")
    if ask("is it the same? (yes/no) ").lower() != "yes":
        raise click.ClickException("nothing was changed")
    return known.key


def _change(url: str, key: str | None) -> list[str]:
    """Return for what the key was changed."""
    from arborlink.client import credentials
    from arborlink.daemon import app

    changed = []
    stored = [each for each in credentials.load_all() if each.url == url]
    for each in stored:
        credentials.update(replace(each, hub_key=key))
    if stored:
        changed.append("the command line")
    for identity in app.load_all():
        if identity.hub != url:
            continue
        app.keep_hub_key(identity, key)
        changed.append(f"the daemon of {identity.path}")
    return changed
