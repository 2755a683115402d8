"""`arbor whoami`, `arbor login` and `arbor logout`."""

from __future__ import annotations

import asyncio
import sys

import click

from arborlink.cli.console import print_json, say


@click.command(
    "whoami", epilog="Example: arbor whoami --json", short_help="Which hub, and who you are there."
)
@click.option("--json", "as_json", is_flag=True, help="As the API shows it.")
def whoami_command(as_json: bool) -> None:
    """Say which hub is used, and who its token belongs to."""
    from arborlink.cli.session import with_hub
    from arborlink.client import Hub, Principal

    async def work(hub: Hub) -> tuple[str, Principal]:
        return hub.url, await hub.me()

    url, principal = with_hub(work)
    if as_json:
        print_json(principal)
        return
    click.echo(f"{principal.username} ({principal.role}) on {url}")
    click.echo(f"may: {', '.join(principal.scopes)}")
    if principal.workspace_id is not None:
        click.echo(f"only in: {principal.workspace_id}")


@click.command(
    "login",
    epilog="Example: echo $TOKEN | arbor login https://arbor.example.org --token",
    short_help="Sign this machine in to a hub.",
)
@click.argument("hub_url")
@click.option("--token", "from_stdin", is_flag=True, help="Read an API token from stdin.")
def login_command(hub_url: str, from_stdin: bool) -> None:
    """Keep the address and an API token of the hub at HUB_URL, for the other commands."""
    from arborlink.client import Hub
    from arborlink.client.credentials import Credentials, resolve, save

    if not from_stdin:
        raise click.UsageError(
            f"make an API token on {hub_url} and give it on stdin: "
            f"arbor login {hub_url} --token < FILE"
        )
    token = _read_token()

    async def check() -> str:
        async with Hub(hub_url, token) as hub:
            return (await hub.me()).username

    username = asyncio.run(check())
    path = save(Credentials(resolve(hub_url, token).url, token))
    say(f"signed in to {hub_url} as {username}; kept in {path}")


def _read_token() -> str:
    import getpass

    token = getpass.getpass("API token: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not token.strip():
        raise click.ClickException("there is no token on stdin: arbor login HUB_URL --token < FILE")
    return token.strip()


@click.command("logout", epilog="Example: arbor logout", short_help="Forget the hub and its token.")
def logout_command() -> None:
    """Delete credentials.toml. The token itself stays valid: `arbor token revoke` ends it."""
    from arborlink.client import credentials

    if credentials.remove():
        say("signed out; the token itself stays valid until `arbor token revoke`")
    else:
        say("there was nothing to sign out of")
