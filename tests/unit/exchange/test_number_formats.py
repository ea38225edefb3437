"""Case numbers: dated patterns refuse only what they say, and no pattern can be made slow."""

import random
import re
import time
from datetime import date

import pytest

from app.exchange.rules.facts import FieldState
from app.exchange.rules.number_formats import (
    case_number_format,
    case_number_state,
    justification_state,
    name_state,
    paper_number_state,
    read_formats,
    year_state,
)
from app.exchange.rules.safe_patterns import PatternNotSafe, parse_pattern
from app.exchange.wire.cases import CaseRegister

DAY = date(2026, 11, 22)
GOOD, ABSENT, MALFORMED = FieldState.GOOD, FieldState.ABSENT, FieldState.MALFORMED


@pytest.mark.parametrize(
    ("register", "number", "state"),
    [
        ("erdr", "267500031000141", GOOD),
        ("erdr", "  267500031000141 ", GOOD),
        ("erdr", "26750003100014", MALFORMED),
        ("erdr", "2675000310001411", MALFORMED),
        ("erdr", "26750003100014A", MALFORMED),
        ("erdr", "٢٦٧٥٠٠٠٣١٠٠٠١٤١", MALFORMED),  # digits, but not of this alphabet
        ("erdr", "267500031000141\u200b", MALFORMED),
        ("erdr", "267500031\n000141", MALFORMED),
        ("erdr", "", ABSENT),
        ("erdr", " \t ", ABSENT),
        ("erdr", None, ABSENT),
        ("ais_su", "2675000310002411", GOOD),
        ("ais_su", "267500031000241", GOOD),
        ("ais_su", "1234/26-75-5678", MALFORMED),
        ("ais_oip", "1234/26-75-5678", GOOD),
        ("ais_oip", "1234/26-75-", MALFORMED),
        ("eaias", "7527-26-00-2/303", GOOD),
        ("eaias", "7527-26-00-2/1234567", MALFORMED),
        ("eaias", "9" * 65, MALFORMED),
        ("eaias", "9" * 1_000_000, MALFORMED),
    ],
)
def test_a_number_is_known_by_the_pattern_of_its_register(register, number, state):
    assert case_number_state(number, register=CaseRegister(register), on=DAY) is state


def test_a_number_no_register_confirms_is_any_papers_number():
    assert case_number_state("17/A-3", register=None, on=DAY) is GOOD


def test_nothing_is_refused_where_no_pattern_is_in_force():
    formats = (case_number_format("erdr", "2026-11-23", "[0-9]{3}"),)

    before = case_number_state("ББ-17/3", register=CaseRegister.ERDR, on=DAY, formats=formats)
    after = case_number_state(
        "ББ-17/3", register=CaseRegister.ERDR, on=date(2026, 11, 23), formats=formats
    )

    assert (before, after) == (GOOD, MALFORMED)


def test_an_older_form_is_read_until_its_last_day():
    formats = read_formats(
        [("erdr", "2010-01-01", "[0-9]{8}", "2026-11-22"), ("erdr", "2020-01-01", "[0-9]{15}")]
    )

    states = [
        case_number_state("12345678", register=CaseRegister.ERDR, on=day, formats=formats)
        for day in (DAY, date(2026, 11, 23))
    ]

    assert states == [GOOD, MALFORMED]


@pytest.mark.parametrize(
    "rows",
    [
        [("erdr", "2026-01-01")],
        [("erdr", "2026-01-01", "[0-9]", "2027-01-01", "more")],
        [("gbd_fl", "2026-01-01", "[0-9]")],
        [("erdr", "yesterday", "[0-9]")],
        [("erdr", "2026-01-01", "(a+)+")],
        [("erdr", "2026-01-01", "[0-9]")] * 65,
    ],
)
def test_a_configuration_that_is_not_one_is_refused(rows):
    with pytest.raises(ValueError):  # noqa: PT011 - one of several kinds, all of them ValueError
        read_formats(rows)


