"""Secrets, codes, rates and passwords."""

from __future__ import annotations

import re
import secrets
import zlib
from contextlib import ExitStack

import pytest

from arborlink.hub.access.attempts import Attempts
from arborlink.hub.access.credentials import (
    BASE62,
    make_code,
    make_secret,
    normal_code,
    shown_prefix,
)
from arborlink.hub.access.passwords import Passwords, signed_in
from arborlink.hub.access.rates import MAX_KEYS, SHARED_KEYS, NetworkLimiter, RateLimiter
from arborlink.hub.access.sign_in_queue import SignInQueue
from arborlink.protocol.errors import InvalidInput, TooManyRequests

from .conftest import CHEAP_HASHER

ID = "usr_1"
CLAIM = signed_in(ID)


def test_a_secret_carries_its_kind_and_its_checksum() -> None:
    secret = make_secret("u", secrets.token_bytes)
    assert re.fullmatch(r"arb_u_[0-9A-Za-z]{36}", secret)
    value = 0
    for character in secret[-6:]:
        value = value * 62 + BASE62.index(character)
    assert value == zlib.crc32(secret[:-6].encode())
    assert shown_prefix(secret) == secret[:10]
    assert make_secret("u", secrets.token_bytes) != secret


@pytest.mark.parametrize("byte", [0, 255])
def test_secrets_and_codes_have_their_length_whatever_the_randomness(byte: int) -> None:
    assert len(make_secret("d", lambda size: bytes([byte]) * size)) == 42
    assert re.fullmatch(
        r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}",
        make_code(lambda size: bytes([byte]) * size),
    )


@pytest.mark.parametrize("typed", ["BCDF-GHJK", "bcdfghjk", " bcdf ghjk", "b-c-d-f-g-h-j-k"])
def test_a_code_may_be_typed_carelessly(typed: str) -> None:
    assert normal_code(typed) == "BCDF-GHJK"


def test_a_rate_allows_a_burst_and_then_its_pace() -> None:
    now = 0.0
    limiter = RateLimiter(per_second=2.0, burst=3, monotonic=lambda: now)
    for _ in range(3):
        limiter.take("a")
    with pytest.raises(TooManyRequests) as caught:
        limiter.take("a")
    assert caught.value.retry_after == pytest.approx(0.5)
    limiter.take("b")
    now = 0.5
    limiter.take("a")
    with pytest.raises(TooManyRequests):
        limiter.check("a")
    now = 100.0
    for _ in range(3):
        limiter.take("a")


def test_checking_spends_nothing_and_spending_never_locks_out_for_longer() -> None:
    now = 0.0
    limiter = RateLimiter(per_second=1.0, burst=2, monotonic=lambda: now)
    for _ in range(9):
        limiter.check("a")
    for _ in range(99):
        limiter.spend("a")
    now = 1.0
    limiter.take("a")


def test_a_rate_limiter_remembers_a_bounded_number_of_keys() -> None:
    limiter = RateLimiter(per_second=1.0, burst=1, monotonic=lambda: 0.0)
    for n in range(MAX_KEYS + 10):
        limiter.spend(str(n))
    assert len(limiter) <= MAX_KEYS + SHARED_KEYS
    with pytest.raises(TooManyRequests):
        limiter.check(str(MAX_KEYS + 9))


def some_passwords() -> Passwords:
    accounts = RateLimiter(per_second=1.0, burst=1, monotonic=lambda: 0.0)
    return Passwords(CHEAP_HASHER, SignInQueue(at_once=1, accounts=accounts))


async def test_passwords() -> None:
    passwords = some_passwords()
    stored = await passwords.hash("correct horse", "owner", ID)
    assert await passwords.verify(stored, "correct horse", CLAIM)
    assert not await passwords.verify(stored, "wrong horse", CLAIM)
    assert not await passwords.verify(None, "correct horse", CLAIM)
    assert not await passwords.verify(None, "nobody's password", CLAIM)
    assert not await passwords.verify(stored, "x" * 5_000, CLAIM)
    assert not await passwords.verify("no hash", "correct horse", CLAIM)
    for wrong in ("short", "x" * 1_025, "é" * 513, "Somebody-Long"):
        with pytest.raises(InvalidInput) as caught:
            await passwords.hash(wrong, "somebody-long", ID)
        assert caught.value.code == "weak_password" and wrong not in caught.value.message
    assert await passwords.hash("x" * 1_024, "somebody-long", ID)


async def test_the_same_letters_are_the_same_password() -> None:
    passwords = some_passwords()
    stored = await passwords.hash("caf\u00e9 au lait", "owner", ID)
    assert await passwords.verify(stored, "cafe\u0301 au lait", CLAIM)


def is_invalid(error: BaseException) -> bool:
    return isinstance(error, InvalidInput)


def test_guesses_at_once_are_counted_before_any_of_them_is_judged() -> None:
    networks = NetworkLimiter(per_second=1.0, burst=2, monotonic=lambda: 0.0)
    users, strangers = (
        RateLimiter(per_second=1.0, burst=burst, monotonic=lambda: 0.0) for burst in (2, 9)
    )
    attempts = Attempts(networks, users, strangers)
    with ExitStack() as guessing:
        for address in ("192.0.2.1", "198.51.100.1"):
            guess = attempts.by_network("k", address, wrong=is_invalid, user_id="a")
            guessing.enter_context(guess)
        with pytest.raises(TooManyRequests):
            guess = attempts.by_network("k", "203.0.113.1", wrong=is_invalid, user_id="a")
            guessing.enter_context(guess)
        guessing.enter_context(attempts.by_network("k", "192.0.2.1", wrong=is_invalid))
        with pytest.raises(TooManyRequests):
            networks.check("192.0.2.1", "k")
        networks.check("203.0.113.1", "k")
    # All were right, so that nothing was spent; what is wrong stays spent, what fails does not.
    for error in (KeyError, KeyError, InvalidInput, InvalidInput):
        with (
            pytest.raises(error),
            attempts.by_network("k", "192.0.2.1", wrong=is_invalid, user_id="a"),
        ):
            raise error("no")
    with pytest.raises(TooManyRequests):
        networks.check("192.0.2.1", "k")
    with pytest.raises(TooManyRequests):
        users.check("k a")
    networks.check("192.0.2.1", "another kind")


def test_strangers_guesses_together_never_count_for_those_who_are_known() -> None:
    networks = NetworkLimiter(per_second=1.0, burst=5, monotonic=lambda: 0.0)
    users, strangers = (
        RateLimiter(per_second=1.0, burst=3, monotonic=lambda: 0.0) for _ in range(2)
    )
    attempts = Attempts(networks, users, strangers)
    for number in range(3):
        guess = attempts.by_network("k", f"10.{number}.0.1", wrong=is_invalid, is_stranger=True)
        with pytest.raises(InvalidInput), guess:
            raise InvalidInput("no")
    with (
        pytest.raises(TooManyRequests),
        attempts.by_network("k", "10.9.0.1", wrong=is_invalid, is_stranger=True),
    ):
        pass
    with attempts.by_network("k", "10.9.0.1", wrong=is_invalid):
        pass
    with attempts.by_name("k", "usr_1 mark", wrong=is_invalid):
        pass
