"""How long a recording is kept, what holds it, and when it may be destroyed.

Order of the Minister of Internal Affairs No. 971 of 31.12.2014, item 14: recordings of crimes are
kept 5 years, of administrative offences and inspections 3 years, others 2 months. The time in
which a deletion can be undone is this installation's choice: **not verified**.

The term counts from the end of the recording or from its storing, whichever is later: the end is
the camera's word, and a clock that was reset would have made new footage expire at once.
"""

import calendar
import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final
from uuid import UUID

from app.clock import law_date
from bodycam.rules.life_cycle import RecordingStatus


class Category(enum.Enum):
    """What a recording shows in the law's eyes; it decides the term."""

    CRIME = "crime"
    ADMINISTRATIVE = "administrative"  # offences, and inspections of an officer's conduct
    OTHER = "other"


class HoldReason(enum.Enum):
    """Why a recording may not go, whatever its term."""

    COURT = "court"
    CRIMINAL_CASE = "criminal_case"
    ADMINISTRATIVE_CASE = "administrative_case"
    INTERNAL_INVESTIGATION = "internal_investigation"
    PROSECUTOR = "prosecutor"


class Complained(enum.Enum):
    """Whether a complaint's place and time lie in the recording."""

    NO = "no"
    OPEN = "open"
    ANSWERED = "answered"  # it was an inspection: item 14 gives it the longer term


class KeptBecause(enum.Enum):
    """Why a recording may not expire yet."""

    NOT_STORED = "not_stored"
    HELD = "held"
    COMPLAINT = "complaint"
    TERM = "term"
    KEPT_BY_WORD = "kept_by_word"  # a person took it back from the list of the expiring
    NO_RULE = "no_rule"


@dataclass(frozen=True, kw_only=True)
class RetentionRule:
    """The terms in force from a day on; the newest decides over older recordings too."""

    id: str
    valid_from: date
    months: Mapping[Category, int]
    grace_days: int  # in which an expiring recording can be taken back
    keep_days_max: int  # for how long a person may take one back


RETENTION_RULES: Final = (
    RetentionRule(
        id="order-971-item-14",
        valid_from=date(2015, 1, 1),
        months=MappingProxyType(
            {Category.CRIME: 60, Category.ADMINISTRATIVE: 36, Category.OTHER: 2}
        ),
        grace_days=30,
        keep_days_max=366,
    ),
)
_MAY_EXPIRE: Final = frozenset({RecordingStatus.REVIEWABLE, RecordingStatus.QUARANTINED})


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What the decision needs to know of a recording; ``complained`` unknown keeps it."""

    status: RecordingStatus
    ended_at: datetime
    stored_at: datetime | None
    category: Category
    held: bool
    complained: Complained | None
    keep_until: date | None = None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Until when a recording is kept, by which rule; and what keeps it now, if anything."""

    rule: str
    kept_until: date | None  # the last day; ``None`` where no rule says it
    because: KeptBecause | None


def rule_on(
    day: date, *, rules: tuple[RetentionRule, ...] = RETENTION_RULES
) -> RetentionRule | None:
    """Return the rule in force on ``day``."""
    in_force = [rule for rule in rules if rule.valid_from <= day]
    return max(in_force, key=lambda rule: rule.valid_from) if in_force else None


def months_after(day: date, months: int) -> date:
    """Return the day ``months`` later; past the end of a short month, the first of the next."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    if day.day <= last:
        return date(year, month + 1, day.day)
    return date(year, month + 1, last) + timedelta(days=1)  # a day more rather than one less


def longer(one: Category, other: Category, *, rule: RetentionRule) -> Category:
    """Return the category with the longer term."""
    return max((one, other), key=lambda category: rule.months[category])


def shortens(current: Category, target: Category, *, rule: RetentionRule) -> bool:
    """Return whether the change needs two signatures: it makes the term shorter."""
    return rule.months[target] < rule.months[current]


def may_sign(*, person: UUID, proposed_by: UUID, first_signed: bool) -> bool:
    """Return whether it is this person's turn: who proposed it first, then anybody but him."""
    return first_signed is (person != proposed_by)


def longest(categories: Iterable[Category], *, rule: RetentionRule) -> Category:
    """Return the category with the longest term of several; of none, the least."""
    return max(categories, key=lambda one: rule.months[one], default=Category.OTHER)


def standing_of(
    kept: Kept, *, now: datetime, rules: tuple[RetentionRule, ...] = RETENTION_RULES
) -> Standing:
    """Return whether the recording may expire at ``now``, and until when it is kept."""
    today = law_date(now)
    rule = rule_on(today, rules=rules)
    if rule is None:
        return Standing(rule="", kept_until=None, because=KeptBecause.NO_RULE)
    category = kept.category
    if kept.complained is Complained.ANSWERED:
        category = longer(category, Category.ADMINISTRATIVE, rule=rule)
    begins = max(kept.ended_at, kept.stored_at or kept.ended_at)
    until = months_after(law_date(begins), rule.months[category])
    because = _because(kept, until=until, today=today)
    if kept.keep_until is not None:
        until = max(until, kept.keep_until)
    return Standing(rule=rule.id, kept_until=until, because=because)


def _because(kept: Kept, *, until: date, today: date) -> KeptBecause | None:
    reasons = (
        (KeptBecause.HELD, kept.held or kept.status is RecordingStatus.HELD),
        (
            KeptBecause.NOT_STORED,
            kept.status not in _MAY_EXPIRE | {RecordingStatus.HELD, RecordingStatus.EXPIRING},
        ),
        (KeptBecause.COMPLAINT, kept.complained in {None, Complained.OPEN}),
        (KeptBecause.TERM, today <= until),
        (KeptBecause.KEPT_BY_WORD, kept.keep_until is not None and today <= kept.keep_until),
    )
    return next((reason for reason, found in reasons if found), None)


def may_destroy(
    kept: Kept,
    *,
    expiring_since: datetime | None,
    permitted: bool,
    now: datetime,
    rules: tuple[RetentionRule, ...] = RETENTION_RULES,
) -> bool:
    """Return whether the bytes may go: expired, past the grace, and permitted by a person.

    Item 7 of the order lets only the responsible person allow a deletion.
    """
    rule = rule_on(law_date(now), rules=rules)
    if rule is None or expiring_since is None or not permitted:
        return False
    if kept.status is not RecordingStatus.EXPIRING:
        return False
    grace_over = now - expiring_since > timedelta(days=rule.grace_days)
    return grace_over and standing_of(kept, now=now, rules=rules).because is None
