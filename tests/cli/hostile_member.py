"""A hub with two accounts: an owner who runs `arbor`, and a member whose daemon and names lie."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from arborlink.hub.access import Identity
from arborlink.hub.store.base_access import UserRow
from arborlink.protocol.messages import Command, DaemonWelcome, HostInfo, Input
from arborlink.protocol.resources import ALL_SCOPES
from arborlink.testing.hub import HubInProcess, hub_in_process
from tests.bounds import HANG_SECONDS
from tests.hub.live.peers import DaemonIdentity, ScriptedDaemon, daemon_auth, dialled_daemon

from .conftest import ARBOR, clean_environment

MEMBER = "mallory"
MEMBER_ID = "usr_0000000000000000000000000m"


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class TwoAccounts:
    """`owner` and `member` speak to the hub with a token each; `home` and `folder` are the owner's.

    `theirs`: the member's daemons, each of which must never be sent anything.
    """

    hub: HubInProcess
    owner: httpx2.AsyncClient
    member: httpx2.AsyncClient
    home: Path
    folder: Path
    theirs: list[ScriptedDaemon] = field(default_factory=list)

    async def workspace(self, client: httpx2.AsyncClient, name: str) -> str:
        """The id of a new workspace."""
        made = await client.post("/api/workspaces", json={"name": name})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def enrolled(self, client: httpx2.AsyncClient, workspace_id: str) -> DaemonIdentity:
        """What a daemon of the workspace is given."""
        code = (await client.post(f"/api/workspaces/{workspace_id}/enrollment")).json()["code"]
        given = (await client.post("/api/enroll", json={"code": code})).json()
        return DaemonIdentity(given["workspaceId"], given["daemonId"], given["authToken"])

    @asynccontextmanager
    async def served(
        self, daemon: DaemonIdentity, hostname: str = "box", path: str = "/srv"
    ) -> AsyncIterator[ScriptedDaemon]:
        """A daemon that is connected, and says that it is there."""
        host = HostInfo(hostname=hostname, platform="linux", user="root", path=path)
        auth = msgspec.structs.replace(daemon_auth(daemon), host=host)
        async with dialled_daemon(self.hub.port, auth) as connected:
            connected.welcome = await connected.expect(DaemonWelcome)
            yield connected

    @asynccontextmanager
    async def lure(self, name: str, hostname: str, path: str) -> AsyncIterator[str]:
        """The id of a workspace of the member's, with a daemon that says that it is there.

        It is given `name` as a hub that refused nothing would have given it. At the end, the daemon
        must not have heard of any command.
        """
        workspace_id = await self.workspace(self.member, f"lure {len(self.theirs)}")
        await self.hub.hub.store.rename_workspace(workspace_id, name)
        daemon = await self.enrolled(self.member, workspace_id)
        async with self.served(daemon, hostname, path) as connected:
            self.theirs.append(connected)
            async with connected.idling():
                yield workspace_id
            await connected.settle()
            assert connected.seen(Command) == [] and connected.seen(Input) == []
            assert await self.tasks(workspace_id) == []

    async def tasks(self, workspace_id: str) -> list[dict[str, Any]]:
        """The tasks of a workspace, as the hub's owner sees them."""
        listed = await self.owner.get("/api/tasks", params={"workspace": workspace_id})
        found: list[dict[str, Any]] = listed.json()["items"]
        return found

    async def start(self, *words: str, here: Path | None = None) -> asyncio.subprocess.Process:
        """`arbor WORDS` of the owner's, started in `here` (default: `folder`)."""
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *ARBOR,
            *words,
            cwd=here or self.folder,
            env={
                **clean_environment(self.home),
                "ARBOR_URL": self.hub.url,
                "ARBOR_TOKEN": self.hub.token,
            },
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
        )

    async def arbor(self, *words: str, here: Path | None = None, stdin: str = "") -> Ended:
        """`arbor WORDS` of the owner's, to its end."""
        process = await self.start(*words, here=here)
        async with asyncio.timeout(HANG_SECONDS):
            out, err = await process.communicate(stdin.encode())
        assert process.returncode is not None
        return Ended(process.returncode, out.decode(), err.decode())

    async def runs_in(self, *words: str, here: Path | None = None) -> str:
        """The id of the workspace that `arbor run WORDS` gives its command to."""
        ended = await self.arbor("run", "--queue", "--detach", *words, "--", "true", here=here)
        assert ended.code == 0, ended.err
        task = await self.owner.get(f"/api/tasks/{ended.out.strip()}")
        return str(task.json()["workspaceId"])


@asynccontextmanager
async def two_accounts(base: Path) -> AsyncIterator[TwoAccounts]:
    """The hub runs while inside."""
    folder = base / "project"
    folder.mkdir()
    async with hub_in_process(base / "hub", requests_burst=10_000) as hub:
        store, access = hub.hub.store, hub.hub.access
        await store.add_user(UserRow(id=MEMBER_ID, username=MEMBER, role="member", created_at=1))
        member = Identity(
            user_id=MEMBER_ID,
            username=MEMBER,
            role="member",
            kind="token",
            scopes=frozenset(ALL_SCOPES),
        )
        _, secret = await access.create_token(member, "theirs", list(ALL_SCOPES))
        async with client(hub, hub.token) as owner, client(hub, secret) as theirs:
            yield TwoAccounts(hub, owner, theirs, base / "home", folder)


def client(hub: HubInProcess, token: str) -> httpx2.AsyncClient:
    """Who speaks to the hub with this token."""
    headers = {"Authorization": f"Bearer {token}"}
    return httpx2.AsyncClient(verify=False, base_url=hub.url, headers=headers, timeout=HANG_SECONDS)
