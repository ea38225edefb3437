"""In the user's work, or not: every combination written out again from items 5 and 21-27."""

import itertools

import pytest

from app.exchange.rules.breaker import (
    CLOSED,
    Breaker,
    BreakerTerms,
    Permit,
    answered,
    asking,
)
from app.exchange.rules.cases import CaseQuestion, CaseVerdict, judge_case
from app.exchange.wire.cases import (
    AddressedOrder,
    CaseKind,
    CaseRecord,
    CaseRegister,
    CaseState,
    CaseStatus,
    Holder,
    HolderPart,
)

ME, ANOTHER = "900315300120", "930401300917"
OURS, THEIRS = "210940000013", "210940000024"
NUMBER, ORDER = "267500031000141", "12-3/1042"
TERMS = BreakerTerms(failures_max=3, open_seconds=10)


def question(**changed):
    values = {
        "register": CaseRegister.ERDR,
        "number": NUMBER,
        "officer_iin": ME,
        "department_bin": OURS,
    }
    return CaseQuestion(**(values | changed))


def holder(iin, part=HolderPart.INVESTIGATOR, department_bin=OURS):
    return Holder(iin=iin, part=part, department_bin=department_bin)


def case(**changed):
    values = {
        "number": NUMBER,
        "kind": CaseKind.CRIMINAL,
        "state": CaseState.OPEN,
        "body_bin": OURS,
        "holders": (holder(ME),),
    }
    return CaseRecord(**(values | changed))


def judged(asked, found):
    return judge_case(asked, status=CaseStatus.FOUND, case=found)


@pytest.mark.parametrize("part", HolderPart)
def test_whoever_the_register_names_has_the_case_in_his_work(part):
    found = case(holders=(holder(ANOTHER), holder(ME, part)))

    assert judged(question(), found) is CaseVerdict.CONFIRMED


@pytest.mark.parametrize("register", [CaseRegister.ERDR, CaseRegister.AIS_SU, CaseRegister.AIS_OIP])
@pytest.mark.parametrize(
    "holders", [(), (holder(ANOTHER),), (holder(ANOTHER, department_bin=OURS),)]
)
def test_a_colleague_of_the_same_body_holds_it_not_for_me(register, holders):
    asked = question(register=register)

    assert judged(asked, case(holders=holders)) is CaseVerdict.NOT_YOURS


STATES = {
    (CaseState.OPEN, False): CaseVerdict.CONFIRMED,
    (CaseState.OPEN, True): CaseVerdict.CONFIRMED,
    (CaseState.IN_COURT, False): CaseVerdict.CLOSED,
    (CaseState.IN_COURT, True): CaseVerdict.CONFIRMED,
    (CaseState.CLOSED, False): CaseVerdict.CLOSED,
    (CaseState.CLOSED, True): CaseVerdict.CLOSED,
}


@pytest.mark.parametrize(("state", "by_order"), list(itertools.product(CaseState, [False, True])))
def test_a_case_must_stand_where_the_basis_needs_it(state, by_order):
    orders = (AddressedOrder(number=ORDER, addressed_to_bin=OURS),)
    asked = question(order_number=ORDER if by_order else None)

    assert judged(asked, case(state=state, orders=orders)) is STATES[state, by_order]


@pytest.mark.parametrize(
    "orders",
    [
        (),
        (AddressedOrder(number=ORDER, addressed_to_bin=THEIRS),),
        (AddressedOrder(number="12-3/1043", addressed_to_bin=OURS),),
        (
            AddressedOrder(number=ORDER, addressed_to_bin=THEIRS),
            AddressedOrder(number="12-3/1043", addressed_to_bin=OURS),
        ),
    ],
)
def test_an_order_counts_for_the_body_it_is_addressed_to(orders):
    found = case(orders=orders)  # held by the asking person himself, which is not enough

    assert judged(question(order_number=ORDER), found) is CaseVerdict.ORDER_NOT_ADDRESSED


