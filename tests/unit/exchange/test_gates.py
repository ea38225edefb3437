"""The gates: every combination of outcomes, the first that fails is the one reported."""

import itertools

import pytest

from app.exchange.rules.bases import (
    RULE_SETS,
    NoRuleSet,
    registers_to_ask,
    rule_set_on,
)
from app.exchange.rules.gates import (
    DeviceStanding,
    Facts,
    FieldState,
    Gate,
    RefusalCode,
    decide,
)
from app.exchange.rules.texts import TEXTS
from tests.factories_exchange import GOOD, facts

RULES = RULE_SETS[0]

# Written out on its own: what one gate may find, and the refusal that follows; None lets through.
OUTCOMES = {
    "AUTH": [
        ({"session": True}, None),
        ({"session": False}, "AUTH_NO_SESSION"),
        ({"session": None}, "AUTH_UNKNOWN"),
    ],
    "DEVICE": [
        ({"device": DeviceStanding.ISSUED_TO_CALLER}, None),
        ({"device": DeviceStanding.OF_UNIT}, None),
        ({"device": DeviceStanding.ISSUED_TO_ANOTHER}, "DEVICE_NOT_YOURS"),
        ({"device": DeviceStanding.OF_ANOTHER_UNIT}, "DEVICE_UNIT"),
        ({"device": DeviceStanding.OUT_OF_SERVICE}, "DEVICE_OUT_OF_SERVICE"),
        ({"device": DeviceStanding.ABSENT}, "DEVICE_ABSENT"),
        ({"device": DeviceStanding.UNKNOWN}, "DEVICE_UNKNOWN"),
        ({"device_kind": "terminal"}, "DEVICE_KIND"),
        ({"device_kind": None}, "DEVICE_UNKNOWN"),
    ],
    "USER": [
        ({"post_in_force": True}, None),
        ({"post_in_force": False}, "USER_NO_POST"),
        ({"post_in_force": None}, "USER_UNKNOWN"),
    ],
    "ROLE": [
        ({"role": "patrol_officer"}, None),
        ({"role": "device_keeper"}, "ROLE_NO_RIGHT"),
        ({"role": None}, "ROLE_NO_RIGHT"),
    ],
    "LIST": [
        ({"basis": "PRIMARY_CHECK"}, None),
        ({"basis": "CRIMINAL_CASE"}, "LIST_NOT_PRIMARY"),
        ({"basis": ""}, "LIST_NOT_PRIMARY"),
    ],
    "FIELDS": [
        ({"subject": FieldState.GOOD}, None),
        ({"plate": FieldState.ABSENT}, None),
        ({"subject": FieldState.ABSENT}, "FIELDS_SUBJECT"),
        ({"subject": FieldState.MALFORMED, "plate": FieldState.MALFORMED}, "FIELDS_SUBJECT"),
        ({"subject": FieldState.UNKNOWN}, "FIELDS_SUBJECT"),
        ({"plate": FieldState.MALFORMED, "stop_ground": "because"}, "FIELDS_PLATE"),
        ({"plate": FieldState.UNKNOWN}, "FIELDS_PLATE"),
        ({"stop_ground": ""}, "FIELDS_STOP_GROUND"),
        ({"stop_ground": "because"}, "FIELDS_STOP_GROUND"),
    ],
    "LIMIT": [
        ({"requests_hour": 119, "requests_day": 599}, None),
        ({"requests_hour": 120}, "LIMIT_HOUR"),
        ({"requests_day": 600}, "LIMIT_DAY"),
        ({"requests_hour": 120, "requests_day": 600}, "LIMIT_HOUR"),
        ({"requests_hour": None}, "LIMIT_UNKNOWN"),
        ({"requests_day": None}, "LIMIT_UNKNOWN"),
    ],
}


def test_every_combination_reports_the_first_gate_that_fails():
    for combination in itertools.product(*OUTCOMES.values()):
        changed = {}
        for fragment, _ in combination:
            changed |= fragment
        expected = next(
            (
                (gate, code)
                for gate, (_, code) in zip(OUTCOMES, combination, strict=True)
                if code is not None
            ),
            (None, None),
        )

        verdict = decide(Facts(**(GOOD | changed)), rules=RULES)

        found = (verdict.gate and verdict.gate.value, verdict.code and verdict.code.value)
        assert found == expected, changed
        assert verdict.allowed is (expected[1] is None)
        assert verdict.rule_set == "151-2021-02-15"


def test_the_gates_stand_in_the_order_of_the_rules():
    assert [gate.value for gate in Gate] == list(OUTCOMES)


def test_every_refusal_can_happen():
    found = {code for outcomes in OUTCOMES.values() for _, code in outcomes if code}

    assert found == {code.value for code in RefusalCode}


@pytest.mark.parametrize("service", ["no_such_register", "tax_returns"])
def test_a_service_nobody_listed_is_refused(service):
    verdict = decide(facts(services=("person_documents", service)), rules=RULES)

    assert verdict.code is RefusalCode.ROLE_NO_RIGHT


def test_a_request_for_no_service_is_refused():
    verdict = decide(facts(services=()), rules=RULES)

    assert verdict.code is RefusalCode.LIST_NOT_PRIMARY


@pytest.mark.parametrize("code", list(RefusalCode))
def test_every_refusal_speaks_three_languages_and_names_its_item(code):
    text = TEXTS[code]

    assert 1 <= int(text.item) <= 29
    assert all((text.kk, text.ru, text.en))
    assert text.en.isascii()
    assert set("әғқңөұүһі") & set(text.kk.lower())
    assert len({text.kk, text.ru, text.en}) == 3


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
    whole = facts()
    others = [
        facts(**fragment)
        for outcomes in OUTCOMES.values()
        for fragment, code in outcomes
        if code is not None
    ]

    assert whole.sha256() == facts().sha256()
    assert len(whole.sha256()) == 64
    assert len({one.sha256() for one in (whole, *others)}) == len(others) + 1


def test_the_edition_in_force_on_a_day_is_taken():
    assert rule_set_on(RULES.valid_from).id == "151-2021-02-15"
    with pytest.raises(NoRuleSet):
        rule_set_on(RULES.valid_from.replace(year=2020))


def test_without_a_plate_no_register_of_vehicles_is_asked():
    names = {register.value for register in registers_to_ask(with_plate=False)}

    assert names == {"person_documents", "driver_licence", "wanted_persons", "unpaid_fines"}
    assert len(registers_to_ask(with_plate=True)) == 8
