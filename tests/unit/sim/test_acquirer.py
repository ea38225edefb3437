"""The simulated acquirer: what it books, what it takes back, what it tells at the end of a day."""

import itertools
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from fines.wire import instruction, settlement
from fines.wire.settlement import RowKind
from sim.acquirer import Fault, Switch, take_instructions
from sim.district import CARDS, DRIVER, EXPIRED_CARD, FRIEND, POOR_CARD
from sim.terminal import iso
from sim.terminal.host import Host

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
DAY, NEXT_DAY = date(2026, 11, 23), date(2026, 11, 24)
BACK_OFFICE = "BACKOFC1"
TERMINAL = "00001042"


class Road:
    """A switch and the messages of one terminal."""

    def __init__(self, **more):
        self.switch = Switch(cards=CARDS, now=lambda: NOW, **more)
        self.host = Host(
            address=("", 0), terminal_number=TERMINAL, merchant_number="398104", answer_seconds=1
        )
        self.numbers = itertools.count(1)

    def message(self, card=DRIVER.card, *, amount_tiyn=1_081_250, iin=DRIVER.iin):
        return self.host.sale(
            card=card, amount_tiyn=amount_tiyn, payer_iin=iin, trace_number=next(self.numbers)
        )

    def say(self, message):
        # Over the codec, both ways: what it cannot carry cannot be said.
        heard = iso.decode(iso.encode(message)[2:])
        return [iso.decode(iso.encode(one.message)[2:]) for one in self.switch.answer(heard)]

    def sale(self, **more):
        (answer,) = self.say(self.message(**more))
        return answer

    def take_back(self, sale):
        return self.say(self.host.reversal_of(sale, reason=iso.LATE))

    def file(self, day=DAY):
        return settlement.read(self.switch.end_of_day(day=day, fee_basis_points=50))


@pytest.fixture
def road():
    return Road(back_offices=frozenset({BACK_OFFICE}))


@pytest.mark.parametrize(
    ("card", "told", "code"),
    [
        (DRIVER.card, None, "00"),
        (FRIEND.card, None, "57"),
        (DRIVER.card, "U", "57"),
        (DRIVER.card, "S", "57"),
        (EXPIRED_CARD, None, "54"),
        (POOR_CARD, None, "51"),
    ],
)
def test_the_issuer_knows_whose_card_it_is(road, card, told, code):
    if told:
        road.switch.ownership[card.key] = told

    answer = road.sale(card=card)

    assert answer["39"] == code
    assert len(road.switch.book.debits) == (code == "00")


def test_the_same_sale_twice_is_booked_once(road):
    message = road.message()

    codes = [road.say(message)[0]["39"] for _ in range(3)]

    assert codes == ["00", "94", "94"]
    assert road.switch.book.debited_tiyn == 1_081_250


def test_a_reversal_has_one_effect_however_often_it_comes(road):
    message = road.message()
    road.say(message)

    codes = [road.take_back(message)[0]["39"] for _ in range(3)]

    assert codes == ["00"] * 3
    assert road.switch.book.reversal_effects == 1
    assert road.switch.book.debited_tiyn == 0


def test_a_sale_that_comes_after_its_reversal_is_refused(road):
    message = road.message()

    (early,) = road.take_back(message)
    (late,) = road.say(message)

    assert early["39"] == "25"
    assert late["39"] == "94"


@pytest.mark.parametrize("processing", ["200000", "020000", "310000"])
def test_a_card_terminal_neither_refunds_nor_voids(road, processing):
    rrn = road.sale()["37"]

    (answer,) = road.say(road.message() | {"3": processing, "37": rrn})

    assert answer["39"] == "58"
    assert road.switch.book.refunds == []


def test_a_back_office_refunds_what_was_paid_and_no_more(road):
    rrn = road.sale()["37"]
    refund = {"3": iso.REFUND, "37": rrn, "41": BACK_OFFICE}

    first = road.message() | refund
    codes = [
        road.say(first)[0]["39"],
        road.say(first)[0]["39"],
        road.say(road.message() | refund)[0]["39"],
        road.say(road.message() | refund | {"37": "699999999999"})[0]["39"],
    ]

    assert codes == ["00", "00", "13", "25"]
    assert road.switch.book.debited_tiyn == 0


def test_an_instruction_has_effect_once_and_means_one_thing(road):
    rrn = road.sale()["37"]
    told = {"instruction": "R-1", "rrn": rrn}

    codes = [
        road.switch.refund(**told, amount_tiyn=81_250)[0],
        road.switch.refund(**told, amount_tiyn=81_250)[0],
        road.switch.refund(**told, amount_tiyn=1)[0],
        road.switch.refund(instruction="R-2", rrn=rrn, amount_tiyn=1_000_001)[0],
        road.switch.refund(instruction="R-3", rrn=rrn, amount_tiyn=0)[0],
    ]

    assert codes == ["00", "00", "94", "13", "13"]
    assert road.switch.book.debited_tiyn == 1_000_000


def test_the_days_file_tells_each_booking_once(road):
    kept, taken_back = road.message(), road.message()
    road.say(kept)
    road.say(taken_back)
    road.take_back(taken_back)

    (row,) = road.file()

    debit = road.switch.book.standing[0]
    assert (row.kind, row.rrn, row.amount_tiyn) == (RowKind.SALE, debit.rrn, 1_081_250)
    assert (row.stan, row.terminal_number, row.fee_tiyn) == (1, TERMINAL, 5_406)
    assert row.card_masked == DRIVER.card.pan[:6] + "******" + DRIVER.card.pan[-4:]
    assert road.file(NEXT_DAY) == ()


