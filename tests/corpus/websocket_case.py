"""A bad input over WebSocket as data, and what sends it in every role.

Names that begin with `@` stand for what an arena has, wherever a message holds nothing else.
"""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from arborlink.protocol.codec import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL
from tests.corpus.arena import Arena
from tests.corpus.sockets import PROBE, SUBPROTOCOLS, Answer, Peer, peer_to
from tests.hub.front.wire import BINARY, TEXT, frame

# Whoever has a TCP connection; a WebSocket; is known as a viewer; as a daemon.
NOBODY: Final = ("nobody",)
STRANGER: Final = ("stranger",)
VIEWERS: Final = ("owner", "runner", "reader", "elsewhere", "browser")
SEERS: Final = ("owner", "runner", "reader", "browser")
WRITERS: Final = ("owner", "runner", "browser")
DAEMON: Final = ("daemon",)
KNOWN: Final = (*VIEWERS, *DAEMON)
EVERYBODY: Final = (*STRANGER, *KNOWN)

NEIGHBOUR: Final = "@neighbour"
IDLE: Final = "@idle"
FINISHED: Final = "@finished"
WORKSPACE: Final = "@workspace"
# The task that the daemon of the role `daemon` was given, and what it has stored of it.
TASK: Final = "@task"
STORED: Final = b"0123456789abcdef"

GROUP_CASES: Final = 8

_instances = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Text:
    """A text message, whatever it is worth; sent where JSON is spoken."""

    text: str


@dataclass(frozen=True, slots=True)
class Packed:
    """A binary message; sent where MessagePack is spoken."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wire:
    """Bytes below WebSocket messages."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Handshake:
    """A handshake with further header lines; `{port}` and `{cookie}` are the arena's."""

    lines: tuple[str, ...] = ()


Act = Callable[[Arena, Peer], None]
Sent = dict[str, Any] | Text | Packed | Wire | Handshake | Act


@dataclass(frozen=True, slots=True)
class Case:
    """`expected`: as `sockets` names answers, or several with ` | ` between them.

    `id` begins with the kind's name in the guarantees' list of bad inputs.
    """

    id: str
    send: tuple[Sent, ...]
    expected: str
    roles: tuple[str, ...] = VIEWERS
    # Much of the same: `expected` has each different answer once, in order.
    many: bool = False

    @property
    def kind(self) -> str:
        """Such as `B20`."""
        return self.id.partition("-")[0]

    @property
    def subprotocols(self) -> tuple[str, ...]:
        """In which it can be said."""
        if any(isinstance(each, Packed) for each in self.send):
            return (MSGPACK_SUBPROTOCOL,)
        if any(isinstance(each, dict) for each in self.send):
            only_json = any(isinstance(each, Text | Wire | Handshake) for each in self.send)
            return (JSON_SUBPROTOCOL,) if only_json else SUBPROTOCOLS
        return (JSON_SUBPROTOCOL,)


def grouped(cases: Iterable[Case]) -> Iterator[tuple[Case, ...]]:
    """A few at a time, of one kind each: what is looked at around them takes time as well."""
    for _, of_kind in itertools.groupby(sorted(cases, key=_kind), _kind):
        rest = tuple(of_kind)
        while rest:
            yield rest[:GROUP_CASES]
            rest = rest[GROUP_CASES:]


def _kind(case: Case) -> str:
    return case.kind


def faults(arena: Arena, case: Case) -> dict[str, str]:
    """The answers that are wrong, by role and sub-protocol; none, if all is well.

    How long each took is noted.
    """
    wrong = {}
    for role, subprotocol in itertools.product(case.roles, case.subprotocols):
        answer = exchange(arena, case, role, subprotocol)
        arena.note(f"{case.id} as {role}", answer.seconds)
        if answer.text not in case.expected.split(" | "):
            wrong[f"{role}, {subprotocol}"] = answer.text
    return wrong


def exchange(arena: Arena, case: Case, role: str, subprotocol: str) -> Answer:
    """Send the input and wait for the answer."""
    with peer_to(arena.port, subprotocol) as peer, entered(arena, peer, role, case) as names:
        for each in case.send:
            say(arena, peer, each, names)
        if case.expected.startswith("http"):
            return peer.refusal()
        if case.many:
            answer = peer.answers_to_many()
        else:
            if case.expected == "ignored":
                peer.send(PROBE)
            answer = peer.all_answers()
        if role == "elsewhere":
            check_nothing_foreign(arena, peer)
    if TASK in names:
        return Answer(answer.text + outcome(arena, names[TASK], answer), answer.seconds)
    return answer


