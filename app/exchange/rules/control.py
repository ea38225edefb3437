"""Departmental control: whose requests an official reviews, until when, and what he may say.

Order 151 items 9-12: heads of bodies appoint officials who look, at least once a month, at every
request of every subordinate. The day by which a month is reviewed is this installation's choice.
"""

import enum
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, TypeVar
from uuid import UUID

from app.clock import LAW_ZONE, law_date

MARK_TEXT_MAX: Final = 1000  # a reviewer's words on one request
_MONTH: Final = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")
_LEVELS_MAX: Final = 32  # deeper than any body; stops where the records go in a circle
_DECEMBER: Final = 12
INTERNATIONAL_ORDER: Final = "INTERNATIONAL_ORDER"


class Mark(enum.Enum):
    """What a reviewer says of one request."""

    IN_ORDER = "in_order"
    TO_CLARIFY = "to_clarify"
    VIOLATION = "violation"


class EscalationReason(enum.Enum):
    """Why a report went up."""

    OVERDUE = "overdue"
    OFFICIAL_LEFT = "official_left"  # he holds no post of a responsible official any more


@dataclass(frozen=True, kw_only=True)
class ControlTerms:
    """How long a month may wait for its review.

    Attributes:
        valid_from: the first month's first day to which this applies.
        due_day: the day of the next month that is the last one for the review.
    """

    valid_from: date
    due_day: int


# Item 11 says "at least once a month"; the 10th is this installation's choice.
CONTROL_TERMS: tuple[ControlTerms, ...] = (ControlTerms(valid_from=date(2021, 2, 1), due_day=10),)


class MonthNotValid(ValueError):
    """The text names no month, or one from before the rules."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """From ``begin`` on, up to and without ``end``."""

    begin: datetime
    end: datetime

    def common(self, other: "Interval") -> "Interval | None":
        """Return what both cover, or ``None``."""
        begin, end = max(self.begin, other.begin), min(self.end, other.end)
        return Interval(begin=begin, end=end) if begin < end else None


@dataclass(frozen=True, kw_only=True)
class Line:
    """Somebody reported to a superior for a time."""

    person_id: UUID
    superior_id: UUID
    during: Interval


@dataclass(frozen=True, kw_only=True)
class Office:
    """Somebody was a responsible official for a time."""

    person_id: UUID
    during: Interval


@dataclass(frozen=True, kw_only=True)
class Span:
    """Who reviews a person's requests of a time; with no official, the exchange controller."""

    person_id: UUID
    official_id: UUID | None
    during: Interval


