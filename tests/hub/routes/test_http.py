"""What holds for every request: bodies, problems, headers, hosts, the page."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from arborlink.hub.problems import EXCEPTION_HANDLERS
from arborlink.hub.routes.static import Page

from .conftest import ORIGIN, Api, problem


@pytest.mark.parametrize(
    ("body", "content_type", "refusal"),
    [
        (b'{"name": "x"}', "text/plain", (415, "unsupported_media_type")),
        (b'{"name": "x"}', "application/x-www-form-urlencoded", (415, "unsupported_media_type")),
        (b"", "application/json", (422, "body_required")),
        (b"not json", "application/json", (400, "malformed_json")),
        (b'{"name": NaN}', "application/json", (400, "malformed_json")),
        (b'{"name": "\\ud800"}', "application/json", (400, "malformed_json")),
        (b'{"name": "\xff"}', "application/json", (400, "malformed_json")),
        (b'{"name": "x", "unknown": "\xff"}', "application/json", (400, "malformed_json")),
        (b'{"name": "x", "\xed\xa0\x80": 1}', "application/json", (400, "malformed_json")),
        (b"[" * 100_000, "application/json", None),
        (b"[]", "application/json", (422, "invalid_input")),
        (b"null", "application/json", (422, "invalid_input")),
        (b'{"name": "%s"}' % (b"x" * 1_100_000), "application/json", (413, "message_too_large")),
    ],
)
async def test_a_body_that_is_none(
    api: Api, body: bytes, content_type: str, refusal: tuple[int, str] | None
) -> None:
    headers = {"Content-Type": content_type}
    response = await api.client.post("/api/workspaces", content=body, headers=headers)
    status, code = problem(response)
    assert (status, code) == refusal if refusal else status in (400, 422)


async def test_a_body_without_a_length_is_limited_too(api: Api) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65_536

    headers = {"Content-Type": "application/json"}
    response = await api.client.post("/api/workspaces", content=endless(), headers=headers)
    assert problem(response) == (413, "message_too_large")


async def test_json_with_a_charset_is_json(api: Api) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    response = await api.client.post("/api/workspaces", content=b'{"name":"x"}', headers=headers)
    assert response.status_code == 201


async def test_what_is_not_there_is_a_problem(api: Api) -> None:
    for path in ("/api/user", "/api/audits", "/api/", "/api/workspaces/a/b/c", "/missing.js"):
        assert problem(await api.client.get(path)) == (404, "not_found")
    assert problem(await api.client.post("/api/device/codes", json={})) == (
        405,
        "method_not_allowed",
    )


async def test_a_wrong_method_names_the_right_ones(api: Api) -> None:
    response = await api.client.put("/api/workspaces", json={})
    assert problem(response) == (405, "method_not_allowed")
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}
    override = {"X-HTTP-Method-Override": "DELETE"}
    assert (await api.client.get("/api/me", headers=override)).status_code == 200


async def test_a_mistake_of_the_hub_tells_nothing() -> None:
    async def fail(_request: Request) -> Response:
        raise RuntimeError("a secret")

    app = Starlette(routes=[Route("/", fail)], exception_handlers=EXCEPTION_HANDLERS)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        response = await client.get("/")
    assert problem(response) == (500, "internal_error")
    assert "secret" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/api/me", "/api/missing", "/healthz", "/api/docs"])
async def test_every_response_is_safe_in_a_browser(api: Api, path: str) -> None:
    async with api.anonymous() as client:
        headers = (await client.get(path)).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "script-src 'self';" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("host", ["evil", "evil.example.org:4000", "0.0.0.0:4000", ""])
async def test_another_host_is_refused(api: Api, host: str) -> None:
    response = await api.client.get("/api/me", headers={"Host": host})
    assert problem(response) == (421, "host_not_allowed")


async def test_two_hosts_are_refused(api: Api) -> None:
    headers = [("Host", "127.0.0.1:4000"), ("Host", "127.0.0.1:4000")]
    assert problem(await api.client.get("/api/me", headers=headers))[0] == 421


async def test_alive_ready_and_counted(api: Api) -> None:
    await api.task(await api.workspace())
    async with api.anonymous() as client:
        assert (await client.get("/healthz")).json()["status"] == "ok"
        ready = await client.get("/readyz")
        assert ready.status_code == 200 and ready.json()["ready"]
        assert set(ready.json()["checks"]) == {"database", "disk", "draining"}
        text = (await client.get("/metrics")).text
        assert 'arbor_workspaces{state="disconnected"} 1.0' in text
        assert 'arbor_unfinished_tasks{state="queued"} 1.0' in text
        api.hub.daemons.presence.start_draining()
        ready = await client.get("/readyz")
        assert ready.status_code == 503 and len(ready.json()["reasons"]) == 1


async def test_the_page_is_served_by_name(tmp_path: Path) -> None:
    assets = tmp_path / "static" / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (assets.parent / "index.html").write_text("<title>page</title>")
    (assets / "app-1a2b.js").write_text("let x;")
    (assets / "app-1a2b.js.gz").write_bytes(gzip.compress(b"let x;"))
    (assets / "app-1a2b.js.br").write_bytes(b"brotli")
    (assets.parent / "icon.svg").write_text("<svg/>")
    app = Starlette(routes=Page(assets.parent).routes(), exception_handlers=EXCEPTION_HANDLERS)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        for path in ("/", "/index.html", "/tasks/tsk_1"):
            page = await client.get(path)
            assert page.text == "<title>page</title>"
            assert page.headers["cache-control"] == "no-cache"
            assert page.headers["content-type"] == "text/html; charset=utf-8"
        gzip_only = {"Accept-Encoding": "gzip, deflate"}
        script = await client.get("/assets/app-1a2b.js", headers=gzip_only)
        assert script.text == "let x;" and script.headers["content-encoding"] == "gzip"
        assert "immutable" in script.headers["cache-control"]
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
        async with client.stream(
            "GET", "/assets/app-1a2b.js", headers={"Accept-Encoding": "gzip, br"}
        ) as small:
            assert small.headers["content-encoding"] == "br"
            assert b"".join([part async for part in small.aiter_raw()]) == b"brotli"
        plain = await client.get("/assets/app-1a2b.js", headers={"Accept-Encoding": "identity"})
        assert plain.text == "let x;" and "content-encoding" not in plain.headers
        assert plain.headers["vary"] == "Accept-Encoding"
        assert (await client.get("/icon.svg")).headers["content-type"] == "image/svg+xml"
        for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt"):
            assert "secret" not in (await client.get(path)).text.replace("secret.txt", "")


@asynccontextmanager
async def served_page(folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    app = Starlette(routes=Page(folder).routes(), exception_handlers=EXCEPTION_HANDLERS)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


def build_page(folder: Path, version: str) -> None:
    """As a build or an installer leaves it: all of the same size and age."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "assets").mkdir(parents=True)
    files = {"index.html": f"<i>{version}</i>", f"assets/app-{version}.js": f"let {version};"}
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
        for file in (folder / name, folder / f"{name}.gz"):
            os.utime(file, (1, 1))


