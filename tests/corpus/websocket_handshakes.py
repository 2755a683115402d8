"""Bad inputs before anybody is known: handshakes, foreign pages, silence, wrong first messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from tests.corpus.arena import Arena
from tests.corpus.sockets import Peer
from tests.corpus.websocket_case import (
    DAEMON,
    NEIGHBOUR,
    NOBODY,
    STRANGER,
    VIEWERS,
    Act,
    Case,
    Handshake,
    Text,
    Wire,
    daemon_auth,
)
from tests.e2e.arbor import TOKEN
from tests.hub.front.wire import HANDSHAKE, TEXT, frame

KEY: Final = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
MIB: Final = 1 << 20


def auth(token: object, **fields: Any) -> dict[str, Any]:
    """A viewer's first message."""
    return {"type": "auth", "authToken": token, **fields}


def request(old: bytes, new: bytes) -> Wire:
    """A handshake with something in it replaced."""
    assert old in HANDSHAKE
    return Wire(HANDSHAKE.replace(old, new) + b"\r\n")


def _handshakes() -> Iterator[Case]:
    no_upgrade = request(b"Connection: Upgrade\r\n", b"")
    yield Case("B01-no-connection-header", (no_upgrade,), "http 404", NOBODY)
    yield Case(
        "B01-connection-close", (request(b"Connection: Upgrade", b"Connection: close"),),
        "http 404", NOBODY,
    )  # fmt: skip
    yield Case(
        "B01-no-upgrade-header", (request(b"Upgrade: websocket\r\n", b""),), "http 404", NOBODY
    )
    for version in (b"0", b"8", b"14", b"99", b"-13", b"x"):
        wrong = request(b"Version: 13", b"Version: " + version)
        yield Case(f"B01-version-{version.decode()}", (wrong,), "http 400", NOBODY)
    yield Case("B01-no-key", (request(KEY, b""),), "http 400", NOBODY)
    yield Case("B01-two-keys", (request(KEY, KEY * 2),), "http 400", NOBODY)
    for name, key in (("short", b"short"), ("long", b"A" * 4_000), ("no-base64", b"\xff" * 24)):
        wrong = request(b"dGhlIHNhbXBsZSBub25jZQ==", key)
        yield Case(f"B01-{name}-key", (wrong,), "http 400", NOBODY)
    yield Case("B01-post", (request(b"GET ", b"POST "),), "http 405 | http 400", NOBODY)
    yield Case("B01-http-1.0", (request(b"HTTP/1.1", b"HTTP/1.0"),), "http 404", NOBODY)
    for name in ("none.of.ours", "arbor.v0.json", "ARBOR.V1.JSON", "arbor.v1.msgpack2"):
        wrong = Wire(HANDSHAKE + f"Sec-WebSocket-Protocol: {name}\r\n\r\n".encode())
        yield Case(f"B01-sub-protocol-{name}", (wrong,), "http 400", NOBODY)


def _pages() -> Iterator[Case]:
    cookie = "Cookie: arbor_session={cookie}"
    for name, origin in {
        "foreign": "https://evil.example",
        "null": "null",
        "file": "file://",
        "extension": "chrome-extension://abcdefghijklmnop",
        "empty": "",
        "opaque": "data:text/html",
        "two-in-one": "http://127.0.0.1:{port} https://evil.example",
    }.items():
        lines = (cookie, f"Origin: {origin}")
        yield Case(f"B02-{name}", (Handshake(lines),), "http 403", NOBODY)
    # A cookie says nothing here, whoever sends it: the first message has to.
    yield Case("B02-no-origin", (Handshake((cookie,)), upgraded, subscribe()), "close 4400", NOBODY)
    yield Case(
        "B02-own-origin",
        (Handshake((cookie, "Origin: http://127.0.0.1:{port}")), upgraded, subscribe()),
        "close 4400",
        NOBODY,
    )
    yield Case("B02-cookie-as-token", (cookie_as_token,), "close 4501", STRANGER)
    for name, origin in {
        "subdomain-of-evil": "http://127.0.0.1.evil.com:{port}",
        "other-scheme": "https://127.0.0.1:{port}",
        "web-socket-scheme": "ws://127.0.0.1:{port}",
        "other-port": "http://127.0.0.1:1",
        "no-port": "http://127.0.0.1",
        "trailing-dot": "http://127.0.0.1.:{port}",
        "upper-case": "HTTP://127.0.0.1:{port}",
        "look-alike": "http://\uff11\uff12\uff17.0.0.1:{port}",
        "punycode": "http://xn--localhst-t4a:{port}",
        "other-name": "http://localhost:{port}",
        "other-loopback": "http://127.0.0.2:{port}",
        "ipv6": "http://[::1]:{port}",
        "path": "http://127.0.0.1:{port}/",
        "user": "http://127.0.0.1:{port}@evil.com",
        "user-in-front": "http://evil.com@127.0.0.1:{port}",
        "fragment": "http://evil.com#http://127.0.0.1:{port}",
        "number": "http://2130706433:{port}",
        "port-with-zero": "http://127.0.0.1:0{port}",
    }.items():
        yield Case(f"B03-{name}", (Handshake((f"Origin: {origin}",)),), "http 403", NOBODY)
    own = "Origin: http://127.0.0.1:{port}"
    for name, lines in {
        "two-origins": (own, "Origin: https://evil.example"),
        "two-origins-turned": ("Origin: https://evil.example", own),
    }.items():
        yield Case(f"B03-{name}", (Handshake(lines),), "http 400", NOBODY)


