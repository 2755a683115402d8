"""Sentences for values that do not fit a type: which field, and what it has to be. Pure.

msgspec names types of Python and JSON (`str`, `array`) and places as `$.tty.cols`. This module
translates its texts and adds the choices of a field that has some. An unknown text is kept.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from msgspec import inspect

SHOWN_CHOICES: Final = 12
_PLACE: Final = re.compile(
    r"(?P<what>.*?)(?: - at (?P<key>`key` in )?`(?P<path>\$[^`]*)`)?", re.DOTALL
)
_MISSING: Final = re.compile(r"Object missing required field `(?P<name>[^`]+)`")
_KIND: Final = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<given>[^`]+)`")
_LENGTH: Final = re.compile(r"Expected `(?P<kind>\w+)` of length (?P<sign>[<>]=?) (?P<size>\d+)")
_BOUND: Final = re.compile(r"Expected `(?:int|float)` (?P<sign>[<>]=?) (?P<bound>\S+)")
_CHOICE: Final = re.compile(r"Invalid enum value (?P<given>.+)")
_PATTERN: Final = re.compile(r"Expected `str` matching regex")
_BASE64: Final = re.compile(r"Invalid base64 encoded string")
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[([^\]]*)\]")
_WORDS: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "bytes": "bytes in base64",
}
_UNITS: Final = {"str": "character", "bytes": "byte", "array": "item", "object": "entry"}
_SIGNS: Final = {">=": "at least", ">": "more than", "<=": "at most", "<": "less than"}


def sentence(error: msgspec.ValidationError, kind: Any, whole: str = "the body") -> str:
    """Return what does not fit, such as `tty.cols has to be a whole number, not text`.

    Args:
        error: what msgspec raised for a value of `kind`.
        whole: what the value itself is called.
    """
    found = _PLACE.fullmatch(str(error))
    assert found is not None
    path = found["path"] or "$"
    name = path.removeprefix("$").removeprefix(".") or whole
    if found["key"]:
        name = f"a name in {name}"
    elif name.endswith("[...]"):
        name = f"a value in {name.removesuffix('[...]')}"
    return _said(found["what"], name, path, kind)


def _said(what: str, name: str, path: str, kind: Any) -> str:
    if missing := _MISSING.fullmatch(what):
        inside = "" if path == "$" else f"{name}."
        return f"{inside}{missing['name']} is missing"
    if wrong := _KIND.fullmatch(what):
        wanted = " or ".join(_WORDS.get(each, each) for each in wrong["wanted"].split(" | "))
        return f"{name} has to be {wanted}, not {_WORDS.get(wrong['given'], wrong['given'])}"
    if length := _LENGTH.fullmatch(what):
        return _length(name, length["kind"], length["sign"], int(length["size"]))
    if bound := _BOUND.fullmatch(what):
        number = bound["bound"].removesuffix(".0")
        return f"{name} has to be {_SIGNS[bound['sign']]} {number}"
    if choice := _CHOICE.fullmatch(what):
        choices = _choices(kind, path)
        one_of = f"; it is one of {', '.join(choices[:SHOWN_CHOICES])}" if choices else ""
        return f"{name} cannot be {choice['given']}{one_of}"
    if _PATTERN.match(what):
        return f"{name} has a character that is not possible there"
    if _BASE64.fullmatch(what):
        return f"{name} has to be bytes in base64"
    return what if path == "$" else f"{name}: {what}"


def _length(name: str, kind: str, sign: str, size: int) -> str:
    if (sign, size) == (">=", 1):
        return f"{name} must not be empty"
    unit = _UNITS.get(kind, "item")
    many = unit if size == 1 else "entries" if unit == "entry" else f"{unit}s"
    return f"{name} has to have {_SIGNS[sign]} {size} {many}"


def _choices(kind: Any, path: str) -> list[str]:
    """Return what a field may be that has choices; nothing where that cannot be found."""
    types = [inspect.type_info(kind)]
    for step in _STEP.finditer(path.removeprefix("$")):
        types = [below for each in _alternatives(types) for below in _below(each, step[1])]
    found: list[str] = []
    for each in _alternatives(types):
        if isinstance(each, inspect.LiteralType):
            found += map(str, each.values)
        elif isinstance(each, inspect.EnumType):
            found += [str(member.value) for member in each.cls]
    return found


def _alternatives(types: list[inspect.Type]) -> list[inspect.Type]:
    found: list[inspect.Type] = []
    for each in types:
        inner = each.type if isinstance(each, inspect.Metadata) else each
        found += inner.types if isinstance(inner, inspect.UnionType) else [inner]
    return found


def _below(kind: inspect.Type, field: str | None) -> list[inspect.Type]:
    """Return the types of a field, or of the items where `field` is None."""
    if field is not None and isinstance(kind, inspect.StructType):
        return [each.type for each in kind.fields if each.encode_name == field]
    if field is None and isinstance(kind, inspect.ListType):
        return [kind.item_type]
    if isinstance(kind, inspect.DictType):
        return [kind.value_type]
    return []
