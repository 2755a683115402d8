"""Strangers who want much of a hub, each with an address of its own.

    python -m tests.e2e.siege PORT KIND

is one of them, until it is killed; it prints a line when it begins.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tests.hub.front.wire import HANDSHAKE, frame

MIB = 1 << 20
LARGE = frame(json.dumps({"type": "auth", "authToken": "x" * (MIB - 60)}).encode())
WRONG = json.dumps({"username": "owner", "password": "wrong"}).encode()
SIGN_IN = (
    b"POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(WRONG), WRONG)
)
ENDLESS = b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 99
DRIP_SECONDS = 0.25
# Of those who come and go.
AT_ONCE = 50
# How many of each, and how long who was sent away stays away, where the siege lasts.
KINDS = ("silent", "slow", "flood", "guesses")
SILENT, SLOW, GUESSES = 2_000, 200, 1_000
AWAY_SECONDS = 1.0


class Stranger:
    """`answers`: HTTP statuses and close codes, and how many of each it got."""

    def __init__(self, port: int, address: str) -> None:
        self._port = port
        self._address = address
        self.answers: Counter[str] = Counter()

    async def say_nothing(self) -> None:
        """Hold a connection for as long as the hub lets us."""
        reader, writer = await self._dial()
        try:
            self._note(await reader.read())
        except ConnectionError:
            self.answers["closed"] += 1
        writer.close()

    async def drip(self) -> None:
        """Send a request without an end, a byte now and then."""
        reader, writer = await self._dial()
        try:
            for byte in ENDLESS:
                writer.write(bytes([byte]))
                with suppress(TimeoutError):
                    async with asyncio.timeout(DRIP_SECONDS):
                        self._note(await reader.read(64))
                        break
        except ConnectionError:
            self.answers["reset"] += 1
        writer.close()

    async def send_much(self) -> None:
        """A mebibyte as the first message of a WebSocket."""
        reader, writer = await self._dial()
        writer.write(HANDSHAKE + b"\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        if head[9:12] == b"101":
            writer.write(LARGE)
            try:
                closed = await reader.readexactly(4)
                self.answers[f"close {int.from_bytes(closed[2:], 'big')}"] += 1
            except (ConnectionError, asyncio.IncompleteReadError):
                self.answers["reset"] += 1
        else:
            self._note(head)
        writer.close()

    async def guess(self) -> None:
        """Sign in with a wrong password."""
        reader, writer = await self._dial()
        writer.write(SIGN_IN)
        self._note(await reader.read())
        writer.close()

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._port, local_addr=(self._address, 0))

    def _note(self, answer: bytes) -> None:
        self.answers[answer[9:12].decode() or "closed"] += 1


async def besiege(
    port: int, *, silent: int, slow: int, large: int, guesses: int
) -> tuple[Counter[str], Counter[str], Counter[str], Counter[str]]:
    """All of them at the same time; what each kind was answered."""
    few = asyncio.Semaphore(AT_ONCE)

    async def in_turn(act: Callable[[], Awaitable[None]]) -> None:
        async with few:
            await act()

    strangers = [Stranger(port, f"127.0.0.{number}") for number in range(2, 6)]
    quiet, dripping, shouting, guessing = strangers
    async with asyncio.TaskGroup() as group:
        for _ in range(silent):
            group.create_task(quiet.say_nothing())
        for _ in range(slow):
            group.create_task(dripping.drip())
        for _ in range(large):
            group.create_task(in_turn(shouting.send_much))
        for _ in range(guesses):
            group.create_task(in_turn(guessing.guess))
    return quiet.answers, dripping.answers, shouting.answers, guessing.answers


async def keep_on(port: int, kind: str) -> None:
    """One kind of attack, for ever: who is sent away comes back. Passwords are guessed once."""
    stranger = Stranger(port, f"127.0.0.{2 + KINDS.index(kind)}")
    act, count, pause = {
        "silent": (stranger.say_nothing, SILENT, AWAY_SECONDS),
        "slow": (stranger.drip, SLOW, AWAY_SECONDS),
        "flood": (stranger.send_much, AT_ONCE, 0.0),
        "guesses": (stranger.guess, GUESSES, None),
    }[kind]
    few = asyncio.Semaphore(AT_ONCE if pause is None else count)

    async def attack() -> None:
        async with few:
            while True:
                with suppress(OSError, asyncio.IncompleteReadError):
                    await act()
                if pause is None:
                    return
                await asyncio.sleep(pause)

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(attack())


if __name__ == "__main__":
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    asyncio.run(keep_on(int(sys.argv[1]), sys.argv[2]))
