"""The page: files that were built into `hub/static/`, and nothing else that is on this machine."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from arborlink.hub.routes.in_pieces import InPieces

STATIC_FOLDER: Final = Path(__file__).parent.parent / "static"
INDEX: Final = "index.html"
# Everything below has its content's hash in its name.
HASHED_PREFIX: Final = "assets/"
FOREVER: Final = "public, max-age=31536000, immutable"
ASK_FIRST: Final = "no-cache"
# What the build packed beforehand, the smallest first; browsers take `br` over https only.
ENCODINGS: Final = {"br": ".br", "gzip": ".gz"}
# What a build of the page consists of; a file of any other kind does not exist.
MEDIA_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
TAG_CHARS: Final = 32
NOT_BUILT: Final = """The hub runs, but this installation has no web page.

From a checkout, build it once: `python tools/web.py build`. The hub need not be started again.
Everything else works without it: the command line (arbor --help) and the API (/api/docs).
"""


async def _free(_request: Request) -> None:
    """Count nothing."""


class _PageRoute(Route):
    """Takes every address that is not the API's, whose own 404 and 405 stay as they are."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if f"{scope['path']}/".startswith("/api/"):
            return Match.NONE, {}
        return super().matches(scope)


class Page:
    """Serves the built files; any other address is the page's own, and gets its index.

    Files are looked up when they are asked for: the package may be upgraded, or the page be built
    anew, under a hub that runs.
    """

    def __init__(
        self, folder: Path = STATIC_FOLDER, count: Callable[[Request], Awaitable[None]] = _free
    ) -> None:
        self._folder = folder
        self._count = count

    def routes(self) -> list[BaseRoute]:
        """To come after all other routes."""
        return [_PageRoute("/{path:path}", self.serve, methods=["GET"])]

    async def serve(self, request: Request) -> Response:
        """A file, or the page. Raises as `count`, which hears of every request."""
        await self._count(request)
        path = request.path_params["path"]
        names_file = "." in path.rpartition("/")[2]
        name = path if names_file else INDEX
        found = await asyncio.to_thread(self._find, name, _accepted_encodings(request))
        if found is not None:
            return found.response(request.headers.get("if-none-match"))
        if names_file and path != INDEX:
            raise HTTPException(404)
        return PlainTextResponse(NOT_BUILT, 200 if path == "" else 404)

    def _find(self, name: str, accepted: set[str]) -> _Found | None:
        """The file of this name as it is now, as small as is accepted."""
        media_type = MEDIA_TYPES.get(PurePosixPath(name).suffix)
        plain = None if media_type is None else self._file(name)
        if plain is None or media_type is None:
            return None
        packed = {encoding: self._file(name + ending) for encoding, ending in ENCODINGS.items()}
        headers = {"Vary": "Accept-Encoding"} if any(packed.values()) else {}
        file = plain
        for encoding, smaller in packed.items():
            if smaller is not None and encoding in accepted:
                headers["Content-Encoding"] = encoding
                file = smaller
                break
        try:
            if name.startswith(HASHED_PREFIX):
                return _Found(file, media_type, headers, file.stat())
            return _Found(file, media_type, headers, file.read_bytes())
        except OSError:
            return None  # it went while we looked

    def _file(self, name: str) -> Path | None:
        """The regular file of this name, in the folder and nowhere else."""
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or str(path) != name:
            return None
        try:
            root = self._folder.resolve(strict=True)
            file = root.joinpath(path).resolve(strict=True)
            return file if file.is_relative_to(root) and file.is_file() else None
        except (OSError, RuntimeError, ValueError):
            return None  # there is none, links lead in a circle, or no file has such a name


@dataclass(frozen=True, slots=True)
class _Found:
    """`state`: what is known of a file whose name changes with its content; else the content."""

    file: Path
    media_type: str
    headers: dict[str, str]
    state: os.stat_result | bytes

    def response(self, known: str | None) -> Response:
        """`known`: the tags of what the browser has."""
        if isinstance(self.state, os.stat_result):
            headers = {**self.headers, "Cache-Control": FOREVER}
            return FileResponse(
                self.file, headers=headers, media_type=self.media_type, stat_result=self.state
            )
        # Neither the time nor the size tells two builds apart whose files an installer has dated.
        tag = f'"{hashlib.sha256(self.state).hexdigest()[:TAG_CHARS]}"'
        headers = {**self.headers, "Cache-Control": ASK_FIRST, "ETag": tag}
        if known is not None and tag in {
            each.strip().removeprefix("W/") for each in known.split(",")
        }:
            return Response(status_code=304, headers=headers)
        return InPieces(self.state, headers=headers, media_type=self.media_type)


def _accepted_encodings(request: Request) -> set[str]:
    header = request.headers.get("accept-encoding", "")
    return {choice.partition(";")[0].strip() for choice in header.split(",")}
