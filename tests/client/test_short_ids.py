"""The shortest ends of ids that tell them apart, and that commands take."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from arborlink.client.selection import pick_token
from arborlink.client.short_ids import short_ids
from arborlink.protocol.ids import ALPHABET
from arborlink.protocol.resources import Token

ID = st.text(alphabet=ALPHABET[:3], min_size=26, max_size=26).map(lambda body: f"tok_{body}")


def token(token_id: str) -> Token:
    return Token(
        id=token_id,
        name="a token",
        prefix="arb_",
        scopes=["tasks:read"],
        workspace_id=None,
        created_at="2026-01-01T00:00:00Z",
        expires_at=None,
        last_used_at=None,
    )


@given(st.lists(ID, unique=True, max_size=30))
def test_each_short_id_names_one(ids: list[str]) -> None:
    tokens = [token(each) for each in ids]
    found = short_ids(ids)
    assert found.keys() == set(ids)
    for whole, short in found.items():
        assert whole.endswith(short) and len(short) >= 4
        assert pick_token(tokens, short).id == whole


def test_others_have_longer_ones() -> None:
    own, other = "tsk_" + "0" * 22 + "abcd", "tsk_" + "0" * 20 + "xyzefg"
    assert short_ids([own], [other]) == {own: "abcd", other: "xyzefg"}


def test_one_more_character_where_four_are_shared() -> None:
    ids = ["tsk_" + "0" * 21 + "1abcd", "tsk_" + "0" * 21 + "2abcd", "tsk_" + "0" * 22 + "efgh"]
    assert list(short_ids(ids).values()) == ["efgh", "1abcd", "2abcd"]
