"""The gates: every combination of outcomes, the first that fails is the one reported."""

import itertools

import pytest

from app.exchange.rules.access import AgreementStanding, UserStanding
from app.exchange.rules.bases import RULE_SETS, RequestField, SubjectKind
from app.exchange.rules.cases import CaseVerdict
from app.exchange.rules.gates import (
    Channel,
    DeviceStanding,
    Facts,
    FieldState,
    Gate,
    Outcome,
    RefusalCode,
    SanctionStanding,
    SecondPerson,
    decide,
    decide_before,
)
from tests.factories_exchange import GOOD, facts
from tests.factories_rules import GOOD_CASE, case_facts, given

RULES = RULE_SETS[0]
GOOD_FIELD, ABSENT = FieldState.GOOD, FieldState.ABSENT
MALFORMED, UNKNOWN = FieldState.MALFORMED, FieldState.UNKNOWN

ROADSIDE = GOOD
INTERNATIONAL = {
    "basis": "INTERNATIONAL_ORDER",
    "given": given(order_number=GOOD_FIELD, order_body=GOOD_FIELD, cover_letter=GOOD_FIELD),
    "second_person": SecondPerson.CONFIRMED,
}
COURT = {
    "channel": Channel.EAIAS,
    "session": None,
    "person_behind": True,
    "device": DeviceStanding.SYSTEM,
    "role": "court",
    "basis": "CIVIL_COURT",
    "given": given(case_number=GOOD_FIELD, year=GOOD_FIELD, court=GOOD_FIELD),
}
VEHICLE = {
    "subject_kind": SubjectKind.VEHICLE,
    "services": ("vehicle",),
    "subject": ABSENT,
    "plate": GOOD_FIELD,
}
PERSON = {"subject_kind": SubjectKind.PERSON, "services": ("person_documents",), "article": ""}
ORDER = given(case_number=GOOD_FIELD, order_number=GOOD_FIELD)


def case_no(**more):
    return given(**({"case_number": GOOD_FIELD} | more))


