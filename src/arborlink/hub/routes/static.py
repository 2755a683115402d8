"""The page: files that were built into `hub/static/`, looked up by name and never by path."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

STATIC_FOLDER: Final = Path(__file__).parent.parent / "static"
INDEX: Final = "index.html"
# Everything below has its content's hash in its name.
HASHED_PREFIX: Final = "assets/"
FOREVER: Final = "public, max-age=31536000, immutable"
ASK_FIRST: Final = "no-cache"
# What the build packed beforehand, the smallest first; browsers take `br` over https only.
ENCODINGS: Final = {"br": ".br", "gzip": ".gz"}
MEDIA_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
NOT_BUILT: Final = """The hub runs, but this installation has no web page.

From a checkout, build it once: run `python tools/web.py build`, then start the hub again.
Everything else works without it: the command line (arbor --help) and the API (/api/docs).
"""


class _PageRoute(Route):
    """Takes every address that is not the API's, whose own 404 and 405 stay as they are."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if f"{scope['path']}/".startswith("/api/"):
            return Match.NONE, {}
        return super().matches(scope)


class Page:
    """Serves the built files; any other address is the page's own, and gets its index."""

    def __init__(self, folder: Path = STATIC_FOLDER) -> None:
        found = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
        # What is not in this table does not exist, whatever the address says.
        self._files = {path.relative_to(folder).as_posix(): path for path in found}

    def routes(self) -> list[BaseRoute]:
        """To come after all other routes."""
        return [_PageRoute("/{path:path}", self.serve, methods=["GET"])]

    async def serve(self, request: Request) -> Response:
        """A file, or the page."""
        path = request.path_params["path"]
        if path in self._files and path != INDEX:
            caching = FOREVER if path.startswith(HASHED_PREFIX) else ASK_FIRST
            return self._file(request, path, caching)
        if "." in path.rpartition("/")[2] and path != INDEX:
            raise HTTPException(404)
        if INDEX not in self._files:
            return PlainTextResponse(NOT_BUILT, 200 if path == "" else 404)
        return self._file(request, INDEX, ASK_FIRST)

    def _file(self, request: Request, path: str, caching: str) -> Response:
        suffix = Path(path).suffix
        guessed = mimetypes.guess_type(path)[0] or "application/octet-stream"
        headers = {"Cache-Control": caching}
        file = self._files[path]
        packed = self._packed(path)
        if packed:
            headers["Vary"] = "Accept-Encoding"
        accepted = _accepted_encodings(request)
        for encoding in packed:
            if encoding in accepted:
                headers["Content-Encoding"] = encoding
                file = packed[encoding]
                break
        return FileResponse(file, headers=headers, media_type=MEDIA_TYPES.get(suffix, guessed))

    def _packed(self, path: str) -> dict[str, Path]:
        named = {encoding: f"{path}{ending}" for encoding, ending in ENCODINGS.items()}
        return {
            encoding: self._files[name] for encoding, name in named.items() if name in self._files
        }


def _accepted_encodings(request: Request) -> set[str]:
    header = request.headers.get("accept-encoding", "")
    return {choice.partition(";")[0].strip() for choice in header.split(",")}
