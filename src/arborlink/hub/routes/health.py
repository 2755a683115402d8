"""Alive, ready, and how it goes: for machines that watch machines, and for the health page."""

from __future__ import annotations

import platform
from typing import Final

from prometheus_client import generate_latest
from starlette.requests import Request
from starlette.responses import Response

from arborlink import __version__
from arborlink.hub.live.clock import now_us
from arborlink.hub.routes.authentication import has_credential, identify
from arborlink.hub.routes.bodies import Alive, Check, Readiness
from arborlink.hub.routes.operations import Operation, Parameter
from arborlink.hub.routes.requests import integer_parameter, json_response
from arborlink.hub.service.health import INTERVAL_SECONDS
from arborlink.hub.service.ports import HubPorts
from arborlink.hub.service.process import descriptor_limit
from arborlink.hub.views import rfc3339
from arborlink.protocol.errors import NotAllowed, NotAuthenticated
from arborlink.protocol.figures import Health

MAX_UNIX_SECONDS: Final = 2**33
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def healthz(_hub: HubPorts, _request: Request) -> Response:
    """The event loop answers."""
    return json_response(Alive(status="ok", version=__version__))


async def readyz(hub: HubPorts, request: Request) -> Response:
    """Whether it can work; an owner is told what is wrong in detail."""
    found = await hub.readiness.reasons(detailed=await _is_owner(hub, request))
    checks = {name: Check(ok=reason is None, reason=reason) for name, reason in found.items()}
    reasons = [reason for reason in found.values() if reason is not None]
    body = Readiness(ready=not reasons, checks=checks, reasons=reasons)
    return json_response(body, 503 if reasons else 200)


async def metrics(hub: HubPorts, request: Request) -> Response:
    """Counts only: no names, no commands. As they were within the last second, but for owners."""
    is_owner = await _is_owner(hub, request)
    text = generate_latest(hub.metrics) if is_owner else await hub.recent_metrics.get()
    return Response(text, headers={"Content-Type": METRICS_TYPE})


async def health(hub: HubPorts, request: Request) -> Response:
    """The last hour, or what is new in it."""
    identity = await identify(hub.access, request)
    identity.require_owner()
    since = integer_parameter(request, "since", 0, 0, MAX_UNIX_SECONDS)
    figures = hub.figures
    disk = await figures.disk.space()
    return json_response(
        Health(
            version=__version__,
            python=platform.python_version(),
            sqlite=figures.sqlite_version,
            platform=f"{platform.system()} {platform.release()} {platform.machine()}",
            started_at=rfc3339(figures.started_at),
            now=rfc3339(now_us()),
            interval=INTERVAL_SECONDS,
            descriptor_limit=descriptor_limit(),
            disk=disk,
            points=figures.sampler.points(since),
        )
    )


async def _is_owner(hub: HubPorts, request: Request) -> bool:
    """Whether a request that needs no credential has that of an owner; a wrong one is counted."""
    if not has_credential(request):
        return False
    try:
        (await identify(hub.access, request)).require_owner()
    except (NotAuthenticated, NotAllowed):
        return False
    return True


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
        more_statuses=(503,),
    ),
    Operation(
        method="GET",
        path="/metrics",
        summary="Metrics for Prometheus",
        tag=TAG,
        handle=metrics,
        public=True,
        media_types=("text/plain",),
    ),
    Operation(
        method="GET",
        path="/api/health",
        summary="How the hub has been in the last hour, one point every 5 seconds; for owners",
        tag=TAG,
        handle=health,
        scope="admin",
        result=Health,
        parameters=(
            Parameter(
                "since",
                "Only points after this time, in seconds since 1970",
                schema={"type": "integer", "minimum": 0, "maximum": MAX_UNIX_SECONDS},
            ),
        ),
    ),
)
