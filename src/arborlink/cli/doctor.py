"""`arbor doctor`."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from arborlink import visible
from arborlink.cli import exits
from arborlink.cli.checks.finding import Finding, Section
from arborlink.cli.console import print_json, show

if TYPE_CHECKING:
    from arborlink.client.credentials import Credentials
    from arborlink.daemon.app import Identity

MARKS: Final = {"ok": "ok", "warning": "look", "failed": "FAIL"}
COLOURS: Final = {"ok": "green", "warning": "yellow", "failed": "red"}
MARK_WIDTH: Final = 4
CHECK_WIDTH: Final = 12
MOST_COLUMNS: Final = 100
FEWEST_COLUMNS: Final = 50


@click.command(
    "doctor",
    epilog="\b\nExamples:\narbor doctor\narbor doctor --hub https://arbor.example.org\n"
    "arbor doctor --json",
    short_help="What is wrong with this machine's set-up, and what to do.",
)
@click.option("--hub", "hub_url", help="Look at the way to this hub, too.")
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False),
    help="A hub's own CA.  [default: the one that was kept]",
)
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Of a hub here.  [default: its usual one]"
)
@click.option("--json", "as_json", is_flag=True, help="The findings, for programs.")
def doctor_command(
    hub_url: str | None, ca: str | None, data_dir: Path | None, as_json: bool
) -> int:
    """Find what is wrong with this machine's set-up: folders, disks, limits, the way to the hub,
    TLS, clocks, versions, credentials, and the daemons that are set up here.

    Changes nothing. Exits with 1 if anything has failed.
    """
    sections = []
    for section in examine(hub_url, data_dir, ca):
        sections.append(section)
        if not as_json:
            show_section(section)
    findings = [finding for section in sections for finding in section.findings]
    if as_json:
        print_json(
            [
                {"about": section.about, **_as_dict(finding)}
                for section in sections
                for finding in section.findings
            ]
        )
    else:
        show(summary(findings))
    return exits.FAILED if any(each.verdict == "failed" for each in findings) else exits.DONE


def examine(hub_url: str | None, data_dir: Path | None, ca: str | None = None) -> Iterator[Section]:
    """Everything, from the ground up."""
    from arborlink import home
    from arborlink.cli.checks import account, hub, local_hub, machine

    data_dir = data_dir or home.hub_folder()
    yield Section(
        "this machine",
        [
            machine.check_writable("data", home.daemons_folder()),
            machine.check_writable("settings", home.credentials_file().parent),
            machine.check_room("disk", home.daemons_folder()),
            machine.check_descriptors(),
        ],
    )
    if local_hub.has_hub(data_dir):
        found = local_hub.check_local_hub(data_dir, *_listening())
        yield Section(f"hub in {data_dir}", list(found))
    credentials = account.find_credentials()
    identities = _identities()
    reachable = set()
    for url in _hubs(hub_url, credentials, identities):
        trusted = ca or _ca_for(url, credentials, identities)
        findings = list(hub.check_hub(url, trusted, _key_for(url, credentials, identities)))
        if all(each.verdict != "failed" for each in findings):
            reachable.add(url)
        yield Section(f"hub at {url}", findings)
    yield Section("sign-in", _sign_in(credentials, reachable))
    yield from _daemons(credentials, identities, reachable)


def _identities() -> list[Identity]:
    from arborlink.daemon import app

    try:
        return app.load_all()
    except OSError:
        return []  # what is wrong with the folder was found already


def _sign_in(credentials: Credentials | Finding, reachable: set[str]) -> list[Finding]:
    from arborlink.cli.checks import account

    there = not isinstance(credentials, Finding) and credentials.url in reachable
    return list(account.check_account(credentials, reachable=there))


def _daemons(
    credentials: Credentials | Finding, identities: list[Identity], reachable: set[str]
) -> Iterator[Section]:
    from arborlink.cli.checks import account, daemons

    strangers = list(daemons.check_unreadable({each.workspace_id for each in identities}))
    if strangers:
        yield Section("daemons", strangers)
    known = {}
    if not isinstance(credentials, Finding) and credentials.url in reachable and identities:
        known = account.visible_workspaces(credentials)
    for identity in identities:
        workspace = known.get(identity.workspace_id)
        found = daemons.check_daemon(identity, workspace, reachable=identity.hub in reachable)
        yield Section(f"daemon of {identity.path}", list(found))


def _hubs(
    asked: str | None, credentials: Credentials | Finding, identities: list[Identity]
) -> list[str]:
    """Each hub that something here speaks to, once."""
    urls = [] if asked is None else [asked.rstrip("/")]
    if not isinstance(credentials, Finding):
        urls.append(credentials.url)
    return list(dict.fromkeys([*urls, *(identity.hub for identity in identities)]))


def _ca_for(url: str, credentials: Credentials | Finding, identities: list[Identity]) -> str | None:
    """The CA that was kept for a hub."""
    known = [] if isinstance(credentials, Finding) else [(credentials.url, credentials.ca)]
    known += [(identity.hub, identity.ca) for identity in identities]
    return next((ca for hub, ca in known if hub == url and ca is not None), None)


def _key_for(
    url: str, credentials: Credentials | Finding, identities: list[Identity]
) -> str | None:
    """The key by which a hub is known."""
    known = [] if isinstance(credentials, Finding) else [(credentials.url, credentials.hub_key)]
    known += [(identity.hub, identity.hub_key) for identity in identities]
    return next((key for hub, key in known if hub == url and key is not None), None)


def _listening() -> tuple[str, int]:
    """Where a hub would listen that is started without flags."""
    port = os.environ.get("ARBOR_PORT", "")
    return os.environ.get("ARBOR_HOST") or "127.0.0.1", int(port) if port.isdecimal() else 4000


def _as_dict(finding: Finding) -> dict[str, str]:
    import msgspec

    return {name: str(value) for name, value in msgspec.structs.asdict(finding).items()}


# ── for people ───────────────────────────────────────────────────────────────────────────────


def show_section(section: Section) -> None:
    """A heading and a line a finding; what is wrong has more lines below."""
    if not section.findings:
        return
    show(section.about, bold=True)
    for finding in section.findings:
        label = f"  {finding.check.ljust(CHECK_WIDTH)} "
        mark = f"  {MARKS[finding.verdict].ljust(MARK_WIDTH)}"
        _show_wrapped(label, finding.found, mark=mark, color=COLOURS[finding.verdict])
        for name, text in (("why", finding.why), ("do", finding.do)):
            if text:
                _show_wrapped(" " * (MARK_WIDTH + CHECK_WIDTH) + f"{name:>3}  ", text)
    show()


def _show_wrapped(label: str, text: str, *, mark: str = "", color: str | None = None) -> None:
    """`text` beside `label`, and its further lines below itself."""
    indent = MARK_WIDTH + CHECK_WIDTH + 5
    columns = max(FEWEST_COLUMNS, min(MOST_COLUMNS, _columns()) - indent)
    # Addresses and commands are to be copied: they are not broken.
    lines = textwrap.wrap(
        visible.line(text), columns, break_long_words=False, break_on_hyphens=False
    ) or [""]
    show(label + lines[0], mark=mark, color=color)
    for line in lines[1:]:
        show(" " * indent + line)


def _columns() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else MOST_COLUMNS


def summary(findings: list[Finding]) -> str:
    """The last line."""
    wrong = sum(each.verdict == "failed" for each in findings)
    odd = sum(each.verdict == "warning" for each in findings)
    if not wrong and not odd:
        return f"All {len(findings)} checks are fine."
    parts = [f"{wrong} failed"] if wrong else []
    parts += [f"{odd} to look at"] if odd else []
    return f"{len(findings)} checks: {', '.join(parts)}."
