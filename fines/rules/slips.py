"""The slips of a payment as lines of the one slip model, wrapped to the width of the roll.

Two copies of a sale: the violator's shows four digits of his IIN, the filed one all of it. A
declined or reversed attempt gets one paper that leaves no doubt that nothing was paid.
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID

from app.clock import in_law_zone
from fines.rules.amounts import DISCOUNT_PERCENT, tenge_text
from fines.rules.texts import CHECK_TEXTS, ENTRY_TEXTS, REASON_TEXTS
from fines.rules.words import amount_words_kk, amount_words_ru
from fines.wire.protocol import Reason
from fines.wire.slip import LINE_COLUMNS, Align, Slip, SlipKind, SlipLine

VIOLATOR_COPY: Final = 1
FILED_COPY: Final = 2
_LARGE_COLUMNS: Final = LINE_COLUMNS // 2
_IIN_SHOWN: Final = 4
_TITLES: Final = {
    SlipKind.SALE: ("ТӨЛЕМ ЧЕГІ", "ЧЕК ОБ ОПЛАТЕ"),
    SlipKind.DECLINED: ("ТӨЛЕНГЕН ЖОҚ", "НЕ ОПЛАЧЕНО"),
    SlipKind.REVERSED: ("ТӨЛЕНГЕН ЖОҚ", "НЕ ОПЛАЧЕНО"),
    SlipKind.REFUND: ("ҚАЙТАРУ", "ВОЗВРАТ"),
}
_REVERSED_NOTE: Final = (
    "Операция кері қайтарылды, ақша картаға қайтады.",
    "Операция отменена, деньги возвращаются на карту.",
)
_MINISTRY: Final = ("ҚР Ішкі істер министрлігі", "МВД Республики Казахстан")
_EXPIRY_MASKED: Final = (
    "**/**"  # an expiry is asked of no terminal: beside a number it is card data
)
_APPROVED_CODE: Final = "00"  # ISO 8583 DE39; nothing else was ever accepted
_APPROVED_TEXT: Final = "мақұлданды/одобрено"
_DECLARATION: Final = (
    "Өз банк картаммен төлеймін, құқық бұзушылықты мойындаймын, дәлелдемелерге дау айтпаймын.",
    "Плачу собственной банковской картой, правонарушение признаю, доказательства не оспариваю.",
)


@dataclass(frozen=True, kw_only=True)
class CaseFacts:
    """What a slip says of the case. Names and numbers of persons stay out of ``repr``."""

    department_kk: str
    department_ru: str
    department_bin: str
    place: str
    record_number: str
    receipt_number: str
    citation: str
    officer_badge: str
    violator_name: str = field(repr=False)
    violator_iin: str = field(repr=False)
    fine_full_tiyn: int
    amount_tiyn: int
    discount_last_day: date | None  # none: the fine is paid whole
    budget_code: str
    purpose_code: str


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """What the terminal said of an approved sale; the card number is masked."""

    terminal_number: str
    merchant_number: str
    receipt_number: int
    trace_number: int
    rrn: str
    approval_code: str
    card_brand: str
    card_masked: str
    entry_mode: str
    cardholder_check: str
    aid: str
    terminal_at: datetime
    terminal_serial: str = ""
    batch_number: int | None = None
    application_label: str = ""
    tvr: str = ""
    tsi: str = ""
    cryptogram: str = ""


@dataclass(frozen=True, kw_only=True)
class AttemptFacts:
    """What is known of an attempt that left nothing paid; ``card`` where one was approved."""

    kind: SlipKind  # DECLINED or REVERSED
    reason: Reason
    at: datetime
    terminal_number: str
    terminal_serial: str = ""
    response_code: str = ""  # of the host, else of the terminal
    card: CardFacts | None = None


def sale_slips(
    *,
    slip_ids: Sequence[UUID],
    payment_id: UUID,
    case: CaseFacts,
    card: CardFacts,
    verification_url: str,
) -> tuple[Slip, Slip]:
    """Return the violator's copy and the filed copy of a completed sale, in that order."""
    first, second = (
        Slip(
            slip_id=slip_id,
            payment_id=payment_id,
            kind=SlipKind.SALE,
            copy_number=number,
            copies=2,
            lines=tuple(_sale_lines(case, card, number, verification_url)),
        )
        for slip_id, number in zip(slip_ids, (VIOLATOR_COPY, FILED_COPY), strict=True)
    )
    return first, second


