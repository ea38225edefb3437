"""A slip on a 58 mm roll as PDF, as a picture of the paper, and as text.

All lengths are dots of the print head: 8 to the millimetre, 384 to a line.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import segno
from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont

from app import fonts
from fines.rules.slips import plain_lines
from fines.wire.slip import LINE_COLUMNS, Align, Slip, SlipLine

LINE_DOTS: Final = 384
_COLUMN_DOTS: Final = LINE_DOTS // LINE_COLUMNS
_FONT_DOTS: Final = 20  # Roboto Mono: an advance of 0.6 of its size
_LARGE: Final = 2
_ROW_DOTS: Final = 26
_RULE_DOTS: Final = 16
_SIGNATURE_DOTS: Final = 96
_QR_MODULE_DOTS: Final = 5
_QR_QUIET_MODULES: Final = 4
_MARGIN_DOTS: Final = 16
_PAPER_DOTS: Final = LINE_DOTS + 2 * _MARGIN_DOTS
_POINTS_PER_DOT: Final = 72 / (8 * 25.4)
_BASELINE: Final = 0.8  # of a row: where letters stand
# A paper carries its own date in its lines; the file's date is fixed so that bytes repeat.
FIXED_DATE: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class _Text:
    x: int
    baseline: int
    text: str
    bold: bool
    scale: int


@dataclass(frozen=True)
class _Box:
    x: int
    y: int
    width: int
    height: int


_Mark = _Text | _Box


def slip_text(slip: Slip) -> str:
    """Return the slip as text, 32 columns wide."""
    return "\n".join(plain_lines(slip)) + "\n"


def slip_pdf(slip: Slip) -> bytes:
    """Return the slip as a one-page PDF of the roll's width; the same bytes for the same slip.

    Raises:
        GlyphMissing: a letter has no glyph; nothing is drawn.
    """
    height, marks = _laid_out(slip)
    pdf = FPDF(unit=_POINTS_PER_DOT, format=(_PAPER_DOTS, height))
    pdf.set_creation_date(FIXED_DATE)
    pdf.set_auto_page_break(False)
    for face in fonts.faces():
        pdf.add_font(face.family, face.style, face.path)
    pdf.set_title(f"{slip.kind.value} {slip.copy_number}/{slip.copies}")
    pdf.add_page()
    for mark in marks:
        if isinstance(mark, _Box):
            pdf.rect(mark.x, mark.y, mark.width, mark.height, style="F")
            continue
        for x, face, run in _placed_runs(mark):
            pdf.set_font(face.family, face.style, _FONT_DOTS * mark.scale * _POINTS_PER_DOT)
            pdf.text(x, mark.baseline, run)
    return bytes(pdf.output())


def slip_png(slip: Slip) -> bytes:
    """Return a black and white picture of the slip, one pixel a dot.

    Raises:
        GlyphMissing: a letter has no glyph; nothing is drawn.
    """
    height, marks = _laid_out(slip)
    image = Image.new("1", (_PAPER_DOTS, height), 1)
    draw = ImageDraw.Draw(image)
    for mark in marks:
        if isinstance(mark, _Box):
            draw.rectangle(
                (mark.x, mark.y, mark.x + mark.width - 1, mark.y + mark.height - 1), fill=0
            )
            continue
        for x, face, run in _placed_runs(mark):
            font = ImageFont.truetype(str(face.path), _FONT_DOTS * mark.scale)
            draw.text((x, mark.baseline), run, fill=0, font=font, anchor="ls")
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def _placed_runs(mark: _Text) -> Iterator[tuple[int, fonts.Face, str]]:
    x = mark.x
    style = fonts.BOLD if mark.bold else fonts.REGULAR
    for face, run in fonts.runs(mark.text, fonts.MONO, style):
        yield x, face, run
        x += _COLUMN_DOTS * mark.scale * len(run)


def _laid_out(slip: Slip) -> tuple[int, list[_Mark]]:
    fonts.refuse_missing(text for line in slip.lines for text in (line.text, line.right))
    marks: list[_Mark] = []
    y = _MARGIN_DOTS
    for line in slip.lines:
        y += _lay(line, y, marks)
    return y + _MARGIN_DOTS, marks


def _lay(line: SlipLine, y: int, marks: list[_Mark]) -> int:
    left = _MARGIN_DOTS
    if line.rule:
        marks.append(_Box(left, y + _RULE_DOTS // 2, LINE_DOTS, 2))
        return _RULE_DOTS
    if line.qr:
        return _lay_qr(line.qr, y, marks)
    if line.signature:
        marks.append(_Box(left, y + _SIGNATURE_DOTS, LINE_DOTS, 2))
        marks.append(_text(line, line.text, y + _SIGNATURE_DOTS, Align.CENTER))
        return _SIGNATURE_DOTS + _ROW_DOTS + 2
    if line.text:
        marks.append(_text(line, line.text, y, Align.LEFT if line.right else line.align))
    if line.right:
        marks.append(_text(line, line.right, y, Align.RIGHT))
    return _ROW_DOTS * (_LARGE if line.large else 1)


def _text(line: SlipLine, text: str, y: int, align: Align) -> _Text:
    scale = _LARGE if line.large else 1
    free = LINE_DOTS - len(text) * _COLUMN_DOTS * scale
    shift = {Align.LEFT: 0, Align.CENTER: free // 2, Align.RIGHT: free}[align]
    baseline = y + int(_ROW_DOTS * scale * _BASELINE)
    return _Text(_MARGIN_DOTS + shift, baseline, text, line.bold, scale)


def _lay_qr(content: str, y: int, marks: list[_Mark]) -> int:
    marks += qr_boxes(content, module=_QR_MODULE_DOTS, width=_PAPER_DOTS, y=y)
    modules = len(segno.make(content, error="m", micro=False).matrix)
    return (modules + 2 * _QR_QUIET_MODULES) * _QR_MODULE_DOTS


def qr_boxes(content: str, *, module: int, width: int, y: int) -> Iterator[_Box]:
    """Yield the black runs of a QR code, centered in ``width``, its quiet zone above at ``y``."""
    matrix = segno.make(content, error="m", micro=False).matrix
    left = (width - len(matrix) * module) // 2
    top = y + _QR_QUIET_MODULES * module
    for row, cells in enumerate(matrix):
        column = 0
        while column < len(cells):
            run = 0
            while column + run < len(cells) and cells[column + run]:
                run += 1
            if run:
                yield _Box(left + column * module, top + row * module, run * module, module)
            column += run + 1
