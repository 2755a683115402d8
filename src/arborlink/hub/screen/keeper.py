"""The process that keeps screens: it reads outputs' logs, draws them, and takes snapshots.

`python -m arborlink.hub.screen.keeper` speaks the frames of `ipc.py` on its standard input and
output, and ends with its input. What a program writes is drawn in here and nowhere else, so that
whatever it writes can cost this process its life, and the hub nothing but snapshots.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from arborlink.hub.screen import ipc
from arborlink.hub.screen.allowance import Allowance
from arborlink.hub.screen.follower import FAR_BEHIND_BYTES, TAIL_BYTES, Follower, taken_bytes
from arborlink.hub.screen.shares import DrawingTime, crowded_out
from arborlink.outputlog import LogError
from arborlink.protocol.limits import KIB, MIB

NICENESS: Final = 10
# Of address space: well above what the models below may take, far below what would hurt a machine.
MEMORY_BYTES: Final = 1_024 * MIB
# Of all models together: a cell takes 16 bytes, and a character that is rare some 80 more.
MAX_CELLS: Final = 2_000_000
MAX_MODELS: Final = 64
# How long it waits before it looks at the logs again: less where something is written.
LOOK_SECONDS: Final = 0.25
MAX_LOOK_SECONDS: Final = 4.0
# At a time, so that a request does not wait for what nobody asked for.
TURN_SECONDS: Final = 0.05
_READ_BYTES: Final = 64 * KIB


class Keeper:
    """Followers by task, the one used last at the end."""

    def __init__(self, *, max_models: int = MAX_MODELS, max_cells: int = MAX_CELLS) -> None:
        self.followers: OrderedDict[str, Follower] = OrderedDict()
        self._max_models = max_models
        self._max_cells = max_cells
        self._allowance = Allowance()
        self._drawn = DrawingTime()
        self._ends: dict[str, int] = {}
        self._terminals: dict[str, ipc.Follow] = {}

    def follow(self, terminal: ipc.Follow) -> Follower:
        """Return the follower of a terminal, new if it is."""
        follower = self.followers.get(terminal.task_id)
        if follower is None:
            follower = Follower(Path(terminal.stem), terminal.sizes)
            self.followers[terminal.task_id] = follower
        self._terminals[terminal.task_id] = terminal
        for size in terminal.sizes:
            follower.sizes.add(size)
        self.followers.move_to_end(terminal.task_id)
        self._make_room(terminal.task_id)
        return follower

    def resize(self, message: ipc.Sized) -> None:
        """A terminal that is followed has another size."""
        follower = self.followers.get(message.task_id)
        if follower is not None:
            follower.sizes.add(message.size)

    def forget(self, task_id: str) -> None:
        """Drop a task's model."""
        self._ends.pop(task_id, None)
        self._terminals.pop(task_id, None)
        follower = self.followers.pop(task_id, None)
        if follower is not None:
            follower.close()

    def forget_workspace(self, workspace_id: str) -> None:
        """Drop the models of a workspace's tasks."""
        for task_id, terminal in list(self._terminals.items()):
            if terminal.workspace_id == workspace_id:
                self.forget(task_id)

    def ends(self) -> dict[str, int]:
        """Return where the logs of all followers end now; one that cannot be read is dropped."""
        found: dict[str, int] = {}
        for task_id, follower in list(self.followers.items()):
            try:
                found[task_id] = follower.end()
            except (LogError, OSError):
                self.forget(task_id)
        return found

    def look(self, ends: dict[str, int]) -> bool:
        """Draw of every terminal what is new, as far as the allowance goes; whether there was any.

        Of one that floods nothing is drawn until it is asked for, or rests. Those of accounts
        that have drawn least come first.
        """
        before, self._ends = self._ends, ends
        has_news = False
        now = time.monotonic()
        order = sorted(ends, key=lambda each: -self._drawn.left(self._owner(each), now))
        for task_id in order:
            end = ends[task_id]
            follower = self.followers.get(task_id)
            if follower is None or end == follower.offset:
                continue
            has_news = True
            if end - follower.offset > FAR_BEHIND_BYTES and before.get(task_id) != end:
                continue
            try:
                self._catch_up(follower, end, self._owner(task_id))
            except Exception:
                self.forget(task_id)  # the next one who asks for it is told why
        return has_news

    def take(self, message: ipc.Take, end: int) -> ipc.Taken:
        """Take a snapshot of a terminal that is followed, up to `end` of its log."""
        number, task_id = message.number, message.terminal.task_id
        follower = self.followers.get(task_id)
        if follower is None:
            return ipc.Taken(number)
        began = time.process_time()
        taken = self._taken(number, follower, end, message.seconds)
        if taken.fault is not None:
            # A mistake of the model's must not be met again and again with the same bytes.
            self.forget(task_id)
        self._make_room(task_id)
        return msgspec.structs.replace(taken, spent=time.process_time() - began)

    def _taken(self, number: int, follower: Follower, end: int, seconds: float) -> ipc.Taken:
        try:
            if not follower.catch_up(end, seconds):
                return ipc.Taken(number)
            model = follower.model
            output = taken_bytes(model)
            return ipc.Taken(number, follower.offset, model.cols, model.rows, output)
        except Exception as error:
            return ipc.Taken(number, fault=f"{type(error).__name__}: {error}")

    def _owner(self, task_id: str) -> str:
        terminal = self._terminals.get(task_id)
        return "" if terminal is None else terminal.owner_id

    def _catch_up(self, follower: Follower, end: int, owner_id: str) -> None:
        began = time.monotonic()
        most = min(TURN_SECONDS, self._allowance.left(began))
        if most <= 0:
            return
        spent = time.process_time()
        if end - follower.offset > FAR_BEHIND_BYTES:
            follower.skip(end - TAIL_BYTES, lambda: time.monotonic() > began + most)
        follower.draw(end, lambda: time.monotonic() > began + most)
        spent = time.process_time() - spent
        self._allowance.spend(spent)
        self._drawn.spend(owner_id, spent, time.monotonic())

    def _make_room(self, wanted: str) -> None:
        """Forget models of the account that has most, those not used for longest first: they are
        made again from their logs."""
        while len(self.followers) > 1:
            cells = {each: follower.model.cells for each, follower in self.followers.items()}
            if sum(cells.values()) > self._max_cells:
                models = [(each, self._owner(each), size) for each, size in cells.items()]
            elif len(cells) > self._max_models:
                models = [(each, self._owner(each), 1) for each in cells]
            else:
                break
            oldest = crowded_out(models, wanted)
            if oldest is None:
                break
            self.forget(oldest)


