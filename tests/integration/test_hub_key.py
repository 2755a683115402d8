"""A hub's key over its life: a hub without one, one that goes back, and hubs with TLS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from arborlink.client import Hub, HubNotProven, OtherHubKey, Unavailable, sign_in
from arborlink.client.credentials import Credentials, load, save
from arborlink.hub.routes import api
from arborlink.proof import keys, statement
from arborlink.testing.hub import TOKEN, hub_in_process

LessOrMore = Callable[[bool], None]


@pytest.fixture
def keyless(monkeypatch: pytest.MonkeyPatch) -> LessOrMore:
    """Makes hubs that begin from now on as they were before they had keys, or as they are."""
    whole = api.OPERATIONS
    without = tuple(each for each in whole if each.path != statement.PATH)

    def change(is_older: bool) -> None:
        monkeypatch.setattr(api, "OPERATIONS", without if is_older else whole)

    return change


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("ARBOR_URL", "ARBOR_TOKEN", "ARBOR_HUB_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ARBOR_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


async def use(**options: str) -> str:
    """Somebody's program: an HTTP request with the token."""
    async with Hub(retry_seconds=0, **options) as hub:  # type: ignore[arg-type]
        return (await hub.me()).username


async def test_a_peer_that_is_upgraded_first_takes_the_key_when_there_is_one(
    tmp_path: Path, keyless: LessOrMore
) -> None:
    keyless(True)
    async with hub_in_process(tmp_path / "data") as older:
        save(Credentials(older.url, TOKEN))
        assert await use() == "owner"
        stored = load()
        assert stored is not None and stored.hub_key is None
    keyless(False)
    seen: list[str] = []
    async with hub_in_process(tmp_path / "data", port=older.port) as newer:
        async with Hub(on_hub_key=seen.append) as hub:
            await hub.me()
            await hub.workspaces()
        assert load() == Credentials(older.url, TOKEN, hub_key=newer.hub.key.public)
        assert seen == [newer.hub.key.public]


async def test_a_hub_that_went_back_is_refused_until_its_key_is_forgotten(
    tmp_path: Path, keyless: LessOrMore
) -> None:
    async with hub_in_process(tmp_path / "data") as hub:
        save(Credentials(hub.url, TOKEN, hub_key=hub.hub.key.public))
    keyless(True)
    async with hub_in_process(tmp_path / "data", port=hub.port):
        with pytest.raises(HubNotProven, match=r"arbor trust .* --forget"):
            await use()
        save(Credentials(hub.url, TOKEN))
        assert await use() == "owner"


async def test_a_program_is_given_the_key_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hub_in_process(tmp_path / "data") as hub:
        monkeypatch.setenv("ARBOR_URL", hub.url)
        monkeypatch.setenv("ARBOR_TOKEN", TOKEN)
        monkeypatch.setenv("ARBOR_HUB_KEY", keys.ensure(tmp_path).public)
        with pytest.raises(OtherHubKey):
            await use()
        with pytest.raises(OtherHubKey):
            await sign_in(hub.url, on_code=print, hub_key=keys.ensure(tmp_path).public)
        monkeypatch.setenv("ARBOR_HUB_KEY", hub.hub.key.public)
        assert await use() == "owner"
        # It is that of the hub in ARBOR_URL, and says nothing about others.
        monkeypatch.setenv("ARBOR_HUB_KEY", keys.ensure(tmp_path).public)
        assert await use(url=f"http://localhost:{hub.port}", token=TOKEN) == "owner"


async def test_a_hub_that_moves_and_has_another_certificate_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))

    def tls(name: str) -> dict[str, Any]:
        issued = authority.issue_cert("localhost")
        files = [tmp_path / f"{name}-{part}.pem" for part in ("chain", "key")]
        files[0].write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(files[1]))
        return {"tls_cert": str(files[0]), "tls_key": str(files[1])}

    async with hub_in_process(tmp_path / "data", **tls("first")) as first:
        key = first.hub.key.public
        url = f"https://localhost:{first.port}"
        assert await use(url=url, token=TOKEN, ca=str(ca), hub_key=key) == "owner"
    (tmp_path / "data").rename(tmp_path / "moved")
    async with hub_in_process(tmp_path / "moved", port=first.port, **tls("second")):
        assert await use(url=url, token=TOKEN, ca=str(ca), hub_key=key) == "owner"
    # A certificate that is accepted makes nobody the hub.
    async with hub_in_process(tmp_path / "another", port=first.port, **tls("third")):
        with pytest.raises(OtherHubKey):
            await use(url=url, token=TOKEN, ca=str(ca), hub_key=key)


async def test_a_hub_that_has_no_time_is_asked_again_later(tmp_path: Path) -> None:
    async with hub_in_process(
        tmp_path / "data", address_proofs_burst=1, address_proofs_per_second=0.01
    ) as hub:
        known = {"url": hub.url, "token": TOKEN, "hub_key": hub.hub.key.public}
        assert await use(**known) == "owner"
        with pytest.raises(Unavailable) as refused:
            await use(**known)
        assert refused.value.code == "not_connected" and refused.value.retry_after is not None
