"""Names on cards against names in registers: a table agreed by hand, and what no table holds."""

import csv
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fines.field.names import NameVerdict, compare_names
from fines.wire.protocol import PayerName

# Written from the rules that passports and banks publish, not from the program.
with (Path(__file__).parent / "names.csv").open(encoding="utf-8", newline="") as _file:
    ROWS = list(csv.DictReader(_file))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['on_card']} ({row['rule']})")
def test_a_name_on_a_card_is_judged_as_agreed(row):
    payer = PayerName(
        surname=row["surname"], given_name=row["given_name"], patronymic=row["patronymic"]
    )

    assert compare_names(row["on_card"], payer) is NameVerdict(row["agreed"])


def test_the_table_is_long_enough_and_holds_both_kinds():
    verdicts = Counter(row["agreed"] for row in ROWS)

    assert len(ROWS) >= 300
    assert verdicts["match"] >= 120
    assert verdicts["partial"] + verdicts["no_match"] + verdicts["absent"] >= 100


@settings(max_examples=500)
@given(st.text(max_size=80), st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_whatever_stands_on_a_card_or_in_a_register_is_judged(card, surname, given_name, third):
    payer = PayerName(surname=surname, given_name=given_name, patronymic=third)

    assert compare_names(card, payer) in NameVerdict


def test_a_name_made_to_be_slow_is_not():
    payer = PayerName(surname="С" * 100, given_name="С" * 100)

    assert compare_names("S" * 64, payer) is NameVerdict.NO_MATCH