def _silences() -> Iterator[Case]:
    def silent(name: str, *sent: Any, roles: tuple[str, ...] = STRANGER) -> Case:
        expected = "http 408" if roles == NOBODY else "close 4408"
        return Case(f"B06-{name}", sent, expected, roles)

    yield silent("nothing")
    yield silent("half-a-frame", Wire(frame(json.dumps(auth(TOKEN)).encode())[:20]))
    yield silent("half-a-message", Wire(frame(b'{"type":', first=0)))
    yield silent("only-a-header", Wire(b"\x81\xfe\x10\x00"))
    yield silent("pings", Wire(frame(b"", 9) * 20))
    yield silent("half-a-handshake", Wire(HANDSHAKE), roles=NOBODY)
    yield silent("not-a-byte", roles=NOBODY)


def _first_messages() -> Iterator[Case]:
    early: dict[str, dict[str, Any]] = {
        "subscribe": subscribe(),
        "unsubscribe": {"type": "unsubscribe", "taskId": NEIGHBOUR},
        "ack": {"type": "ack", "taskId": NEIGHBOUR, "offset": 0},
        "input": {"type": "input", "taskId": NEIGHBOUR, "input": b"x"},
        "cancel": {"type": "cancel", "taskId": NEIGHBOUR},
        "heartbeat": {"type": "heartbeat", "sentAt": 1},
        "output": {"type": "output", "taskId": NEIGHBOUR, "offset": 0, "output": b"x"},
        "welcome": {"type": "welcome", "userId": "usr_x", "scopes": ["admin"]},
        "hello": {"type": "hello"},
        "auth-without-token": {"type": "auth"},
    }
    for name, message in early.items():
        yield Case(f"B07-{name}-before-auth", (message,), "close 4400", STRANGER)
    again = (auth(TOKEN),)
    yield Case("B07-auth-again", again, "close 4400", (*VIEWERS, *DAEMON))
    yield Case("B07-wrong-auth-again", (auth("wrong"),), "close 4400", VIEWERS)
    yield Case("B07-auth-twice-at-once", (twice,), "welcome, close 4400", STRANGER)
    yield Case("B07-daemon-auth-after-auth", (daemon_says(),), "close 4400", (*VIEWERS, *DAEMON))


def subscribe(**fields: Any) -> dict[str, Any]:
    """Follow the neighbour's task."""
    return {"type": "subscribe", "taskId": NEIGHBOUR, **fields}


def _tokens() -> Iterator[Case]:
    wrong: dict[str, object] = {
        "empty": "",
        "newline": TOKEN + "\n",
        "space": " " + TOKEN,
        "nul": TOKEN + "\0",
        "bearer": "Bearer " + TOKEN,
        "prefix": "arb_u_",
        "half": TOKEN[:-1],
        "upper-case": TOKEN.upper(),
        "invalid": "arb_u_" + "A" * 36,
        "daemons-prefix": "arb_d_" + TOKEN,
        "as-long-as-may-be": "x" * 512,
        "quotes": "' OR 1=1 --",
        "hash": "sha256:" + "0" * 64,
        "look-alike": TOKEN.replace("e", "е"),  # noqa: RUF001
    }
    for name, token in wrong.items():
        yield Case(f"B45-token-{name}", (auth(token),), "close 4501", STRANGER)
    for name, token in {"513": "x" * 513, "number": 7, "list": [TOKEN], "null": None}.items():
        yield Case(f"B45-token-{name}", (auth(token),), "close 4400", STRANGER)
    yield Case("B45-ten-megabytes", (auth("x" * 10 * MIB),), "close 1009 | reset", STRANGER)
    announced = Wire(b"\x81\xff" + (10 * MIB).to_bytes(8, "big") + b"mask" + b"x" * 1_000)
    yield Case("B45-ten-megabytes-to-come", (announced,), "close 1009", STRANGER)
    for role in ("expired", "revoked", "daemon"):
        yield Case(f"B45-{role}", (token_of(role),), "close 4501", STRANGER)
    yield Case("B45-ticket-twice", (used_ticket,), "close 4501", STRANGER)
    in_address = Wire(
        HANDSHAKE.replace(b"/api/ws ", f"/api/ws?authToken={TOKEN}&token={TOKEN} ".encode())
        + b"\r\n"
    )
    yield Case("B45-in-the-address", (in_address, upgraded, subscribe()), "close 4400", NOBODY)
    header = (f"Authorization: Bearer {TOKEN}",)
    yield Case("B45-in-a-header", (Handshake(header), upgraded, subscribe()), "close 4400", NOBODY)
    for kind, message in writes().items():
        yield Case(f"B45-{kind}-without-scope", (message,), "not_allowed", ("reader",))
    yield Case("B45-revoked-meanwhile", (revoked_meanwhile,), "close 4501", STRANGER)
    yield Case("B45-expired-meanwhile", (expired_meanwhile,), "close 4501", STRANGER)


