"""What a scenario measures, and how several rounds become one row of the table. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final, TypeAlias

MEGABYTE: Final = 1_000_000
GIGABYTE: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Measure:
    """One leg of one round. `processor`: seconds of processor time by process."""

    figures: Mapping[str, float]
    processor: Mapping[str, float] = field(default_factory=dict)


Round: TypeAlias = Mapping[str, Measure]


@dataclass(frozen=True, slots=True)
class Target:
    """`limit` is for the figure itself, `ratio` for its ratio to the peer's."""

    text: str
    limit: float | None = None
    ratio: float | None = None
    more_is_better: bool = False

    def met(self, value: float, ratio: float | None) -> bool | None:
        """Whether; None when the peer that it needs is missing."""
        checks = [(value, self.limit)] if self.limit is not None else []
        if self.ratio is not None:
            if ratio is None:
                return None
            checks.append((ratio, self.ratio))
        return all(
            found >= limit if self.more_is_better else found <= limit for found, limit in checks
        )


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: `figure` of the leg `measure`, beside that of the leg `peer`."""

    title: str
    measure: str
    figure: str
    unit: str
    peer: str | None = None
    target: Target | None = None
    more_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """A row with its figures: medians over the rounds, and the best round."""

    title: str
    unit: str
    value: float
    best: float
    peer: float | None
    ratio: float | None
    target: str | None
    met: bool | None


def summarise(row: Row, rounds: Sequence[Round]) -> Result | None:
    """The row over all rounds; None if no round has its leg.

    The ratio is the median of the rounds' own ratios: what disturbs the machine for a while
    disturbs both legs of a round.
    """
    found = [each for each in rounds if row.measure in each]
    if not found:
        return None
    values = [each[row.measure].figures[row.figure] for each in found]
    peers = [
        (each[row.measure].figures[row.figure], each[row.peer].figures[row.figure])
        for each in found
        if row.peer is not None and row.peer in each
    ]
    value = median(values)
    ratio = median(ours / theirs for ours, theirs in peers) if peers else None
    return Result(
        title=row.title,
        unit=row.unit,
        value=value,
        best=max(values) if row.more_is_better else min(values),
        peer=median(theirs for _, theirs in peers) if peers else None,
        ratio=ratio,
        target=row.target.text if row.target else None,
        met=row.target.met(value, ratio) if row.target else None,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, percentiles and ends."""
    return {
        "p50": percentile(values, 0.5),
        "p90": percentile(values, 0.9),
        "p95": percentile(values, 0.95),
        "p99": percentile(values, 0.99),
        "min": min(values),
        "max": max(values),
        "count": float(len(values)),
    }
