"""What pages send and receive over their WebSockets, as the browser sees it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec
from playwright.async_api import BrowserContext, Page, WebSocket

from tests.e2e.arbor import wait_until


class Sent:
    """Everything that the pages of a browser context send from now on, message by message."""

    def __init__(self, context: BrowserContext) -> None:
        self.messages: list[dict[str, Any]] = []
        for page in context.pages:
            self._watch(page)
        context.on("page", self._watch)

    def typed(self) -> bytes:
        """All input together. What only asks how far the input goes has none."""
        return b"".join(
            message.get("input", b"") for message in self.messages if message["type"] == "input"
        )

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The messages of one type."""
        return [message for message in self.messages if message["type"] == kind]

    async def after_leaving(self, page: Page) -> Sent:
        """Go from the page of a task to the overview, and wait until the hub is told.

        Messages leave in their order: had what was typed before been sent, it would be here.
        """
        told = len(self.of_type("unsubscribe"))
        await page.get_by_role("link", name="Overview").click()
        await asyncio.to_thread(
            wait_until, lambda: len(self.of_type("unsubscribe")) > told, "the page to leave"
        )
        return self

    def _watch(self, page: Page) -> None:
        page.on("websocket", self._opened)

    def _opened(self, socket: WebSocket) -> None:
        socket.on("framesent", self._sent)

    def _sent(self, frame: str | bytes) -> None:
        assert isinstance(frame, bytes), "pages speak MessagePack"
        self.messages.append(msgspec.msgpack.decode(frame))


@dataclass(frozen=True, slots=True)
class ReceivedOutput:
    """Bytes `[offset, to)`, and where the output ended then, if the page was told."""

    offset: int
    to: int
    end: int | None


class Received:
    """All output that the pages of a browser context receive from now on."""

    def __init__(self, context: BrowserContext) -> None:
        self.outputs: list[ReceivedOutput] = []
        context.on("page", lambda page: page.on("websocket", self._opened))

    def _opened(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._received)

    def _received(self, frame: str | bytes) -> None:
        assert isinstance(frame, bytes), "pages speak MessagePack"
        message = msgspec.msgpack.decode(frame)
        if message["type"] == "output":
            offset, size = message["offset"], len(message["output"])
            self.outputs.append(ReceivedOutput(offset, offset + size, message.get("end")))
