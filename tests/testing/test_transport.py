"""The flaky transport does exactly what it is told, and nothing else."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from arborlink.testing.transport import FlakyTransport


def test_nothing_arrives_by_itself() -> None:
    """Messages wait for `deliver`, and arrive in order, each way on its own."""
    pipe = FlakyTransport[int]()
    for message in (1, 2, 3):
        assert pipe.send_right(message)
    assert pipe.send_left(9)
    assert pipe.to_right.receive() == []
    assert pipe.to_right.deliver(2) == 2
    assert pipe.to_right.receive() == [1, 2]
    assert pipe.to_right.deliver(5) == 1
    assert pipe.to_right.receive() == [3]
    assert pipe.to_left.receive() == []


def test_delay_lets_others_overtake() -> None:
    """A delayed message comes after those that were sent later."""
    pipe = FlakyTransport[int]()
    for message in (1, 2):
        pipe.send_right(message)
    assert pipe.to_right.delay()
    pipe.to_right.deliver()
    assert pipe.to_right.release() == 1
    pipe.to_right.deliver()
    assert pipe.to_right.receive() == [2, 1]


def test_duplicate_arrives_twice() -> None:
    """A duplicate arrives at once and again in its turn."""
    pipe = FlakyTransport[int]()
    assert not pipe.to_right.duplicate()
    pipe.send_right(1)
    assert pipe.to_right.duplicate()
    pipe.to_right.deliver()
    assert pipe.to_right.receive() == [1, 1]


def test_cut_loses_what_is_in_flight_and_tells_both_ends() -> None:
    """After a cut nothing passes until the pipe is connected again."""
    pipe = FlakyTransport[int]()
    pipe.send_right(1)
    pipe.send_left(2)
    pipe.send_left(3)
    pipe.to_left.delay()
    assert pipe.cut() == 3
    assert not pipe.send_right(4)
    assert (pipe.left_was_cut(), pipe.left_was_cut()) == (True, False)
    pipe.reconnect()
    assert pipe.right_was_cut()
    assert pipe.send_right(5)
    assert pipe.to_right.deliver(9) == 1
    assert pipe.to_right.receive() == [5]


@given(seed=st.integers(), count=st.integers(0, 20))
def test_random_steps_lose_nothing(seed: int, count: int) -> None:
    """Without a cut, everything arrives in the end, and the same seed does the same."""

    def run() -> list[int]:
        pipe, chance, received = FlakyTransport[int](), Random(seed), list[int]()
        for message in range(count):
            pipe.send_right(message)
            pipe.step(chance)
            received += pipe.to_right.receive()
        pipe.to_right.release()
        pipe.to_right.deliver(count)
        return received + pipe.to_right.receive()

    first = run()
    assert set(first) == set(range(count))
    assert first == run()
