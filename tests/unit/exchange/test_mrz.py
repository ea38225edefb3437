"""The back of the identity card: what is read, and what is refused and why."""

import random
import string
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.exchange.errors import MrzNotValid
from app.exchange.rules.mrz import check_digit, parse_mrz
from app.iin import IinNotValid
from sim.district import DRIVER, FRIEND
from sim.register_records import card_mrz
from tests.factories_exchange import CARD, CARD_IIN


@pytest.mark.parametrize(
    ("text", "digit"),
    [
        # The specimens of ICAO Doc 9303 parts 3 and 5.
        ("D23145890", "7"),
        ("740812", "2"),
        ("120415", "9"),
        ("D231458907<<<<<<<<<<<<<<<" + "7408122" + "1204159" + "<<<<<<<<<<<", "6"),
        ("AB2134<<<", "5"),
        ("520727", "3"),
        ("<<<<<<<<<", "0"),
    ],
)
def test_the_check_digit_is_that_of_the_specimens(text, digit):
    assert check_digit(text) == digit


def test_a_card_is_read_whole():
    card = parse_mrz(CARD)

    assert card.iin.digits == CARD_IIN
    assert card.document_number == "045678912"
    assert card.birth_date == date(1995, 8, 17)
    assert card.expires_on == date(2031, 5, 19)
    assert (card.sex, card.nationality) == ("M", "KAZ")
    assert (card.surname, card.given_names) == ("USENOV", "NURLAN")


@pytest.mark.parametrize("person", [DRIVER, FRIEND])
def test_the_cards_of_the_district_are_read(person):
    card = parse_mrz(card_mrz(person))

    assert card.iin.digits == person.iin
    assert card.birth_date.isoformat() == person.birth_date


def test_blanks_and_small_letters_of_a_reader_do_not_matter():
    lines = [f" {line[:10].lower()} {line[10:]}\r\n" for line in CARD]

    assert parse_mrz(lines) == parse_mrz(CARD)


def test_nothing_of_the_person_shows_in_repr():
    shown = repr(parse_mrz(CARD))

    assert CARD_IIN not in shown
    assert "USENOV" not in shown
    assert "045678912" not in shown


def lines_with(number, text):
    changed = list(CARD)
    changed[number - 1] = text
    return changed


def resealed(first=CARD[0], second=CARD[1], third=CARD[2]):
    """Return the lines with the composite digit put right, so that a later check is reached."""
    body = first[5:30] + second[0:7] + second[8:15] + second[18:29]
    return [first, second[:29] + check_digit(body), third]


def with_date(place, text):
    """Return the second line with another date at ``place`` and its own digit put right."""
    return CARD[1][:place] + text + check_digit(text) + CARD[1][place + 7 :]


CASES = [
    ([], "line_count", 0, "zone"),
    (CARD[:2], "line_count", 0, "zone"),
    ((*CARD, CARD[0]), "line_count", 0, "zone"),
    (lines_with(1, ""), "line_length", 1, "line"),
    (lines_with(1, CARD[0][:-1]), "line_length", 1, "line"),
    (lines_with(2, CARD[1] + "<"), "line_length", 2, "line"),
    (lines_with(3, "A" * 5000), "line_length", 3, "line"),
    (lines_with(3, CARD[2][:-1] + "-"), "character", 3, "line"),
    (lines_with(1, CARD[0].replace("KAZ", "КАZ")), "character", 1, "line"),
    (lines_with(3, "ſ" + CARD[2][1:]), "character", 3, "line"),
    (lines_with(2, "٣" + CARD[1][1:]), "character", 2, "line"),
    (lines_with(1, "P<" + CARD[0][2:]), "document_code", 1, "document_code"),
    (lines_with(1, "IDUZB" + CARD[0][5:]), "issuer", 1, "issuer"),
    (lines_with(1, CARD[0][:14] + "7" + CARD[0][15:]), "check_digit", 1, "document_number"),
    (lines_with(1, CARD[0][:14] + "<" + CARD[0][15:]), "check_digit", 1, "document_number"),
    (lines_with(2, CARD[1][:6] + "5" + CARD[1][7:]), "check_digit", 2, "birth_date"),
    (lines_with(2, CARD[1][:14] + "2" + CARD[1][15:]), "check_digit", 2, "expiry_date"),
    (lines_with(2, CARD[1][:29] + "9"), "check_digit", 2, "composite"),
    (resealed(second=CARD[1][:7] + "X" + CARD[1][8:]), "sex", 2, "sex"),
    (resealed(first=CARD[0][:15] + "<" * 15), "no_iin", 1, "iin"),
    (resealed(first=CARD[0][:15] + "95081730101<<<<"), "no_iin", 1, "iin"),
    (resealed(second=with_date(8, "311319")), "date", 2, "expiry_date"),
    (resealed(second=with_date(8, "3105AA")), "date", 2, "expiry_date"),
    (resealed(second=with_date(0, "950818")), "birth_dates_differ", 2, "birth_date"),
    (lines_with(3, "<" * 30), "names", 3, "names"),
    (lines_with(3, "USEN0V<<NURLAN<<<<<<<<<<<<<<<<"), "names", 3, "names"),
]


