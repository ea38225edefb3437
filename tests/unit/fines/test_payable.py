"""What may be paid, and how much: the forty edges of the discount, and decided fines."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calendar.rules import calendar_of
from app.calendar.service import shipped_special_days
from fines.errors import AlreadyPaid, DiscountEnded, ReceiptNotIssued
from fines.errors.proceedings import FineNotPayable
from fines.rules import amounts
from fines.rules.offence_record import OffenceStatus, discount_end
from fines.rules.payable import Decision, Owed, Sum, payable_now, register_fine_sum

DAYS = calendar_of(shipped_special_days())
SECOND = timedelta(seconds=1)
EXACT = amounts.parse_rounding("2015-01-01=exact_tiyn_payers_favour")
FULL, HALF = 2_162_500, 1_081_250  # 5 MRP of 2026; half is 10 812 tenge and 50 tiyn


def local(text, offset):
    """Return an instant given by the clocks on the wall, ``offset`` hours ahead of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) - timedelta(hours=offset)


def owed(*, issued=None, status=OffenceStatus.RECEIPT_ISSUED, full=FULL, half=HALF, decision=None):
    until = None if issued is None else discount_end(issued_at=issued, days=DAYS).until
    return Owed(
        status=status, full_tiyn=full, half_tiyn=half, discount_until=until, decision=decision
    )


# Issued at, the last second of the right, by the clocks of the law; worked out on paper.
TERMS = [
    # The portal's example: Monday 1 August 2022, until Wednesday 10 August.
    ("2022-08-01T00:00:00", 6, "2022-08-10T23:59:59", 6),
    ("2022-08-01T12:00:00", 6, "2022-08-10T23:59:59", 6),
    ("2022-08-01T23:59:59", 6, "2022-08-10T23:59:59", 6),
    ("2022-08-02T00:00:00", 6, "2022-08-11T23:59:59", 6),
    # A leap day within: issued on Wednesday 21 February 2024.
    ("2024-02-21T10:00:00", 6, "2024-03-01T23:59:59", 5),
    # The last day of the term is the leap day itself, which has 25 hours.
    ("2024-02-20T10:00:00", 6, "2024-02-29T23:59:59", 5),
    # Issued on the leap day before the clocks went back, and in the hour that came twice.
    ("2024-02-29T22:30:00", 6, "2024-03-12T23:59:59", 5),
    ("2024-02-29T23:30:00", 6, "2024-03-12T23:59:59", 5),
    ("2024-02-29T23:30:00", 5, "2024-03-12T23:59:59", 5),
    ("2024-03-01T00:00:00", 5, "2024-03-13T23:59:59", 5),
    # Issued on a Saturday and on a Sunday: the same seven days.
    ("2026-11-21T09:00:00", 5, "2026-12-01T23:59:59", 5),
    ("2026-11-22T09:00:00", 5, "2026-12-01T23:59:59", 5),
    # Over the Day of Independence, a Wednesday.
    ("2026-12-11T18:00:00", 5, "2026-12-23T23:59:59", 5),
]


@pytest.mark.parametrize(("issued", "at", "last", "then"), TERMS)
def test_half_is_enough_to_the_last_second_of_the_seventh_day(issued, at, last, then):
    sum_ = payable_now(owed(issued=local(issued, at)), now=local(last, then))

    assert sum_ == Sum(full_tiyn=FULL, discount_tiyn=FULL - HALF)
    assert sum_.amount_tiyn == HALF


@pytest.mark.parametrize(("issued", "at", "last", "then"), TERMS)
def test_a_second_later_half_is_no_longer_enough(issued, at, last, then):
    with pytest.raises(DiscountEnded):
        payable_now(owed(issued=local(issued, at)), now=local(last, then) + SECOND)


@pytest.mark.parametrize(
    ("count", "mrp", "amount"),
    [
        (5, 4325, 1_081_250),
        (3, 2525, 378_750),
        (1, 3063, 153_150),
        (1, 2121, 106_050),
        (7, 1982, 693_700),
        (15, 2917, 2_187_750),
    ],
)
def test_an_odd_tenge_is_halved_to_the_tiyn(count, mrp, amount):
    full = amounts.fine_full_tiyn(mrp_count=count, mrp_tenge=mrp)
    rule = amounts.rounding_rule(EXACT, day=date(2026, 11, 22))
    half = amounts.fine_half_tiyn(full_tiyn=full, rule=rule)
    issued = local("2026-11-21T09:00:00", 5)

    found = payable_now(owed(issued=issued, full=full, half=half), now=issued)

    assert found.amount_tiyn == amount
    assert found.amount_tiyn + found.discount_tiyn == full


