"""A local user who takes a hub's port: a process that answers as told, and records what it is sent.

As root the tests run it as another user of the machine. It imports everything before it becomes
that user, who may not read the interpreter's files.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import msgspec

from arborlink import __version__
from arborlink.proof import keys, statement
from arborlink.proof.statement import End
from tests.bounds import HANG_SECONDS

OTHER_USER: Final = 65_534
PIECE_BYTES: Final = 65_536
ALIVE: Final = f'{{"status":"ok","version":"{__version__}"}}'.encode()


class Thief:
    """`answer`: to the question who the hub is: "none" (as an older hub), "other" (with a key of
    its own), "replay" (with `proof`, one of the hub's for another question), or "relay" (that of
    the hub at port `behind`, to which everything is passed on).

    Whatever else it is asked is answered with what a hub might say, so that more may be sent.
    """

    def __init__(self, record: int, answer: str, proof: str, behind: int, folder: str) -> None:
        self._record = record
        self._answer = answer
        self._proof = proof
        self._behind = behind
        self._key = keys.ensure(Path(folder)) if answer == "other" else None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with suppress(OSError, asyncio.IncompleteReadError):
            if self._answer == "relay":
                await self._pass_on(reader, writer)
            else:
                await self._play(reader, writer)
        writer.close()

    async def _play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                byte = await reader.readexactly(1)
                os.write(self._record, byte)
                head += byte
            target = head.split(b" ", 2)[1].decode()
            if target.startswith(statement.PATH):
                writer.write(self._identity(target, writer))
            elif b"\r\nupgrade:" in head.lower():
                writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            else:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(ALIVE) + ALIVE)

    def _identity(self, target: str, writer: asyncio.StreamWriter) -> bytes:
        if self._answer == "none":
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        body = self._proof.encode()
        if self._key is not None:
            (nonce,) = parse_qs(urlsplit(target).query)["nonce"]
            client = End.of(writer.get_extra_info("peername"))
            server = End.of(writer.get_extra_info("sockname"))
            proof = statement.sign(
                self._key,
                nonce=nonce,
                hub_id="hub_thief",
                authority=f"127.0.0.1:{server.port}",
                channel=statement.channel(nonce, client, server, statement.this_machine()),
            )
            body = msgspec.json.encode(proof)
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._behind)

        async def copy(
            source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, recorded: bool
        ) -> None:
            with suppress(OSError):
                while data := await source.read(PIECE_BYTES):
                    if recorded:
                        os.write(self._record, data)
                    sink.write(data)
                    await sink.drain()
            sink.close()

        async with asyncio.TaskGroup() as group:
            group.create_task(copy(reader, back, recorded=True))
            group.create_task(copy(there, writer, recorded=False))


class Record:
    """What the process was sent, so far."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def bytes(self) -> bytes:
        """All of it."""
        return self._file.read_bytes()

    @property
    def questions(self) -> int:
        """How often it was asked who it is."""
        return self.bytes.count(b"GET " + statement.PATH.encode())


@contextmanager
def thief(
    port: int,
    folder: Path,
    answer: str,
    *,
    proof: str = "",
    behind: int = 0,
    as_other_user: bool = True,
) -> Iterator[Record]:
    """The port is taken while inside, by another user where that can be."""
    file = folder / f"record-{answer}-{port}"
    with file.open("wb") as record:
        words = {
            "port": port,
            "record": record.fileno(),
            "answer": answer,
            "proof": proof,
            "behind": behind,
            "folder": str(folder),
            "user": OTHER_USER if as_other_user and os.geteuid() == 0 else None,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.thief", json.dumps(words)],
            pass_fds=[record.fileno()],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"listening\n"
        yield Record(file)
    finally:
        process.kill()
        process.wait(HANG_SECONDS)
        process.stdout.close()


async def _main(words: dict[str, object]) -> None:
    double = Thief(
        int(str(words["record"])),
        str(words["answer"]),
        str(words["proof"]),
        int(str(words["behind"])),
        str(words["folder"]),
    )
    statement.this_machine()
    if words["user"] is not None:
        user = int(str(words["user"]))
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    server = await asyncio.start_server(double.serve, "127.0.0.1", int(str(words["port"])))
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(json.loads(sys.argv[1])))
