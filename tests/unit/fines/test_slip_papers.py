"""The slips: what they say, in which languages, and that every rendering says the same."""

import hashlib
import io
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
import zxingcpp
from PIL import Image

from app.fonts import GlyphMissing
from fines.rendering import ReceiptFacts, receipt_pdf, slip_pdf, slip_png, slip_text
from fines.rules.duplicates import duplicate_of
from fines.rules.offence_record import Act
from fines.rules.slips import (
    AttemptFacts,
    CardFacts,
    CaseFacts,
    plain_lines,
    refund_slip,
    sale_slips,
    unpaid_slip,
)
from fines.rules.texts import REASON_TEXTS
from fines.wire.protocol import Reason
from fines.wire.slip import LINE_COLUMNS, LINES_MAX, SlipKind, SlipLine

IIN = "950817301017"
URL = "https://saqshy.example/v/payment/00000000-0000-4000-8000-000000000003?c=ABCDEFGHIJKLMNOP"
KAZAKH = "ӘәҒғҚқҢңӨөҰұҮүҺһІі"
CASE = {
    "department_kk": "Алматы қаласының Полиция департаменті",
    "department_ru": "Департамент полиции города Алматы",
    "department_bin": "210940000013",
    "place": "Алматы, Абай даңғылы – Байтұрсынов көшесі",
    "record_number": "2026-000000001",
    "receipt_number": "R-2026-000000001",
    "citation": "592(2)",
    "officer_badge": "ALA-1042",
    "violator_name": "ҮСЕНОВ Нұрлан Ыбырайұлы",
    "violator_iin": IIN,
    "fine_full_tiyn": 4_325_000,
    "amount_tiyn": 2_162_500,
    "discount_last_day": date(2026, 12, 1),
    "budget_code": "204105",
    "purpose_code": "913",
}
CARD = CardFacts(
    terminal_number="52500042",
    merchant_number="000000000000777",
    receipt_number=12,
    trace_number=34,
    rrn="632612000034",
    approval_code="A1B2C3",
    card_brand="VISA",
    card_masked="400000******1045",
    entry_mode="chip",
    cardholder_check="online_pin",
    aid="A0000000031010",
    terminal_serial="SIM-52500042",
    batch_number=7,
    application_label="VISA DEBIT",
    tvr="0080008000",
    tsi="E800",
    cryptogram="9C2F5A0B7D1E4366",
    terminal_at=datetime(2026, 11, 22, 6, 0, tzinfo=UTC),
)


def sale(**changed):
    return sale_slips(
        slip_ids=(UUID(int=1), UUID(int=2)),
        payment_id=UUID(int=3),
        case=CaseFacts(**(CASE | changed)),
        card=CARD,
        verification_url=URL,
    )


def unpaid(kind, reason=Reason.THIRD_PARTY_CARD, *, card=None):
    return unpaid_slip(
        slip_id=UUID(int=4),
        payment_id=UUID(int=3),
        case=CaseFacts(**CASE),
        attempt=AttemptFacts(
            kind=kind,
            reason=reason,
            at=datetime(2026, 11, 22, 6, 0, tzinfo=UTC),
            terminal_number="52500042",
            terminal_serial="SIM-52500042",
            response_code="57",
            card=card,
        ),
        verification_url=URL,
    )


def duplicate(slip, number=1):
    return duplicate_of(
        slip,
        slip_id=UUID(int=9),
        number=number,
        at=datetime(2026, 11, 22, 9, 5, tzinfo=UTC),
        officer_badge="ALA-1042",
    )


def refund(refunded_tiyn=2_162_500):
    return refund_slip(
        slip_id=UUID(int=5),
        payment_id=UUID(int=3),
        case=CaseFacts(**CASE),
        card=CARD,
        refunded_tiyn=refunded_tiyn,
        at=datetime(2026, 11, 25, 6, 0, tzinfo=UTC),
        verification_url=URL,
    )


