"""Bases, stop grounds and services, and the dated rule set that joins them.

Order of the Prosecutor General No. 151 of 22.12.2015 as amended to 15.02.2021 (rule set
``151-2021-02-15``). Its appendices were not published, so the services that the primary check
opens and who may use them are this installation's list, kept as data of the rule set.
"""

import enum
from dataclasses import dataclass
from datetime import date

from app.exchange.wire.registers import RegisterName


class Basis(enum.Enum):
    """Why a register may be asked. Further bases come with the systems that confirm them."""

    PRIMARY_CHECK = "PRIMARY_CHECK"  # item 20: primary data on a person, no case number


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


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """One edition of the rules; every decision records its ``id``.

    Attributes:
        id: act and date of the edition.
        valid_from: the day it came into force.
        services: the services each basis opens (appendix 1).
        roles: the roles that have the right to a service (appendix 2).
        device_kinds: what an officer may ask from.
        requests_hour_max: of one officer, over any 60 minutes.
        requests_day_max: of one officer, over any 24 hours.
    """

    id: str
    valid_from: date
    services: dict[str, frozenset[str]]
    roles: dict[str, frozenset[str]]
    device_kinds: frozenset[str]
    requests_hour_max: int
    requests_day_max: int


# A roadside check asks these and no others; further services come with further bases.
_ALL_SERVICES = frozenset(name.value for name in PERSON_REGISTERS + VEHICLE_REGISTERS)
RULE_SETS: tuple[RuleSet, ...] = (
    RuleSet(
        id="151-2021-02-15",
        valid_from=date(2021, 2, 15),
        services={Basis.PRIMARY_CHECK.value: _ALL_SERVICES},
        roles={service: frozenset({"patrol_officer"}) for service in _ALL_SERVICES},
        device_kinds=frozenset({"tablet"}),
        # An officer checks about 30 vehicles an hour at a busy post; four times that is misuse.
        requests_hour_max=120,
        requests_day_max=600,
    ),
)


class NoRuleSet(Exception):
    """No edition of the rules was in force on that day: nothing may be asked."""


def rule_set_on(day: date) -> RuleSet:
    """Return the edition in force on ``day`` (in the zone of the law).

    Raises:
        NoRuleSet: the day is before the first edition.
    """
    in_force = [row for row in RULE_SETS if row.valid_from <= day]
    if not in_force:
        raise NoRuleSet(day.isoformat())
    return max(in_force, key=lambda row: row.valid_from)


def registers_to_ask(*, with_plate: bool) -> tuple[RegisterName, ...]:
    """Return the registers of one roadside check, in the order the answer shows them."""
    if with_plate:
        return PERSON_REGISTERS[:2] + VEHICLE_REGISTERS + PERSON_REGISTERS[2:]
    return PERSON_REGISTERS
