"""Bounds on how many of a resource a credential, a user and all members hold at a time. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from arborlink.hub.access.identity import Identity
from arborlink.protocol.errors import TooManyRequests, Unavailable

# Members together hold at most this share of all places: the rest is for owners.
MEMBERS_SHARE: Final = 0.75
# One user holds at most this share, however few places there are.
USER_SHARE: Final = 0.25

# Seconds until a holder has probably ended, or other users have returned places.
RETRY_SECONDS: Final = 5.0
HOLDERS: Final = {"token": "This credential", "user": "This account"}


class Key(NamedTuple):
    """The holder of places: `kind` is `token`, `user` (see `Identity.holder`), `members` or `all`;
    `name` tells holders of a kind apart."""

    kind: str
    name: str = ""


class Limits(NamedTuple):
    """How many places a token, a user, and all together may hold."""

    per_token: int
    per_user: int
    in_all: int


class Places:
    """Gives each credential, user, all members and everyone together a number of places.

    Those of all members are fewer than there are in all, so that owners always find one. `what`
    there are places for, in the plural, and the `code` of a refusal are for people and programs.
    """

    def __init__(self, what: str, limits: Limits, *, code: str) -> None:
        self._what = what
        self._code = code
        self._limits: Mapping[str, int] = {
            "token": limits.per_token,
            "user": min(limits.per_user, max(1, int(limits.in_all * USER_SHARE))),
            "members": max(1, int(limits.in_all * MEMBERS_SHARE)),
            "all": limits.in_all,
        }
        self._held: Counter[Key] = Counter()

    def acquire(self, identity: Identity) -> Key | None:
        """Take a place for this credential.

        Returns:
            None: a place was taken. Else nothing was taken, and this key has no place left.
        """
        full = self.full(identity)
        if full is None:
            self.hold(identity)
        return full

    def full(self, identity: Identity) -> Key | None:
        """Return the key whose places are used up, for this credential; None: it can have one."""
        for key in _keys(identity):
            if self._held[key] >= self._limits[key.kind]:
                return key
        return None

    def hold(self, identity: Identity) -> None:
        """Take a place even if none is left."""
        self._held.update(_keys(identity))

    def release(self, identity: Identity) -> None:
        """Return a place."""
        for key in _keys(identity):
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]

    def refusal(self, full: Key) -> TooManyRequests | Unavailable:
        """Return the refusal where all places of `full` are held."""
        holder = HOLDERS.get(full.kind)
        if holder is None:
            return Unavailable(
                f"The hub has no room for more {self._what}.",
                code=self._code,
                retry_after=RETRY_SECONDS,
            )
        return TooManyRequests(
            f"{holder} has {self._limits[full.kind]} {self._what}, and no more are allowed. End "
            "some, or wait.",
            code=self._code,
            retry_after=RETRY_SECONDS,
        )

    def held(self) -> int:
        """Return how many places are held in all."""
        return self._held[Key("all")]


def _keys(identity: Identity) -> Sequence[Key]:
    own = [Key("token", identity.token_id or identity.user_id), Key("user", identity.holder)]
    return [*own, Key("all")] if identity.role == "owner" else [*own, Key("members"), Key("all")]
