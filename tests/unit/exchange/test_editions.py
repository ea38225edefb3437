"""Editions of the rules: dated, whole, and none of them guessed."""

from dataclasses import replace
from datetime import date

import pytest

from app.exchange.rules.bases import (
    RULE_SETS,
    SUBJECTS_OF_SERVICE,
    UNREAD_EDITIONS,
    Basis,
    NoRuleSet,
    registers_to_ask,
    rule_set_named,
    rule_set_on,
)
from app.exchange.rules.gates import Channel, DeviceStanding, FieldState, decide
from app.exchange.wire.registers import RegisterName
from tests.factories_rules import EVERY_BASIS, EVERY_SERVICE, case_facts, given

RULES = RULE_SETS[0]


def test_the_edition_in_force_on_a_day_is_taken():
    newer = replace(RULES, id="next", valid_from=date(2027, 1, 1))
    editions = (newer, RULES)

    assert rule_set_on(date(2021, 2, 15)).id == "151-2021-02-15"
    assert rule_set_on(date(2026, 12, 31), rule_sets=editions).id == "151-2021-02-15"
    assert rule_set_on(date(2027, 1, 1), rule_sets=editions).id == "next"
    with pytest.raises(NoRuleSet):
        rule_set_on(date(2021, 2, 14))


def test_a_decision_can_be_judged_again_under_the_edition_it_names():
    assert rule_set_named("151-2021-02-15") is RULES
    with pytest.raises(NoRuleSet):
        rule_set_named("21-2023-01-13")


def test_an_act_whose_text_is_not_here_is_named_and_not_invented():
    unread = {edition.id for edition in UNREAD_EDITIONS}

    assert "21-2023-01-13" in unread
    assert unread.isdisjoint(edition.id for edition in RULE_SETS)


def test_every_edition_knows_every_basis_and_every_service():
    assert tuple(basis.value for basis in Basis) == EVERY_BASIS
    assert {name.value for name in RegisterName} == set(EVERY_SERVICE) == set(SUBJECTS_OF_SERVICE)
    for edition in RULE_SETS:
        assert set(edition.bases) == set(edition.services) == set(EVERY_BASIS)
        assert set(edition.roles) == set(EVERY_SERVICE)
        assert set().union(*edition.services.values()) <= set(EVERY_SERVICE)
        assert set(edition.sanctioned) <= set(EVERY_BASIS)
        assert len(edition.id) <= 32  # of the column


def test_an_international_order_has_the_volume_of_a_criminal_case():
    assert RULES.services["INTERNATIONAL_ORDER"] == RULES.services["CRIMINAL_CASE"]


@pytest.mark.parametrize("basis", EVERY_BASIS)
def test_whoever_uses_a_basis_has_a_right_to_one_of_its_services(basis):
    for role in RULES.bases[basis].roles:
        assert any(role in RULES.roles[service] for service in RULES.services[basis])


def test_no_field_is_both_mandatory_and_optional_and_no_primary_basis_takes_a_number():
    for rule in RULES.bases.values():
        assert not rule.mandatory & rule.optional
        assert not (rule.primary and (rule.mandatory or rule.optional or rule.sanction))
        assert not (rule.second_person and rule.register)


def test_only_a_law_that_is_named_opens_the_closed_basis():
    closed = RULES.bases["COURT_OTHER"]
    opened = replace(closed, opened_by_law="Law No. 1 of 01.01.2030, article 5")
    newer = replace(RULES, bases={**RULES.bases, "COURT_OTHER": opened})
    good = FieldState.GOOD
    asked = case_facts(
        channel=Channel.EAIAS,
        person_behind=True,
        device=DeviceStanding.SYSTEM,
        role="court",
        basis="COURT_OTHER",
        services=("legal_entity",),
        given=given(case_number=good, year=good, court=good),
    )
    only_person = replace(
        newer, services={**RULES.services, "COURT_OTHER": frozenset({"legal_entity"})}
    )

    assert decide(asked, rules=RULES).code.value == "BASIS_CLOSED"
    assert decide(asked, rules=newer).code.value == "LIST_NOT_OPENED"
    assert decide(asked, rules=only_person).allowed


def test_without_a_plate_no_register_of_vehicles_is_asked():
    names = {register.value for register in registers_to_ask(with_plate=False)}

    assert names == {"person_documents", "driver_licence", "wanted_persons", "unpaid_fines"}
    assert len(registers_to_ask(with_plate=True)) == 8
