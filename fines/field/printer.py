"""The slip printer on its serial line: is there paper, print one slip, did it come out.

A printer that says nothing is silent, not "fine": every question has three answers.
"""

import logging
import time
from collections.abc import Callable
from typing import Final

import serial

from fines.field.escpos import Missing, render
from fines.field.raster import LetterNotDrawable
from fines.wire.protocol import Reason
from fines.wire.slip import Slip

log = logging.getLogger(__name__)

_PAPER_NOW: Final = b"\x10\x04\x04"  # DLE EOT 4: answered at once, past the buffer
_PAPER_IN_TURN: Final = b"\x1dr\x01"  # GS r 1: answered when everything before it is done
_FIXED_MASK: Final = 0x93  # bits of DLE EOT's answer that never change ...
_FIXED: Final = 0x12  # ... and their values
_END_NOW: Final = 0x60
_END_IN_TURN: Final = 0x0C
_TURN_MASK: Final = 0x90  # of GS r's answer: fixed at zero
_BITS_PER_BYTE: Final = 11


def _nothing() -> None:
    """Do nothing."""


class PrinterFault(Exception):
    """A slip did not come out, for ``reason``."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Printer:
    """A printer by its pyserial URL; the port is held only while it is needed."""

    def __init__(
        self,
        *,
        url: str,
        baud: int = 115200,
        answer_seconds: float = 1.0,
        missing: Missing = Missing.LETTER,
    ) -> None:
        self._url, self._baud, self._answer_seconds = url, baud, answer_seconds
        self._missing = missing

    def check_paper(self) -> None:
        """Return if there is paper.

        Raises:
            PrinterFault: ``NO_PAPER``, or ``PRINTER_SILENT`` when nobody answers.
        """
        with self._open() as port:
            self._ask_now(port)

    def print_slip(self, slip: Slip, *, begin: Callable[[], None] = _nothing) -> None:
        """Print one slip and see it out. ``begin`` is called right before its first byte goes.

        Raises:
            PrinterFault: it is not known to have come out whole, or a letter of it cannot be
                drawn. Unless ``begin`` was called nothing of it is on paper.
        """
        try:
            job = render(slip, missing=self._missing)
        except LetterNotDrawable as error:
            log.warning("slip %s cannot be drawn: %s", slip.slip_id, error)
            raise PrinterFault(Reason.TERMINAL_FAULT) from error
        with self._open() as port:
            self._ask_now(port)
            begin()
            self._write(port, job + _PAPER_IN_TURN)
            patience = self._answer_seconds + 2 * len(job) * _BITS_PER_BYTE / self._baud
            answer = self._in_turn(port, patience)
            if answer is None:
                self._ask_now(port)  # out of paper it prints nothing, but still says why
                raise PrinterFault(Reason.PRINTER_SILENT)
            if answer & _TURN_MASK or answer & _END_IN_TURN:
                raise PrinterFault(Reason.NO_PAPER)

    def _open(self) -> serial.SerialBase:
        try:
            port = serial.serial_for_url(
                self._url,
                baudrate=self._baud,
                timeout=self._answer_seconds,
                write_timeout=60.0,
                **({} if "://" in self._url else {"exclusive": True}),
            )
            port.reset_input_buffer()
        except (OSError, ValueError) as error:
            raise PrinterFault(Reason.PRINTER_SILENT) from error
        return port

    def _ask_now(self, port: serial.SerialBase) -> None:
        self._write(port, _PAPER_NOW)
        answer = self._read(port, self._answer_seconds)
        if answer is None or answer & _FIXED_MASK != _FIXED:
            raise PrinterFault(Reason.PRINTER_SILENT)
        if answer & _END_NOW:
            raise PrinterFault(Reason.NO_PAPER)

    def _in_turn(self, port: serial.SerialBase, seconds: float) -> int | None:
        """Return the answer to GS r, past late answers to questions asked before it."""
        deadline = time.monotonic() + seconds
        while (answer := self._read(port, deadline - time.monotonic())) is not None:
            if answer & _FIXED_MASK != _FIXED:
                return answer
        return None

    def _write(self, port: serial.SerialBase, data: bytes) -> None:
        try:
            port.write(data)
        except OSError as error:
            raise PrinterFault(Reason.PRINTER_SILENT) from error

    def _read(self, port: serial.SerialBase, seconds: float) -> int | None:
        deadline = time.monotonic() + seconds
        try:
            while (remaining := deadline - time.monotonic()) > 0:
                port.timeout = remaining
                if data := port.read(1):
                    return int(data[0])
        except OSError as error:
            raise PrinterFault(Reason.PRINTER_SILENT) from error
        return None
