"""What the hub shows of its connections while real ones come, move bytes, stall and go."""

from __future__ import annotations

import time
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from arborlink.testing.hub import TOKEN
from tests.hub.live.bench import Bench
from tests.hub.live.peers import DaemonIdentity, spooled
from tests.hub.live.test_output import blocked_fsync, handed
from tests.hub.live.test_viewers import append, numbered

pytestmark = pytest.mark.asyncio(loop_scope="module")

KIB = 1024
HANGING_SECONDS = 0.05


async def connections(bench: Bench) -> list[dict[str, Any]]:
    response = await bench.client.get("/api/connections")
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


async def the_daemon(bench: Bench, identity: DaemonIdentity) -> dict[str, Any]:
    (found,) = [
        each
        for each in await connections(bench)
        if each["who"]["workspaceId"] == identity.workspace_id
    ]
    return found


async def the_viewer(bench: Bench) -> dict[str, Any]:
    (found,) = [each for each in await connections(bench) if each["kind"] == "viewer"]
    return found


async def metrics(bench: Bench) -> dict[str, float]:
    text = (await bench.client.get("/metrics")).text
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def take_a_point(bench: Bench) -> None:
    """The next point, now."""
    sampler, now = bench.hub.figures.sampler, time.monotonic()
    sampler.start(now)
    sampler.on_deadline(now)


async def test_a_connection_says_who_it_is_and_since_when(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity, json=True), bench.viewer():
        daemon, viewer = await the_daemon(bench, identity), await the_viewer(bench)
    workspace = (await bench.client.get(f"/api/workspaces/{identity.workspace_id}")).json()
    assert daemon["kind"] == "daemon" and daemon["id"].startswith("con_")
    assert daemon["who"] == {
        "userId": None,
        "username": None,
        "daemonId": identity.daemon_id,
        "workspaceId": identity.workspace_id,
        "workspaceName": workspace["name"],
    }
    assert (daemon["version"], daemon["epoch"]) == ("1", 1)
    assert daemon["subprotocol"] == "arbor.v1.json"
    assert daemon["address"] == viewer["address"] == "127.0.0.1"
    assert viewer["who"]["username"] == "owner" and viewer["who"]["daemonId"] is None
    assert viewer["subprotocol"] == "arbor.v1.msgpack"
    assert viewer["version"] is viewer["epoch"] is viewer["reconnects"] is None
    assert daemon["since"] <= viewer["since"]
    assert await connections(bench) == []


async def test_a_viewer_of_one_workspace_is_shown_with_it(
    bench: Bench, identity: DaemonIdentity
) -> None:
    token = await bench.token(["tasks:read"], identity.workspace_id)
    async with bench.viewer(token["secret"]):
        assert (await the_viewer(bench))["who"]["workspaceId"] == identity.workspace_id


