"""When something happened that a daemon reports, by the hub's clock."""

from __future__ import annotations

import msgspec
import pytest

from arborlink.hub.live.settlement import happened_at
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import Status

YEAR_9999 = 253_402_300_799_000_000


@pytest.mark.parametrize("skew", [-90 * 60, -30, 0, 30, 90 * 60])
@pytest.mark.parametrize("delay", [0, 2 * 3_600])
def test_how_long_a_task_ran_does_not_depend_on_its_daemons_clock(skew: int, delay: int) -> None:
    """A minute, and the end is heard of at once, or two hours later. In seconds."""

    def report(at: int, sent_at: int) -> Status:
        clock = 1_000_000 + skew
        return Status(
            task_id="tsk_1",
            status=TaskStatus.RUNNING,
            at=(clock + at) * 1_000_000,
            sent_at=(clock + sent_at) * 1_000_000,
        )

    created = 1_000_000 * 1_000_000
    started = happened_at(report(1, 1), created, created + 1_000_000)
    heard = 61 + delay
    ended = happened_at(report(61, heard), started, created + heard * 1_000_000)
    assert (started - created, ended - started) == (1_000_000, 60_000_000)


@pytest.mark.parametrize(("at", "sent_at"), [(0, YEAR_9999), (YEAR_9999, 0), (5, 5)])
def test_what_a_daemon_says_is_kept_between_what_came_before_and_now(at: int, sent_at: int) -> None:
    report = Status(task_id="tsk_1", status=TaskStatus.LOST, at=at, sent_at=sent_at)
    assert 100 <= happened_at(report, 100, 200) <= 200
    assert happened_at(msgspec.structs.replace(report, at=None), 100, 200) == 200
