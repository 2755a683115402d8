"""`arbor token`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from arborlink.cli.completion import complete_workspaces
from arborlink.cli.confirm import confirm, yes_option
from arborlink.cli.console import print_json, print_table, say, show
from arborlink.cli.display import ago, day_text
from arborlink.cli.lazy import with_aliases
from arborlink.cli.listing import listing_options, print_special, shown_ids
from arborlink.cli.parameters import days
from arborlink.cli.references import WORKSPACE_HELP
from arborlink.cli.table import Column

if TYPE_CHECKING:
    from arborlink.protocol.resources import Scope

DAY_SECONDS = 86_400.0
DAYS = days()
SCOPES: tuple[Scope, ...] = (
    "tasks:read",
    "tasks:write",
    "workspaces:write",
    "daemons:write",
    "admin",
)


COLUMNS = (
    Column("ID"),
    Column("NAME", least=8),
    Column("SCOPES", least=12),
    Column("WORKSPACE", least=8, spare=1),
    Column("USED", spare=2),
    Column("EXPIRES"),
)


@click.group(
    "token",
    cls=with_aliases({"ls": "list", "rm": "revoke"}),
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
@click.option(
    "-w",
    "--workspace",
    help=f"Valid in this workspace only. {WORKSPACE_HELP}",
    shell_complete=complete_workspaces,
)
@click.option("--days", type=DAYS, help="Days until it expires, or a duration such as 12h.")
@click.option("--json", "as_json", is_flag=True, help="As the API shows it.")
def create(
    name: str, scopes: tuple[Scope, ...], workspace: str | None, days: float | None, as_json: bool
) -> None:
    """Create a token and print its secret, which is not shown again.

    It expires at the latest together with the token that you use to create it.
    """
    from arborlink.cli.session import choose_workspace, with_hub
    from arborlink.client import CreatedToken, Hub

    async def work(hub: Hub) -> CreatedToken:
        chosen = None
        if workspace is not None:
            chosen = (await choose_workspace(hub, workspace, doing="the token is for")).id
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
        say(f"it expires on {day_text(token.expires_at)}")
    say("keep it; it is not shown again:")
    show(token.secret)


@token_command.command("list", epilog="Example: arbor token list --json")
@listing_options
def list_tokens(form: str, as_json: bool, quiet: bool, no_trunc: bool, utc: bool) -> None:
    """List tokens, without their secrets."""
    from arborlink.cli.session import with_hub
    from arborlink.client import Hub, Token
    from arborlink.client.seeing import see
    from arborlink.client.selection import shown_name

    async def work(hub: Hub) -> tuple[list[Token], dict[str, str]]:
        tokens = await hub.tokens()
        if not any(each.workspace_id for each in tokens):
            return tokens, {}
        seen = await see(hub)
        return tokens, {each.id: shown_name(each, seen.me) for each in seen.workspaces}

    tokens, names = with_hub(work)
    if print_special(tokens, form, as_json=as_json, quiet=quiet):
        return
    ids = shown_ids(no_trunc, (each.id for each in tokens))
    rows = [
        (
            ids.get(each.id, each.id),
            each.name,
            ",".join(each.scopes),
            "all" if each.workspace_id is None else names.get(each.workspace_id, each.workspace_id),
            ago(each.last_used_at),
            "never" if each.expires_at is None else day_text(each.expires_at, utc=utc),
        )
        for each in tokens
    ]
    print_table(COLUMNS, rows, whole=no_trunc)


@token_command.command("revoke", epilog="Example: arbor token revoke tok_01k5xyz")
@click.argument("token")
@yes_option
def revoke(token: str, yes: bool) -> None:
    """Revoke TOKEN (its name, its id or the end of it) at once, with all that was made with it."""
    from arborlink.cli.session import with_hub
    from arborlink.client import Hub, Token
    from arborlink.client.selection import pick_token

    async def find(hub: Hub) -> tuple[Token, bool]:
        found = pick_token(await hub.tokens(), token)
        return found, (await hub.me()).token_id == found.id

    found, is_in_use = with_hub(find)
    if is_in_use:
        confirm(
            f"revoke {found.name!r} ({found.id}), which this command line itself uses, and "
            "`arbor up` too if it made it",
            yes=yes,
        )
    with_hub(lambda hub: hub.revoke_token(found.id))
    say(f"{found.name} ({found.id}) is revoked")
