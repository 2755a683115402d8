"""Every package that Arbor is built and run with, by `requirements/` and `package-lock.json`."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parent.parent
REQUIREMENTS: Final = ROOT / "requirements"
NPM_LOCK: Final = ROOT / "web" / "package-lock.json"
_PINNED: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\]+))?")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class Package(NamedTuple):
    """One version of a package. `ecosystem`: `PyPI` or `npm`; `marker`: where it is needed.

    `hashes`: algorithm (as CycloneDX names it) and hexadecimal digest of each of its files.
    """

    ecosystem: str
    name: str
    version: str
    hashes: tuple[tuple[str, str], ...] = ()
    marker: str = ""
    license: str = ""

    @property
    def purl(self) -> str:
        """Its package URL, which names no registry's address."""
        kind = "pypi" if self.ecosystem == "PyPI" else "npm"
        return f"pkg:{kind}/{self.name.replace('@', '%40')}@{self.version}"


def of_python(name: str) -> list[Package]:
    """Those of `requirements/NAME.txt`."""
    text = (REQUIREMENTS / f"{name}.txt").read_text().replace("\\\n", " ")
    return [
        Package(
            "PyPI",
            found[1],
            found[2],
            tuple(("SHA-256", digest) for digest in _HASH.findall(line)),
            (found[3] or "").partition("--hash")[0].strip(),
        )
        for line in text.splitlines()
        if (found := _PINNED.match(line))
    ]


def of_page(*, development: bool = False) -> list[Package]:
    """Those that the page is made of, or with `development` those of its tools and tests."""
    return list(_locked(development))


def _locked(development: bool) -> Iterator[Package]:
    for path, entry in json.loads(NPM_LOCK.read_text())["packages"].items():
        if not path or entry.get("link") or bool(entry.get("dev")) is not development:
            continue
        name = path.rpartition("node_modules/")[2]
        algorithm, _, digest = entry.get("integrity", "").partition("-")
        hashes = ((_ALGORITHMS[algorithm], base64.b64decode(digest).hex()),) if digest else ()
        yield Package("npm", name, entry["version"], hashes, "", entry.get("license", ""))


_ALGORITHMS: Final = {"sha1": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512"}
