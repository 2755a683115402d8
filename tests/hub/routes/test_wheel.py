"""The wheel that the hub serves: whole, the same each time, with nothing else of the machine."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import httpx2
import pytest
from starlette.types import Message, Receive, Scope, Send

import arborlink
from arborlink import __version__
from arborlink.hub.routes.in_pieces import PIECE_BYTES
from arborlink.hub.service import wheel
from arborlink.protocol.errors import NotFound

from .conftest import ORIGIN, Api

NAME = f"arborlink-{__version__}-py3-none-any.whl"


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def test_anyone_gets_it_by_its_name_and_by_a_stable_one(api: Api) -> None:
    async with api.anonymous() as client:
        leads = await client.get("/arbor.whl")
        assert (leads.status_code, leads.headers["Location"]) == (302, f"/{NAME}")
        answer = await client.get(leads.headers["Location"])
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/zip"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "arborlink/cli/main.py" in unpacked(answer.content)
        tag = {"If-None-Match": answer.headers["ETag"]}
        again = await client.get(f"/{NAME}", headers=tag)
        assert (again.status_code, again.content) == (304, b"")
        head = await client.head(f"/{NAME}")
        assert head.headers["Content-Length"] == str(len(answer.content)) and not head.content
        for other in ("/arborlink-9.9-py3-none-any.whl", "/other.whl", "/x/arbor.whl"):
            assert (await client.get(other)).status_code == 404


@pytest.mark.parametrize("path", [f"/{NAME}", "/api/docs", "/api/openapi.json"])
async def test_who_does_not_read_what_anyone_may_have_holds_a_piece_of_it(
    api: Api, path: str
) -> None:
    sizes: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def count(message: Message) -> None:
            if message["type"] == "http.response.body":
                sizes.append(len(message.get("body", b"")))
            await send(message)

        await api.app(scope, receive, count)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=ORIGIN) as client:
        answer = await client.get(path)
    assert answer.headers["Content-Length"] == str(len(answer.content)) == str(sum(sizes))
    assert len(answer.content) > PIECE_BYTES >= max(sizes)


async def test_the_line_that_enrolls_comes_with_one_that_installs(api: Api) -> None:
    made = await api.client.post("/api/workspaces", json={"name": "lab"})
    body = (await api.client.post(f"/api/workspaces/{made.json()['id']}/enrollment")).json()
    assert body["install"] == f"pip install http://127.0.0.1:4000/{NAME}"


def test_every_file_is_recorded_and_the_bytes_are_the_same_each_time() -> None:
    first = wheel.build()
    assert wheel.build() == first
    files = unpacked(first.content)
    record = next(name for name in files if name.endswith("/RECORD"))
    rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(files[record].decode()))}
    assert set(rows) == set(files)
    for name, (digest, size) in rows.items():
        if name != record:
            made = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).rstrip(b"=")
            assert (digest, int(size)) == (f"sha256={made.decode()}", len(files[name]))


def test_nothing_of_the_machine_is_in_it() -> None:
    package = Path(arborlink.__file__).parent
    strays = [package / "hub" / ".env", package / "notes.swp", package / "stray.py"]
    strays[0].write_text("secret")
    strays[1].write_text("secret")
    strays[2].symlink_to("/etc/passwd")
    try:
        files = unpacked(wheel.build().content)
    finally:
        for each in strays:
            each.unlink()
    assert not {name for name in files if Path(name).name in {each.name for each in strays}}
    about = {name.partition("/")[2] for name in files if ".dist-info/" in name}
    assert about >= {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    assert not about & {"direct_url.json", "INSTALLER", "REQUESTED"}
    place = str(package.parent).encode()
    assert not [name for name, content in files.items() if place in content]


def test_it_can_be_installed_and_runs(tmp_path: Path) -> None:
    file = tmp_path / NAME
    file.write_bytes(wheel.build().content)
    target = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(target), str(file)], check=True)
    program = "import arborlink; print(arborlink.__file__, arborlink.__version__)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env={"PYTHONPATH": str(target)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(target / "arborlink" / "__init__.py"), __version__]


def test_metadata_of_another_version_is_not_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Older(metadata.Distribution):
        def read_text(self, filename: str) -> str | None:
            return "Metadata-Version: 2.4\nName: arborlink\nVersion: 0.0.1\n"

        def locate_file(self, path: object) -> Path:
            raise NotImplementedError

    monkeypatch.setattr(metadata, "distribution", lambda _name: Older())
    with pytest.raises(NotFound, match=r"version 0\.0\.1"):
        wheel.build()
