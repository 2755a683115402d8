"""msgspec types as TypeScript. Knows nothing of files."""

from __future__ import annotations

import inspect as python_inspect
import re
from collections.abc import Iterable, Mapping
from functools import singledispatchmethod
from typing import get_args

import msgspec
from msgspec import inspect

from arborlink.hub.routes.bodies import Body
from arborlink.protocol import codec, lifecycle, limits, messages, resources

# What the page sends: what has a default may be left out.
REQUESTS = frozenset({resources.NewTask, *get_args(messages.ViewerToHub)})
LINE = 100
HEADER = "// Written by tools/generate_types.py from src/arborlink/protocol; do not edit."
LIMITS = (
    "HEARTBEAT_SECONDS",
    "HEARTBEAT_MIN_SECONDS",
    "HEARTBEAT_MAX_SECONDS",
    "SILENCE_SECONDS",
    "SILENCE_MIN_SECONDS",
    "SILENCE_MAX_SECONDS",
    "SILENCE_MIN_HEARTBEATS",
    "WELCOME_SECONDS",
    "SUBSCRIPTION_WINDOW_BYTES",
    "DEFAULT_GRACE_SECONDS",
)


class _Types:
    """Collects the named types that a type refers to, while it writes it."""

    def __init__(self) -> None:
        self.named: dict[str, str] = {}

    def refer(self, kind: object) -> str:
        """The type as it is referred to."""
        return self._write(inspect.type_info(kind))

    @singledispatchmethod
    def _write(self, kind: inspect.Type) -> str:
        raise TypeError(f"no TypeScript for {kind!r}")

    @_write.register
    def _(self, kind: inspect.Metadata) -> str:
        return self._write(kind.type)

    @_write.register
    def _(self, kind: inspect.AnyType) -> str:
        return "unknown"

    @_write.register
    def _(self, kind: inspect.NoneType) -> str:
        return "null"

    @_write.register
    def _(self, kind: inspect.BoolType) -> str:
        return "boolean"

    @_write.register(inspect.IntType)
    @_write.register(inspect.FloatType)
    def _(self, kind: inspect.Type) -> str:
        return "number"

    @_write.register
    def _(self, kind: inspect.StrType) -> str:
        return "string"

    @_write.register
    def _(self, kind: inspect.BytesType) -> str:
        return "Uint8Array"

    @_write.register
    def _(self, kind: inspect.LiteralType) -> str:
        return _union(_literal(value) for value in kind.values)

    @_write.register
    def _(self, kind: inspect.EnumType) -> str:
        name = kind.cls.__name__
        values = _union(_literal(member.value) for member in kind.cls)
        self.named[name] = _documented(kind.cls) + _alias(name, values)
        return name

    @_write.register
    def _(self, kind: inspect.UnionType) -> str:
        return _union(dict.fromkeys(self._write(item) for item in kind.types))

    @_write.register
    def _(self, kind: inspect.ListType) -> str:
        item = self._write(kind.item_type)
        return f"({item})[]" if " | " in item else f"{item}[]"

    @_write.register
    def _(self, kind: inspect.DictType) -> str:
        return f"Record<{self._write(kind.key_type)}, {self._write(kind.value_type)}>"

    @_write.register
    def _(self, kind: inspect.StructType) -> str:
        name = kind.cls.__name__
        if name not in self.named:
            self.named[name] = ""
            self.named[name] = self._interface(kind)
        return name

    def _interface(self, kind: inspect.StructType) -> str:
        lines = [f"export interface {kind.cls.__name__} {{"]
        if kind.tag_field is not None:
            lines.append(f"  {kind.tag_field}: {_literal(kind.tag)};")
        # Everything else that has a default is always sent.
        sent = kind.cls in REQUESTS or issubclass(kind.cls, Body)
        optional = sent or kind.cls.__struct_config__.omit_defaults
        for field in kind.fields:
            mark = "?" if optional and not field.required else ""
            lines.append(f"  {field.encode_name}{mark}: {self._write(field.type)};")
        return _documented(kind.cls) + "\n".join([*lines, "}"])


def module(unions: Mapping[str, object], structs: Iterable[type[msgspec.Struct]]) -> str:
    """A module with every union, every struct and what they refer to, and the wire's constants."""
    types = _Types()
    aliases = [_alias(name, types.refer(union)) for name, union in unions.items()]
    for struct in structs:
        types.refer(struct)
    blocks = [HEADER, _constants(), *types.named.values(), *aliases]
    return "\n\n".join(blocks) + "\n"


def _constants() -> str:
    final = ", ".join(_literal(str(status)) for status in sorted(lifecycle.FINAL))
    lines = [
        f"export const PROTOCOL_VERSION = {messages.PROTOCOL_VERSION};",
        f"export const MSGPACK_SUBPROTOCOL = {_literal(codec.MSGPACK_SUBPROTOCOL)};",
        f"export const FINAL_STATUSES: readonly TaskStatus[] = [{final}];",
        *(f"export const {name} = {getattr(limits, name):g};" for name in LIMITS),
    ]
    return "\n".join(lines)


def _literal(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)


def _union(members: Iterable[str]) -> str:
    return " | ".join(members)


def _alias(name: str, members: str) -> str:
    line = f"export type {name} = {members};"
    if len(line) <= LINE:
        return line
    return f"export type {name} =" + "".join(f"\n  | {item}" for item in members.split(" | ")) + ";"


def _documented(cls: type) -> str:
    text = python_inspect.cleandoc(cls.__doc__ or "")
    text = re.sub(r"`[a-z_]+`", lambda match: _in_camel_case(match[0]), text)
    lines = text.splitlines()
    if len(lines) == 1:
        return f"/** {text} */\n"
    return "/**\n" + "".join(f" * {line}".rstrip() + "\n" for line in lines) + " */\n"


def _in_camel_case(text: str) -> str:
    return re.sub(r"(?<=[a-z])_([a-z])", lambda match: match[1].upper(), text)
