"""Who wrote what when, thinned to as many segments as a page can use. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from arborlink.outputlog import Gap, Record

Segment = Record | Gap


def thin(segments: Iterable[Segment], most: int) -> list[Segment]:
    """At most `most` segments that stand for all of them, in order and without holes between.

    Neighbours are joined while there are too many, the shortest stretches first: of one kind as
    long as that is enough, then of different kinds. What is joined is an error if a part of it is,
    and a gap (with the first one's reason) if a part of it is; its time is the first part's.

    Holds at most `2 * most` at once, however many there are.
    """
    kept: list[Segment] = []
    span, mixed = 0, False
    for segment in segments:
        _add(kept, segment, span, mixed)
        while len(kept) >= 2 * most:
            span, mixed = _widen(kept, most, span, mixed)
    while len(kept) > most:
        span, mixed = _widen(kept, most, span, mixed)
    return kept


def _widen(kept: list[Segment], most: int, span: int, mixed: bool) -> tuple[int, bool]:
    """Join what is in `kept` more coarsely; the span and kind of joins to go on with."""
    total = _end(kept[-1]) - _start(kept[0])
    if span * most > total:
        # Neighbours of one kind are as long as they may get: what is left alternates.
        span, mixed = (span, True) if not mixed else (2 * span, True)
    else:
        span = max(2 * span, total // (4 * most), 1)
    again, kept[:] = kept[:], []
    for segment in again:
        _add(kept, segment, span, mixed)
    return span, mixed


def _add(kept: list[Segment], segment: Segment, span: int, mixed: bool) -> None:
    last = kept[-1] if kept else None
    if last is not None and _end(segment) - _start(last) <= span:
        if mixed or _kind(last) == _kind(segment):
            kept[-1] = _joined(last, segment)
            return
    kept.append(segment)


def _joined(one: Segment, two: Segment) -> Segment:
    start, end = _start(one), _end(two)
    if isinstance(one, Gap):
        return Gap(start, end, one.reason)
    if isinstance(two, Gap):
        return Gap(start, end, two.reason)
    return Record(start, end - start, one.is_error or two.is_error, one.time_us)


def _kind(segment: Segment) -> object:
    return segment.reason if isinstance(segment, Gap) else segment.is_error


def _start(segment: Segment) -> int:
    return segment.start if isinstance(segment, Gap) else segment.offset


def _end(segment: Segment) -> int:
    return segment.end