KINDS = {
    "violator's copy": sale()[0],
    "filed copy": sale()[1],
    "declined": unpaid(SlipKind.DECLINED),
    "reversed": unpaid(SlipKind.REVERSED, Reason.SERVER_REFUSED, card=CARD),
    "refund": refund(),
    "duplicate of the violator's copy": duplicate(sale()[0]),
    "duplicate of the filed copy": duplicate(sale()[1], 5),
    "duplicate of a declined one": duplicate(unpaid(SlipKind.DECLINED)),
}
ALL = tuple(KINDS.values())


def test_the_violators_copy_masks_the_iin_and_the_filed_one_does_not():
    violators, filed = (slip_text(one) for one in sale())

    assert IIN not in violators
    assert "********1017" in violators
    assert IIN in filed


def test_a_sale_names_everything_that_proves_it():
    for text in (slip_text(one) for one in sale()):
        for fact in (
            "52500042", "000000000000777", "0012", "000034", "632612000034", "A1B2C3",
            "400000******1045", "VISA", "A0000000031010", "2026-000000001", "R-2026-000000001",
            "592(2)", "ALA-1042", "ТӨЛЕМ ЧЕГІ", "ЧЕК ОБ ОПЛАТЕ", "01.12.2026",
            "22.11.2026 11:00:00 +05", "204105/913",
        ):  # fmt: skip
            assert fact in text


def test_the_filed_copy_has_the_sum_in_words():
    violators, filed = (" ".join(slip_text(one).split()) for one in sale())

    assert "жиырма бір мың алты жүз жиырма бес теңге 00 тиын" in filed
    assert "двадцать одна тысяча шестьсот двадцать пять тенге 00 тиын" in filed
    assert "тиын" not in violators


def test_both_copies_are_signed_under_the_declaration():
    for slip in sale():
        text = " ".join(slip_text(slip).split())
        assert "Өз банк картаммен төлеймін" in text
        assert "Плачу собственной банковской картой" in text
        assert sum(line.signature for line in slip.lines) == 1


@pytest.mark.parametrize("kind", [SlipKind.DECLINED, SlipKind.REVERSED])
@pytest.mark.parametrize("reason", Reason)
def test_an_unpaid_slip_leaves_no_doubt(kind, reason):
    text = " ".join(slip_text(unpaid(kind, reason)).split())

    assert "ТӨЛЕНГЕН ЖОҚ" in text
    assert "НЕ ОПЛАЧЕНО" in text
    assert "ТӨЛЕНДІ / ОПЛАЧЕНО" not in text
    assert all(one in text for one in REASON_TEXTS[reason])
    assert IIN not in text


@pytest.mark.parametrize("kind", [SlipKind.SALE, SlipKind.REFUND])
def test_no_unpaid_slip_is_made_of_what_moved_money(kind):
    with pytest.raises(ValueError, match="copies"):
        unpaid(kind)


def test_a_duplicate_says_so_first_and_last_and_changes_nothing_else():
    original = sale()[1]

    lines = plain_lines(duplicate(original, 3))

    marks = ["ТЕЛНҰСҚА № 3", "ДУБЛИКАТ № 3", "22.11.2026 14:05, ALA-1042"]
    assert [line.strip() for line in lines[:3]] == marks
    assert [line.strip() for line in lines[-3:]] == marks
    # What was signed is said to be signed elsewhere; every other line stands as it stood.
    kept = [line for line in plain_lines(original) if "подпись" not in line and "_" not in line]
    assert [line for line in kept if line not in lines] == []
    assert not any(line.signature for line in duplicate(original).lines)
    assert "Подпись на оригинале" in " ".join(lines)


def test_a_refund_says_what_went_back_and_nothing_is_signed():
    text = " ".join(slip_text(refund(500_000)).split())

    assert "ҚАЙТАРЫЛДЫ / ВОЗВРАЩЕНО" in text
    assert "5 000,00 ₸" in text
    assert "632612000034" in text
    assert "ТӨЛЕНДІ / ОПЛАЧЕНО" not in text
    assert IIN not in text
    assert not any(line.signature for line in refund().lines)


