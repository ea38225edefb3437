"""How long releases may go on while the time-stamping authority is silent: dated data."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from app.clock import law_date

Terms = tuple[tuple[date, timedelta], ...]


def parse_terms(text: str) -> Terms:
    """Return the terms of ``date=hours,date=hours``, each in force from its day on.

    Raises:
        ValueError: another form, or days that do not ascend.
    """
    terms = []
    for one in text.split(","):
        day, _, hours = one.partition("=")
        terms.append((date.fromisoformat(day), timedelta(hours=float(hours))))
    if [day for day, _ in terms] != sorted({day for day, _ in terms}):
        raise ValueError("the days of the terms ascend")
    if any(term <= timedelta(0) for _, term in terms):
        raise ValueError("a term is longer than nothing")
    return tuple(terms)


def outage_allowed(terms: Sequence[tuple[date, timedelta]], *, at: datetime) -> timedelta:
    """Return the term in force at an instant; before the first of them, no outage is allowed."""
    in_force = [term for day, term in terms if day <= law_date(at)]
    return in_force[-1] if in_force else timedelta(0)


def is_overdue(*, waiting_since: datetime | None, allowed: timedelta, now: datetime) -> bool:
    """Tell whether a checkpoint has waited for its anchor longer than an outage may last."""
    return waiting_since is not None and now - waiting_since > allowed
