"""Terms in hours that no published text names: dated configuration, each from its day on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.calendar.rules import start_of_day
from app.clock import law_date

DatedTerms = tuple[tuple[date, timedelta], ...]


@dataclass(frozen=True, kw_only=True)
class Span:
    """When a term was in force: what begins in it, from ``since`` to before ``until``, has it."""

    since: datetime | None
    until: datetime | None
    term: timedelta


def parse_terms(text: str) -> DatedTerms:
    """Return the terms of ``date=hours,date=hours``, each in force from its day on.

    Raises:
        ValueError: another form, days that do not ascend, or a term of nothing.
    """
    found = []
    for one in text.split(","):
        day, _, hours = one.partition("=")
        found.append((date.fromisoformat(day), timedelta(hours=int(hours))))
    if [day for day, _ in found] != sorted({day for day, _ in found}):
        raise ValueError("the days of the terms ascend")
    if any(term <= timedelta() for _, term in found):
        raise ValueError("a term is longer than nothing")
    return tuple(found)


def end_of_term(terms: Sequence[tuple[date, timedelta]], *, since: datetime) -> datetime:
    """Return the first instant behind a term begun at ``since``; before the first, its length."""
    in_force = [term for day, term in terms if day <= law_date(since)] or [terms[0][1]]
    return since + in_force[-1]


def spans(terms: Sequence[tuple[date, timedelta]]) -> list[Span]:
    """Return the spans of the terms one behind the other; together they hold every instant."""
    edges = [start_of_day(day) for day, _ in terms[1:]]
    return [
        Span(since=since, until=until, term=term)
        for since, until, (_, term) in zip([None, *edges], [*edges, None], terms, strict=True)
    ]
