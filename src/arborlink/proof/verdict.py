"""What an answer to the question who a hub is means, with and without a key that is known. Pure."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

import msgspec

from arborlink.proof import keys, statement
from arborlink.proof.exchange import Answer
from arborlink.protocol.resources import HubProof, Problem

_OK: Final = 200
# Of an explanation, which may be of any length.
_SHOWN_CHARS: Final = 300


class Identity(Enum):
    """What the answer proves."""

    PROVEN = "proven"
    OTHER_KEY = "other key"
    NOTHING = "nothing"


class Asked(NamedTuple):
    """What was asked, where. `channel`: as `statement.channel` has it at this end."""

    nonce: str
    authority: str
    scheme: str
    channel: str | None


class Verdict(NamedTuple):
    """`key`: the one that was proven, or that is another one. `why`: why nothing is proven.

    `is_direct`: nothing passes the connection on: the hub holds its other end.
    """

    identity: Identity
    key: str | None = None
    is_direct: bool = False
    why: str = ""


def judge(answer: Answer, asked: Asked, known: str | None) -> Verdict:
    """Compare an answer with what was asked, and with the key that is known, if there is one."""
    if answer.status != _OK:
        what = f"with HTTP status {answer.status}" if answer.status else "with what is no HTTP"
        return _nothing(f"it answered {what} to the question who it is{_detail(answer.body)}")
    try:
        proof = msgspec.json.decode(answer.body, type=HubProof)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _nothing("its answer to the question who it is cannot be read")
    if not keys.verify(proof.key, proof.signature, statement.statement(asked.nonce, proof)):
        return _nothing("its signature is not over what it was asked")
    if known is not None and proof.key != known:
        return Verdict(Identity.OTHER_KEY, proof.key, why="it has another key")
    ours = statement.authority(asked.authority, asked.scheme)
    theirs = statement.authority(proof.authority, asked.scheme)
    if ours != theirs:
        return _nothing(
            f"it was asked as {theirs!r}, not as {ours!r}: a proxy in front of the hub has to pass "
            "the Host header on"
        )
    is_direct = asked.channel is not None and asked.channel == proof.channel
    return Verdict(Identity.PROVEN, proof.key, is_direct)


def _detail(body: bytes) -> str:
    """Return what the answer says of itself, such as that the hub has another name."""
    try:
        detail = msgspec.json.decode(body, type=Problem).detail
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return f" ({detail[:_SHOWN_CHARS]})"


def _nothing(why: str) -> Verdict:
    return Verdict(Identity.NOTHING, why=why)
