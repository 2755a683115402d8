"""Loaded by Schemathesis: makes its requests meet things that exist, and leaves it its own account.

Without the first nearly every request with an id would end at 404; without the second the first
one that removes the fuzzer's token or machine would be the last one that means anything.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict, deque
from random import Random
from typing import Any, Final

import schemathesis

KEPT: Final = frozenset(os.environ["ARBOR_FUZZ_KEPT"].split())
# Of each kind: the newest, which is where the life is.
REMEMBERED: Final = 32
SHARE_THAT_EXISTS: Final = 0.7
SHARE_OF_ITS_OWN: Final = 0.5
SHARE_THAT_RUNS: Final = 0.7
PREFIXES: Final = {
    "workspaces": "ws",
    "tasks": "tsk",
    "daemons": "dmn",
    "tokens": "tok",
    "users": "usr",
    # A session is a token that only browsers hold.
    "sessions": "tok",
}
COMMANDS: Final = ("true", "echo")
IDENTIFIER: Final = re.compile(rb'"((ws|tsk|dmn|tok|usr)_[0-9A-Za-z]+)"')

chance = Random(int(os.environ["ARBOR_FUZZ_SEED"]))
known: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=REMEMBERED))


def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Give a request something to work on, and keep it from what is the fuzzer's own."""
    well_formed = case.meta is not None and case.meta.generation.mode.is_positive
    for name, generated in (case.path_parameters or {}).items():
        if name not in ("id", "task_id"):
            continue
        prefix = PREFIXES[case.path.split("/")[2]]
        chosen = _existing(prefix, generated) if well_formed else generated
        harmful = case.method in ("DELETE", "PATCH") and chosen in KEPT
        case.path_parameters[name] = f"{prefix}_none" if harmful else chosen
    if case.path == "/api/workspaces/{id}/tasks" and well_formed and isinstance(case.body, dict):
        if chance.random() < SHARE_THAT_RUNS:
            case.body |= {"command": chance.choice(COMMANDS), "ifOffline": "queue"}


def _existing(prefix: str, generated: Any) -> Any:
    own = sorted(each for each in KEPT if each.startswith(prefix))
    # Its own workspace is the one where things run.
    candidates = own if own and chance.random() < SHARE_OF_ITS_OWN else [*own, *known[prefix]]
    if not candidates or chance.random() > SHARE_THAT_EXISTS:
        return generated
    return chance.choice(candidates)


def after_call(context: Any, case: Any, response: Any) -> None:
    """Remember what there is."""
    if response.status_code < 300:
        for identifier, prefix in IDENTIFIER.findall(response.content):
            if identifier.decode() not in KEPT:
                known[prefix.decode()].append(identifier.decode())


schemathesis.hook(before_call)
schemathesis.hook(after_call)
