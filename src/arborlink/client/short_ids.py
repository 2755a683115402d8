"""The shortest ends of ids that tell them apart. Pure.

Ids begin with the time, so that those of one morning begin alike; they end with what is random.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from arborlink.client.selection import MIN_SUFFIX_CHARS, OTHERS_RANDOM_CHARS
from arborlink.protocol.ids import BODY_CHARS


def short_ids(own: Iterable[str], others: Iterable[str] = ()) -> dict[str, str]:
    """Return for each id an end of it that no other of them has, as short as commands take it.

    Commands need more characters for another account's things (see `selection`).
    """
    left = dict.fromkeys(own, MIN_SUFFIX_CHARS)
    left |= {each: OTHERS_RANDOM_CHARS for each in others if each not in left}
    every = list(left)
    found: dict[str, str] = {}
    for size in range(MIN_SUFFIX_CHARS, BODY_CHARS):
        if not left:
            break
        ends = Counter(each[-size:] for each in every)
        for each in [each for each, least in left.items() if least <= size]:
            if ends[each[-size:]] == 1:
                found[each] = each[-size:]
                del left[each]
    return found | {each: each for each in left}