@pytest.mark.parametrize(("lines", "fault", "line", "field"), CASES)
def test_a_fault_is_told_by_line_and_field(lines, fault, line, field):
    with pytest.raises(MrzNotValid) as refused:
        parse_mrz(lines)

    assert (refused.value.fault, refused.value.line, refused.value.field) == (fault, line, field)


def test_a_whole_zone_with_a_number_that_is_no_iin_is_refused_as_such():
    with pytest.raises(IinNotValid) as refused:
        parse_mrz(resealed(first=CARD[0][:26] + "8<<<"))

    assert refused.value.fields == {"fault": "check_digit"}


def test_the_iin_may_stand_at_the_very_end_of_the_line():
    card = parse_mrz(resealed(first=CARD[0][:15] + "<<<" + CARD_IIN))

    assert card.iin.digits == CARD_IIN


ALPHABET = string.ascii_uppercase + string.digits + "<"


def test_one_wrong_letter_never_gives_another_identity():
    """Every single substitution in every place: refused, or it changes nothing we rely on."""
    whole = parse_mrz(CARD)
    for line in range(3):
        for place in range(30):
            for letter in ALPHABET:
                changed = list(CARD)
                changed[line] = changed[line][:place] + letter + changed[line][place + 1 :]
                try:
                    card = parse_mrz(changed)
                except (MrzNotValid, IinNotValid):
                    continue
                assert card.iin == whole.iin
                assert card.birth_date == whole.birth_date


def test_most_single_errors_in_the_numbers_are_refused():
    """ICAO digits miss letters whose values differ by 10; the IIN's own digit catches digits."""
    missed = 0
    for place in range(15, 27):
        for digit in string.digits:
            if digit == CARD[0][place]:
                continue
            changed = [CARD[0][:place] + digit + CARD[0][place + 1 :], CARD[1], CARD[2]]
            try:
                parse_mrz(changed)
                missed += 1
            except (MrzNotValid, IinNotValid):
                pass
    assert missed == 0


@given(st.integers(min_value=0))
def test_random_damage_is_refused_or_harmless(seed):
    dice = random.Random(seed)
    lines = [list(line) for line in CARD]
    for _ in range(dice.randint(1, 12)):
        line = dice.choice(lines)
        act = dice.randrange(4)
        if act == 0 and line:
            line[dice.randrange(len(line))] = chr(dice.randrange(32, 0x500))
        elif act == 1 and line:
            del line[dice.randrange(len(line))]
        elif act == 2:
            line.insert(dice.randint(0, len(line)), dice.choice(ALPHABET))
        else:
            dice.shuffle(lines)
    try:
        card = parse_mrz(["".join(line) for line in lines])
    except (MrzNotValid, IinNotValid):
        return
    assert f"{card.birth_date:%y%m%d}" == card.iin.digits[:6]


@given(st.lists(st.text(max_size=40), max_size=4))
def test_any_text_is_refused_by_name(lines):
    with pytest.raises((MrzNotValid, IinNotValid)):
        parse_mrz(lines)