async def test_a_page_that_is_built_anew_under_a_running_hub_is_served(tmp_path: Path) -> None:
    folder = tmp_path / "static"
    async with served_page(folder) as client:
        assert "tools/web.py" in (await client.get("/")).text
        build_page(folder, "a")
        old = await client.get("/")
        assert old.text == "<i>a</i>"
        assert (await client.get("/assets/app-a.js")).text == "let a;"
        known = {"If-None-Match": f'"x", W/{old.headers["etag"]}'}
        same = await client.get("/tasks", headers=known)
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["etag"] == old.headers["etag"]
        build_page(folder, "b")
        new = await client.get("/", headers=known)
        assert (new.status_code, new.text) == (200, "<i>b</i>")
        assert (await client.get("/assets/app-b.js")).text == "let b;"
        gone = await client.get("/assets/app-a.js")
        assert problem(gone) == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    [
        "/.stamp",
        "/index.html.gz",
        "/assets/app-a.js.gz",
        "/assets/app-a.js/x.js",
        "/assets/%2e%2e/index.html",
        "/assets/%2e%2e/inside.js",
        "/assets//app-a.js",
        "/assets/%2e/app-a.js",
        "//etc/x.js",
        "/%2fetc/x.js",
        "/assets/..%5cinside.js",
        "/assets/link.js",
        "/assets/circle.js",
        "/assets/folder.js",
        "/assets/pipe.js",
        "/assets/app-a.js%00.js",
        "/%ed%a0%80.js",
        f"/{'x' * 5_000}.js",
        "/secret.py",
    ],
)
async def test_only_the_pages_own_files_exist(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "static"
    build_page(folder, "a")
    (tmp_path / "inside.js").write_text("secret")
    for name in (".stamp", "inside.js", "secret.py"):
        (folder / name).write_text("secret")
    assets = folder / "assets"
    (assets / "link.js").symlink_to(tmp_path / "inside.js")
    (assets / "circle.js").symlink_to("circle.js")
    (assets / "folder.js").mkdir()
    os.mkfifo(assets / "pipe.js")
    async with served_page(folder) as client:
        assert problem(await client.get(path)) == (404, "not_found")


async def test_without_a_built_page_it_says_how_to_build_one(tmp_path: Path) -> None:
    app = Starlette(routes=Page(tmp_path / "none").routes())
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=ORIGIN) as client:
        response = await client.get("/")
        assert response.status_code == 200 and "tools/web.py" in response.text
        assert (await client.get("/tasks")).status_code == 404
