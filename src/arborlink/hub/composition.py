"""Puts the hub together: the only place that names a concrete store and bus."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import apsw
import argon2
from prometheus_client import CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from arborlink.hub.access import Access
from arborlink.hub.access.rates import Rate
from arborlink.hub.bus.local import LocalBus
from arborlink.hub.live.acceptance import Acceptance
from arborlink.hub.live.admission import Admission
from arborlink.hub.live.adoption import Adoption
from arborlink.hub.live.clock import new_id, now_us
from arborlink.hub.live.connections import Connections
from arborlink.hub.live.daemon_places import DaemonPlaces
from arborlink.hub.live.daemons import Daemons
from arborlink.hub.live.dispatcher import Dispatcher
from arborlink.hub.live.endings import Endings
from arborlink.hub.live.facts import Facts
from arborlink.hub.live.flusher import Flusher
from arborlink.hub.live.inputs import Inputs
from arborlink.hub.live.outputs import Outputs
from arborlink.hub.live.pace import ViewerRates
from arborlink.hub.live.presence import Presence
from arborlink.hub.live.reserve import Reserve
from arborlink.hub.live.settlement import Settlement
from arborlink.hub.live.token_rotation import TokenRotation
from arborlink.hub.live.viewer_session import Viewing
from arborlink.hub.routes.api import routes
from arborlink.hub.routes.middleware import middleware
from arborlink.hub.routes.unknown import exception_handlers
from arborlink.hub.routes_output import OutputRoutes
from arborlink.hub.routes_search import SearchRoutes
from arborlink.hub.service.forgetting import Forgetting
from arborlink.hub.service.gauges import Gauges
from arborlink.hub.service.health import Figures, Sampler, sample_for_ever
from arborlink.hub.service.ports import HubPorts
from arborlink.hub.service.process import Disk
from arborlink.hub.service.readiness import ReadinessChecks, database_check
from arborlink.hub.service.recent import Recent
from arborlink.hub.service.removing import TaskRemoval
from arborlink.hub.service.retention import Retention, RetentionLimits
from arborlink.hub.service.shortening import Shortening
from arborlink.hub.service.tasks import Tasks
from arborlink.hub.settings import HubSettings
from arborlink.hub.sockets import Sockets
from arborlink.hub.store.sqlite import DATABASE_FILE, SqliteStore
from arborlink.hub.terminals.control import Terminals
from arborlink.hub.terminals.screens import Screens
from arborlink.proof import keys
from arborlink.proof.keys import HubKey
from arborlink.protocol.errors import SERVICE_RESTART, Unavailable
from arborlink.protocol.limits import FRAME_ENVELOPE_BYTES, INPUT_FRAME_BYTES, WireLimits

OUTPUT_FOLDER = "output"
DRAIN_SECONDS = 5.0
# How old the figures may be that are read without a credential.
METRICS_SECONDS = 1.0

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Hub:
    """A hub that is put together; it lives while inside `running`."""

    settings: HubSettings
    store: SqliteStore
    access: Access
    daemons: Daemons
    tasks: Tasks
    sockets: Sockets
    figures: Figures
    reserve: Reserve
    retention: Retention
    forgetting: Forgetting
    screens: Screens | None
    key: HubKey

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the hub's own tasks going while inside; then make everything durable and close."""
        try:
            await self.reserve.look()
            async with asyncio.TaskGroup() as group:
                own = [
                    group.create_task(self.access.keep_time()),
                    group.create_task(self.reserve.watch_for_ever()),
                    group.create_task(self.retention.run_for_ever()),
                    group.create_task(self.forgetting.run_for_ever()),
                    group.create_task(self.daemons.flusher.run()),
                    group.create_task(self.daemons.dispatcher.expire_for_ever()),
                    group.create_task(sample_for_ever(self.figures.sampler)),
                ]
                if self.screens is not None:
                    own.append(group.create_task(self.screens.run()))
                try:
                    yield
                finally:
                    for task in own:
                        task.cancel()
        finally:
            # All of them: a round that was cancelled has forgotten what it was about.
            for output in self.daemons.outputs.written():
                self.daemons.flusher.hurry(output)
            await self.daemons.flusher.flush()
            self.daemons.flusher.close()
            self.daemons.outputs.close()
            await self.store.close()

    @property
    def scheme(self) -> str:
        """`https` when the hub itself speaks TLS."""
        return "http" if self.settings.tls_cert is None else "https"

    async def drain(self) -> None:
        """Take nothing new, ask every peer to come back soon, make everything durable."""
        self.daemons.presence.start_draining()
        restarting = Unavailable("The hub is restarting.", code="draining", retry_after=2.0)
        self.access.open_requests.end_following(restarting)
        self.sockets.close_all(SERVICE_RESTART, "the hub is restarting")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self.sockets.all_gone()


