"""Signing in and out and managing accounts, with the executable and a hub in this process."""

from __future__ import annotations

import asyncio
import json
import re
import tomllib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from arborlink.cli.account import LOGIN_DAYS, LOGIN_SCOPES
from arborlink.cli.display import day_text
from arborlink.cli.token import DAY_SECONDS, SCOPES
from arborlink.protocol.resources import ALL_SCOPES, SIGN_IN_SCOPES, SIGN_IN_SECONDS, Scope
from arborlink.testing.hub import HubInProcess, hub_in_process
from tests.bounds import HANG_SECONDS
from tests.hub.live.bench import QUICK_HASHER

from .conftest import ARBOR, clean_environment

PASSWORD = "correct horse"


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class Machine:
    """A machine with its own files, and a hub."""

    home: Path
    hub: HubInProcess

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        """`arbor WORDS`, started."""
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *ARBOR,
            *words,
            env=clean_environment(self.home),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
        )

    async def arbor(self, *words: str, stdin: str = "") -> Ended:
        """`arbor WORDS`, to its end."""
        return await self.end(await self.start(*words), stdin)

    async def end(self, process: asyncio.subprocess.Process, stdin: str = "") -> Ended:
        """The end of what was started."""
        async with asyncio.timeout(HANG_SECONDS):
            out, err = await process.communicate(stdin.encode())
        assert process.returncode is not None
        return Ended(process.returncode, out.decode(), err.decode())

    async def logged_in(self) -> str:
        """Sign in with the owner's token; the token that is stored."""
        words = ("login", self.hub.url, "--token")
        assert (await self.arbor(*words, stdin=self.hub.token + "\n")).code == 0
        return self.stored()

    def stored(self) -> str:
        """The token in credentials.toml."""
        text = (self.home / "credentials.toml").read_text()
        return str(tomllib.loads(text)["hub"]["token"])

    @asynccontextmanager
    async def browser(self, credential: dict[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
        """Somebody who signed in at the hub's page."""
        headers = {"Origin": self.hub.url}
        async with httpx2.AsyncClient(
            verify=False, base_url=self.hub.url, headers=headers, timeout=HANG_SECONDS
        ) as client:
            assert (await client.post("/api/session", json=credential)).status_code == 201
            yield client

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[httpx2.AsyncClient]:
        """The owner at the hub's page."""
        link = await self.hub.hub.access.create_sign_in_link()
        async with self.browser({"link": link.secret}) as client:
            yield client

    async def status(self, token: str) -> int:
        """What the hub says to this token."""
        async with httpx2.AsyncClient(
            verify=False, base_url=self.hub.url, timeout=HANG_SECONDS
        ) as client:
            headers = {"Authorization": f"Bearer {token}"}
            return (await client.get("/api/me", headers=headers)).status_code


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    """A machine that is not signed in yet."""
    async with hub_in_process(tmp_path / "hub", hasher=QUICK_HASHER) as hub:
        yield Machine(tmp_path / "home", hub)


async def shown_code(process: asyncio.subprocess.Process) -> str:
    """The code that `arbor login` shows."""
    assert process.stderr is not None
    async with asyncio.timeout(HANG_SECONDS):
        while True:
            line = (await process.stderr.readline()).decode()
            assert line, "it ended without a code"
            if re.fullmatch(r"\s+[A-Z]{4}-[A-Z]{4}\n", line):
                return line.strip()


def test_the_command_line_knows_the_scopes_without_importing_the_protocol() -> None:
    assert (SCOPES, LOGIN_SCOPES) == (ALL_SCOPES, SIGN_IN_SCOPES)
    assert LOGIN_DAYS * DAY_SECONDS == SIGN_IN_SECONDS


async def test_signing_in_by_code_and_out_again(machine: Machine) -> None:
    waiting = await machine.start("login", machine.hub.url, "--days", "1")
    code = await shown_code(waiting)
    async with machine.owner() as page:
        asked = (await page.get(f"/api/device/{code}")).json()
        assert asked["clientName"] == "arbor" and asked["tokenExpiresIn"] == 86_400
        assert asked["scopes"] == ["tasks:read", "tasks:write"]
        body = {"userCode": code, "approve": True}
        assert (await page.post("/api/device/approve", json=body)).status_code == 204
        done = await machine.end(waiting)
        assert done.code == 0 and "signed in" in done.err and "as owner" in done.err
        token = machine.stored()
        assert token not in done.out + done.err
        assert (machine.home / "credentials.toml").stat().st_mode & 0o777 == 0o600
        listed = (await page.get("/api/tokens")).json()["items"]
        assert listed[-1]["name"].startswith("arbor on ")
        who = await machine.arbor("whoami")
        told = json.loads((await machine.arbor("whoami", "--json")).out)
        assert told["expiresAt"] == listed[-1]["expiresAt"]
        assert f"until: {day_text(told['expiresAt'])}\n" in who.out
        assert "owner (owner)" in who.out and listed[-1]["id"] in who.out
        assert str(machine.home / "credentials.toml") in who.out
        out = await machine.arbor("logout")
        assert out.code == 0 and "the token is revoked" in out.err
        assert not (machine.home / "credentials.toml").exists()
        assert await machine.status(token) == 401
    assert "nothing to sign out of" in (await machine.arbor("logout")).err
    assert (await machine.arbor("whoami")).code == 1


@pytest.mark.parametrize(
    ("words", "scopes", "days"),
    [
        ([], SIGN_IN_SCOPES, 90),
        (["--all"], ALL_SCOPES, 90),
        (["--no-expiry", "--scope", "admin"], ["admin"], None),
        (
            ["--scope", "workspaces:write", "--scope", "tasks:read", "--days", "7"],
            ["tasks:read", "workspaces:write"],
            7,
        ),
    ],
)
async def test_a_sign_in_asks_for_little_unless_told_otherwise(
    machine: Machine, words: list[str], scopes: Sequence[Scope], days: int | None
) -> None:
    waiting = await machine.start("login", machine.hub.url, *words)
    code = await shown_code(waiting)
    async with machine.owner() as page:
        asked = (await page.get(f"/api/device/{code}")).json()
        assert asked["scopes"] == list(scopes)
        assert asked["tokenExpiresIn"] == (None if days is None else days * 86_400)
        await page.post("/api/device/approve", json={"userCode": code, "approve": False})
    await machine.end(waiting)


async def test_everyday_commands_do_and_others_say_what_is_missing(machine: Machine) -> None:
    waiting = await machine.start("login", machine.hub.url)
    code = await shown_code(waiting)
    async with machine.owner() as page:
        body = {"userCode": code, "approve": True}
        assert (await page.post("/api/device/approve", json=body)).status_code == 204
        done = await machine.end(waiting)
        assert "may: tasks:read, tasks:write; until 20" in done.err
        made = await page.post("/api/workspaces", json={"name": "lab"})
        path = f"/api/workspaces/{made.json()['id']}/enrollment"
        code = (await page.post(path)).json()["code"]
        assert (await page.post("/api/enroll", json={"code": code})).status_code == 201
    for words in (["whoami"], ["workspaces"], ["tasks"]):
        assert (await machine.arbor(*words)).code == 0
    for words, scope in (
        (["enroll", "new"], "workspaces:write"),
        (["rotate", "lab"], "daemons:write"),
        (["release", "lab"], "daemons:write"),
        (["link"], "admin"),
        (["token", "list"], "admin"),
        (["user", "list"], "admin"),
    ):
        refused = await machine.arbor(*words)
        assert refused.code == 1 and f"`--scope {scope}`" in " ".join(refused.err.split())


async def test_a_credential_with_an_end_adds_no_account_and_says_what_does(
    machine: Machine,
) -> None:
    await machine.logged_in()
    options = ("--scope", "admin", "--days", "1", "--json")
    made = await machine.arbor("token", "create", "n", *options)
    words = ("login", machine.hub.url, "--token")
    secret = json.loads(made.out)["secret"]
    assert (await machine.arbor(*words, stdin=f"{secret}\n")).code == 0
    refused = await machine.arbor("user", "add", "mia", stdin=f"{PASSWORD}\n")
    assert refused.code == 1 and "--no-expiry" in refused.err


async def test_a_listing_tells_of_a_daemon_that_was_replaced(machine: Machine) -> None:
    await machine.logged_in()
    for _ in range(2):
        made = json.loads((await machine.arbor("enroll", "lab", "--json")).out)
        async with machine.owner() as page:
            redeemed = await page.post("/api/enroll", json={"code": made["code"]})
            listed = await machine.arbor("workspaces")
            path = f"/api/daemons/{redeemed.json()['daemonId']}"
            assert (await page.delete(path)).status_code == 204
    assert "another daemon was enrolled" in listed.err
    assert "by owner with the token 'bootstrap' from 127.0.0.1" in listed.err
    assert "the daemon was removed" in (await machine.arbor("workspaces")).err


async def test_who_is_denied_has_nothing(machine: Machine) -> None:
    waiting = await machine.start("login", machine.hub.url, "--scope", "tasks:read")
    code = await shown_code(waiting)
    async with machine.owner() as page:
        assert (await page.get(f"/api/device/{code}")).json()["scopes"] == ["tasks:read"]
        await page.post("/api/device/approve", json={"userCode": code, "approve": False})
    done = await machine.end(waiting)
    assert done.code == 1 and "denied" in done.err
    assert not machine.home.exists()


async def test_signing_out_works_without_the_hub_and_says_what_is_left(tmp_path: Path) -> None:
    async with hub_in_process(tmp_path / "hub") as hub:
        machine = Machine(tmp_path / "home", hub)
        await machine.logged_in()
    out = await machine.arbor("logout")
    assert out.code == 0 and "stays valid" in out.err and "cannot be reached" in out.err
    assert not (machine.home / "credentials.toml").exists()


async def test_signing_out_with_a_token_that_is_worth_nothing(machine: Machine) -> None:
    token = await machine.logged_in()
    async with httpx2.AsyncClient(
        verify=False, base_url=machine.hub.url, timeout=HANG_SECONDS
    ) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        token_id = (await client.get("/api/me")).json()["tokenId"]
        assert (await client.delete(f"/api/tokens/{token_id}")).status_code == 204
    assert "was not valid any more" in (await machine.arbor("logout")).err
    (machine.home / "credentials.toml").write_text("[nonsense")
    out = await machine.arbor("logout")
    assert out.code == 0 and not (machine.home / "credentials.toml").exists()


async def test_accounts_come_and_go(machine: Machine) -> None:
    await machine.logged_in()
    short = await machine.arbor("user", "add", "mia", stdin="short\n")
    assert short.code == 1 and "at least 10" in short.err
    assert (await machine.arbor("user", "add", "mia", stdin="")).code == 1
    made = await machine.arbor("user", "add", "mia", stdin=f"{PASSWORD}\n")
    assert made.code == 0 and PASSWORD not in made.out + made.err
    async with machine.browser({"username": "mia", "password": PASSWORD}) as page:
        linked = await machine.arbor("user", "add", "zoe", "--owner", "--link")
        link = linked.out.strip().rpartition("#link=")[2]
        async with machine.browser({"link": link}) as other:
            assert (await other.get("/api/me")).json()["role"] == "owner"
        listed = json.loads((await machine.arbor("user", "list", "--json")).out)
        assert [(each["username"], each["hasPassword"]) for each in listed] == [
            ("mia", True),
            ("owner", False),
            ("zoe", False),
        ]
        assert "mia" in (await machine.arbor("user", "list")).out
        assert (await machine.arbor("user", "remove", "Mia")).code == 0
        assert (await page.get("/api/me")).status_code == 401
    gone = await machine.arbor("user", "remove", "mia")
    assert gone.code == 1 and "arbor user list" in gone.err
    own = await machine.arbor("user", "remove", "owner")
    assert own.code == 1 and "your own account" in own.err


async def test_passwords_are_set_from_stdin(machine: Machine) -> None:
    await machine.logged_in()
    assert (await machine.arbor("user", "passwd", stdin=f"{PASSWORD}\n")).code == 0
    wrong = await machine.arbor("user", "passwd", stdin="wrong horse\nanother horse\n")
    assert wrong.code == 1 and "current password is wrong" in wrong.err
    changed = await machine.arbor("user", "passwd", "owner", stdin=f"{PASSWORD}\nanother horse\n")
    assert changed.code == 0, changed.err
    async with machine.browser({"username": "owner", "password": "another horse"}) as page:
        assert (await page.get("/api/me")).status_code == 200
    await machine.arbor("user", "add", "mia", stdin=f"{PASSWORD}\n")
    assert (await machine.arbor("user", "passwd", "mia", stdin="mia's own horse\n")).code == 0
    async with machine.browser({"username": "mia", "password": "mia's own horse"}) as page:
        assert (await page.get("/api/me")).json()["username"] == "mia"
