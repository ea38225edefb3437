"""What a slip must say, line by line of the list of contents, on each of the eight kinds.

A row is a demand, the kinds it applies to and the words that fulfil it; a duplicate carries all
that its original does. Text, PDF, picture and print job carry the same lines: test_slip_targets.
"""

import re
from dataclasses import replace

import pytest

from fines.rendering import slip_text
from fines.rules.slips import CaseFacts, refund_slip, sale_slips
from tests.unit.fines.test_slip_papers import CARD, CASE, IIN, KINDS, URL, sale

VIOLATOR, FILED, DECLINED, REVERSED, REFUND, TWIN, FILED_TWIN, DECLINED_TWIN = KINDS
ALL = frozenset(KINDS)
SALES = frozenset({VIOLATOR, FILED, TWIN, FILED_TWIN})
UNPAID = frozenset({DECLINED, REVERSED, DECLINED_TWIN})
BY_CARD = SALES | {REVERSED, REFUND}  # a sale was approved: there is a card to speak of
DUPLICATES = frozenset({TWIN, FILED_TWIN, DECLINED_TWIN})
FILES = frozenset({FILED, FILED_TWIN})

CONTENTS = [
    ("ministry, Kazakh", ALL, "Ішкі істер министрлігі"),
    ("ministry, Russian", ALL, "МВД Республики Казахстан"),
    ("department, Kazakh", ALL, "Алматы қаласының Полиция департаменті"),
    ("department, Russian", ALL, "Департамент полиции города Алматы"),
    ("title of a sale", SALES, "ТӨЛЕМ ЧЕГІ ЧЕК ОБ ОПЛАТЕ"),
    ("kind: nothing paid", UNPAID, "ТӨЛЕНГЕН ЖОҚ НЕ ОПЛАЧЕНО"),
    ("kind: reversed", {REVERSED}, "Операция отменена, деньги возвращаются"),
    ("kind: refund", {REFUND}, "ҚАЙТАРУ ВОЗВРАТ"),
    ("BIN of the beneficiary", ALL, "БСН/БИН 210940000013"),
    ("budget and purpose code", ALL, "КБК/КНП 204105/913"),
    ("city and place", ALL, "Алматы, Абай даңғылы – Байтұрсынов көшесі"),
    ("terminal id", ALL, "Терминал 52500042"),
    ("terminal serial", ALL, "Сериялық/Серийный № SIM-52500042"),
    ("merchant id", BY_CARD, "Саудагер/Мерчант 000000000000777"),
    ("batch", BY_CARD, "Топтама/Пакет № 000007"),
    ("receipt number", BY_CARD, "Чек № 0012"),
    ("STAN", BY_CARD, "STAN 000034"),
    ("date and time with zone", ALL, "22.11.2026 11:00:00 +05"),
    ("brand and masked number", BY_CARD, "VISA 400000******1045"),
    ("expiry, masked", BY_CARD, "Жарамды/Годна **/**"),
    ("entry mode and CVM result", BY_CARD, "Оқылуы/Ввод чип, PIN"),
    ("AID", BY_CARD, "AID A0000000031010"),
    ("application label", BY_CARD, "Қосымша/Приложение VISA DEBIT"),
    ("TVR", BY_CARD, "TVR 0080008000"),
    ("TSI", BY_CARD, "TSI E800"),
    ("cryptogram", BY_CARD, "AC 9C2F5A0B7D1E4366"),
    ("RRN", BY_CARD, "RRN 632612000034"),
    ("authorisation code", BY_CARD, "Авторизация A1B2C3"),
    ("response code and text", SALES, "Жауап/Ответ 00 мақұлданды/одобрено"),
    ("response code of a refusal", UNPAID, "Жауап/Ответ 57"),
    ("response text of a refusal", {DECLINED, DECLINED_TWIN}, "Карта принадлежит другому лицу"),
    ("response text of a reversal", {REVERSED}, "Сервер не принял оплату"),
    ("amount in figures", ALL, "21 625,00 ₸"),
    ("amount in words, Kazakh", FILES, "жиырма бір мың алты жүз жиырма бес теңге"),
    ("amount in words, Russian", FILES, "двадцать одна тысяча шестьсот двадцать пять тенге"),
    ("full fine", SALES, "Айыппұл/Штраф 43 250,00 ₸"),
    ("discount and saved sum", SALES, "Жеңілдік/Скидка 50% 21 625,00 ₸"),
    ("last day of the discount", SALES, "Мерзімі/Срок до 01.12.2026"),
    ("offence record", ALL, "Хаттама/Протокол 2026-000000001"),
    ("article", ALL, "ӘҚБтК/КоАП 592(2)"),
    ("violator", ALL, "ҮСЕНОВ Нұрлан Ыбырайұлы"),
    ("IIN masked", ALL - FILES, "ЖСН/ИИН ********1017"),
    ("IIN whole on the filed copy", FILES, f"ЖСН/ИИН {IIN}"),
    ("officer by badge", ALL, "Инспектор ALA-1042"),
    ("declaration", SALES, "Плачу собственной банковской картой, правонарушение признаю"),
    ("room for signature and date", {VIOLATOR, FILED}, "қолы, күні / подпись, дата"),
    ("signature is on the original", {TWIN, FILED_TWIN}, "Подпись на оригинале"),
    ("copy mark of the violator", {VIOLATOR, TWIN}, "1/2 – нарушителю"),
    ("copy mark of the file", {FILED, FILED_TWIN}, "2/2 – к делу"),
    ("address to verify at", ALL, URL),
    ("duplicate, numbered", {TWIN, DECLINED_TWIN}, "ТЕЛНҰСҚА № 1 ДУБЛИКАТ № 1"),
    ("duplicate, its own number", {FILED_TWIN}, "ТЕЛНҰСҚА № 5 ДУБЛИКАТ № 5"),
    ("printed when, by whom", DUPLICATES, "22.11.2026 14:05, ALA-1042"),
]  # fmt: skip
# Where a demand is fulfilled by these words on some kinds, the others must not say them.
EXCLUSIVE = {
    "title of a sale", "kind: nothing paid", "kind: reversed", "kind: refund",
    "amount in words, Kazakh", "IIN whole on the filed copy", "room for signature and date",
    "declaration", "response code and text",
}  # fmt: skip


