"""Every message of the WebSocket, from every kind of credential, about everybody's things.

What each is answered follows from `messages`. What is refused has changed nothing: all tables are
compared, and what was written by the neighbours' tasks.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed

from arborlink.protocol.codec import Codec
from arborlink.protocol.messages import (
    AnyMessage,
    Command,
    DaemonWelcome,
    ErrorMessage,
    ViewerAuth,
)
from tests.hub.live.peers import (
    DaemonIdentity,
    Peer,
    ScriptedDaemon,
    daemon_auth,
    dialled_daemon,
    dialled_viewer,
    socket_to,
)
from tests.hub.matrix.messages import DAEMON, DAEMON_TAGS, VIEWER, VIEWER_TAGS, Form
from tests.hub.matrix.rules import judged
from tests.hub.matrix.world import PARTIES, WHOSE, Principal, Whose, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

CODES: Final = {"allowed": "served", 403: "not_allowed", 404: "not_found"}


async def test_each_message_has_a_line_and_each_line_a_message() -> None:
    for forms, tags in ((VIEWER, VIEWER_TAGS), (DAEMON, DAEMON_TAGS)):
        made = [form.make("x") for form in forms]
        assert {str(each.__struct_config__.tag) for each in made} == tags


# ── viewers ──────────────────────────────────────────────────────────────────────────────────


async def secrets(world: World) -> dict[str, tuple[str, Principal]]:
    """What a viewer may say that it is: each token, and a new ticket of each cookie and of a token
    that is limited."""
    found = {
        name: (credential.headers[0][1].removeprefix("Bearer "), credential.principal)
        for name, credential in world.credentials.items()
        if credential.principal is not None and "token: " in name
    }
    for party in PARTIES:
        for name in (f"{party}'s cookie, page own", f"{party}'s token: everything here"):
            credential = world.credentials[name]
            answer = await world.http.post("/api/ws-ticket", headers=list(credential.headers))
            assert credential.principal is not None
            found[f"ticket of {name}"] = (answer.json()["ticket"], credential.principal)
    return found


async def test_a_viewer_is_answered_as_its_credential_says(world: World) -> None:
    wrong: dict[str, object] = {}
    counts: Counter[str] = Counter()
    for name, (secret, principal) in (await secrets(world)).items():
        async with world.bench.viewer(secret) as viewer:
            for form, whose in cells(VIEWER):
                expected = CODES[judged(form.rule, principal, whose, world)]
                counts[expected] += 1
                message = form.make(await viewers_thing(world, form, whose, expected))
                answer = await tried(world, viewer, message, expected)
                if answer != expected:
                    wrong[f"{form.name}, {whose}'s, by {name}"] = (answer, expected)
    print(f"{len(VIEWER)} messages of viewers: {dict(counts)}")
    assert not wrong, json.dumps(wrong, indent=1, default=str)
    assert counts.keys() == set(CODES.values())


async def viewers_thing(world: World, form: Form, whose: Whose, expected: str) -> str:
    noun = form.rule.thing or "task"
    if form.rule.ends and expected == "served":
        return await world.fresh(noun, whose)
    return await world.thing(noun, whose)


async def test_who_is_known_is_not_asked_again(world: World) -> None:
    for name, (secret, _) in (await secrets(world)).items():
        async with world.bench.viewer(secret) as viewer:
            before = world.dump()
            (auth,) = [form for form in VIEWER if form.closes]
            assert await said(viewer, auth.make("")) == "closed 4400", name
            assert world.dump() == before


async def test_who_is_not_known_can_say_nothing(world: World) -> None:
    wrong: dict[str, object] = {}
    counts: Counter[str] = Counter()
    worthless = {
        name: credential.headers[0][1].removeprefix("Bearer ")
        for name, credential in world.credentials.items()
        # A ticket is what a viewer may come with.
        if name.startswith("bearer: ") and name not in ("bearer: a ticket", "bearer: sent twice")
    }
    worthless["nothing"] = ""
    before = world.dump()
    for name, secret in worthless.items():
        auth = ViewerAuth(auth_token=secret)
        for form in VIEWER:
            counts["4501"] += 1
            async with dialled_viewer(world.bench.port, auth) as viewer:
                closed = await last_words(viewer, form.make(await world.thing("task", "owner")))
            if closed != "closed 4501" or viewer.skipped:
                wrong[f"{form.name}, by {name}"] = (closed, viewer.skipped)
    for forms in (VIEWER, DAEMON):
        for form in forms:
            if form.name != "auth":
                counts["4400"] += 1
                message = form.make(await world.thing("task", "owner"))
                async with stranger(world) as peer:
                    closed = await last_words(peer, message)
                if closed != "closed 4400":
                    wrong[f"{form.name}, by nobody"] = closed
    print(f"messages without a good credential: {dict(counts)}")
    assert not wrong, json.dumps(wrong, indent=1, default=str)
    assert world.dump() == before


@asynccontextmanager
async def stranger(world: World) -> AsyncIterator[Peer]:
    """A connection that has not said who it is."""
    codec = Codec(json=False)
    async with socket_to(world.bench.port) as socket:
        yield Peer(socket, codec, codec.hub_to_viewer)


@pytest.mark.parametrize("form", VIEWER, ids=lambda form: form.name)
async def test_a_viewer_whose_token_is_revoked_can_say_nothing_more(
    world: World, form: Form
) -> None:
    token = await world.token("owner", ["admin"])
    async with world.bench.viewer(token["secret"]) as viewer:
        await world.ask("owner", "DELETE", f"/api/tokens/{token['id']}")
        thing = await world.thing(form.rule.thing or "task", "owner")
        before = world.dump()
        assert await last_words(viewer, form.make(thing)) == "closed 4501"
    assert world.dump() == before


async def test_nobody_speaks_for_the_other_side(world: World, pair: Pair) -> None:
    """A viewer that sends what daemons send, and the other way round."""
    task = await world.thing("task", "owner")
    before = world.dump()
    token = world.parties["owner"].token
    async with world.bench.viewer(token) as viewer, pair.connected("owner") as daemon:
        before = world.dump()
        for form in DAEMON:
            if str(form.make(task).__struct_config__.tag) not in VIEWER_TAGS:
                assert await said(viewer, form.make(task)) == "unknown_message", form.name
        for form in VIEWER:
            if str(form.make(task).__struct_config__.tag) not in DAEMON_TAGS:
                assert await said(daemon, form.make(task)) == "unknown_message", form.name
    assert world.dump() == before


# ── daemons ──────────────────────────────────────────────────────────────────────────────────


class Pair:
    """A daemon of each party, and what tasks they have."""

    def __init__(self, world: World, identities: dict[str, DaemonIdentity], gone: str) -> None:
        self.world = world
        self.identities = identities
        self.gone = gone

    def connected(self, party: str, instance: str = "i1") -> Any:
        """Its connection."""
        return self.world.bench.daemon(self.identities[party], instance=instance)

    async def task(self, party: str, daemon: ScriptedDaemon) -> str:
        """A task that was handed to a connected daemon of this party."""
        workspace_id = self.identities[party].workspace_id
        made = await self.world.ask(
            party, "POST", f"/api/workspaces/{workspace_id}/tasks", {"command": "true"}
        )
        await daemon.expect(Command, lambda command: command.task_id == made["id"])
        return str(made["id"])


@pytest_asyncio.fixture(loop_scope="module")
async def pair(world: World) -> Pair:
    identities = {party: await world.enrolled(party) for party in PARTIES}
    doomed = await world.fresh("workspace", "owner")
    body = {"command": "true", "ifOffline": "queue"}
    gone = await world.ask("owner", "POST", f"/api/workspaces/{doomed}/tasks", body)
    await world.ask("owner", "DELETE", f"/api/workspaces/{doomed}")
    return Pair(world, identities, gone["id"])


@pytest.mark.parametrize("form", DAEMON, ids=lambda form: form.name)
async def test_a_daemon_speaks_of_its_own_tasks_alone(world: World, pair: Pair, form: Form) -> None:
    wrong: dict[str, object] = {}
    for party in PARTIES:
        for whose in WHOSE:
            async with pair.connected("owner") as first, pair.connected("member") as second:
                daemons = {"owner": first, "member": second}
                tasks = {each: await pair.task(each, daemons[each]) for each in PARTIES}
                task = {**tasks, "gone": pair.gone, "never": "tsk_never"}[whose]
                is_own = form.rule.thing is None or whose == party
                expected = "served" if is_own else "not_found"
                answer = await tried(world, daemons[party], form.make(task), expected)
                if form.closes:
                    expected = "closed 4400"
                if answer != expected:
                    wrong[f"{whose}'s by the {party}'s"] = (answer, expected)
                if whose != party and whose in PARTIES:
                    row = world.bench.row(task)
                    assert (row.status, await output(world, task)) == ("pending", b"")
    assert not wrong, json.dumps(wrong, indent=1, default=str)


@pytest.mark.parametrize("form", DAEMON, ids=lambda form: form.name)
async def test_an_older_connection_and_a_removed_daemon_can_say_nothing_more(
    world: World, pair: Pair, form: Form
) -> None:
    async with pair.connected("owner") as older:
        task = await pair.task("owner", older)
        async with pair.connected("owner") as newer:
            before = world.dump()
            assert await last_words(older, form.make(task)) == "closed 4409"
            await newer.settle()
            assert world.dump() == before
            daemon_id = pair.identities["owner"].daemon_id
            await world.ask("owner", "DELETE", f"/api/daemons/{daemon_id}")
            before = world.dump()
            assert await last_words(newer, form.make(task)) == "closed 4501"
    assert world.dump() == before
    assert await output(world, task) == b""


async def test_a_daemons_token_is_good_for_one_daemon_in_one_workspace(
    world: World, pair: Pair
) -> None:
    counts: Counter[str] = Counter()
    removed = await world.enrolled("owner")
    await world.ask("owner", "DELETE", f"/api/daemons/{removed.daemon_id}")
    good = {party: identity.auth_token for party, identity in pair.identities.items()}
    tokens = {
        **good,
        "removed": removed.auth_token,
        "an API token": world.parties["owner"].token,
        "garbage": "garbage",
        "nothing": "",
    }
    known = {**pair.identities, "removed": removed}
    for (whose, token), daemon, workspace in itertools.product(tokens.items(), known, known):
        expected = "welcome" if whose == daemon == workspace else "closed 4503"
        if whose not in good:
            expected = "closed 4501"
        identity = DaemonIdentity(known[workspace].workspace_id, known[daemon].daemon_id, token)
        before = world.dump()
        async with dialled_daemon(world.bench.port, daemon_auth(identity)) as peer:
            try:
                await peer.expect(DaemonWelcome)
                answer = "welcome"
            except ConnectionClosed as error:
                answer = f"closed {error.rcvd.code if error.rcvd else None}"
        assert answer == expected, (whose, daemon, workspace)
        assert expected == "welcome" or world.dump() == before
        counts[answer] += 1
    print(f"daemon's token x daemon x workspace: {dict(counts)}")
    assert counts["welcome"] == 2


# ── what is tried ────────────────────────────────────────────────────────────────────────────


def cells(forms: Sequence[Form]) -> list[tuple[Form, Whose]]:
    """All pairs, but for what ends the connection."""
    return [
        (form, whose)
        for form in forms
        if not form.closes
        for whose in (WHOSE if form.rule.thing else WHOSE[:1])
    ]


async def tried(world: World, peer: Peer, message: AnyMessage, expected: str) -> str:
    """What a message is answered; where it should be refused, nothing may have changed."""
    if expected == "served":
        return await said(peer, message)
    before = world.dump()
    answer = await said(peer, message)
    after = world.dump()
    if after != before:
        return f"{answer}, and changed {[name for name in after if after[name] != before[name]]}"
    return answer


async def said(peer: Peer, message: AnyMessage) -> str:
    """`served`, the code of the error that a message is answered with, or how it was closed."""
    peer.skipped.clear()
    try:
        await peer.send(message)
        await peer.settle()
    except ConnectionClosed as error:
        return f"closed {error.rcvd.code if error.rcvd else None}"
    codes = [error.code for error in peer.seen(ErrorMessage)]
    return " ".join(codes) or "served"


async def last_words(peer: Peer, message: AnyMessage) -> str:
    """How the connection ends on which a message is sent; what else came is in `skipped`."""
    peer.skipped.clear()
    try:
        await peer.send(message)
        return f"closed {(await peer.closed()).code}"
    except ConnectionClosed as error:
        return f"closed {error.rcvd.code if error.rcvd else None}"


async def output(world: World, task: str) -> bytes:
    """What is stored of a task's output."""
    token = world.parties["owner"].token
    answer = await world.http.get(
        f"/api/tasks/{task}/output", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200, answer.text
    return answer.content
