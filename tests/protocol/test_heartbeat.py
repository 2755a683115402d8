"""Liveness proves both directions, and a stall of our own proves nothing (design rule 10)."""

import math

import pytest

from arborlink.protocol import limits
from arborlink.protocol.errors import PeerSilent
from arborlink.protocol.heartbeat import LAST_LOOK_SECONDS, HeartbeatMachine, Liveness, announced
from arborlink.protocol.limits import WireLimits
from arborlink.protocol.messages import Heartbeat

INTERVAL, SILENCE = 5.0, 15.0


def machine(now: float = 0.0) -> HeartbeatMachine:
    return HeartbeatMachine(now, Liveness(INTERVAL, SILENCE))


def run_until_dead(heart: HeartbeatMachine, until: float) -> float | None:
    """Serve every deadline exactly in time; when the peer was found dead, or None."""
    while (now := heart.next_deadline()) <= until:
        try:
            heart.on_deadline(now)
        except PeerSilent:
            return now
    return None


def test_a_probe_goes_out_every_interval() -> None:
    heart = machine(100.0)
    assert heart.next_deadline() == 105.0
    assert heart.on_deadline(105.0) == Heartbeat(sent_at=105_000_000)
    assert heart.next_deadline() == 110.0


def test_nothing_goes_out_before_it_is_due() -> None:
    heart = machine()
    assert heart.on_deadline(4.999) is None
    assert heart.next_deadline() == 5.0


def test_a_probe_is_answered_with_its_own_time() -> None:
    answer = machine().receive(Heartbeat(sent_at=77), 3.0)
    assert answer == Heartbeat(sent_at=3_000_000, echo=77)


def test_an_answer_is_not_answered_and_gives_the_round_trip() -> None:
    heart = machine()
    heart.on_deadline(5.0)
    assert heart.round_trip is None
    assert heart.receive(Heartbeat(sent_at=1, echo=5_000_000), 5.25) is None
    assert heart.round_trip == 0.25


@pytest.mark.parametrize("echo", [6_000_000_000, -20_000_000, 2**63 - 1, math.nan, math.inf, 1e308])
def test_an_answer_to_what_was_never_asked_proves_nothing(echo: float) -> None:
    heart = machine()
    heart.on_deadline(5.0)
    assert heart.receive(Heartbeat(sent_at=1, echo=echo), 6.0) is None
    assert heart.round_trip is None
    assert run_until_dead(heart, 100.0) == pytest.approx(6.0 + SILENCE)


def test_anything_that_arrives_is_the_last_that_was_heard() -> None:
    heart = machine(1.0)
    assert heart.last_heard == 1.0
    heart.heard(2.0)
    heart.on_deadline(6.0)
    assert heart.last_heard == 2.0
    heart.receive(Heartbeat(sent_at=1), 6.5)
    assert heart.last_heard == 6.5


@pytest.mark.parametrize("broke_at", [0.0, 0.001, 2.5, 4.999, 5.0])
def test_a_silent_peer_is_dead_within_the_silence_whenever_it_fell_silent(broke_at: float) -> None:
    heart = machine()
    heart.heard(broke_at)
    assert run_until_dead(heart, 100.0) == pytest.approx(broke_at + SILENCE)


def test_a_peer_that_answers_lives_for_ever() -> None:
    heart = machine()
    for _ in range(1_000):
        now = heart.next_deadline()
        probe = heart.on_deadline(now)
        assert probe is not None
        heart.receive(Heartbeat(sent_at=0, echo=probe.sent_at), now + 1.0)


def test_a_peer_that_does_not_answer_but_sends_is_alive() -> None:
    heart = machine()
    for second in range(1, 200):
        assert run_until_dead(heart, float(second)) is None
        heart.heard(float(second))


def test_silence_counts_from_the_last_thing_that_arrived() -> None:
    heart = machine()
    run_until_dead(heart, 12.0)
    heart.heard(12.0)
    assert run_until_dead(heart, 100.0) == pytest.approx(12.0 + SILENCE)


def test_the_verdict_waits_for_a_last_look_at_what_lies_unread() -> None:
    heart = machine()
    for now in (5.0, 10.0):
        heart.on_deadline(now)
    # The next deadline is at 14.75, but we were stopped until 19: an answer may lie unread.
    heart.on_deadline(19.0)
    assert heart.next_deadline() == 19.0 + LAST_LOOK_SECONDS
    heart.heard(19.1)
    assert run_until_dead(heart, 19.1 + SILENCE - 0.1) is None


def test_a_last_look_that_finds_nothing_is_the_end() -> None:
    heart = machine()
    for now in (5.0, 10.0, 19.0):
        heart.on_deadline(now)
    with pytest.raises(PeerSilent, match="15 seconds"):
        heart.on_deadline(19.0 + LAST_LOOK_SECONDS)


def test_a_probe_that_falls_due_during_the_last_look_is_sent() -> None:
    heart = HeartbeatMachine(0.0, Liveness(5.0, 15.1))
    for now in (5.0, 10.0):
        heart.on_deadline(now)
    assert heart.next_deadline() == pytest.approx(14.85)
    assert heart.on_deadline(14.9) is None
    assert heart.next_deadline() == 15.0
    assert heart.on_deadline(15.0) == Heartbeat(sent_at=15_000_000)
    with pytest.raises(PeerSilent):
        heart.on_deadline(heart.next_deadline())


def test_who_stood_still_starts_afresh() -> None:
    heart = machine()
    heart.on_deadline(5.0)
    assert heart.on_deadline(3_600.0) == Heartbeat(sent_at=3_600_000_000)
    assert run_until_dead(heart, 4_000.0) == pytest.approx(3_600.0 + SILENCE)


def test_an_answer_that_is_overdue_is_a_longer_round_trip() -> None:
    heart = machine()
    assert heart.round_trip_at(1.0) is None
    heart.on_deadline(5.0)
    assert heart.round_trip_at(9.0) is None
    heart.receive(Heartbeat(sent_at=1, echo=5_000_000), 5.25)
    assert heart.round_trip_at(9.0) == 0.25
    heart.on_deadline(10.0)
    assert heart.round_trip_at(10.125) == 0.25
    assert heart.round_trip_at(13.0) == 3.0


@pytest.mark.parametrize(
    ("said", "obeyed"),
    [
        ((5.0, 15.0), (5.0, 15.0)),
        ((0.5, 1.5), (0.5, 1.5)),
        ((60.0, 180.0), (60.0, 180.0)),
        ((0.0, 0.0), (0.1, 0.5)),
        ((-1.0, -1.0), (0.1, 0.5)),
        ((1e9, 1e9), (60.0, 600.0)),
        ((10.0, 1.0), (10.0, 20.0)),
        ((math.nan, math.inf), (5.0, 15.0)),
    ],
)
def test_what_a_hub_announces_is_obeyed_within_bounds(
    said: tuple[float, float], obeyed: tuple[float, float]
) -> None:
    interval, silence = said
    assert announced(WireLimits(heartbeat_seconds=interval, silence_seconds=silence)) == obeyed
    assert limits.SILENCE_MIN_SECONDS > LAST_LOOK_SECONDS
