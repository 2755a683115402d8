"""The order in which passwords are hashed: a lane for clients that signed in before, and a bounded
one for unknown clients, in which no network takes all places.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from arborlink.hub.access.fair_pool import FairPool
from arborlink.hub.access.networks import network_of
from arborlink.hub.access.rates import RateLimiter
from arborlink.protocol.errors import TooManyRequests, Unavailable

# Places in each lane. A hash takes 0.1 s, so the last one waits for about 3 s.
PLACES: Final = 32
PLACES_PER_CUSTOMER: Final = 2
# Delay of a guess at an account that many unknown clients guess at. It is delayed and not refused:
# otherwise unknown clients could lock the account's owner out.
MAX_DELAY_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 5.0
KEY_CHARS: Final = 32
BUSY: Final = "sign_in_busy"


class Claim(NamedTuple):
    """One request to compare a password. `account`: the name that was given, existing or not.

    `is_known`: it comes from a browser or network that signed in to that account before.
    """

    account: str
    address: str
    is_known: bool


def account_key(username: str) -> str:
    """Return a short name for an account, the same however it is written, existing or not."""
    return hashlib.sha256(username.casefold().encode(errors="replace")).hexdigest()[:KEY_CHARS]


class _Place:
    """A place in a lane. `gone` is done when another claim has taken it."""

    def __init__(self) -> None:
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class SignInQueue:
    """Lets `at_once` claims work at a time, known clients first."""

    def __init__(
        self,
        *,
        at_once: int,
        accounts: RateLimiter,
        places: int = PLACES,
        max_delay: float = MAX_DELAY_SECONDS,
    ) -> None:
        self._free = at_once
        self._accounts = accounts
        self._max_delay = max_delay
        self._known: FairPool[_Place] = FairPool(places, per_customer=PLACES_PER_CUSTOMER)
        self._strangers: FairPool[_Place] = FairPool(places, per_customer=PLACES_PER_CUSTOMER)
        # Claims whose delay is over, in their order: they wait for a turn.
        self._turns: tuple[dict[asyncio.Future[None], None], ...] = ({}, {})

    @asynccontextmanager
    async def turn(self, claim: Claim) -> AsyncIterator[None]:
        """Wait for this claim's turn, and hold it while the context is open.

        Raises:
            TooManyRequests: PLACES_PER_CUSTOMER of the same customer wait (code `sign_in_busy`).
            Unavailable: no place is free, or a claim with priority took it (the same code).
        """
        lane = self._known if claim.is_known else self._strangers
        place, network = _Place(), network_of(claim.address)
        if lane.held_by(network) >= PLACES_PER_CUSTOMER:
            raise TooManyRequests(
                "Sign-ins from here wait for their turn already.",
                code=BUSY,
                retry_after=RETRY_SECONDS,
            )
        leaving = lane.enter(place, network)
        if leaving is place:
            raise _busy()
        if leaving is not None and not leaving.gone.done():
            leaving.gone.set_result(None)
        try:
            if not claim.is_known:
                await self._delay(claim.account, place)
            await self._wait_for_turn(claim.is_known, place)
        finally:
            lane.leave(place)
        try:
            yield
        finally:
            self._free += 1
            self._hand_on()

    async def _delay(self, account: str, place: _Place) -> None:
        wait = min(self._accounts.wait(account), self._max_delay)
        self._accounts.spend(account)
        if wait:
            await asyncio.wait([place.gone], timeout=wait)
        if place.gone.done():
            raise _busy()

    async def _wait_for_turn(self, is_known: bool, place: _Place) -> None:
        turns = self._turns[0 if is_known else 1]
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        turns[turn] = None
        self._hand_on()
        try:
            await asyncio.wait([turn, place.gone], return_when=asyncio.FIRST_COMPLETED)
            if not turn.done():
                raise _busy()
        except BaseException:
            if turn.done():
                self._free += 1
                self._hand_on()
            raise
        finally:
            turns.pop(turn, None)

    def _hand_on(self) -> None:
        for turns in self._turns:
            while self._free and turns:
                turn = next(iter(turns))
                del turns[turn]
                self._free -= 1
                turn.set_result(None)


def _busy() -> Unavailable:
    return Unavailable(
        "Too many sign-ins wait for their turn. A sign-in link works meanwhile.",
        code=BUSY,
        retry_after=RETRY_SECONDS,
    )
