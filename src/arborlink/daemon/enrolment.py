"""The first time: a code, or somebody's token, becomes this folder's identity."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any, Final

from arborlink.addresses import hub_address
from arborlink.daemon.identity import Identity, save
from arborlink.protocol.errors import Conflict, InvalidInput, NotAuthenticated, Unavailable

_TIMEOUT_SECONDS: Final = 15.0


def enroll(
    hub_url: str,
    code: str | None,
    path: Path,
    name: str | None = None,
    *,
    token: str | None = None,
    ca: str | None = None,
) -> Identity:
    """Make this machine's `path` a workspace of the hub, and keep the identity.

    Args:
        code: a one-time enrolment code; without one `token` makes a new workspace called `name`.
        token: an API token that may create workspaces.
        ca: a file with the certificate of the hub's own CA; kept with the identity.

    Raises:
        InvalidInput: the path is no folder, the address is not fit, or the hub says so.
        NotAuthenticated: the code or token is not valid any more.
        Conflict: the workspace has a daemon.
        Unavailable: the hub cannot be reached.
    """
    hub = hub_address(hub_url)
    real = os.path.realpath(path)
    if not os.path.isdir(real):
        raise InvalidInput(f"{path} is not a folder")
    with _Api(hub, token if code is None else None, ca) as api:
        if code is None:
            if token is None:
                raise InvalidInput("an enrolment code or a token is needed")
            workspace = api.post("/api/workspaces", {"name": name or _default_name(real)})
            code = api.post(f"/api/workspaces/{workspace['id']}/enrollment", {})["code"]
        body = {"code": code, "path": real, "host": socket.gethostname()}
        answer = api.post("/api/enroll", body | ({"name": name} if name else {}))
    identity = Identity(
        hub=hub,
        workspace_id=_folder_name(_text(answer, "workspaceId")),
        daemon_id=_text(answer, "daemonId"),
        auth_token=_text(answer, "authToken"),
        path=real,
        ca=ca,
    )
    save(identity)
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


class _Api:
    """Three requests. The HTTP client is imported here, so that a running daemon is without it."""

    def __init__(self, hub: str, token: str | None, ca: str | None) -> None:
        import httpx2

        from arborlink.outbound import certificate_problem, http_options

        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._hub = hub
        self._errors = httpx2.HTTPError
        self._certificate_problem = certificate_problem
        self._client = httpx2.Client(
            base_url=hub,
            headers=headers,
            timeout=_TIMEOUT_SECONDS,
            follow_redirects=False,
            **http_options(hub, ca),
        )

    def __enter__(self) -> _Api:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            response = self._client.post(path, json=body)
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
