"""Passwords, hashed with argon2id off the event loop."""

from __future__ import annotations

import asyncio
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import argon2

from arborlink.hub.access.sign_in_queue import Claim, SignInQueue
from arborlink.protocol.errors import InvalidInput

MIN_PASSWORD_CHARS: Final = 10
MAX_PASSWORD_BYTES: Final = 1_024
# Each takes 64 MiB and a core for a tenth of a second. Guesses must not slow down live output: one
# core is left to it, if there is more than one. (Threads of a lower priority are worse: one that
# holds Python's lock and gets no core blocks the event loop.)
CONCURRENT_HASHES: Final = max(1, min(2, (os.cpu_count() or 1) - 1))
LANES: Final = 1

T = TypeVar("T")


def own_hasher() -> argon2.PasswordHasher:
    """Make the argon2id hasher of RFC 9106 for little memory (§4), without threads of its own."""
    return argon2.PasswordHasher(parallelism=LANES)


class Passwords:
    """Hashes and checks; at most CONCURRENT_HASHES at a time, in the order of the queue."""

    def __init__(self, hasher: argon2.PasswordHasher, queue: SignInQueue) -> None:
        self._hasher = hasher
        self._queue = queue
        self._threads = ThreadPoolExecutor(CONCURRENT_HASHES, thread_name_prefix="password")
        self._decoy: str | None = None

    async def hash(self, password: str, username: str, user_id: str) -> str:
        """Return the hash to store for an account. `user_id`: the authenticated user that asks.

        Raises:
            InvalidInput: it is too weak (code `weak_password`).
            Unavailable: too many wait (code `sign_in_busy`).
        """
        password = _normal(password)
        if len(password) < MIN_PASSWORD_CHARS:
            raise _weak(f"A password has at least {MIN_PASSWORD_CHARS} characters.")
        if len(password.encode()) > MAX_PASSWORD_BYTES:
            raise _weak(f"A password has at most {MAX_PASSWORD_BYTES} bytes.")
        if password.casefold() == _normal(username).casefold():
            raise _weak("The name of the account is no password. Choose something else.")
        return await self._in_thread(signed_in(user_id), self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str, claim: Claim) -> bool:
        """Return whether the password matches.

        Without a hash the answer is False after the same time, so that the time does not tell
        whether the account exists.

        Raises:
            Unavailable: too many wait (code `sign_in_busy`).
        """
        password = _normal(password)
        if len(password.encode()) > MAX_PASSWORD_BYTES:
            return False
        return await self._in_thread(claim, self._verify, password_hash, password)

    async def _in_thread(self, claim: Claim, work: Callable[..., T], *arguments: str | None) -> T:
        async with self._queue.turn(claim):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, work, *arguments)

    def _verify(self, password_hash: str | None, password: str) -> bool:
        if self._decoy is None:
            self._decoy = self._hasher.hash("nobody's password")
        try:
            self._hasher.verify(password_hash or self._decoy, password)
        except (argon2.exceptions.Argon2Error, argon2.exceptions.InvalidHashError):
            return False
        return password_hash is not None


def signed_in(user_id: str) -> Claim:
    """Return the claim of an authenticated user: counted by itself, whatever its address."""
    return Claim(user_id, user_id, is_known=True)


def _normal(password: str) -> str:
    # Keyboards and systems differ in how they write the same accented letter (NIST SP 800-63B).
    return unicodedata.normalize("NFC", password)


def _weak(message: str) -> InvalidInput:
    return InvalidInput(message, code="weak_password")