def test_what_is_taken_back_later_is_told_later(road):
    reversed_late, refunded = road.message(), road.message()
    road.say(reversed_late)
    rrn = road.say(refunded)[0]["37"]
    road.file()
    road.take_back(reversed_late)
    road.switch.refund(instruction="R-1", rrn=rrn, amount_tiyn=500)

    rows = road.file(NEXT_DAY)

    assert [(row.kind, row.amount_tiyn) for row in rows] == [
        (RowKind.REVERSAL, 1_081_250),
        (RowKind.REFUND, 500),
    ]
    assert {row.settlement_date for row in rows} == {NEXT_DAY}


@pytest.mark.parametrize(
    ("count", "sum_tiyn", "balance"), [(2, 300, "1"), (1, 300, "2"), (2, 299, "2"), (0, 0, "2")]
)
def test_reconciliation_says_whether_both_count_the_same(road, count, sum_tiyn, balance):
    road.sale(amount_tiyn=100)
    road.sale(amount_tiyn=200)
    taken_back = road.message(amount_tiyn=50)
    road.say(taken_back)
    road.take_back(taken_back)

    (answer,) = road.say(reconciliation(count, sum_tiyn))
    (again,) = road.say(reconciliation(count, sum_tiyn))
    (next_batch,) = road.say(reconciliation(0, 0) | {"11": "000010"})

    assert (answer["39"], answer["66"]) == ("00", balance)
    assert again == answer
    assert next_batch["66"] == "1"


def reconciliation(count, sum_tiyn):
    return {
        "t": iso.RECONCILIATION, "7": "1123060000", "11": "000009", "41": TERMINAL,
        "76": f"{count:010d}", "88": f"{sum_tiyn:016d}",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "answer"), [("001", "00"), ("002", "00"), ("301", "00"), ("101", "12")]
)
def test_network_messages(road, code, answer):
    message = {"t": iso.NETWORK, "7": "1123060000", "11": "000001", "41": TERMINAL, "70": code}

    (told,) = road.say(message)

    assert (told["t"], told["39"]) == ("0810", answer)


@pytest.mark.parametrize("name", ["3", "4", "7", "11", "41", "49"])
def test_a_sale_without_what_it_must_have_is_a_format_error(road, name):
    message = road.message()
    del message[name]

    (answer,) = road.say(message)

    assert (answer["t"], answer["39"]) == ("0210", "30")


@pytest.mark.parametrize(
    "wrong", [{"4": "00000075000x"}, {"11": "00000a"}, {"48": "01129999"}, {"48": "zz"}]
)
def test_letters_in_a_number_and_torn_fields_are_a_format_error(road, wrong):
    (answer,) = road.say(road.message() | wrong)

    assert answer["39"] == "30"
    assert road.switch.book.debits == []


def test_a_partial_approval_a_stale_one_and_two_are_told_apart_by_what_is_booked(road):
    road.sale()
    road.switch.fault(Fault.PARTIAL, Fault.STALE, Fault.DUPLICATE)

    partial, stale, twice = (road.say(road.message()) for _ in range(3))

    assert [one["39"] for one in partial] == ["10"]
    assert [one["11"] for one in stale] == ["000001", "000003"]
    assert [one["11"] for one in twice] == ["000004", "000004"]
    assert len(road.switch.book.debits) == 3


# ---------------------------------------------------------------------- refund instructions


def order_of(road, **changed):
    debit = road.switch.book.standing[0]
    values = {
        "refund_id": UUID(int=1), "rrn": debit.rrn, "approval_code": debit.approval_code,
        "terminal_number": debit.terminal_number, "merchant_number": debit.merchant_number,
        "amount_tiyn": 81_250,
    }  # fmt: skip
    return instruction.RefundOrder(**(values | changed))


def test_an_instruction_file_is_carried_out_once_and_told_by_the_next_file(road):
    road.sale()
    content = instruction.write([order_of(road)])

    codes = [road.switch.carry_out(content) for _ in range(2)]

    assert codes == [{UUID(int=1): "00"}] * 2
    assert road.switch.book.debited_tiyn == 1_000_000
    sale, refund = road.file()
    assert (refund.kind, refund.rrn, refund.amount_tiyn) == (RowKind.REFUND, sale.rrn, 81_250)
    assert refund.approval_code != sale.approval_code


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"rrn": "600000009999"}, "25"),
        ({"approval_code": "A99999"}, "25"),
        ({"terminal_number": "00001043"}, "25"),
        ({"merchant_number": "398105"}, "25"),
        ({"amount_tiyn": 1_081_251}, "13"),
    ],
)
def test_an_instruction_that_names_another_sale_or_too_much_is_not_carried_out(road, changed, code):
    road.sale()

    codes = road.switch.carry_out(instruction.write([order_of(road, **changed)]))

    assert list(codes.values()) == [code]
    assert road.switch.book.refunds == []


def test_one_changed_byte_of_an_instruction_refuses_all_of_it(road, tmp_path, capsys):
    road.sale()
    content = instruction.write([order_of(road), order_of(road, refund_id=UUID(int=2))])
    (tmp_path / "a.csv").write_bytes(content.replace(b",81250", b",81251", 1))
    (tmp_path / "b.csv").write_bytes(content)

    take_instructions(tmp_path, road.switch)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.refused", "b.done"]
    assert len(road.switch.book.refunds) == 2
    assert f"refund {UUID(int=2)}: 00" in capsys.readouterr().out
