"""A daemon does not come back at once, again and again, to what ends it every time."""

from __future__ import annotations

import pytest

from arborlink.daemon.patience import REPEATED_SECONDS, Patience
from arborlink.protocol.backoff import CAP_SECONDS


@pytest.mark.parametrize("code", [4400, 4413])
def test_a_broken_rule_is_tried_once_more_at_once_and_then_ever_later(code: int) -> None:
    patience = Patience()
    waits = [patience.wait(code, 0.01) for _ in range(7)]
    assert waits == [None, 4.0, 8.0, 16.0, CAP_SECONDS, CAP_SECONDS, CAP_SECONDS]


def test_one_that_was_replaced_waits_from_the_first_time_on() -> None:
    patience = Patience()
    assert [patience.wait(4409, 0.01) for _ in range(3)] == [2.0, 4.0, 8.0]


def test_a_connection_that_has_lived_makes_it_the_first_time_again() -> None:
    patience = Patience()
    for _ in range(5):
        patience.wait(4400, 0.01)
    assert patience.wait(4400, REPEATED_SECONDS + 1) is None
    assert patience.wait(4409, REPEATED_SECONDS + 1) == 1.0


@pytest.mark.parametrize("code", [None, 1000, 1006, 1012, 1013])
def test_a_network_that_fails_or_a_hub_that_restarts_is_no_reason(code: int | None) -> None:
    patience = Patience()
    assert [patience.wait(code, 0.0) for _ in range(9)] == [None] * 9
