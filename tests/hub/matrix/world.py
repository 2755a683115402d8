"""A hub with two parties, the things of each, and every kind of credential there is.

`owner` and `member` are people with a workspace, a daemon, a task and so on of their own. Things
are also `gone` (they were the owner's, and were deleted) or `never` (there never was one).
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import apsw
import httpx2

from arborlink.hub.access.credentials import make_secret
from arborlink.hub.access.fair_pool import FairPool
from arborlink.hub.access.rates import NetworkLimiter
from arborlink.hub.store.sqlite import DATABASE_FILE
from arborlink.protocol.resources import ALL_SCOPES, Scope
from tests.hub.live.bench import Bench
from tests.hub.live.peers import DaemonIdentity

Whose = Literal["owner", "member", "gone", "never"]
Noun = Literal["workspace", "task", "daemon", "token", "session", "user", "code"]
# How a browser's request says from which page it comes.
Page = Literal["own", "foreign", "unsaid"]

WHOSE: Final[tuple[Whose, ...]] = ("owner", "member", "gone", "never")
PARTIES: Final = ("owner", "member")
FOREIGN: Final = "https://evil.example"
PREFIXES: Final[dict[Noun, str]] = {
    "workspace": "ws",
    "task": "tsk",
    "daemon": "dmn",
    "token": "tok",
    "session": "tok",
    "user": "usr",
}
# All credentials come from one address, and most of them are refused.
RATES: Final[dict[str, Any]] = {
    "requests_per_second": 100_000.0,
    "requests_burst": 1_000_000,
    "user_requests_per_second": 100_000.0,
    "user_requests_burst": 1_000_000,
    "address_requests_per_second": 100_000.0,
    "address_requests_burst": 1_000_000,
    "viewer_requests_per_second": 100_000.0,
    "viewer_requests_burst": 1_000_000,
    "user_viewer_requests_per_second": 100_000.0,
    "user_viewer_requests_burst": 1_000_000,
    "failed_authentications_per_minute": 1_000_000.0,
    "strangers_guesses_per_minute": 1_000_000.0,
    "unauthenticated_connections_per_address": 1_000,
    "workspaces_per_user": 100_000,
    "tokens_per_user": 100_000,
    "sessions_per_user": 100_000,
    "sign_in_links_per_user": 100_000,
    "enrollment_codes_per_user": 100_000,
    "tickets_per_user": 100_000,
    "queued_tasks_per_workspace": 100_000,
    "queued_tasks_per_user": 100_000,
}
# What may change by itself, or by a request that is refused: when a credential was last used.
VOLATILE: Final[dict[str, frozenset[str]]] = {
    "meta": frozenset({"value"}),
    "tokens": frozenset({"last_used_at"}),
    "sessions": frozenset({"last_seen_at", "expires_at"}),
    "workspaces": frozenset({"last_seen_at"}),
}


# Facts of the database that the hub notes by itself, sooner or later.
NOTED_BY_ITSELF: Final = frozenset({"latest_time", "last_check"})


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a good credential stands for. `limited_to`: the id of its only workspace."""

    party: str
    scopes: frozenset[Scope]
    limited_to: str | None = None
    is_browser: bool = False

    def has(self, scope: Scope) -> bool:
        """Whether it may do what needs this."""
        return scope in self.scopes or "admin" in self.scopes


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request carries. `principal` None: it is good for nothing.

    `page`: where the request comes from, if it carries a cookie that counts.
    """

    headers: tuple[tuple[str, str], ...]
    principal: Principal | None = None
    page: Page | None = None
    query: str = ""

    @property
    def has_authorization(self) -> bool:
        """Whether it has the header, good or not."""
        return any(name == "Authorization" for name, _ in self.headers)

    @property
    def says_who(self) -> bool:
        """Whether it is where credentials are looked for, good or not."""
        return any(name in ("Authorization", "Cookie") for name, _ in self.headers)


@dataclass(slots=True)
class Party:
    """Somebody with an account. `token` has all scopes and is never tried out itself."""

    user_id: str
    token: str
    cookie: str = ""
    things: dict[Noun, str] = field(default_factory=dict)
    elsewhere_id: str = ""


class World:
    """The hub, who there is, and what there is."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench = bench
        self.url = f"http://127.0.0.1:{bench.port}"
        self.http = httpx2.AsyncClient(verify=False, base_url=self.url, timeout=None)
        self.parties: dict[str, Party] = {}
        self.credentials: dict[str, Credential] = {}
        self.gone: dict[Noun, str] = {}
        self._names = itertools.count(1)
        self._database = apsw.Connection(
            str(folder / DATABASE_FILE), flags=apsw.SQLITE_OPEN_READONLY
        )

    # ── as a party ───────────────────────────────────────────────────────────────────────────

    async def ask(self, party: str, method: str, path: str, body: Any = None) -> Any:
        """Send a request of a party that must succeed, and return the JSON of the answer."""
        headers = {"Authorization": f"Bearer {self.parties[party].token}"}
        response = await self.http.request(method, path, json=body, headers=headers)
        assert response.is_success, (method, path, response.text)
        return response.json() if response.content else None

    def name(self) -> str:
        """Return a name that nothing has."""
        return f"n{next(self._names)}"

    async def thing(self, noun: Noun, whose: Whose) -> str:
        """Return the id of one there is, or is not."""
        if whose == "never":
            return "BBBB-BBBB" if noun == "code" else f"{PREFIXES[noun]}_{'0' * 26}"
        if whose == "gone":
            return self.gone[noun]
        things = self.parties[whose].things
        if noun not in things:
            things[noun] = await self.fresh(noun, whose)
        return things[noun]

    async def fresh(self, noun: Noun, party: str) -> str:
        """Make another one and return its id."""
        makers: dict[Noun, Callable[[str], Awaitable[str]]] = {
            "workspace": self._workspace,
            "task": self._task,
            "daemon": self._daemon,
            "token": self._token,
            "session": self._session,
            "user": self._user,
            "code": self._code,
        }
        return await makers[noun](party)

    async def _workspace(self, party: str) -> str:
        made = await self.ask(party, "POST", "/api/workspaces", {"name": self.name()})
        return str(made["id"])

    async def _task(self, party: str) -> str:
        workspace_id = await self.thing("workspace", _whose(party))
        body = {"command": "true", "ifOffline": "queue"}
        return str(
            (await self.ask(party, "POST", f"/api/workspaces/{workspace_id}/tasks", body))["id"]
        )

    async def _daemon(self, party: str) -> str:
        return (await self.enrolled(party)).daemon_id

    async def enrolled(self, party: str, workspace_id: str | None = None) -> DaemonIdentity:
        """Enroll a daemon of a party, in a new workspace unless one is named."""
        workspace_id = workspace_id or await self._workspace(party)
        code = await self.ask(party, "POST", f"/api/workspaces/{workspace_id}/enrollment")
        given = await self.ask(party, "POST", "/api/enroll", {"code": code["code"]})
        return DaemonIdentity(workspace_id, given["daemonId"], given["authToken"])

    async def _token(self, party: str) -> str:
        return str((await self.token(party, ["tasks:read"]))["id"])

    async def token(self, party: str, scopes: list[Scope], **fields: Any) -> dict[str, Any]:
        """Make an API token of a party, with its `secret`."""
        body = {"name": self.name(), "scopes": scopes, **fields}
        made: dict[str, Any] = await self.ask(party, "POST", "/api/tokens", body)
        return made

    async def _session(self, party: str) -> str:
        await self.sign_in(party)
        return str((await self.ask(party, "GET", "/api/sessions"))["items"][0]["id"])

    async def sign_in(self, party: str) -> str:
        """Sign a browser of a party in and return its cookie."""
        return await self._redeem((await self.ask(party, "POST", "/api/session/link"))["link"])

    async def _redeem(self, link: str) -> str:
        response = await self.http.post("/api/session", json={"link": link})
        assert response.status_code == 201, response.text
        self.http.cookies.clear()
        return (
            response.headers.get_list("set-cookie")[-1]
            .partition(";")[0]
            .removeprefix("arbor_session=")
        )

    async def _user(self, party: str) -> str:
        body = {"username": self.name(), "role": party}
        return str((await self.ask("owner", "POST", "/api/users", body))["id"])

    async def _code(self, _party: str) -> str:
        return str((await self.ask("owner", "POST", "/api/device/code", {}))["userCode"])

    # ── its making ───────────────────────────────────────────────────────────────────────────

    async def fill(self, token: str) -> None:
        """Make both parties, one of each thing, what is gone, and all credentials."""
        access = self.bench.hub.access
        # Each address may have ten a minute, and fifty that wait.
        access.devices._starts = NetworkLimiter(1e6, 1_000_000, access.environment.monotonic)
        access.devices._pool = FairPool(100_000, per_customer=100_000)
        self.parties["owner"] = Party("", token)
        self.parties["owner"].user_id = (await self.ask("owner", "GET", "/api/me"))["userId"]
        self.parties["member"] = await self._new_member("member")
        for name, party in self.parties.items():
            party.elsewhere_id = await self._workspace(name)
            for noun in PREFIXES:
                party.things[noun] = await self.fresh(noun, name)
        # The daemon and the task of each are in its workspace.
        for name, party in self.parties.items():
            identity = await self.enrolled(name, party.things["workspace"])
            party.things["daemon"] = identity.daemon_id
        await self._remove_some()
        await self._make_credentials()

    async def _new_member(self, name: str) -> Party:
        made = await self.ask("owner", "POST", "/api/users", {"username": name})
        cookie = await self._redeem(made["link"]["link"])
        response = await self.http.post(
            "/api/tokens",
            json={"name": "all", "scopes": list(ALL_SCOPES)},
            headers={"Cookie": f"arbor_session={cookie}", "Origin": self.url},
        )
        assert response.status_code == 201, response.text
        return Party(made["id"], response.json()["secret"])

    async def _remove_some(self) -> None:
        owner = self.parties["owner"].things
        kept, owner["workspace"] = owner["workspace"], await self._workspace("owner")
        for noun in PREFIXES:
            self.gone[noun] = await self.fresh(noun, "owner")
        self.gone["workspace"] = owner["workspace"]
        owner["workspace"] = kept
        nouns: tuple[Noun, ...] = ("workspace", "daemon", "token", "session", "user")
        for noun in nouns:
            await self.ask("owner", "DELETE", f"/api/{noun}s/{self.gone[noun]}")
        self.gone["code"] = await self._code("owner")
        decision = {"userCode": self.gone["code"], "approve": False}
        cookie = await self.sign_in("owner")
        headers = {"Cookie": f"arbor_session={cookie}", "Origin": self.url}
        answer = await self.http.post("/api/device/approve", json=decision, headers=headers)
        assert answer.status_code == 204, answer.text

    async def _make_credentials(self) -> None:
        found = self.credentials
        for party in PARTIES:
            await self._make_tokens(party)
        await self.renew_sessions()
        found["no credential"] = Credential(())
        owner = self.parties["owner"]
        for name, secret in (await self._worthless()).items():
            found[f"bearer: {name}"] = Credential((("Authorization", f"Bearer {secret}"),))
        for name, value in {
            "Basic": f"Basic {owner.token}",
            "no scheme": owner.token,
            "nothing but a scheme": "Bearer",
            "two tokens in one": f"Bearer {owner.token}, Bearer {owner.token}",
        }.items():
            found[f"wrong scheme: {name}"] = Credential((("Authorization", value),))
        twice = ("Authorization", f"Bearer {owner.token}")
        found["bearer: sent twice"] = Credential((twice, twice))
        for parameter in ("token", "access_token", "authToken"):
            found[f"in the address: {parameter}"] = Credential(
                (), query=f"{parameter}={owner.token}"
            )
        found["another header"] = Credential((("X-Arbor-Token", owner.token),))

    async def _make_tokens(self, party: str) -> None:
        everything = frozenset(ALL_SCOPES)
        found, mine = self.credentials, self.parties[party]
        for scope in ALL_SCOPES:
            token = await self.token(party, [scope])
            found[f"{party}'s token: {scope}"] = _bearer(
                token, Principal(party, frozenset({scope}))
            )
        whole = await self.token(party, list(ALL_SCOPES))
        found[f"{party}'s token: everything"] = _bearer(whole, Principal(party, everything))
        places = {"here": mine.things["workspace"], "elsewhere": mine.elsewhere_id}
        for where, workspace_id in places.items():
            found[f"{party}'s token: everything {where}"] = await self.limited(party, workspace_id)

    async def limited(self, party: str, workspace_id: str) -> Credential:
        """Make a token of a party that is limited to a workspace."""
        token = await self.token(party, list(ALL_SCOPES), workspaceId=workspace_id)
        principal = Principal(party, frozenset(ALL_SCOPES), limited_to=workspace_id)
        return _bearer(token, principal)

    async def renew_sessions(self) -> None:
        """Sign both browsers in anew, and make what is made of their cookies."""
        found = self.credentials
        for party in PARTIES:
            cookie = await self.sign_in(party)
            self.parties[party].cookie = cookie
            principal = Principal(party, frozenset(ALL_SCOPES), is_browser=True)
            for page in ("own", "foreign", "unsaid"):
                found[f"{party}'s cookie, page {page}"] = self._cookie(cookie, page, principal)
        owner, member = self.parties["owner"], self.parties["member"]
        theirs = self.credentials["member's token: everything"]
        owners = (("Cookie", f"arbor_session={owner.cookie}"), ("Origin", self.url))
        found["owner's cookie and member's token"] = Credential(
            (*theirs.headers, *owners), theirs.principal
        )
        garbage = ("Authorization", "Bearer garbage")
        found["owner's cookie and garbage"] = Credential((garbage, *owners))
        for name, secret in {
            "garbage": "garbage",
            "empty": "",
            "an API token": owner.token,
            "a removed user's session": self._former_cookie,
            "two cookies in one": f"garbage; arbor_session={member.token}",
        }.items():
            found[f"cookie: {name}"] = self._cookie(secret, "own", None)

    def _cookie(self, secret: str, page: Page, principal: Principal | None) -> Credential:
        origins = {"own": self.url, "foreign": FOREIGN}
        origin = (("Origin", origins[page]),) if page in origins else ()
        return Credential((("Cookie", f"arbor_session={secret}"), *origin), principal, page)

    _former_cookie: str = "garbage"

    async def _worthless(self) -> dict[str, str]:
        """Secrets that are good, but not for this; and those that were good once."""
        revoked = await self.token("owner", list(ALL_SCOPES))
        await self.ask("owner", "DELETE", f"/api/tokens/{revoked['id']}")
        expired = await self.token("owner", list(ALL_SCOPES), expiresIn=0.001)
        await self._until_refused(expired["secret"])
        former = await self._new_member("former")
        self.parties["former"] = former
        self._former_cookie = await self.sign_in("former")
        await self.ask("owner", "DELETE", f"/api/users/{former.user_id}")
        del self.parties["former"]
        workspace_id = await self._workspace("owner")
        code = await self.ask("owner", "POST", f"/api/workspaces/{workspace_id}/enrollment")
        device = await self.ask("owner", "POST", "/api/device/code", {})
        return {
            "garbage": "garbage",
            "revoked": revoked["secret"],
            "expired": expired["secret"],
            "of a removed user": former.token,
            "of another hub": make_secret("u", os.urandom),
            "a daemon's": (await self.enrolled("owner")).auth_token,
            "a sign-in link's": (await self.ask("owner", "POST", "/api/session/link"))["link"],
            "a ticket": (await self.ask("owner", "POST", "/api/ws-ticket"))["ticket"],
            "an enrollment code": code["code"],
            "a device code": device["deviceCode"],
            "a code to approve": device["userCode"],
            "a session's": await self.sign_in("owner"),
            "the token's id": revoked["id"],
            "the user's id": self.parties["owner"].user_id,
        }

    async def _until_refused(self, secret: str) -> None:
        headers = {"Authorization": f"Bearer {secret}"}
        while (await self.http.get("/api/me", headers=headers)).status_code != 401:
            pass

    # ── what is stored ───────────────────────────────────────────────────────────────────────

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all rows of all tables, but for when something was last used."""
        return {table: sorted(self._rows(table), key=repr) for table in self._tables()}

    def _tables(self) -> list[str]:
        found = self._database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        return [name for (name,) in found]

    def _rows(self, table: str) -> Iterator[tuple[Any, ...]]:
        columns = [
            name
            for (_, name, *_) in self._database.execute(f"PRAGMA table_info({table})")
            if name not in VOLATILE.get(table, ())
        ]
        for row in self._database.execute(f"SELECT {', '.join(columns)} FROM {table}"):
            if table != "meta" or row[0] not in NOTED_BY_ITSELF:
                yield row

    async def close(self) -> None:
        """Let go of it."""
        self._database.close()
        await self.http.aclose()


def _bearer(token: dict[str, Any], principal: Principal) -> Credential:
    return Credential((("Authorization", f"Bearer {token['secret']}"),), principal)


def _whose(party: str) -> Whose:
    return "owner" if party == "owner" else "member"
