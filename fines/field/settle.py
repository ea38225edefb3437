"""What the terminal's memory says of a sale whose end we did not see. Pure: no line, no clock.

``COMPLETED`` only if the kept sale is ours beyond doubt; ``REVERSED`` only if it surely is not
kept; ``UNKNOWN`` otherwise, which reconciliation settles. A second sale never does.
"""

from dataclasses import dataclass
from uuid import UUID

from fines.field.driver import StoredSale
from fines.field.journal import OrderState
from fines.wire.protocol import Result


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """What our journal, or the server, still knows of the sale in question."""

    order_id: UUID
    amount_tiyn: int
    terminal_number: str = ""  # empty where unknown
    receipt_number: int | None = None  # of this sale, where the terminal had named it
    trace_number: int | None = None
    before_known: bool = False  # whether we know what the terminal kept before this sale
    receipt_before: int | None = None  # None with before_known: it kept none
    trace_before: int | None = None


def settle(sale: Remembered, stored: StoredSale | None) -> Result:
    """Return how ``sale`` ended, given the last sale the terminal keeps."""
    if stored is None:
        # An empty memory says "not kept", unless it held something before: then it was lost.
        lost = sale.before_known and sale.receipt_before is not None
        return Result.UNKNOWN if lost else Result.REVERSED
    if sale.order_id in stored.unsettled:
        return Result.UNKNOWN
    if sale.terminal_number and stored.terminal_number != sale.terminal_number:
        return Result.UNKNOWN  # another terminal hangs on the line
    ours = is_ours(sale, stored)
    if ours is None:
        return Result.UNKNOWN
    return _same_amount(sale, stored) if ours else _of_another(sale, stored)


def is_ours(sale: Remembered, stored: StoredSale) -> bool | None:
    """Return whether the kept sale is the one in question, ``None`` where nothing tells."""
    if stored.order_id is not None:
        return stored.order_id == sale.order_id
    if sale.receipt_number is not None:
        same_trace = sale.trace_number in (None, stored.trace_number)
        return stored.receipt_number == sale.receipt_number and same_trace
    if _is_the_one_before(sale, stored):
        return False
    follows = sale.before_known and stored.receipt_number == _next_receipt(sale.receipt_before)
    return True if follows else None


def _same_amount(sale: Remembered, stored: StoredSale) -> Result:
    return Result.COMPLETED if stored.amount_tiyn == sale.amount_tiyn else Result.UNKNOWN


def _is_the_one_before(sale: Remembered, stored: StoredSale) -> bool:
    return (
        sale.before_known
        and stored.receipt_number == sale.receipt_before
        and stored.trace_number == sale.trace_before
    )


def _of_another(sale: Remembered, stored: StoredSale) -> Result:
    """The kept sale is not ours: was ours never kept, or is it hidden under a later one?"""
    if _is_the_one_before(sale, stored):
        return Result.REVERSED
    follows = sale.before_known and stored.receipt_number == _next_receipt(sale.receipt_before)
    return Result.REVERSED if follows else Result.UNKNOWN


def _next_receipt(receipt: int | None) -> int:
    return 1 if receipt is None else receipt % 9999 + 1


def remembered(state: OrderState) -> Remembered:
    """Return what the journal knows of a sale."""
    return Remembered(
        order_id=state.order_id,
        amount_tiyn=state.number("amount") or 0,
        terminal_number=state.text("terminal"),
        receipt_number=state.number("receipt"),
        trace_number=state.number("trace"),
        before_known=state.facts.get("before") is True,
        receipt_before=state.number("receipt_before"),
        trace_before=state.number("trace_before"),
    )
