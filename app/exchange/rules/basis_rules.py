"""What a basis, its fields and an edition of the rules are; the editions are in ``bases``.

The Rules approved by the Prosecutor General's Order No. 151 of 22.12.2015, items 4, 5, 20-27.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from app.exchange.wire.cases import CaseKind, CaseRegister
from app.exchange.wire.registers import RegisterName


class Basis(enum.Enum):
    """Why a register may be asked."""

    PRIMARY_CHECK = "PRIMARY_CHECK"  # item 20: primary data on a person, no case number
    CRIMINAL_CASE = "CRIMINAL_CASE"  # item 21
    CRIMINAL_ORDER = "CRIMINAL_ORDER"  # item 22, part 1: an errand or a prosecutor's order
    INTERNATIONAL_ORDER = "INTERNATIONAL_ORDER"  # item 22, part 2
    ADMIN_LE = "ADMIN_LE"  # item 23
    CRIMINAL_COURT = "CRIMINAL_COURT"  # item 24
    ADMIN_COURT = "ADMIN_COURT"  # item 25
    CIVIL_COURT = "CIVIL_COURT"  # item 25
    COURT_OTHER = "COURT_OTHER"  # item 24: other cases that a law allows
    SEARCH_CASE = "SEARCH_CASE"  # item 26
    ENFORCEMENT = "ENFORCEMENT"  # item 27


class StopGround(enum.Enum):
    """The closed list of grounds to stop a vehicle: Law on Road Traffic No. 194-V, article 52."""

    TRAFFIC_VIOLATION = "traffic_violation"
    STOLEN_VEHICLE_SEARCH = "stolen_vehicle_search"
    EMERGENCY_USE_OF_VEHICLE = "emergency_use_of_vehicle"
    DOCUMENT_CHECK_AT_POST = "document_check_at_post"  # stationary posts and special operations
    CARGO_DOCUMENT_CHECK = "cargo_document_check"
    TRAFFIC_BAN = "traffic_ban"
    WITNESS_QUESTIONING = "witness_questioning"
    TRAFFIC_REGULATION = "traffic_regulation"


STOP_GROUNDS = frozenset(ground.value for ground in StopGround)
COURT_ROLE = "court"  # of the person behind a court's call; nobody signs in with it


class SubjectKind(enum.Enum):
    """Whom or what a request asks about."""

    PERSON = "person"
    VEHICLE = "vehicle"
    PERSON_AND_VEHICLE = "person_and_vehicle"
    LEGAL_ENTITY = "legal_entity"


class RequestField(enum.Enum):
    """The fields that tell one basis from another; subject, plate and stop stand apart."""

    CASE_NUMBER = "case_number"
    ORDER_NUMBER = "order_number"
    ORDER_BODY = "order_body"
    COVER_LETTER = "cover_letter"
    YEAR = "year"
    COURT = "court"


PERSON_REGISTERS = (
    RegisterName.PERSON_DOCUMENTS,
    RegisterName.DRIVER_LICENCE,
    RegisterName.WANTED_PERSONS,
    RegisterName.UNPAID_FINES,
)
VEHICLE_REGISTERS = (
    RegisterName.VEHICLE,
    RegisterName.INSURANCE,
    RegisterName.INSPECTION,
    RegisterName.WANTED_VEHICLES,
)
_PERSON = frozenset({SubjectKind.PERSON, SubjectKind.PERSON_AND_VEHICLE})
_VEHICLE = frozenset({SubjectKind.VEHICLE, SubjectKind.PERSON_AND_VEHICLE})
SUBJECTS_OF_SERVICE: dict[str, frozenset[SubjectKind]] = {
    **{name.value: _PERSON for name in (*PERSON_REGISTERS, RegisterName.PERSON_PHOTO)},
    **{name.value: _VEHICLE for name in VEHICLE_REGISTERS},
    RegisterName.LEGAL_ENTITY.value: frozenset({SubjectKind.LEGAL_ENTITY}),
}


@dataclass(frozen=True, kw_only=True)
class BasisRule:
    """What one basis asks for and who may use it.

    A field that is neither ``mandatory`` nor ``optional`` must be empty.

    Attributes:
        item: of the Rules.
        mandatory, optional: fields.
        subjects: what may be asked about.
        register, kind: who confirms the case, and what it must be there; ``None`` where item 5
            demands no check.
        roles: who may use it (appendix 1).
        courts_only: it comes over the courts' channel and over no other (item 24).
        criminal: appendix 3 applies where the service asks for a listed article.
        stop_ground: a stop is its reason where a tablet asks.
        sanction: a court sanction may be named.
        second_person: stands in for the check by a register.
        closed, opened_by_law: a basis closed by default, and the law that opens it; empty keeps
            it closed.
    """

    item: str
    mandatory: frozenset[RequestField] = frozenset()
    optional: frozenset[RequestField] = frozenset()
    subjects: frozenset[SubjectKind] = frozenset(SubjectKind)
    register: CaseRegister | None = None
    kind: CaseKind | None = None
    roles: frozenset[str]
    courts_only: bool = False
    criminal: bool = False
    stop_ground: bool = False
    sanction: bool = True
    second_person: bool = False
    closed: bool = False
    opened_by_law: str = ""

    @property
    def primary(self) -> bool:
        """True where nobody confirms the basis: only primary data may be asked (item 20)."""
        return self.register is None and not self.second_person


@dataclass(frozen=True, kw_only=True)
class FlagLimits:
    """From where a request stands out in the monthly report; a flag refuses nothing.

    Attributes:
        repeat_days, repeat_count: the same subject asked so often in so many days.
        volume_hour: requests of one person in an hour.
        night_from_hour, night_until_hour: on the clock of Astana; the night ends before the last.
        bases_days: within which one subject is asked under more than one basis.
    """

    repeat_days: int
    repeat_count: int
    volume_hour: int
    night_from_hour: int
    night_until_hour: int
    bases_days: int


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """One edition of the rules; every decision records its ``id``.

    Attributes:
        id: act and date of the edition.
        valid_from: the day it came into force.
        bases: what each basis asks for.
        services: the services each basis opens (appendix 1).
        roles: the roles that have the right to a service (appendix 2).
        articles: the articles of the Criminal Code listed in appendix 3.
        article_services: the services that ask for a listed article in a criminal case.
        sanctioned: the services that need a court sanction, by basis.
        device_kinds: what an officer may ask from.
        workplace_roles: who may ask from a workplace, without a device of ours.
        requests_hour_max: of one officer, over any 60 minutes.
        requests_day_max: of one officer, over any 24 hours.
        same_subject_day_max: primary checks of one officer on one subject, over any 24 hours.
        flags: see ``FlagLimits``.
    """

    id: str
    valid_from: date
    bases: Mapping[str, BasisRule]
    services: Mapping[str, frozenset[str]]
    roles: Mapping[str, frozenset[str]]
    articles: frozenset[str]
    article_services: frozenset[str]
    sanctioned: Mapping[str, frozenset[str]]
    device_kinds: frozenset[str]
    workplace_roles: frozenset[str]
    requests_hour_max: int
    requests_day_max: int
    same_subject_day_max: int
    flags: FlagLimits