@pytest.mark.parametrize(("wanted", "kind"), list(itertools.product(CaseKind, repeat=2)))
def test_a_case_of_one_kind_is_no_ground_of_another(wanted, kind):
    expected = CaseVerdict.CONFIRMED if wanted.value == kind.value else CaseVerdict.NO_CASE

    assert judged(question(kind=wanted), case(kind=kind)) is expected


@pytest.mark.parametrize(
    ("body_bin", "holders", "verdict"),
    [
        (OURS, (), CaseVerdict.CONFIRMED),
        (THEIRS, (), CaseVerdict.NOT_YOURS),
        (THEIRS, (holder(ME),), CaseVerdict.NOT_YOURS),
    ],
)
def test_a_court_asks_of_its_own_cases(body_bin, holders, verdict):
    asked = question(register=CaseRegister.EAIAS)

    assert judged(asked, case(body_bin=body_bin, holders=holders)) is verdict


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(CaseStatus.REFUSED, CaseVerdict.REFUSED), (CaseStatus.NOT_FOUND, CaseVerdict.NO_CASE)],
)
@pytest.mark.parametrize("found", [None, case()])
def test_without_a_found_case_nothing_is_confirmed(status, verdict, found):
    assert judge_case(question(), status=status, case=found) is verdict


def test_found_without_a_case_is_no_case():
    assert judged(question(), None) is CaseVerdict.NO_CASE


def test_a_question_shows_nobody_in_its_text():
    shown = repr(question(order_number=ORDER))

    assert not any(text in shown for text in (ME, NUMBER, ORDER))


def fail(breaker, times, *, now=0.0):
    for _ in range(times):
        breaker, permit = asking(breaker, terms=TERMS, now=now)
        breaker = answered(breaker, good=False, permit=permit, terms=TERMS, now=now)
    return breaker


def test_a_breaker_opens_after_so_many_failures_in_a_row():
    assert fail(CLOSED, 2).opened_at is None
    assert fail(CLOSED, 3).opened_at == 0.0


def test_a_good_answer_begins_the_count_again():
    breaker = answered(fail(CLOSED, 2), good=True, permit=Permit.ASK, terms=TERMS, now=0)

    assert fail(breaker, 2).opened_at is None


@pytest.mark.parametrize(
    ("now", "permit"), [(0.0, Permit.REFUSED), (9.999, Permit.REFUSED), (10.0, Permit.PROBE)]
)
def test_an_open_breaker_asks_nobody_until_its_pause_is_over(now, permit):
    assert asking(fail(CLOSED, 3), terms=TERMS, now=now)[1] is permit


def test_one_probe_at_a_time():
    breaker, first = asking(fail(CLOSED, 3), terms=TERMS, now=10)

    assert first is Permit.PROBE
    assert asking(breaker, terms=TERMS, now=10)[1] is Permit.REFUSED
    assert asking(breaker, terms=TERMS, now=1000)[1] is Permit.REFUSED


@pytest.mark.parametrize(("good", "opened_at"), [(True, None), (False, 12.0)])
def test_the_probe_decides(good, opened_at):
    breaker, permit = asking(fail(CLOSED, 3), terms=TERMS, now=11)

    after = answered(breaker, good=good, permit=permit, terms=TERMS, now=12)

    assert (after.opened_at, after.probing) == (opened_at, False)


def test_a_late_failure_neither_prolongs_the_pause_nor_ends_a_probe():
    probing = Breaker(failures=3, opened_at=0.0, probing=True)

    assert answered(probing, good=False, permit=Permit.ASK, terms=TERMS, now=9) == probing


def test_every_history_of_eight_steps_leaves_a_breaker_that_can_recover():
    for steps in itertools.product((True, False), repeat=8):
        breaker, now = CLOSED, 0.0
        for good in steps:
            now += 10
            breaker, permit = asking(breaker, terms=TERMS, now=now)
            assert permit is not Permit.REFUSED
            breaker = answered(breaker, good=good, permit=permit, terms=TERMS, now=now)
        assert asking(breaker, terms=TERMS, now=now + 10)[1] is not Permit.REFUSED
