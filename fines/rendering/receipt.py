"""The receipt (түбіртек, квитанция) that the person is handed, on one A5 page in PDF.

Offence code article 811(1): the right to pay half within seven working days is explained on it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from app import fonts
from app.clock import in_law_zone
from fines.rendering.slip import FIXED_DATE, qr_boxes
from fines.rules.amounts import DISCOUNT_PERCENT, tenge_text
from fines.rules.offence_record import Act
from fines.rules.words import amount_words_kk, amount_words_ru

_MARGIN_MM: Final = 12
_LABEL_MM: Final = 52
_ROW_MM: Final = 4.8
_QR_TENTHS: Final = 8  # a module of 0.8 mm
# With the handing over of this paper they equal the decision (note to article 811(2)).
_ACTS: Final = {
    Act.ANNOUNCED: "Жарияланды / Объявлено",
    Act.ENTERED: "Жүйеге енгізілді / Внесено",
    Act.EXPLAINED: "Түсіндірілді / Разъяснено",
}
_A5_WIDTH_MM: Final = 148
_A5_HEIGHT_MM: Final = 210


@dataclass(frozen=True, kw_only=True)
class ReceiptFacts:
    """What the receipt states. Names and numbers of persons stay out of ``repr``."""

    receipt_number: str
    record_number: str
    department_kk: str
    department_ru: str
    department_bin: str
    issued_at: datetime
    violator_name: str = field(repr=False)
    violator_iin: str = field(repr=False)
    citation: str
    title_kk: str
    title_ru: str
    occurred_at: datetime
    place: str
    mrp_count: int
    mrp_tenge: int
    fine_full_tiyn: int
    fine_half_tiyn: int
    discount_last_day: date
    acts: Mapping[Act, datetime]  # as they were reported before the receipt
    officer_badge: str
    budget_code: str
    purpose_code: str
    verification_url: str


def receipt_pdf(facts: ReceiptFacts) -> bytes:
    """Return the receipt; the same bytes for the same facts.

    Raises:
        GlyphMissing: a letter has no glyph; nothing is drawn.
    """
    rows = list(_rows(facts))
    head = (facts.department_kk, facts.department_ru)
    fonts.refuse_missing([*head, *(text for row in rows for text in row), *_explained(facts)])
    pdf = FPDF(unit="mm", format=(_A5_WIDTH_MM, _A5_HEIGHT_MM))
    pdf.set_creation_date(FIXED_DATE)
    pdf.set_margin(_MARGIN_MM)
    pdf.set_auto_page_break(True, margin=_MARGIN_MM)
    for face in fonts.faces():
        pdf.add_font(face.family, face.style, face.path)
    pdf.set_fallback_fonts([fonts.MONO])
    pdf.set_title(f"R {facts.receipt_number}")
    pdf.add_page()
    _draw_head(pdf, facts)
    for label, value in rows:
        _draw_row(pdf, label, value)
    pdf.ln(2)
    pdf.set_font(fonts.SANS, fonts.REGULAR, 7.5)
    for text in _explained(facts):
        _paragraph(pdf, text, 3.6)
    _draw_qr(pdf, facts.verification_url)
    return bytes(pdf.output())


def _rows(facts: ReceiptFacts) -> Iterator[tuple[str, str]]:
    yield "Хаттама / Протокол №", facts.record_number
    yield "Берілген күні / Выдана", _moment(facts.issued_at)
    yield "Бұзушы / Нарушитель", facts.violator_name
    yield "ЖСН / ИИН", facts.violator_iin
    yield "ӘҚБтК бабы / Статья КоАП", facts.citation
    yield "", facts.title_kk
    yield "", facts.title_ru
    yield "Уақыты / Время", _moment(facts.occurred_at)
    yield "Орны / Место", facts.place
    counted = f"{facts.mrp_count} × {facts.mrp_tenge} ₸ = {tenge_text(facts.fine_full_tiyn)} ₸"
    yield "Айыппұл / Штраф", counted
    half = f"{tenge_text(facts.fine_half_tiyn)} ₸"
    yield f"{DISCOUNT_PERCENT}% төлемі / К оплате {DISCOUNT_PERCENT}%", half
    yield "", amount_words_kk(facts.fine_half_tiyn)
    yield "", amount_words_ru(facts.fine_half_tiyn)
    yield "Соңғы күні / Последний день", f"{facts.discount_last_day:%d.%m.%Y}, 24:00"
    yield "БСН / БИН", facts.department_bin
    yield "КБК / КНП", f"{facts.budget_code} / {facts.purpose_code}"
    yield "Инспектор", facts.officer_badge


def _moment(at: datetime) -> str:
    return f"{in_law_zone(at):%d.%m.%Y %H:%M}"


def _explained(facts: ReceiptFacts) -> tuple[str, ...]:
    day = f"{facts.discount_last_day:%d.%m.%Y}"
    done = [f"{_ACTS[act]} {_moment(facts.acts[act])}" for act in _ACTS if act in facts.acts]
    return (
        *(["; ".join(done) + "."] if done else []),
        (
            f"ӘҚБтК 811-бабы: айыппұлдың елу пайызын {day} күні сағат 24:00-ге дейін төлеуге "
            "құқығыңыз бар. Мерзімінде төленсе, іс мәні бойынша қаралған, шешім күшіне енген болып "
            "саналады. Төленбесе, іс жалпы тәртіппен қаралады."
        ),
        (
            f"Статья 811 КоАП: вы вправе оплатить пятьдесят процентов штрафа до 24:00 {day}. При "
            "оплате в срок дело считается рассмотренным по существу, решение – вступившим в силу. "
            "При неоплате дело рассматривается в общем порядке."
        ),
    )


def _draw_head(pdf: FPDF, facts: ReceiptFacts) -> None:
    pdf.set_font(fonts.SANS, fonts.REGULAR, 9)
    for text in (facts.department_kk, facts.department_ru):
        _paragraph(pdf, text, 4.4, align="C")
    pdf.set_font(fonts.SANS, fonts.BOLD, 13)
    _paragraph(pdf, "ТҮБІРТЕК / КВИТАНЦИЯ", 8, align="C")
    pdf.set_font(fonts.MONO, fonts.BOLD, 12)
    _paragraph(pdf, f"№ {facts.receipt_number}", 6, align="C")
    pdf.ln(2)


def _draw_row(pdf: FPDF, label: str, value: str) -> None:
    pdf.set_font(fonts.SANS, fonts.REGULAR, 8)
    pdf.cell(_LABEL_MM, _ROW_MM, label)
    pdf.set_font(fonts.SANS, fonts.BOLD if label else fonts.REGULAR, 8.5 if label else 7.5)
    _paragraph(pdf, value, _ROW_MM if label else 4)


def _paragraph(pdf: FPDF, text: str, height: float, *, align: str = "L") -> None:
    pdf.multi_cell(0, height, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _draw_qr(pdf: FPDF, content: str) -> None:
    # Boxes are whole numbers of tenths of a millimetre: a QR module is never blurred.
    boxes = list(qr_boxes(content, module=_QR_TENTHS, width=_A5_WIDTH_MM * 10, y=0))
    height_mm = max(box.y + box.height for box in boxes) / 10
    if pdf.get_y() + height_mm > _A5_HEIGHT_MM - _MARGIN_MM:
        pdf.add_page()
    top = int(pdf.get_y() * 10)
    for box in boxes:
        pdf.rect(box.x / 10, (top + box.y) / 10, box.width / 10, box.height / 10, style="F")