# Written out on its own: what one gate may find in the request of an investigator, and the
# refusal that follows. The first row of a gate is the one that the 4,096 combinations use.
REFUSALS = {
    "AUTH": [
        ({"session": False}, "AUTH_NO_SESSION"),
        ({"session": None}, "AUTH_UNKNOWN"),
        ({"channel": Channel.UNKNOWN}, "AUTH_UNKNOWN"),
        (COURT | {"person_behind": False}, "NO_PERSON"),
        (COURT | {"person_behind": None}, "AUTH_UNKNOWN"),
        # A session of ours is no proof of the person behind another system's call.
        (COURT | {"session": True, "person_behind": False}, "NO_PERSON"),
    ],
    "DEVICE": [
        ({"device": DeviceStanding.OUT_OF_SERVICE}, "DEVICE_OUT_OF_SERVICE"),
        ({"device": DeviceStanding.ISSUED_TO_ANOTHER}, "DEVICE_NOT_YOURS"),
        ({"device": DeviceStanding.OF_ANOTHER_UNIT}, "DEVICE_UNIT"),
        ({"device": DeviceStanding.ABSENT}, "DEVICE_ABSENT"),
        ({"device": DeviceStanding.UNKNOWN}, "DEVICE_UNKNOWN"),
        ({"device": DeviceStanding.SYSTEM}, "DEVICE_UNKNOWN"),
        ({"device": DeviceStanding.OF_UNIT, "device_kind": "terminal"}, "DEVICE_KIND"),
        ({"device": DeviceStanding.OF_UNIT, "device_kind": None}, "DEVICE_UNKNOWN"),
        ({"role": "patrol_officer"}, "DEVICE_ABSENT"),  # his device is the tablet
        ({"role": None}, "DEVICE_ABSENT"),
        (COURT | {"device": DeviceStanding.WORKPLACE}, "DEVICE_UNKNOWN"),
        (COURT | {"device": DeviceStanding.OUT_OF_SERVICE}, "DEVICE_UNKNOWN"),
    ],
    "USER": [
        ({"user": UserStanding.BLOCKED}, "USER_BLOCKED"),
        ({"user": UserStanding.NO_POST}, "USER_NO_POST"),
        ({"user": UserStanding.NOT_REGISTERED}, "USER_NOT_REGISTERED"),
        ({"user": UserStanding.SUSPENDED}, "USER_SUSPENDED"),
        ({"user": UserStanding.UNKNOWN}, "USER_UNKNOWN"),
        (COURT | {"user": UserStanding.BLOCKED}, "USER_BLOCKED"),
    ],
    "AGREEMENT": [
        ({"agreement": AgreementStanding.MISSING}, "AGREEMENT_MISSING"),
        ({"agreement": AgreementStanding.OLD}, "AGREEMENT_OLD"),
        ({"agreement": AgreementStanding.UNKNOWN}, "AGREEMENT_UNKNOWN"),
    ],
    "ROLE": [
        ({"granted_services": frozenset()}, "ROLE_NO_SERVICE"),
        ({"granted_services": frozenset({"vehicle"})}, "ROLE_NO_SERVICE"),
        ({"granted_services": None}, "ROLE_UNKNOWN"),
        ({"services": ("tax_returns",)}, "ROLE_NO_RIGHT"),
        ({"services": ("legal_entity", "tax_returns")}, "ROLE_NO_RIGHT"),
        (COURT | {"role": None}, "ROLE_NO_RIGHT"),
        (COURT | {"role": None, "services": ()}, "ROLE_NO_RIGHT"),
        (COURT | {"role": "device_keeper"}, "ROLE_NO_RIGHT"),
        (ROADSIDE | {"services": ("person_photo",)}, "ROLE_NO_RIGHT"),
    ],
    "LIST": [
        ({"granted_bases": frozenset({"SEARCH_CASE"})}, "LIST_NOT_GRANTED"),
        ({"granted_bases": None}, "LIST_UNKNOWN"),
        ({"basis": "CURIOSITY"}, "LIST_NO_BASIS"),
        ({"basis": ""}, "LIST_NO_BASIS"),
        ({"basis": "COURT_OTHER"}, "BASIS_CLOSED"),
        (COURT | {"basis": "COURT_OTHER"}, "BASIS_CLOSED"),
        ({"basis": "CIVIL_COURT"}, "CHANNEL_ONLY_EAIAS"),
        (COURT | {"channel": Channel.SYSTEM}, "CHANNEL_ONLY_EAIAS"),
        (COURT | {"basis": "CRIMINAL_CASE"}, "LIST_NOT_FOR_COURTS"),
        (COURT | {"basis": "PRIMARY_CHECK"}, "LIST_NOT_FOR_COURTS"),
        (COURT | {"role": "investigator"}, "LIST_ROLE"),
        (ROADSIDE | {"basis": "ADMIN_LE"}, "LIST_ROLE"),
        (PERSON | {"basis": "PRIMARY_CHECK", "services": ("person_photo",)}, "LIST_NOT_PRIMARY"),
        ({"basis": "PRIMARY_CHECK", "services": ()}, "LIST_NOT_PRIMARY"),
        ({"services": ()}, "LIST_NOT_OPENED"),
        ({"basis": "ADMIN_LE"}, "LIST_NOT_OPENED"),
        (COURT | PERSON | {"services": ("wanted_persons",)}, "LIST_NOT_OPENED"),
    ],
    "ARTICLE": [
        ({"article": "106"}, "ARTICLE_NOT_LISTED"),
        ({"article": "2180"}, "ARTICLE_NOT_LISTED"),
        ({"article": ""}, "ARTICLE_UNKNOWN"),
        ({"article": None}, "ARTICLE_UNKNOWN"),
        (INTERNATIONAL | {"article": "106"}, "ARTICLE_NOT_LISTED"),
        ({"basis": "CRIMINAL_ORDER", "given": ORDER, "article": ""}, "ARTICLE_UNKNOWN"),
    ],
    "FIELDS": [
        ({"given": given(case_number=MALFORMED)}, "FIELDS_CASE_NO_FORM"),
        ({"given": given()}, "FIELDS_CASE_NO"),
        ({"given": case_no(order_number=GOOD_FIELD)}, "FIELDS_ORDER_NO_EXTRA"),
        ({"given": case_no(order_number=MALFORMED)}, "FIELDS_ORDER_NO_EXTRA"),
        ({"given": case_no(order_body=GOOD_FIELD)}, "FIELDS_INTL_BODY_EXTRA"),
        ({"given": case_no(cover_letter=GOOD_FIELD)}, "FIELDS_COVER_NO_EXTRA"),
        ({"given": case_no(year=GOOD_FIELD)}, "FIELDS_YEAR_EXTRA"),
        ({"given": case_no(court=GOOD_FIELD)}, "FIELDS_COURT_EXTRA"),
        ({"given": case_no(court=UNKNOWN)}, "FIELDS_UNKNOWN"),
        ({"given": case_no(court=None)}, "FIELDS_UNKNOWN"),  # left out of the snapshot
        ({"given": ()}, "FIELDS_UNKNOWN"),
        ({"basis": "CRIMINAL_ORDER", "given": case_no()}, "FIELDS_ORDER_NO"),
        (
            {"basis": "CRIMINAL_ORDER", "given": case_no(order_number=MALFORMED)},
            "FIELDS_ORDER_NO_FORM",
        ),
        (INTERNATIONAL | {"given": given()}, "FIELDS_INTL_NO"),
        (INTERNATIONAL | {"given": given(order_number=MALFORMED)}, "FIELDS_INTL_NO_FORM"),
        (INTERNATIONAL | {"given": given(order_number=GOOD_FIELD)}, "FIELDS_INTL_BODY"),
        (
            INTERNATIONAL | {"given": given(order_number=GOOD_FIELD, order_body=MALFORMED)},
            "FIELDS_INTL_BODY_FORM",
        ),
        (
            INTERNATIONAL | {"given": given(order_number=GOOD_FIELD, order_body=GOOD_FIELD)},
            "FIELDS_COVER_NO",
        ),
        (
            INTERNATIONAL
            | {
                "given": given(
                    order_number=GOOD_FIELD, order_body=GOOD_FIELD, cover_letter=MALFORMED
                )
            },
            "FIELDS_COVER_NO_FORM",
        ),
        (COURT | {"given": case_no()}, "FIELDS_YEAR"),
        (COURT | {"given": case_no(year=MALFORMED)}, "FIELDS_YEAR_FORM"),
        (COURT | {"given": case_no(year=GOOD_FIELD)}, "FIELDS_COURT"),
        (COURT | {"given": case_no(year=GOOD_FIELD, court=MALFORMED)}, "FIELDS_COURT_FORM"),
        ({"subject_kind": None}, "FIELDS_SUBJECT_KIND"),
        ({"subject_kind": SubjectKind.PERSON}, "FIELDS_SUBJECT_KIND"),  # not of that service
        (ROADSIDE | {"subject_kind": SubjectKind.VEHICLE}, "FIELDS_SUBJECT_KIND"),
        ({"subject": ABSENT}, "FIELDS_SUBJECT"),
        ({"subject": MALFORMED}, "FIELDS_SUBJECT"),
        ({"subject": UNKNOWN}, "FIELDS_SUBJECT"),
        ({"plate": GOOD_FIELD}, "FIELDS_PLATE_EXTRA"),
        ({"plate": MALFORMED}, "FIELDS_PLATE"),
        (VEHICLE | {"subject": GOOD_FIELD}, "FIELDS_SUBJECT_EXTRA"),
        (VEHICLE | {"plate": ABSENT}, "FIELDS_PLATE"),
        (VEHICLE | {"plate": UNKNOWN}, "FIELDS_PLATE"),
        ({"stop_ground": "traffic_violation"}, "FIELDS_STOP_GROUND_EXTRA"),
        (ROADSIDE | {"subject": MALFORMED, "plate": MALFORMED}, "FIELDS_SUBJECT"),
        (ROADSIDE | {"plate": MALFORMED, "stop_ground": "because"}, "FIELDS_PLATE"),
        (ROADSIDE | {"stop_ground": ""}, "FIELDS_STOP_GROUND"),
        (ROADSIDE | {"stop_ground": "because"}, "FIELDS_STOP_GROUND"),
        (ROADSIDE | {"given": case_no()}, "FIELDS_CASE_NO_EXTRA"),
        (ROADSIDE | {"sanction": SanctionStanding.GRANTED}, "FIELDS_SANCTION_EXTRA"),
    ],
    "SANCTION": [
        ({"sanction": SanctionStanding.EXPIRED}, "SANCTION_EXPIRED"),
        ({"sanction": SanctionStanding.REFUSED}, "SANCTION_REFUSED"),
        ({"sanction": SanctionStanding.WITHDRAWN}, "SANCTION_WITHDRAWN"),
        ({"sanction": SanctionStanding.NOT_YET}, "SANCTION_NOT_YET"),
        ({"sanction": SanctionStanding.OUT_OF_SCOPE}, "SANCTION_SCOPE"),
        ({"sanction": SanctionStanding.UNKNOWN}, "SANCTION_UNKNOWN"),
        ({"basis": "SEARCH_CASE", "sanction": SanctionStanding.NOT_NAMED}, "SANCTION_NONE"),
    ],
    "RECON": [
        ({"recon": CaseVerdict.CLOSED}, "RECON_CLOSED"),
        ({"recon": None}, "RECON_NOT_ASKED"),
        ({"recon": CaseVerdict.NO_CASE}, "RECON_NO_CASE"),
        ({"recon": CaseVerdict.NOT_YOURS}, "RECON_NOT_YOURS"),
        ({"recon": CaseVerdict.ORDER_NOT_ADDRESSED}, "RECON_ORDER_NOT_ADDRESSED"),
        ({"recon": CaseVerdict.REFUSED}, "RECON_REFUSED"),
        ({"recon": CaseVerdict.UNAVAILABLE}, "RECON_UNAVAILABLE"),
        ({"recon_articles": ("106",)}, "RECON_ARTICLE"),
        ({"recon_articles": ()}, "RECON_ARTICLE"),
        (INTERNATIONAL | {"second_person": SecondPerson.NOT_YET}, "NEEDS_SECOND_PERSON"),
        (INTERNATIONAL | {"second_person": SecondPerson.REFUSED}, "SECOND_PERSON_REFUSED"),
        (INTERNATIONAL | {"second_person": SecondPerson.SELF}, "SECOND_PERSON_SELF"),
        (INTERNATIONAL | {"second_person": SecondPerson.UNKNOWN}, "SECOND_PERSON_UNKNOWN"),
    ],
    "LIMIT": [
        ({"requests_hour": 120}, "LIMIT_HOUR"),
        ({"requests_day": 600}, "LIMIT_DAY"),
        ({"requests_hour": 120, "requests_day": 600}, "LIMIT_HOUR"),
        ({"requests_hour": None}, "LIMIT_UNKNOWN"),
        ({"requests_day": None}, "LIMIT_UNKNOWN"),
        ({"same_subject_day": None}, "LIMIT_UNKNOWN"),
        (ROADSIDE | {"same_subject_day": 10}, "LIMIT_PRIMARY"),
    ],
    "SAMPLE": [
        ({"justification": ABSENT}, "SAMPLE_JUSTIFICATION"),
        ({"justification": MALFORMED}, "SAMPLE_JUSTIFICATION_FORM"),
        ({"justification": UNKNOWN}, "SAMPLE_UNKNOWN"),
        ({"drawn": None}, "SAMPLE_UNKNOWN"),
    ],
}
LISTED = [
    (gate, fragment, code) for gate, refusals in REFUSALS.items() for fragment, code in refusals
]
WAITING = {
    "RECON_UNAVAILABLE": "pending_verification",
    "NEEDS_SECOND_PERSON": "needs_second_person",
    "SAMPLE_JUSTIFICATION": "needs_justification",
    "SAMPLE_JUSTIFICATION_FORM": "needs_justification",
}


