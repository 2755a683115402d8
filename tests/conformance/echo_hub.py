"""The hub's own server with an application that sends back what it gets; prints its port."""

from __future__ import annotations

import uvloop
from starlette.types import Receive, Scope, Send

from arborlink.hub.front.websocket import CONNECTION
from arborlink.hub.logs import configure_logging
from arborlink.hub.server import HubServer
from arborlink.hub.settings import HubSettings


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application for WebSockets alone."""
    assert scope["type"] == "websocket"
    await receive()
    await send({"type": "websocket.accept"})
    # As the hub does when it knows a peer: what it may send is bounded by message from then on.
    scope[CONNECTION].authenticated()
    while (message := await receive())["type"] == "websocket.receive":
        reply = {"bytes": message["bytes"]} if message.get("bytes") is not None else message
        await send({**reply, "type": "websocket.send"})


async def serve() -> None:
    """Until SIGTERM. Every limit is the default one: none stands in a case's way."""

    async def nothing_to_drain() -> None:
        pass

    def on_listening(port: int) -> None:
        print(port, flush=True)

    await HubServer(
        echo, HubSettings(port=0), drain=nothing_to_drain, on_listening=on_listening
    ).serve()


if __name__ == "__main__":
    configure_logging("warning", "text")
    uvloop.run(serve())
