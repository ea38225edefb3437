"""The life cycles of a record and of a payment, written out again."""

import importlib.util
import itertools
import re
from pathlib import Path

import pytest

from fines.errors import OutcomeContradicts, TransitionRefused
from fines.rules.offence_record import OffenceStatus, next_offence_status
from fines.rules.payment import (
    LIVE,
    PaymentStatus,
    next_payment_status,
    status_after_outcome,
)
from fines.wire.protocol import Result

OFFENCE = {
    ("draft", "drawn_up"),
    ("draft", "warned"),
    ("drawn_up", "reduced_agreed"),
    ("drawn_up", "ordinary"),
    ("reduced_agreed", "receipt_issued"),
    ("receipt_issued", "paid_half"),
    ("receipt_issued", "lapsed"),
    ("lapsed", "ordinary"),
    ("ordinary", "enforcement"),
    ("ordinary", "paid_full"),
    ("enforcement", "paid_full"),
}
PAYMENT = {
    ("created", "sent"),
    ("created", "declined"),
    ("sent", "approved"),
    ("sent", "declined"),
    ("sent", "reversed"),
    ("sent", "unknown"),
    ("approved", "slips_printed"),
    ("approved", "reversed"),
    ("approved", "unknown"),
    ("slips_printed", "signed"),
    ("signed", "filed"),
    ("filed", "settled"),
    ("unknown", "approved"),
    ("unknown", "reversed"),
}


def moves(step, statuses):
    for current, target in itertools.product(statuses, repeat=2):
        try:
            step(current=current, target=target)
        except TransitionRefused:
            continue
        yield (current.value, target.value)


def test_a_record_moves_only_along_the_listed_steps():
    assert set(moves(next_offence_status, OffenceStatus)) == OFFENCE


def test_a_payment_moves_only_along_the_listed_steps():
    assert set(moves(next_payment_status, PaymentStatus)) == PAYMENT


def steps_of(revision_file, name):
    path = Path(__file__).parents[3] / "alembic/versions" / revision_file
    spec = importlib.util.spec_from_file_location("revision", path)
    revision = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(revision)
    return set(re.findall(r"\('(\w+)', '(\w+)'\)", getattr(revision, name)))


def test_the_database_guards_the_same_steps():
    assert steps_of("2026_11_22_0015_law.py", "_OFFENCE_STEPS") == OFFENCE
    assert steps_of("2026_11_22_0006_fines.py", "_PAYMENT_STEPS") == PAYMENT


def test_only_a_failed_payment_makes_room_for_another():
    failed = set(PaymentStatus) - LIVE

    assert {one.value for one in failed} == {"declined", "reversed"}


CREATED, SENT, APPROVED = PaymentStatus.CREATED, PaymentStatus.SENT, PaymentStatus.APPROVED
PRINTED, UNKNOWN = PaymentStatus.SLIPS_PRINTED, PaymentStatus.UNKNOWN
DECLINED, REVERSED = PaymentStatus.DECLINED, PaymentStatus.REVERSED


@pytest.mark.parametrize(
    ("current", "confirmed", "result", "stored", "after"),
    [
        (APPROVED, False, Result.COMPLETED, True, APPROVED),
        (UNKNOWN, False, Result.COMPLETED, True, APPROVED),
        (APPROVED, True, Result.COMPLETED, True, APPROVED),
        (PRINTED, True, Result.COMPLETED, True, PRINTED),
        (SENT, False, Result.COMPLETED, False, UNKNOWN),
        (UNKNOWN, False, Result.COMPLETED, False, UNKNOWN),
        (SENT, False, Result.UNKNOWN, False, UNKNOWN),
        (APPROVED, False, Result.UNKNOWN, True, UNKNOWN),
        (UNKNOWN, False, Result.UNKNOWN, False, UNKNOWN),
        (CREATED, False, Result.DECLINED, False, DECLINED),
        (SENT, False, Result.DECLINED, False, DECLINED),
        (APPROVED, False, Result.DECLINED, True, REVERSED),
        (UNKNOWN, False, Result.DECLINED, False, REVERSED),
        (SENT, False, Result.REVERSED, False, REVERSED),
        (APPROVED, False, Result.REVERSED, True, REVERSED),
        (UNKNOWN, False, Result.REVERSED, True, REVERSED),
        (DECLINED, False, Result.DECLINED, False, DECLINED),
        (REVERSED, False, Result.REVERSED, False, REVERSED),
        (DECLINED, False, Result.REVERSED, False, DECLINED),
    ],
)
def test_an_outcome_leads_where_what_is_proven_allows(current, confirmed, result, stored, after):
    found = status_after_outcome(
        current=current, confirmed=confirmed, result=result, approval_stored=stored
    )

    assert found is after


@pytest.mark.parametrize(
    ("current", "confirmed", "result", "stored"),
    [
        (APPROVED, True, Result.REVERSED, True),
        (PRINTED, True, Result.DECLINED, True),
        (PRINTED, True, Result.UNKNOWN, True),
        (DECLINED, False, Result.COMPLETED, False),
        (REVERSED, False, Result.COMPLETED, True),
        (REVERSED, False, Result.UNKNOWN, False),
        (CREATED, False, Result.COMPLETED, False),
        (CREATED, False, Result.REVERSED, False),
        (CREATED, False, Result.UNKNOWN, False),
    ],
)
def test_an_outcome_that_cannot_be_true_is_refused(current, confirmed, result, stored):
    with pytest.raises(OutcomeContradicts):
        status_after_outcome(
            current=current, confirmed=confirmed, result=result, approval_stored=stored
        )


@pytest.mark.parametrize("result", Result)
@pytest.mark.parametrize("current", PaymentStatus)
@pytest.mark.parametrize("stored", [True, False])
def test_an_outcome_never_leaves_the_listed_steps(current, result, stored):
    try:
        after = status_after_outcome(
            current=current, confirmed=False, result=result, approval_stored=stored
        )
    except OutcomeContradicts:
        return

    assert after is current or (current.value, after.value) in PAYMENT
