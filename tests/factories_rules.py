"""Requests of every basis as the rules see them, for tests: facts that every gate lets through."""

from app.exchange.rules.access import AgreementStanding, UserStanding
from app.exchange.rules.bases import RequestField, SubjectKind
from app.exchange.rules.cases import CaseVerdict
from app.exchange.rules.gates import (
    Channel,
    DeviceStanding,
    Facts,
    FieldState,
    SanctionStanding,
    SecondPerson,
)

EVERY_SERVICE = (
    "person_documents", "person_photo", "driver_licence", "vehicle", "insurance", "inspection",
    "wanted_persons", "wanted_vehicles", "unpaid_fines", "legal_entity",
)  # fmt: skip
EVERY_BASIS = (
    "PRIMARY_CHECK", "CRIMINAL_CASE", "CRIMINAL_ORDER", "INTERNATIONAL_ORDER", "ADMIN_LE",
    "CRIMINAL_COURT", "ADMIN_COURT", "CIVIL_COURT", "COURT_OTHER", "SEARCH_CASE", "ENFORCEMENT",
)  # fmt: skip

# An investigator at his workplace asks about a legal entity in an economic case that he holds,
# and names a sanction that he would not even need: all twelve gates have something to look at.
GOOD_CASE = {
    "channel": Channel.OWN,
    "session": True,
    "person_behind": None,
    "device_kind": None,
    "device": DeviceStanding.WORKPLACE,
    "user": UserStanding.ACTIVE,
    "agreement": AgreementStanding.SIGNED,
    "role": "investigator",
    "granted_services": frozenset(EVERY_SERVICE),
    "granted_bases": frozenset(EVERY_BASIS),
    "basis": "CRIMINAL_CASE",
    "services": ("legal_entity",),
    "article": "218",
    "subject_kind": SubjectKind.LEGAL_ENTITY,
    "subject": FieldState.GOOD,
    "plate": FieldState.ABSENT,
    "stop_ground": "",
    "given": (),
    "sanction": SanctionStanding.GRANTED,
    "recon": CaseVerdict.CONFIRMED,
    "recon_articles": ("218", "245"),
    "second_person": SecondPerson.NOT_YET,
    "requests_hour": 0,
    "requests_day": 0,
    "same_subject_day": 0,
    "drawn": True,
    "justification": FieldState.GOOD,
}


def given(**states):
    """Return every field of a request: those named as they are, the others absent."""
    return tuple(
        (field, states.get(field.value, FieldState.ABSENT))
        for field in RequestField
        if states.get(field.value, FieldState.ABSENT) is not None
    )


GOOD_CASE["given"] = given(case_number=FieldState.GOOD)


def case_facts(**changed):
    return Facts(**(GOOD_CASE | changed))
