"""Reprints: numbered duplicates of a slip that came out once. There is never a second original."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.clock import in_law_zone
from fines.errors import DuplicatesExhausted, SlipNotPrinted
from fines.wire.slip import Align, Slip, SlipLine

# Nobody needs more for one slip; a torn roll or a lost paper is told to the station.
DUPLICATES_MAX: Final = 5
_SIGNED_ELSEWHERE: Final = ("Қолы түпнұсқада", "Подпись на оригинале")


def next_duplicate(*, original_printed: bool, known: int) -> int:
    """Return the number of the next duplicate of a slip, of which ``known`` were ordered.

    Raises:
        SlipNotPrinted: the original itself is still wanted on paper: it comes, unmarked.
        DuplicatesExhausted: there are as many as may be.
    """
    if not original_printed:
        raise SlipNotPrinted("the original has not come out yet")
    if known >= DUPLICATES_MAX:
        raise DuplicatesExhausted(f"{known} duplicates were ordered")
    return known + 1


def duplicate_of(
    original: Slip, *, slip_id: UUID, number: int, at: datetime, officer_badge: str
) -> Slip:
    """Return a duplicate: the original's lines between two marks, and nothing to sign on."""
    mark = _mark(number, at, officer_badge)
    lines: list[SlipLine] = [*mark, SlipLine(rule=True)]
    for line in original.lines:
        if line.signature:
            lines += [SlipLine(text=text, align=Align.CENTER) for text in _SIGNED_ELSEWHERE]
        else:
            lines.append(line)
    lines += [SlipLine(rule=True), *mark]
    return original.model_copy(
        update={"slip_id": slip_id, "duplicate": number, "lines": tuple(lines)}
    )


def _mark(number: int, at: datetime, officer_badge: str) -> list[SlipLine]:
    printed = f"{in_law_zone(at):%d.%m.%Y %H:%M}, {officer_badge}"
    return [
        SlipLine(text=f"ТЕЛНҰСҚА № {number}", align=Align.CENTER, bold=True, large=True),
        SlipLine(text=f"ДУБЛИКАТ № {number}", align=Align.CENTER, bold=True, large=True),
        SlipLine(text=printed[:32], align=Align.CENTER),
    ]
