"""`GET /api/identity`: a proof for the connection that asks, without a credential."""

from __future__ import annotations

import base64

import msgspec
import pytest

from arborlink.proof import keys, statement
from arborlink.protocol.resources import HubProof

from .conftest import ORIGIN, Api, problem

NONCE = statement.new_nonce()


async def test_anybody_may_ask_and_can_verify_the_answer(api: Api) -> None:
    async with api.anonymous() as stranger:
        first = await stranger.get(statement.PATH, params={"nonce": NONCE})
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-store")
    assert "set-cookie" not in first.headers
    proof = msgspec.json.decode(first.content, type=HubProof)
    assert (proof.key, proof.hub_id) == (api.hub.key.public, api.hub.store.hub_id)
    assert proof.authority == ORIGIN.removeprefix("http://")
    assert keys.verify(proof.key, proof.signature, statement.statement(NONCE, proof))
    other = statement.statement(statement.new_nonce(), proof)
    assert not keys.verify(proof.key, proof.signature, other)


@pytest.mark.parametrize(
    "nonce",
    [
        "",
        "x",
        "é",
        base64.urlsafe_b64encode(b"n" * 31).decode(),
        "A" * 45,
        "A" * 43 + "=",
        "+" * 43,
    ],
)
async def test_nothing_but_a_nonce_is_signed(api: Api, nonce: str) -> None:
    answer = await api.client.get(statement.PATH, params={"nonce": nonce})
    assert problem(answer) == (422, "invalid_input")


async def test_a_name_that_the_hub_does_not_go_by_is_not_signed(api: Api) -> None:
    answer = await api.client.get(
        statement.PATH, params={"nonce": NONCE}, headers={"Host": "evil.example"}
    )
    assert problem(answer) == (421, "host_not_allowed")
