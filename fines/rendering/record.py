"""The offence record (хаттама, протокол) on A4 in PDF: Kazakh and Russian side by side.

Offence code article 803. A warning given on the spot has no record: its paper is the resolution
(қаулы, постановление) of article 807, whose second copy the person signs. The same bytes for the
same facts; the QR code holds no personal data.
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
_SIGNING_MM: Final = 65  # what the signatures of officer and person and the code need at the foot
_SIGNATURE_MM: Final = 9  # what one more signature needs
_LINE: Final = "____________________"
_ROLES: Final = {
    "witness": "Куә / Свидетель",
    "victim": "Жәбірленуші / Потерпевший",
    "attesting": "Куәгер / Понятой",
}
_SUBJECTS: Final = {
    "official": "лауазымды адам / должностное лицо",
    "small": "шағын кәсіпкерлік субъектісі / субъект малого предпринимательства",
}
_REFUSED: Final = "Қол қоюдан бас тартты / От подписи отказался"
_NO: Final = "жоқ / нет"
_RECORD_HEAD: Final = (
    "ӘКІМШІЛІК ҚҰҚЫҚ БҰЗУШЫЛЫҚ ТУРАЛЫ ХАТТАМА",
    "ПРОТОКОЛ ОБ АДМИНИСТРАТИВНОМ ПРАВОНАРУШЕНИИ",
)
_WARNING_HEAD: Final = (
    "ЕСКЕРТУ ТҮРІНДЕГІ ӘКІМШІЛІК ЖАЗА ҚОЛДАНУ ТУРАЛЫ ҚАУЛЫ",
    "ПОСТАНОВЛЕНИЕ О НАЛОЖЕНИИ АДМИНИСТРАТИВНОГО ВЗЫСКАНИЯ В ВИДЕ ПРЕДУПРЕЖДЕНИЯ",
)
_RECORD_RIGHTS: Final = (
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
_WARNING_RIGHTS: Final = (
    (
        "Құқықтар мен міндеттер (ӘҚБтК 744-бабы) түсіндірілді, іс жүргізу тілі айқындалды. "
        "Ескерту оқиға орнында жасалды, хаттама толтырылмайды; тұлға қаулының екінші данасына "
        "қол қояды (807-бап)."
    ),
    (
        "Права и обязанности (статья 744 КоАП) разъяснены, язык производства определён. "
        "Предупреждение вынесено на месте, протокол не составляется; лицо подписывает второй "
        "экземпляр постановления (статья 807)."
    ),
)


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
    """Return the record, or of a warning the resolution; the same bytes for the same facts.

    Raises:
        GlyphMissing: a letter has no glyph; nothing is drawn.
    """
    rows = list(_rows(facts))
    rights = _WARNING_RIGHTS if facts.warned else _RECORD_RIGHTS
    head = (facts.department_kk, facts.department_ru)
    fonts.refuse_missing([*head, *(text for row in rows for text in row), *rights])
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
    for text in rights:
        _paragraph(pdf, text, 3.6)
    _draw_foot(pdf, facts)
    return bytes(pdf.output())


def _rows(facts: RecordFacts) -> Iterator[tuple[str, str]]:
    details = facts.details
    made, by = (
        ("Шығарылды / Вынесено", "Шығарған / Вынес")
        if facts.warned
        else ("Жасалды / Составлен", "Жасаған / Составил")
    )
    yield made, f"{_moment(facts.drawn_up_at)}, {facts.place}"
    yield by, f"{facts.officer_title} {facts.officer_name}, {facts.officer_badge}"
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
    examination = details.get("examination")
    if isinstance(examination, dict):
        at = datetime.fromisoformat(str(examination["at"]))
        yield "Істің қаралуы / Рассмотрение дела", f"{_moment(at)}, {examination['place']}"
    yield from _admission_rows(details)
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
    if details.get("acted_as"):
        yield "Құқық бұзушылық субъектісі / Субъект", _SUBJECTS[str(details["acted_as"])]
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


def _admission_rows(details: dict[str, object]) -> Iterator[tuple[str, str]]:
    admits = details.get("admits")
    if admits is not None:
        yield (
            "Кінәсін мойындауы / Признание",
            "мойындайды / признаёт" if admits else "мойындамайды / не признаёт",
        )


def _people_rows(details: dict[str, object]) -> Iterator[tuple[str, str]]:
    for one in _people(details):
        yield _ROLES[one["role"]], f"{one['name']}, {one['address']}"


def _people(details: dict[str, object]) -> list[dict[str, str]]:
    people = details.get("people")
    return people if isinstance(people, list) else []


def _device_rows(details: dict[str, object]) -> Iterator[tuple[str, str]]:
    device = details.get("technical_device")
    if not isinstance(device, dict):
        return
    yield "Құрал / Прибор", f"{device['name']}, № {device['serial']}"
    if device.get("reading"):
        yield "Көрсеткіш / Показание", str(device["reading"])
    verified = []
    if device.get("verification_number"):
        verified.append(f"№ {device['verification_number']}")
    if device.get("verified_on"):
        verified.append(f"{_day(device['verified_on'])} жүргізілді / проведена")
    if device.get("verified_until"):
        verified.append(f"{_day(device['verified_until'])} дейін / до")
    if verified:
        yield "Тексеру / Поверка", ", ".join(verified)


def _said(details: dict[str, object], name: str, *, missing: str = _NO) -> str:
    return str(details.get(name) or "") or missing


def _day(value: object) -> str:
    return f"{date.fromisoformat(str(value)):%d.%m.%Y}"


def _moment(at: datetime) -> str:
    return f"{in_law_zone(at):%d.%m.%Y %H:%M}"


def _draw_head(pdf: FPDF, facts: RecordFacts) -> None:
    pdf.set_font(fonts.SANS, fonts.REGULAR, 9)
    for text in (facts.department_kk, facts.department_ru):
        _paragraph(pdf, text, 4.4, align="C")
    pdf.set_font(fonts.SANS, fonts.BOLD, 12)
    for text in _WARNING_HEAD if facts.warned else _RECORD_HEAD:
        _paragraph(pdf, text, 6, align="C")
    pdf.set_font(fonts.MONO, fonts.BOLD, 11)
    _paragraph(pdf, f"№ {facts.number}", 6, align="C")
    pdf.ln(1)


def _draw_row(pdf: FPDF, label: str, value: str) -> None:
    pdf.set_font(fonts.SANS, fonts.REGULAR, 8)
    pdf.cell(_LABEL_MM, _ROW_MM, label)
    pdf.set_font(fonts.SANS, fonts.BOLD if label else fonts.REGULAR, 8.5 if label else 8)
    _paragraph(pdf, value, _ROW_MM)


def _draw_foot(pdf: FPDF, facts: RecordFacts) -> None:
    pdf.ln(2)
    for one in _people(facts.details):  # who is on the record signs it too (article 803(4))
        _keep_together(pdf, _SIGNATURE_MM)
        pdf.ln(4)
        pdf.set_font(fonts.SANS, fonts.REGULAR, 8)
        _paragraph(pdf, f"{_LINE} {_ROLES[one['role']]}: {one['name']}", 5)
    _keep_together(pdf, _SIGNING_MM)
    pdf.ln(7)
    pdf.set_font(fonts.SANS, fonts.REGULAR, 8)
    _paragraph(pdf, f"{_LINE} инспектор        {_LINE} тұлғаның қолы / подпись лица", 5)
    copy = (
        "қаулының екінші данасына қойылған қол / подпись на втором экземпляре постановления"
        if facts.warned
        else "көшірмесін алдым / копию получил(а)"
    )
    _paragraph(pdf, f"{_LINE} {copy}", 9)
    boxes = list(qr_boxes(facts.verification_url, module=_QR_TENTHS, width=_A4_WIDTH_MM * 10, y=0))
    top = int(pdf.get_y() * 10)
    for box in boxes:
        pdf.rect(box.x / 10, (top + box.y) / 10, box.width / 10, box.height / 10, style="F")


def _keep_together(pdf: FPDF, height: float) -> None:
    if pdf.get_y() > _A4_HEIGHT_MM - _MARGIN_MM - height:
        pdf.add_page()


def _paragraph(pdf: FPDF, text: str, height: float, *, align: str = "L") -> None:
    pdf.multi_cell(0, height, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
