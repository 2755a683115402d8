"""The API's description as a page to read: made of the OpenAPI document, without any script."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, Final

Json = Mapping[str, Any]

_CODE: Final = re.compile(r"`([^`]+)`")
_STYLE: Final = """
:root { color-scheme: light dark; --text: #1d1f1c; --back: #fbfbfa; --box: #fff; --line: #e7e6e2;
  --soft: #5d625a; --accent: #2f7d4f; }
@media (prefers-color-scheme: dark) { :root { --text: #e8ebe6; --back: #121513; --box: #191d1a;
  --line: #2a2f2b; --soft: #a3aaa0; --accent: #6cc08c; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  color: var(--text); background: var(--back); overflow-wrap: break-word; }
section { overflow-x: auto; }
h1, h2, h3 { font-weight: 600; line-height: 1.3; } h2 { margin-top: 3rem; }
h3 { font-size: 1rem; margin: 2rem 0 .3rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h4 { font-size: .9rem; margin: 1rem 0 .3rem; color: var(--soft); }
a { color: var(--accent); } a:focus-visible { outline: 2px solid var(--accent); }
code, pre, b { font-family: ui-monospace, monospace; font-size: 13px; } b { color: var(--accent); }
pre { overflow-x: auto; background: var(--box); border: 1px solid var(--line); padding: .6rem; }
table { border-collapse: collapse; width: 100%; background: var(--box); }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; font-size: 14px;
  border: 1px solid var(--line); } th { color: var(--soft); font-weight: 500; }
nav ul { columns: 18rem; list-style: none; padding: 0; } p { margin: .3rem 0; }
"""


def page(description: Json) -> str:
    """Return the whole of an OpenAPI document as HTML."""
    info = description["info"]
    groups: dict[str, list[tuple[str, str, Json]]] = {}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    schemas = description["components"]["schemas"]
    parts = [
        (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            f"<title>{escape(info['title'])} API</title>"
            f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        ),
        f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1>",
        f"<p>{_prose(info['description'])}</p>",
        '<p>For programs: <a href="/api/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>',
        f"<nav><ul>{''.join(_contents(groups))}</ul></nav><main>",
    ]
    for tag, operations in groups.items():
        parts.append(f'<h2 id="{_anchor(tag)}">{escape(tag)}</h2>')
        parts += [_operation(*each, schemas) for each in operations]
    parts.append('<h2 id="types">Types</h2>')
    parts += [_type(name, schema) for name, schema in schemas.items()]
    return "".join([*parts, "</main></html>"])


def _contents(groups: Mapping[str, Iterable[tuple[str, str, Json]]]) -> Iterator[str]:
    for tag, operations in groups.items():
        links = "".join(
            f'<li><a href="#{operation["operationId"]}"><b>{method}</b> <code>{escape(path)}</code>'
            "</a></li>"
            for method, path, operation in operations
        )
        yield f'<li><a href="#{_anchor(tag)}">{escape(tag)}</a><ul>{links}</ul></li>'
    yield '<li><a href="#types">Types</a></li>'


def _operation(method: str, path: str, operation: Json, schemas: Json) -> str:
    needs = operation.get("description") or (
        "Needs a credential." if operation["security"] else "Needs no credential."
    )
    head = f"<b>{method}</b> <code>{escape(path)}</code>"
    said = f"{_prose(operation['summary'])}. {_prose(needs)}"
    parts = [f'<section><h3 id="{operation["operationId"]}">{head}</h3><p>{said}</p>']
    if operation["parameters"]:
        rows = [
            (f"<code>{escape(each['name'])}</code>", each["in"], _kind(each["schema"]), _said(each))
            for each in operation["parameters"]
        ]
        parts += ["<h4>Parameters</h4>", _table(("name", "in", "type", "meaning"), rows)]
    body = operation.get("requestBody")
    if body is not None:
        schema = body["content"]["application/json"]["schema"]
        optional = "" if body["required"] else " (may be left out)"
        parts.append(f"<h4>Body{optional}: {_kind(schema)}</h4>{_fields(_named(schema, schemas))}")
    answers = [
        (
            escape(status),
            ", ".join(map(escape, answer.get("content", {"nothing": None}))),
            _kind(next(iter(answer["content"].values()))["schema"]) if "content" in answer else "",
        )
        for status, answer in operation["responses"].items()
    ]
    parts += ["<h4>Answers</h4>", _table(("status", "as", "type"), answers)]
    return "".join(
        [*parts, f"<pre>{escape(_example(method, path, operation, schemas))}</pre></section>"]
    )


def _example(method: str, path: str, operation: Json, schemas: Json) -> str:
    """The request as a command, with what it has to have."""
    words = ["curl"] if method == "GET" else ["curl", "-X", method]
    if operation["security"]:
        words += ["-H", '"Authorization: Bearer $ARBOR_TOKEN"']
    body = operation.get("requestBody")
    if body is not None and body["required"]:
        schema = _named(body["content"]["application/json"]["schema"], schemas)
        needed = {
            name: _sample(name, schema["properties"][name], schemas)
            for name in schema.get("required", ())
        }
        words += ["-H", "'Content-Type: application/json'", "-d", shlex.quote(json.dumps(needed))]
    filled = re.sub(r"{(\w+)}", lambda found: f"${found[1].upper()}", path)
    return " ".join([*words, f'"$ARBOR_URL{filled}"'])


def _sample(name: str, schema: Json, schemas: Json) -> object:
    schema = _named(schema, schemas)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "array":
            return [_sample(name, schema.get("items", {}), schemas)]
        case "boolean":
            return True
        case "integer" | "number":
            return 1
        case _:
            return name


def _type(name: str, schema: Json) -> str:
    values = schema.get("enum")
    shown = ", ".join(f"<code>{escape(str(each))}</code>" for each in values or ())
    text = "".join(f"<p>{_prose(part)}</p>" for part in schema.get("description", "").split("\n\n"))
    return (
        f'<section><h3 id="type-{escape(name)}"><code>{escape(name)}</code></h3>{text}'
        f"{f'<p>One of {shown}.</p>' if values else _fields(schema)}</section>"
    )


def _fields(schema: Json) -> str:
    needed = schema.get("required", ())
    rows = [
        (
            f"<code>{escape(name)}</code>",
            _kind(field),
            _said(field) + ("" if name in needed else f" {_default(field)}"),
        )
        for name, field in schema.get("properties", {}).items()
    ]
    return _table(("field", "type", "meaning"), rows) if rows else "<p>It has no fields.</p>"


def _default(field: Json) -> str:
    value = json.dumps(field.get("default"), ensure_ascii=False)
    return f"May be left out; then it is <code>{escape(value)}</code>."


def _said(described: Json) -> str:
    text = described.get("description", "")
    return f"{_prose(text)}." if text else ""


def _kind(schema: Json) -> str:
    """What kind of value it is, with a link to a type that has a name."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#type-{escape(name)}">{escape(name)}</a>'
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(each))}</code>" for each in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    match schema.get("type"):
        case "array":
            return f"list of {_kind(schema.get('items', {}))}"
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return f"object of {_kind(schema['additionalProperties'])}"
        case kind:
            return escape(str(kind or "any"))


def _named(schema: Json, schemas: Json) -> Json:
    if "$ref" not in schema:
        return schema
    found: Json = schemas[schema["$ref"].rpartition("/")[2]]
    return found


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Cells are HTML."""
    heads = "".join(f"<th>{each}</th>" for each in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{heads}</tr>{body}</table>"


def _prose(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _anchor(tag: str) -> str:
    return re.sub(r"\W+", "-", tag.lower())
