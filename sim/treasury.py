"""The simulated treasury: turns the acquirer's settlement files into the statement of a day.

    treasury = SimTreasury(budget_code="204105", purpose_code="911")
    treasury.settle(settlement_file)          # the acquirer pays what its file says
    statement = treasury.statement(received_on=date(2026, 11, 24))

``treasury.spoil(sum_differs=1)`` makes the next orders arrive short; ``lose``, ``repeat`` and
``late_days`` likewise.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta

from fines.wire import settlement, treasury


@dataclass
class SimTreasury:
    """The budget's account and the payment orders that wait to be carried out."""

    budget_code: str
    purpose_code: str
    _owed: dict[tuple[date, str], int] = field(default_factory=lambda: defaultdict(int))
    _spoiled: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _number: int = 0

    def settle(self, content: bytes) -> None:
        """Take one of the acquirer's settlement files."""
        for row in settlement.read(content):
            self._owed[row.settlement_date, row.merchant_number] += row.signed_tiyn

    def spoil(self, **orders: int) -> None:
        """Make the next orders misbehave: ``sum_differs``, ``lose``, ``repeat``, ``late_days``."""
        self._spoiled.update(orders)

    def statement(self, *, received_on: date) -> bytes:
        """Carry out what is owed and return the statement."""
        lines: list[treasury.TreasuryLine] = []
        for (settled, merchant), owed in sorted(self._owed.items()):
            lines += self._orders(settled, merchant, owed, received_on)
        self._owed.clear()
        return treasury.write(lines)

    def _orders(
        self, settled: date, merchant: str, owed: int, received_on: date
    ) -> list[treasury.TreasuryLine]:
        if owed == 0 or self._spoil_one("lose"):
            return []
        if self._spoil_one("sum_differs"):
            owed -= 1
        kind = treasury.LineKind.RECEIPT if owed > 0 else treasury.LineKind.RETURN
        days = self._spoiled.pop("late_days", 0)
        return [
            treasury.TreasuryLine(
                kind=kind,
                order_number=self._next_number(),
                merchant_number=merchant,
                budget_code=self.budget_code,
                purpose_code=self.purpose_code,
                settlement_date=settled,
                received_on=received_on + timedelta(days=days),
                amount_tiyn=abs(owed),
            )
            for _ in range(2 if self._spoil_one("repeat") else 1)
        ]

    def _spoil_one(self, what: str) -> bool:
        if not self._spoiled[what]:
            return False
        self._spoiled[what] -= 1
        return True

    def _next_number(self) -> str:
        self._number += 1
        return f"PO-{self._number:06d}"
