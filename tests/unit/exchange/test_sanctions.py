"""Court sanctions: their steps, what a court's answer must say, and what a granted one covers."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from app.exchange.errors import StepRefused
from app.exchange.rules.sanctions import (
    CourtDecision,
    Sanction,
    SanctionStatus,
    SanctionUse,
    fault_of,
    next_sanction_status,
    sanction_standing,
)

ALLOWED = {
    ("draft", "signed"),
    ("draft", "withdrawn"),
    ("signed", "sent"),
    ("signed", "withdrawn"),
    ("sent", "received"),
    ("sent", "granted"),  # the court's system may answer with the decision at once
    ("sent", "refused"),
    ("sent", "withdrawn"),
    ("received", "granted"),
    ("received", "refused"),
    ("received", "withdrawn"),
    ("granted", "expired"),
    ("granted", "withdrawn"),
}
GRANTED_AT = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
UNTIL = datetime(2026, 11, 30, 19, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)

GRANTED = {
    "status": SanctionStatus.GRANTED,
    "subject": b"subject",
    "services": frozenset({"legal_entity", "person_photo"}),
    "case_register": "ais_su",
    "case_number": "2675000310003511",
    "granted_from": GRANTED_AT,
    "valid_until": UNTIL,
}
USE = {
    "subject": b"subject",
    "services": frozenset({"legal_entity"}),
    "case_register": "ais_su",
    "case_number": "2675000310003511",
    "at": NOW,
}


def standing(sanction=None, use=None):
    return sanction_standing(
        Sanction(**(GRANTED | (sanction or {}))), SanctionUse(**(USE | (use or {})))
    ).value


@pytest.mark.parametrize(("current", "target"), list(itertools.product(SanctionStatus, repeat=2)))
def test_a_sanction_moves_only_along_the_listed_steps(current, target):
    if (current.value, target.value) in ALLOWED:
        assert next_sanction_status(current, target) is target
    else:
        with pytest.raises(StepRefused):
            next_sanction_status(current, target)


def test_a_granted_sanction_in_force_covers_its_scope():
    assert standing() == "granted"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("draft", "not_yet"),
        ("signed", "not_yet"),
        ("sent", "not_yet"),
        ("received", "not_yet"),
        ("refused", "refused"),
        ("expired", "expired"),
        ("withdrawn", "withdrawn"),
    ],
)
def test_what_is_not_granted_opens_nothing_even_with_a_scope_and_a_term(status, expected):
    assert standing({"status": SanctionStatus(status)}) == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (GRANTED_AT - INSTANT, "not_yet"),
        (GRANTED_AT, "granted"),
        (UNTIL - INSTANT, "granted"),
        (UNTIL, "expired"),
        (UNTIL + timedelta(days=400), "expired"),
    ],
)
def test_it_holds_from_the_decision_up_to_the_end_of_its_term(at, expected):
    assert standing(use={"at": at}) == expected


@pytest.mark.parametrize(
    "use",
    [
        {"subject": b"another"},
        {"subject": None},
        {"services": frozenset({"legal_entity", "wanted_persons"})},
        {"services": frozenset({"wanted_persons"})},
        {"case_number": "2675000310003512"},
        {"case_number": None},
        {"case_register": "erdr"},
        {"case_register": None},
        {"subject": b"another", "at": UNTIL},  # another's sanction does not tell its term
    ],
)
def test_outside_its_scope_it_opens_nothing(use):
    assert standing(use=use) == "out_of_scope"


@pytest.mark.parametrize("changed", [{"granted_from": None}, {"valid_until": None}])
def test_a_grant_without_a_term_is_not_known(changed):
    assert standing(changed) == "unknown"


def test_an_id_of_no_sanction_is_not_known():
    assert sanction_standing(None, SanctionUse(**USE)).value == "unknown"


def test_a_court_may_grant_less_than_was_asked():
    assert standing({"services": frozenset({"legal_entity"})}) == "granted"


DECISION = {
    "number": "7527-26-00-3/5",
    "judge": "А. Судья",
    "decided_at": GRANTED_AT,
    "valid_until": UNTIL,
    "services": frozenset({"legal_entity"}),
}


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({}, None),
        ({"services": frozenset({"legal_entity", "person_photo"})}, None),
        ({"decided_at": NOW}, None),
        ({"number": " "}, "no_number"),
        ({"judge": ""}, "no_judge"),
        ({"valid_until": GRANTED_AT}, "no_term"),
        ({"valid_until": GRANTED_AT + INSTANT}, None),
        ({"decided_at": NOW + INSTANT}, "in_future"),
        ({"services": frozenset()}, "no_service"),
        ({"services": frozenset({"legal_entity", "wanted_persons"})}, "beyond_request"),
    ],
)
def test_an_answer_that_lacks_a_part_or_goes_beyond_the_request_grants_nothing(changed, fault):
    found = fault_of(
        CourtDecision(**(DECISION | changed)),
        services_asked=["legal_entity", "person_photo"],
        now=NOW,
    )

    assert (found and found.value) == fault


def test_the_judge_stands_in_no_log():
    assert "Судья" not in repr(CourtDecision(**DECISION))
