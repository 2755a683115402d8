"""Which token is used while there are two."""

from __future__ import annotations

from arborlink.daemon.tokens import Tokens


def test_without_a_rotation_there_is_one_token_and_a_refusal_is_final() -> None:
    tokens = Tokens("old", None)
    assert not tokens.accepted(), "there is nothing to tell the disk"
    assert not tokens.refused()
    assert tokens.current == "old"


def test_the_new_one_is_used_and_the_one_before_is_kept() -> None:
    tokens = Tokens("old", None)
    tokens.rotated("new")
    assert tokens.current == "new"
    assert not tokens.accepted(), "the disk has it so"
    tokens.rotated("newer")
    assert (tokens.current, tokens.other) == ("newer", "new")


def test_a_new_one_that_is_refused_leaves_the_old_one_to_try_once() -> None:
    tokens = Tokens("new", "old")
    assert tokens.refused()
    assert tokens.current == "old"
    assert not tokens.refused(), "neither is good"


def test_the_one_that_is_accepted_is_the_one_that_stays() -> None:
    tokens = Tokens("new", "old")
    assert tokens.refused() and tokens.accepted()
    assert not tokens.accepted(), "the disk was told"
    assert (tokens.current, tokens.other) == ("old", "new")
    assert tokens.refused(), "the hub has changed its mind, and may have done so altogether"


def test_a_rotation_after_a_fall_back_keeps_what_worked() -> None:
    tokens = Tokens("new", "old")
    assert tokens.refused()
    tokens.rotated("newer")
    assert tokens.current == "newer"
    assert tokens.refused() and tokens.current == "old"


def test_being_told_twice_is_being_told_once() -> None:
    tokens = Tokens("old", None)
    tokens.rotated("new")
    tokens.rotated("new")
    assert tokens.refused() and tokens.current == "old"
