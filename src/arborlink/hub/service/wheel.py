"""The wheel of this installation, put together from the files that the hub itself runs from.

A daemon's machine installs Arbor from its hub where the package index has none, or cannot be
reached. The same files make the same bytes. Nothing of this machine is in it: neither what pip has
noted of the installation (`direct_url.json` names a folder or a repository) nor any file of a kind
that Arbor does not consist of.
"""

from __future__ import annotations

import base64
import email.parser
import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

import msgspec

import arborlink
from arborlink import __version__
from arborlink.protocol.errors import NotFound
from arborlink.protocol.limits import MIB

DISTRIBUTION: Final = "arborlink"
FILE_NAME: Final = f"{DISTRIBUTION}-{__version__}-py3-none-any.whl"
# Several times what it is.
MAX_BYTES: Final = 64 * MIB
SUFFIXES: Final = frozenset(
    {".py", ".sql", ".typed", ".js", ".css", ".html", ".txt", ".svg", ".png", ".woff2"}
    | {".webmanifest", ".br", ".gz"}
)
_PACKED: Final = frozenset({".png", ".woff2", ".br", ".gz"})
# The first moment that a ZIP file can name.
_TIME: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = 0o100644
_WHEEL: Final = (
    "Wheel-Version: 1.0\nGenerator: arborlink\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
)


class Wheel(msgspec.Struct, frozen=True):
    """The file's content; `tag` changes with it."""

    content: bytes
    tag: str


def build() -> Wheel:
    """Put the wheel together. Takes about a second.

    Raises:
        NotFound: this is no installation of this version (code `no_wheel`).
    """
    about = _about()
    folder = f"{DISTRIBUTION}-{__version__}.dist-info"
    files = [*_package_files(), *((f"{folder}/{name}", data) for name, data in about)]
    files.append((f"{folder}/WHEEL", _WHEEL.encode()))
    record = "".join(f"{name},{_digest(data)},{len(data)}\n" for name, data in files)
    files.append((f"{folder}/RECORD", f"{record}{folder}/RECORD,,\n".encode()))
    if sum(len(data) for _, data in files) > MAX_BYTES:
        raise _none(f"its files are larger than {MAX_BYTES} bytes")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files:
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = _MODE << 16
            is_packed = Path(name).suffix in _PACKED
            entry.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    content = packed.getvalue()
    return Wheel(content, hashlib.sha256(content).hexdigest())


def _package_files() -> Iterator[tuple[str, bytes]]:
    root = Path(arborlink.__file__).parent
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(each for each in folders if each != "__pycache__")
        for name in sorted(files):
            path = Path(folder, name)
            if path.suffix in SUFFIXES and not name.startswith(".") and not path.is_symlink():
                yield f"{DISTRIBUTION}/{path.relative_to(root).as_posix()}", path.read_bytes()


def _about() -> list[tuple[str, bytes]]:
    """Return what the installation says of itself: its metadata, commands and licenses."""
    try:
        distribution = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        raise _none("it runs from a folder that was not installed") from None
    text = distribution.read_text("METADATA") or ""
    fields = email.parser.HeaderParser().parsestr(text)
    if fields["Version"] != __version__:
        raise _none(f"its metadata is of version {fields['Version']}, and it runs {__version__}")
    found = [("METADATA", text)]
    names = [
        "entry_points.txt",
        *(f"licenses/{each}" for each in fields.get_all("License-File", [])),
    ]
    for name in names:
        content = distribution.read_text(name)
        if content is not None:
            found.append((name, content))
    return [(name, content.encode()) for name, content in found]


def _digest(data: bytes) -> str:
    # PEP 427: URL-safe base64 without padding.
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"sha256={digest}"


def _none(why: str) -> NotFound:
    return NotFound(
        f"This hub has no wheel of itself: {why}. Install Arbor where the hub runs with `pip "
        "install`, from a wheel or a checkout, and start it again.",
        code="no_wheel",
    )
