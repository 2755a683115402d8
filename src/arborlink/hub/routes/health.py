"""Alive, ready, and how much of what: for machines that watch machines."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable

from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from arborlink import __version__
from arborlink.hub.routes.bodies import Alive, Check, Readiness
from arborlink.hub.routes.operations import Operation
from arborlink.hub.routes.requests import json_response
from arborlink.hub.service.ports import HubPorts
from arborlink.protocol.errors import ArborError

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def healthz(_hub: HubPorts, _request: Request) -> Response:
    """The event loop answers."""
    return json_response(Alive(status="ok", version=__version__))


async def readyz(hub: HubPorts, _request: Request) -> Response:
    """Each check says what is wrong and is tried for real."""
    checks = {
        "database": await _database(hub),
        "disk": await asyncio.to_thread(_disk, hub),
        "draining": _check(
            None if not hub.presence.draining() else "The hub is going down; try again in 2 s."
        ),
    }
    reasons = [check.reason for check in checks.values() if check.reason is not None]
    body = Readiness(ready=not reasons, checks=checks, reasons=reasons)
    return json_response(body, 503 if reasons else 200)


async def metrics(hub: HubPorts, _request: Request) -> Response:
    """Counts only: no names, no commands."""
    return Response(generate_latest(hub.metrics), headers={"Content-Type": METRICS_TYPE})


async def _database(hub: HubPorts) -> Check:
    try:
        await hub.store.check_writable()
    except ArborError as error:
        return _check(error.message)
    return _check(None)


def _disk(hub: HubPorts) -> Check:
    free = shutil.disk_usage(hub.settings.data_dir).free
    needed = hub.settings.min_free_disk_bytes
    if free >= needed:
        return _check(None)
    return _check(f"{hub.settings.data_dir} has {free} bytes free; {needed} are needed.")


def _check(reason: str | None) -> Check:
    return Check(ok=reason is None, reason=reason)


class HubCollector(Collector):
    """Looks when it is asked, so that nothing has to be counted along the way."""

    def __init__(self, hub: HubPorts) -> None:
        self._hub = hub

    def collect(self) -> Iterable[Metric]:
        """Workspaces by connection, unfinished tasks by where they are, and the version."""
        connected = dispatched = queued = 0
        rows = self._hub.store.workspaces()
        for row in rows:
            connected += self._hub.presence.state(row.id).connected
            counts = self._hub.store.task_counts(row.id)
            dispatched += counts.dispatched
            queued += counts.queued
        yield _gauge("arbor_build", "version", {__version__: 1}, "Version of this hub.")
        states = {"connected": connected, "disconnected": len(rows) - connected}
        yield _gauge("arbor_workspaces", "state", states, "Workspaces by connection.")
        tasks = {"dispatched": dispatched, "queued": queued}
        yield _gauge("arbor_unfinished_tasks", "state", tasks, "Tasks that are not over.")


def _gauge(name: str, label: str, values: dict[str, int], text: str) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


TAG = "Health"

OPERATIONS = (
    Operation(
        method="GET",
        path="/healthz",
        summary="Whether the hub answers",
        tag=TAG,
        handle=healthz,
        public=True,
        result=Alive,
    ),
    Operation(
        method="GET",
        path="/readyz",
        summary="Whether the hub can work: database writable, disk, not draining; else 503",
        tag=TAG,
        handle=readyz,
        public=True,
        result=Readiness,
    ),
    Operation(
        method="GET",
        path="/metrics",
        summary="Metrics for Prometheus",
        tag=TAG,
        handle=metrics,
        public=True,
        media_type="text/plain",
    ),
)
