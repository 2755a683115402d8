"""Too much of what may be said, and too many who say it."""

from __future__ import annotations

import select
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

from tests.bounds import HANG_SECONDS
from tests.corpus.arena import Arena
from tests.corpus.sockets import Peer, packed, peer_to
from tests.corpus.websocket_case import (
    DAEMON,
    FINISHED,
    IDLE,
    STORED,
    TASK,
    Act,
    Case,
    output,
)
from tests.corpus.websocket_handshakes import auth, subscribe
from tests.e2e.arbor import TOKEN
from tests.hub.front.wire import HANDSHAKE, TEXT, frame

KIB: Final = 1024
SUBSCRIPTIONS: Final = 64
# The budgets are a connection's, whoever's it is.
FLOODERS: Final = ("runner", "elsewhere")
REFUSED: Final = "too_many_requests, close 4429"


def again(count: int, *messages: dict[str, Any]) -> Act:
    """The messages so many times, in one go."""

    def act(arena: Arena, peer: Peer) -> None:
        names = {"@finished": arena.finished_id, "@neighbour": arena.neighbour.task_id}
        known = [{key: names.get(value, value) for key, value in each.items()} for each in messages]
        peer.write(b"".join(packed(each, peer.subprotocol) for each in known) * count)

    return act


def _crowded(arena: Arena, peer: Peer) -> None:
    for task_id in arena.crowd(SUBSCRIPTIONS + 1):
        peer.send({"type": "subscribe", "taskId": task_id})


def _floods() -> Iterator[Case]:
    def flood(
        name: str,
        expected: str,
        *sent: Any,
        roles: tuple[str, ...] = FLOODERS,
    ) -> Case:
        return Case(f"B39-{name}", sent, expected, roles, many=True)

    nothing = {"type": "subscribe", "taskId": "tsk_x"}
    yield flood("1000-subscriptions", f"not_found, {REFUSED}", again(1_000, nothing))
    same = subscribe(taskId=FINISHED)
    yield flood("1000-to-the-same-task", REFUSED, again(1_000, same), roles=FLOODERS[:1])
    both = (same, {"type": "unsubscribe", "taskId": FINISHED})
    yield flood("10000-on-and-off", REFUSED, again(5_000, *both), roles=FLOODERS[:1])
    yield flood("more-tasks-than-fit", "too_many_subscriptions", _crowded, roles=("owner",))
    unknown = {"type": "nobody-knows-this"}
    yield flood("10000-unknown", f"unknown_message, {REFUSED}", again(10_000, unknown))
    yield flood(
        "2000-unknown-of-a-daemon",
        "unknown_message",
        again(2_000, unknown),
        roles=DAEMON,
    )
    over = {"type": "cancel", "taskId": FINISHED}
    yield flood("1000-cancels", REFUSED, again(1_000, over), roles=FLOODERS[:1])
    beat = {"type": "heartbeat", "sentAt": 1}
    yield flood("2000-heartbeats", "ignored", again(2_000, beat), roles=(*FLOODERS, *DAEMON))
    ack = {"type": "ack", "taskId": FINISHED, "offset": 0}
    yield flood("2000-acks", "ignored", again(2_000, ack))
    # A pipe takes one MiB of it, the hub another.
    window = {"type": "input", "taskId": IDLE, "input": b"x" * 64 * KIB}
    yield flood("3-MiB-of-input", "input_window_full", *[window] * 48, roles=FLOODERS[:1])
    # Whether it is beyond the credit depends on how fast the disk is; if not, it is stored.
    blocks = [output(TASK, len(STORED) + n * 256 * KIB, b"x" * 256 * KIB) for n in range(96)]
    yield flood(
        "24-MiB-of-output",
        "credit_exceeded, close 4400 | ignored",
        *blocks,
        roles=DAEMON,
    )
    states = [{"type": "status", "taskId": TASK, "status": "running"}] * 1_000
    yield flood("1000-states", "ignored", *states, roles=DAEMON)


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many connections at once, `each` from every address, who say the same at the same time.

    `expected`: how many may get which answer.
    """

    id: str
    addresses: int
    each: int
    say: bytes
    expected: dict[str, range]
    upgraded: bool = True


def come(arena: Arena, crowd: Crowd, stack: ExitStack) -> Counter[str]:
    """Let them all in, as far as they are; what each is answered."""
    peers = [
        stack.enter_context(peer_to(arena.port, address=f"127.0.1.{number + 1}"))
        for number in range(crowd.addresses)
        for _ in range(crowd.each)
    ]
    answers: Counter[str] = Counter()
    inside = []
    for peer in peers if crowd.upgraded else ():
        peer.handshake()
        answer = peer.refusal().text
        if answer == "http 101":
            inside.append(peer)
        else:
            answers[answer] += 1
    for peer in inside or peers:
        peer.write(crowd.say)
    most_silent = max(crowd.expected.get("silence", range(1)))
    for peer in until_answered(inside or peers, all_but=most_silent):
        heard = peer.answer if crowd.upgraded else peer.refusal
        answers[heard(A_MOMENT_SECONDS).text] += 1
    return answers


def until_answered(peers: list[Peer], *, all_but: int) -> list[Peer]:
    """Wait until all but so many have an answer, which is not read; all of them, as of now."""
    deadline = time.monotonic() + HANG_SECONDS
    while time.monotonic() < deadline:
        ready = {id(peer) for peer in select.select(peers, [], [], 0)[0]}
        ready |= {id(peer) for peer in peers if peer.has_read}
        if len(ready) >= len(peers) - all_but:
            break
        select.select([peer for peer in peers if id(peer) not in ready], [], [], HANG_SECONDS)
    for peer in peers:
        peer.mark()
    return peers


def _said(message: dict[str, Any]) -> bytes:
    return packed(message, "")


def _exactly(count: int) -> range:
    return range(count, count + 1)


# There is memory for so many first messages of this size. Who comes at the same time shares it.
LARGE: Final = frame(b" " * 900 * KIB)[: 890 * KIB]
LARGE_THAT_FIT: Final = 9
# For those of whom no answer is expected: nothing is due yet, as none of them is late.
A_MOMENT_SECONDS: Final = 0.3
CROWDS: Final = (
    Crowd(
        "B54-one-address-wants-all", 1, 40, b"",
        {"silence": _exactly(8), "http 429": _exactly(32)},
    ),
    Crowd(
        "B54-many-addresses-want-all", 10, 8, b"",
        # Those who came first make room for the others until all hold about as many.
        {"silence": _exactly(64), "close 4429": range(8, 16), "http 429": range(1, 9)},
    ),
    Crowd("B54-wrong-tokens", 8, 8, _said(auth("wrong")), {"close 4501": _exactly(64)}),
    Crowd("B54-right-tokens", 8, 8, _said(auth(TOKEN)), {"welcome": _exactly(64)}),
    Crowd("B54-garbage", 8, 8, frame(b"\xff", TEXT), {"close 1007": _exactly(64)}),
    Crowd(
        "B54-not-a-byte", 4, 50, b"", {"silence": _exactly(200)}, upgraded=False,
    ),
    Crowd(
        "B54-half-a-handshake", 4, 50, HANDSHAKE, {"silence": _exactly(200)}, upgraded=False,
    ),
    Crowd(
        "B54-much-before-auth", 3, 8, LARGE,
        {"silence": range(1, LARGE_THAT_FIT + 1), "close 1013": range(24 - LARGE_THAT_FIT, 24)},
    ),
)  # fmt: skip

CASES: Final = tuple(_floods())
