"""Design rule 11: at once, then with full jitter from 0.5 s up to 30 s, for ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.protocol.backoff import CAP_SECONDS, FIRST_SECONDS, Backoff

randoms = st.floats(0, 1, exclude_max=True)


def test_the_first_attempt_is_made_at_once() -> None:
    assert Backoff(lambda: 0.9).next_delay() == 0.0


def test_the_ceiling_doubles_up_to_the_cap() -> None:
    backoff = Backoff(lambda: 1.0)
    delays = [backoff.next_delay() for _ in range(9)]
    assert delays == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_success_makes_the_next_failure_the_first() -> None:
    backoff = Backoff(lambda: 1.0)
    for _ in range(5):
        backoff.next_delay()
    assert backoff.failures == 5
    backoff.succeeded()
    assert backoff.failures == 0
    assert backoff.next_delay() == 0.0


@pytest.mark.parametrize(("random", "delay"), [(0.0, 3.0), (0.5, 4.5), (1.0, 6.0)])
def test_a_hint_of_the_hub_is_the_least_that_is_waited(random: float, delay: float) -> None:
    assert Backoff(lambda: random).next_delay(hint=3.0) == delay


def test_a_hint_counts_as_a_failure() -> None:
    backoff = Backoff(lambda: 1.0)
    backoff.next_delay(hint=1.0)
    assert backoff.next_delay() == FIRST_SECONDS


@given(random=randoms, failures=st.integers(1, 3_000))
def test_years_of_failures_stay_below_the_cap(random: float, failures: int) -> None:
    backoff = Backoff(lambda: random)
    for _ in range(failures):
        delay = backoff.next_delay()
    assert 0 <= delay < CAP_SECONDS


@given(random=randoms, hint=st.floats(0, 1e6), failures=st.integers(0, 50))
def test_never_sooner_than_the_hint_and_hardly_later(
    random: float, hint: float, failures: int
) -> None:
    backoff = Backoff(lambda: random)
    for _ in range(failures):
        backoff.next_delay()
    assert hint <= backoff.next_delay(hint) <= hint + CAP_SECONDS


def test_a_hub_that_asks_for_no_time_at_all_is_not_besieged() -> None:
    backoff = Backoff(lambda: 1.0)
    assert [backoff.next_delay(0.0) for _ in range(4)] == [0.0, 0.5, 1.0, 2.0]
