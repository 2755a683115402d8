"""Valid messages of every type with any values: strategies made of their own definitions."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st
from msgspec import inspect

Strategy = st.SearchStrategy[Any]

# Small: large ones find nothing more, and take their time.
LONGEST_TEXT: Final = 24
LONGEST_LIST: Final = 3
INTEGERS: Final = (-(2**63), 2**63 - 1)


def valid(kind: inspect.Type) -> Strategy:
    """Values of a type, as Python has them."""
    match kind:
        case inspect.StructType():
            return _struct(kind)
        case inspect.UnionType(types=types):
            return st.one_of([valid(each) for each in types])
        case inspect.ListType(item_type=item):
            longest = min(LONGEST_LIST, _or(kind.max_length, LONGEST_LIST))
            return st.lists(valid(item), min_size=kind.min_length or 0, max_size=longest)
        case inspect.DictType(key_type=key, value_type=value):
            return st.dictionaries(valid(key), valid(value), max_size=LONGEST_LIST)
        case inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case inspect.EnumType(cls=cls):
            return st.sampled_from(list(cls))
        case _:
            return _plain(kind)


def _plain(kind: inspect.Type) -> Strategy:
    match kind:
        case inspect.IntType():
            return st.integers(_or(kind.ge, INTEGERS[0]), _or(kind.le, INTEGERS[1]))
        case inspect.FloatType():
            low = kind.ge if kind.gt is None else kind.gt
            return st.floats(
                low, kind.le, exclude_min=kind.gt is not None, allow_nan=False, allow_infinity=False
            )
        case inspect.StrType(pattern=str(pattern)):
            return st.from_regex(pattern, fullmatch=True).filter(_encodable)
        case inspect.StrType():
            longest = min(LONGEST_TEXT, _or(kind.max_length, LONGEST_TEXT))
            letters = st.characters(codec="utf-8")
            return st.text(letters, min_size=kind.min_length or 0, max_size=longest)
        case inspect.BytesType():
            return st.binary(max_size=LONGEST_TEXT)
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
    raise TypeError(f"messages have no {kind} so far: say here how to make one")


def _struct(kind: inspect.StructType) -> Strategy:
    needed = {each.name: valid(each.type) for each in kind.fields if each.required}
    others = {each.name: valid(each.type) for each in kind.fields if not each.required}
    return st.fixed_dictionaries(needed, optional=others).map(lambda given: kind.cls(**given))


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _or(value: Any, otherwise: Any) -> Any:
    return otherwise if value is None else value
