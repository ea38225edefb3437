"""What the acquirer and the issuer have booked: debits, what took them back, what is settled."""

import enum
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from fines.wire.settlement import RowKind, SettlementRow, write

_BASIS_POINTS: Final = 10_000
_CODES: Final = 1_000_000  # approval codes have six places


class Fault(enum.Enum):
    """What the host does wrong with the next message of its kind."""

    DOWN = "down"  # DE39 91
    NO_ANSWER = "no_answer"  # nothing booked, nothing said
    BOOKED_NO_ANSWER = "booked_no_answer"  # the money moves, the answer is lost
    LATE = "late"  # booked, answered after ``late_seconds``
    WRONG_STAN = "wrong_stan"
    DUPLICATE = "duplicate"  # booked, answered twice
    STALE = "stale"  # booked; the answer to an earlier message comes first
    PARTIAL = "partial"  # DE39 10
    LOST_REVERSAL_ANSWER = "lost_reversal_answer"  # of the next 0420


@dataclass
class Debit:
    """One booked sale. The card is named by its key and its mask, never by its number."""

    key: tuple[str, str, str]
    card: str
    amount_tiyn: int
    rrn: str
    approval_code: str
    reversed: bool = False
    terminal_number: str = ""
    merchant_number: str = ""
    card_masked: str = ""
    at: datetime | None = None
    batch: int = 0  # of its terminal, closed by 0500
    settled_on: date | None = None  # the file that told of the sale
    reversal_settled: bool = False
    refunded_tiyn: int = 0


@dataclass
class Refund:
    """Money given back on a person's instruction, for a debit that stands."""

    instruction: str
    debit: Debit
    amount_tiyn: int
    approval_code: str
    at: datetime
    settled_on: date | None = None


@dataclass
class Book:
    """What the issuer has booked and refused; tests read it."""

    debits: list[Debit] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    declines: list[tuple[str, str]] = field(default_factory=list)  # card key, DE39
    reversal_messages: int = 0  # 0420 and 0421 received, repeats too
    reversal_effects: int = 0  # of them, those that gave money back
    sign_ons: int = 0
    reconciliations: list[tuple[str, bool]] = field(default_factory=list)  # terminal, in balance

    @property
    def standing(self) -> list[Debit]:
        """Debits that were not taken back."""
        return [debit for debit in self.debits if not debit.reversed]

    @property
    def debited_tiyn(self) -> int:
        """Money taken and kept."""
        returned = sum(refund.amount_tiyn for refund in self.refunds)
        return sum(debit.amount_tiyn for debit in self.standing) - returned

    def batch_of(self, terminal_number: str, batch: int) -> tuple[int, int]:
        """Return how many sales of a terminal's open batch stand, and their sum."""
        kept = [
            debit.amount_tiyn
            for debit in self.standing
            if (debit.terminal_number, debit.batch) == (terminal_number, batch)
        ]
        return len(kept), sum(kept)

    def settle(self, *, day: date, fee_basis_points: int = 0) -> bytes:
        """Return the settlement file of ``day``: all that no earlier file told of.

        A sale taken back before it was told appears in no file; taken back later, it appears as
        a reversal.
        """
        rows: list[SettlementRow] = []
        for debit in self.debits:
            if debit.settled_on is None and not debit.reversed:
                debit.settled_on = day
                fee = debit.amount_tiyn * fee_basis_points // _BASIS_POINTS
                rows.append(_row(debit, RowKind.SALE, day, fee_tiyn=fee))
            elif debit.reversed and debit.settled_on is not None and not debit.reversal_settled:
                debit.reversal_settled = True
                rows.append(_row(debit, RowKind.REVERSAL, day))
        for refund in self.refunds:
            if refund.settled_on is None:
                refund.settled_on = day
                rows.append(_refund_row(refund, day))
        return write(rows)


def _row(debit: Debit, kind: RowKind, day: date, *, fee_tiyn: int = 0) -> SettlementRow:
    if debit.at is None:
        raise ValueError("a debit that was booked has its instant")
    return SettlementRow(
        kind=kind,
        rrn=debit.rrn,
        approval_code=debit.approval_code,
        terminal_number=debit.terminal_number,
        merchant_number=debit.merchant_number,
        stan=int(debit.key[1]) % _CODES,
        amount_tiyn=debit.amount_tiyn,
        fee_tiyn=fee_tiyn,
        transacted_at=debit.at,
        settlement_date=day,
        card_masked=debit.card_masked,
    )


def _refund_row(refund: Refund, day: date) -> SettlementRow:
    debit = refund.debit
    return SettlementRow(
        kind=RowKind.REFUND,
        rrn=debit.rrn,
        approval_code=refund.approval_code,
        terminal_number=debit.terminal_number,
        merchant_number=debit.merchant_number,
        stan=int(debit.key[1]) % _CODES,
        amount_tiyn=refund.amount_tiyn,
        fee_tiyn=0,
        transacted_at=refund.at,
        settlement_date=day,
        card_masked=debit.card_masked,
    )