@pytest.mark.parametrize("slip", ALL)
def test_every_line_fits_the_roll(slip):
    assert len(slip.lines) <= LINES_MAX
    for line in slip.lines:
        width = len(line.text) + (len(line.right) + 1 if line.right else 0)
        assert width <= LINE_COLUMNS // (2 if line.large else 1)


def test_names_of_any_length_fit():
    slips = sale(violator_name="Ә" * 100, place="Ұ" * 300, department_kk="Қ" * 200)

    for slip in slips:
        assert len(slip.lines) <= LINES_MAX
        assert all(len(line) <= LINE_COLUMNS for line in plain_lines(slip) if "http" not in line)


@pytest.mark.parametrize("slip", ALL)
def test_the_same_slip_is_the_same_bytes(slip):
    first, again = (hashlib.sha256(slip_pdf(slip)).digest() for _ in range(2))

    assert first == again
    assert slip_png(slip) == slip_png(slip)


@pytest.mark.parametrize("slip", ALL)
def test_the_code_is_read_back_from_the_picture(slip):
    picture = Image.open(io.BytesIO(slip_png(slip))).convert("L")

    found = zxingcpp.read_barcodes(picture)

    assert [one.text for one in found] == [URL]
    assert IIN not in URL


@pytest.mark.parametrize("letter", [*KAZAKH, "₸", "№", "«", "»", "–", "ё", "Ё"])
def test_every_letter_has_ink(letter):
    slip = sale()[0]
    line = SlipLine(text=letter * 8)
    page = slip_png(slip.model_copy(update={"lines": (line,)}))
    blank = slip_png(slip.model_copy(update={"lines": (SlipLine(text=" " * 8),)}))
    strange = slip_png(slip.model_copy(update={"lines": (SlipLine(text="?" * 8),)}))

    assert page not in (blank, strange)


def test_a_letter_without_a_glyph_stops_the_paper():
    slip = sale()[0].model_copy(update={"lines": (SlipLine(text="漢"),)})

    for draw in (slip_pdf, slip_png):
        with pytest.raises(GlyphMissing) as refused:
            draw(slip)
        assert refused.value.fields == {"code_points": ["U+6F22"]}


RECEIPT = ReceiptFacts(
    **{
        name: CASE[name]
        for name in (
            "receipt_number", "record_number", "department_kk", "department_ru",
            "department_bin", "violator_name", "violator_iin", "citation", "place",
            "fine_full_tiyn", "discount_last_day", "officer_badge", "budget_code",
            "purpose_code",
        )
    },
    issued_at=datetime(2026, 11, 22, 6, 0, tzinfo=UTC),
    occurred_at=datetime(2026, 11, 22, 5, 40, tzinfo=UTC),
    title_kk="Жылдамдықты 20–40 км/сағ асыру",
    title_ru="Превышение скорости на 20–40 км/ч",
    mrp_count=10,
    mrp_tenge=4325,
    fine_half_tiyn=2_162_500,
    acts=dict.fromkeys(Act, datetime(2026, 11, 22, 5, 50, tzinfo=UTC)),
    verification_url=URL,
)  # fmt: skip


def test_the_receipt_is_the_same_bytes_each_time():
    first, again = receipt_pdf(RECEIPT), receipt_pdf(RECEIPT)

    assert first.startswith(b"%PDF-")
    assert first == again


def test_a_long_receipt_goes_on_to_a_second_page():
    short, long = receipt_pdf(RECEIPT), receipt_pdf(replace(RECEIPT, place="Ұзын көше " * 30))

    assert short.count(b"/Type /Page\n") == 1
    assert long.count(b"/Type /Page\n") == 2


def test_persons_do_not_show_in_a_representation():
    shown = repr(CaseFacts(**CASE)) + repr(RECEIPT)

    assert IIN not in shown
    assert "ҮСЕНОВ" not in shown
