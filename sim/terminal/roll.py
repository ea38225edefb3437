"""The terminal's own printer and its paper roll: one PNG for each slip it cuts off.

Used where the cash register did not take the slips upon itself (registration, bit 02 clear).
"""

from pathlib import Path
from typing import Final

from fines.wire.zvt_status import StatusInformation
from sim.printer import Interpreter, Paper

_COPIES: Final = ("КЛИЕНТ / CUSTOMER", "ПРОДАВЕЦ / MERCHANT")
_TIYN: Final = 100


class Roll:
    """A roll of paper in ``folder``; the slips on it are numbered through."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._count = len(list(folder.glob("terminal-*.png")))

    def print_sale(self, status: StatusInformation) -> None:
        """Print both slips of a kept sale."""
        interpreter = Interpreter(cut=self._keep, reply=lambda _answer: None)
        for copy in _COPIES:
            job, at = _job(copy, status), 0
            while at < len(job):
                at += interpreter.step(job[at:])

    def _keep(self, paper: Paper) -> None:
        self._count += 1
        paper.save(self._folder / f"terminal-{self._count:04d}.png")


def _job(copy: str, status: StatusInformation) -> bytes:
    whole, part = divmod(status.amount_tiyn or 0, _TIYN)
    lines = (
        copy,
        f"TID {status.terminal_number}  {status.date} {status.time}",
        f"{status.brand} {status.card_masked}",
        f"RRN {status.rrn}",
        f"ЧЕК {status.receipt_number or 0:04d}  STAN {status.trace_number or 0:06d}",
        f"ИТОГО {whole},{part:02d} KZT",
        f"КОД {status.approval_code}",
        f"AID {status.aid}",
        f"{status.application_label}  TSI {status.tsi}",
        f"TVR {status.tvr}",
        f"AC {status.cryptogram}",
    )
    text = "\n".join(lines).encode("cp866", errors="replace")
    return b"\x1b@\x1bt\x11" + text + b"\n\x1bd\x04\x1dV\x01"