def said(slip):
    """The slip's words in their order, however its lines are broken."""
    return " ".join(slip_text(slip).split())


def lines_of(name):
    return said(KINDS[name])


@pytest.mark.parametrize(("kinds", "words"), [row[1:] for row in CONTENTS],
                         ids=[row[0] for row in CONTENTS])  # fmt: skip
def test_each_content_stands_on_each_kind_that_must_have_it(kinds, words):
    missing = [name for name in sorted(kinds) if words not in lines_of(name)]

    assert missing == []


@pytest.mark.parametrize("demand", sorted(EXCLUSIVE))
def test_what_belongs_to_some_kinds_stands_on_no_other(demand):
    ((kinds, words),) = [row[1:] for row in CONTENTS if row[0] == demand]

    too_many = [name for name in ALL - frozenset(kinds) if words in lines_of(name)]

    assert too_many == []


@pytest.mark.parametrize("name", sorted(ALL))
def test_no_slip_shows_what_the_card_industry_forbids(name):
    text = lines_of(name).replace(URL, "")

    assert not re.search(
        r"(?<![0-9A-F*])[0-9]{13,19}(?![0-9A-F])", text.replace("000000000000777", "")
    )
    assert not re.search(r"[0-9]{2}/[0-9]{2}(?![0-9])", text)  # an expiry


def test_a_fine_paid_whole_speaks_of_no_discount():
    text = said(sale(discount_last_day=None, amount_tiyn=4_325_000)[0])

    assert "Скидка" not in text
    assert "Срок до" not in text


def test_what_an_older_terminal_does_not_tell_leaves_no_empty_line():
    silent = replace(
        CARD, aid="", terminal_serial="", batch_number=None, application_label="", tvr="", tsi="",
        cryptogram="",
    )  # fmt: skip
    facts = {"payment_id": sale()[0].payment_id, "case": CaseFacts(**CASE), "card": silent}
    slips = [
        *sale_slips(slip_ids=[one.slip_id for one in sale()], verification_url=URL, **facts),
        refund_slip(
            slip_id=sale()[0].slip_id, refunded_tiyn=1, at=CARD.terminal_at,
            verification_url=URL, **facts,
        ),
    ]  # fmt: skip

    for text in map(said, slips):
        assert not re.search(r"\b(AID|TVR|TSI|AC|Приложение|Пакет|Серийный)\b", text)
