"""Slips as ESC/POS: text where the printer has the letters, pictures where not, never ``?``."""

import uuid

import pytest

from fines.field.escpos import CODE_PAGE, WIDTH_DOTS, Missing, render
from fines.field.layout import rows_of
from fines.field.raster import CELL_DOTS, CELL_ROWS, ROW_DOTS, LetterNotDrawable, columns, raster
from fines.wire.slip import LINE_COLUMNS, Align, Slip, SlipKind, SlipLine
from sim.printer import Interpreter, NeedMore

KAZAKH = "ӘәҒғҚқҢңӨөҰұҮүҺһІі"
RASTER = b"\x1dv0"
COLUMNS = b"\x1b*\x21"
TWINS = "іІ"  # drawn as the Latin letters are
AT_ONCE = (b"\x10\x04", b"\x10\x05", b"\x10\x14")  # what a printer obeys inside pictures too


def slip(*lines):
    return Slip(
        slip_id=uuid.UUID(int=1),
        payment_id=uuid.UUID(int=2),
        kind=SlipKind.SALE,
        copy_number=1,
        lines=lines,
    )


def texts(*lines):
    return [row.text for row in rows_of(slip(*lines))]


def paper(job):
    papers = []
    interpreter = Interpreter(cut=papers.append, reply=lambda _: None)
    at = 0
    while at < len(job):
        at += interpreter.step(job[at:])
    return papers


def test_a_russian_line_is_text_in_the_printers_own_page():
    job = render(slip(SlipLine(text="Министерство внутренних дел № 7")))

    assert "Министерство внутренних дел № 7".encode(CODE_PAGE) in job
    assert RASTER not in job


@pytest.mark.parametrize("letter", sorted({*KAZAKH, "₸"} - {*TWINS}))
def test_a_letter_no_page_has_is_a_picture_between_the_printers_own(letter):
    job = render(slip(SlipLine(text=f"Сумма {letter} 10")))

    head = COLUMNS + CELL_DOTS.to_bytes(2, "little")
    size = CELL_DOTS * CELL_ROWS // 8
    before, _, rest = job.partition(head)
    assert before.endswith("Сумма ".encode(CODE_PAGE))
    assert rest[size:].startswith(b" 10\n")
    assert RASTER not in job


@pytest.mark.parametrize("letter", TWINS)
def test_a_letter_that_looks_like_a_latin_one_is_printed_by_it(letter):
    job = render(slip(SlipLine(text=f"{letter}с")))

    assert {"і": "i", "І": "I"}[letter].encode() + "с".encode(CODE_PAGE) in job


def test_neighbours_share_the_head_of_their_picture():
    job = render(slip(SlipLine(text="ҢӨҰ")))

    assert job.count(COLUMNS) == 1
    assert COLUMNS + (3 * CELL_DOTS).to_bytes(2, "little") in job


def test_a_large_line_is_one_picture_of_plain_size_that_the_printer_doubles():
    job = render(slip(SlipLine(text="ТӨЛЕМ", large=True)))

    head = RASTER + b"\x03" + (8).to_bytes(2, "little") + ROW_DOTS.to_bytes(2, "little")
    assert job.count(head) == 1
    assert COLUMNS not in job


@pytest.mark.parametrize("letter", [*KAZAKH, "₸"])
def test_a_printer_that_breaks_lines_at_pictures_gets_whole_lines(letter):
    job = render(slip(SlipLine(text=f"Төлем {letter} 10")), missing=Missing.LINE)

    assert job.count(RASTER) == 1
    assert COLUMNS not in job


def test_only_the_lines_that_need_it_are_pictures():
    lines = (SlipLine(text="Сумма"), SlipLine(text="Төленді"), SlipLine(text="Итого"))

    job = render(slip(*lines), missing=Missing.LINE)

    assert job.count(RASTER) == 1
    assert "Сумма".encode(CODE_PAGE) in job
    assert "Итого".encode(CODE_PAGE) in job


@pytest.mark.parametrize("bold", [False, True])
def test_no_picture_commands_the_printer(bold):
    alphabet = KAZAKH + "₸–«»“”€—"
    lines = [SlipLine(text=one + two, bold=bold) for one in alphabet for two in alphabet]

    jobs = [render(slip(*lines[at : at + 100]), missing=how) for at in (0, 100, 200, 300, 400)
            for how in Missing]  # fmt: skip

    assert [code for job in jobs for code in AT_ONCE if code in job] == []


@pytest.mark.parametrize("letter", sorted({*KAZAKH, "₸"} - {*TWINS}))
def test_a_letter_in_its_line_is_drawn_whole_and_like_no_other(letter):
    drawn = columns(letter, bold=False)
    others = {columns(other, bold=False) for other in KAZAKH + "₸?" if other != letter}

    assert any(drawn)
    assert drawn not in others


