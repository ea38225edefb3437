"""In which store a recording is to lie: an installation's own dated rules, no law's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from app.clock import law_date
from bodycam.rules.retention import Category

HOT: Final = "hot"  # the store that takes uploads


@dataclass(frozen=True, kw_only=True)
class TierRule:
    """What goes where from a day on. The rules of the newest day in force count, and no others.

    ``wanted_too`` moves also what a hold or an open complaint may soon have somebody look at.
    """

    valid_from: date
    to: str
    after_days: int  # since the end of the recording
    categories: frozenset[Category]
    wanted_too: bool


@dataclass(frozen=True, kw_only=True)
class Placed:
    """What the decision needs to know of a recording."""

    category: Category
    ended_at: datetime
    wanted: bool  # held, or in an open complaint


def rules_on(day: date, rules: Sequence[TierRule]) -> list[TierRule]:
    """Return the rules in force on ``day``: all those of the newest day that has come."""
    days = [rule.valid_from for rule in rules if rule.valid_from <= day]
    return [rule for rule in rules if days and rule.valid_from == max(days)]


def tier_of(placed: Placed, *, now: datetime, rules: Sequence[TierRule]) -> str:
    """Return where the recording is to lie: by the rule with the longest age that fits."""
    today = law_date(now)
    age_days = (today - law_date(placed.ended_at)).days
    fitting = [
        rule
        for rule in rules_on(today, rules)
        if age_days >= rule.after_days
        and placed.category in rule.categories
        and (rule.wanted_too or not placed.wanted)
    ]
    return max(fitting, key=lambda rule: rule.after_days).to if fitting else HOT
