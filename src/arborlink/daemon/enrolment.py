"""The first time: a code, or somebody's token, becomes this folder's identity."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arborlink.addresses import hub_address
from arborlink.daemon.console import say_new_key
from arborlink.daemon.identity import Identity, save
from arborlink.protocol import octets
from arborlink.protocol.errors import Conflict, InvalidInput, NotAuthenticated, Unavailable

if TYPE_CHECKING:
    from arborlink.proof.known_hub import KnownHub

_TIMEOUT_SECONDS: Final = 15.0


def enroll(
    hub_url: str,
    code: str | None,
    path: Path,
    name: str | None = None,
    *,
    token: str | None = None,
    ca: str | None = None,
    hub_key: str | None = None,
) -> Identity:
    """Make this machine's `path` a workspace of the hub, and keep the identity.

    Args:
        code: a one-time enrolment code; without one `token` makes a new workspace called `name`.
        token: an API token that may create workspaces.
        ca: a file with the certificate of the hub's own CA; kept with the identity.
        hub_key: the hub's public key; without it the one that the hub proves first is kept.

    Raises:
        InvalidInput: the path is no folder, the address or key is not fit, or the hub says so.
        HubNotProven: what answers is not the hub with this key, or may be another user of this
            machine. The code was not sent.
        NotAuthenticated: the code or token is not valid any more.
        Conflict: the workspace has a daemon.
        Unavailable: the hub cannot be reached.
    """
    # As HTTP below: a running daemon is without them.
    import asyncio

    from arborlink.proof.known_hub import KnownHub

    hub = hub_address(hub_url)
    real = os.path.realpath(path)
    if not os.path.isdir(real):
        raise InvalidInput(f"{path} is not a folder")
    if code is None and token is None:
        raise InvalidInput("an enrolment code or a token is needed")
    known = KnownHub(hub, hub_key)
    body = {
        "path": octets.from_system(real),
        "host": octets.from_system(socket.gethostname()),
    } | ({"name": name} if name else {})
    if code is not None:
        answer = asyncio.run(_redeem(known, ca, body | {"code": code}))
    else:
        answer = asyncio.run(_create(known, ca, token, name or _default_name(real), body))
    identity = Identity(
        hub=hub,
        workspace_id=_folder_name(_text(answer, "workspaceId")),
        daemon_id=_text(answer, "daemonId"),
        auth_token=_text(answer, "authToken"),
        path=real,
        ca=ca,
        hub_key=known.key,
    )
    save(identity)
    if hub_key is None and identity.hub_key is not None:
        say_new_key(identity.workspace_id, identity.hub_key)
    return identity


def _default_name(path: str) -> str:
    # Imported here: a running daemon is without Unicode's tables.
    from arborlink.protocol.names import name_of_folder

    return name_of_folder(os.path.basename(path) or socket.gethostname())


def _text(answer: dict[str, Any], field: str) -> str:
    value = answer.get(field)
    if not isinstance(value, str) or not value:
        raise Unavailable(f"the hub's answer has no usable {field}")
    return value


def _folder_name(workspace_id: str) -> str:
    """It becomes the state folder's name, whatever the hub says."""
    if "/" in workspace_id or "\0" in workspace_id or workspace_id.startswith("."):
        raise Unavailable("the hub's answer has no usable workspaceId")
    return workspace_id


async def _redeem(known: KnownHub, ca: str | None, body: dict[str, Any]) -> dict[str, Any]:
    async with _Api(known, None, ca) as api:
        return await api.post("/api/enroll", body)


async def _create(
    known: KnownHub, ca: str | None, token: str | None, name: str, body: dict[str, Any]
) -> dict[str, Any]:
    async with _Api(known, token, ca) as api:
        workspace = await api.post("/api/workspaces", {"name": name})
        enrollment = await api.post(f"/api/workspaces/{workspace['id']}/enrollment", {})
        return await api.post("/api/enroll", body | {"code": enrollment["code"]})


class _Api:
    """Three requests. The HTTP client is imported here, so that a running daemon is without it."""

    def __init__(self, known: KnownHub, token: str | None, ca: str | None) -> None:
        import httpx2

        from arborlink.outbound import certificate_problem, http_transport

        self._hub = known.url
        self._errors = httpx2.HTTPError
        self._certificate_problem = certificate_problem
        self._client = httpx2.AsyncClient(
            base_url=known.url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=_TIMEOUT_SECONDS,
            follow_redirects=False,
            trust_env=False,
            transport=http_transport(known, httpx2.Limits(max_connections=1), ca),
        )

    async def __aenter__(self) -> _Api:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            response = await self._client.post(path, json=body)
            answer = response.json() if response.content else {}
        except (self._errors, ValueError) as error:
            why = self._certificate_problem(error) or error
            raise Unavailable(f"the hub at {self._hub} cannot be reached: {why}") from error
        if response.is_success and isinstance(answer, dict):
            return answer
        detail = answer.get("detail") if isinstance(answer, dict) else None
        raise _problem(response.status_code, str(detail or f"HTTP status {response.status_code}"))


def _problem(status: int, detail: str) -> Exception:
    text = f"the hub refused: {detail}"
    if status in (401, 403, 404):
        return NotAuthenticated(text)
    if status == 409:
        return Conflict(text)
    if status >= 500 or status == 429:
        return Unavailable(text)
    return InvalidInput(text)