def writes() -> dict[str, dict[str, Any]]:
    """What takes `tasks:write`, of the neighbour's task."""
    return {
        "cancel": {"type": "cancel", "taskId": NEIGHBOUR},
        "input": {"type": "input", "taskId": NEIGHBOUR, "input": b"x"},
        "end-of-input": {"type": "input", "taskId": NEIGHBOUR, "eof": True},
        "resize": {"type": "resize", "taskId": NEIGHBOUR, "cols": 80, "rows": 24},
    }


def _versions() -> Iterator[Case]:
    for version in (0, 2, 999, -1, 2**31, 2**63 - 1):
        yield Case(
            f"B56-version-{version}", (daemon_says(protocol=version),), "close 4526", STRANGER
        )
    wrong = {"text": "1", "fraction": 1.5, "float": 1.0, "truth": True}
    for name, value in wrong.items():
        yield Case(f"B56-version-{name}", (daemon_says(protocol=value),), "close 4400", STRANGER)
    yield Case("B56-no-version", (daemon_says(protocol=None),), "close 4400", STRANGER)
    for field in ("version", "host", "instanceId", "workspaceId", "protocol", "authToken"):
        yield Case(f"B56-without-{field}", (daemon_without(field),), "close 4400", STRANGER)
    yield Case("B56-without-tasks", (daemon_says(),), "welcome", STRANGER)
    yield Case("B56-later-field", (daemon_says(shoeSize=43),), "welcome", STRANGER)
    yield Case("B56-downgrade", (daemon_says(protocol=1, maxProtocol=0),), "welcome", STRANGER)
    big = Text('{"type":"auth","daemonId":"d","protocol":1' + "0" * 5_000 + "}")
    yield Case("B56-version-of-5000-digits", (big,), "close 4400", STRANGER)
    yield Case("B56-both-sub-protocols", (_offer("arbor.v2.json, arbor.v1.json"),), "http 101",
               NOBODY)  # fmt: skip
    yield Case("B56-older-sub-protocol", (_offer("arbor.v0.json"),), "http 400", NOBODY)


def _offer(names: str) -> Wire:
    return Wire(HANDSHAKE + f"Sec-WebSocket-Protocol: {names}\r\n\r\n".encode())


def upgraded(_: Arena, peer: Peer) -> None:
    """The handshake before was accepted."""
    assert peer.status() == 101


def twice(_: Arena, peer: Peer) -> None:
    """Two first messages in one go."""
    text = frame(json.dumps(auth(TOKEN)).encode(), TEXT)
    peer.write(text + text)


def token_of(role: str) -> Act:
    """The first message of one whose token is not a viewer's (any more)."""

    def act(arena: Arena, peer: Peer) -> None:
        peer.send(auth(arena.roles[role].token))

    return act


def cookie_as_token(arena: Arena, peer: Peer) -> None:
    """What a page can neither read nor send, said as if it could."""
    peer.send(auth(arena.roles["browser"].cookie))


def used_ticket(arena: Arena, peer: Peer) -> None:
    """A ticket that somebody has used already."""
    ticket = arena.secret("browser")
    first = Peer(arena.port)
    first.open()
    first.send(auth(ticket))
    first.message("welcome")
    first.close()
    peer.send(auth(ticket))


def revoked_meanwhile(arena: Arena, peer: Peer) -> None:
    """A token that ends while its bearer watches."""
    token = arena.make_token("short-lived", ["tasks:read"])
    follow(arena, peer, token["secret"])
    arena.revoke_token(token)
    peer.mark()


def expired_meanwhile(arena: Arena, peer: Peer) -> None:
    """The same by itself."""
    seconds = 0.3
    while True:
        token = arena.make_token("short-lived", ["tasks:read"], seconds=seconds)
        try:
            follow(arena, peer, token["secret"])
            arena.until_refused(token["secret"])
            peer.mark()
            return
        except ConnectionRefusedError:
            # It expired before its bearer watched: here that takes longer.
            seconds *= 2
            peer.again()
        finally:
            arena.revoke_token(token)


def follow(arena: Arena, peer: Peer, token: str) -> None:
    """Watch the neighbour's task."""
    peer.send(auth(token))
    peer.message("welcome")
    peer.send({"type": "subscribe", "taskId": arena.neighbour.task_id})
    peer.message("output")


def daemon_says(**changes: Any) -> Act:
    """A daemon's first message with other fields."""

    def act(arena: Arena, peer: Peer) -> None:
        peer.send(daemon_auth(arena, **changes))

    return act


def daemon_without(field: str) -> Act:
    """A daemon's first message without a field."""

    def act(arena: Arena, peer: Peer) -> None:
        message = daemon_auth(arena)
        del message[field]
        peer.send(message)

    return act


SILENT: Final = tuple(_silences())
CASES: Final = tuple(
    case for group in (_handshakes, _pages, _first_messages, _tokens, _versions) for case in group()
)