@pytest.mark.parametrize(("gate", "fragment", "code"), LISTED)
def test_each_refusal_comes_from_its_own_gate(gate, fragment, code):
    verdict = decide(case_facts(**fragment), rules=RULES)

    assert (verdict.gate.value, verdict.code.value) == (gate, code)
    assert verdict.outcome.value == WAITING.get(code, "refused")
    assert verdict.allowed is False
    assert verdict.rule_set == "151-2021-02-15"


def test_every_combination_of_the_twelve_outcomes_reports_the_first_gate_that_fails():
    combinations = list(itertools.product([False, True], repeat=12))
    assert len(combinations) == 4096

    for failing in combinations:
        changed = {}
        expected = (None, None)
        # From the last gate to the first: whoever writes last is the first that fails.
        for (gate, refusals), fails in reversed(list(zip(REFUSALS.items(), failing, strict=True))):
            if fails:
                changed |= refusals[0][0]
                expected = (gate, refusals[0][1])

        verdict = decide(Facts(**(GOOD_CASE | changed)), rules=RULES)

        found = (verdict.gate and verdict.gate.value, verdict.code and verdict.code.value)
        assert found == expected, failing


def test_every_pair_of_refusals_reports_the_earlier_gate():
    own = [
        (gate, fragment, code)
        for gate, fragment, code in LISTED
        if not {"basis", "channel", "role", "services"} & set(fragment)
    ]
    for (first, one, code), (second, other, _) in itertools.combinations(own, 2):
        if first == second or set(one) & set(other):
            continue

        verdict = decide(case_facts(**other, **one), rules=RULES)

        assert (verdict.gate.value, verdict.code.value) == (first, code), (one, other)


