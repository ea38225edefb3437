"""A monthly report that somebody was handed, against what the log says of the month.

The report is a table of comma-separated values (RFC 4180); four of its columns say which act of
whose month each line is, and where its leaf stands. Standard library only.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from app.audit.rules.tally import FIELD, NumbersNotWhole

STREAM_COLUMN: Final = "officer_id"
MONTH_COLUMN: Final = "month"
NUMBER_COLUMN: Final = "number"
LEAF_COLUMN: Final = "leaf_index"
_CLOSED_STREAM: Final = "audit.stream_closed"
_NUMBER: Final = re.compile(r"-?[1-9][0-9]{0,17}", re.ASCII)
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_SHOWN_MAX: Final = 5  # missing numbers named in a refusal

StreamMonth = tuple[str, str]


@dataclass(frozen=True)
class ReportLine:
    """One act in a report; ``leaf_index`` is none where the line names no leaf."""

    stream: str
    month: str
    number: int
    leaf_index: int | None


def read_report(lines: Iterable[str]) -> Iterator[ReportLine]:
    """Yield the acts of a report in the order of its lines.

    A number below zero is that of an act from before the log gave numbers: no closing record
    counts it. Whoever gave such a number to a later act is found out by the one then missing.

    Raises:
        NumbersNotWhole: it is no such table, or a line names no act.
    """
    try:
        reader = csv.DictReader(lines, strict=True)
        head = reader.fieldnames or ()
        if len(set(head)) != len(head) or not {STREAM_COLUMN, MONTH_COLUMN, NUMBER_COLUMN} <= {
            *head
        }:
            raise NumbersNotWhole("the report lacks the columns that name an act")
        for place, row in enumerate(reader, start=2):
            line = _line(row, place)
            if line.number > 0:
                yield line
    except csv.Error as error:
        raise NumbersNotWhole("the report is no table of comma-separated values") from error


def _line(row: Mapping[str | None, object], place: int) -> ReportLine:
    if None in row or None in row.values():
        raise NumbersNotWhole(f"record {place} of the report has another number of cells")
    number, leaf = str(row[NUMBER_COLUMN]), str(row.get(LEAF_COLUMN, ""))
    if not _NUMBER.fullmatch(number) or (leaf and not _INDEX.fullmatch(leaf)):
        raise NumbersNotWhole(f"record {place} of the report names no act")
    return ReportLine(
        str(row[STREAM_COLUMN]), str(row[MONTH_COLUMN]), int(number), int(leaf) if leaf else None
    )


def closing_of(leaf: bytes) -> tuple[StreamMonth, int]:
    """Return whose month a closing record closes, and its last number.

    Raises:
        NumbersNotWhole: the leaf is no such record.
    """
    event, fields = _event(leaf)
    if event != _CLOSED_STREAM:
        raise NumbersNotWhole("a leaf is no closing record")
    stream, month, last = fields.get("stream"), fields.get("month"), fields.get("last_number")
    if not isinstance(stream, str) or not isinstance(month, str) or type(last) is not int:
        raise NumbersNotWhole("a malformed closing record")
    return (stream, month), last


def check_report(lines: Iterable[ReportLine], *, closings: Mapping[StreamMonth, int]) -> int:
    """Return how many acts the report holds, all of those that the closing records count.

    Raises:
        NumbersNotWhole: a number is missing, stands twice, goes beyond its closing record, or
            belongs to a month that no closing record was given for.
    """
    seen: dict[StreamMonth, set[int]] = {at: set() for at in closings}
    for line in lines:
        at = line.stream, line.month
        if at not in seen:
            raise NumbersNotWhole(f"no closing record of {line.stream} in {line.month} was given")
        if line.number in seen[at]:
            raise NumbersNotWhole(f"{line.stream}, {line.month}: {line.number} stands twice")
        if line.number > closings[at]:
            raise NumbersNotWhole(f"{line.stream}, {line.month}: {line.number} was never given")
        seen[at].add(line.number)
    for (stream, month), numbers in seen.items():
        last = closings[stream, month]
        if len(numbers) != last:
            missing = [str(one) for one in range(1, last + 1) if one not in numbers]
            shown = ", ".join(missing[:_SHOWN_MAX]) + (" …" if len(missing) > _SHOWN_MAX else "")
            raise NumbersNotWhole(f"{stream}, {month}: missing of 1 to {last}: {shown}")
    return sum(map(len, seen.values()))


def check_places(lines: Iterable[ReportLine], *, leaves: Iterable[bytes]) -> int:
    """Return how many lines name a leaf; each such leaf must carry that very number.

    Raises:
        NumbersNotWhole: a leaf is another act's, or there is no leaf of that index.
    """
    wanted = {line.leaf_index: line for line in lines if line.leaf_index is not None}
    found = 0
    for index, leaf in enumerate(leaves):
        line = wanted.get(index)
        if line is None:
            continue
        running = _event(leaf)[1].get(FIELD)
        said = {"stream": line.stream, "month": line.month, "number": line.number}
        if running != said:
            raise NumbersNotWhole(f"leaf {index} is not number {line.number} of {line.stream}")
        found += 1
    if found != len(wanted):
        raise NumbersNotWhole(f"{len(wanted) - found} lines name a leaf that is not there")
    return found


def _event(leaf: bytes) -> tuple[object, Mapping[str, object]]:
    try:
        content = json.loads(leaf)
    except ValueError as error:
        raise NumbersNotWhole("a leaf is not JSON") from error
    fields = content.get("fields") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(fields, dict):
        raise NumbersNotWhole("a leaf is not an event")
    return content.get("event"), fields
