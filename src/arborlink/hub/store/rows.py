"""Rows of the database to and from the structs of `base`: lists and maps are JSON columns."""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar

import msgspec

R = TypeVar("R", bound=msgspec.Struct)

_JSON: Final = msgspec.json.Encoder()


class RowMapper(Generic[R]):
    """Maps between `struct` and the columns of its view, which are in the order of its fields."""

    def __init__(self, struct: type[R], *, json: frozenset[str] = frozenset()) -> None:
        self._struct = struct
        self._names = struct.__struct_fields__
        self._json = json

    def decode(self, row: tuple[Any, ...]) -> R:
        """The struct of a row."""
        values = dict(zip(self._names, row, strict=True))
        for name in self._json:
            if values[name] is not None:
                values[name] = msgspec.json.decode(values[name])
        # Not strict: SQLite has no booleans, they are 0 and 1.
        return msgspec.convert(values, self._struct, strict=False)

    def optional(self, row: tuple[Any, ...] | None) -> R | None:
        """The struct of a row, if there is one."""
        return None if row is None else self.decode(row)

    def encode(self, value: msgspec.Struct) -> dict[str, Any]:
        """Named bindings for a struct's fields."""
        values = msgspec.structs.asdict(value)
        for name in self._json & values.keys():
            if values[name] is not None:
                values[name] = to_json(values[name])
        return values


def to_json(value: object) -> str:
    """`value` as a JSON column holds it."""
    return _JSON.encode(value).decode()
