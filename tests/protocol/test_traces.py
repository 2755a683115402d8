"""Replays `schema/traces/*.json`, whose format is described in the README beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from arborlink.client.input import TypedInput
from arborlink.protocol.codec import Codec
from arborlink.protocol.cursor import Cursor
from arborlink.protocol.errors import ArborError, OffsetOutOfOrder
from arborlink.protocol.link import AuthReceived, Close, HubLink, LinkEvent, Opened, PeerLink
from arborlink.protocol.messages import AnyMessage, DaemonAuth, ErrorMessage
from arborlink.protocol.retry import close_reason, retry_after_of_close
from arborlink.protocol.stream import Missing, ReceiveStream, SendStream

FOLDER: Final = Path(__file__).parents[2] / "schema" / "traces"
NAMES: Final = sorted(path.stem for path in FOLDER.glob("*.json"))
CODEC: Final = Codec(json=True)

# A JSON object of a trace; its shape is the README's.
Step = dict[str, Any]


class LinkReplay:
    """One end of a connection, driven by steps."""

    def __init__(self, spec: Step, now: float) -> None:
        self.end: HubLink | PeerLink
        if spec["kind"] == "hubLink":
            is_daemon = spec["speaks"] == "daemon"
            self.end, self.is_first = HubLink(now), True
        else:
            auth = CODEC.decode_first(json.dumps(spec["auth"]))
            is_daemon = isinstance(auth, DaemonAuth)
            self.end, self.is_first = PeerLink(auth, now), False
        up, down = (
            (CODEC.daemon_to_hub, CODEC.hub_to_daemon)
            if is_daemon
            else (CODEC.viewer_to_hub, CODEC.hub_to_viewer)
        )
        is_hub = spec["kind"] == "hubLink"
        self.incoming: Callable[[str], Any] = (up if is_hub else down).decode
        self.outgoing: Callable[[str], Any] = (down if is_hub else up).decode

    def step(self, step: Step) -> None:
        self.perform(step, step["at"])
        sent = self.end.to_send()
        assert [self.sent_as(*pair) for pair in pad(sent, step.get("sends", []))] == sent
        told = [as_told(event) for event in self.end.events()]
        assert told == [self.told(event) for event in step.get("tells", [])]
        if "state" in step:
            assert self.end.state.value == step["state"]
        if "next" in step:
            assert self.end.next_deadline() == pytest.approx(step["next"])

    def perform(self, step: Step, now: float) -> None:
        message = step.get("message")
        match step["do"]:
            case "start":
                pass
            case "receive":
                self.receive(step.get("frame") or json.dumps(message), now)
            case "welcome":
                assert isinstance(self.end, HubLink)
                self.end.welcome(self.outgoing(json.dumps(message)), now)
            case "send":
                self.end.send(self.outgoing(json.dumps(message)))
            case "deadline":
                self.end.on_deadline(now)
            case "close":
                self.end.close(step["code"])
            case "disconnect":
                self.end.disconnected()
            case unknown:
                raise AssertionError(f"no such step: {unknown}")

    def receive(self, frame: str, now: float) -> None:
        try:
            if self.is_first:
                self.end.receive(CODEC.decode_first(frame), now)
            else:
                self.end.receive(self.incoming(frame), now)
        except ArborError as error:
            self.end.fail(error)
        self.is_first = False

    def sent_as(self, sent: AnyMessage | Close | None, expected: Step | None) -> object:
        """What a trace expects, in the form of what was sent; texts for people are free."""
        if expected is None:
            return "nothing"
        if "close" in expected:
            return Close(expected["close"], sent.reason if isinstance(sent, Close) else "")
        if expected.get("message") == "*" and isinstance(sent, ErrorMessage):
            expected = expected | {"message": sent.message}
        return self.outgoing(json.dumps(expected))

    def told(self, event: Step) -> tuple[str, AnyMessage]:
        [(kind, message)] = event.items()
        if kind == "auth":
            return kind, CODEC.decode_first(json.dumps(message))
        return kind, self.incoming(json.dumps(message))


def pad(sent: Sequence[Any], expected: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Pairs of both, None where one is the longer."""
    size = max(len(sent), len(expected))
    return list(
        zip([*sent, *[None] * size][:size], [*expected, *[None] * size][:size], strict=True)
    )


def as_told(event: LinkEvent) -> tuple[str, AnyMessage]:
    match event:
        case AuthReceived(auth):
            return "auth", auth
        case Opened(welcome):
            return "opened", welcome
        case _:
            return "message", event.message


