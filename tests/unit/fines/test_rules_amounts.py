"""The fine, its half, the catalogue and the index, the discount's end, card numbers."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calendar.rules import calendar_of
from app.calendar.service import shipped_special_days
from app.settings import Settings
from fines.errors import (
    AmountNotSingle,
    ArticleNotInForce,
    CatalogueNotValid,
    MrpNotKnown,
    OffenceInFuture,
)
from fines.rules import amounts, catalogue
from fines.rules.catalogue import ReducedReason
from fines.rules.offence_record import discount_end, refuse_impossible_time
from fines.rules.payment import Expected, Reported, judge_approval
from fines.rules.verification import PaperKey, paper_code, paper_code_fits, paper_key
from fines.rules.words import amount_words_kk, amount_words_ru
from fines.service.catalogue import shipped_articles, shipped_mrp
from fines.wire.card_numbers import holds_card_number
from fines.wire.protocol import OwnerVerdict, Reason

EXACT = amounts.parse_rounding("2015-01-01=exact_tiyn_payers_favour")
CHANGED = "2015-01-01=exact_tiyn_payers_favour,2026-12-01=whole_tenge_payers_favour"
ARTICLES = {(one.article, one.part): one for one in shipped_articles()}
HEAD = (
    "article,part,valid_from,valid_to,penalties,mrp,mrp_official,mrp_small,mrp_medium,mrp_large,"
    "repeat_of,repeat_window,reduced,jurisdiction,title_kk,title_ru,source,verified"
)
ROW = (
    "592,2,{first},{last},{penalties},{mrp},{official},,,,{repeat_of},{window},{reduced},"
    "police,а,б,KoAP,yes"
)


def row(**changed):
    values = {
        "first": "2026-01-01",
        "last": "",
        "penalties": "fine",
        "mrp": "10",
        "official": "",
        "repeat_of": "",
        "window": "",
        "reduced": "eligible",
    }
    return ROW.format(**(values | changed))


@pytest.mark.parametrize(
    ("count", "mrp", "full", "half"),
    [
        (5, 4325, 2_162_500, 1_081_250),  # 21 625 tenge, half 10 812.50
        (10, 4325, 4_325_000, 2_162_500),
        (1, 4325, 432_500, 216_250),
        (200, 4325, 86_500_000, 43_250_000),
        (3, 2525, 757_500, 378_750),
    ],
)
def test_half_the_fine_is_kept_to_the_tiyn(count, mrp, full, half):
    rule = amounts.rounding_rule(EXACT, day=date(2026, 11, 22))

    assert amounts.fine_full_tiyn(mrp_count=count, mrp_tenge=mrp) == full
    assert amounts.fine_half_tiyn(full_tiyn=full, rule=rule) == half


@pytest.mark.parametrize(
    ("day", "half"),
    [
        (date(2014, 1, 1), 1_081_250),  # before the first rule, the first
        (date(2026, 11, 30), 1_081_250),
        (date(2026, 12, 1), 1_081_200),
        (date(2031, 1, 1), 1_081_200),
    ],
)
def test_a_rule_holds_from_its_day_on(day, half):
    rule = amounts.rounding_rule(amounts.parse_rounding(CHANGED), day=day)

    assert amounts.fine_half_tiyn(full_tiyn=2_162_500, rule=rule) == half


@given(full=st.integers(0, 10**12))
def test_whole_tenge_are_never_more_than_half_and_less_than_a_tenge_below(full):
    rule = amounts.parse_rounding("2015-01-01=whole_tenge_payers_favour")[0]

    half = amounts.fine_half_tiyn(full_tiyn=full, rule=rule)

    assert half % 100 == 0
    assert 0 <= full - 2 * half < 200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-01",
        "2026-01-01=half_up",
        "2026-13-01=exact_tiyn_payers_favour",
        "2026-01-01=exact_tiyn_payers_favour,2026-01-01=whole_tenge_payers_favour",
        "2026-02-01=exact_tiyn_payers_favour,2026-01-01=whole_tenge_payers_favour",
    ],
)
def test_rules_of_rounding_that_say_nothing_are_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the text is an operator's setting
        amounts.parse_rounding(text)


def test_the_shipped_rule_is_to_the_tiyn():
    assert amounts.parse_rounding(Settings.model_fields["fine_rounding"].default) == EXACT


def test_half_a_tiyn_is_dropped_in_the_payers_favour():
    rule = amounts.rounding_rule(EXACT, day=date(2026, 11, 22))

    assert amounts.fine_half_tiyn(full_tiyn=101, rule=rule) == 50


@pytest.mark.parametrize(
    ("day", "tenge"),
    [
        (date(2020, 3, 31), 2651),
        (date(2020, 4, 1), 2778),  # within the year
        (date(2024, 2, 29), 3692),
        (date(2025, 12, 31), 3932),
        (date(2026, 1, 1), 4325),
    ],
)
def test_the_index_is_the_one_of_the_day(day, tenge):
    assert catalogue.mrp_in_force(shipped_mrp(), day=day).tenge == tenge


@pytest.mark.parametrize("day", [date(2014, 12, 31), date(2040, 1, 1)])
def test_last_years_index_never_runs_on(day):
    with pytest.raises(MrpNotKnown):
        catalogue.mrp_in_force(shipped_mrp(), day=day)


@pytest.mark.parametrize(
    ("article", "part", "reason"),
    [
        ("592", "2", ReducedReason.ELIGIBLE),
        ("612", "1", ReducedReason.ELIGIBLE),  # a warning beside the fine does not rule it out
        ("608", "8", ReducedReason.ELIGIBLE),
        ("590", "2-1", ReducedReason.OTHER_PENALTY_IN_SANCTION),
        ("603", "1", ReducedReason.OTHER_PENALTY_IN_SANCTION),
        ("598", "2", ReducedReason.OTHER_PENALTY_IN_SANCTION),
        ("613", "1", ReducedReason.OTHER_PENALTY_IN_SANCTION),
        ("596", "3", ReducedReason.OTHER_PENALTY_IN_SANCTION),
        ("602", "1", ReducedReason.NO_FINE_IN_SANCTION),
    ],
)
def test_reduced_proceedings_by_the_sanction(article, part, reason):
    assert catalogue.reduced_eligibility(ARTICLES[article, part]) is reason


def test_immunity_rules_reduced_proceedings_out():
    found = catalogue.reduced_eligibility(ARTICLES["592", "2"], offender_has_immunity=True)

    assert found is ReducedReason.IMMUNITY


def test_a_sanction_without_a_fine_has_no_sum():
    with pytest.raises(AmountNotSingle):
        catalogue.mrp_count_of(ARTICLES["596", "3"])


def test_the_row_is_the_one_of_the_day_of_the_offence():
    rows = catalogue.parse_articles(
        [HEAD, row(last="2026-06-30"), row(first="2026-07-01", mrp="12")]
    )

    before = catalogue.article_in_force(rows, article="592", part="2", day=date(2026, 6, 30))
    after = catalogue.article_in_force(rows, article="592", part="2", day=date(2026, 7, 1))

    assert (before.mrp_count, after.mrp_count) == (10, 12)
    with pytest.raises(ArticleNotInForce):
        catalogue.article_in_force(rows, article="592", part="2", day=date(2025, 12, 31))


@pytest.mark.parametrize(
    "lines",
    [
        [row(mrp="0")],
        [row(mrp="201")],
        [row(official="751")],
        [row(official="0")],
        [row(reduced="immunity")],  # not what article 810 says of the sanction
        [row(reduced="")],
        [row(repeat_of="1")],  # a repeat without its window
        [row(window="imposed")],
        [row(repeat_of="2", window="imposed")],  # of itself
        [row(repeat_of="1", window="for ever")],
        [row(mrp="ten")],
        [row(penalties="")],
        [
            row(penalties="arrest", reduced="other_penalty_in_sanction")
        ],  # a number of MRP without a fine
        [row(penalties="fine exile")],
        [row(first="yesterday")],
        [row(), row(first="2026-02-01")],  # they overlap
        ["592,2"],
    ],
)
def test_a_wrong_catalogue_is_refused(lines):
    with pytest.raises(CatalogueNotValid):
        catalogue.parse_articles([HEAD, *lines])


def test_the_shipped_catalogue_has_both_languages_and_a_source():
    assert len(ARTICLES) >= 80
    assert all(one.title_kk and one.title_ru and one.source for one in ARTICLES.values())


@pytest.mark.parametrize(
    ("issued", "until"),
    [
        # 00:00 in Almaty (UTC+6 then): the first second of 1 August 2022
        (datetime(2022, 7, 31, 18, 0, tzinfo=UTC), datetime(2022, 8, 10, 18, tzinfo=UTC)),
        (datetime(2022, 8, 1, 17, 59, 59, tzinfo=UTC), datetime(2022, 8, 10, 18, tzinfo=UTC)),
        (datetime(2022, 8, 1, 18, 0, tzinfo=UTC), datetime(2022, 8, 11, 18, tzinfo=UTC)),
        # issued at UTC+6, ended at UTC+5: the clocks moved within
        (datetime(2024, 2, 27, 6, 0, tzinfo=UTC), datetime(2024, 3, 7, 19, tzinfo=UTC)),
    ],
)
def test_the_discount_ends_with_the_seventh_working_day(issued, until):
    days = calendar_of(shipped_special_days())

    assert discount_end(issued_at=issued, days=days).until == until


@pytest.mark.parametrize("ago", [timedelta(minutes=-3), timedelta(days=63)])
def test_an_offence_ahead_or_too_long_ago_is_refused(ago):
    now = datetime(2026, 11, 22, 6, tzinfo=UTC)

    with pytest.raises(OffenceInFuture):
        refuse_impossible_time(occurred_at=now - ago, now=now)


EXPECTED = Expected(amount_tiyn=100, terminal_number="52500042")
GOOD = {
    "amount_tiyn": 100,
    "currency": "398",
    "terminal_number": "52500042",
    "owner_verdict": OwnerVerdict.MATCH,
    "rrn": "1",
    "approval_code": "A",
}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, Reason.NONE),
        ({"owner_verdict": OwnerVerdict.NO_MATCH}, Reason.THIRD_PARTY_CARD),
        ({"owner_verdict": OwnerVerdict.UNKNOWN}, Reason.OWNERSHIP_UNPROVEN),
        ({"owner_verdict": OwnerVerdict.NOT_SUPPORTED}, Reason.OWNERSHIP_UNPROVEN),
        ({"amount_tiyn": 99}, Reason.SERVER_REFUSED),
        ({"amount_tiyn": 101}, Reason.SERVER_REFUSED),
        ({"currency": "643"}, Reason.SERVER_REFUSED),
        ({"terminal_number": "52500043"}, Reason.SERVER_REFUSED),
        ({"rrn": " "}, Reason.SERVER_REFUSED),
        ({"approval_code": ""}, Reason.SERVER_REFUSED),
    ],
)
def test_an_approval_stands_only_if_everything_is_proven(changed, reason):
    assert judge_approval(expected=EXPECTED, reported=Reported(**(GOOD | changed))) is reason


@pytest.mark.parametrize(
    "text",
    ["4000000000001042", "4000 0000 0000 1042", "x5105105105105100y", "378282246310005"],
)
def test_a_card_number_is_seen(text):
    assert holds_card_number(text)


@pytest.mark.parametrize(
    "text",
    ["", "400000******1042", "A0000000031010", "632612000034", "4000000000001043", "0" * 16],
)
def test_what_is_no_card_number_is_let_through(text):
    assert not holds_card_number(text)


@pytest.mark.parametrize(
    ("tiyn", "kk", "ru"),
    [
        (0, "нөл теңге 00 тиын", "ноль тенге 00 тиын"),
        (
            1_081_250,
            "он мың сегіз жүз он екі теңге 50 тиын",
            "десять тысяч восемьсот двенадцать тенге 50 тиын",
        ),
        (
            2_100_100,
            "жиырма бір мың бір теңге 00 тиын",
            "двадцать одна тысяча один тенге 00 тиын",
        ),
        (
            86_500_000,
            "сегіз жүз алпыс бес мың теңге 00 тиын",
            "восемьсот шестьдесят пять тысяч тенге 00 тиын",
        ),
        (
            200_000_000,
            "екі миллион теңге 00 тиын",
            "два миллиона тенге 00 тиын",
        ),
    ],
)
def test_sums_in_words(tiyn, kk, ru):
    assert (amount_words_kk(tiyn), amount_words_ru(tiyn)) == (kk, ru)


def test_a_papers_code_fits_that_paper_alone():
    key, one, other = paper_key(b"k" * 32), UUID(int=1), UUID(int=2)
    code = paper_code(key=key, paper="payment", object_id=one, amount_tiyn=100)

    def fits(**changed):
        values = {"key": key, "paper": "payment", "object_id": one, "amount_tiyn": 100}
        return paper_code_fits(**(values | changed), code=code)

    assert fits()
    assert not fits(paper="receipt")
    assert not fits(object_id=other)
    assert not fits(amount_tiyn=101)
    assert not fits(key=PaperKey(b"z" * 32))
    assert "k" not in repr(key).replace("PaperKey", "")