async def test_messages_and_bytes_are_counted_both_ways(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.settle()
        before = await the_daemon(bench, identity)
        await append(daemon, task, 0, numbered(10 * KIB))
        after = await the_daemon(bench, identity)
    assert after["messagesIn"] > before["messagesIn"]
    assert 10 * KIB < after["bytesIn"] - before["bytesIn"] < 11 * KIB
    assert after["messagesOut"] == before["messagesOut"] + 1
    assert 0 < after["bytesOut"] - before["bytesOut"] < KIB
    assert after["unacknowledgedBytes"] == 0
    assert after["subscriptions"] == 1


async def test_a_viewer_that_does_not_acknowledge_falls_behind_and_catches_up(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await handed(bench, identity, daemon)
        await daemon.output(task, 0, b"x" * 32 * KIB, time=1_000_000)
        await daemon.output(task, 32 * KIB, b"x" * 10 * KIB, time=3_000_000)
        await daemon.output(task, 42 * KIB, b"x" * 10 * KIB, time=7_500_000)
        await daemon.acked(task, 52 * KIB)
        await viewer.subscribe(task, window=32 * KIB)
        await viewer.read(task, 32 * KIB, acknowledge=False)
        stalled = await the_viewer(bench)
        assert stalled["unacknowledgedBytes"] == 32 * KIB
        assert stalled["lagBytes"] == 20 * KIB
        assert stalled["lagMs"] == 4_500.0
        assert (await metrics(bench))["arbor_lag_bytes viewer"] == 20 * KIB
        await viewer.subscribe(task, offset=32 * KIB)
        await viewer.read(task, 20 * KIB)
        await viewer.settle()
        going = await the_viewer(bench)
    assert (going["unacknowledgedBytes"], going["lagBytes"], going["lagMs"]) == (0, 0, 0.0)
    assert going["subscriptions"] == 1


async def test_what_a_daemon_has_spooled_is_its_lag_until_it_is_here(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await append(daemon, task, 0, b"abc")
    async with bench.daemon(identity, tasks=[spooled(task, 5 * KIB)]) as daemon:
        behind = await the_daemon(bench, identity)
        await append(daemon, task, 3, b"x" * (5 * KIB - 3))
        caught_up = await the_daemon(bench, identity)
    assert behind["lagBytes"] == 5 * KIB - 3
    assert caught_up["lagBytes"] == 0


async def test_a_daemon_that_comes_back_is_counted(bench: Bench, identity: DaemonIdentity) -> None:
    for reconnects in range(3):
        async with bench.daemon(identity):
            found = await the_daemon(bench, identity)
            assert found["reconnects"] == reconnects
            assert found["epoch"] == reconnects + 1
    assert (await metrics(bench))["arbor_daemon_reconnects_total"] >= 2


async def test_a_task_says_how_many_watch_it(bench: Bench, identity: DaemonIdentity) -> None:
    task = await bench.create(identity.workspace_id)
    assert (await bench.task(task))["watching"] == 0
    async with bench.viewer() as one:
        await one.subscribe(task)
        await one.settle()
        async with bench.viewer() as other:
            await other.subscribe(task)
            await other.settle()
            assert (await bench.task(task))["watching"] == 2
        await bench.until(lambda: len(bench.hub.sockets.sessions) == 1)
        assert (await bench.task(task))["watching"] == 1


async def test_a_point_counts_what_is_there_and_its_rates(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer():
        task = await handed(bench, identity, daemon)
        take_a_point(bench)
        await append(daemon, task, 0, numbered(100 * KIB))
        take_a_point(bench)
        found = await the_daemon(bench, identity)
        points = (await bench.client.get("/api/health")).json()["points"]
    assert points["connections"]["daemons"][-1] == points["connections"]["viewers"][-1] == 1
    assert points["runningTasks"][-1] >= 1
    assert points["unflushedBytes"][-1] == 0
    assert points["fsyncMsMax"][-1] >= points["fsyncMsP50"][-1] > 0
    assert points["commitQueue"][-1] >= 0
    assert points["descriptors"][-1] > 0
    assert found["bytesInPerSecond"] > 0


async def test_a_disk_that_hangs_shows_in_the_next_point(
    bench: Bench, identity: DaemonIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    flusher = bench.hub.daemons.flusher
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        take_a_point(bench)
        with blocked_fsync(monkeypatch):
            await daemon.output(task, 0, b"abc")
            await bench.until(lambda: (flusher.under_way() or 0) > HANGING_SECONDS)
            take_a_point(bench)
            assert (await metrics(bench))["arbor_fsync_under_way_seconds"] > HANGING_SECONDS
            assert (await the_daemon(bench, identity))["unacknowledgedBytes"] == 3
        await daemon.acked(task, 3)
        points = (await bench.client.get("/api/health")).json()["points"]
    assert points["fsyncMsP50"][-1] is None
    assert points["fsyncMsMax"][-1] > 1_000 * HANGING_SECONDS
    assert points["unflushedBytes"][-1] == 3


async def test_round_trips_are_kept_for_the_workspaces_one_may_see(
    bench: Bench, identity: DaemonIdentity
) -> None:
    other = await bench.enrolled()
    token = await bench.token(["tasks:read"], identity.workspace_id)
    headers = {"Authorization": f"Bearer {token['secret']}"}

    async def series(**options: Any) -> dict[str, list[float | None]]:
        body = (await bench.client.get("/api/round-trips", **options)).json()
        return {item["workspaceId"]: item["roundTripMs"] for item in body["items"]}

    async with bench.daemon(identity), bench.daemon(other):
        session = bench.hub.daemons.presence.session(identity.workspace_id)
        assert session is not None
        session.link.heartbeat.round_trip = 0.0125
        take_a_point(bench)
        assert (await the_daemon(bench, identity))["roundTripMs"] == 12.5
        assert (await metrics(bench))["arbor_longest_round_trip_seconds daemon"] == 0.0125
        assert set(await series()) >= {identity.workspace_id, other.workspace_id}
        assert set(await series(headers=headers)) == {identity.workspace_id}
    await bench.until(lambda: not bench.connected(identity.workspace_id))
    take_a_point(bench)
    assert (await series())[identity.workspace_id] == [12.5, None]


async def test_metrics_go_on_counting_what_connections_that_are_gone_have_moved(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await append(daemon, task, 0, numbered(20 * KIB))
        during = await metrics(bench)
    store = bench.hub.store
    await bench.until(
        lambda: not bench.connected(identity.workspace_id) and not store.writes_waiting()
    )
    after = await metrics(bench)
    assert during["arbor_connections daemon"] == 1 and after["arbor_connections daemon"] == 0
    for name in ("received_bytes", "sent_bytes", "received_messages", "sent_messages"):
        assert after[f"arbor_{name}_total daemon"] >= during[f"arbor_{name}_total daemon"] > 0
    assert after["arbor_received_bytes_total daemon"] >= 20 * KIB
    assert after["arbor_fsync_seconds_count"] >= 1
    assert after["arbor_loop_lag_seconds_count"] >= 1
    assert after["arbor_commit_queue"] == 0
    assert after["arbor_unflushed_bytes"] == 0
    assert after["process_open_fds"] > 0


async def test_metrics_name_nobody(bench: Bench, identity: DaemonIdentity) -> None:
    async with bench.daemon(identity), bench.viewer():
        text = (await bench.client.get("/metrics")).text
    for secret in (identity.workspace_id, identity.daemon_id, TOKEN, "127.0.0.1", "owner"):
        assert secret not in text
