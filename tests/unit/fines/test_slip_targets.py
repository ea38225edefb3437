"""Every kind of slip says the same on the printer, in the PDF, in the picture and as text."""

import io
import re

import pytest
import zxingcpp
from PIL import Image

from fines.errors import DuplicatesExhausted, SlipNotPrinted
from fines.field.escpos import CODE_PAGE, Missing, render
from fines.field.layout import rows_of
from fines.field.raster import columns
from fines.rendering import slip_pdf, slip_png, slip_text
from fines.rules.duplicates import DUPLICATES_MAX, next_duplicate
from fines.rules.slips import plain_lines
from fines.wire.slip import SlipLine
from sim.printer import Interpreter
from tests.factories_pdf import pdf_text
from tests.unit.fines.test_slip_papers import KAZAKH, KINDS, URL, sale

KIND = pytest.mark.parametrize("slip", KINDS.values(), ids=KINDS.keys())
LETTERS = [*KAZAKH, "₸", "№"]


def words(text):
    return re.sub(r"[─_\-]{3,}", " ", text).split()


class Reader:
    """Reads a print job back as text: what each byte and each picture stands for."""

    def __init__(self):
        self.pictures = {
            columns(letter, bold=bold): letter
            for letter in KAZAKH + "₸–«»“”" for bold in (False, True)
        }  # fmt: skip

    def text(self, job):
        lines, line, at = [], "", 0
        while at < len(job):
            head = job[at : at + 2]
            if head == b"\x1b*":
                size = int.from_bytes(job[at + 3 : at + 5], "little") * 3
                dots = job[at + 5 : at + 5 + size]
                line += "".join(self.pictures[dots[i : i + 36]] for i in range(0, size, 36))
                at += 5 + size
            elif head == b"\x1dv":
                size = int.from_bytes(job[at + 4 : at + 6], "little")
                lines.append("<picture>")
                at += 8 + size * int.from_bytes(job[at + 6 : at + 8], "little")
            elif head == b"\x1d(":
                at += 5 + int.from_bytes(job[at + 3 : at + 5], "little")
            elif head == b"\x1b@":
                at += 2
            elif job[at] in (0x1B, 0x1D):
                at += 3
            elif job[at] == 0x0A:
                lines.append(line)
                line, at = "", at + 1
            else:
                line += job[at : at + 1].decode(CODE_PAGE)
                at += 1
        return lines


def papers(job):
    found, at = [], 0
    interpreter = Interpreter(cut=found.append, reply=lambda _: None)
    while at < len(job):
        at += interpreter.step(job[at:])
    return found


@KIND
def test_the_pdf_and_the_text_say_the_same_in_order(slip):
    drawn = "".join(pdf_text(slip_pdf(slip)).split())

    said = "".join(words(slip_text(slip).replace(URL, "")))

    assert drawn == said


@KIND
def test_the_printer_gets_the_lines_of_the_text(slip):
    twins = str.maketrans("іІ", "iI")
    printed = Reader().text(render(slip))

    wanted = [row for row in rows_of(slip) if not row.qr]

    for line, row in zip(printed, wanted, strict=False):
        assert line in ("<picture>", row.text.translate(twins)), row
    assert "?" not in "".join(printed)
    said = "".join("".join(row.text.split()) for row in wanted).replace("─", "")
    text = "".join("".join(line.split()) for line in plain_lines(slip) if URL not in line)
    assert said == text.replace("-" * 32, "").replace("_" * 32, "")


@KIND
@pytest.mark.parametrize("how", Missing)
def test_the_code_is_read_back_from_the_printed_paper(slip, how, tmp_path):
    (paper,) = papers(render(slip, missing=how))
    paper.save(tmp_path / "paper.png")

    with Image.open(tmp_path / "paper.png") as picture:
        found = zxingcpp.read_barcodes(picture)

    assert [one.text for one in found] == [URL]


@KIND
def test_the_code_is_read_back_from_the_picture(slip):
    with Image.open(io.BytesIO(slip_png(slip))) as picture:
        found = zxingcpp.read_barcodes(picture.convert("L"))

    assert [one.text for one in found] == [URL]


@pytest.mark.parametrize("letter", LETTERS)
@pytest.mark.parametrize("style", [{}, {"bold": True}, {"large": True, "bold": True}], ids=str)
def test_each_letter_comes_out_on_every_target(letter, style):
    base = sale()[0]

    def with_text(text):
        return base.model_copy(update={"lines": (SlipLine(text=text, **style),)})

    shown, unknown, blank = with_text(letter * 3), with_text("???"), with_text("   ")

    assert pdf_text(slip_pdf(shown)) == letter * 3
    assert letter * 3 in slip_text(shown)
    assert slip_png(shown) not in (slip_png(unknown), slip_png(blank))
    ink = [papers(render(one))[0].dots() for one in (shown, unknown, blank)]
    assert ink[0] not in ink[1:]


@pytest.mark.parametrize(("known", "number"), [(0, 1), (1, 2), (4, 5)])
def test_duplicates_are_numbered_in_turn(known, number):
    assert next_duplicate(original_printed=True, known=known) == number


def test_duplicates_have_an_end_and_wait_for_their_original():
    with pytest.raises(DuplicatesExhausted):
        next_duplicate(original_printed=True, known=DUPLICATES_MAX)
    with pytest.raises(SlipNotPrinted):
        next_duplicate(original_printed=False, known=0)
