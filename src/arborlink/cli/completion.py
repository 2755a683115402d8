"""`arbor completion`, and what it completes besides commands and options: names that the hub knows.

The hub is asked for at most WAIT_SECONDS, and without a word: a shell waits for the answer.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

import click
from click.shell_completion import CompletionItem, get_completion_class

from arborlink.cli.console import show_document

if TYPE_CHECKING:
    from arborlink.client import Hub
    from arborlink.protocol.resources import Task

SHELLS: Final = ("bash", "zsh", "fish")
# Set by the shell's code while it asks what may come next.
VARIABLE: Final = "_ARBOR_COMPLETE"
# From the question, when all that it needs is imported, until the answer.
WAIT_SECONDS: Final = 0.5
NEEDED: Final = ("asyncio", "arborlink.client", "arborlink.client.short_ids", "arborlink.outbound")
OFFERED_TASKS: Final = 30
HELP_CHARS: Final = 60
LAST: Final = "last"
# Of names, besides letters and digits.
PLAIN: Final = frozenset("_-.@%+:,/")
# As `TaskStatus`, which is not imported for the help.
STATUSES: Final = (
    "pending",
    "running",
    "completed",
    "failed",
    "cancelled",
    "lost",
    "expired",
)

Item = tuple[str, str]


@click.command(
    "completion",
    epilog='Example: eval "$(arbor completion bash)"',
    short_help="Completion for your shell.",
)
@click.argument("shell", type=click.Choice(SHELLS), required=False)
def completion_command(shell: str | None) -> None:
    """Print the code that makes SHELL complete `arbor`: commands, options, tasks, workspaces and
    statuses, and files after `arbor run --`.
    """
    from arborlink.cli.main import cli

    name = shell or PurePath(os.environ.get("SHELL", "")).name
    kind = get_completion_class(name) if name in SHELLS else None
    if kind is None:
        raise click.UsageError(f"say which shell: {', '.join(SHELLS)}")
    show_document(kind(cli, {}, "arbor", VARIABLE).source() + "\n")


def complete_tasks(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the ends of the newest tasks' ids, and `last`."""

    async def ask(hub: Hub) -> list[Item]:
        from arborlink.client.short_ids import short_ids

        me = (await hub.me()).user_id
        tasks = await hub.tasks(limit=OFFERED_TASKS)
        ids = short_ids(
            [each.id for each in tasks if each.created_by == me],
            [each.id for each in tasks if each.created_by != me],
        )
        if incomplete.startswith("tsk_"):
            return [(each.id, _about(each)) for each in tasks]
        return [(ids[each.id], _about(each)) for each in tasks]

    return _items([(LAST, "the newest task that you started"), *_ask(ask)], incomplete)


def complete_workspaces(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the names of one's own workspaces, and the addresses of those of others."""

    async def ask(hub: Hub) -> list[Item]:
        from arborlink.client.seeing import see
        from arborlink.client.selection import shown_name

        seen = await see(hub)
        return [
            (shown_name(each, seen.me), each.state.replace("_", " "))
            for each in [*seen.own, *seen.others]
        ]

    return _items(_ask(ask), incomplete)


def complete_tasks_and_workspaces(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer what `complete_tasks` and `complete_workspaces` do."""
    return [
        *complete_workspaces(context, parameter, incomplete),
        *complete_tasks(context, parameter, incomplete),
    ]


def complete_statuses(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer statuses; several are separated by commas."""
    before, comma, last = incomplete.rpartition(",")
    return [CompletionItem(f"{before}{comma}{each}") for each in STATUSES if each.startswith(last)]


def complete_hubs(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the hubs that this machine is signed in to."""
    from arborlink.client import credentials
    from arborlink.protocol.errors import ArborError

    try:
        known = credentials.load_all()
    except ArborError:
        return []
    return _items([(each.name, each.url) for each in known], incomplete)


def complete_files(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Leave it to the shell, which knows files."""
    return [CompletionItem(incomplete, type="file")]


def _items(found: Sequence[Item], incomplete: str) -> list[CompletionItem]:
    return [
        CompletionItem(name, help=text[:HELP_CHARS])
        for name, text in found
        if name.startswith(incomplete) and _is_plain(name)
    ]


def _is_plain(name: str) -> bool:
    """Whether every shell takes it as it is. bash puts what is offered into the line unquoted, so
    another account's workspace `$(id)` would be a command that the next Enter runs."""
    return all(each.isalnum() or each in PLAIN for each in name) and not name.startswith("-")


def _about(task: Task) -> str:
    from arborlink.cli.task_table import command_text, status_text

    text = f"{status_text(task)}: {task.title or command_text(task)}"
    return "".join(each if each.isprintable() else " " for each in text)


def _ask(work: Callable[[Hub], Awaitable[list[Item]]]) -> list[Item]:
    """Return what the hub says; nothing where it does not within WAIT_SECONDS, or refuses."""
    # Imported before the time begins: what takes long on a busy machine is not the hub's fault.
    for module in NEEDED:
        importlib.import_module(module)
    answer: list[Item] = []

    def ask() -> None:
        import asyncio

        from arborlink.client import Hub

        async def inside() -> list[Item]:
            async with Hub(retry_seconds=0) as hub:
                return await work(hub)

        try:
            found: Any = asyncio.run(inside())
        except BaseException:  # whatever is wrong, a word about it would be in the line one types
            return
        answer.extend(found)

    # A thread that is given up ends with the process (`main` does not wait for it).
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(WAIT_SECONDS)
    return list(answer)
