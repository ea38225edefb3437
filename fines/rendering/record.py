"""The offence record (хаттама, протокол) on A4 in PDF: Kazakh and Russian side by side.

Offence code article 803. The same bytes for the same facts; the QR code holds no personal data.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from app import fonts
from app.clock import in_law_zone
from fines.rendering.slip import FIXED_DATE, qr_boxes
from fines.rules.amounts import tenge_text

_MARGIN_MM: Final = 15
_LABEL_MM: Final = 62
_ROW_MM: Final = 4.6
_QR_TENTHS: Final = 8
_A4_WIDTH_MM: Final = 210
_A4_HEIGHT_MM: Final = 297
_SIGNING_MM: Final = 60  # what the signatures and the code need at the foot
_ROLES: Final = {
    "witness": "Куә / Свидетель",
    "victim": "Жәбірленуші / Потерпевший",
    "attesting": "Куәгер / Понятой",
}
_REFUSED: Final = "Қол қоюдан бас тартты / От подписи отказался"
_NO: Final = "жоқ / нет"


@dataclass(frozen=True, kw_only=True)
class RecordFacts:
    """What the record states. Whatever names a person stays out of ``repr``."""

    number: str
    department_kk: str
    department_ru: str
    drawn_up_at: datetime
    place: str
    officer_title: str
    officer_name: str = field(repr=False)
    officer_badge: str
    offender_name: str = field(repr=False)
    offender_iin: str = field(repr=False)
    papers: dict[str, str] = field(repr=False)
    vehicle: dict[str, str] = field(repr=False)
    citation: str
    title_kk: str
    title_ru: str
    occurred_at: datetime
    essence: str = field(repr=False)
    details: dict[str, object] = field(repr=False)
    language: str
    signature: dict[str, object] = field(repr=False)
    signature_at: datetime | None
    warned: bool
    fine_full_tiyn: int
    mrp_count: int
    mrp_tenge: int
    verification_url: str


def record_pdf(facts: RecordFacts) -> bytes:
    """Return the record; the same bytes for the same facts.

    Raises:
        GlyphMissing: a letter has no glyph; nothing is drawn.
    """
    rows = list(_rows(facts))
    head = (facts.department_kk, facts.department_ru)
    fonts.refuse_missing([*head, *(text for row in rows for text in row), *_rights()])
    pdf = FPDF(unit="mm", format=(_A4_WIDTH_MM, _A4_HEIGHT_MM))
    pdf.set_creation_date(FIXED_DATE)
    pdf.set_margin(_MARGIN_MM)
    pdf.set_auto_page_break(True, margin=_MARGIN_MM)
    for face in fonts.faces():
        pdf.add_font(face.family, face.style, face.path)
    pdf.set_fallback_fonts([fonts.MONO])
    pdf.set_title(facts.number)
    pdf.add_page()
    _draw_head(pdf, facts)
    for label, value in rows:
        _draw_row(pdf, label, value)
    pdf.ln(1.5)
    pdf.set_font(fonts.SANS, fonts.REGULAR, 7.5)
    for text in _rights():
        _paragraph(pdf, text, 3.6)
    _draw_foot(pdf, facts)
    return bytes(pdf.output())


def _rows(facts: RecordFacts) -> Iterator[tuple[str, str]]:
    details = facts.details
    yield "Жасалды / Составлен", f"{_moment(facts.drawn_up_at)}, {facts.place}"
    author = f"{facts.officer_title} {facts.officer_name}, {facts.officer_badge}"
    yield "Жасаған / Составил", author
    yield (
        "Іс жүргізу тілі / Язык",
        {"kk": "қазақ / казахский", "ru": "орыс / русский"}[facts.language],
    )
    interpreter = details.get("interpreter")
    if isinstance(interpreter, dict):
        yield "Аудармашы / Переводчик", f"{interpreter['name']} ({interpreter['into']})"
    yield from _person_rows(facts)
    yield "ӘҚБтК бабы / Статья КоАП", facts.citation
    yield "", facts.title_kk
    yield "", facts.title_ru
    yield "Жасалған уақыты / Совершено", _moment(facts.occurred_at)
    yield "Мәні / Существо", facts.essence
    yield from _ground_rows(facts)
    yield from _people_rows(details)
    yield from _device_rows(details)
    yield "Түсініктеме / Объяснение", _said(details, "explanation")
    if _said(details, "additional", missing=""):
        yield "Қосымша / Иное", _said(details, "additional")
    attachments = details.get("attachments")
    if isinstance(attachments, list) and attachments:
        yield "Қоса беріледі / Приложены", ", ".join(str(one) for one in attachments)
    yield from _signature_rows(facts)


def _person_rows(facts: RecordFacts) -> Iterator[tuple[str, str]]:
    papers, details = facts.papers, facts.details
    yield "Тұлға / Лицо", facts.offender_name
    yield "ЖСН / ИИН", facts.offender_iin
    born = papers.get("birth_date", "")
    yield "Туған күні / Дата рождения", f"{date.fromisoformat(born):%d.%m.%Y}" if born else _NO
    yield "Жеке куәлігі / Удостоверение", papers.get("document_number") or _NO
    yield "Тұратын жері / Место жительства", papers.get("residence") or _NO
    yield "Жұмыс орны / Место работы", _said(details, "workplace")
    confirmed = "" if details.get("contact_confirmed") else " (расталмаған / не подтверждено)"
    contact = _said(details, "contact", missing="")
    yield "Байланыс / Связь (743)", f"{contact}{confirmed}" if contact else _NO
    vehicle = " ".join(
        one for one in (facts.vehicle.get(name, "") for name in ("plate", "make_model")) if one
    )
    yield "Көлік / Транспортное средство", vehicle or _NO


def _ground_rows(facts: RecordFacts) -> Iterator[tuple[str, str]]:
    repeat = facts.details.get("repeat")
    if isinstance(repeat, dict):
        imposed = date.fromisoformat(str(repeat["imposed_on"]))
        yield (
            "Қайталану / Повторность",
            (f"{repeat['citation']}, № {repeat['number']}, {imposed:%d.%m.%Y}"),
        )
    elif _said(facts.details, "earlier_decision", missing=""):
        yield "Қайталану / Повторность", _said(facts.details, "earlier_decision")
    if _said(facts.details, "aggravating", missing=""):
        yield "Ауырлататын / Отягчающее (57)", _said(facts.details, "aggravating")
    if facts.warned:
        yield "Жаза / Взыскание", "ескерту / предупреждение"
    elif facts.fine_full_tiyn:
        yield (
            "Санкция",
            (f"{facts.mrp_count} × {facts.mrp_tenge} ₸ = {tenge_text(facts.fine_full_tiyn)} ₸"),
        )


def _signature_rows(facts: RecordFacts) -> Iterator[tuple[str, str]]:
    said, at = facts.signature, facts.signature_at
    unnamed = "уәжі айтылмады / мотивы не названы"
    if at is None:
        if facts.details.get("signature") == "refused":  # stated at entry
            yield _REFUSED, _said(facts.details, "refusal_motives", missing=unnamed)
        return
    if said.get("signature") == "refused":
        yield _REFUSED, f"{_moment(at)}: {_said(said, 'motives', missing=unnamed)}"
    else:
        yield "Тұлға қол қойды / Лицо подписало", _moment(at)
    if _said(said, "remarks", missing=""):
        yield "Ескертпелер / Замечания", _said(said, "remarks")
    yield from _people_rows(said)


def _people_rows(details: dict[str, object]) -> Iterator[tuple[str, str]]:
    people = details.get("people")
    for one in people if isinstance(people, list) else ():
        yield _ROLES[str(one["role"])], f"{one['name']}, {one['address']}"


def _device_rows(details: dict[str, object]) -> Iterator[tuple[str, str]]:
    device = details.get("technical_device")
    if not isinstance(device, dict):
        return
    yield "Құрал / Прибор", f"{device['name']}, № {device['serial']}"
    if device.get("reading"):
        yield "Көрсеткіш / Показание", str(device["reading"])
    if device.get("verified_until"):
        until = date.fromisoformat(str(device["verified_until"]))
        number = device.get("verification_number") or ""
        yield "Тексеру / Поверка", f"{number} {until:%d.%m.%Y} дейін / до".strip()


def _said(details: dict[str, object], name: str, *, missing: str = _NO) -> str:
    return str(details.get(name) or "") or missing


def _moment(at: datetime) -> str:
    return f"{in_law_zone(at):%d.%m.%Y %H:%M}"


def _rights() -> tuple[str, str]:
    return (
        (
            "Құқықтар мен міндеттер (ӘҚБтК 744-бабы) түсіндірілді, іс жүргізу тілі айқындалды. "
            "Қол қою хаттамамен танысқанды ғана білдіреді, кінәні мойындау болып табылмайды "
            "(803-бап)."
        ),
        (
            "Права и обязанности (статья 744 КоАП) разъяснены, язык производства определён. "
            "Подпись означает только ознакомление с протоколом и не является признанием вины "
            "(статья 803)."
        ),
    )


def _draw_head(pdf: FPDF, facts: RecordFacts) -> None:
    pdf.set_font(fonts.SANS, fonts.REGULAR, 9)
    for text in (facts.department_kk, facts.department_ru):
        _paragraph(pdf, text, 4.4, align="C")
    pdf.set_font(fonts.SANS, fonts.BOLD, 12)
    _paragraph(pdf, "ӘКІМШІЛІК ҚҰҚЫҚ БҰЗУШЫЛЫҚ ТУРАЛЫ ХАТТАМА", 6, align="C")
    _paragraph(pdf, "ПРОТОКОЛ ОБ АДМИНИСТРАТИВНОМ ПРАВОНАРУШЕНИИ", 6, align="C")
    pdf.set_font(fonts.MONO, fonts.BOLD, 11)
    _paragraph(pdf, f"№ {facts.number}", 6, align="C")
    pdf.ln(1)


def _draw_row(pdf: FPDF, label: str, value: str) -> None:
    pdf.set_font(fonts.SANS, fonts.REGULAR, 8)
    pdf.cell(_LABEL_MM, _ROW_MM, label)
    pdf.set_font(fonts.SANS, fonts.BOLD if label else fonts.REGULAR, 8.5 if label else 8)
    _paragraph(pdf, value, _ROW_MM)


def _draw_foot(pdf: FPDF, facts: RecordFacts) -> None:
    if pdf.get_y() > _A4_HEIGHT_MM - _MARGIN_MM - _SIGNING_MM:
        pdf.add_page()
    pdf.ln(9)
    pdf.set_font(fonts.SANS, fonts.REGULAR, 8)
    line = "____________________"
    _paragraph(pdf, f"{line} инспектор        {line} тұлғаның қолы / подпись лица", 5)
    _paragraph(pdf, f"{line} көшірмесін алдым / копию получил(а)", 9)
    boxes = list(qr_boxes(facts.verification_url, module=_QR_TENTHS, width=_A4_WIDTH_MM * 10, y=0))
    top = int(pdf.get_y() * 10)
    for box in boxes:
        pdf.rect(box.x / 10, (top + box.y) / 10, box.width / 10, box.height / 10, style="F")


def _paragraph(pdf: FPDF, text: str, height: float, *, align: str = "L") -> None:
    pdf.multi_cell(0, height, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
