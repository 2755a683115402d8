"""Passwords, hashed with argon2id off the event loop."""

from __future__ import annotations

import asyncio
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import argon2

from arborlink.protocol.errors import InvalidInput

MIN_PASSWORD_CHARS: Final = 10
MAX_PASSWORD_BYTES: Final = 1_024
# Each takes 64 MiB and a core for a tenth of a second. Whoever guesses must not slow down what is
# live: one core is left to it, if there is more than one. (Threads of a lower priority would do
# worse: they hold up everybody whenever they have Python's lock and no core.)
CONCURRENT_HASHES: Final = max(1, min(2, (os.cpu_count() or 1) - 1))
LANES: Final = 1

T = TypeVar("T")


def own_hasher() -> argon2.PasswordHasher:
    """argon2id as RFC 9106 recommends it where memory is scarce, without threads of its own."""
    return argon2.PasswordHasher(parallelism=LANES)


class Passwords:
    """Hashes and checks; at most CONCURRENT_HASHES at a time."""

    def __init__(self, hasher: argon2.PasswordHasher) -> None:
        self._hasher = hasher
        self._threads = ThreadPoolExecutor(CONCURRENT_HASHES, thread_name_prefix="password")
        self._decoy: str | None = None

    async def hash(self, password: str, username: str) -> str:
        """What to store for this account. Raises InvalidInput (code `weak_password`)."""
        password = _normal(password)
        if len(password) < MIN_PASSWORD_CHARS:
            raise _weak(f"A password has at least {MIN_PASSWORD_CHARS} characters.")
        if len(password.encode()) > MAX_PASSWORD_BYTES:
            raise _weak(f"A password has at most {MAX_PASSWORD_BYTES} bytes.")
        if password.casefold() == _normal(username).casefold():
            raise _weak("The name of the account is no password. Choose something else.")
        return await self._in_thread(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the right one; without a hash none is, and that takes as long to say."""
        password = _normal(password)
        if len(password.encode()) > MAX_PASSWORD_BYTES:
            return False
        return await self._in_thread(self._verify, password_hash, password)

    async def _in_thread(self, work: Callable[..., T], *arguments: str | None) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def _verify(self, password_hash: str | None, password: str) -> bool:
        if self._decoy is None:
            self._decoy = self._hasher.hash("nobody's password")
        try:
            self._hasher.verify(password_hash or self._decoy, password)
        except (argon2.exceptions.Argon2Error, argon2.exceptions.InvalidHashError):
            return False
        return password_hash is not None


def _normal(password: str) -> str:
    # Keyboards and systems differ in how they write the same accented letter (NIST SP 800-63B).
    return unicodedata.normalize("NFC", password)


def _weak(message: str) -> InvalidInput:
    return InvalidInput(message, code="weak_password")
