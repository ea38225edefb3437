"""Number plates: forms, look-alike letters, days of validity, damage."""

import random
import string
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.exchange.errors import PlateNotValid
from app.exchange.rules.plates import PlatePattern, parse_plate

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("typed", "plate"),
    [
        ("777ABC02", "777ABC02"),
        ("777 abc 02", "777ABC02"),
        ("777-ABC-02", "777ABC02"),
        ("\u00a0777\u2013ABC\u00a002 ", "777ABC02"),
        ("777АВС02", "777ABC02"),  # Cyrillic, Russian layout
        ("777авс02", "777ABC02"),
        ("001КТХ17", "001KTX17"),
        ("500ІНО05", "500IHO05"),  # the Kazakh letter І
        ("123AB01", "123AB01"),  # of a body
        ("12AB02", "12AB02"),  # a cycle
        ("12ABC02", "12ABC02"),  # a trailer
        ("A123BCD", "A123BCD"),  # of the years before 2012
        ("А123ВС", "A123BC"),
        ("123ABC18", "123ABC18"),  # regions founded in 2022
        ("123ABC20", "123ABC20"),
    ],
)
def test_a_plate_is_read_as_registers_know_it(typed, plate):
    assert parse_plate(typed, on=TODAY) == plate


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("", "length"),
        ("   ", "length"),
        ("77A", "length"),
        ("7" * 11, "length"),
        ("7" * 5000, "length"),
        ("777ЖЦЯ02", "character"),
        ("777ӘБВ02", "character"),
        ("777A_C02", "character"),
        ("777AB\u212a02", "character"),  # the sign of the kelvin
        ("٧٧٧ABC02", "character"),
        ("777ABC00", "pattern"),
        ("777ABC21", "pattern"),
        ("777ABCD02", "pattern"),
        ("ABC77702", "pattern"),
        ("77777702", "pattern"),
        ("M123AB777", "pattern"),  # of a neighbour
    ],
)
def test_what_is_no_plate_is_refused(typed, fault):
    with pytest.raises(PlateNotValid) as refused:
        parse_plate(typed, on=TODAY)

    assert refused.value.fault == fault


@pytest.mark.parametrize(
    ("plate", "day", "good"),
    [
        ("123ABC18", date(2022, 6, 7), False),
        ("123ABC18", date(2022, 6, 8), True),
        ("123ABC02", date(2012, 7, 31), False),
        ("123ABC02", date(2012, 8, 1), True),
    ],
)
def test_a_form_counts_from_its_day(plate, day, good):
    def read():
        return parse_plate(plate, on=day)

    if good:
        assert read() == plate
    else:
        with pytest.raises(PlateNotValid):
            read()


def test_the_forms_are_data():
    row = PlatePattern(
        name="x", form=r"X\d{5}", valid_from=date(2030, 1, 1), valid_until=date(2030, 12, 31)
    )

    assert parse_plate("x 12345", on=date(2030, 12, 31), patterns=(row,)) == "X12345"
    with pytest.raises(PlateNotValid):
        parse_plate("x 12345", on=date(2031, 1, 1), patterns=(row,))


def test_the_refusal_does_not_repeat_the_plate():
    with pytest.raises(PlateNotValid) as refused:
        parse_plate("777ABCD02", on=TODAY)

    assert "777" not in str(refused.value)


@given(st.integers(min_value=0))
def test_a_damaged_plate_is_refused_or_of_a_known_form(seed):
    dice = random.Random(seed)
    letters = list("777ABC02")
    for _ in range(dice.randint(1, 5)):
        place = dice.randrange(len(letters) + 1)
        alphabet = string.ascii_uppercase + string.digits + "АБВЖ -_"
        if dice.random() < 0.5 and letters:
            letters[min(place, len(letters) - 1)] = dice.choice(alphabet)
        else:
            letters.insert(place, dice.choice(alphabet))
    try:
        plate = parse_plate("".join(letters), on=TODAY)
    except PlateNotValid:
        return
    assert plate.isascii()
    assert plate.isalnum()
    assert parse_plate(plate, on=TODAY) == plate


@given(st.text(max_size=40))
def test_any_text_gives_a_plain_plate_or_is_refused(text):
    try:
        plate = parse_plate(text, on=TODAY)
    except PlateNotValid:
        return
    assert set(plate) <= set(string.ascii_uppercase + string.digits)
