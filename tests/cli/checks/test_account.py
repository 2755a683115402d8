"""Credentials that are missing, wrong, or about to end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from arborlink.cli.checks import account
from arborlink.cli.checks.finding import Finding
from arborlink.client import Hub
from arborlink.client.credentials import Credentials, save
from arborlink.protocol.resources import Scope
from arborlink.testing.hub import hub_in_process

from .servers import by_check


def test_nobody_is_signed_in() -> None:
    finding = account.find_credentials()
    assert isinstance(finding, Finding) and finding.verdict == "warning"
    assert "arbor login" in finding.do
    assert list(account.check_account(finding, reachable=False)) == [finding]


def test_a_file_that_cannot_be_read(home: Path) -> None:
    (home / "credentials.toml").write_text("[hub\n")
    (home / "credentials.toml").chmod(0o600)
    finding = account.find_credentials()
    assert isinstance(finding, Finding) and finding.verdict == "failed"
    assert "credentials.toml" in finding.why


def test_an_address_that_would_give_the_token_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARBOR_URL", "http://arbor.example.org")
    finding = account.find_credentials()
    assert isinstance(finding, Finding) and finding.verdict == "failed"
    assert "https://" in finding.why


def test_credentials_that_others_can_read() -> None:
    save(Credentials("https://arbor.example.org", "token")).chmod(0o644)
    found = account.check_account(account.find_credentials(), reachable=False)
    (finding,) = found
    assert (finding.check, finding.verdict) == ("credentials", "failed")


def test_a_first_token_that_others_can_read(home: Path) -> None:
    (home / "hub.env").touch()
    (home / "hub.env").chmod(0o640)  # whatever the umask
    found = by_check(list(account.check_account(account.find_credentials(), reachable=False)))
    assert found["first token"].verdict == "failed"


async def test_tokens_as_the_hub_sees_them(tmp_path: Path) -> None:
    async with hub_in_process(tmp_path) as running, Hub(running.url, running.token) as hub:
        day = 86_400
        scopes: list[Scope] = ["tasks:read"]
        short = await hub.create_token("short", scopes=scopes, expires_in=3 * day)
        long = await hub.create_token("long", scopes=scopes, expires_in=90 * day)
        revoked = await hub.create_token("revoked", scopes=["tasks:read"])
        await hub.revoke_token(revoked.id)
        found = {
            name: await account.check_token(Credentials(running.url, token))
            for name, token in {
                "owner": running.token,
                "short": short.secret,
                "long": long.secret,
                "revoked": revoked.secret,
            }.items()
        }
        signed_in = Credentials(running.url, running.token)
        everything = await asyncio.to_thread(
            lambda: list(account.check_account(signed_in, reachable=True))
        )
    verdicts = {name: finding.verdict for name, finding in found.items()}
    assert verdicts == {"owner": "ok", "short": "warning", "long": "ok", "revoked": "failed"}
    assert "arbor login" in found["revoked"].do
    assert by_check(everything)["token"] == found["owner"]


def test_ends() -> None:
    def end(days: float) -> str:
        return (datetime.now(UTC) + timedelta(days=days)).isoformat()

    assert account.check_end("mia", None).verdict == "ok"
    assert account.check_end("mia", end(8)).verdict == "ok"
    assert account.check_end("mia", end(6)).verdict == "warning"
