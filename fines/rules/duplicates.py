"""Reprints: numbered duplicates of a slip that came out once. There is never a second original."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.clock import in_law_zone
from fines.errors import DuplicatesExhausted, SlipNotPrinted
from fines.wire.slip import Align, Slip, SlipLine

# Nobody needs more for one slip; a torn roll or a lost paper is told to the station.
DUPLICATES_MAX: Final = 5
NUMBER_MAX: Final = 99  # of a slip's duplicates, ordered and made by the machine together
_MAY_BE_OUT: Final = ("Түпнұсқа шықпаған болуы мүмкін", "Оригинал мог не выйти")
_SIGNED_ELSEWHERE: Final = ("Қолы түпнұсқада", "Подпись на оригинале")


def next_duplicate(*, original_printed: bool, known: int, replacements: int = 0) -> int:
    """Return the number of the next duplicate of a slip, of which ``known`` were ordered.

    ``replacements`` were made besides for papers that may not have come out: they have numbers of
    the same row, and nobody ordered them.

    Raises:
        SlipNotPrinted: the original itself is still wanted on paper: it comes, unmarked.
        DuplicatesExhausted: there are as many as may be.
    """
    if not original_printed:
        raise SlipNotPrinted("the original has not come out yet")
    if known >= DUPLICATES_MAX:
        raise DuplicatesExhausted(f"{known} duplicates were ordered")
    return known + replacements + 1


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


def replacement_of(
    doubtful: Slip, *, original: Slip, slip_id: UUID, number: int, at: datetime, officer_badge: str
) -> Slip:
    """Return what stands in for a paper of which nobody knows whether it came out.

    Numbered and marked like a duplicate. What it replaces could be signed: so can it, for the one
    before may never have been in anybody's hand.
    """
    if any(line.signature for line in doubtful.lines):
        mark = _mark(number, at, officer_badge)
        note = [SlipLine(text=text, align=Align.CENTER) for text in _MAY_BE_OUT]
        lines = (*mark, *note, SlipLine(rule=True), *original.lines, SlipLine(rule=True), *mark)
        return original.model_copy(update={"slip_id": slip_id, "duplicate": number, "lines": lines})
    return duplicate_of(
        original, slip_id=slip_id, number=number, at=at, officer_badge=officer_badge
    )


def _mark(number: int, at: datetime, officer_badge: str) -> list[SlipLine]:
    printed = f"{in_law_zone(at):%d.%m.%Y %H:%M}, {officer_badge}"
    return [
        SlipLine(text=f"ТЕЛНҰСҚА № {number}", align=Align.CENTER, bold=True, large=True),
        SlipLine(text=f"ДУБЛИКАТ № {number}", align=Align.CENTER, bold=True, large=True),
        SlipLine(text=printed[:32], align=Align.CENTER),
    ]