def days_of(month: str) -> tuple[date, date]:
    """Return the first day of a month ``YYYY-MM`` and the first day after it.

    Raises:
        MonthNotValid: the text names no month.
    """
    found = _MONTH.fullmatch(month)
    if found is None:
        raise MonthNotValid("a month is YYYY-MM")
    year, number = int(found.group(1)), int(found.group(2))
    after = date(year + number // _DECEMBER, number % _DECEMBER + 1, 1)
    return date(year, number, 1), after


def interval_of(month: str) -> Interval:
    """Return the instants of a month as the clocks of the law had it.

    February 2024 holds the hour that those clocks showed twice, both times.
    """
    first, after = days_of(month)
    return Interval(begin=midnight(first), end=midnight(after))


def midnight(day: date) -> datetime:
    """Return the instant at which a day of the law's zone begins."""
    return datetime(day.year, day.month, day.day, tzinfo=LAW_ZONE).astimezone(UTC)


def due_on(month: str) -> date:
    """Return the last day on which the month's review is in time.

    Raises:
        MonthNotValid: no terms were in force for that month.
    """
    first, after = days_of(month)
    held = [terms for terms in CONTROL_TERMS if terms.valid_from <= first]
    if not held:
        raise MonthNotValid("no terms of control were in force")
    return after.replace(day=max(held, key=lambda one: one.valid_from).due_day)


def is_overdue(*, due: date, now: datetime) -> bool:
    """Tell whether the last day for the review is over, by the clocks of the law."""
    return law_date(now) > due


def reason_to_escalate(
    *, due: date, now: datetime, official_in_post: bool
) -> EscalationReason | None:
    """Return why a report that nobody has signed goes up now, or ``None``."""
    if not official_in_post:
        return EscalationReason.OFFICIAL_LEFT
    return EscalationReason.OVERDUE if is_overdue(due=due, now=now) else None


def spans_of(
    people: Iterable[UUID],
    *,
    lines: Sequence[Line],
    offices: Sequence[Office],
    within: Interval,
) -> tuple[Span, ...]:
    """Divide ``within`` for each person among those who review his requests.

    At every instant it is the nearest superior, going up, who was a responsible official then.
    Nobody is his own reviewer: where the records lead back to him, or to nobody, the requests
    are the exchange controller's. The spans of a person touch and cover the whole time.
    """
    above, held = _by_person(lines), _by_person(offices)
    spans: list[Span] = []
    for person_id in people:
        found = _reviewers(person_id, within, above, held, path=(person_id,))
        spans += _joined(person_id, found)
    return tuple(spans)


_Found = tuple[Interval, UUID | None]
_Piece = TypeVar("_Piece", Line, Office)


def _reviewers(
    person_id: UUID,
    within: Interval,
    above: Mapping[UUID, Sequence[Line]],
    held: Mapping[UUID, Sequence[Office]],
    *,
    path: tuple[UUID, ...],
) -> Iterator[_Found]:
    """Yield who reviews, in the order of time, for the whole of ``within``."""
    for part, line in _cut(within, above.get(person_id, ())):
        if line is None or line.superior_id in path or len(path) > _LEVELS_MAX:
            yield part, None
            continue
        superior = line.superior_id
        for piece, office in _cut(part, held.get(superior, ())):
            if office is not None:
                yield piece, superior
            else:
                yield from _reviewers(superior, piece, above, held, path=(*path, superior))


def _cut(within: Interval, pieces: Sequence[_Piece]) -> Iterator[tuple[Interval, _Piece | None]]:
    """Yield ``within`` cut at the pieces' ends, each part with the piece that covers it."""
    at = within.begin
    for piece in sorted(pieces, key=lambda one: one.during.begin):
        part = piece.during.common(Interval(begin=at, end=within.end)) if at < within.end else None
        if part is None:
            continue
        if at < part.begin:
            yield Interval(begin=at, end=part.begin), None
        yield part, piece
        at = part.end
    if at < within.end:
        yield Interval(begin=at, end=within.end), None


def _joined(person_id: UUID, found: Iterable[_Found]) -> Iterator[Span]:
    for official_id, parts in itertools.groupby(found, key=lambda one: one[1]):
        first, *others = [part for part, _ in parts]
        end = others[-1].end if others else first.end
        during = Interval(begin=first.begin, end=end)
        yield Span(person_id=person_id, official_id=official_id, during=during)


def _by_person(pieces: Iterable[_Piece]) -> dict[UUID, list[_Piece]]:
    found: dict[UUID, list[_Piece]] = {}
    for piece in pieces:
        found.setdefault(piece.person_id, []).append(piece)
    return found


def needs_own_mark(*, flags: Sequence[str], basis: str, abandoned: bool) -> bool:
    """Tell whether the reviewer must speak of this very request before he can sign.

    Requests without a flag are spoken of by the signature over all of them. A foreign order was
    checked against no register (item 5), and a request that was given up when it was drawn for a
    justification explains nothing: both are looked at one by one.
    """
    return bool(flags) or basis == INTERNATIONAL_ORDER or abandoned


def mark_fault(*, mark: Mark, text: str) -> str | None:
    """Return what is wrong with a mark, or ``None``: whoever doubts says what he doubts."""
    if len(text) > MARK_TEXT_MAX:
        return "text_too_long"
    if mark is not Mark.IN_ORDER and not text.strip():
        return "text_missing"
    return None
