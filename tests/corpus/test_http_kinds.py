"""There are enough bad inputs of every kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.corpus import http_heads, http_routes, http_tasks
from tests.corpus.arena import Arena
from tests.corpus.http_children import CHILDREN_OF, LEFT_BEHIND
from tests.corpus.http_codes import BAD_CODES, CODES
from tests.corpus.http_damage import DATABASES, OUTPUTS
from tests.corpus.http_keys import BAD_KEYS, OTHERS, REPEATS
from tests.corpus.http_names import NAMES
from tests.corpus.http_outputs import EXPRESSIONS, TEXTS, UNUSABLE_TEXTS
from tests.corpus.http_outputs import OUTPUTS as WRITTEN
from tests.corpus.http_routes import Description
from tests.corpus.http_slow import SLOW
from tests.corpus.http_strangers import requests
from tests.corpus.test_http_names import BAD

# What the threat model names of each kind; the corpus has at least MORE beyond that.
EXAMPLES = {
    "B02": 3,
    "B03": 6,
    "B04": 5,
    "B05": 3,
    "B14": 2,
    "B18": 4,
    "B20": 6,
    "B21": 5,
    "B22": 7,
    "B24": 6,
    "B25": 6,
    "B26": 7,
    "B27": 8,
    "B29": 3,
    "B30": 9,
    "B31": 12,
    "B33": 8,
    "B34": 4,
    "B35": 5,
    "B40": 6,
    "B41": 8,
    "B42": 8,
    "B45": 9,
    "B46": 5,
    "B48": 3,
    "B50": 8,
    "B51": 5,
    "B53": 8,
}
MORE = 5


def kinds(arena: Arena) -> Iterator[str]:
    """The kind of every case, each case once."""
    description = Description(arena.get("/api/openapi.json"))
    requested = (
        *http_heads.CASES,
        *http_heads.origins(arena.origin, ""),
        *http_heads.public_origins(arena.origin),
        *http_tasks.REFUSED,
        *http_routes.wrong_methods(description),
        *http_routes.bad_bodies(arena, description),
        *http_routes.bad_ids(description),
        *http_routes.bad_parameters(arena, description),
        *BAD,
    )
    yield from (case.kind for case in requested)
    yield from (case.kind for case in http_tasks.TAKEN)
    yield from (case.kind for case in WRITTEN)
    others = {
        "B05": SLOW,
        "B26": (*EXPRESSIONS, *TEXTS, *UNUSABLE_TEXTS),
        "B34": (*REPEATS, *OTHERS, *BAD_KEYS),
        "B35": tuple(requests(description)),
        "B42": NAMES,
        "B46": (*CODES, *BAD_CODES),
        "B51": (*OUTPUTS, *DATABASES),
        "B53": (*CHILDREN_OF, *LEFT_BEHIND),
    }
    for kind, cases in others.items():
        yield from [kind] * len(cases)


def test_every_kind_has_its_examples_and_more(arena: Arena) -> None:
    counted = Counter(kinds(arena))
    few = {kind: counted[kind] for kind, named in EXAMPLES.items() if counted[kind] < named + MORE}
    assert few == {}
    assert set(counted) == set(EXAMPLES)
