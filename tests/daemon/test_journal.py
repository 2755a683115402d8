"""The journal after any crash: whole lines count, and nothing that was durable is forgotten."""

from __future__ import annotations

import zlib
from pathlib import Path

import msgspec

from arborlink.daemon.journal import (
    KEEP_SETTLED,
    Accepted,
    Ended,
    Entry,
    Journal,
    Settled,
    Started,
    Waiting,
    read,
)
from arborlink.daemon.processes import Tree
from arborlink.daemon.recovery import recover
from arborlink.outputlog import OutputLog
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import Command, Status

LOG_ID = "0" * 32
VALUE = "canary-variable-77c1"


def accepted(task_id: str) -> Accepted:
    """A command that is about to start."""
    return Accepted(Command(task_id=task_id, command="true", args=["é\n"]), LOG_ID)


def ended(task_id: str, *, final: int = 0) -> Ended:
    """A task that completed."""
    return Ended(Status(task_id=task_id, status=TaskStatus.COMPLETED, final_offset=final))


def write(path: Path) -> list[int]:
    """A journal of three tasks; returns its size after every record."""
    journal = Journal(path)
    sizes = [0]
    for record in (
        accepted("a"),
        Started("a", Tree(1, 2, 3), "boot", 4),
        ended("a"),
        accepted("b"),
        Settled("a"),
        accepted("c"),
    ):
        journal.append_durably(record)
        sizes.append(path.stat().st_size)
    journal.close()
    return sizes


def test_a_journal_cut_at_every_byte(tmp_path: Path) -> None:
    """What was whole is there, what was torn is not, and the rest goes on after it."""
    path = tmp_path / "journal"
    sizes = write(path)
    content = path.read_bytes()
    names = ["", "a", "a", "a", "ab", "ab", "abc"]
    for cut in range(len(content) + 1):
        path.write_bytes(content[:cut])
        # A line counts with or without its line feed.
        whole = sum(cut >= size - 1 for size in sizes[1:])
        assert "".join(read(path)) == names[whole], cut
        if cut % 50 == 0:
            journal = Journal(path)
            journal.append_durably(accepted("z"))
            journal.close()
            assert "".join(_reopened(path)) == names[whole] + "z"


def secret(task_id: str) -> Accepted:
    """A command with a secret in a variable."""
    env = {"TOKEN": VALUE, "EMPTY": ""}
    return Accepted(Command(task_id=task_id, command="true", args=[], env=env), LOG_ID)


def test_no_value_of_a_variable_is_ever_in_it(tmp_path: Path) -> None:
    """Written at once or kept back, whole or torn, running or settled."""
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.append(secret("a"))
    journal.append_durably(secret("b"))
    journal.append(Settled("b"))
    assert VALUE.encode() not in path.read_bytes()
    journal.close()
    entries = _reopened(path)
    assert VALUE.encode() not in path.read_bytes()
    found = entries["a"].accepted
    assert found is not None and found.command.env == {"TOKEN": "", "EMPTY": ""}
    assert entries["b"].settled


def test_a_journal_of_an_earlier_version_is_read_and_loses_its_values(tmp_path: Path) -> None:
    """What it names was handed over, and is not started again."""
    path, spool = tmp_path / "journal", tmp_path / "spool"
    spool.mkdir()
    lines = [msgspec.json.encode(each) for each in (secret("a"), accepted("b"), secret("c"))]
    path.write_bytes(b"".join(b"%08x %s\n" % (zlib.crc32(line), line) for line in lines))
    assert VALUE.encode() in path.read_bytes()
    journal = Journal(path)
    found = {each.task_id: each.status.status for each in recover(journal, spool, "boot")}
    assert found == dict.fromkeys("abc", TaskStatus.LOST)
    journal.close()
    assert VALUE.encode() not in path.read_bytes() and set(_reopened(path)) == {"a", "b", "c"}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["journal", "spool"]


def test_a_flipped_byte_costs_one_line(tmp_path: Path) -> None:
    """The lines after it still count: whatever names a task keeps it from running again."""
    path = tmp_path / "journal"
    sizes = write(path)
    content = bytearray(path.read_bytes())
    content[sizes[3] + 20] ^= 1
    path.write_bytes(content)
    assert set(_reopened(path)) == {"a", "c"}


