"""One question and its answer on a new connection, before anything else is written. Sans-I/O."""

from __future__ import annotations

from typing import Final, NamedTuple

import h11

from arborlink import __version__
from arborlink.proof.statement import PATH, new_nonce
from arborlink.protocol.retry import retry_after_of_header

# The head of the answer with whatever a proxy adds, and the proof: some hundred bytes.
MAX_ANSWER_BYTES: Final = 32 * 1024


class Answer(NamedTuple):
    """An HTTP answer; status 0: it is none. `reusable`: another request may follow it."""

    status: int
    body: bytes
    reusable: bool
    retry_after: float | None = None


NO_ANSWER: Final = Answer(0, b"", False)


class Exchange:
    """`base`: the path of the hub's address, without a trailing slash."""

    def __init__(self, authority: str, base: str = "") -> None:
        self.nonce = new_nonce()
        self._connection = h11.Connection(h11.CLIENT)
        self._authority = authority
        self._target = f"{base}{PATH}?nonce={self.nonce}"
        self._received = 0
        self._response: h11.Response | None = None
        self._body = bytearray()

    def request(self) -> bytes:
        """Return the bytes to send."""
        headers = [
            ("Host", self._authority),
            ("Accept", "application/json"),
            ("User-Agent", f"arborlink/{__version__}"),
            ("Connection", "keep-alive"),
        ]
        request = h11.Request(method="GET", target=self._target, headers=headers)
        head = self._connection.send(request) or b""
        return head + (self._connection.send(h11.EndOfMessage()) or b"")

    def receive(self, data: bytes) -> Answer | None:
        """Take what has arrived, nothing at the end of the stream; None: that was not all of it."""
        self._received += len(data)
        if self._received > MAX_ANSWER_BYTES:
            return self._answer(reusable=False)
        try:
            self._connection.receive_data(data)
            return self._next()
        except h11.RemoteProtocolError:
            return self._answer(reusable=False) if data else None

    def _next(self) -> Answer | None:
        while True:
            event = self._connection.next_event()
            if event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
                return None
            if isinstance(event, h11.Response):
                self._response = event
            elif isinstance(event, h11.Data):
                self._body += event.data
            elif isinstance(event, h11.EndOfMessage):
                done = (h11.DONE, h11.DONE)
                states = (self._connection.our_state, self._connection.their_state)
                surplus, _ = self._connection.trailing_data
                return self._answer(reusable=states == done and not surplus)
            elif not isinstance(event, h11.InformationalResponse):
                return self._answer(reusable=False)

    def _answer(self, *, reusable: bool) -> Answer:
        if self._response is None:
            return NO_ANSWER
        wait = next(
            (value for name, value in self._response.headers if name == b"retry-after"), b""
        )
        return Answer(
            self._response.status_code,
            bytes(self._body),
            reusable,
            retry_after_of_header(wait.decode("latin-1") or None),
        )
