"""B46: a code is worth one daemon in one workspace, once, for ten minutes."""

from __future__ import annotations

import pytest

from tests.corpus.arena import Arena
from tests.corpus.http_codes import CODES, Codes
from tests.corpus.http_life import forget
from tests.corpus.http_wire import Wire


@pytest.mark.parametrize("name", CODES)
def test_a_code_is_worth_nothing_else(arena: Arena, wire: Wire, name: str) -> None:
    with arena.unchanged():
        workspace_id = arena.post("/api/workspaces", {"name": f"code {name}"})["id"]
        try:
            CODES[name](Codes(arena, wire, workspace_id))
        finally:
            forget(arena, wire, workspace_id)
