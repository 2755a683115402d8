"""Writes what a hub is made of as CycloneDX 1.6 JSON: `python tools/sbom.py FILE`.

It comes from the locked requirements and the page's lock file alone: the same commit gives the same
file on every machine, and no address of a registry is in it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import locked
from arborlink import __version__
from locked import Package


def main() -> int:
    """Write the file."""
    (path,) = map(Path, sys.argv[1:])
    path.parent.mkdir(parents=True, exist_ok=True)
    document = sbom([*locked.of_python("hub"), *locked.of_page()])
    path.write_text(json.dumps(document, indent=2) + "\n")
    print(f"wrote {path}: {len(document['components'])} components")
    return 0


def sbom(packages: Iterable[Package]) -> dict[str, Any]:
    """Return the document."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "arborlink",
                "name": "arborlink",
                "version": __version__,
                "licenses": [{"license": {"id": "MIT"}}],
            }
        },
        # The page's tree may have the same version twice.
        "components": [
            _component(each) for each in {each.purl: each for each in packages}.values()
        ],
    }


def _component(package: Package) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
    }
    if package.ecosystem == "npm":
        component["hashes"] = [{"alg": alg, "content": digest} for alg, digest in package.hashes]
    else:
        # A version has a file for each system: as properties, for `hashes` are of one file.
        component["properties"] = [
            {"name": "arbor:file:sha256", "value": digest} for _, digest in package.hashes
        ]
        if package.marker:
            component["properties"].append({"name": "arbor:marker", "value": package.marker})
    if package.license:
        component["licenses"] = [{"expression": package.license}]
    return component


if __name__ == "__main__":
    sys.exit(main())
