"""Makes room among several who share it: the largest gives first, and none below its fair share.

So what one of them takes, however much and however fast, costs no other more than the others' own
excess over the share that each of them has. Knows nothing of tasks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping

# Free as many bytes of one of them, or as many as can be; return how many that were.
Free = Callable[[str, int], Awaitable[int]]


async def reduce(used: MutableMapping[str, int], limit: int, free: Free) -> int:
    """Let the largest give until all take at most `limit` bytes together; return what was freed.

    `used` is brought up to date. Where those above the fair share, `limit` divided by their number,
    cannot give enough, all of them together go on taking more than the limit.
    """
    if not used:
        return 0
    fair = limit // len(used)
    exhausted: set[str] = set()
    total = 0
    while (excess := sum(used.values()) - limit) > 0:
        larger = {key: size for key, size in used.items() if size > fair and key not in exhausted}
        if not larger:
            break
        for key, wanted in cuts(larger, excess, fair).items():
            freed = await free(key, wanted)
            used[key] -= freed
            total += freed
            if freed < wanted:
                exhausted.add(key)
    return total


def cuts(used: Mapping[str, int], excess: int, floor: int) -> dict[str, int]:
    """Return how many bytes each has to give, the largest first, for `excess` to be gone.

    All that give are left with the same, as much as possible, and none with less than `floor`,
    which each of them is above.
    """
    sizes = sorted(used.values(), reverse=True)
    level = floor
    for count, (size, smaller) in enumerate(zip(sizes, [*sizes[1:], floor], strict=True), start=1):
        step = count * (size - smaller)
        if step >= excess:
            level = max(floor, size - -(-excess // count))
            break
        excess -= step
    largest_first = sorted(used.items(), key=lambda item: (-item[1], item[0]))
    return {key: size - level for key, size in largest_first if size > level}
