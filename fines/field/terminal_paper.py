"""What a terminal wants printed through us: its lines are gathered and printed slip by slip.

A line is answered with 80 00 only while paper can be had; the slip's last one only when it is
out. What the terminal prints goes to paper and nowhere else: not to the journal, not to the log.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from fines.field.printer import Printer, PrinterFault
from fines.wire import zvt_print
from fines.wire.slip import LINES_MAX, Align, Slip, SlipKind, SlipLine
from fines.wire.zvt import Apdu, Code, Command
from fines.wire.zvt_errors import ZvtMalformed
from fines.wire.zvt_print import PrintedLine

log = logging.getLogger(__name__)


def _nobody_prints(_lines: tuple[PrintedLine, ...]) -> bool:
    return False


def on_printer(printer: Printer) -> "TerminalPaper":
    """Return the paper of a slip printer, in pieces no longer than a slip may be."""

    def ready() -> bool:
        try:
            printer.check_paper()
        except PrinterFault:
            return False
        return True

    def print_lines(lines: tuple[PrintedLine, ...]) -> bool:
        try:
            for start in range(0, len(lines), LINES_MAX):
                printer.print_slip(_as_slip(lines[start : start + LINES_MAX]))
        except PrinterFault:
            return False
        return True

    return TerminalPaper(ready=ready, print_lines=print_lines)


def _as_slip(lines: tuple[PrintedLine, ...]) -> Slip:
    # Only its lines are printed: it is the terminal's paper and none of the server's slips.
    return Slip(
        slip_id=UUID(int=0),
        payment_id=UUID(int=0),
        kind=SlipKind.SALE,
        copy_number=1,
        lines=tuple(
            SlipLine(
                text=line.text, align=Align.CENTER if line.centred else Align.LEFT, large=line.large
            )
            for line in lines
        ),
    )


@dataclass(kw_only=True)
class TerminalPaper:
    """Gathers lines; ``ready`` and ``print_lines`` say whether there is paper, and print."""

    ready: Callable[[], bool] = lambda: False
    print_lines: Callable[[tuple[PrintedLine, ...]], bool] = _nobody_prints
    _lines: list[PrintedLine] = field(default_factory=list)

    def take(self, message: Apdu, *, charset: int | None) -> int | None:
        """Take a print command; return the code to refuse it with, or ``None``."""
        try:
            if message.command == Command.PRINT_TEXT:
                _kind, lines = zvt_print.parse_text(message, charset=charset)
                return self._printed(lines)
            lines = zvt_print.parse_line(message, charset=charset)
        except ZvtMalformed:
            log.warning("a print command that cannot be read")
            return Code.PROCESSING_ERROR
        if not self._lines and not self.ready():
            return Code.PRINTER_NOT_READY
        self._lines += lines
        if any(line.last for line in lines) or len(self._lines) >= zvt_print.LINES_MAX:
            return self._flushed()
        return None

    def finish(self) -> None:
        """Print what a terminal left without a last line; the command has ended anyhow."""
        if self._lines and self._flushed() is not None:
            log.warning("a paper of the terminal's own did not come out")

    def _flushed(self) -> int | None:
        lines, self._lines = tuple(self._lines), []
        return self._printed(lines)

    def _printed(self, lines: tuple[PrintedLine, ...]) -> int | None:
        return None if not lines or self.print_lines(lines) else Code.PRINTER_NOT_READY
