"""A program waits for its token, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from arborlink.client import (
    DeviceCode,
    InvalidInput,
    SignInUnfinished,
    Unavailable,
    device,
    sign_in,
)

from .test_http import Server, served

TOKEN = {"token": "t", "tokenId": "tok_1", "username": "mia", "scopes": ["admin"]}
GRANTED = (200, TOKEN | {"expiresAt": None})


def begun(**fields: Any) -> tuple[int, object]:
    """What a hub answers to whoever begins."""
    code = {
        "deviceCode": "secret",
        "userCode": "BCDF-GHJK",
        "verificationUri": "u",
        "verificationUriComplete": "c",
        "expiresIn": 600,
        "interval": 0,
    }
    return 200, code | fields


def refused(code: str) -> tuple[int, object]:
    """A problem of RFC 8628."""
    return 400, {"title": "x", "status": 400, "detail": "why", "code": code, "error": code}


async def signed_in(server: Server) -> str:
    """The token; the code that was shown must be the hub's."""
    shown: list[DeviceCode] = []
    granted = await sign_in(server.url, on_code=shown.append, hostname="lab", scopes=["admin"])
    assert [each.user_code for each in shown] == ["BCDF-GHJK"]
    return granted.token


async def test_it_asks_until_somebody_has_approved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "SLOW_DOWN_SECONDS", 0.001)
    waiting = [refused("authorization_pending"), refused("slow_down"), (503, {}), None]
    async with served(begun(), *waiting, GRANTED) as (server, _):
        assert await signed_in(server) == "t"
    first, *others = server.requests
    assert '"clientName":"arbor"' in first and '"hostname":"lab"' in first
    assert len(others) == 5 and all('{"deviceCode":"secret"}' in each for each in others)
    assert not [each for each in server.requests if "authorization:" in each.lower()]


async def test_it_waits_longer_each_time_it_was_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    too_early = [refused("slow_down")] * 2
    async with served(begun(interval=2), *too_early, GRANTED) as (server, _):
        await signed_in(server)
    assert waits == [2, 7, 12]


async def test_it_waits_as_long_as_a_busy_hub_wants() -> None:
    async with served(begun(), (503, {}), GRANTED) as (server, _):
        server.retry_after = "0.3"
        began = asyncio.get_running_loop().time()
        assert await signed_in(server) == "t"
        assert asyncio.get_running_loop().time() - began >= 0.3


@pytest.mark.parametrize("code", ["access_denied", "expired_token"])
async def test_it_stops_when_there_is_nothing_to_wait_for(code: str) -> None:
    async with served(begun(), refused(code)) as (server, _):
        with pytest.raises(SignInUnfinished, match="why") as caught:
            await signed_in(server)
    assert caught.value.code == code


async def test_it_does_not_wait_for_a_hub_longer_than_the_code_lives() -> None:
    async with served(begun(expiresIn=-1), None) as (server, _):
        with pytest.raises(Unavailable):
            await signed_in(server)


async def test_no_secret_goes_over_the_network_in_the_clear() -> None:
    with pytest.raises(InvalidInput, match="in the clear"):
        await sign_in("http://hub.example", on_code=lambda _: None)
