"""The terminal here as a program far away uses it: what is written to it, what is left. Pure."""

from __future__ import annotations

import dataclasses
from typing import Final

from arborlink.cli.screen.modes import SAVE_TITLE, TerminalModes
from arborlink.cli.screen.restraint import (
    ends_by_itself,
    only_draws,
    reporting_modes,
    sets_title,
    without_reporting,
)
from arborlink.cli.screen.sequences import Kind, Sequence, Splitter

STRING_TERMINATOR: Final = b"\x1b\\"
NEW_LINE: Final = b"\r\n"
ERASE_ALL: Final = b"\x1b[H\x1b[J"


class LocalTerminal:
    """What is written to this terminal for a program, and how the terminal is put back.

    `may_act`: what is shown is live, and the program's questions are this terminal's to answer.
    """

    def __init__(self, *, may_act: bool) -> None:
        self._splitter = Splitter()
        self._modes = TerminalModes()
        self._may_act = may_act
        # The reporting modes as the program has set them, whether this terminal has them or not.
        self._reporting: dict[int, bool] = {}
        self._passes_rest = True
        self._is_used = False
        self._at_line_start = True

    def set_may_act(self, may_act: bool) -> bytes:
        """Return what to write as questions are this terminal's to answer now, or no longer."""
        if may_act == self._may_act:
            return b""
        self._may_act = may_act
        final = b"h" if may_act else b"l"
        numbers = [number for number, is_on in self._reporting.items() if is_on]
        parts = []
        for number in numbers:
            body = b"%d" % number
            raw = b"\x1b[?%b%b" % (body, final)
            self._modes.observe(Sequence(raw, Kind.CSI, final, b"?", body))
            parts.append(raw)
        return b"".join(parts)

    def show(self, data: bytes) -> bytes:
        """Return what of `data` is to be written."""
        self._is_used = True
        return b"".join([self._pass(each) for each in self._splitter.split(data)])

    def replace(self, data: bytes, rows: int) -> bytes:
        """Return what to write so that the terminal, of `rows`, shows `data` and nothing else.

        `data` makes a state of a terminal that was just reset. What the terminal showed before is
        scrolled away, where a person finds it again; of this program's own only once.
        """
        scrolled = b"" if self._is_used else NEW_LINE * rows
        undone = self._undo()
        # What was held of the output before is no part of what follows.
        self._splitter = Splitter()
        self._reporting.clear()
        may_act, self._may_act = self._may_act, False
        shown = self.show(data)
        self._may_act = may_act
        reported = b""
        if may_act:
            self._may_act = False
            reported = self.set_may_act(True)
        return undone + scrolled + ERASE_ALL + shown + reported

    def leave(self) -> bytes:
        """Return what puts the terminal back, with the cursor at the start of a line."""
        if not self._is_used:
            return b""
        new_line = b"" if self._at_line_start else NEW_LINE
        undone = self._undo() + new_line
        self._splitter = Splitter()
        self._at_line_start = True
        return undone

    def _undo(self) -> bytes:
        ended = STRING_TERMINATOR if self._splitter.in_string else b""
        return ended + self._modes.undo() if self._is_used else b""

    def _pass(self, sequence: Sequence) -> bytes:
        if sequence.kind is Kind.TEXT:
            if not self._modes.is_alternate:
                self._at_line_start = sequence.raw.endswith(b"\n")
            return sequence.raw
        if sequence.kind is Kind.STRING_REST:
            return sequence.raw if self._passes_rest else b""
        if reports := reporting_modes(sequence):
            self._reporting.update(dict.fromkeys(reports, sequence.final == b"h"))
        passed = self._restrain(sequence)
        if sequence.kind is Kind.STRING:
            self._passes_rest = passed is not None
        if passed is None:
            return b""
        saved = b""
        if sets_title(passed) and not self._modes.saves_title:
            saved = SAVE_TITLE
            self._modes.observe(Sequence(saved, Kind.CSI, b"t", b"", b"22;0"))
        self._modes.observe(passed)
        return saved + passed.raw

    def _restrain(self, sequence: Sequence) -> Sequence | None:
        if sequence.kind is Kind.BROKEN:
            return None
        if self._may_act:
            return sequence
        if not only_draws(sequence):
            return None
        if sequence.kind is Kind.STRING and sequence.is_whole and not ends_by_itself(sequence):
            # What broke it off may be held back: the text after it would become part of it.
            return dataclasses.replace(sequence, raw=sequence.raw + STRING_TERMINATOR)
        return without_reporting(sequence)
