"""Writes what other languages know of the messages: a JSON Schema and TypeScript types.

`python tools/generate_types.py` writes both files, `--check` exits with 1 if they are out of date.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from pathlib import Path

import msgspec

import typescript
from arborlink.hub.routes import account_bodies, bodies
from arborlink.protocol import figures, messages, resources

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "schema" / "messages.schema.json"
TYPESCRIPT = ROOT / "web" / "src" / "protocol" / "messages.ts"

UNIONS: dict[str, object] = {
    "DaemonToHub": messages.DaemonToHub,
    "HubToDaemon": messages.HubToDaemon,
    "ViewerToHub": messages.ViewerToHub,
    "HubToViewer": messages.HubToViewer,
}
# Of what only the HTTP API knows, what the page sends and shows.
PAGE_BODIES = (
    account_bodies.BrowserSession,
    account_bodies.CreatedUser,
    account_bodies.DeviceDecision,
    account_bodies.DeviceInfo,
    account_bodies.NewUser,
    account_bodies.UserChanges,
    bodies.CreatedToken,
    bodies.Daemon,
    bodies.NewToken,
    bodies.Readiness,
)


def http_resources() -> list[type[msgspec.Struct]]:
    """What the HTTP API takes and returns, in the order of its modules."""
    shared = [
        item
        for module in (resources, figures)
        for item in vars(module).values()
        if isinstance(item, type)
        and issubclass(item, msgspec.Struct)
        and item.__module__ == module.__name__
        and item is not resources.Resource
    ]
    return [*shared, *PAGE_BODIES]


def json_schema() -> str:
    """One schema whose definitions are all messages, resources and unions."""
    named = http_resources()
    schemas, definitions = msgspec.json.schema_components(
        [*UNIONS.values(), *named], ref_template="#/$defs/{name}"
    )
    unions = dict(zip(UNIONS, schemas, strict=False))
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Arbor messages",
        "description": (
            "What daemons, hub and viewers say to each other (sub-protocol arbor.v1.json; in "
            "arbor.v1.msgpack base64 strings are raw bytes), and what the HTTP API returns."
        ),
        "$defs": {name: _described(item) for name, item in sorted(definitions.items())} | unions,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _described(schema: dict[str, object]) -> dict[str, object]:
    description = schema.get("description")
    if isinstance(description, str):
        schema["description"] = inspect.cleandoc(description)
    return schema


def main() -> int:
    """Write the files, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 on drift")
    check = parser.parse_args().check
    wanted = {
        SCHEMA: json_schema(),
        TYPESCRIPT: typescript.module(UNIONS, http_resources()),
    }
    stale = [
        path for path, text in wanted.items() if not path.is_file() or path.read_text() != text
    ]
    for path in stale:
        name = path.relative_to(ROOT)
        if check:
            print(f"{name} is out of date; run python tools/generate_types.py", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path])
            print(f"wrote {name}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
