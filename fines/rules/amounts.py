"""Sums in whole tiyn (1 tenge = 100 tiyn), and the one dated rounding rule.

Offence code articles 44(1) and 811(1).
"""

import enum
from dataclasses import dataclass
from datetime import date

TIYN_PER_TENGE = 100
DISCOUNT_PERCENT = 50


class RoundingCode(enum.Enum):
    """Named rounding rules; a payment stores the one it was computed by."""

    EXACT_TIYN_PAYERS_FAVOUR = "exact_tiyn_payers_favour"


@dataclass(frozen=True, kw_only=True)
class RoundingRule:
    """A rule and the first day it holds."""

    code: RoundingCode
    valid_from: date


# No act says how half a fine is rounded. The sum is kept to the tiyn; should half a tiyn ever
# remain it is dropped, in the payer's favour. With an index in whole tenge it never remains.
ROUNDING_RULES = (
    RoundingRule(code=RoundingCode.EXACT_TIYN_PAYERS_FAVOUR, valid_from=date(2015, 1, 1)),
)


def rounding_rule(*, day: date) -> RoundingRule:
    """Return the rule in force on ``day``."""
    return max(
        (one for one in ROUNDING_RULES if one.valid_from <= day), key=lambda one: one.valid_from
    )


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