async def compose(settings: HubSettings, *, hasher: argon2.PasswordHasher | None = None) -> Hub:
    """Open the stores and connect the parts. `hasher`: of passwords, if not the hub's own.

    Raises:
        Unavailable: the database or the hub's key cannot be used.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    _check_not_lost(settings.data_dir)
    (settings.data_dir / OUTPUT_FOLDER).mkdir(exist_ok=True, mode=0o700)
    key = keys.ensure(settings.data_dir)
    store = await SqliteStore.open(settings.data_dir / DATABASE_FILE, lambda: new_id("hub"))
    access = Access(store, settings, hasher=hasher)
    reserve = Reserve(settings.data_dir, settings.min_free_disk_bytes)
    daemons = _daemons(settings, store, access, reserve)
    reserve.on_change = daemons.room_changed
    tasks = Tasks(
        store,
        access.visibility,
        daemons.presence,
        daemons.dispatcher,
        daemons.inputs,
        daemons.facts,
        access.open_requests,
        queue_limit=settings.queued_tasks_per_workspace,
        user_queue_limit=settings.queued_tasks_per_user,
        keys_limit=settings.idempotency_keys_per_user,
        command_limit=settings.task_command_bytes,
        unfinished_limit=settings.unfinished_tasks_per_user,
        reserve=reserve,
        removal=TaskRemoval(store, daemons.outputs),
    )
    screens = None
    if settings.terminal_screens:
        screens = Screens(
            daemons.outputs.stem, settings.terminal_screens, partial(_owner_id, store)
        )
        daemons.terminals.keeper = screens
    sockets = _sockets(settings, access, daemons, tasks, store, screens)
    access.on_revoked(sockets.revoke)
    access.on_changed(sockets.renew)
    store.on_removed(Endings(daemons, sockets.acceptance).removed)
    retention = _retention(settings, store, daemons)
    figures = _figures(settings, store, daemons, sockets, retention)
    forgetting = Forgetting(store, settings.task_variables_seconds)
    return Hub(
        settings=settings,
        store=store,
        access=access,
        daemons=daemons,
        tasks=tasks,
        sockets=sockets,
        figures=figures,
        reserve=reserve,
        retention=retention,
        forgetting=forgetting,
        screens=screens,
        key=key,
    )


def _owner_id(store: SqliteStore, workspace_id: str) -> str:
    row = store.workspace(workspace_id)
    return "" if row is None else row.owner_id


def _retention(settings: HubSettings, store: SqliteStore, daemons: Daemons) -> Retention:
    limits = RetentionLimits(
        settings.retention_seconds,
        settings.retention_bytes,
        settings.retention_bytes_per_user,
        settings.retention_bytes_per_workspace,
    )
    shortening = Shortening(store, daemons.outputs, daemons.flusher)
    return Retention(store, daemons.outputs, daemons.facts, limits, shortening)


def _check_not_lost(data_dir: Path) -> None:
    """Outputs without a database are what is left of a hub, and not a new one.

    Raises:
        Unavailable: a new database would take their place (code `database_lost`).
    """
    database, outputs = data_dir / DATABASE_FILE, data_dir / OUTPUT_FOLDER
    if database.exists() and database.stat().st_size:
        return
    if outputs.is_dir() and any(outputs.iterdir()):
        raise Unavailable(
            f"{database} is missing or empty, but there are outputs of tasks beside it. Restore "
            f"it from a backup, or move {data_dir} away to begin anew.",
            code="database_lost",
        )


def _daemons(
    settings: HubSettings, store: SqliteStore, access: Access, reserve: Reserve
) -> Daemons:
    outputs = Outputs(
        settings.data_dir / OUTPUT_FOLDER,
        window=settings.task_unacknowledged_bytes,
        stored_limit=settings.stored_output_bytes_per_task,
        reserve=reserve,
    )
    inputs, flusher = Inputs(), Flusher()
    presence = Presence(store, grace_seconds=settings.reconnect_grace_seconds)
    facts = Facts(store, store, outputs, presence, inputs, LocalBus())
    dispatcher = Dispatcher(
        store,
        presence,
        inputs,
        facts,
        running_limit=settings.running_tasks_per_workspace,
        reserve=reserve,
    )
    return Daemons(
        store,
        store,
        outputs,
        inputs,
        flusher,
        presence,
        Settlement(store, outputs, inputs, flusher, facts),
        dispatcher,
        facts,
        TokenRotation(access.rotations, presence),
        Terminals(store, outputs, presence, facts, now_us),
        settings.daemon_unacknowledged_bytes,
    )


def _sockets(
    settings: HubSettings,
    access: Access,
    daemons: Daemons,
    tasks: Tasks,
    store: SqliteStore,
    screens: Screens | None,
) -> Sockets:
    wire = _wire_limits(settings)
    viewing = Viewing(
        tasks,
        daemons.outputs,
        daemons.facts,
        ViewerRates(
            requests=Rate(settings.viewer_requests_per_second, settings.viewer_requests_burst),
            messages=Rate(settings.viewer_messages_per_second, settings.viewer_messages_burst),
        ),
        access.budgets,
        daemons.terminals,
        screens,
        subscriptions_limit=settings.subscriptions_per_connection,
        window_bytes=settings.subscription_window_bytes,
        max_window_bytes=settings.subscription_window_max_bytes,
        idle_seconds=settings.viewer_idle_seconds,
    )
    admission = Admission(
        total=settings.unauthenticated_connections,
        per_address=settings.unauthenticated_connections_per_address,
        is_stranger=access.acquaintances.is_stranger,
    )
    places = DaemonPlaces(
        store,
        per_user=settings.daemons_per_user,
        in_all=access.budgets.division.members_daemons,
    )
    adoption = Adoption(
        store,
        store,
        daemons.facts,
        store.restored_after,
        unfinished_limit=settings.unfinished_tasks_per_user,
    )
    acceptance = Acceptance(
        access, daemons, adoption, hub_id=store.hub_id, limits=wire, places=places
    )
    connections = Connections(daemons.workspaces, daemons.presence)
    return Sockets(
        settings, access, acceptance, daemons, viewing, wire, admission, connections, places
    )


def _figures(
    settings: HubSettings,
    store: SqliteStore,
    daemons: Daemons,
    sockets: Sockets,
    retention: Retention,
) -> Figures:
    gauges = Gauges(store, sockets.connections, daemons.outputs, daemons.flusher)
    return Figures(
        gauges=gauges,
        sampler=Sampler(gauges.read),
        disk=Disk(settings.data_dir),
        started_at=now_us(),
        sqlite_version=apsw.sqlite_lib_version(),
        removals=retention.removals,
    )


def application(hub: Hub) -> Starlette:
    """The ASGI application of a hub that is running."""
    registry = CollectorRegistry()

    async def all_metrics() -> bytes:
        return generate_latest(registry)

    ports = HubPorts(
        settings=hub.settings,
        store=hub.store,
        access=hub.access,
        tasks=hub.tasks,
        presence=hub.daemons.presence,
        announcer=hub.daemons.facts,
        rotator=hub.daemons.rotation,
        figures=hub.figures,
        readiness=ReadinessChecks(
            database_check(hub.store),
            lambda: hub.reserve.reason,
            hub.daemons.presence.draining,
        ),
        metrics=registry,
        recent_metrics=Recent(all_metrics, METRICS_SECONDS),
        key=hub.key,
    )
    live = [
        WebSocketRoute(hub.settings.websocket_path, hub.sockets.endpoint),
        *OutputRoutes(
            hub.access,
            hub.tasks,
            hub.daemons.outputs,
            hub.daemons.terminals,
            hub.daemons.facts.bus,
        ).routes(),
        *SearchRoutes(hub.access, hub.tasks, hub.daemons.outputs).routes(),
    ]
    app = Starlette(
        routes=routes(ports, live),
        middleware=middleware(hub.access),
        exception_handlers=exception_handlers(hub.access),
    )
    app.router.redirect_slashes = False
    return app


def _wire_limits(settings: HubSettings) -> WireLimits:
    room_for_input = settings.control_message_bytes - FRAME_ENVELOPE_BYTES
    return WireLimits(
        control_message_bytes=settings.control_message_bytes,
        output_frame_bytes=settings.output_frame_bytes,
        input_frame_bytes=max(1, min(INPUT_FRAME_BYTES, room_for_input)),
        task_unacknowledged_bytes=settings.task_unacknowledged_bytes,
        connection_unacknowledged_bytes=settings.daemon_unacknowledged_bytes,
        subscriptions=settings.subscriptions_per_connection,
        subscription_window_bytes=settings.subscription_window_bytes,
        heartbeat_seconds=settings.heartbeat_seconds,
        silence_seconds=settings.silence_seconds,
    )