class Server:
    """Speaks with the hub over two descriptors.

    Hub → here a size comes before the output that is written at it. So the end of a log is read
    first, then what the hub has said, and then the log is drawn up to that end.
    """

    def __init__(self, keeper: Keeper, requests: int, answers: int) -> None:
        self._keeper = keeper
        self._requests = requests
        self._answers = answers
        self._buffer = bytearray()
        self._takes: deque[ipc.Take] = deque()

    def run(self) -> None:
        """Answer until the hub closes its end."""
        wait = LOOK_SECONDS
        while True:
            if self._takes:
                self._take(self._takes.popleft())
                wait = LOOK_SECONDS
            elif not self._receive(wait if self._keeper.followers else None):
                ends = self._keeper.ends()
                self._receive(0.0)
                has_news = self._keeper.look(ends)
                wait = LOOK_SECONDS if has_news else min(2 * wait, MAX_LOOK_SECONDS)

    def _take(self, message: ipc.Take) -> None:
        try:
            end = self._keeper.follow(message.terminal).end()
        except (LogError, OSError) as error:
            self._keeper.forget(message.terminal.task_id)
            self._answer(ipc.Taken(message.number, fault=str(error)))
            return
        self._receive(0.0)
        self._answer(self._keeper.take(message, end))

    def _answer(self, message: ipc.Taken) -> None:
        data = ipc.frame(message)
        while data:
            data = data[os.write(self._answers, data) :]

    def _receive(self, wait: float | None) -> bool:
        """Do all that the hub has asked for, but for snapshots, which queue; False: it is quiet.

        Raises:
            EOFError: the hub has closed its end.
        """
        heard = False
        while select.select([self._requests], [], [], 0.0 if heard else wait)[0]:
            data = os.read(self._requests, _READ_BYTES)
            if not data:
                raise EOFError
            heard = True
            self._buffer += data
            for body in _bodies(self._buffer):
                self._handle(ipc.decode_request(body))
        return heard

    def _handle(self, message: ipc.ToKeeper) -> None:
        match message:
            case ipc.Follow():
                self._keeper.follow(message)
            case ipc.Sized():
                self._keeper.resize(message)
            case ipc.Take():
                self._takes.append(message)
            case ipc.Forget():
                self._drop(lambda terminal: terminal.task_id == message.task_id)
                self._keeper.forget(message.task_id)
            case ipc.ForgetWorkspace():
                self._drop(lambda terminal: terminal.workspace_id == message.workspace_id)
                self._keeper.forget_workspace(message.workspace_id)

    def _drop(self, is_gone: Callable[[ipc.Follow], bool]) -> None:
        """Answer what is asked of terminals that are gone."""
        waiting = [take for take in self._takes if is_gone(take.terminal)]
        for take in waiting:
            self._takes.remove(take)
            self._answer(ipc.Taken(take.number))


def _bodies(buffer: bytearray) -> list[bytes]:
    """Return what is whole of the frames in a buffer, and take it out."""
    bodies = []
    at = 0
    while len(buffer) - at >= ipc.LENGTH.size:
        (length,) = ipc.LENGTH.unpack_from(buffer, at)
        if len(buffer) - at - ipc.LENGTH.size < length:
            break
        at += ipc.LENGTH.size
        bodies.append(bytes(buffer[at : at + length]))
        at += length
    del buffer[:at]
    return bodies


def main() -> None:
    """Serve the hub that started this process."""
    with suppress(OSError):
        os.nice(NICENESS)
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    models = int(sys.argv[1]) if len(sys.argv) > 1 else MAX_MODELS
    with suppress(EOFError, BrokenPipeError):
        Server(Keeper(max_models=models), sys.stdin.fileno(), sys.stdout.fileno()).run()


if __name__ == "__main__":
    main()