def test_both_ways_of_printing_give_the_same_paper_but_for_its_grain():
    line = SlipLine(text="Айыппұл Қазақстан ₸")

    (by_letter,) = paper(render(slip(line)))
    (by_line,) = paper(render(slip(line), missing=Missing.LINE))

    assert by_letter.height == by_line.height


@pytest.mark.parametrize("letter", [*KAZAKH, "₸", "№", "«", "»", "–", "·"])
def test_each_letter_is_drawn_and_differs_from_its_neighbours(letter):
    drawn = raster(row_of(letter), width=WIDTH_DOTS).tobytes()
    others = {
        other: raster(row_of(other), width=WIDTH_DOTS).tobytes()
        for other in KAZAKH + "₸№«»–·? "
        if other != letter
    }

    assert drawn not in others.values()


def row_of(text):
    return next(rows_of(slip(SlipLine(text=text))))


def test_a_letter_that_cannot_be_drawn_is_refused_by_its_code_only():
    with pytest.raises(LetterNotDrawable, match=r"U\+4E2D"):
        render(slip(SlipLine(text="中")))


@pytest.mark.parametrize("line", [{"text": "x\x1bp\x00"}, {"text": "x", "right": "\x10\x04"}])
def test_text_cannot_command_the_printer(line):
    with pytest.raises(LetterNotDrawable):
        render(slip(SlipLine(**line)))


def test_a_job_starts_from_a_known_state_and_ends_with_a_cut():
    job = render(slip(SlipLine(text="x")))

    assert job.startswith(b"\x1b@\x1bt\x11")
    assert job.endswith(b"\x1dV\x01")


def test_a_picture_is_as_wide_as_the_roll_and_as_high_as_a_text_line():
    picture = raster(row_of("Ә" * LINE_COLUMNS), width=WIDTH_DOTS)

    assert picture.size == (WIDTH_DOTS, ROW_DOTS)


def test_a_qr_code_is_drawn_by_the_printer_itself():
    job = render(slip(SlipLine(qr="https://saqshy.example/v/1")))

    assert b"\x1d(k" in job
    assert b"https://saqshy.example/v/1" in job
    assert RASTER not in job


def test_two_slips_are_two_papers():
    papers = paper(render(slip(SlipLine(text="а"))) + render(slip(SlipLine(text="ә"))))

    assert len(papers) == 2


def test_an_unfinished_command_waits_for_its_rest():
    job = render(slip(SlipLine(text="Ә")))
    start = job.index(COLUMNS)
    interpreter = Interpreter(cut=lambda _: None, reply=lambda _: None)

    with pytest.raises(NeedMore):
        interpreter.step(job[start : start + 30])


def test_a_label_and_its_value_share_a_line_where_they_fit():
    (line,) = texts(SlipLine(text="Терминал", right="00001042"))

    assert line == "Терминал" + " " * 16 + "00001042"
    assert len(line) == LINE_COLUMNS


def test_a_value_too_long_for_the_line_goes_below_flush_right():
    lines = texts(SlipLine(text="Хаттама · Протокол", right="KZ-2026-0000000042"))

    assert lines == ["Хаттама · Протокол", "KZ-2026-0000000042".rjust(LINE_COLUMNS)]


@pytest.mark.parametrize("space", ["\u00a0", "\u202f", "\u2009"])
def test_an_unbreakable_space_holds_its_words_together_and_prints_as_a_space(space):
    lines = texts(SlipLine(text=f"Төлеуге жататын айыппұл сомасы 10{space}812,50"))

    assert lines == ["Төлеуге жататын айыппұл сомасы", "10 812,50"]


def test_a_long_text_is_wrapped_at_words():
    lines = texts(SlipLine(text="Орны: Абай даңғылы – Байтұрсынов көшесі, Әуезов ауданы"))

    assert all(len(line) <= LINE_COLUMNS for line in lines)
    assert " ".join(lines) == "Орны: Абай даңғылы – Байтұрсынов көшесі, Әуезов ауданы"


@pytest.mark.parametrize("length", [1, 15, 16, 17, 32, 33, 200])
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("align", list(Align))
def test_no_row_is_wider_than_the_roll(length, large, align):
    columns = LINE_COLUMNS // 2 if large else LINE_COLUMNS

    lines = texts(SlipLine(text="ө" * length, large=large, align=align))

    assert max(len(line) for line in lines) <= columns
    assert sum(line.count("ө") for line in lines) == length


def test_a_signature_has_room_above_its_line():
    lines = texts(SlipLine(signature=True, text="Қолы"))

    assert lines == ["", "", "─" * LINE_COLUMNS, "Қолы"]
