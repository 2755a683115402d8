"""OpenAPI 3.1 from the table of operations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from arborlink import __version__
from arborlink.hub.routes.field_texts import field_text
from arborlink.hub.routes.operations import Operation, Parameter
from arborlink.protocol.resources import Problem

SCHEMA_PREFIX: Final = "#/components/schemas/"
PATH_TEXTS: Final = {"task_id": "The task's id"}
_PATH_PARAMETER: Final = re.compile(r"{(\w+)}")


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """The description of these operations."""
    kinds = [kind for each in operations for kind in (each.body, each.result) if kind is not None]
    _, schemas = msgspec.json.schema_components(
        [*dict.fromkeys(kinds), Problem], ref_template=SCHEMA_PREFIX + "{name}"
    )
    for kind, schema in schemas.items():
        _describe_fields(kind, schema)
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


def _describe_fields(kind: str, schema: dict[str, Any]) -> None:
    for field, value in schema.get("properties", {}).items():
        text = field_text(kind, field)
        if text is not None:
            # Beside a reference, too: OpenAPI 3.1 allows it.
            value.setdefault("description", text)


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
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": PATH_TEXTS.get(name, "Its id"),
            "schema": {"type": "string"},
        }


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