class StreamReplay:
    """A stream or a cursor, driven by steps."""

    def __init__(self, spec: Step, now: float) -> None:
        kinds: dict[str, Callable[..., SendStream | ReceiveStream | Cursor]] = {
            "sendStream": SendStream,
            "receiveStream": ReceiveStream,
            "cursor": Cursor,
        }
        self.machine = kinds[spec["kind"]](**{k: v for k, v in spec.items() if k != "kind"})

    def step(self, step: Step) -> None:
        verb = getattr(self.machine, snake(step["do"]))
        try:
            returned = verb(*step["with"])
        except ArborError as error:
            assert error.code == step.get("fails")
            if isinstance(error, OffsetOutOfOrder):
                assert error.want == step["want"]
        else:
            assert "fails" not in step
            assert plain(returned) == step.get("returns")
        for name, value in step.get("then", {}).items():
            assert getattr(self.machine, snake(name)) == value, name


class CloseReasonReplay:
    """The reasons of close frames, which have no state."""

    def __init__(self, spec: Step, now: float) -> None:
        self.verbs: dict[str, Callable[..., object]] = {
            "write": close_reason,
            "read": retry_after_of_close,
        }

    def step(self, step: Step) -> None:
        assert self.verbs[step["do"]](*step["with"]) == step["returns"]


class TypedInputReplay:
    """What is typed, without a connection."""

    def __init__(self, spec: Step, now: float) -> None:
        self.input = TypedInput("tsk_1")

    def step(self, step: Step) -> None:
        assert self.perform(step["do"], step["with"]) == step.get("returns")
        if "then" in step:
            assert (self.input.failure is not None) == step["then"]["uncertain"]
            self.input.failure = None

    def perform(self, verb: str, arguments: list[Any]) -> object:
        match verb:
            case "connected":
                self.input.connected(tells_end=arguments[0])
            case "type":
                self.input.write(arguments[0].encode())
            case "send":
                return [message.input.decode() for message in self.input.to_send()]
            case _:
                getattr(self.input, verb)(*arguments)
        return None


Replay = LinkReplay | StreamReplay | CloseReasonReplay | TypedInputReplay


def replay(spec: Step, now: float) -> Replay:
    if spec["kind"].endswith("Link"):
        return LinkReplay(spec, now)
    if spec["kind"] == "typedInput":
        return TypedInputReplay(spec, now)
    if spec["kind"] == "closeReason":
        return CloseReasonReplay(spec, now)
    return StreamReplay(spec, now)


def snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name)


def plain(returned: object) -> object:
    match returned:
        case Missing(start, end) | (start, end):
            return [start, end]
        case _:
            return returned


def load(name: str) -> Step:
    trace: Step = json.loads((FOLDER / f"{name}.json").read_text())
    return trace


@pytest.mark.parametrize("name", NAMES)
def test_the_machines_answer_as_the_trace_says(name: str) -> None:
    trace = load(name)
    machines: dict[str, Replay] = {}
    for number, step in enumerate(trace["steps"]):
        who = step["machine"]
        if who not in machines:
            machines[who] = replay(trace["machines"][who], step["at"])
        try:
            machines[who].step(step)
        except AssertionError as error:
            error.add_note(f"{name}, step {number}: {step}")
            raise
    assert set(machines) == set(trace["machines"])


@pytest.mark.parametrize("name", NAMES)
def test_what_a_link_receives_was_sent_before_by_the_other(name: str) -> None:
    """A conversation of two is one: nothing arrives that nobody said."""
    trace = load(name)
    links = [who for who, spec in trace["machines"].items() if spec["kind"].endswith("Link")]
    if len(links) < 2:
        return
    said: dict[str, list[Step]] = {who: [] for who in links}
    for step in trace["steps"]:
        who = step["machine"]
        if who not in links:
            continue
        if step["do"] == "receive" and "message" in step:
            assert step["message"] in [m for other in links if other != who for m in said[other]]
        said[who] += step.get("sends", [])


@pytest.mark.parametrize("name", NAMES)
def test_time_goes_forward(name: str) -> None:
    times = [step["at"] for step in load(name)["steps"]]
    assert times == sorted(times)


def test_the_traces_are_those_that_both_languages_count_on() -> None:
    assert NAMES == [
        "daemon-first-connect",
        "daemon-resumes-after-cut",
        "half-open-link-dies",
        "heartbeats",
        "liveness-is-announced",
        "malformed-message",
        "output-with-gap",
        "refusals",
        "stream-overlap-and-out-of-order",
        "typed-input",
        "unknown-message",
        "viewer-reads-to-end",
        "viewer-reconnects-mid-stream",
    ]
