"""`arbor link`."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from arborlink.cli.console import print_json, say, show


@click.command(
    "link",
    epilog="\b\nExamples:\narbor link\narbor link --open",
    short_help="A link that signs a browser in, once.",
)
@click.option("--open", "open_browser", is_flag=True, help="Open a browser with it here.")
@click.option("--json", "as_json", is_flag=True, help="As the API shows it.")
def link_command(open_browser: bool, as_json: bool) -> None:
    """Print a link that signs a browser in as you, once, within ten minutes.

    The first browser that opens it is signed in, so give it to no other person. It needs a token
    with the scope `admin`, such as that of `arbor up` or `arbor login --all`. The link, and what it
    signs in, end with that token.

    As an argument of a program, other users of this machine could read it: --open hands it over in
    a file of yours.
    """
    from arborlink.cli.session import with_hub

    link = with_hub(lambda hub: hub.session_link())
    if open_browser:
        from arborlink.cli.browser import open_link_and_leave

        if not open_link_and_leave(link.url):
            raise click.ClickException("no browser could be opened; `arbor link` prints the link")
        return
    if as_json:
        print_json(link)
        return
    show(link.url)
    if sys.stderr.isatty():
        until = datetime.fromisoformat(link.expires_at).astimezone()
        say(f"it signs a browser in as you, once, until {until:%H:%M}")
