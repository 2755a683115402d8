"""Code of ours speaks to a hub over connections that were proven: what opens one is listed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import arborlink

SOURCE: Final = Path(arborlink.__file__).parent
# What opens a connection to another machine or program, by the last part of its name.
OPENS: Final = {
    *("Client", "AsyncClient", "HTTPTransport", "AsyncHTTPTransport", "ProvenTransport"),
    *("create_connection", "open_connection", "urlopen", "HTTPConnection", "HTTPSConnection"),
    *("connecting", "Connect", "ConnectionPool", "AsyncConnectionPool", "AnyIOBackend"),
    *("AsyncHTTPProxy", "AsyncSOCKSProxy", "sock_connect", "connect_ex"),
}
# `file::what`, and why nothing secret goes out on it before the hub is proven.
ALLOWED: Final = {
    "cli/checks/hub.py::Client": "asks for what is public, without a credential",
    "cli/checks/route.py::create_connection": "writes nothing but a TLS handshake",
    "cli/checks/websocket.py::connecting": "proves the hub",
    "client/connection.py::connecting": "proves the hub",
    "client/http.py::AsyncClient": "has the transport that proves the hub",
    "daemon/connector.py::create_connection": "is the socket to the supervisor",
    "daemon/dialing.py::connecting": "proves the hub",
    "daemon/enrolment.py::AsyncClient": "has the transport that proves the hub",
    "dialing.py::Connect": "its connections prove the hub before their handshake",
    "hub/routes/middleware.py::HTTPConnection": "is Starlette's, and reads a request",
    "outbound.py::ProvenTransport": "proves the hub",
    "proof/http.py::AnyIOBackend": "its streams are handed out when the hub is proven",
    "proof/http.py::AsyncConnectionPool": "has the backend that proves the hub",
    "proof/http.py::AsyncHTTPProxy": "has the backend that proves the hub",
    "proof/http.py::AsyncSOCKSProxy": "has the backend that proves the hub",
    "testing/chaos_proxy.py::open_connection": "passes on what tests send",
}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else ""
            name = function.id if isinstance(function, ast.Name) else name
            if name in OPENS:
                yield name, node


def test_what_opens_a_connection_is_known_and_proves_the_hub() -> None:
    found = set()
    for path in sorted(SOURCE.rglob("*.py")):
        where = path.relative_to(SOURCE).as_posix()
        for name, call in calls(ast.parse(path.read_text())):
            found.add(f"{where}::{name}")
            if name == "AsyncClient":
                given = {each.arg: ast.unparse(each.value) for each in call.keywords}
                assert given["transport"].startswith("http_transport("), where
    assert found == set(ALLOWED)