def unpaid_slip(
    *,
    slip_id: UUID,
    payment_id: UUID,
    case: CaseFacts,
    attempt: AttemptFacts,
    verification_url: str,
) -> Slip:
    """Return the one paper of an attempt that left nothing paid."""
    if attempt.kind not in (SlipKind.DECLINED, SlipKind.REVERSED):
        raise ValueError("a sale has two copies of its own")
    return Slip(
        slip_id=slip_id,
        payment_id=payment_id,
        kind=attempt.kind,
        copy_number=VIOLATOR_COPY,
        copies=1,
        lines=tuple(_unpaid_lines(case, attempt, verification_url)),
    )


def refund_slip(
    *,
    slip_id: UUID,
    payment_id: UUID,
    case: CaseFacts,
    card: CardFacts,
    refunded_tiyn: int,
    at: datetime,
    verification_url: str,
) -> Slip:
    """Return the paper of money given back to the card it came from; nobody signs it."""
    lines = [
        *_head(case, SlipKind.REFUND),
        SlipLine(rule=True),
        *_case_lines(case, filed=False),
        SlipLine(rule=True),
        *_card_lines(card),
        SlipLine(rule=True),
        *_pair("Төленген/Оплачено", f"{tenge_text(case.amount_tiyn)} ₸"),
        *_pair("Қайтару/Возврат", _local(at)),
        *_centered(("ҚАЙТАРЫЛДЫ / ВОЗВРАЩЕНО",), bold=True),
        *_centered((f"{tenge_text(refunded_tiyn)} ₸",), bold=True, large=True),
        SlipLine(qr=verification_url),
    ]
    return Slip(
        slip_id=slip_id,
        payment_id=payment_id,
        kind=SlipKind.REFUND,
        copy_number=VIOLATOR_COPY,
        copies=1,
        lines=tuple(lines),
    )


def masked_iin(iin: str) -> str:
    """Return the IIN with its last four digits shown."""
    return "*" * (len(iin) - _IIN_SHOWN) + iin[-_IIN_SHOWN:]


def plain_lines(slip: Slip, *, columns: int = LINE_COLUMNS) -> list[str]:
    """Return the slip as text lines; what every rendering has to show, in that order."""
    lines: list[str] = []
    for line in slip.lines:
        lines.append(_plain(line, columns))
        if line.signature:
            lines.append(line.text.center(columns).rstrip())
    return lines


def _plain(line: SlipLine, columns: int) -> str:
    if line.rule or line.signature:
        return ("_" if line.signature else "-") * columns
    if line.right:
        return line.text + line.right.rjust(columns - len(line.text))
    match line.align:
        case Align.CENTER:
            return line.text.center(columns).rstrip()
        case Align.RIGHT:
            return line.text.rjust(columns)
        case Align.LEFT:
            return line.text or line.qr


def _sale_lines(
    case: CaseFacts, card: CardFacts, copy_number: int, verification_url: str
) -> Iterator[SlipLine]:
    filed = copy_number == FILED_COPY
    yield from _head(case, SlipKind.SALE)
    copy = (
        ("2/2 – әкімшілік іске", "2/2 – к делу")
        if filed
        else ("1/2 – бұзушыға", "1/2 – нарушителю")
    )
    yield from _centered(copy)
    yield SlipLine(rule=True)
    yield from _case_lines(case, filed=filed)
    yield SlipLine(rule=True)
    yield from _card_lines(card)
    yield from _pair("Жауап/Ответ", f"{_APPROVED_CODE} {_APPROVED_TEXT}")
    yield SlipLine(rule=True)
    yield from _sum_lines(case, filed=filed)
    yield SlipLine(rule=True)
    for text in _DECLARATION:
        yield from _wrapped(text)
    yield SlipLine(signature=True, text="қолы, күні / подпись, дата")
    yield SlipLine(qr=verification_url)


def _unpaid_lines(
    case: CaseFacts, attempt: AttemptFacts, verification_url: str
) -> Iterator[SlipLine]:
    yield from _head(case, attempt.kind)
    yield SlipLine(rule=True)
    yield from _case_lines(case, filed=False)
    yield SlipLine(rule=True)
    if attempt.card is not None:
        yield from _card_lines(attempt.card)
    else:
        yield from _terminal_lines(attempt.terminal_number, attempt.terminal_serial)
    yield SlipLine(rule=True)
    if attempt.kind is SlipKind.REVERSED:
        for text in _REVERSED_NOTE:
            yield from _wrapped(text, bold=True)
    if attempt.response_code:
        yield from _pair("Жауап/Ответ", attempt.response_code)
    for text in REASON_TEXTS[attempt.reason]:
        yield from _wrapped(text, bold=True)
    yield from _pair("Сома/Сумма", f"{tenge_text(case.amount_tiyn)} ₸")
    yield from _pair("Уақыты/Время", _local(attempt.at))
    yield from _centered(_TITLES[attempt.kind], bold=True, large=True)
    yield SlipLine(qr=verification_url)


