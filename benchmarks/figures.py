"""What a measurement is, and how it is shown."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured number.

    Attributes:
        name: stable, ``benchmark.figure``.
        value, unit: as measured.
        peer: what was measured beside it in the same run; empty where there is none.
        peer_value: the peer's number, in the same unit.
        target: what the project asks for, in words; empty where it asks for nothing.
        note: how to read it.
    """

    name: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    target: str = ""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """This number over its peer's."""
        return self.value / self.peer_value if self.peer_value else None

    def as_json(self) -> dict[str, Any]:
        """Return the figure as it is written to the file."""
        ratio = self.ratio
        rounded = {"value": _rounded(self.value), "peer_value": _rounded(self.peer_value)}
        return asdict(self) | rounded | {"ratio": _rounded(ratio)}


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile; of nothing, not a number."""
    if not values:
        return math.nan
    ordered = sorted(values)
    rank = math.ceil(percent / 100 * len(ordered))
    return ordered[max(rank, 1) - 1]


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as lines of text, one each."""
    rows = [("figure", "value", "unit", "ratio", "against", "target")]
    for one in figures:
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
        beside = "" if one.peer_value is None else f"{one.peer}: {shown(one.peer_value)}"
        rows.append((one.name, shown(one.value), one.unit, ratio, beside, one.target))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def markdown(figures: Sequence[Figure]) -> str:
    """Return the figures as a table for a document."""
    lines = ["| Figure | Measured | Beside it | Ratio | Asked for |", "|---|---|---|---|---|"]
    for one in figures:
        beside = "" if one.peer_value is None else f"{shown(one.peer_value)}: {one.peer}"
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
        measured = f"{shown(one.value)} {one.unit}"
        lines.append(f"| `{one.name}` | {measured} | {beside} | {ratio} | {one.target} |")
    return "\n".join(lines)


def shown(value: float) -> str:
    """Return a number with as many digits as it deserves."""
    rounded = _rounded(value)
    return f"{rounded:,.10g}" if rounded is not None else "-"


def _rounded(value: float | None) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    if value == 0:
        return 0.0
    digits = 2 - math.floor(math.log10(abs(value)))  # three significant digits
    return round(value, max(digits, 0))
