"""`arbor user`: the accounts of a hub, and one's own password."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from arborlink.cli.confirm import confirm, yes_option
from arborlink.cli.console import ask_secret, print_json, print_table, say, show
from arborlink.cli.display import ago, day_text
from arborlink.cli.lazy import with_aliases
from arborlink.cli.listing import listing_options, print_special, shown_ids
from arborlink.cli.table import Column

if TYPE_CHECKING:
    from arborlink.client import Hub, Principal
    from arborlink.protocol.resources import Role, User


COLUMNS = (
    Column("ID"),
    Column("NAME", least=8),
    Column("ROLE"),
    Column("PASSWORD"),
    Column("CREATED"),
)


@click.group(
    "user",
    cls=with_aliases({"ls": "list", "rm": "remove"}),
    epilog="Example: arbor user add mia",
    short_help="Add, list and remove accounts; set passwords.",
)
def user_command() -> None:
    """Manage the hub's accounts. All but your own password is for owners of the hub."""


@user_command.command("add", epilog="Example: arbor user add mia --link")
@click.argument("name")
@click.option("--owner", is_flag=True, help="May manage the hub and see everything on it.")
@click.option("--link", is_flag=True, help="No password: print a link that signs in, once.")
@click.option("--json", "as_json", is_flag=True, help="As the API shows it.")
def add(name: str, owner: bool, link: bool, as_json: bool) -> None:
    """Create the account NAME. You are asked for its password, or it is read from stdin."""
    from arborlink.cli.session import with_hub

    password = None if link else _new_password()
    role: Role = "owner" if owner else "member"
    user = with_hub(lambda hub: hub.create_user(name, role=role, password=password))
    if as_json:
        print_json(user)
        return
    say(f"{user.username} ({user.role}) may sign in now")
    if user.link is not None:
        say("with this link, within 10 minutes, once:")
        show(user.link.url)


@user_command.command("list", epilog="Example: arbor user list --json")
@listing_options
def list_users(form: str, as_json: bool, quiet: bool, no_trunc: bool, utc: bool) -> None:
    """List accounts."""
    from arborlink.cli.session import with_hub

    users = with_hub(lambda hub: hub.users())
    if print_special(users, form, as_json=as_json, quiet=quiet):
        return
    ids = shown_ids(no_trunc, (each.id for each in users))
    rows = [
        (
            ids.get(each.id, each.id),
            each.username,
            each.role,
            "yes" if each.has_password else "no",
            day_text(each.created_at, utc=True) if utc else ago(each.created_at),
        )
        for each in users
    ]
    print_table(COLUMNS, rows, whole=no_trunc)


@user_command.command("remove", epilog="Example: arbor user remove mia")
@click.argument("name")
@yes_option
def remove(name: str, yes: bool) -> None:
    """Remove the account NAME with its tokens, sessions and daemons.

    Its workspaces become yours, without a daemon.
    """
    from arborlink.cli.session import with_hub

    if sys.stdin is not None and sys.stdin.isatty():
        confirm(f"remove the account {name} with its tokens, sessions and daemons", yes=yes)

    async def work(hub: Hub) -> str:
        user = await _user(hub, name)
        await hub.remove_user(user.id)
        return f"{user.username} is removed"

    say(with_hub(work))


@user_command.command("passwd", epilog="Example: arbor user passwd")
@click.argument("name", required=False)
def passwd(name: str | None) -> None:
    """Set your own password, or as an owner of the hub that of the account NAME. This signs the
    account out of all browsers.

    You are asked for passwords, or they are read from stdin, one on each line: first the current
    one, if it is your own and you have one, then the new one.
    """
    from arborlink.cli.session import with_hub
    from arborlink.client.selection import is_called

    async def find(hub: Hub) -> tuple[Principal, str]:
        me = await hub.me()
        # Members may not list accounts, and need not.
        if name is None or name == me.user_id or is_called(me.username, name):
            return me, me.user_id
        return me, (await _user(hub, name)).id

    me, user_id = with_hub(find)
    current = None
    if user_id == me.user_id and me.has_password:
        current = _password("current password: ")
    new = _new_password()
    user = with_hub(lambda hub: hub.change_user(user_id, password=new, current_password=current))
    say(f"{user.username} has a new password")


async def _user(hub: Hub, name: str) -> User:
    from arborlink.client.selection import pick_user

    return pick_user(await hub.users(), name)


def _new_password() -> str:
    password = _password("new password: ")
    if sys.stdin.isatty() and password != _password("once more: "):
        raise click.ClickException("these were two different passwords; nothing was changed")
    return password


def _password(prompt: str) -> str:
    # Never an argument: those are seen by everybody on the machine, and kept in histories.
    if sys.stdin.isatty():
        return ask_secret(prompt)
    line = sys.stdin.readline()
    if not line.strip("\r\n"):
        raise click.ClickException(f"there is no {prompt.rstrip(': ')} on stdin")
    return line.rstrip("\r\n")
