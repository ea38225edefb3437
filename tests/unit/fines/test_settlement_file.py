"""The settlement file and the treasury's statement, by literal bytes, cuts and changed bytes."""

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fines.wire import sealed, settlement, treasury
from sim.treasury import SimTreasury

ROW = settlement.SettlementRow(
    kind=settlement.RowKind.SALE,
    rrn="632515000001",
    approval_code="A1B2C3",
    terminal_number="52500042",
    merchant_number="000000000012345",
    stan=17,
    amount_tiyn=1_081_250,
    fee_tiyn=10_813,
    transacted_at=datetime(2026, 11, 22, 8, 30, 15, tzinfo=UTC),
    settlement_date=date(2026, 11, 23),
    card_masked="440043******1234",
)
HEADING = (
    b"kind,rrn,approval_code,terminal_number,merchant_number,stan,amount_tiyn,fee_tiyn,"
    b"transacted_at,settlement_date,card_masked\n"
)
SALE = (
    b"sale,632515000001,A1B2C3,52500042,000000000012345,17,1081250,10813,2026-11-22T08:30:15Z,"
    b"2026-11-23,440043******1234\n"
)
REFUND = SALE.replace(b"sale", b"refund").replace(b"1081250", b"81250")


def sheet(*lines, total, heading=HEADING):
    body = heading + b"".join(lines)
    digest = hashlib.sha256(body).hexdigest()
    return body + f"trailer,{len(lines)},{total},{digest}\n".encode()


def test_a_file_is_written_as_the_contract_says():
    refund = replace(ROW, kind=settlement.RowKind.REFUND, amount_tiyn=81_250)

    assert settlement.write([ROW, refund]) == sheet(SALE, REFUND, total=1_000_000)


def test_a_file_is_read_as_it_was_written():
    refund = replace(ROW, kind=settlement.RowKind.REFUND, amount_tiyn=81_250)

    assert settlement.read(settlement.write([ROW, refund])) == (ROW, refund)


@pytest.mark.parametrize(
    ("content", "line_number"),
    [
        (b"", 1),
        (b"kind,rrn\n", 1),
        (HEADING, 2),
        (HEADING + SALE, 3),
        (sheet(SALE, total=1_081_250)[:-1], 3),
        (sheet(SALE, total=1_081_251), 3),
        (sheet(SALE, total=1_081_250).replace(b"trailer,1", b"trailer,2"), 3),
        (sheet(SALE, total=1_081_250).replace(b",17,", b",18,"), 3),
        (sheet(SALE, total=1_081_250) + b"x", 4),
        (sheet(SALE, SALE.replace(b"sale", b"void"), total=0), 3),
        (sheet(SALE.replace(b"632515000001", b"63251500001"), total=1_081_250), 2),
        (sheet(SALE.replace(b",1081250,", b",-1081250,"), total=-1_081_250), 2),
        (sheet(SALE.replace(b",1081250,", b",0,"), total=0), 2),
        (sheet(SALE.replace(b",1081250,", b",10 812.50,"), total=0), 2),
        (sheet(SALE.replace(b"15Z", b"15+05:00"), total=1_081_250), 2),
        (sheet(SALE.replace(b"2026-11-23", b"2026-11-31"), total=1_081_250), 2),
        (sheet(SALE.replace(b"440043******1234", b"4400430211111234"), total=1_081_250), 2),
        (sheet(SALE.replace(b",17,", b","), total=1_081_250), 2),
        (sheet(b"\xff" + SALE, total=1_081_250), 2),
        (sheet(b'"' + SALE, total=1_081_250), 2),
        (HEADING + b"x" * (sealed.LINE_BYTES_MAX + 5) + b"\n", 2),
    ],
)
def test_a_file_that_is_not_as_agreed_is_refused_by_its_line(content, line_number):
    with pytest.raises(settlement.SheetNotValid) as refusal:
        settlement.read(content)

    assert refusal.value.line_number == line_number


def test_a_card_number_is_not_repeated_in_the_refusal():
    content = sheet(SALE.replace(b"440043******1234", b"4400430211111234"), total=1_081_250)

    with pytest.raises(settlement.SheetNotValid) as refusal:
        settlement.read(content)

    assert "4400430211111234" not in str(refusal.value)


def test_no_single_changed_byte_passes():
    good = settlement.write([ROW, replace(ROW, rrn="632515000002")])

    passed = []
    for place in range(len(good)):
        changed = bytearray(good)
        changed[place] ^= 0x01
        try:
            settlement.read(bytes(changed))
        except settlement.SheetNotValid:
            continue
        passed.append(place)

    assert passed == []


@settings(max_examples=300)
@given(st.binary(max_size=600))
def test_garbage_is_refused_and_never_crashes(content):
    with pytest.raises(settlement.SheetNotValid):
        settlement.read(content)


def test_the_treasury_states_the_sum_of_each_settlement_date():
    other = replace(ROW, rrn="632515000002", settlement_date=date(2026, 11, 24))
    refund = replace(ROW, kind=settlement.RowKind.REFUND, amount_tiyn=81_250)
    bank = SimTreasury(budget_code="204105", purpose_code="911")

    bank.settle(settlement.write([ROW, other, refund]))
    lines = treasury.read(bank.statement(received_on=date(2026, 11, 25)))

    assert [(one.settlement_date.day, one.signed_tiyn) for one in lines] == [
        (23, 1_000_000),
        (24, 1_081_250),
    ]


def test_a_statement_with_a_changed_sum_is_refused():
    bank = SimTreasury(budget_code="204105", purpose_code="911")
    bank.settle(settlement.write([ROW]))
    statement = bank.statement(received_on=date(2026, 11, 25))

    with pytest.raises(treasury.SheetNotValid):
        treasury.read(statement.replace(b"1081250", b"1081251"))
