"""Version 1 of the refund instruction: what the acquirer is to pay back, decided by two people.

A sealed sheet (``fines.wire.sealed``). The acquirer carries out each ``refund_id`` once and tells
of it by a refund row in a settlement file.
"""

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fines.wire.sealed import SheetNotValid, read_sheet, whole, write_sheet

__all__ = ["COLUMNS", "RefundOrder", "SheetNotValid", "read", "write"]

COLUMNS: Final = (
    "refund_id", "rrn", "approval_code", "terminal_number", "merchant_number", "amount_tiyn",
)  # fmt: skip
_WORD: Final = re.compile(r"[0-9A-Za-z ]{1,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrder:
    """One refund; RRN, approval code, terminal and merchant are those of the sale."""

    refund_id: UUID
    rrn: str
    approval_code: str
    terminal_number: str
    merchant_number: str
    amount_tiyn: int


def write(orders: Iterable[RefundOrder]) -> bytes:
    """Return the instruction of these refunds."""
    return write_sheet(
        columns=COLUMNS,
        lines=(
            (
                (
                    str(one.refund_id),
                    one.rrn,
                    one.approval_code,
                    one.terminal_number,
                    one.merchant_number,
                    str(one.amount_tiyn),
                ),
                one.amount_tiyn,
            )
            for one in orders
        ),
    )


def read(content: bytes) -> tuple[RefundOrder, ...]:
    """Return every refund of an instruction.

    Raises:
        SheetNotValid: the sheet is not whole or a line is not as agreed; it names the line.
    """
    orders = read_sheet(
        io.BytesIO(content), columns=COLUMNS, row_of=_order, adds=lambda one: one.amount_tiyn
    )
    return tuple(orders)


def _order(cells: list[str]) -> RefundOrder:
    refund_id, rrn, approval_code, terminal_number, merchant_number, amount = cells
    for text in (rrn, approval_code, terminal_number, merchant_number):
        if not _WORD.fullmatch(text):
            raise ValueError("a cell is not as agreed")
    return RefundOrder(
        refund_id=UUID(refund_id),
        rrn=rrn,
        approval_code=approval_code,
        terminal_number=terminal_number,
        merchant_number=merchant_number,
        amount_tiyn=whole("amount_tiyn", amount, least=1),
    )
