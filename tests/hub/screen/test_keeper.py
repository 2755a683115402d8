"""The process that keeps screens: how it reads logs, what it skips, and what bounds it."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from arborlink.hub.screen import follower as followers
from arborlink.hub.screen import ipc
from arborlink.hub.screen.allowance import BURST_SECONDS, SHARE, Allowance
from arborlink.hub.screen.follower import FAR_BEHIND_BYTES, TAIL_BYTES, Follower
from arborlink.hub.screen.keeper import Keeper, Server
from arborlink.hub.screen.model import ScreenModel
from arborlink.hub.screen.parser import Parser
from arborlink.outputlog import OutputLog
from arborlink.protocol.resources import TerminalSizeChange
from tests.bounds import HANG_SECONDS, NEVER_SECONDS

LOG_ID = "0" * 32


class Log:
    """An output that grows."""

    def __init__(self, folder: Path, name: str = "tsk_1") -> None:
        self.name = name
        self.stem = folder / name
        self._log = OutputLog.create(self.stem, LOG_ID)
        self.sizes = [size(0, 20, 6)]

    def write(self, data: bytes) -> None:
        self._log.append(data, is_error=False, time_us=0)

    def gap(self, length: int) -> None:
        self._log.append_gap(self._log.end + length, "spool_full")

    @property
    def end(self) -> int:
        return self._log.end

    @property
    def terminal(self) -> ipc.Follow:
        return ipc.Follow(self.name, str(self.stem), self.sizes)

    def close(self) -> None:
        self._log.close()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    found = Log(tmp_path)
    yield found
    found.close()


def size(offset: int, cols: int, rows: int, time: int = 0) -> TerminalSizeChange:
    return TerminalSizeChange(offset=offset, cols=cols, rows=rows, time=time)


def text(model: ScreenModel) -> list[str]:
    return ["".join(row.text).rstrip() for row in model.grid.rows]


def take(keeper: Keeper, log: Log, seconds: float = NEVER_SECONDS) -> ipc.Taken:
    follower = keeper.follow(log.terminal)
    return keeper.take(ipc.Take(1, log.terminal, seconds), follower.end())


def test_a_snapshot_is_of_the_end_of_the_log(log: Log) -> None:
    keeper = Keeper()
    log.write(b"\x1b[?1049h\x1b[2;2Hone")
    assert take(keeper, log).offset == log.end
    log.write(b" two")
    taken = take(keeper, log)
    assert taken.output is not None
    again = ScreenModel(taken.cols, taken.rows)
    Parser(again).feed(taken.output)
    assert (text(again)[1], again.is_alternate) == (" one two", True)


def test_a_log_that_is_not_there_yet_is_an_empty_screen(tmp_path: Path) -> None:
    keeper = Keeper()
    terminal = ipc.Follow("tsk_2", str(tmp_path / "tsk_2"), [size(0, 30, 4)])
    keeper.follow(terminal)
    taken = keeper.take(ipc.Take(1, terminal, NEVER_SECONDS), 0)
    assert (taken.offset, taken.cols, taken.rows, taken.fault) == (0, 30, 4, None)


def test_sizes_count_from_their_offsets(log: Log) -> None:
    log.sizes += [size(10, 5, 3), size(20, 12, 2)]
    log.write(b"a" * 10 + b"b" * 10 + b"c" * 10)
    follower = Follower(log.stem, log.sizes)
    assert follower.draw(15, lambda: False)
    assert (follower.model.cols, follower.model.rows) == (5, 3)
    taken = take(Keeper(), log)
    assert (taken.cols, taken.rows) == (12, 2)


def test_what_is_far_behind_is_skipped_but_for_its_modes_and_its_end(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write(b"begun\r\n\x1b[?2004h\x1b[>1u\x1b]2;flood\x07")
    keeper = Keeper()
    take(keeper, log)
    line = b"%0100d\r\n"
    while log.end < FAR_BEHIND_BYTES + 3 * TAIL_BYTES:
        log.write(b"".join(line % (log.end + at) for at in range(1_000)))
    log.write(b"\x1b[31mover")
    follower = keeper.follow(log.terminal)
    drawn = 0
    feed = follower._parser.feed

    def count(data: bytes | memoryview, is_late: Callable[[], bool] = bool) -> bool:
        nonlocal drawn
        drawn += len(data)
        return feed(data, is_late)

    monkeypatch.setattr(follower._parser, "feed", count)
    taken = take(keeper, log)
    assert drawn <= TAIL_BYTES + 1_000
    assert taken.offset == log.end
    model = follower.model
    assert text(model)[-1] == "over" and "begun" not in text(model)
    assert (model.modes.switches[2004], model.keyboard.flags) == (True, 1)
    assert model.modes.title == "flood"


def test_a_gap_breaks_off_what_was_begun(log: Log) -> None:
    log.write(b"one\x1b]0;never ended")
    log.gap(1_000)
    log.write(b"two")
    keeper = Keeper()
    assert take(keeper, log).offset == log.end
    assert text(keeper.followers[log.name].model)[0] == "onetwo"


def test_a_flood_is_left_until_it_rests(log: Log) -> None:
    keeper = Keeper()
    follower = keeper.follow(log.terminal)
    for _ in range(3):
        log.write(b"y" * 80 * (FAR_BEHIND_BYTES // 40))
        assert keeper.look(keeper.ends())
        assert follower.offset == 0
    for _ in range(100):
        keeper._allowance = Allowance()
        keeper.look(keeper.ends())
        if follower.offset == log.end:
            break
    assert follower.offset == log.end


def test_ordinary_output_is_followed_as_far_as_the_allowance_goes(log: Log) -> None:
    keeper = Keeper()
    follower = keeper.follow(log.terminal)
    log.write(b"hello")
    assert keeper.look(keeper.ends())
    assert (follower.offset, text(follower.model)[0]) == (5, "hello")
    assert not keeper.look(keeper.ends())
    keeper._allowance.spend(NEVER_SECONDS)
    log.write(b" world")
    assert keeper.look(keeper.ends())
    assert follower.offset == 5
    assert take(keeper, log).offset == 11


def test_an_allowance_is_a_share_of_the_time() -> None:
    allowance = Allowance()
    assert allowance.left(100.0) == BURST_SECONDS
    allowance.spend(BURST_SECONDS + 1)
    assert allowance.left(100.0) == -1
    assert allowance.left(110.0) == pytest.approx(10 * SHARE - 1)
    assert allowance.left(100_000.0) == BURST_SECONDS


def test_what_takes_too_long_to_draw_is_no_snapshot_and_goes_on_the_next_time(log: Log) -> None:
    log.write(b"\x1b[999S" * 10_000)
    keeper = Keeper()
    taken = take(keeper, log, seconds=0.0)
    assert (taken.output, taken.fault) == (None, None)
    assert take(keeper, log).offset == log.end


def test_of_more_models_than_there_may_be_the_one_not_used_goes(tmp_path: Path) -> None:
    keeper = Keeper(max_models=3)
    logs = [Log(tmp_path, f"tsk_{number}") for number in range(4)]
    for each in logs[:3]:
        keeper.follow(each.terminal)
    keeper.follow(logs[0].terminal)
    keeper.follow(logs[3].terminal)
    assert list(keeper.followers) == ["tsk_2", "tsk_0", "tsk_3"]
    for each in logs:
        each.close()


def test_models_have_a_number_of_cells_together(tmp_path: Path) -> None:
    keeper = Keeper(max_cells=100_000)
    logs = [Log(tmp_path, f"tsk_{number}") for number in range(3)]
    for each in logs:
        each.sizes = [size(0, 100, 200)]
        take(keeper, each)
    assert list(keeper.followers) == ["tsk_1", "tsk_2"]
    # One alone may be larger than that: it was asked for.
    logs[0].sizes = [size(0, 1_000, 500)]
    assert take(keeper, logs[0]).offset == 0
    assert list(keeper.followers) == ["tsk_0"]
    for each in logs:
        each.close()


def test_a_mistake_with_one_output_is_told_and_forgotten(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: ScreenModel) -> bytes:
        raise ZeroDivisionError("by a hostile sequence")

    keeper = Keeper()
    monkeypatch.setattr("arborlink.hub.screen.keeper.taken_bytes", fail)
    taken = take(keeper, log)
    assert taken.fault == "ZeroDivisionError: by a hostile sequence"
    assert not keeper.followers
    monkeypatch.undo()
    assert take(keeper, log).fault is None


def test_a_damaged_log_is_told(log: Log) -> None:
    keeper = Keeper()
    log.write(b"x")
    keeper.follow(log.terminal)
    log.stem.with_suffix(".idx").write_bytes(b"nothing of the kind" * 9)
    with serving(Keeper()) as (requests, answers):
        os.write(requests, ipc.frame(ipc.Take(7, log.terminal, 1.0)))
        taken = read_answer(answers)
    assert taken.number == 7 and taken.fault is not None and taken.output is None


@contextmanager
def serving(keeper: Keeper) -> Iterator[tuple[int, int]]:
    """The hub's ends of a server's descriptors; it ends when they are closed."""
    requests, to = os.pipe()
    back, answers = os.pipe()
    server = Server(keeper, requests, answers)
    with ThreadPoolExecutor(1) as pool:
        over = pool.submit(server.run)
        try:
            yield to, back
        finally:
            os.close(to)
            assert isinstance(over.exception(HANG_SECONDS), EOFError)
            for fd in (requests, back, answers):
                os.close(fd)


def read_answer(fd: int) -> ipc.Taken:
    (length,) = ipc.LENGTH.unpack(os.read(fd, ipc.LENGTH.size))
    return ipc.decode_answer(os.read(fd, length))


def test_a_size_that_was_said_before_output_counts_before_it(log: Log) -> None:
    """Whatever comes between: the end of a log is read before what the hub has said."""
    terminal = ipc.Follow(log.name, str(log.stem), [])
    with serving(Keeper()) as (requests, answers):
        os.write(requests, ipc.frame(ipc.Follow(log.name, str(log.stem), log.sizes)))
        for number in range(1, 40):
            # Asked for before the size is said and the output is written, answered after.
            os.write(requests, ipc.frame(ipc.Take(number, terminal, NEVER_SECONDS)))
            change = size(log.end, 20 + number, 6, time=number)
            os.write(requests, ipc.frame(ipc.Sized(log.name, change)))
            log.write(b"x")
            taken = read_answer(answers)
            assert taken.offset <= change.offset or taken.cols == change.cols


def test_frames_that_come_in_pieces_are_read(log: Log) -> None:
    keeper = Keeper()
    log.write(b"x")
    data = ipc.frame(ipc.Take(1, log.terminal, NEVER_SECONDS))
    with serving(keeper) as (requests, answers):
        for start, end in itertools.pairwise([*range(0, len(data), 3), len(data)]):
            os.write(requests, data[start:end])
        assert read_answer(answers).offset == 1
        # What is asked of a task that is forgotten meanwhile does not bring it back.
        os.write(requests, data + data + ipc.frame(ipc.Forget(log.name)))
        assert {read_answer(answers).number for _ in range(2)} == {1}
    assert not keeper.followers


def test_a_tail_begins_with_a_line_or_a_sequence() -> None:
    assert followers._beginning(b"rest\nline") == 5
    assert followers._beginning(b"rest\x1b[m") == 4
    assert followers._beginning(b"rest") == 0


def owned(log: Log, owner_id: str, workspace_id: str = "ws_1") -> ipc.Follow:
    return ipc.Follow(log.name, str(log.stem), log.sizes, workspace_id, owner_id)


def test_no_account_takes_the_models_of_others(tmp_path: Path) -> None:
    keeper = Keeper(max_models=4)
    logs = [Log(tmp_path, f"tsk_{number}") for number in range(8)]
    keeper.follow(owned(logs[0], "ann"))
    for each in logs[1:]:
        keeper.follow(owned(each, "ben"))
    assert list(keeper.followers) == ["tsk_0", "tsk_5", "tsk_6", "tsk_7"]
    for each in logs:
        each.close()


def test_no_account_takes_the_cells_of_others(tmp_path: Path) -> None:
    keeper = Keeper(max_cells=100_000)
    logs = [Log(tmp_path, f"tsk_{number}") for number in range(4)]
    logs[0].sizes = [size(0, 100, 40)]
    keeper.follow(owned(logs[0], "ann"))
    for each in logs[1:]:
        each.sizes = [size(0, 100, 200)]
        keeper.follow(owned(each, "ben"))
    assert list(keeper.followers) == ["tsk_0", "tsk_2", "tsk_3"]
    for each in logs:
        each.close()


def test_terminals_of_who_has_drawn_least_are_drawn_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = Keeper()
    logs = [Log(tmp_path, f"tsk_{number}") for number in range(3)]
    for each, owner_id in zip(logs, ["ben", "ben", "ann"], strict=True):
        keeper.follow(owned(each, owner_id))
        each.write(b"x")
    keeper._drawn.spend("ben", NEVER_SECONDS, time.monotonic())
    drawn: list[str] = []
    monkeypatch.setattr(keeper, "_catch_up", lambda _, __, owner_id: drawn.append(owner_id))
    keeper.look(keeper.ends())
    assert drawn == ["ann", "ben", "ben"]
    for each in logs:
        each.close()


def test_models_of_a_workspace_that_is_gone_are_dropped(tmp_path: Path) -> None:
    logs = [Log(tmp_path, f"tsk_{number}") for number in range(2)]
    keeper = Keeper()
    with serving(keeper) as (requests, answers):
        for number, each in enumerate(logs):
            taking = ipc.Take(number, owned(each, "ann", f"ws_{number}"), NEVER_SECONDS)
            os.write(requests, ipc.frame(taking))
            assert read_answer(answers).number == number
        os.write(requests, ipc.frame(ipc.ForgetWorkspace("ws_1")))
        os.write(requests, ipc.frame(ipc.Take(7, owned(logs[0], "ann", "ws_0"), NEVER_SECONDS)))
        assert read_answer(answers).number == 7
    assert list(keeper.followers) == ["tsk_0"]
    for each in logs:
        each.close()