def _head(case: CaseFacts, kind: SlipKind) -> Iterator[SlipLine]:
    yield from _centered(_MINISTRY)
    yield from _centered((case.department_kk, case.department_ru))
    yield from _pair("БСН/БИН", case.department_bin)
    yield from _pair("КБК/КНП", f"{case.budget_code}/{case.purpose_code}")
    yield SlipLine()
    yield from _centered(_TITLES[kind], bold=True, large=True)


def _case_lines(case: CaseFacts, *, filed: bool) -> Iterator[SlipLine]:
    yield from _pair("Хаттама/Протокол", case.record_number)
    yield from _pair("Түбіртек/Квит.", case.receipt_number)
    yield from _pair("ӘҚБтК/КоАП", case.citation)
    yield from _pair("Бұзушы/Нарушитель", case.violator_name)
    yield from _pair("ЖСН/ИИН", case.violator_iin if filed else masked_iin(case.violator_iin))
    yield from _pair("Инспектор", case.officer_badge)
    if case.place:
        yield from _wrapped(case.place)


def _terminal_lines(number: str, serial: str) -> Iterator[SlipLine]:
    yield from _pair("Терминал", number)
    if serial:
        yield from _pair("Сериялық/Серийный №", serial)


def _card_lines(card: CardFacts) -> Iterator[SlipLine]:
    yield from _pair("Уақыты/Время", _local(card.terminal_at))
    yield from _terminal_lines(card.terminal_number, card.terminal_serial)
    yield from _pair("Саудагер/Мерчант", card.merchant_number)
    if card.batch_number is not None:
        yield from _pair("Топтама/Пакет №", f"{card.batch_number:06d}")
    yield from _pair("Чек №", f"{card.receipt_number:04d}")
    yield from _pair("STAN", f"{card.trace_number:06d}")
    yield from _pair(card.card_brand, card.card_masked)
    yield from _pair("Жарамды/Годна", _EXPIRY_MASKED)
    how = ENTRY_TEXTS.get(card.entry_mode, card.entry_mode)
    check = CHECK_TEXTS.get(card.cardholder_check, "–")
    yield from _pair("Оқылуы/Ввод", f"{how}, {check}")
    chip = (
        ("AID", card.aid),
        ("Қосымша/Приложение", card.application_label),
        ("TVR", card.tvr),
        ("TSI", card.tsi),
        ("AC", card.cryptogram),
    )
    for label, value in chip:
        if value:
            yield from _pair(label, value)
    yield from _pair("RRN", card.rrn)
    yield from _pair("Авторизация", card.approval_code)


def _sum_lines(case: CaseFacts, *, filed: bool) -> Iterator[SlipLine]:
    saved = case.fine_full_tiyn - case.amount_tiyn
    yield from _pair("Айыппұл/Штраф", f"{tenge_text(case.fine_full_tiyn)} ₸")
    if case.discount_last_day is not None:
        yield from _pair(f"Жеңілдік/Скидка {DISCOUNT_PERCENT}%", f"{tenge_text(saved)} ₸")
        yield from _pair("Мерзімі/Срок до", case.discount_last_day.strftime("%d.%m.%Y"))
    yield from _centered(("ТӨЛЕНДІ / ОПЛАЧЕНО",), bold=True)
    yield from _centered((f"{tenge_text(case.amount_tiyn)} ₸",), bold=True, large=True)
    if filed:
        yield from _wrapped(amount_words_kk(case.amount_tiyn))
        yield from _wrapped(amount_words_ru(case.amount_tiyn))


def _local(at: datetime) -> str:
    local = in_law_zone(at)
    hours = int((local.utcoffset() or local - local).total_seconds() // 3600)
    return f"{local:%d.%m.%Y %H:%M:%S} +{hours:02d}"


def _pair(label: str, value: str) -> Iterator[SlipLine]:
    if len(label) + 1 + len(value) <= LINE_COLUMNS:
        yield SlipLine(text=label, right=value)
        return
    yield from _wrapped(label)
    for piece in _pieces(value, LINE_COLUMNS):
        yield SlipLine(text=piece, align=Align.RIGHT)


def _wrapped(text: str, *, bold: bool = False) -> Iterator[SlipLine]:
    for piece in _pieces(text, LINE_COLUMNS):
        yield SlipLine(text=piece, bold=bold)


def _centered(
    texts: Iterable[str], *, bold: bool = False, large: bool = False
) -> Iterator[SlipLine]:
    for text in texts:
        for piece in _pieces(text, _LARGE_COLUMNS if large else LINE_COLUMNS):
            yield SlipLine(text=piece, align=Align.CENTER, bold=bold, large=large)


def _pieces(text: str, columns: int) -> list[str]:
    return textwrap.wrap(text, columns, break_long_words=True, break_on_hyphens=False)
