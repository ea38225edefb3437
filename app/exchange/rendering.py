"""The monthly report on paper: volumes in PDF, each of a bounded number of lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from app import fonts
from app.clock import in_law_zone
from app.exchange.rules.control_report import ReportLine
from app.exchange.rules.control_table import TableLine, numbers_of, verdict_of
from app.exchange.rules.documents import DocumentState, document_name

LINES_IN_VOLUME: Final = 400  # drawn in about a second, and in memory only so long
_MARGIN_MM: Final = 10
_LINE_MM: Final = 3.6
_BLOCK_MM: Final = 3 * _LINE_MM + 1.2
_ROOM_MM: Final = 190  # of a landscape A4 page, above its foot
_DOCUMENT: Final = "Құжат / Документ / Document"
_DOCUMENT_IS: Final = {
    DocumentState.ATTACHED: "",
    DocumentState.NOT_ATTACHED: "тіркелмеген / не приложен / not attached",
    DocumentState.DESTROYED: "жойылған / уничтожен / destroyed",
}
_TEXT_MAX: Final = 200  # characters of one cell; the table of values has the whole
# A paper carries its own date in its lines; the file's date is fixed so that bytes repeat.
_FILE_DATE: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class VolumeHead:
    """What stands above the lines of a volume."""

    title: str
    official: str
    volume: int
    volumes: int
    notes: Sequence[str]


def report_pdf(head: VolumeHead, lines: Iterable[TableLine]) -> bytes:
    """Return a volume of the report; the same bytes for the same lines.

    A letter that the fonts lack is drawn as a question mark: a report is not refused for a name.
    """
    pdf = FPDF(orientation="landscape", unit="mm", format="A4")
    pdf.set_creation_date(_FILE_DATE)
    pdf.set_margin(_MARGIN_MM)
    pdf.set_auto_page_break(False)
    for face in fonts.faces():
        if face.family == fonts.SANS:
            pdf.add_font(face.family, face.style, face.path)
    pdf.set_title(_drawable(head.title))
    pdf.add_page()
    _draw_head(pdf, head)
    for one in lines:
        height = _BLOCK_MM if one.line.document_state is None else _BLOCK_MM + _LINE_MM
        if pdf.get_y() + height > _ROOM_MM:
            _draw_foot(pdf, head)
            pdf.add_page()
        _draw_line(pdf, one)
    _draw_foot(pdf, head)
    return bytes(pdf.output())


def _draw_head(pdf: FPDF, head: VolumeHead) -> None:
    _text(pdf, head.title, size=12, style=fonts.BOLD, height=6)
    _text(pdf, head.official, size=9, height=4.5)
    for note in head.notes:
        _text(pdf, note, size=8, height=4)
    pdf.ln(2)


def _draw_line(pdf: FPDF, one: TableLine) -> None:
    line, shown = one.line, one.line.shown
    pdf.line(_MARGIN_MM, pdf.get_y(), pdf.w - _MARGIN_MM, pdf.get_y())
    pdf.ln(0.6)
    received = in_law_zone(line.received_at).isoformat(sep=" ", timespec="seconds")
    hit = {None: "–", True: "+", False: "0"}[line.hit]
    first = f"{line.number}   {received}   {one.officer}, {one.badge}, {one.unit}, {one.device}"
    second = (
        f"{line.basis} {line.stop_ground}   {numbers_of(line)}   {' '.join(line.services)}   "
        f"[{line.subject}]   {hit}   {shown.viewed}/{shown.printed}/{shown.exported}   "
        f"{verdict_of(line)}   {line.refusal or line.status}"
    )
    extended = "abandoned" if line.abandoned else line.extended
    third = "   ".join(
        part
        for part in (
            " ".join(line.flags),
            extended,
            "" if line.mark is None else f"{line.mark.value}: {line.mark_text}",
            "" if line.leaf_index is None else f"#{line.leaf_index}",
        )
        if part
    )
    _text(pdf, first, size=7.5, style=fonts.BOLD, height=_LINE_MM)
    _text(pdf, second, size=7, height=_LINE_MM)
    _text(pdf, third, size=7, height=_LINE_MM)
    document = _document_words(line)
    if document:
        _text(pdf, document, size=7, height=_LINE_MM)


def _document_words(line: ReportLine) -> str:
    """Return what the paper says of an international order's document; nothing of others."""
    if line.document_state is None:
        return ""
    said = [_DOCUMENT_IS[line.document_state]]
    if line.document is not None:
        said += [document_name(line.request_id), f"SHA-256 {line.document.sha256}"]
    return f"{_DOCUMENT}: {' '.join(filter(None, said))}"


def _draw_foot(pdf: FPDF, head: VolumeHead) -> None:
    pdf.set_y(_ROOM_MM + 4)
    _text(pdf, f"{head.volume} / {head.volumes}   –   {pdf.page_no()}", size=7, height=_LINE_MM)


def _text(pdf: FPDF, text: str, *, size: float, height: float, style: str = fonts.REGULAR) -> None:
    pdf.set_font(fonts.SANS, style, size)
    room = pdf.w - 2 * _MARGIN_MM
    shown = _drawable(" ".join(text.split()))[: 4 * _TEXT_MAX]
    while shown and pdf.get_string_width(shown) > room:
        shown = shown[: int(len(shown) * 0.97)] if shown.endswith("…") else shown
        shown = shown.rstrip("…")[:-2] + "…"
    pdf.cell(room, height, shown, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _drawable(text: str) -> str:
    held = fonts.face(fonts.SANS, fonts.REGULAR).characters
    return "".join(one if one in held else "?" for one in text)
