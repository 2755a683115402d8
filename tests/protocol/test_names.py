"""Names show as what they are, and are not taken for anything else."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.protocol.errors import InvalidInput
from arborlink.protocol.ids import KINDS, looks_like_id, make_id
from arborlink.protocol.limits import MAX_NAME_CHARS
from arborlink.protocol.names import (
    checked_label,
    checked_name,
    checked_path_part,
    name_of_folder,
    same_name,
)

# Each is drawn as nothing, or changes what is drawn beside it.
INVISIBLE: Final = [
    "\u00ad", "\u034f", "\u061c", "\u115f", "\u1160", "\u17b4", "\u180b", "\u180e", "\u180f",
    "\u200b", "\u200d", "\u200e", "\u202e", "\u2060", "\u2066", "\u2800", "\u3164", "\ufe0f",
    "\ufeff", "\uffa0", "\ufff9", "\U000e0041", "\U000e0101", "\x00", "\x1b", "\x7f", "\x9b",
    "\u2028", "\u00a0",
]  # fmt: skip
# Another text by Unicode's NFKC, and drawn much like it.
LOOK_ALIKES: Final = [
    "\uff4c\uff41\uff42", "\ufb01le", "lab\u00b2", "\u210cub", "\u2163", "\u24dbab", "a\u2024b",
]  # fmt: skip


@pytest.mark.parametrize("character", INVISIBLE)
def test_what_is_not_visible_is_refused(character: str) -> None:
    for check in (checked_label, checked_name, checked_path_part):
        with pytest.raises(InvalidInput) as caught:
            check(f"la{character}b")
        assert caught.value.code == "invalid_name"


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_what_looks_like_another_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="looks like another"):
        checked_name(name)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_looks_like_an_id_is_refused(kind: str) -> None:
    whole = make_id("ws", 1_790_000_000_000, b"x" * 10).replace("ws_", f"{kind}_")
    for name in (whole, whole[:9], f"{kind}_", f"{kind.upper()}_lab", f"{kind}_lab"):
        assert looks_like_id(name)
        with pytest.raises(InvalidInput, match="begin as an id"):
            checked_name(name)
    for name in (kind, f"{kind}-lab", f"my_{kind}_"):
        assert checked_name(name) == name


def test_a_path_part_has_no_separator() -> None:
    assert checked_name("ci/cd") == "ci/cd"
    for name in ("mallory/lab", "/lab", "lab/"):
        with pytest.raises(InvalidInput, match="between an account"):
            checked_path_part(name)


@pytest.mark.parametrize("name", ["", "  ", "x" * (MAX_NAME_CHARS + 1)])
def test_a_name_has_a_length(name: str) -> None:
    with pytest.raises(InvalidInput, match="1 to 128"):
        checked_name(name)


def test_accents_are_kept_in_one_form() -> None:
    assert checked_name(" cafe\u0301 ") == "café"
    assert same_name("cafe\u0301", "café") and not same_name("cafe", "café")


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("project", "project"),
        ("ws_data", "ws-data"),
        ("TSK_01", "TSK-01"),
        ("\uff4c\uff41\uff42", "lab"),
        ("a\u202eb", "a-b"),
        ("a\udcffb", "a-b"),
        ("\u2800", "-"),
        ("", "workspace"),
        ("x" * 255, "x" * MAX_NAME_CHARS),
    ],
)
def test_a_folder_gives_its_workspace_a_name_that_may_be(folder: str, name: str) -> None:
    assert name_of_folder(folder) == name


@given(st.text(max_size=200) | st.text(st.sampled_from("_-ws\u0301ﬁ/ \u3164²tk"), max_size=200))
def test_any_folder_does(folder: str) -> None:
    name = name_of_folder(folder)
    assert checked_path_part(name) == name