@pytest.mark.parametrize(
    "regex",
    [
        "", "a" * 201, "[0-9]{65}", "[0-9]{40}[a-z]{40}", ".*", "[0-9]+", "[0-9]*", "(ab)", "a|b",
        "[^0-9]", "[]", "[", "a{2,1}", "a{0}", "a{,3}", "a{3,}", "a{101}", r"\w", r"\s", r"\1",
        "\\", "^a", "a$", "[z-a]", "?", "a??", "{2}", "[a\\]]",
    ],
)  # fmt: skip
def test_a_pattern_outside_the_subset_is_refused(regex):
    with pytest.raises(PatternNotSafe):
        parse_pattern(regex)


def test_the_matcher_agrees_with_regular_expressions_over_random_patterns_and_texts():
    chance = random.Random(27)
    atoms = ["a", "b", "[ab]", "[a-c]", r"\d", "1", "-", r"\.", "[0-9]", "[b-]"]
    counts = ["", "", "?", "{2}", "{1,3}", "{0,2}"]
    agreed = {True: 0, False: 0}
    for _ in range(8_000):
        regex = "".join(
            chance.choice(atoms) + chance.choice(counts) for _ in range(chance.randint(1, 6))
        )
        text = "".join(chance.choices("aabbc12-.", k=chance.randint(0, 6)))

        expected = re.fullmatch(regex, text, re.ASCII) is not None

        assert parse_pattern(regex).matches(text) is expected, (regex, text)
        agreed[expected] += 1
    assert min(agreed.values()) > 100


def test_the_worst_pattern_and_text_take_no_time():
    # Backtracking would try every way to share the signs out: far more than the age of the world.
    pattern = parse_pattern("[a-z]{0,2}" * 19 + "1")
    began = time.thread_time()  # whatever else the machine does

    assert not pattern.matches("a" * 64)

    assert time.thread_time() - began < 0.5


@pytest.mark.parametrize(
    ("number", "state"),
    [
        ("12-3/1042", GOOD),
        ("№ 7-14/88 от 03.11.2026", GOOD),
        ("Шығ. 15/ҚР", GOOD),
        ("no digits", MALFORMED),
        ("1" * 64, GOOD),
        ("1" * 65, MALFORMED),
        ("1\u202e2", MALFORMED),
        ("1;DROP", MALFORMED),
        ("<b>1</b>", MALFORMED),
        ("  ", ABSENT),
        (None, ABSENT),
    ],
)
def test_an_outgoing_number_is_ordinary_signs_with_a_digit(number, state):
    assert paper_number_state(number) is state


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("Prokuratura Rzeczypospolitej", GOOD),
        ("Генеральная прокуратура Республики Узбекистан", GOOD),
        ("საქართველოს პროკურატურა", GOOD),
        ("12345", MALFORMED),
        ("а" * 300, GOOD),
        ("а" * 301, MALFORMED),
        ("court\u202eof", MALFORMED),
        ("court\nof", MALFORMED),
        ("", ABSENT),
        (None, ABSENT),
    ],
)
def test_the_name_of_a_body_stands_in_any_alphabet(name, state):
    assert name_state(name) is state


@pytest.mark.parametrize(
    ("year", "state"),
    [(None, ABSENT), (1990, MALFORMED), (1991, GOOD), (2026, GOOD), (2027, MALFORMED)],
)
def test_an_accounting_year_is_not_of_the_future(year, state):
    assert year_state(year, today=DAY) is state


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (None, ABSENT),
        ("   ", ABSENT),
        ("needed", MALFORMED),
        ("the witness named this man as the driver", GOOD),
        ("the witness named this man as the drive", MALFORMED),  # 39 signs
        ("for the case, for the case, for the case!", MALFORMED),  # four words, repeated
        ("case " * 40, MALFORMED),  # one word again and again
        ("the witness named this man as the driver " + "a" * 1959, GOOD),
        ("the witness named this man as the driver " + "a" * 1960, MALFORMED),
    ],
)
def test_an_extended_justification_is_a_sentence(text, state):
    assert justification_state(text) is state
