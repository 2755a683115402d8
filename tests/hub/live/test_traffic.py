"""Counts, and the rates that are made of them."""

from __future__ import annotations

from arborlink.hub.live.traffic import Meter, Rates, Traffic


def traffic(bytes_in: int, bytes_out: int, messages: int = 1) -> Traffic:
    counted = Traffic()
    counted.bytes_in, counted.bytes_out = bytes_in, bytes_out
    counted.messages_in = counted.messages_out = messages
    return counted


def test_traffic_adds_up() -> None:
    total = traffic(1, 10, 100)
    total.add(traffic(2, 20, 200))
    assert (total.bytes_in, total.bytes_out) == (3, 30)
    assert (total.messages_in, total.messages_out) == (300, 300)


def test_a_rate_is_that_of_the_time_since_the_reading_before() -> None:
    meter = Meter()
    assert meter.read(traffic(1_000, 0), 10.0) == Rates(None, None)
    assert meter.read(traffic(1_500, 50), 15.0) == Rates(100.0, 10.0)
    assert meter.read(traffic(1_500, 50), 25.0) == Rates(0.0, 0.0)


def test_two_readings_at_one_moment_have_no_rate_of_their_own() -> None:
    meter = Meter()
    meter.read(traffic(0, 0), 1.0)
    meter.read(traffic(8, 4), 2.0)
    assert meter.read(traffic(9, 9), 2.0) == Rates(8.0, 4.0)
