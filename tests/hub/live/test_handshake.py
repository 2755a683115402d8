"""Before `welcome`: who may connect, how, how many, and what the others are told."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest
from websockets.exceptions import InvalidStatus

from arborlink.protocol.codec import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL, Codec
from arborlink.protocol.messages import Subscribe, ViewerAuth, ViewerWelcome
from arborlink.protocol.resources import Problem
from arborlink.testing.hub import TOKEN
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import (
    Closed,
    DaemonIdentity,
    Peer,
    daemon_auth,
    dialled_daemon,
    socket_to,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


def viewing(socket: object, *, json: bool = False) -> Peer:
    codec = Codec(json=json)
    return Peer(socket, codec, codec.hub_to_viewer)  # type: ignore[arg-type]


async def refused_daemon(bench: Bench, identity: DaemonIdentity, **changes: int) -> Closed:
    async with dialled_daemon(bench.port, daemon_auth(identity, **changes)) as daemon:  # type: ignore[arg-type]
        return await daemon.closed()


async def denied(port: int, **options: object) -> tuple[int, str, str | None]:
    with pytest.raises(InvalidStatus) as error:
        async with socket_to(port, **options):  # type: ignore[arg-type]
            pass
    response = error.value.response
    problem = msgspec.json.decode(response.body, type=Problem)
    assert problem.status == response.status_code
    return response.status_code, problem.detail, response.headers.get("Retry-After")


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([MSGPACK_SUBPROTOCOL], MSGPACK_SUBPROTOCOL),
        ([JSON_SUBPROTOCOL], JSON_SUBPROTOCOL),
        (["arbor.v9", JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL], MSGPACK_SUBPROTOCOL),
        ([], None),
    ],
)
async def test_the_hub_chooses_a_sub_protocol(
    bench: Bench, offered: list[str], chosen: str | None
) -> None:
    async with socket_to(bench.port, subprotocols=offered) as socket:
        assert socket.subprotocol == chosen
        viewer = viewing(socket, json=chosen != MSGPACK_SUBPROTOCOL)
        await viewer.send(ViewerAuth(auth_token=TOKEN))
        welcome = await viewer.expect(ViewerWelcome)
        assert "tasks:read" in welcome.scopes


async def test_a_peer_that_speaks_none_of_our_sub_protocols_is_told_which_there_are(
    bench: Bench,
) -> None:
    status, text, _ = await denied(bench.port, subprotocols=["arbor.v9.cbor"])
    assert status == 400
    assert MSGPACK_SUBPROTOCOL in text and JSON_SUBPROTOCOL in text


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_page_of_another_origin_is_denied(bench: Bench, origin: str) -> None:
    assert (await denied(bench.port, origin=origin))[0] == 403


async def test_a_page_of_the_hub_itself_is_let_in(bench: Bench) -> None:
    async with socket_to(bench.port, origin=f"http://127.0.0.1:{bench.port}") as socket:
        viewer = viewing(socket)
        await viewer.send(ViewerAuth(auth_token=TOKEN))
        await viewer.expect(ViewerWelcome)


async def test_a_hub_that_goes_down_welcomes_nobody_and_says_when_to_come_back(
    tmp_path: Path,
) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with socket_to(bench.port) as one, socket_to(bench.port) as two:
            bench.hub.daemons.presence.start_draining()
            for peer, auth in (
                (viewing(one), ViewerAuth(auth_token=TOKEN)),
                (viewing(two), daemon_auth(identity)),
            ):
                await peer.send(auth)
                assert (await peer.closed()).code == 1013
        hint = (503, "The hub is going down; retry in 2 seconds.", "2")
        assert await denied(bench.port) == hint


async def test_silence_is_ended_after_the_time_to_authenticate(tmp_path: Path) -> None:
    async with running_bench(tmp_path, authentication_seconds=0.2) as bench:
        async with socket_to(bench.port) as socket:
            closed = await viewing(socket).closed()
    assert closed == Closed(4408, "no valid auth within 0.2 seconds")


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\xc1", 4400),
        ("text where MessagePack is spoken", 4400),
        (Codec(json=False).encode(Subscribe(task_id="t")), 4400),
        (b"\x81\xa4type\xa4auth", 4400),
        (b"x" * (1024 * 1024 + 1), 4413),
    ],
    ids=["no message", "text", "not auth", "auth without a token", "too large"],
)
async def test_a_first_message_that_is_no_auth_is_refused(
    bench: Bench, frame: bytes | str, code: int
) -> None:
    async with socket_to(bench.port) as socket:
        await socket.send(frame)
        assert (await viewing(socket).closed()).code == code


async def test_a_viewer_with_a_wrong_token_is_refused_for_good(bench: Bench) -> None:
    async with socket_to(bench.port) as socket:
        viewer = viewing(socket)
        await viewer.send(ViewerAuth(auth_token="wrong"))
        assert (await viewer.closed()).code == 4501


async def test_guessing_tokens_is_slowed_down(tmp_path: Path) -> None:
    codes = []
    async with running_bench(tmp_path, failed_authentications_per_minute=3.0) as bench:
        bench.stop_time_for_budgets()
        for _ in range(4):
            async with socket_to(bench.port) as socket:
                viewer = viewing(socket)
                await viewer.send(ViewerAuth(auth_token="wrong"))
                codes.append((await viewer.closed()).code)
        async with bench.viewer():
            pass
    assert codes == [4501, 4501, 4501, 4429]


async def test_a_ticket_lets_in_once(bench: Bench) -> None:
    ticket = (await bench.post("/api/ws-ticket"))["ticket"]
    async with bench.viewer(ticket):
        async with socket_to(bench.port) as socket:
            second = viewing(socket)
            await second.send(ViewerAuth(auth_token=ticket))
            assert (await second.closed()).code == 4501


async def test_a_daemon_with_a_wrong_token_is_refused_for_good(
    bench: Bench, identity: DaemonIdentity
) -> None:
    wrong = identity._replace(auth_token="d_wrong")
    assert (await refused_daemon(bench, wrong)).code == 4501


async def test_a_daemon_with_the_token_of_another_is_not_allowed(
    bench: Bench, identity: DaemonIdentity
) -> None:
    other = await bench.enrolled()
    wrong = identity._replace(auth_token=other.auth_token)
    assert (await refused_daemon(bench, wrong)).code == 4503
    assert not bench.connected(identity.workspace_id)


async def test_a_daemon_of_another_protocol_is_told_so(
    bench: Bench, identity: DaemonIdentity
) -> None:
    assert (await refused_daemon(bench, identity, protocol=2)).code == 4526


async def test_authentication_happens_once(bench: Bench) -> None:
    async with bench.viewer() as viewer:
        await viewer.send(ViewerAuth(auth_token=TOKEN))
        assert (await viewer.closed()).code == 4400


@pytest.mark.parametrize(
    ("setting", "limit"),
    [
        ("unauthenticated_connections_per_address", 3),
        ("unauthenticated_connections", 2),
    ],
)
async def test_unauthenticated_connections_are_bounded_and_make_room_again(
    tmp_path: Path, setting: str, limit: int
) -> None:
    async with running_bench(tmp_path, **{setting: limit}) as bench, AsyncExitStack() as stack:
        waiting = [await stack.enter_async_context(socket_to(bench.port)) for _ in range(limit)]
        status, text, after = await denied(bench.port)
        assert (status, after) == (429, "1"), text
        viewer = viewing(waiting[0])
        await viewer.send(ViewerAuth(auth_token=TOKEN))
        await viewer.expect(ViewerWelcome)
        # What is welcomed has found room; otherwise it would be denied as the one above.
        async with bench.viewer():
            pass
