"""Version 1 of the treasury's statement: which sums reached the budget's account.

A sealed sheet (``fines.wire.sealed``) with the columns of ``COLUMNS``. The acquirer transfers the
sum of each settlement date and merchant in one payment order; one line is one such order. A
``return`` is money that went back because refunds outweighed the sales of that date.
"""

import enum
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO, Final

from fines.wire.sealed import SheetNotValid, read_sheet, whole, write_sheet

__all__ = ["COLUMNS", "LineKind", "SheetNotValid", "TreasuryLine", "lines", "read", "write"]

COLUMNS: Final = (
    "kind", "order_number", "merchant_number", "budget_code", "purpose_code", "settlement_date",
    "received_on", "amount_tiyn",
)  # fmt: skip
_ORDER_NUMBER: Final = re.compile(r"[0-9A-Za-z/-]{1,32}")
_MERCHANT_NUMBER: Final = re.compile(r"[0-9A-Za-z ]{1,15}")
_BUDGET_CODE: Final = re.compile(r"[0-9]{6}")
_PURPOSE_CODE: Final = re.compile(r"[0-9]{3}")


class LineKind(enum.Enum):
    """Whether the money came or went."""

    RECEIPT = "receipt"
    RETURN = "return"


@dataclass(frozen=True, slots=True, kw_only=True)
class TreasuryLine:
    """One payment order that the treasury has carried out."""

    kind: LineKind
    order_number: str
    merchant_number: str
    budget_code: str
    purpose_code: str
    settlement_date: date
    received_on: date
    amount_tiyn: int

    @property
    def signed_tiyn(self) -> int:
        """What the line adds to the budget's account."""
        return self.amount_tiyn if self.kind is LineKind.RECEIPT else -self.amount_tiyn


def write(statement: Iterable[TreasuryLine]) -> bytes:
    """Return the statement of these lines."""
    return write_sheet(columns=COLUMNS, lines=((_cells(one), one.signed_tiyn) for one in statement))


def read(content: bytes) -> tuple[TreasuryLine, ...]:
    """Return every line of a statement.

    Raises:
        SheetNotValid: the statement is not whole or a line is not as agreed; it names the line.
    """
    return tuple(lines(io.BytesIO(content)))


def lines(file: BinaryIO) -> Iterator[TreasuryLine]:
    """Yield the lines of a statement; it is proven whole only when the iterator has ended.

    Raises:
        SheetNotValid: the statement is not whole or a line is not as agreed; it names the line.
    """
    return read_sheet(file, columns=COLUMNS, row_of=_line, adds=lambda one: one.signed_tiyn)


def _cells(one: TreasuryLine) -> tuple[str, ...]:
    return (
        one.kind.value,
        one.order_number,
        one.merchant_number,
        one.budget_code,
        one.purpose_code,
        one.settlement_date.isoformat(),
        one.received_on.isoformat(),
        str(one.amount_tiyn),
    )


def _line(cells: list[str]) -> TreasuryLine:
    kind, order, merchant, budget, purpose, settled, received, amount = cells
    if kind not in {one.value for one in LineKind}:
        raise ValueError("kind is neither receipt nor return")
    return TreasuryLine(
        kind=LineKind(kind),
        order_number=_shaped("order_number", order, _ORDER_NUMBER),
        merchant_number=_shaped("merchant_number", merchant, _MERCHANT_NUMBER),
        budget_code=_shaped("budget_code", budget, _BUDGET_CODE),
        purpose_code=_shaped("purpose_code", purpose, _PURPOSE_CODE),
        settlement_date=date.fromisoformat(settled),
        received_on=date.fromisoformat(received),
        amount_tiyn=whole("amount_tiyn", amount, least=1),
    )


def _shaped(name: str, text: str, pattern: re.Pattern[str]) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"{name} is not as agreed")
    return text
