"""No process holds a terminal larger than 1,000 by 500, whoever sent or stored its size."""

from __future__ import annotations

import msgspec
import pytest

from arborlink.protocol import limits
from arborlink.protocol.codec import Codec
from arborlink.protocol.messages import Command, Resize, Resized, ViewerResize
from arborlink.protocol.resources import NewTask, NewTerminal, Terminal, TerminalSize

LARGEST = TerminalSize(cols=limits.MAX_TERMINAL_COLUMNS, rows=limits.MAX_TERMINAL_ROWS)
TOO_LARGE = {"cols": limits.MAX_TERMINAL_SIDE, "rows": limits.MAX_TERMINAL_SIDE}


@pytest.mark.parametrize(
    ("cols", "rows"), [(1_001, 24), (80, 501), (1_001, 501), (5_000, 5_000), (2**63, 1), (1, 0)]
)
def test_a_new_task_with_a_larger_terminal_is_refused(cols: int, rows: int) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"tty\.(cols|rows)"):
        msgspec.convert({"command": "c", "tty": {"cols": cols, "rows": rows}}, NewTask)


def test_a_new_task_has_a_terminal_up_to_the_bound() -> None:
    body = {"command": "c", "tty": {"cols": 1_000, "rows": 500}}
    tty = msgspec.convert(body, NewTask).tty
    assert tty is not None and (tty.cols, tty.rows) == (1_000, 500)


@pytest.mark.parametrize("json", [True, False])
def test_a_resize_is_read_as_the_bound(json: bool) -> None:
    codec = Codec(json=json)
    frame = (msgspec.json if json else msgspec.msgpack).encode(
        {"type": "resize", "taskId": "t", **TOO_LARGE}
    )
    wish = ViewerResize(task_id="t", cols=1_000, rows=500)
    assert codec.viewer_to_hub.decode(frame) == wish
    assert codec.hub_to_daemon.decode(frame) == Resize(task_id="t", cols=1_000, rows=500)


def test_a_command_of_an_earlier_hub_is_read_as_the_bound() -> None:
    frame = msgspec.msgpack.encode(
        {"type": "command", "taskId": "t", "command": "c", "args": [], "tty": TOO_LARGE}
    )
    command = Codec(json=False).hub_to_daemon.decode(frame)
    assert isinstance(command, Command) and command.tty == Terminal(
        **msgspec.structs.asdict(LARGEST)
    )


def test_a_size_that_is_made_is_within_the_bound() -> None:
    assert TerminalSize(cols=1_001, rows=501) == LARGEST
    asked = NewTerminal(cols=1_280, rows=24)
    assert (asked.cols, asked.rows) == (1_000, 24)
    assert Resize(task_id="t", cols=10**9, rows=10**9) == Resize(task_id="t", cols=1_000, rows=500)
    applied = Resized(task_id="t", offset=0, cols=1_001, rows=501, time=0)
    assert (applied.cols, applied.rows) == (1_000, 500)
