"""Whatever bytes arrive, a decoder gives a message or one of two errors, and nothing else.

Some hundreds of frames of each kind in every run of the tests; `make fuzz` goes on for minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings

from arborlink.protocol.codec import Codec
from tests.fuzz.frames import (
    CORPUS,
    DIRECTIONS,
    JSON,
    MSGPACK,
    VALID,
    WRONG,
    Frames,
    check,
    check_round_trip,
    encoded,
)
from tests.fuzz.seconds import SECONDS

BOTH = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=["json", "msgpack"])
EACH_KIND = pytest.mark.parametrize("frames", WRONG, ids=lambda frames: frames.__name__)
EACH_WAY = pytest.mark.parametrize("direction", DIRECTIONS)
# Each time with another seed, so that a round is as good as a larger one.
EXAMPLES_A_ROUND: Final = 300


def test_the_corpus_has_messages_of_most_types() -> None:
    assert len({message["type"] for message in CORPUS}) >= 10


@BOTH
@pytest.mark.parametrize("message", CORPUS, ids=lambda message: str(message["type"]))
def test_every_message_of_the_traces_is_held_to_the_promise(
    codec: Codec, message: dict[str, Any]
) -> None:
    check(codec, encoded(codec, message))


@BOTH
@EACH_KIND
def test_wrong_frames(codec: Codec, frames: Frames) -> None:
    given(frames(codec))(lambda frame: check(codec, frame))()


@BOTH
@EACH_WAY
def test_what_is_said_is_what_is_heard(codec: Codec, direction: str) -> None:
    given(VALID[direction])(lambda message: check_round_trip(codec, direction, message))()


@pytest.mark.fuzz
def test_for_minutes() -> None:
    checks = [
        *((frames(codec), _checked(codec)) for codec in (JSON, MSGPACK) for frames in WRONG),
        *(
            (VALID[direction], _heard(codec, direction))
            for codec in (JSON, MSGPACK)
            for direction in DIRECTIONS
        ),
    ]
    deadline, tried = time.monotonic() + SECONDS, 0

    def counted(check_one: Callable[[Any], None]) -> Callable[[Any], None]:
        def one(value: Any) -> None:
            nonlocal tried
            tried += 1
            check_one(value)

        return one

    search = settings(
        max_examples=EXAMPLES_A_ROUND,
        derandomize=False,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    while time.monotonic() < deadline:
        for values, check_one in checks:
            search(given(values)(counted(check_one)))()
    print(f"{tried:,} frames and messages in {SECONDS} s")


def _checked(codec: Codec) -> Callable[[Any], None]:
    return lambda frame: check(codec, frame)


def _heard(codec: Codec, direction: str) -> Callable[[Any], None]:
    return lambda message: check_round_trip(codec, direction, message)
