"""Passwords are compared in a bounded queue: strangers never keep out who was here before."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.hub.access import sign_in_queue
from arborlink.hub.access.acquaintances import NETWORKS_PER_USER, Acquaintances
from arborlink.hub.access.rates import RateLimiter
from arborlink.hub.access.sign_in_queue import (
    PLACES_PER_CUSTOMER,
    Claim,
    SignInQueue,
    account_key,
)
from arborlink.protocol.errors import TooManyRequests, Unavailable
from tests.bounds import HANG_SECONDS, NEVER_SECONDS

OWNER = account_key("owner")
PLACES = 6


def queue(max_delay: float = 0.0, burst: int = 10_000) -> SignInQueue:
    accounts = RateLimiter(per_second=0.001, burst=burst, monotonic=lambda: 0.0)
    return SignInQueue(at_once=1, accounts=accounts, places=PLACES, max_delay=max_delay)


class Turns:
    """Claims that wait for their turn in a queue whose one place for work is held by the test."""

    def __init__(self, queue: SignInQueue) -> None:
        self.queue = queue
        self.done: list[str] = []
        self.refused: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._work = AsyncExitStack()

    async def __aenter__(self) -> Turns:
        await self._work.enter_async_context(self.queue.turn(Claim("x", "10.9.9.9", is_known=True)))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._work.aclose()
        async with asyncio.timeout(HANG_SECONDS):
            await asyncio.gather(*self.tasks)

    async def claim(self, name: str, address: str, *, is_known: bool = False) -> None:
        async def work() -> None:
            try:
                async with self.queue.turn(Claim(OWNER, address, is_known)):
                    self.done.append(name)
            except (TooManyRequests, Unavailable) as error:
                assert error.code == "sign_in_busy" and error.retry_after
                self.refused.append(name)

        self.tasks.append(asyncio.create_task(work()))
        for _ in range(3):
            await asyncio.sleep(0)


async def test_who_is_known_goes_first_and_a_full_lane_of_strangers_is_none_of_theirs() -> None:
    async with Turns(queue()) as turns:
        for number in range(PLACES + 3):
            await turns.claim(f"stranger {number}", f"10.{number}.0.1")
        assert turns.refused == [f"stranger {number}" for number in range(PLACES, PLACES + 3)]
        await turns.claim("known", "192.0.2.1", is_known=True)
        assert turns.done == []
    assert turns.done == ["known", *(f"stranger {number}" for number in range(PLACES))]


@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=40), st.booleans())
def test_no_flood_from_one_network_keeps_a_stranger_from_elsewhere_out(
    flood: list[int], is_known: bool
) -> None:
    async def besieged() -> None:
        async with Turns(queue()) as turns:
            for number, low in enumerate(flood):
                await turns.claim(f"flood {number}", f"2001:db8:0:{low:x}::1")
            await turns.claim("owner", "192.0.2.1", is_known=is_known)
            for number, low in enumerate(flood):
                await turns.claim(f"more {number}", f"2001:db8:1:{low:x}::1")
        assert "owner" in turns.done

    asyncio.run(besieged())


async def test_a_customer_waits_a_few_times_and_is_answered_at_once_beyond_that() -> None:
    async with Turns(queue()) as turns:
        for number in range(PLACES_PER_CUSTOMER + 1):
            await turns.claim(f"{number}", f"2001:db8::{number + 1}")
        assert turns.refused == [str(PLACES_PER_CUSTOMER)]


async def test_many_guesses_at_one_account_are_slowed_and_never_refused() -> None:
    async with Turns(queue(burst=2, max_delay=0.01)) as turns:
        for number in range(5):
            await turns.claim(f"{number}", f"10.{number}.0.1")
    assert sorted(turns.done) == [str(number) for number in range(5)]
    assert turns.done[:2] == ["0", "1"]
    # Who is known does not wait for what strangers do, however long they have to.
    slow = queue(burst=1, max_delay=NEVER_SECONDS)
    async with slow.turn(Claim(OWNER, "10.0.0.1", is_known=False)):
        pass
    waiting = asyncio.create_task(slow.turn(Claim(OWNER, "10.1.0.1", is_known=False)).__aenter__())
    for number in range(3):
        async with slow.turn(Claim(OWNER, f"10.1.{number}.1", is_known=True)):
            assert not waiting.done()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_who_leaves_while_waiting_gives_the_turn_on() -> None:
    async with Turns(queue()) as turns:
        await turns.claim("one", "10.0.0.1")
        await turns.claim("two", "10.1.0.1")
        turns.tasks.pop(0).cancel()
        await asyncio.sleep(0)
    assert turns.done == ["two"]


def test_an_account_has_one_key_however_its_name_is_written_and_none_is_long() -> None:
    assert account_key("Owner") == account_key("oWNER") != account_key("owner2")
    assert len(account_key("x" * 100_000)) == sign_in_queue.KEY_CHARS
    assert account_key("\ud800")


def test_a_place_is_recognised_by_its_network_or_by_the_browsers_mark() -> None:
    people = Acquaintances(lambda size: bytes(size))
    assert people.recognise("usr_1", "2001:db8::1", None) is None
    assert people.is_stranger("2001:db8::1")
    people.note("usr_1", "2001:db8::1")
    known = people.recognise("usr_1", "2001:db8::2", None)
    assert known is not None and not people.is_stranger("2001:db8::2")
    assert people.recognise("usr_2", "2001:db8::1", None) is None
    assert people.recognise("usr_1", "2001:db8:0:1::1", None) is None
    mark = people.mark("usr_1")
    marked = people.recognise("usr_1", "192.0.2.1", mark)
    assert marked is not None and marked != known
    for wrong in (people.mark("usr_2"), mark[:-1], f"{mark}0", "", "..", "é", "x" * 100_000):
        assert people.recognise("usr_1", "192.0.2.1", wrong) is None
    people.forget("usr_1")
    assert people.recognise("usr_1", "2001:db8::1", None) is None


def test_a_mark_is_worth_nothing_at_another_hub() -> None:
    one = Acquaintances(lambda size: b"1" * size)
    other = Acquaintances(lambda size: b"2" * size)
    assert other.recognise("usr_1", "192.0.2.1", one.mark("usr_1")) is None


def test_as_many_networks_are_remembered_as_may_be_the_latest_of_them() -> None:
    people = Acquaintances(lambda size: bytes(size))
    for number in range(NETWORKS_PER_USER + 5):
        people.note("usr_1", f"10.0.0.{number}")
    assert people.recognise("usr_1", "10.0.0.4", None) is None
    assert people.recognise("usr_1", "10.0.0.5", None) is not None
