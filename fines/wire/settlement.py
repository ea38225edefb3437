"""Version 1 of the acquirer's settlement file: what it books to us for one settlement.

A sealed sheet (``fines.wire.sealed``) with the columns of ``COLUMNS``. Amounts are above nought
and in tiyn; a sale adds to the trailer's sum, a reversal and a refund take from it. Fees are told
but not taken out of the sums: the acquirer bills them apart. Whole card numbers are refused.

    content = write([SettlementRow(kind=RowKind.SALE, rrn="632515000001", ...)])
    rows = read(content)
"""

import enum
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import BinaryIO, Final

from fines.wire.sealed import SheetNotValid, read_sheet, whole, write_sheet

__all__ = ["COLUMNS", "RowKind", "SettlementRow", "SheetNotValid", "read", "rows", "write"]

COLUMNS: Final = (
    "kind", "rrn", "approval_code", "terminal_number", "merchant_number", "stan", "amount_tiyn",
    "fee_tiyn", "transacted_at", "settlement_date", "card_masked",
)  # fmt: skip
_RRN: Final = re.compile(r"[0-9A-Za-z]{12}")
_APPROVAL_CODE: Final = re.compile(r"[0-9A-Za-z ]{6}")
_TERMINAL_NUMBER: Final = re.compile(r"[0-9A-Za-z]{8}")
_MERCHANT_NUMBER: Final = re.compile(r"[0-9A-Za-z ]{1,15}")
_MASKED: Final = re.compile(r"[0-9]{0,8}[*xX]{4,}[0-9]{0,4}|")  # at most 8 + 4 of 16 are legible
_CARD_CHARACTERS_MAX: Final = 19
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z")
_STAN_MOST: Final = 999_999
_AMOUNT_MOST: Final = 10**12


class RowKind(enum.Enum):
    """What a row books. A reversal and a refund name the RRN of the sale they take back."""

    SALE = "sale"
    REVERSAL = "reversal"
    REFUND = "refund"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementRow:
    """One booking of the acquirer."""

    kind: RowKind
    rrn: str
    approval_code: str
    terminal_number: str
    merchant_number: str
    stan: int
    amount_tiyn: int
    fee_tiyn: int
    transacted_at: datetime
    settlement_date: date
    card_masked: str

    @property
    def signed_tiyn(self) -> int:
        """What the row adds to what the acquirer owes us."""
        return self.amount_tiyn if self.kind is RowKind.SALE else -self.amount_tiyn


def write(rows: Iterable[SettlementRow]) -> bytes:
    """Return the file of ``rows``."""
    return write_sheet(columns=COLUMNS, lines=((_cells(row), row.signed_tiyn) for row in rows))


def read(content: bytes) -> tuple[SettlementRow, ...]:
    """Return every row of a file.

    Raises:
        SheetNotValid: the file is not whole or a line is not as agreed; it names the line.
    """
    return tuple(rows(io.BytesIO(content)))


def rows(file: BinaryIO) -> Iterator[SettlementRow]:
    """Yield the rows of a file; it is proven whole only when the iterator has ended.

    Raises:
        SheetNotValid: the file is not whole or a line is not as agreed; it names the line.
    """
    return read_sheet(file, columns=COLUMNS, row_of=_row, adds=lambda row: row.signed_tiyn)


def _cells(row: SettlementRow) -> tuple[str, ...]:
    at = row.transacted_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return (
        row.kind.value,
        row.rrn,
        row.approval_code,
        row.terminal_number,
        row.merchant_number,
        str(row.stan),
        str(row.amount_tiyn),
        str(row.fee_tiyn),
        at,
        row.settlement_date.isoformat(),
        row.card_masked,
    )


def _row(cells: list[str]) -> SettlementRow:
    kind, rrn, approval, terminal, merchant, stan, amount, fee, at, day, card = cells
    if len(card) > _CARD_CHARACTERS_MAX:
        raise ValueError("card_masked is not as agreed")
    return SettlementRow(
        kind=RowKind(_known("kind", kind, {one.value for one in RowKind})),
        rrn=_shaped("rrn", rrn, _RRN),
        approval_code=_shaped("approval_code", approval, _APPROVAL_CODE),
        terminal_number=_shaped("terminal_number", terminal, _TERMINAL_NUMBER),
        merchant_number=_shaped("merchant_number", merchant, _MERCHANT_NUMBER),
        stan=whole("stan", stan, most=_STAN_MOST),
        amount_tiyn=whole("amount_tiyn", amount, least=1, most=_AMOUNT_MOST),
        fee_tiyn=whole("fee_tiyn", fee, most=_AMOUNT_MOST),
        transacted_at=datetime.fromisoformat(_shaped("transacted_at", at, _INSTANT)),
        settlement_date=date.fromisoformat(day),
        card_masked=_shaped("card_masked", card, _MASKED),
    )


def _known(name: str, text: str, known: set[str]) -> str:
    if text not in known:
        raise ValueError(f"{name} is none of {', '.join(sorted(known))}")
    return text


def _shaped(name: str, text: str, pattern: re.Pattern[str]) -> str:
    # The text itself is never repeated: it may be a card number.
    if not pattern.fullmatch(text):
        raise ValueError(f"{name} is not as agreed")
    return text
