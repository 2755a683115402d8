"""Passwords, hashed with argon2id off the event loop."""

from __future__ import annotations

import asyncio
from typing import Final

import argon2

from arborlink.protocol.errors import InvalidInput

MIN_PASSWORD_CHARS: Final = 10
MAX_PASSWORD_CHARS: Final = 1_024
# Each takes 64 MiB while it runs.
CONCURRENT_HASHES: Final = 2


class Passwords:
    """Hashes and checks; at most CONCURRENT_HASHES at a time."""

    def __init__(self, hasher: argon2.PasswordHasher) -> None:
        self._hasher = hasher
        self._slots = asyncio.Semaphore(CONCURRENT_HASHES)
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """What to store. Raises InvalidInput for one that is too short or too long."""
        if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
            raise InvalidInput(
                f"A password has {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters."
            )
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the right one; without a hash none is, and that takes as long to say."""
        if len(password) > MAX_PASSWORD_CHARS:
            return False
        async with self._slots:
            return await asyncio.to_thread(self._verify, password_hash, password)

    def _verify(self, password_hash: str | None, password: str) -> bool:
        if self._decoy is None:
            self._decoy = self._hasher.hash("nobody's password")
        try:
            self._hasher.verify(password_hash or self._decoy, password)
        except (argon2.exceptions.Argon2Error, argon2.exceptions.InvalidHashError):
            return False
        return password_hash is not None
