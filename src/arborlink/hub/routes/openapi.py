"""OpenAPI 3.1 from the table of operations, as JSON and as a page that needs nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

import msgspec

from arborlink import __version__
from arborlink.hub.routes.operations import Operation, Parameter
from arborlink.protocol.resources import Problem

SCHEMA_PREFIX: Final = "#/components/schemas/"
_PATH_PARAMETER: Final = re.compile(r"{(\w+)}")
_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1d1f1c; background: #fbfbfa; }
h1, h2 { font-weight: 600; } code, pre { font-family: ui-monospace, monospace; font-size: 13px; }
details { border-top: 1px solid #e7e6e2; padding: .4rem 0; } summary { cursor: pointer; }
pre { overflow-x: auto; background: #fff; border: 1px solid #e7e6e2; padding: .6rem; }
b { display: inline-block; width: 4.5rem; color: #2f7d4f; font-family: ui-monospace, monospace; }
@media (prefers-color-scheme: dark) { body { color: #e8ebe6; background: #121513; }
  pre { background: #191d1a; border-color: #2a2f2b; } details { border-color: #2a2f2b; }
  b { color: #6cc08c; } a { color: #6cc08c; } }
"""


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """The description of these operations."""
    kinds = [kind for each in operations for kind in (each.body, each.result) if kind is not None]
    _, schemas = msgspec.json.schema_components(
        [*dict.fromkeys(kinds), Problem], ref_template=SCHEMA_PREFIX + "{name}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Arbor",
            "version": __version__,
            "description": (
                "Lists page by cursor. Times are RFC 3339 in UTC. Errors are RFC 9457 "
                "problems with a stable `code`. Somebody else's thing is 404."
            ),
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "arbor_session"},
            },
        },
    }


def page(description: dict[str, Any]) -> str:
    """The description as HTML, without any script."""
    groups: dict[str, list[str]] = {}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            entry = _entry(path, method, operation)
            groups.setdefault(operation["tags"][0], []).append(entry)
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(each)}" for tag, each in groups.items())
    schemas = "".join(
        f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>'
        f"{_pre(schema)}</details>"
        for name, schema in description["components"]["schemas"].items()
    )
    info = description["info"]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])} API'
        '</title><meta name="viewport" content="width=device-width">'
        f"<style>{_STYLE}</style><h1>{escape(info['title'])} API {escape(info['version'])}</h1>"
        f"<p>{escape(info['description'])} "
        f'<a href="/api/openapi.json">openapi.json</a></p>{body}<h2>Types</h2>{schemas}</html>'
    )


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": _operation_id(operation),
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [*_path_parameters(operation.path), *map(_parameter, operation.parameters)],
        "responses": {
            **{
                str(status): _response(operation)
                for status in (operation.status, *operation.more_statuses)
            },
            "default": {
                "description": "What went wrong and what to do",
                "content": {"application/problem+json": {"schema": _schema(Problem)}},
            },
        },
        "security": [] if operation.public else [{"token": []}, {"session": []}],
    }
    if operation.scope is not None:
        described["description"] = f"Needs the scope `{operation.scope}`."
    if operation.body is not None:
        described["requestBody"] = {
            "required": operation.body_required,
            "content": {"application/json": {"schema": _schema(operation.body)}},
        }
    return described


def _operation_id(operation: Operation) -> str:
    words = [word for word in re.split(r"\W+", operation.path) if word and word != "api"]
    return "_".join([operation.method.lower(), *words]).replace("-", "_")


def _path_parameters(path: str) -> Iterable[dict[str, Any]]:
    for name in _PATH_PARAMETER.findall(path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.where,
        "description": parameter.description,
        "schema": parameter.schema or {"type": "string"},
    }


def _response(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {"description": "Done"}
    if operation.media_types:
        text = {"schema": {"type": "string"}}
        described["content"] = dict.fromkeys(operation.media_types, text)
    elif operation.result is not None:
        described["content"] = {"application/json": {"schema": _schema(operation.result)}}
    return described


def _schema(kind: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=SCHEMA_PREFIX + "{name}")
    return schema


def _entry(path: str, method: str, operation: dict[str, Any]) -> str:
    shown = {
        key: operation[key]
        for key in ("parameters", "requestBody", "responses")
        if operation.get(key)
    }
    note = operation.get("description", "Needs no credential." if not operation["security"] else "")
    return (
        f"<details><summary><b>{method.upper()}</b> <code>{escape(path)}</code> "
        f"{escape(operation['summary'])}</summary><p>{escape(note)}</p>{_pre(shown)}</details>"
    )


def _pre(value: object) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"
