"""The order in which a workspace's side of the link sends, without sockets and clocks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from arborlink.daemon import ipc
from arborlink.daemon.readers import OPEN_READERS
from arborlink.daemon.uplink import Uplink
from arborlink.outputlog import OutputLog
from arborlink.protocol.codec import Codec
from arborlink.protocol.fields import TaskUsage
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.limits import WireLimits
from arborlink.protocol.link import Close
from arborlink.protocol.messages import (
    Ack,
    AnyMessage,
    Command,
    DaemonAuth,
    DaemonWelcome,
    Gap,
    Heartbeat,
    HostInfo,
    Output,
    Status,
    TaskPosition,
    Usage,
)
from arborlink.protocol.resources import TerminalSizeChange

CODEC = Codec(json=False)
KIB = 1024
LOG_ID = "0" * 32
HOST = HostInfo(hostname="h", platform="p", user="u", path="/p")
SERVED = ipc.ServedWorkspace("w", "http://127.0.0.1", "d", "token", "/p")


UNIX_US = 1_700_000_000_000_000


class Bench:
    """An uplink, the hub's messages in, its messages out, and what it told the supervisor."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[ipc.ToSupervisor] = []
        self.unix_us = UNIX_US
        self.uplink = Uplink(
            SERVED,
            instance_id="i",
            host=HOST,
            version="1",
            tell=self.told.append,
            unix_us=lambda: self.unix_us,
        )

    def task(
        self,
        name: str,
        size: int,
        *,
        end: Status | None = None,
        start: int = 0,
        sizes: Sequence[TerminalSizeChange] = (),
    ) -> None:
        """A task with `size` bytes in its spool, all of which are its name."""
        log = OutputLog.create(self.folder / name, LOG_ID)
        for at in range(0, size, 64 * KIB):
            piece = name.encode() * min(64 * KIB, size - at)
            log.append(piece, is_error=False, time_us=at)
        log.close()
        status = end or Status(task_id=name, status=TaskStatus.RUNNING)
        stem = str(self.folder / name)
        self.uplink.task_known(
            ipc.TaskKnown("w", name, LOG_ID, stem, start, size, 0, status, None, list(sizes))
        )

    def connect(
        self, *positions: TaskPosition, capabilities: Sequence[str] = (), **limits: float
    ) -> DaemonAuth:
        """A new connection that the hub welcomes; returns its `auth`."""
        self.uplink.connect(0.0)
        (auth,) = self.sent()
        assert isinstance(auth, DaemonAuth)
        self.hub(
            DaemonWelcome(
                epoch=1,
                hub_id="h",
                limits=WireLimits(**cast(dict[str, Any], limits)),
                tasks=list(positions),
                capabilities=list(capabilities),
            )
        )
        return auth

    def hub(self, message: AnyMessage) -> None:
        """The hub says something."""
        self.uplink.receive(CODEC.encode(message), 0.0)

    def sent(self, most: int = 10_000) -> list[AnyMessage | Close]:
        """What goes out now."""
        messages: list[AnyMessage | Close] = []
        while len(messages) < most and (frame := self.uplink.next_frame()) is not None:
            if isinstance(frame, Close):
                messages.append(frame)
                break
            decoded = CODEC.daemon_to_hub.decode(frame)
            messages.append(decoded)  # type: ignore[arg-type]
        return messages


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A fresh one."""
    return Bench(tmp_path)


def ended(name: str, final: int) -> Status:
    """A task that completed."""
    return Status(
        task_id=name,
        status=TaskStatus.COMPLETED,
        final_offset=final,
        checksum="crc32:00000000",
        sent_at=UNIX_US,
    )


def at(name: str, offset: int = 0, credit: int = 1 << 30) -> TaskPosition:
    """Where the hub is."""
    return TaskPosition(task_id=name, offset=offset, credit=credit)


def test_the_end_goes_after_the_last_byte(bench: Bench) -> None:
    """Never before: it says that everything is there."""
    bench.task("a", 300 * KIB, end=ended("a", 300 * KIB))
    bench.connect(at("a"))
    *output, last = bench.sent()
    assert all(isinstance(message, Output) for message in output)
    assert last == ended("a", 300 * KIB)


def test_credit_is_kept(bench: Bench) -> None:
    """Of a task and of the connection, whichever is less; an acknowledgement gives more."""
    bench.task("a", 300 * KIB)
    bench.task("b", 300 * KIB)
    bench.connect(at("a", credit=100 * KIB), at("b"), connection_unacknowledged_bytes=200 * KIB)
    sent = bench.sent()
    assert _bytes(sent, "a") == 100 * KIB
    assert _bytes(sent, "b") == 100 * KIB
    bench.hub(Ack(task_id="a", offset=100 * KIB, credit=50 * KIB))
    sent = bench.sent()
    assert 0 < _bytes(sent, "a") <= 50 * KIB
    assert _bytes(sent, "a") + _bytes(sent, "b") == 100 * KIB


@pytest.mark.parametrize("most", [KIB, 3 * KIB])
def test_an_output_is_no_larger_than_the_hub_takes(bench: Bench, most: int) -> None:
    """Whatever it would be by itself."""
    bench.task("a", 200 * KIB)
    bench.connect(at("a"), output_frame_bytes=most)
    sizes = [len(m.output) for m in bench.sent() if isinstance(m, Output)]
    assert sum(sizes) == 200 * KIB
    assert max(sizes) == most


def test_heartbeats_are_as_the_hub_announces_them(bench: Bench) -> None:
    bench.connect(heartbeat_seconds=0.5, silence_seconds=1.5)
    assert bench.uplink.next_deadline() == 0.5
    assert bench.uplink.liveness == (0.5, 1.5)
    bench.uplink.disconnected()
    bench.connect()
    assert bench.uplink.next_deadline() == 5.0


def test_a_message_of_many_tasks_is_no_larger_than_the_hub_takes(bench: Bench) -> None:
    most = 8 * KIB
    bench.connect(control_message_bytes=most)
    bench.sent()
    top = 2**63 - 1
    bench.uplink.usage_measured(
        [
            TaskUsage(
                task_id=f"{number:064}",
                cpu_seconds=top,
                cpu_share=top,
                memory_bytes=top,
                processes=top,
            )
            for number in range(1_000)
        ]
    )
    (usage,) = bench.sent()
    assert isinstance(usage, Usage) and len(usage.tasks) == 32
    assert len(CODEC.encode(usage)) <= most


def test_tasks_take_turns_and_control_comes_first(bench: Bench) -> None:
    """A flood delays nobody by more than a frame."""
    bench.task("a", 5_000 * KIB)
    bench.task("b", 100 * KIB)
    bench.connect(at("a"), at("b"))
    first = [m.task_id for m in bench.sent(6) if isinstance(m, Output)]
    assert first == ["a", "b", "a", "b"]
    bench.hub(Heartbeat(sent_at=7))
    assert bench.sent(1) == [Heartbeat(sent_at=0, echo=7)]


def test_what_was_pruned_is_a_gap_and_voids_the_checksum(bench: Bench) -> None:
    """The hub wants more than is kept: it is told, and the supervisor remembers."""
    bench.task("a", 300 * KIB, end=ended("a", 300 * KIB), start=128 * KIB)
    bench.connect(at("a", 10))
    gap, *_, last = bench.sent()
    assert gap == Gap(task_id="a", start=10, end=128 * KIB, reason="spool_pruned")
    assert isinstance(last, Status)
    assert last.checksum is None
    assert ipc.Incomplete("w", "a") in bench.told


def test_a_hub_that_has_more_than_we_do_is_believed(bench: Bench) -> None:
    """Power was lost after it was sent and before it was on the disk."""
    bench.task("a", 64 * KIB, end=ended("a", 64 * KIB))
    bench.connect(at("a", 70 * KIB))
    (last,) = bench.sent()
    assert isinstance(last, Status)
    assert (last.final_offset, last.checksum) == (70 * KIB, None)


def test_a_damaged_spool_is_declared(bench: Bench) -> None:
    """Files that are gone or cut off become a gap, not a crash."""
    bench.task("a", 64 * KIB, end=ended("a", 64 * KIB))
    bench.task("b", 64 * KIB, end=ended("b", 64 * KIB))
    (bench.folder / "a.log").unlink()
    (bench.folder / "b.log").write_bytes(b"")
    bench.connect(at("a"), at("b"))
    sent = bench.sent()
    gaps = [message for message in sent if isinstance(message, Gap)]
    assert {(gap.task_id, gap.start, gap.end) for gap in gaps} == {
        ("a", 0, 64 * KIB),
        ("b", 0, 64 * KIB),
    }
    assert {gap.reason for gap in gaps} == {"spool_corrupt"}
    statuses = [message for message in sent if isinstance(message, Status)]
    assert [status.checksum for status in statuses] == [None, None]


def test_what_a_power_loss_took_is_declared_if_the_hub_lacks_it(bench: Bench) -> None:
    """The checksum, said before, stands if the hub has everything, and is void if it has not."""
    for name in ("a", "b"):
        bench.task(name, 64 * KIB, end=ended(name, 80 * KIB))
        log = OutputLog.open(bench.folder / name)
        log.append_gap(80 * KIB, "spool_corrupt")
        log.close()
        bench.uplink.tasks[name].grow(0, 80 * KIB)
    bench.connect(at("a", 80 * KIB), at("b"))
    sent = bench.sent()
    assert [m for m in sent if isinstance(m, Gap)] == [
        Gap(task_id="b", start=64 * KIB, end=80 * KIB, reason="spool_corrupt")
    ]
    statuses = {m.task_id: m for m in sent if isinstance(m, Status)}
    assert statuses["a"] == ended("a", 80 * KIB)
    assert statuses["b"].checksum is None
    assert ipc.Incomplete("w", "a") not in bench.told


def test_a_flood_is_acknowledged_in_larger_steps(bench: Bench) -> None:
    """And what is held back is told with the last one."""
    bench.task("a", 1024 * KIB)
    bench.connect(at("a"))
    bench.sent()
    for offset in range(64 * KIB, 1025 * KIB, 64 * KIB):
        bench.hub(Ack(task_id="a", offset=offset, credit=1 << 30))
    told = [m.offset for m in bench.told if isinstance(m, ipc.Acknowledged)]
    assert told == [512 * KIB, 1024 * KIB]


def test_few_logs_are_open(bench: Bench) -> None:
    """However many tasks wait for their output to be sent; and none of what was sent."""
    names = [f"t{number}" for number in range(OPEN_READERS + 20)]
    for name in names:
        bench.task(name, 70 * KIB, end=ended(name, 70 * KIB))
    bench.connect(*(at(name) for name in names))
    assert len(bench.sent(len(names))) == len(names)
    assert len(bench.uplink.readers) == OPEN_READERS
    sent = bench.sent()
    assert {m.task_id for m in sent if isinstance(m, Status)} == set(names)
    assert not [m for m in sent if isinstance(m, Gap)]
    assert len(bench.uplink.readers) == 0


def test_an_end_is_repeated_until_it_is_settled(bench: Bench) -> None:
    """After each reconnect; then the supervisor may forget it."""
    bench.task("a", 10, end=ended("a", 10))
    for _ in range(2):
        bench.connect(at("a", 10))
        assert bench.sent() == [ended("a", 10)]
        bench.uplink.disconnected()
    bench.connect(at("a", 10))
    bench.sent()
    bench.hub(Ack(task_id="a", offset=10, credit=1, settled=True))
    assert bench.told[-1] == ipc.Acknowledged("w", "a", 10, True)
    assert bench.uplink.tasks == {}


def test_what_the_hub_does_not_want_is_forgotten_when_it_is_over(bench: Bench) -> None:
    """A running one is kept; it may be wanted again."""
    bench.task("over", 10, end=ended("over", 10))
    bench.task("runs", 10)
    auth = bench.connect()
    assert {task.task_id for task in auth.tasks} == {"over", "runs"}
    assert bench.sent() == []
    assert bench.told == [ipc.Acknowledged("w", "over", 10, True)]
    assert set(bench.uplink.tasks) == {"runs"}


def test_commands_go_to_the_supervisor(bench: Bench) -> None:
    """And its answer back, also for what is no task."""
    bench.connect()
    command = Command(task_id="a", command="true", args=[])
    bench.hub(command)
    assert bench.told == [ipc.StartTask("w", command)]
    bench.uplink.status_changed(ended("a", 0))
    assert bench.sent() == [ended("a", 0)]


@pytest.mark.parametrize("frame", [b"\xc1", b"", b"\x81\xa4type\xa6output", "text"])
def test_a_hub_that_talks_nonsense_is_left(bench: Bench, frame: bytes | str) -> None:
    """With a close code, and without an exception."""
    bench.connect()
    bench.uplink.receive(frame, 0.0)
    sent = bench.sent()
    if sent:
        (close,) = sent
        assert isinstance(close, Close)
        assert close.code == 4400


def test_an_acknowledgement_of_what_was_never_written_ends_the_connection(bench: Bench) -> None:
    """The hub has mixed something up; a new connection sorts it out."""
    bench.task("a", 10)
    bench.connect(at("a", credit=5))
    bench.sent()
    bench.hub(Ack(task_id="a", offset=11, credit=5))
    (close,) = bench.sent()
    assert isinstance(close, Close)


def _bytes(messages: list[AnyMessage | Close], task_id: str) -> int:
    return sum(
        len(message.output)
        for message in messages
        if isinstance(message, Output) and message.task_id == task_id
    )


def test_a_status_says_when_it_was_sent_by_the_same_clock(bench: Bench) -> None:
    bench.task("a", 0, end=msgspec.structs.replace(ended("a", 0), at=UNIX_US))
    bench.connect(at("a"))
    bench.unix_us = UNIX_US + 60_000_000
    (status,) = [message for message in bench.sent() if isinstance(message, Status)]
    assert (status.at, status.sent_at) == (UNIX_US, UNIX_US + 60_000_000)
