"""The simulated slip printer: ESC/POS on a serial line, and its visible paper.

    with SimPrinter(link=Path("/tmp/printer"), folder=Path("papers")) as printer:
        ...                         # whoever opens /tmp/printer prints
        print(printer.papers)       # one PNG per cut

``paper_rows`` is what is left on the roll. What the bytes look like: ``sim.escpos``.
"""

import contextlib
import os
import select
import threading
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from sim.escpos import WIDTH, Interpreter, NeedMore, Paper

__all__ = ["ENDLESS", "WIDTH", "Interpreter", "NeedMore", "Paper", "SimPrinter", "run"]

ENDLESS: Final = 10**9
INPUT_BYTES_MAX: Final = 1_000_000  # held while there is no paper
_NEAR_END_ROWS: Final = 1200
_PAPER_NOW: Final = b"\x10\x04\x04"


class SimPrinter:
    """A printer in a thread of its own on a pseudo-terminal at ``link``.

    Args:
        link: where its serial line appears.
        folder: gets one PNG per cut, numbered; a torn sheet is named so.
        paper_rows: dots left on the roll.
        on_paper: hears of each finished PNG, in the printer's thread.
        on_input: hears of the first byte after a pause, to strike while it prints.
    """

    def __init__(
        self,
        *,
        link: Path,
        folder: Path,
        paper_rows: int = ENDLESS,
        on_paper: Callable[[Path], None] | None = None,
        on_input: Callable[[bytes], None] | None = None,
    ) -> None:
        self._folder, self._link = folder, link
        folder.mkdir(parents=True, exist_ok=True)
        self.on_paper, self.on_input = on_paper, on_input
        self.papers: list[Path] = []
        self.silent = False
        self._left_rows = paper_rows
        self._lock = threading.Lock()
        self._count = len(list(folder.glob("paper-*.png")))
        self._held = bytearray()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._live, name="printer")
        self._near, self._far = os.openpty()
        tty.setraw(self._near)
        tty.setraw(self._far)
        os.set_blocking(self._near, False)
        link.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            link.unlink()
        link.symlink_to(os.ttyname(self._far))
        self._interpreter = Interpreter(cut=self._keep, reply=self._answer)

    def start(self) -> Self:
        """Switch on."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Switch off and take the line away."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join()
        with contextlib.suppress(FileNotFoundError):
            self._link.unlink()
        os.close(self._near)
        os.close(self._far)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def paper_rows(self) -> int:
        """Dots left on the roll."""
        with self._lock:
            return self._left_rows

    def load_paper(self, rows: int = ENDLESS) -> None:
        """Put a roll in (0: take it out). What was sent meanwhile is forgotten."""
        with self._lock:
            self._left_rows = rows
            self._held.clear()
            self._interpreter = Interpreter(cut=self._keep, reply=self._answer)

    def _live(self) -> None:
        while not self._closing.is_set():
            ready, _, _ = select.select([self._near], [], [], 0.05)
            if not ready:
                continue
            data = os.read(self._near, 65536)
            if self.silent:
                continue
            if self.on_input is not None:
                self.on_input(data)
            with self._lock:
                self._take(data)

    def _take(self, data: bytes) -> None:
        self._held += data
        if data == _PAPER_NOW:  # real time: answered even while it cannot print
            self._answer(bytes([0x12 | self._paper_bits()]))
        del self._held[INPUT_BYTES_MAX:]
        at = 0
        held = bytes(self._held)
        try:
            while at < len(held) and self._left_rows > 0:
                before = self._interpreter.paper.height
                at += self._interpreter.step(held[at:])
                used = self._interpreter.paper.height - before
                if used > 0:
                    self._left_rows -= used
                    if self._left_rows <= 0:
                        self._tear()
        except NeedMore:
            pass
        del self._held[:at]

    def _paper_bits(self) -> int:
        if self._left_rows <= 0:
            return 0x6C
        return 0x0C if self._left_rows < _NEAR_END_ROWS else 0

    def _tear(self) -> None:
        self._left_rows = 0
        self._save(self._interpreter.paper, "-torn")

    def _keep(self, paper: Paper) -> None:
        self._save(paper, "")

    def _save(self, paper: Paper, mark: str) -> None:
        self._count += 1
        file = self._folder / f"paper-{self._count:04d}{mark}.png"
        paper.save(file)
        if not mark:
            self.papers.append(file)
            if self.on_paper is not None:
                self.on_paper(file)

    def _answer(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._near, data)


def run(*, link: Path, folder: Path, stop: threading.Event) -> None:
    """Print at ``link`` into ``folder`` until ``stop`` is set."""
    with SimPrinter(link=link, folder=folder):
        print(f"printer: ESC/POS on {link}, papers in {folder}", flush=True)
        stop.wait()
