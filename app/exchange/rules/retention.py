"""How long what a register said is kept, and what may be destroyed when.

The readable part of Order 151 names no terms, and Order No. 21 of 13.01.2023, which does, could
not be read: the terms are this installation's choice, **not verified**. What is destroyed is the
sealed content (answer, subject, justification) and its data key. The request's row, its events and
their leaves stay for ever: the log holds salted hashes and loses nothing.
"""

import enum
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from app.clock import law_date
from app.exchange.rules.requests import RequestStatus


class Content(enum.Enum):
    """What is sealed with a request."""

    ANSWER = "answer"
    SUBJECT = "subject"
    JUSTIFICATION = "justification"


class HoldReason(enum.Enum):
    """What needs a request that is past its term."""

    COMPLAINT = "complaint"
    CASE = "case"  # criminal, administrative or civil
    INSPECTION = "inspection"
    OTHER = "other"


class KeptBecause(enum.Enum):
    """Why nothing of a request may be destroyed yet."""

    STILL_UNDER_WAY = "still_under_way"
    TERM = "term"
    HELD = "held"  # a complaint, a court or an inspection needs it
    NOT_REVIEWED = "not_reviewed"  # the month's departmental control is not signed
    NO_RULE = "no_rule"


@dataclass(frozen=True, kw_only=True)
class RetentionRule:
    """The terms in force from a day on.

    Attributes:
        id: of the edition; the event of a destruction carries it.
        valid_from: from when on it decides, over older requests too.
        years: each content is kept, counted from the day the request was received.
        unreleased_years: of an answer that was shown to nobody.
    """

    id: str
    valid_from: date
    years: dict[Content, int]
    unreleased_years: int


RETENTION_RULES: Final = (
    RetentionRule(
        id="installation-2021-02-15",
        valid_from=date(2021, 2, 15),
        # Three years is the term of the logs of the Schengen system; five outlives most cases.
        years={Content.ANSWER: 3, Content.SUBJECT: 5, Content.JUSTIFICATION: 5},
        unreleased_years=1,
    ),
)
_ENDED: Final = frozenset(
    {
        RequestStatus.REFUSED,
        RequestStatus.RELEASED,
        RequestStatus.WITHHELD,
        RequestStatus.EXPIRED,
    }
)


@dataclass(frozen=True, kw_only=True)
class KeptRequest:
    """What the decision needs to know of a request; ``None`` keeps everything."""

    status: RequestStatus
    received_at: datetime
    held: bool | None
    reviewed: bool | None


@dataclass(frozen=True, kw_only=True)
class Destruction:
    """What may go now, by which rule; or why nothing may."""

    rule: str
    contents: frozenset[Content]
    kept_because: KeptBecause | None = None


def retention_rule_on(
    day: date, *, rules: tuple[RetentionRule, ...] = RETENTION_RULES
) -> RetentionRule | None:
    """Return the rule in force on ``day``: the newest one decides, over older requests too."""
    in_force = [rule for rule in rules if rule.valid_from <= day]
    return max(in_force, key=lambda rule: rule.valid_from) if in_force else None


def kept_until(
    received_at: datetime, content: Content, *, released: bool, rule: RetentionRule
) -> date:
    """Return the last day on which ``content`` must still be there, in the zone of the law."""
    years = rule.years[content]
    if content is Content.ANSWER and not released:
        years = rule.unreleased_years
    return _years_after(law_date(received_at), years)


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # of 29 February: 1 March, a day more rather than one less
        return day.replace(year=day.year + years, day=28) + timedelta(days=1)


def may_destroy(
    request: KeptRequest, *, now: datetime, rules: tuple[RetentionRule, ...] = RETENTION_RULES
) -> Destruction:
    """Return what of ``request`` may be destroyed at ``now``; what is not known keeps it all."""
    today = law_date(now)
    rule = retention_rule_on(today, rules=rules)
    if rule is None:
        return _kept("", KeptBecause.NO_RULE)
    if request.status not in _ENDED:
        return _kept(rule.id, KeptBecause.STILL_UNDER_WAY)
    if request.held is not False:
        return _kept(rule.id, KeptBecause.HELD)
    if request.reviewed is not True:
        return _kept(rule.id, KeptBecause.NOT_REVIEWED)
    released = request.status is RequestStatus.RELEASED
    contents = frozenset(
        content
        for content in Content
        if today > kept_until(request.received_at, content, released=released, rule=rule)
    )
    if not contents:
        return _kept(rule.id, KeptBecause.TERM)
    return Destruction(rule=rule.id, contents=contents)


def _kept(rule: str, reason: KeptBecause) -> Destruction:
    return Destruction(rule=rule, contents=frozenset(), kept_because=reason)