def say(arena: Arena, peer: Peer, sent: Sent, names: dict[str, str]) -> None:
    """One thing of a case."""
    match sent:
        case Text(text):
            peer.write(frame(text.encode("utf-8", "surrogatepass"), TEXT))
        case Packed(data):
            peer.write(frame(data, BINARY))
        case Wire(data):
            peer.write(data)
        case Handshake(lines):
            known = {"port": arena.port, "cookie": arena.roles["browser"].cookie}
            peer.handshake(*(line.format(**known) for line in lines))
        case dict():
            peer.send(resolved(sent, names))
        case _:
            sent(arena, peer)


@contextmanager
def entered(arena: Arena, peer: Peer, role: str, case: Case) -> Iterator[dict[str, str]]:
    """Become what the role is, as far as it goes; inside, what the names of a case stand for."""
    names = {
        NEIGHBOUR: arena.neighbour.task_id,
        IDLE: arena.idle_id,
        FINISHED: arena.finished_id,
        WORKSPACE: arena.arbor.workspace_id,
    }
    if role in VIEWERS:
        peer.open(f"Origin: {arena.origin}")
        peer.send({"type": "auth", "authToken": arena.secret(role)})
        peer.message("welcome")
    elif role == "daemon":
        peer.open()
        peer.send(daemon_auth(arena))
        peer.message("welcome")
        if any(names_in(each, TASK) for each in case.send):
            names[TASK] = task_of(arena, peer)
    elif role == "stranger":
        peer.open()
    yield names


def daemon_auth(arena: Arena, **changes: Any) -> dict[str, Any]:
    """The first message of a supervisor that was just started."""
    identity = arena.sparring
    return {
        "type": "auth",
        "daemonId": identity.daemon_id,
        "authToken": identity.auth_token,
        "workspaceId": identity.workspace_id,
        "instanceId": f"instance-{next(_instances)}",
        "protocol": 1,
        "version": "0",
        "host": {"hostname": "h", "platform": "p", "user": "u", "path": "/"},
        **changes,
    }


def task_of(arena: Arena, daemon: Peer) -> str:
    """A task that runs at this daemon, as far as the hub knows, and has some output."""
    task_id = arena.run("sparring", workspace=arena.sparring.workspace_id)
    assert daemon.message("command")["taskId"] == task_id
    daemon.send({"type": "status", "taskId": task_id, "status": "running"})
    daemon.send(output(task_id, 0, STORED))
    while daemon.message("ack")["offset"] < len(STORED):
        pass
    return task_id


def outcome(arena: Arena, task_id: str, answer: Answer) -> str:
    """What became of a daemon's task; what was stored of it must still be there, whatever came."""
    stored = arena.beginning_of(task_id, len(STORED))
    assert stored == STORED, stored
    if not answer.text.startswith("settled"):
        return ""
    task = arena.get(f"/api/tasks/{task_id}")
    return f" {task['status']} {task['reason'] or ''}".rstrip()


def check_nothing_foreign(arena: Arena, peer: Peer) -> None:
    """Of another workspace one hears nothing but that it does not exist."""
    foreign = (arena.arbor.workspace_id, arena.neighbour.task_id, arena.idle_id)
    for message in peer.heard:
        if message.get("type") != "error":
            assert not any(name in json.dumps(message, default=repr) for name in foreign), message


def output(task_id: str, offset: object, data: object, **fields: Any) -> dict[str, Any]:
    """A daemon's message."""
    return {
        "type": "output",
        "taskId": task_id,
        "offset": offset,
        "isError": False,
        "time": 0,
        "output": data,
        **fields,
    }


def ended(**fields: Any) -> dict[str, Any]:
    """What a daemon says of its task when what is stored is all of its output."""
    return {
        "type": "status",
        "taskId": TASK,
        "status": "completed",
        "exitCode": 0,
        "finalOffset": len(STORED),
        "checksum": f"crc32:{zlib.crc32(STORED):08x}",
        **fields,
    }


def resolved(value: Any, names: dict[str, str]) -> Any:
    """The same with what the names stand for."""
    if isinstance(value, dict):
        return {key: resolved(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [resolved(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


def names_in(value: object, name: str) -> bool:
    """Whether a message holds the name."""
    if isinstance(value, dict):
        return any(names_in(each, name) for each in value.values())
    return value == name