def test_the_gates_stand_in_the_order_of_the_rules():
    assert [gate.value for gate in Gate] == [*REFUSALS, "LOG", "RELEASE"]


def test_every_refusal_can_happen():
    assert {code for _, _, code in LISTED} == {code.value for code in RefusalCode}


@pytest.mark.parametrize(
    "fragment",
    [
        {},
        {"sanction": SanctionStanding.NOT_NAMED},
        {"drawn": False, "justification": ABSENT},
        {"requests_hour": 119, "requests_day": 599},
        {"same_subject_day": 10},  # the limit on one subject is of primary checks
        PERSON | {"recon_articles": ()},
        VEHICLE,
        {"device": DeviceStanding.ISSUED_TO_CALLER, "device_kind": "tablet"},
        {"channel": Channel.SYSTEM, "person_behind": True, "device": DeviceStanding.SYSTEM},
        COURT,
        COURT | PERSON,
        INTERNATIONAL,
        INTERNATIONAL | {"recon": None},
        INTERNATIONAL
        | {
            "given": given(
                case_number=GOOD_FIELD,
                order_number=GOOD_FIELD,
                order_body=GOOD_FIELD,
                cover_letter=GOOD_FIELD,
            )
        },
        {"basis": "CRIMINAL_ORDER", "given": ORDER},
        {"basis": "SEARCH_CASE"},
        PERSON | {"basis": "SEARCH_CASE", "sanction": SanctionStanding.NOT_NAMED},
        PERSON | {"basis": "ADMIN_LE"},
        {"basis": "ENFORCEMENT"},
        ROADSIDE,
        ROADSIDE | {"same_subject_day": 9},
        ROADSIDE | {"device": DeviceStanding.OF_UNIT},
        ROADSIDE
        | {
            "plate": ABSENT,
            "subject_kind": SubjectKind.PERSON,
            "services": ("person_documents",),
        },
        # An investigator's primary check on a legal entity, at a workplace: no stop is its reason.
        {"basis": "PRIMARY_CHECK", "sanction": SanctionStanding.NOT_NAMED, "given": given()},
    ],
)
def test_what_the_rules_allow_is_allowed(fragment):
    verdict = decide(case_facts(**fragment), rules=RULES)

    assert (verdict.gate, verdict.code) == (None, None)
    assert verdict.outcome is Outcome.ALLOWED
    assert verdict.allowed


