"""The editions of the rules as dated data, and which one is in force on a day.

Read from the text: the bases, their fields, registers and channel (items 20-27). **Not verified**,
because appendices 1-3 were not published: who may use a basis, which services it opens, which
roles have a service, the articles, the sanctions, and every limit. They are this installation's
choice and are replaced when somebody brings the lists.
"""

from dataclasses import dataclass
from datetime import date

from app.exchange.rules.basis_rules import (
    COURT_ROLE,
    PERSON_REGISTERS,
    STOP_GROUNDS,
    SUBJECTS_OF_SERVICE,
    VEHICLE_REGISTERS,
    Basis,
    BasisRule,
    FlagLimits,
    RequestField,
    RuleSet,
    StopGround,
    SubjectKind,
)
from app.exchange.wire.cases import CaseKind, CaseRegister
from app.exchange.wire.registers import RegisterName

__all__ = [
    "COURT_ROLE",
    "PERSON_REGISTERS",
    "RULE_SETS",
    "STOP_GROUNDS",
    "SUBJECTS_OF_SERVICE",
    "UNREAD_EDITIONS",
    "VEHICLE_REGISTERS",
    "Basis",
    "BasisRule",
    "FlagLimits",
    "NoRuleSet",
    "RequestField",
    "RuleSet",
    "StopGround",
    "SubjectKind",
    "UnreadEdition",
    "registers_to_ask",
    "rule_set_named",
    "rule_set_on",
]

_PATROL, _INVESTIGATOR = "patrol_officer", "investigator"
_OWN = frozenset({_INVESTIGATOR})
_COURTS = frozenset({COURT_ROLE})
_COURT_FIELDS = frozenset({RequestField.CASE_NUMBER, RequestField.YEAR, RequestField.COURT})
_CASE = frozenset({RequestField.CASE_NUMBER})


def _court(item: str, kind: CaseKind, *, closed: bool = False) -> BasisRule:
    return BasisRule(
        item=item,
        mandatory=_COURT_FIELDS,
        register=CaseRegister.EAIAS,
        kind=kind,
        roles=_COURTS,
        courts_only=True,
        closed=closed,
    )


_BASES_151: dict[str, BasisRule] = {
    Basis.PRIMARY_CHECK.value: BasisRule(
        item="20",
        subjects=frozenset(SubjectKind) - {SubjectKind.VEHICLE},  # "a natural or legal person"
        roles=frozenset({_PATROL, _INVESTIGATOR}),
        stop_ground=True,
        sanction=False,
    ),
    Basis.CRIMINAL_CASE.value: BasisRule(
        item="21",
        mandatory=_CASE,
        register=CaseRegister.ERDR,
        kind=CaseKind.CRIMINAL,
        roles=_OWN,
        criminal=True,
    ),
    Basis.CRIMINAL_ORDER.value: BasisRule(
        item="22",
        mandatory=_CASE | {RequestField.ORDER_NUMBER},
        register=CaseRegister.ERDR,
        kind=CaseKind.CRIMINAL,
        roles=_OWN,
        criminal=True,
    ),
    Basis.INTERNATIONAL_ORDER.value: BasisRule(
        item="22",
        mandatory=frozenset(
            {RequestField.ORDER_NUMBER, RequestField.ORDER_BODY, RequestField.COVER_LETTER}
        ),
        optional=_CASE,
        roles=_OWN,
        criminal=True,
        second_person=True,
    ),
    Basis.ADMIN_LE.value: BasisRule(
        item="23",
        mandatory=_CASE,
        register=CaseRegister.AIS_SU,
        kind=CaseKind.ADMINISTRATIVE,
        roles=_OWN,
    ),
    # Item 24 names no fields for criminal cases; those of item 25 are taken (an assumption).
    Basis.CRIMINAL_COURT.value: _court("24", CaseKind.CRIMINAL),
    Basis.ADMIN_COURT.value: _court("25", CaseKind.ADMINISTRATIVE),
    Basis.CIVIL_COURT.value: _court("25", CaseKind.CIVIL),
    Basis.COURT_OTHER.value: _court("24", CaseKind.OTHER, closed=True),
    Basis.SEARCH_CASE.value: BasisRule(
        item="26",
        mandatory=_CASE,
        register=CaseRegister.AIS_SU,
        kind=CaseKind.SEARCH,
        roles=_OWN,
    ),
    Basis.ENFORCEMENT.value: BasisRule(
        item="27",
        mandatory=_CASE,
        register=CaseRegister.AIS_OIP,
        kind=CaseKind.ENFORCEMENT,
        roles=_OWN,
    ),
}

