"""Sums in whole tiyn (1 tenge = 100 tiyn), and the dated rule by which half a fine is rounded.

Offence code articles 44(1) and 811(1).
"""

import enum
from dataclasses import dataclass
from datetime import date

TIYN_PER_TENGE = 100
DISCOUNT_PERCENT = 50


class RoundingCode(enum.Enum):
    """Named rounding rules; a payment stores the one it was computed by."""

    EXACT_TIYN_PAYERS_FAVOUR = "exact_tiyn_payers_favour"  # what is left of a tiyn is dropped
    WHOLE_TENGE_PAYERS_FAVOUR = "whole_tenge_payers_favour"  # what is left of a tenge is dropped


@dataclass(frozen=True, kw_only=True)
class RoundingRule:
    """A rule and the first day it holds."""

    code: RoundingCode
    valid_from: date


DatedRounding = tuple[RoundingRule, ...]


def parse_rounding(text: str) -> DatedRounding:
    """Return the rules of ``date=name,date=name``, each in force from its day on.

    Raises:
        ValueError: another form, a rule of no such name, or days that do not ascend.
    """
    rules = []
    for one in text.split(","):
        day, _, name = one.partition("=")
        rules.append(RoundingRule(code=RoundingCode(name), valid_from=date.fromisoformat(day)))
    days = [one.valid_from for one in rules]
    if days != sorted(set(days)):
        raise ValueError("the days of the rules ascend")
    return tuple(rules)


def rounding_rule(rules: DatedRounding, *, day: date) -> RoundingRule:
    """Return the rule in force on ``day``; before the first, the first."""
    in_force = [one for one in rules if one.valid_from <= day]
    return in_force[-1] if in_force else rules[0]


def fine_full_tiyn(*, mrp_count: int, mrp_tenge: int) -> int:
    """Return the fine in the sanction."""
    if mrp_count < 1 or mrp_tenge < 1:
        raise ValueError("a fine has a count and an index above nought")
    return mrp_count * mrp_tenge * TIYN_PER_TENGE


def fine_half_tiyn(*, full_tiyn: int, rule: RoundingRule) -> int:
    """Return the discounted sum: half the fine, rounded by ``rule``."""
    match rule.code:
        case RoundingCode.EXACT_TIYN_PAYERS_FAVOUR:
            return full_tiyn * DISCOUNT_PERCENT // 100
        case RoundingCode.WHOLE_TENGE_PAYERS_FAVOUR:
            return full_tiyn * DISCOUNT_PERCENT // (100 * TIYN_PER_TENGE) * TIYN_PER_TENGE


def tenge_text(amount_tiyn: int) -> str:
    """Return an amount as people read it: ``21 625,00`` with no-break spaces."""
    tenge, tiyn = divmod(amount_tiyn, TIYN_PER_TENGE)
    return f"{tenge:,}".replace(",", "\u00a0") + f",{tiyn:02d}"


def tiyn_of_tenge(text: str) -> int:
    """Return a sum written in tenge, with a point or a comma, in whole tiyn.

    Raises:
        ValueError: it is no such sum.
    """
    whole, _, part = text.replace(",", ".").partition(".")
    return int(whole) * TIYN_PER_TENGE + int(part.ljust(2, "0") or "0")
