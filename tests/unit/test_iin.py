from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Kind
from app.iin import IinNotValid, check_digit, parse_iin


def finished(first_eleven):
    digit = check_digit(first_eleven)
    return None if digit is None else f"{first_eleven}{digit}"


@pytest.mark.parametrize(
    ("first_eleven", "digit"),
    [
        # 9*1+0*2+0*3+3*4+1*5+5*6+3*7+0*8+0*9+1*10+2*11 = 109 = 9*11+10: no digit, second weights:
        # 9*3+0*4+0*5+3*6+1*7+5*8+3*9+0*10+0*11+1*1+2*2 = 124 = 11*11+3.
        ("90031530012", 3),
        # 1*1+2*2+3*3+4*4+5*5+6*6+7*7+8*8+9*9+0*10+1*11 = 296 = 26*11+10, second weights:
        # 1*3+2*4+3*5+4*6+5*7+6*8+7*9+8*10+9*11+0*1+1*2 = 377 = 34*11+3.
        ("12345678901", 3),
        # 9*1+5*2+0*3+8*4+1*5+7*6+3*7+0*8+1*9+0*10+1*11 = 139 = 12*11+7.
        ("95081730101", 7),
        ("00000000000", 0),
    ],
)
def test_the_check_digit_is_that_of_the_two_rows_of_weights(first_eleven, digit):
    assert check_digit(first_eleven) == digit


def test_a_number_with_ten_left_over_twice_is_not_issued():
    # 0*1+…+0*9+5*10+… : first and second weights both leave ten over.
    twice = next(
        f"{number:011d}" for number in range(100_000) if check_digit(f"{number:011d}") is None
    )

    assert all(digit != 10 for digit in map(int, twice))
    with pytest.raises(IinNotValid):
        parse_iin(f"{twice}0")


@given(
    born=st.dates(date(1800, 1, 1), date(2099, 12, 31)),
    male=st.booleans(),
    tail=st.integers(0, 9999),
)
def test_what_is_built_by_the_rule_is_read_back(born, male, tail):
    century = {18: 1, 19: 3, 20: 5}[born.year // 100] + (0 if male else 1)
    text = finished(f"{born:%y%m%d}{century}{tail:04d}")
    if text is None:
        return

    iin = parse_iin(f" {text}\n")

    assert (iin.digits, iin.birth_date, iin.male) == (text, born, male)


@given(other=st.integers(1, 9))
def test_a_wrong_check_digit_is_always_noticed(other):
    good = finished("95081730101")

    with pytest.raises(IinNotValid):
        parse_iin(f"{good[:11]}{(int(good[11]) + other) % 10}")


def test_most_wrong_digits_are_noticed_though_the_decree_promises_not_all():
    good = finished("95081730101")
    missed = 0

    for place in range(12):
        for other in range(1, 10):
            try:
                parse_iin(f"{good[:place]}{(int(good[place]) + other) % 10}{good[place + 1 :]}")
            except IinNotValid:
                continue
            missed += 1

    # The second row of weights makes room for a few: the names on the card are compared too.
    assert 1 <= missed <= 108 // 10


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "form"),
        ("95081730101", "form"),
        ("9508173010177", "form"),
        ("95081730101a", "form"),
        ("٩٥٠٨١٧٣٠١٠١٧", "form"),
        ("950817301018", "check_digit"),
        (finished("95081770101"), "century"),
        (finished("95081700101"), "century"),
        (finished("95130130101"), "birth_date"),
        (finished("95023030101"), "birth_date"),
        (finished("97022930106"), "birth_date"),
        (finished("21094000001"), "century"),
    ],
)
def test_what_cannot_be_an_iin_is_refused_with_its_fault(text, fault):
    with pytest.raises(IinNotValid) as caught:
        parse_iin(text)

    assert caught.value.fields == {"fault": fault}
    assert caught.value.kind is Kind.INVALID


def test_the_number_is_in_no_message_and_in_no_representation():
    good = finished("95081730101")

    with pytest.raises(IinNotValid) as caught:
        parse_iin(f"{good[:11]}{(int(good[11]) + 1) % 10}")

    assert good[:11] not in f"{caught.value!r} {caught.value} {caught.value.fields}"
    assert good[:8] not in f"{parse_iin(good)} {parse_iin(good)!r}"
