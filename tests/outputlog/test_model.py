"""Any sequence of operations leaves what a simple model says, for every reader and after reopen."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from arborlink.outputlog import GAP_REASONS, LogReader, OutputLog, writer

from .model import LOG_ID, Model, check_below, check_log, check_reader

Step = tuple[str, int, int]
STEPS = st.tuples(
    st.sampled_from(
        ["out", "out", "out", "err", "gap", "drop", "prune", "free", "sync", "reopen", "read"]
    ),
    st.integers(0, 60),
    st.integers(0, 60),
)


class Run:
    """A log, a long-lived reader and the model, driven by steps."""

    def __init__(self, folder: Path) -> None:
        self.stem = folder / "tsk_x"
        self.log = OutputLog.create(self.stem, LOG_ID)
        self.reader = LogReader(self.stem)
        self.model = Model()

    def take(self, step: Step) -> None:
        name, a, b = step
        if name in ("out", "err"):
            data = bytes((self.model.end + i) % 251 for i in range(a))
            self.log.append(memoryview(data), is_error=name == "err", time_us=b)
            self.model.append(data, name == "err", b)
        elif name == "gap":
            self.model.add_gap(
                self.log.append_gap(self.log.end + a + 1, GAP_REASONS[b % len(GAP_REASONS)])
            )
        elif name == "drop":
            self._drop(a * 3, a * 3 + b * 2)
        elif name == "prune":
            self.log.prune(a * 5)
        elif name == "free":
            if (point := self.log.begin_free()) is not None:
                point.run()
                self.log.finish_free(point)
        elif name == "sync":
            assert self.log.sync() == self.log.synced == self.model.end
        elif name == "reopen":
            self.log.close()
            self.log = OutputLog.open(self.stem)
        else:
            check_below(self.reader, self.model, a * 4)
            check_below(self.reader, self.model, self.model.end - b % (self.model.end + 1))
        assert (self.log.end, self.log.checksum) == (self.model.end, self.model.checksum)

    def _drop(self, start: int, end: int) -> None:
        expected = self.model.droppable(max(start, self.log.start), end)
        gap = self.log.drop(start, end, "size_limit")
        assert (gap and (gap.start, gap.end)) == expected
        if gap is not None:
            self.model.add_gap(gap)

    def finish(self) -> None:
        check_reader(self.reader, self.model)
        self.reader.close()
        self.log.close()
        check_log(self.stem, self.model)


@settings(max_examples=250, deadline=None)
@given(steps=st.lists(STEPS, max_size=40), free_step=st.sampled_from([1, 40, 2**20]))
@example(  # a drop that takes only a part of gaps that were joined
    steps=[
        ("out", 33, 0),
        ("out", 1, 0),
        ("gap", 52, 54),
        ("gap", 60, 40),
        ("drop", 11, 27),
        ("out", 1, 0),
        ("drop", 24, 38),
    ],
    free_step=1,
)
def test_any_history(steps: list[Step], free_step: int) -> None:
    """Appends, gaps, drops, prunes, syncs, reopens and reads in any order."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "FREE_STEP", free_step)
        patch.setattr(writer, "CHECKPOINT_STEP", free_step)
        run = Run(Path(folder))
        for step in steps:
            run.take(step)
        run.finish()


@settings(max_examples=100, deadline=None)
@given(
    lengths=st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=200),
    reads=st.lists(st.tuples(st.integers(0, 900), st.integers(1, 400), st.booleans()), max_size=30),
)
def test_random_reads(lengths: list[tuple[int, bool]], reads: list[tuple[int, int, bool]]) -> None:
    """One reader jumps about: its position hint never misleads it."""
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder))
        for length, is_error in lengths:
            run.take(("err" if is_error else "out", length, 0))
        for offset, _, _ in reads:
            check_below(run.reader, run.model, offset)
        for offset, size, merge in reads:
            found = run.reader.read(offset, size, merge=merge)
            assert (found is None) == (offset >= run.model.end)
        run.finish()