@pytest.mark.parametrize(
    ("name", "unknown"),
    [
        ("channel", Channel.UNKNOWN),
        ("session", None),
        ("device", DeviceStanding.UNKNOWN),
        ("user", UserStanding.UNKNOWN),
        ("agreement", AgreementStanding.UNKNOWN),
        ("role", None),
        ("granted_services", None),
        ("granted_bases", None),
        ("article", None),
        ("subject_kind", None),
        ("subject", UNKNOWN),
        ("plate", UNKNOWN),
        *(("given", case_no(**{field.value: UNKNOWN})) for field in RequestField),
        *(("given", case_no(**{field.value: None})) for field in RequestField),
        ("sanction", SanctionStanding.UNKNOWN),
        ("recon", None),
        ("requests_hour", None),
        ("requests_day", None),
        ("same_subject_day", None),
        ("drawn", None),
        ("justification", UNKNOWN),
    ],
)
def test_whatever_is_not_known_refuses(name, unknown):
    verdict = decide(case_facts(**{name: unknown}), rules=RULES)

    assert verdict.outcome is Outcome.REFUSED


@pytest.mark.parametrize("end", list(Gate))
def test_the_gates_before_another_say_nothing_of_it_or_of_later_ones(end):
    places = list(Gate)
    for gate, fragment, code in LISTED:
        verdict = decide_before(end, case_facts(**fragment), rules=RULES)

        stands_before = places.index(Gate(gate)) < places.index(end)
        assert (verdict.code and verdict.code.value) == (code if stands_before else None)


