"""`arbor token`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from arborlink.cli.console import ago, print_json, print_table, say, show
from arborlink.cli.references import WORKSPACE_HELP

if TYPE_CHECKING:
    from arborlink.protocol.resources import Scope

DAY_SECONDS = 86_400.0
SCOPES: tuple[Scope, ...] = (
    "tasks:read",
    "tasks:write",
    "workspaces:write",
    "daemons:write",
    "admin",
)


@click.group(
    "token",
    epilog="Example: arbor token create ci --scope tasks:write --days 30",
    short_help="Create, list and revoke API tokens.",
)
def token_command() -> None:
    """API tokens of your account."""


@token_command.command("create", epilog="Example: arbor token create ci --scope tasks:read")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    default=["tasks:read", "tasks:write"],
    show_default=True,
    help="Repeatable.",
)
@click.option("-w", "--workspace", help=f"Good for this workspace only. {WORKSPACE_HELP}")
@click.option("--days", type=click.FloatRange(min=0, min_open=True), help="Until it expires.")
@click.option("--json", "as_json", is_flag=True, help="As the API shows it.")
def create(
    name: str, scopes: tuple[Scope, ...], workspace: str | None, days: float | None, as_json: bool
) -> None:
    """Make a token and print its secret, this once.

    It ends when the token ends with which it is made, if not before.
    """
    from arborlink.cli.session import choose_workspace, with_hub
    from arborlink.client import CreatedToken, Hub

    async def work(hub: Hub) -> CreatedToken:
        chosen = None
        if workspace is not None:
            chosen = (await choose_workspace(hub, workspace, doing="good for")).id
        return await hub.create_token(
            name,
            scopes=scopes,
            workspace_id=chosen,
            expires_in=None if days is None else days * DAY_SECONDS,
        )

    token = with_hub(work)
    if as_json:
        print_json(token)
        return
    if token.expires_at is not None:
        say(f"it ends at {token.expires_at}")
    say("keep it; it is not shown again:")
    show(token.secret)


@token_command.command("list", epilog="Example: arbor token list --json")
@click.option("--json", "as_json", is_flag=True, help="As the API shows them.")
def list_tokens(as_json: bool) -> None:
    """List tokens, without their secrets."""
    from arborlink.cli.session import with_hub

    tokens = with_hub(lambda hub: hub.tokens())
    if as_json:
        print_json(tokens)
        return
    rows = [
        (
            each.name,
            ",".join(each.scopes),
            each.workspace_id or "all",
            ago(each.last_used_at),
            each.expires_at or "never",
            each.id,
        )
        for each in tokens
    ]
    print_table(("NAME", "SCOPES", "WORKSPACE", "USED", "EXPIRES", "ID"), rows)


@token_command.command("revoke", epilog="Example: arbor token revoke tok_01k5xyz")
@click.argument("token")
def revoke(token: str) -> None:
    """Make TOKEN (its id or name) worthless, at once, with all that was made with it."""
    from arborlink.cli.session import with_hub
    from arborlink.client import Hub
    from arborlink.client.selection import pick_token

    async def work(hub: Hub) -> str:
        found = pick_token(await hub.tokens(), token)
        await hub.revoke_token(found.id)
        return f"{found.name} ({found.id}) is revoked"

    say(with_hub(work))
