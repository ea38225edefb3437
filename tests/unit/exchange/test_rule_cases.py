"""The 99 named cases: eleven bases in nine situations, read off the Rules (items 4, 5, 20-27).

``rule_cases.csv`` was written from the text of the Rules and knows nothing of the program. The
nine situations are: all good; a mandatory field is missing; a field that must be empty is not; a
number is malformed; the register knows no such case; the case is closed; it is not in the user's
work; the register is silent; the caller, the channel or the service is the wrong one. Where item
5 demands no check by a register the row says what stands in its place: nothing for a primary
check, a second person for an international order.

Where the table of the Rules lets every field be filled in (international order, courts in
criminal and other cases), the field that must be empty is the ground of a stop: it belongs to the
roadside alone.
"""

import csv
from pathlib import Path

import pytest

from app.exchange.rules.bases import RULE_SETS, SubjectKind
from app.exchange.rules.cases import CaseVerdict
from app.exchange.rules.gates import (
    Channel,
    DeviceStanding,
    FieldState,
    SanctionStanding,
    SecondPerson,
    decide,
)
from tests.factories_rules import EVERY_BASIS, case_facts, given

TABLE = Path(__file__).with_name("rule_cases.csv").read_text(encoding="utf-8")
ROWS = list(csv.DictReader(TABLE.splitlines()))
SITUATIONS = (
    "all good",
    "mandatory field missing",
    "forbidden field present",
    "malformed number",
    "no such case",
    "case closed",
    "not in the user's work",
    "register silent",
    "wrong caller or service",
)
FIELDS = ("case_number", "order_number", "order_body", "cover_letter", "year", "court")
PLACES = {
    "workplace": {"device": DeviceStanding.WORKPLACE, "device_kind": None},
    "tablet": {"device": DeviceStanding.ISSUED_TO_CALLER, "device_kind": "tablet"},
    "eaias": {"channel": Channel.EAIAS, "device": DeviceStanding.SYSTEM, "person_behind": True},
    "system": {"channel": Channel.SYSTEM, "device": DeviceStanding.SYSTEM, "person_behind": True},
}


def read(basis, request):
    """Return the facts that the words of one row mean."""
    role, place, *words = request.split()
    said = dict(word.split("=") for word in words if "=" in word)
    subject = said.get("person") or said.get("entity")
    changed = {
        "basis": basis,
        "role": role,
        "services": (said.get("service", "person_documents"),),
        "article": said.get("article", ""),
        "subject_kind": SubjectKind.LEGAL_ENTITY if "entity" in said else SubjectKind.PERSON,
        "subject": FieldState(subject),
        "stop_ground": "traffic_violation" if "stop" in words else "",
        "given": given(**{name: FieldState(said[name]) for name in FIELDS if name in said}),
        "sanction": SanctionStanding.NOT_NAMED,
        "recon": CaseVerdict(said["register"]) if "register" in said else None,
        "recon_articles": (),
        "second_person": SecondPerson(said.get("second", "not_yet")),
        "drawn": False,
        **PLACES[place],
    }
    if "nobody" in words:
        changed["person_behind"] = False
    return case_facts(**changed)


def test_the_table_holds_each_basis_in_each_situation_once():
    assert [(row["basis"], row["situation"]) for row in ROWS] == [
        (basis, situation) for basis in EVERY_BASIS for situation in SITUATIONS
    ]
    assert len(ROWS) == 99


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['basis']}, {row['situation']}" for row in ROWS])
def test_the_gates_decide_as_the_rules_say(row):
    verdict = decide(read(row["basis"], row["request"]), rules=RULE_SETS[0])

    found = (verdict.gate.value if verdict.gate else "", verdict.code.value if verdict.code else "")
    assert found == (row["gate"], row["code"])


@pytest.mark.parametrize("basis", EVERY_BASIS)
def test_only_silence_lets_a_request_wait_for_its_register(basis):
    waiting = {
        row["situation"]
        for row in ROWS
        if row["basis"] == basis
        and decide(read(basis, row["request"]), rules=RULE_SETS[0]).outcome.value
        == "pending_verification"
    }

    assert waiting <= {"register silent"}
