"""Frames between the two processes, in whatever pieces they come."""

from __future__ import annotations

import struct
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.daemon import ipc
from arborlink.daemon.processes import Tree
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import Cancel, Command, Input, Resize, Status

T = TypeVar("T")

TO_CONNECTOR: list[ipc.ToConnector] = [
    ipc.Begin("i", [ipc.ServedWorkspace("w", "http://h", "d", "t", "/p")]),
    ipc.TaskKnown(
        "w", "t", "l", "/s", 1, 2, 3, Status(task_id="t", status=TaskStatus.LOST), Tree(1, 2, None)
    ),
    ipc.Ready(),
    ipc.Grown("w", "t", 0, 2**62),
    ipc.StatusChanged("w", Status(task_id="t", status=TaskStatus.RUNNING, at=5)),
    ipc.InputWritten("w", "t", 9),
    ipc.Stop(),
]
TO_SUPERVISOR: list[ipc.ToSupervisor] = [
    ipc.Hello("1.2", 1),
    ipc.StartTask("w", Command(task_id="t", command="c", args=["a"], env={"A": "b"})),
    ipc.FeedInput("w", Input(task_id="t", offset=0, input=b"\0\xff", eof=True)),
    ipc.ResizeTerminal("w", Resize(task_id="t", cols=1, rows=1)),
    ipc.CancelTask("w", Cancel(task_id="t")),
    ipc.Acknowledged("w", "t", 4, True),
    ipc.Incomplete("w", "t"),
    ipc.Connected("w", False),
    ipc.Refused("w"),
]


@pytest.mark.parametrize(("channel", "understood"), [(0, True), (1, True), (2, False)])
def test_a_supervisor_that_is_too_new_is_not_understood(channel: int, understood: bool) -> None:
    """One from before versions is."""
    begin = ipc.Begin("i", [], "9.9", channel)
    assert begin.is_understood is understood


def test_a_supervisor_from_before_versions_says_none() -> None:
    """Its messages end earlier."""
    (begin,) = ipc.from_supervisor().receive(_old_begin())
    assert begin == ipc.Begin("i", [], None, 0)


def _old_begin() -> bytes:
    body = msgspec.msgpack.encode(["begin", "i", []])
    return struct.pack("<I", len(body)) + body


@given(st.lists(st.integers(1, 60)))
def test_any_chunking(sizes: list[int]) -> None:
    """Both directions come out as they went in."""
    frames = ipc.from_supervisor()
    assert _feed(frames, b"".join(map(ipc.encode, TO_CONNECTOR)), sizes) == TO_CONNECTOR
    others = ipc.from_connector()
    assert _feed(others, b"".join(map(ipc.encode, TO_SUPERVISOR)), sizes) == TO_SUPERVISOR


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<I", ipc.MAX_FRAME_BYTES + 1),
        struct.pack("<I", 1) + b"\xc1",
        ipc.encode(ipc.Stop()),
    ],
)
def test_what_is_no_frame_is_an_error(data: bytes) -> None:
    """Too long, not MessagePack, or of the other direction."""
    with pytest.raises(ipc.FrameError):
        ipc.from_connector().receive(data)


def _feed(frames: ipc.Frames[T], data: bytes, sizes: list[int]) -> list[T]:
    messages: list[T] = []
    at = 0
    for size in [*sizes, len(data)]:
        messages += frames.receive(data[at : at + size])
        at += size
    return messages
