"""Bad input over WebSocket gets a named answer, and nothing else happens."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import Final

import pytest

from tests.corpus import (
    websocket_daemons,
    websocket_floods,
    websocket_frames,
    websocket_handshakes,
    websocket_messages,
)
from tests.corpus.arena import LATE_SECONDS, Arena
from tests.corpus.sockets import Peer
from tests.corpus.websocket_case import Case, entered, faults, grouped, say
from tests.corpus.websocket_floods import CROWDS, Crowd, come
from tests.corpus.websocket_handshakes import SILENT

CASES: Final = (
    *websocket_frames.CASES,
    *websocket_handshakes.CASES,
    *websocket_messages.CASES,
    *websocket_daemons.CASES,
    *websocket_floods.CASES,
)
# Of each kind that a WebSocket can meet: how many examples the guarantees' list has.
EXAMPLES: Final = {
    "B01": 3, "B02": 3, "B03": 6, "B06": 1, "B07": 2, "B09": 1, "B10": 1, "B11": 1, "B12": 2,
    "B14": 2, "B15": 4, "B16": 7, "B17": 3, "B18": 5, "B20": 6, "B21": 5, "B22": 7, "B24": 6,
    "B25": 6, "B33": 6, "B35": 4, "B36": 10, "B37": 4, "B39": 3, "B45": 9, "B54": 3, "B56": 5,
}  # fmt: skip
FURTHER_EXAMPLES: Final = 5


@pytest.mark.parametrize("cases", tuple(grouped(CASES)), ids=lambda cases: cases[0].id)
def test_bad_inputs_are_answered(arena: Arena, cases: tuple[Case, ...]) -> None:
    with arena.unchanged():
        wrong = {case.id: faults(arena, case) for case in cases}
    assert {name: found for name, found in wrong.items() if found} == {}


def test_those_who_say_nothing_are_not_waited_for(arena: Arena) -> None:
    with arena.unchanged(), ExitStack() as stack:
        peers = []
        for number, case in enumerate(SILENT):
            peer = Peer(arena.port, address=f"127.0.2.{number + 1}")
            stack.callback(peer.close)
            (role,) = case.roles
            names = stack.enter_context(entered(arena, peer, role, case))
            for each in case.send:
                say(arena, peer, each, names)
            peers.append((case, peer))
        wrong = {}
        for case, peer in peers:
            asked = peer.refusal if case.expected.startswith("http") else peer.answer
            answer = asked()
            arena.note(f"{case.id}, which is due after {LATE_SECONDS:g} s", answer.seconds)
            if answer.text != case.expected:
                wrong[case.id] = answer
        assert wrong == {}


@pytest.mark.parametrize("crowd", CROWDS, ids=lambda crowd: crowd.id)
def test_a_crowd_gets_what_room_there_is(arena: Arena, crowd: Crowd) -> None:
    with arena.unchanged():
        with ExitStack() as stack:
            answers = come(arena, crowd, stack)
        assert answers.keys() == crowd.expected.keys(), answers
        assert all(answers[each] in count for each, count in crowd.expected.items()), answers
        # They are gone, and what they had is free again.
        welcomed = Case(crowd.id, ({"type": "unsubscribe"},), "ignored", ("owner",))
        assert faults(arena, welcomed) == {}


def test_every_kind_has_the_examples_of_the_list_and_five_more() -> None:
    ids = Counter([case.id for case in (*CASES, *SILENT)] + [crowd.id for crowd in CROWDS])
    assert [name for name, count in ids.items() if count > 1] == []
    kinds = Counter(name.partition("-")[0] for name in ids)
    too_few = {
        kind: kinds[kind]
        for kind, examples in EXAMPLES.items()
        if kinds[kind] < examples + FURTHER_EXAMPLES
    }
    assert too_few == {}
    assert kinds.keys() == EXAMPLES.keys()
