"""`arbor wait`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from arborlink.cli import exits
from arborlink.cli.console import complain, print_json
from arborlink.cli.notices import watch_machine
from arborlink.cli.parameters import DURATION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arborlink.client import Task, TaskHandle

EXAMPLES = """\b
Examples:
  arbor wait last && echo it worked
  arbor wait --timeout 10m 7h2k q9xe
"""


@click.command("wait", epilog=EXAMPLES, short_help="Wait for tasks to end.")
@click.argument("tasks", nargs=-1, required=True, metavar="TASK...")
@click.option("--timeout", type=DURATION, help="Wait at most so long: 90, 10m, 2h30m.")
@click.option("--json", "as_json", is_flag=True, help="The tasks, as they ended.")
def wait_command(tasks: tuple[str, ...], timeout: float | None, as_json: bool) -> int:
    """Wait for the end of each of TASKS (ids, their last characters, or `last`).

    Exits as `arbor run` would have: of several, with the first code that is not 0, in the order in
    which they are given; with 124 when --timeout is over. The tasks go on, whatever happens here.
    """
    from arborlink.cli.session import choose_task, with_hub
    from arborlink.client import Hub

    async def work(hub: Hub) -> tuple[list[Task], int]:
        handles = [await choose_task(hub, ref, doing="waiting in") for ref in tasks]
        try:
            async with asyncio.timeout(timeout):
                await _wait_for_all(handles)
        except TimeoutError:
            return [each.info for each in handles], _say_not_over(handles)
        ended = [each.info for each in handles]
        return ended, _say_how(ended)

    ended, code = with_hub(work)
    if as_json:
        print_json(ended)
    return code


async def _wait_for_all(handles: Sequence[TaskHandle]) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for handle in handles:
                group.create_task(handle.wait())
                group.create_task(watch_machine(handle))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


def _say_how(ended: Sequence[Task]) -> int:
    outcomes = [exits.of_task(each) for each in ended]
    for task, (_, sentence) in zip(ended, outcomes, strict=True):
        if sentence is not None:
            complain(sentence if len(ended) == 1 else f"{task.id}: {sentence}")
    return next((code for code, _ in outcomes if code != exits.DONE), exits.DONE)


def _say_not_over(handles: Sequence[TaskHandle]) -> int:
    left = [each.id for each in handles if not each.over]
    complain(f"the time to wait is over; not over yet: {', '.join(left)}")
    return exits.TIMED_OUT
