"""The life cycle of a request, and what its parts amount to."""

import itertools
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from app.exchange.errors import StepRefused
from app.exchange.rules.answers import Answer, answer_bytes, answer_of
from app.exchange.rules.requests import (
    Part,
    PartStatus,
    RequestStatus,
    cautions_of,
    facts_of,
    next_status,
)
from app.exchange.wire.registers import RegisterName

WAITING = ("pending_verification", "needs_second_person", "needs_justification")
ALLOWED = {
    ("received", "refused"),
    ("received", "asked"),
    ("received", "withheld"),
    ("asked", "sequenced"),
    ("asked", "withheld"),
    ("sequenced", "released"),
    ("sequenced", "withheld"),
    # A request that waited is decided anew, may have to wait for the next, and may die of it.
    *itertools.product(WAITING, (*WAITING, "received", "refused", "expired")),
}
TODAY = date(2026, 11, 22)
AT = datetime(2026, 11, 22, 6, tzinfo=UTC)
IIN = "950817301017"
CHECK = UUID("00000000-0000-4000-8000-000000000001")


@pytest.mark.parametrize(("current", "target"), list(itertools.product(RequestStatus, repeat=2)))
def test_a_request_moves_only_along_the_listed_steps(current, target):
    if (current.value, target.value) in ALLOWED:
        assert next_status(current, target) is target
    else:
        with pytest.raises(StepRefused):
            next_status(current, target)


def found(register, **record):
    return Part(register=register, status=PartStatus.FOUND, asked_ms=2.5, record=record)


def silent(register, status=PartStatus.TIMED_OUT):
    return Part(register=register, status=status, fault="timed_out")


CLEAN = (
    found(RegisterName.PERSON_DOCUMENTS, document_number="045678912", surname="ҮСЕНОВ"),
    found(RegisterName.DRIVER_LICENCE, state="in_force", valid_until="2030-01-01"),
    found(RegisterName.VEHICLE, owner_iin=IIN, make_model="Toyota Camry", year=2019, vin="X1"),
    found(RegisterName.INSURANCE, valid_until="2026-11-22"),
    Part(register=RegisterName.WANTED_PERSONS, status=PartStatus.NOT_FOUND),
    Part(register=RegisterName.WANTED_VEHICLES, status=PartStatus.NOT_FOUND),
)


def cautions(*changed, number="045678912", expires_on=date(2031, 5, 19)):
    parts = {part.register: part for part in (*CLEAN, *changed)}
    return {
        one.value
        for one in cautions_of(
            tuple(parts.values()),
            iin=IIN,
            document_number=number,
            document_expires_on=expires_on,
            today=TODAY,
        )
    }


def test_a_clean_driver_gives_no_caution():
    assert cautions() == set()


@pytest.mark.parametrize(
    ("part", "caution"),
    [
        (
            found(RegisterName.DRIVER_LICENCE, state="withdrawn", valid_until="2030-01-01"),
            "licence_not_in_force",
        ),
        (
            found(RegisterName.DRIVER_LICENCE, state="in_force", valid_until="2026-11-21"),
            "licence_not_in_force",
        ),
        (found(RegisterName.INSURANCE, valid_until="2026-11-21"), "insurance_not_in_force"),
        (
            Part(register=RegisterName.INSURANCE, status=PartStatus.NOT_FOUND),
            "insurance_not_in_force",
        ),
        (found(RegisterName.VEHICLE, owner_iin="960229401138"), "owner_is_another_person"),
        (found(RegisterName.WANTED_PERSONS, category="x"), "person_wanted"),
        (found(RegisterName.WANTED_VEHICLES, category="x"), "vehicle_wanted"),
        (found(RegisterName.PERSON_DOCUMENTS, document_number="1"), "document_number_differs"),
        (silent(RegisterName.INSURANCE), "answer_incomplete"),
        (silent(RegisterName.VEHICLE, PartStatus.UNAVAILABLE), "answer_incomplete"),
        (silent(RegisterName.WANTED_PERSONS, PartStatus.REFUSED), "answer_incomplete"),
    ],
)
def test_each_caution_comes_from_its_own_part(part, caution):
    assert cautions(part) == {caution}


def test_an_expired_card_is_told():
    assert cautions(expires_on=date(2026, 11, 21)) == {"document_expired"}
    assert cautions(expires_on=TODAY) == set()


def test_a_typed_iin_says_nothing_of_the_card():
    assert cautions(number=None, expires_on=None) == set()


def test_facts_take_over_what_is_there_and_leave_the_rest_empty():
    parts = (silent(RegisterName.PERSON_DOCUMENTS), *CLEAN[1:])

    taken = facts_of(
        check_id=CHECK,
        received_at=AT,
        iin=IIN,
        plate="777ABC02",
        birth_date=date(1995, 8, 17),
        parts=parts,
    )

    assert taken.driver.iin == IIN
    assert taken.driver.surname == ""
    assert taken.vehicle is not None
    assert (taken.vehicle.plate, taken.vehicle.make_model) == ("777ABC02", "Toyota Camry")
    assert taken.complete is False


def test_a_check_without_a_plate_has_no_vehicle():
    taken = facts_of(
        check_id=CHECK,
        received_at=AT,
        iin=IIN,
        plate=None,
        birth_date=date(1995, 8, 17),
        parts=CLEAN[:2],
    )

    assert taken.vehicle is None
    assert taken.complete is True


def test_an_answer_is_read_back_as_it_was_stored():
    import json

    answer = Answer(
        salt="00" * 16,
        iin=IIN,
        birth_date=date(1995, 8, 17),
        plate="777ABC02",
        document_number="045678912",
        document_expires_on=date(2031, 5, 19),
        cautions=("person_wanted",),
        parts=(*CLEAN, silent(RegisterName.INSPECTION)),
    )

    assert answer_of(json.loads(answer_bytes(answer))) == answer
    assert answer_bytes(answer) == answer_bytes(answer)
    assert IIN not in repr(answer)


def test_unpaid_fines_are_taken_over_and_silence_is_no_empty_list():
    fine = {
        "decision_number": "264750000001234",
        "article": "592(1)",
        "decided_on": "2026-11-02",
        "amount_tiyn": 4_325_000,
    }
    common = {"check_id": CHECK, "received_at": AT, "iin": IIN, "plate": None}

    def taken(*parts):
        return facts_of(**common, birth_date=date(1995, 8, 17), parts=parts).fines

    found = Part(
        register=RegisterName.UNPAID_FINES,
        status=PartStatus.FOUND,
        record={"iin": IIN, "fines": [fine]},
    )

    assert [(one.decision_number, one.amount_tiyn) for one in taken(found)] == [
        ("264750000001234", 4_325_000)
    ]
    assert taken(Part(register=RegisterName.UNPAID_FINES, status=PartStatus.NOT_FOUND)) == ()
    assert taken(silent(RegisterName.UNPAID_FINES)) is None
    assert taken() is None