ISSUED = local("2026-11-02T09:00:00", 5)
WITHIN = local("2026-11-03T09:00:00", 5)
LATER = local("2026-12-15T09:00:00", 5)
STANDS = Decision(fine_tiyn=FULL, in_force_on=date(2026, 12, 10))


def test_in_the_first_second_half_is_enough():
    assert payable_now(owed(issued=ISSUED), now=ISSUED).amount_tiyn == HALF


def test_an_appeal_against_the_record_moves_the_seven_days_neither_way():
    pending = Decision(fine_tiyn=FULL, in_force_on=None, suspended=True)

    assert payable_now(owed(issued=ISSUED, decision=pending), now=WITHIN).amount_tiyn == HALF
    with pytest.raises(DiscountEnded):
        payable_now(owed(issued=ISSUED, decision=pending), now=LATER)


@pytest.mark.parametrize("status", [OffenceStatus.LAPSED, OffenceStatus.ORDINARY])
def test_between_the_seven_days_and_the_decision_nothing_is_paid(status):
    with pytest.raises(DiscountEnded):
        payable_now(owed(issued=ISSUED, status=status), now=LATER)


@pytest.mark.parametrize("status", [OffenceStatus.ORDINARY, OffenceStatus.ENFORCEMENT])
@pytest.mark.parametrize("issued", [ISSUED, None])
def test_a_decision_that_stands_is_paid_whole(status, issued):
    found = payable_now(owed(issued=issued, status=status, decision=STANDS), now=LATER)

    assert found == Sum(full_tiyn=FULL, discount_tiyn=0)


def test_a_decided_fine_is_what_was_decided_and_not_what_the_record_said():
    milder = Decision(fine_tiyn=1_000_000, in_force_on=date(2026, 12, 10))
    found = payable_now(owed(status=OffenceStatus.ORDINARY, decision=milder), now=LATER)

    assert found.amount_tiyn == 1_000_000


@pytest.mark.parametrize(
    ("decision", "reason"),
    [
        (Decision(fine_tiyn=0, in_force_on=date(2026, 12, 10)), "no_fine"),
        (Decision(fine_tiyn=FULL, in_force_on=None), "not_in_force"),
        (Decision(fine_tiyn=FULL, in_force_on=date(2026, 12, 16)), "not_in_force"),
        (Decision(fine_tiyn=FULL, in_force_on=date(2026, 12, 10), suspended=True), "suspended"),
        (
            Decision(fine_tiyn=FULL, in_force_on=date(2026, 12, 10), handed_over=True),
            "with_enforcement",
        ),
    ],
)
def test_a_decision_that_does_not_stand_is_not_paid_here(decision, reason):
    with pytest.raises(FineNotPayable) as refused:
        payable_now(owed(status=OffenceStatus.ORDINARY, decision=decision), now=LATER)

    assert refused.value.fields["reason"] == reason


@pytest.mark.parametrize("status", [OffenceStatus.PAID_HALF, OffenceStatus.PAID_FULL])
def test_what_is_paid_is_never_paid_again(status):
    with pytest.raises(AlreadyPaid):
        payable_now(owed(issued=ISSUED, status=status, decision=STANDS), now=WITHIN)


@pytest.mark.parametrize(
    "status", [OffenceStatus.DRAFT, OffenceStatus.DRAWN_UP, OffenceStatus.WARNED]
)
def test_without_a_receipt_there_is_nothing_to_pay(status):
    with pytest.raises(ReceiptNotIssued):
        payable_now(owed(status=status), now=WITHIN)


def test_a_fine_of_the_register_is_paid_whole_or_not_at_all():
    assert register_fine_sum(amount_tiyn=4_325_000) == Sum(full_tiyn=4_325_000, discount_tiyn=0)
    with pytest.raises(FineNotPayable):
        register_fine_sum(amount_tiyn=0)


@given(
    status=st.sampled_from(OffenceStatus),
    full=st.integers(1, 10**9),
    receipt=st.booleans(),
    fine=st.none() | st.integers(0, 10**9),
    minutes=st.integers(-60 * 24 * 40, 60 * 24 * 40),
)
def test_no_case_is_ever_charged_more_than_it_owes(status, full, receipt, fine, minutes):
    decision = None
    if fine is not None:
        decision = Decision(fine_tiyn=fine, in_force_on=date(2026, 11, 1))
    case = owed(
        issued=ISSUED if receipt else None,
        status=status,
        full=full,
        half=full // 2,
        decision=decision,
    )

    try:
        found = payable_now(case, now=ISSUED + timedelta(minutes=minutes))
    except (AlreadyPaid, DiscountEnded, FineNotPayable, ReceiptNotIssued):
        return

    assert found.amount_tiyn in {full // 2, fine}
    assert found.amount_tiyn > 0 or full == 1
    assert 0 <= found.discount_tiyn <= found.full_tiyn
