"""The rows of a slip: wrapped and padded to the roll's columns, the same for text and picture."""

import textwrap
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from fines.wire.slip import LINE_COLUMNS, Align, Slip, SlipLine

SIGNATURE_ROOM_ROWS = 2  # blank rows above the line to sign on


@dataclass(frozen=True)
class Row:
    """One printed row. ``text`` is padded already; ``qr`` excludes everything else."""

    text: str = ""
    bold: bool = False
    large: bool = False
    qr: str = ""


def rows_of(slip: Slip) -> Iterator[Row]:
    """Yield the rows of ``slip`` from top to bottom."""
    for line in slip.lines:
        yield from _rows(line)


def _rows(line: SlipLine) -> Iterator[Row]:
    if line.qr:
        yield Row(qr=line.qr)
        return
    if line.rule:
        yield Row("─" * LINE_COLUMNS)
        return
    if line.signature:
        yield from (Row() for _ in range(SIGNATURE_ROOM_ROWS))
        yield Row("─" * LINE_COLUMNS)
        if not line.text:
            return
    for text in _wrapped(line):
        yield Row(_plain_spaces(text), line.bold, line.large)


def _plain_spaces(text: str) -> str:
    """Return the text with every kind of space as the one a printer has, once lines are broken."""
    return "".join(" " if unicodedata.category(letter) == "Zs" else letter for letter in text)


def _wrapped(line: SlipLine) -> list[str]:
    columns = LINE_COLUMNS // 2 if line.large else LINE_COLUMNS
    if not line.right:
        return [_placed(part, line.align, columns) for part in _parts(line.text, columns)]
    if len(line.text) + 1 + len(line.right) <= columns:
        return [line.text + line.right.rjust(columns - len(line.text))]
    left = _parts(line.text, columns) if line.text else []
    right = _parts(line.right, columns)
    if left and len(right) == 1 and len(left[-1]) + 1 + len(right[0]) <= columns:
        return [*left[:-1], left[-1] + right[0].rjust(columns - len(left[-1]))]
    return [*left, *(part.rjust(columns) for part in right)]


def _parts(text: str, columns: int) -> list[str]:
    # Hyphens are not broken at: document numbers and addresses stay whole where they fit.
    return textwrap.wrap(text, columns, break_on_hyphens=False) or [""]


def _placed(text: str, align: Align, columns: int) -> str:
    if align is Align.CENTER:
        return (" " * ((columns - len(text)) // 2) + text).rstrip()
    return text.rjust(columns) if align is Align.RIGHT else text