_EVERY = frozenset(name.value for name in RegisterName)
_PHOTO, _ENTITY = RegisterName.PERSON_PHOTO.value, RegisterName.LEGAL_ENTITY.value
_WANTED = frozenset({RegisterName.WANTED_PERSONS.value, RegisterName.WANTED_VEHICLES.value})
_SERVICES_151: dict[str, frozenset[str]] = {
    Basis.PRIMARY_CHECK.value: _EVERY - {_PHOTO},  # primary data: no extended service
    Basis.CRIMINAL_CASE.value: _EVERY,
    Basis.CRIMINAL_ORDER.value: _EVERY,
    Basis.INTERNATIONAL_ORDER.value: _EVERY,  # item 22: the volume of a criminal case
    Basis.ADMIN_LE.value: _EVERY - {_ENTITY},
    Basis.CRIMINAL_COURT.value: _EVERY,
    Basis.ADMIN_COURT.value: _EVERY - _WANTED,
    Basis.CIVIL_COURT.value: _EVERY - _WANTED,
    Basis.COURT_OTHER.value: frozenset({RegisterName.PERSON_DOCUMENTS.value}),
    Basis.SEARCH_CASE.value: _EVERY,
    Basis.ENFORCEMENT.value: _EVERY - _WANTED - {_PHOTO},
}
_ROLES_151: dict[str, frozenset[str]] = {
    service: frozenset({_INVESTIGATOR, COURT_ROLE})
    | (frozenset() if service in {_PHOTO, _ENTITY} else frozenset({_PATROL}))
    for service in _EVERY
}

RULE_SETS: tuple[RuleSet, ...] = (
    RuleSet(
        id="151-2021-02-15",
        valid_from=date(2021, 2, 15),
        bases=_BASES_151,
        services=_SERVICES_151,
        roles=_ROLES_151,
        # Chapter 8 of the Criminal Code of 2014: offences in the sphere of economic activity.
        articles=frozenset(str(number) for number in range(214, 250)),
        article_services=frozenset({_ENTITY}),
        sanctioned={Basis.SEARCH_CASE.value: frozenset({_ENTITY})},
        device_kinds=frozenset({"tablet"}),
        workplace_roles=_OWN,
        # An officer checks about 30 vehicles an hour at a busy post; four times that is misuse.
        requests_hour_max=120,
        requests_day_max=600,
        same_subject_day_max=10,
        flags=FlagLimits(
            repeat_days=30,
            repeat_count=3,
            volume_hour=60,
            night_from_hour=22,
            night_until_hour=6,
            bases_days=30,
        ),
    ),
)


@dataclass(frozen=True, kw_only=True)
class UnreadEdition:
    """An act that is known to exist and whose text nobody here has: nothing of it is guessed.

    Once its text is there it becomes a ``RuleSet`` of the same ``id``; until then the edition
    before it stays in force, and ``docs/exchange-rules.md`` says so.
    """

    id: str
    act: str


UNREAD_EDITIONS: tuple[UnreadEdition, ...] = (
    UnreadEdition(
        id="21-2023-01-13",
        act="Order of the Prosecutor General No. 21 of 13.01.2023, registered No. 31702",
    ),
    UnreadEdition(
        id="88-2024-07-04",
        act="Order of the Prosecutor General No. 88 of 04.07.2024, registered No. 34714",
    ),
)


class NoRuleSet(Exception):
    """No edition of the rules was in force on that day: nothing may be asked."""


def rule_set_on(day: date, *, rule_sets: tuple[RuleSet, ...] = RULE_SETS) -> RuleSet:
    """Return the edition in force on ``day`` (in the zone of the law).

    Raises:
        NoRuleSet: the day is before the first edition.
    """
    in_force = [row for row in rule_sets if row.valid_from <= day]
    if not in_force:
        raise NoRuleSet(day.isoformat())
    return max(in_force, key=lambda row: row.valid_from)


def rule_set_named(rule_set_id: str) -> RuleSet:
    """Return the edition under which a decision was made, so that it can be judged again.

    Raises:
        NoRuleSet: no such edition.
    """
    for row in RULE_SETS:
        if row.id == rule_set_id:
            return row
    raise NoRuleSet(rule_set_id)


def registers_to_ask(*, with_plate: bool) -> tuple[RegisterName, ...]:
    """Return the registers of one roadside check, in the order the answer shows them."""
    if with_plate:
        return PERSON_REGISTERS[:2] + VEHICLE_REGISTERS + PERSON_REGISTERS[2:]
    return PERSON_REGISTERS
