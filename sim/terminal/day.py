"""The simulated terminal's end of day and its reversal of a kept sale."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fines.wire import zvt, zvt_day, zvt_fields
from fines.wire.zvt import Apdu, Code, Command
from fines.wire.zvt_day import DayTotals
from fines.wire.zvt_status import StatusInformation
from sim.terminal.dialogue import Dialogue
from sim.terminal.memory import Memory

_OTHER: Final = "OTHER"


@dataclass(kw_only=True)
class Day:
    """Answers 06 10, 06 50 and 06 30. ``settle_owed`` is false while the host is silent."""

    talk: Dialogue
    memory: Memory
    terminal_number: str
    settle_owed: Callable[[], bool]
    reconcile: Callable[[int, int], None]  # count and sum of what is kept, told to the host
    step: Callable[[str], None]
    tells_turnover: bool

    def turnover(self, message: Apdu) -> None:
        """Tell the open batch."""
        if not self.tells_turnover:
            self.talk.refuse(Code.NOT_POSSIBLE)
            return
        self.talk.good(message)
        self._tell(self._totals())
        self.talk.ask(Command.COMPLETION)

    def end(self, message: Apdu) -> None:
        """Close the batch and tell what it held."""
        self.talk.good(message)
        self.step("day_closing")
        if not self.settle_owed():
            self.talk.end(Code.END_OF_DAY_IMPOSSIBLE)
            return
        totals = self._totals()
        self.reconcile(len(self.memory.batch), totals.sum_tiyn)
        self.memory.batch = []
        self.memory.batch_number = self.memory.batch_number % 999_999 + 1
        self.memory.save()
        self.step("day_closed")
        self._tell(totals)
        self.step("day_told")
        self.talk.ask(Command.COMPLETION)

    def reverse(self, message: Apdu) -> None:
        """Take back the last kept sale; no other, which this terminal cannot."""
        receipt = zvt.body_of(message).number(zvt_fields.RECEIPT) or 0
        self.talk.good(message)
        self.step("reversal_asked")
        kept = self.memory.last
        if kept is None or kept.receipt_number != receipt:
            again = receipt == self.memory.undone
            self.talk.end(Code.ALREADY_REVERSED if again else Code.REVERSAL_IMPOSSIBLE)
            return
        self.memory.take_back_last()
        self.step("reversal_owed")
        self.settle_owed()
        self.talk.tell(
            StatusInformation(
                result=Code.OK,
                amount_tiyn=kept.amount_tiyn,
                terminal_number=self.terminal_number,
                receipt_number=receipt,
            )
        )
        self.step("reversal_told")
        self.talk.ask(Command.COMPLETION)

    def _tell(self, totals: DayTotals) -> None:
        self.talk.tell_raw(lambda number: zvt_day.day_status(totals, sequence=number))

    def _totals(self) -> DayTotals:
        brands: dict[str, tuple[int, int]] = {}
        for _receipt, brand, amount in self.memory.batch:
            name = brand if brand in zvt_day.BRANDS else _OTHER
            count, total = brands.get(name, (0, 0))
            brands[name] = (count + 1, total + amount)
        receipts = [receipt for receipt, _, _ in self.memory.batch]
        return DayTotals(
            terminal_number=self.terminal_number,
            sum_tiyn=sum(amount for _, _, amount in self.memory.batch),
            receipt_from=receipts[0] if receipts else None,
            receipt_to=receipts[-1] if receipts else None,
            brands=brands,
        )