def test_what_only_waited_never_started(tmp_path: Path) -> None:
    """Any other line about it, or a line that cannot be read, says that it may have."""
    path = tmp_path / "journal"
    journal = Journal(path)
    for task_id in "abcd":
        journal.append(Waiting(task_id))
    journal.append_durably(accepted("b"))
    journal.append(ended("c"))
    journal.close()
    assert [each for each, entry in _reopened(path).items() if entry.never_started] == ["a", "d"]
    content = path.read_bytes()
    assert [each for each, entry in _reopened(path).items() if entry.never_started] == ["a", "d"]
    path.write_bytes(content + b"00000000 torn")
    entries = read(path)
    assert not any(entry.never_started for entry in entries.values())
    assert set(entries) == set("abcd")


def test_what_never_started_is_forgotten_in_the_end(tmp_path: Path) -> None:
    """The newest are remembered."""
    journal = Journal(tmp_path / "journal")
    for number in range(KEEP_SETTLED + 10):
        journal.append(Waiting(f"t{number}"))
    journal.close()
    entries = _reopened(tmp_path / "journal")
    assert len(entries) == KEEP_SETTLED and "t9" not in entries


def test_garbage_is_an_empty_journal(tmp_path: Path) -> None:
    """Whatever is in the file, the daemon starts."""
    path = tmp_path / "journal"
    path.write_bytes(bytes(range(256)) * 40)
    assert _reopened(path) == {}


def test_settled_tasks_are_forgotten_in_the_end(tmp_path: Path) -> None:
    """The newest are remembered, with how they ended; the file does not grow for ever."""
    journal = Journal(tmp_path / "journal")
    for number in range(KEEP_SETTLED + 10):
        journal.append(accepted(f"t{number}"))
        journal.append(ended(f"t{number}", final=number))
        journal.append(Settled(f"t{number}"))
    journal.append(accepted("open"))
    journal.close()
    entries = _reopened(tmp_path / "journal")
    assert len(entries) == KEEP_SETTLED + 1
    assert "t9" not in entries
    last = entries[f"t{KEEP_SETTLED + 9}"].ended
    assert last is not None
    assert last.status.final_offset == KEEP_SETTLED + 9


def test_an_unfinished_task_is_lost_with_its_exact_end(tmp_path: Path) -> None:
    """The end is that of the recovered log, and so is the checksum; the journal says so too."""
    spool = tmp_path / "spool"
    spool.mkdir()
    journal = Journal(tmp_path / "journal")
    journal.append(accepted("a"))
    journal.append(accepted("never"))
    log = OutputLog.create(spool / "a", LOG_ID)
    log.append(b"hello", is_error=False, time_us=1)
    log.sync()
    log.close()
    (spool / "stray.log").write_bytes(b"x")
    journal.close()
    journal = Journal(tmp_path / "journal")
    found = {item.task_id: item for item in recover(journal, spool, "boot")}
    assert found["a"].status.status is TaskStatus.LOST
    assert found["a"].status.final_offset == 5
    assert found["a"].status.checksum == "crc32:3610a686"
    assert found["never"].status.final_offset == 0
    assert not (spool / "stray.log").exists()
    journal.close()
    assert _reopened(tmp_path / "journal")["a"].ended is not None


def test_a_spool_that_is_gone_or_short_is_declared(tmp_path: Path) -> None:
    """Bytes that ended tasks had and the disk has not become a gap; no checksum claims them."""
    spool = tmp_path / "spool"
    spool.mkdir()
    journal = Journal(tmp_path / "journal")
    for task_id in ("gone", "short", "broken"):
        journal.append(accepted(task_id))
        journal.append(ended(task_id, final=10))
    log = OutputLog.create(spool / "short", LOG_ID)
    log.append(b"hello", is_error=False, time_us=1)
    log.close()
    (spool / "broken.idx").write_bytes(b"nonsense")
    journal.close()
    journal = Journal(tmp_path / "journal")
    found = {item.task_id: item for item in recover(journal, spool, "boot")}
    assert found["gone"].log is None
    assert found["broken"].log is None
    short = found["short"].log
    assert short is not None
    assert (short.end, short.gaps[0].reason) == (10, "spool_corrupt")
    assert all(item.status.checksum is None for item in found.values())
    assert all(item.status.final_offset == 10 for item in found.values())
    journal.close()


def _reopened(path: Path) -> dict[str, Entry]:
    journal = Journal(path)
    journal.close()
    return journal.entries
