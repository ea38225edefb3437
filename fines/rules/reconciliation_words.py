"""The words of reconciliation: how a row of ours and a row of theirs stand to each other."""

import enum
from typing import Final


class Verdict(enum.Enum):
    """What became of a row."""

    WAITING = "waiting"  # ours, and the other side may still speak
    WITHDRAWN = "withdrawn"  # counts no more: taken back, or told by its pair
    MATCHED = "matched"
    LATE = "late"  # matched, but settled after T+1
    ONLY_OURS = "only_ours"
    ONLY_THEIRS = "only_theirs"
    AMOUNT_DIFFERS = "amount_differs"
    DUPLICATE = "duplicate"


# May still find its other half when the next file comes.
UNPAIRED: Final = frozenset({Verdict.WAITING, Verdict.ONLY_OURS, Verdict.ONLY_THEIRS})
DIFFERENCES: Final = frozenset(
    {Verdict.ONLY_OURS, Verdict.ONLY_THEIRS, Verdict.AMOUNT_DIFFERS, Verdict.DUPLICATE}
)


class Source(enum.Enum):
    """What is held against our rows."""

    ACQUIRER = "acquirer"
    TERMINAL = "terminal"
    TREASURY = "treasury"


class Detail(enum.Enum):
    """What more can be said of a verdict."""

    NONE = "none"
    KEY_DIFFERS = "key_differs"  # a row of the same RRN is there, but it is another transaction
    TAKEN_BACK = "taken_back"  # a sale and its reversal, both in the file
    TAKEN_BACK_THERE = "taken_back_there"  # paid by our books, reversed by the acquirer
    PAIRED = "paired"  # their row found its other half later: the pair is told there
    COUNT_DIFFERS = "count_differs"


class CaseKind(enum.Enum):
    """What a case is about."""

    DIFFERENCE = "difference"  # a row without its pair at T+2
    HAND_IN = "hand_in"  # a terminal handed in unmatched by a superior's word
    TOTALS_MISSING = "totals_missing"  # a terminal silent about its day by the next morning
    REGISTER_NOTICE = "register_notice"  # the register could not be told of a payment


class CaseStatus(enum.Enum):
    """The life of a difference that nobody had explained by T+2."""

    OPEN = "open"
    EXPLAINED = "explained"
    CLOSED = "closed"


CASE_STEPS: Final[dict[CaseStatus, frozenset[CaseStatus]]] = {
    CaseStatus.OPEN: frozenset({CaseStatus.EXPLAINED}),
    CaseStatus.EXPLAINED: frozenset({CaseStatus.CLOSED, CaseStatus.OPEN}),
    CaseStatus.CLOSED: frozenset(),
}