@pytest.mark.parametrize(
    "ground",
    [
        "traffic_violation",
        "stolen_vehicle_search",
        "emergency_use_of_vehicle",
        "document_check_at_post",
        "cargo_document_check",
        "traffic_ban",
        "witness_questioning",
        "traffic_regulation",
    ],
)
def test_each_ground_of_the_closed_list_is_admitted(ground):
    assert decide(facts(stop_ground=ground), rules=RULES).allowed


def test_the_snapshot_hash_is_stable_and_depends_on_every_fact():
    whole = case_facts()
    others = {
        tuple(sorted(map(repr, fragment.items()))): case_facts(**fragment)
        for _, fragment, _ in LISTED
    }

    assert whole.sha256() == case_facts().sha256()
    assert len(whole.sha256()) == 64
    assert len({one.sha256() for one in (whole, *others.values())}) == len(others) + 1


def test_the_snapshot_hash_does_not_depend_on_the_order_in_which_rights_were_listed():
    one = case_facts(granted_bases=frozenset(["CRIMINAL_CASE", "ADMIN_LE", "SEARCH_CASE"]))
    other = case_facts(granted_bases=frozenset(["SEARCH_CASE", "CRIMINAL_CASE", "ADMIN_LE"]))

    assert one.sha256() == other.sha256()


def test_the_code_of_every_refusal_fits_its_column():
    assert max(len(code.value) for code in RefusalCode) <= 32
    assert all(code.name == code.value for code in RefusalCode)
