"""The life cycle of a register request, and what its answer amounts to."""

import enum
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from app.exchange.errors import StepRefused
from app.exchange.wire.registers import RegisterName


class RequestStatus(enum.Enum):
    """Where a request stands. Only ``RELEASED`` shows anything of the answer to anybody."""

    RECEIVED = "received"  # recorded with its verdict; nobody is asked before the leaf is there
    PENDING_VERIFICATION = "pending_verification"  # the case register is silent; asked again
    NEEDS_SECOND_PERSON = "needs_second_person"  # an international order waits for its second
    NEEDS_JUSTIFICATION = "needs_justification"  # drawn; waits for the extended justification
    REFUSED = "refused"
    ASKED = "asked"
    SEQUENCED = "sequenced"  # the answer's hash is in the log
    RELEASED = "released"
    WITHHELD = "withheld"  # the log was silent or the right was lost: the answer is never shown
    EXPIRED = "expired"  # what it waited for did not come in time


# What waits for somebody outside; each such request has an instant at which it dies.
WAITING = frozenset(
    {
        RequestStatus.PENDING_VERIFICATION,
        RequestStatus.NEEDS_SECOND_PERSON,
        RequestStatus.NEEDS_JUSTIFICATION,
    }
)

_DECIDED = WAITING | {RequestStatus.RECEIVED, RequestStatus.REFUSED, RequestStatus.EXPIRED}
_NEXT: dict[RequestStatus, frozenset[RequestStatus]] = {
    RequestStatus.RECEIVED: frozenset(
        {RequestStatus.REFUSED, RequestStatus.ASKED, RequestStatus.WITHHELD}
    ),
    # A request that waited is decided anew on fresh facts, and may have to wait for the next.
    RequestStatus.PENDING_VERIFICATION: _DECIDED,
    RequestStatus.NEEDS_SECOND_PERSON: _DECIDED,
    RequestStatus.NEEDS_JUSTIFICATION: _DECIDED,
    RequestStatus.REFUSED: frozenset(),
    RequestStatus.ASKED: frozenset({RequestStatus.SEQUENCED, RequestStatus.WITHHELD}),
    RequestStatus.SEQUENCED: frozenset({RequestStatus.RELEASED, RequestStatus.WITHHELD}),
    RequestStatus.RELEASED: frozenset(),
    RequestStatus.WITHHELD: frozenset(),
    RequestStatus.EXPIRED: frozenset(),
}


def next_status(current: RequestStatus, target: RequestStatus) -> RequestStatus:
    """Return ``target`` if a request may move there from ``current``.

    Raises:
        StepRefused: the table lists no such step; nothing leaves ``WITHHELD`` or ``REFUSED``.
    """
    if target not in _NEXT[current]:
        raise StepRefused(f"{current.value} -> {target.value}")
    return target


class PartStatus(enum.Enum):
    """What became of the question to one register."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    UNAVAILABLE = "unavailable"  # down, or its answer cannot be believed
    TIMED_OUT = "timed_out"
    REFUSED = "refused"
    NOT_ASKED = "not_asked"


MISSING = frozenset({PartStatus.UNAVAILABLE, PartStatus.TIMED_OUT, PartStatus.REFUSED})


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one register answered; ``record`` only where the status is ``FOUND``."""

    register: RegisterName
    status: PartStatus
    asked_ms: float | None = None
    fault: str = ""
    record: dict[str, object] | None = field(default=None, repr=False)


class Caution(enum.Enum):
    """What the officer should look at before trusting the card in his hand."""

    DOCUMENT_EXPIRED = "document_expired"
    DOCUMENT_NUMBER_DIFFERS = "document_number_differs"
    LICENCE_NOT_IN_FORCE = "licence_not_in_force"
    INSURANCE_NOT_IN_FORCE = "insurance_not_in_force"
    OWNER_IS_ANOTHER_PERSON = "owner_is_another_person"
    PERSON_WANTED = "person_wanted"
    VEHICLE_WANTED = "vehicle_wanted"
    ANSWER_INCOMPLETE = "answer_incomplete"


def _record(parts: dict[RegisterName, Part], register: RegisterName) -> dict[str, object] | None:
    part = parts.get(register)
    return part.record if part is not None else None


def cautions_of(
    parts: tuple[Part, ...],
    *,
    iin: str | None,
    document_number: str | None,
    document_expires_on: date | None,
    today: date,
) -> tuple[Caution, ...]:
    """Return what the parts and the card together tell, in the order of ``Caution``.

    ``document_number`` and ``document_expires_on`` are ``None`` where the IIN was typed. A
    register that is silent warns of an incomplete answer and of nothing else.
    """
    by_name = {part.register: part for part in parts}
    person = _record(by_name, RegisterName.PERSON_DOCUMENTS)
    licence = _record(by_name, RegisterName.DRIVER_LICENCE)
    insurance = by_name.get(RegisterName.INSURANCE)
    vehicle = _record(by_name, RegisterName.VEHICLE)
    found: set[Caution] = set()
    if document_expires_on is not None and document_expires_on < today:
        found.add(Caution.DOCUMENT_EXPIRED)
    if person is not None and document_number not in {None, person["document_number"]}:
        found.add(Caution.DOCUMENT_NUMBER_DIFFERS)
    if licence is not None and not _covers(licence, today, state="in_force"):
        found.add(Caution.LICENCE_NOT_IN_FORCE)
    if insurance is not None and _uninsured(insurance, today):
        found.add(Caution.INSURANCE_NOT_IN_FORCE)
    if iin is not None and vehicle is not None and vehicle.get("owner_iin") not in {None, iin}:
        found.add(Caution.OWNER_IS_ANOTHER_PERSON)
    if _record(by_name, RegisterName.WANTED_PERSONS) is not None:
        found.add(Caution.PERSON_WANTED)
    if _record(by_name, RegisterName.WANTED_VEHICLES) is not None:
        found.add(Caution.VEHICLE_WANTED)
    if any(part.status in MISSING for part in parts):
        found.add(Caution.ANSWER_INCOMPLETE)
    return tuple(one for one in Caution if one in found)


def _covers(record: dict[str, object], today: date, *, state: str | None = None) -> bool:
    if state is not None and record.get("state") != state:
        return False
    return today <= date.fromisoformat(str(record["valid_until"]))


def _uninsured(part: Part, today: date) -> bool:
    if part.record is None:
        return part.status is PartStatus.NOT_FOUND
    return not _covers(part.record, today)


@dataclass(frozen=True, kw_only=True)
class DriverFacts:
    """The driver as GBD FL knows him; names are empty where that register was silent."""

    iin: str = field(repr=False)
    surname: str = field(default="", repr=False)
    given_name: str = field(default="", repr=False)
    patronymic: str = field(default="", repr=False)
    birth_date: date | None = field(default=None, repr=False)
    document_number: str = field(default="", repr=False)
    residence: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class VehicleFacts:
    """The vehicle; only the plate is sure where the register was silent."""

    plate: str = field(repr=False)
    make_model: str = ""
    year: int | None = None
    vin: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class FineFacts:
    """One unpaid fine of the driver, as the register of fines names it."""

    decision_number: str
    article: str
    decided_on: date
    amount_tiyn: int


@dataclass(frozen=True, kw_only=True)
class CheckFacts:
    """What an offence record may take over from a released check.

    ``fines`` is ``None`` where the register of fines was not asked or silent.
    """

    check_id: UUID
    received_at: datetime
    driver: DriverFacts
    vehicle: VehicleFacts | None
    fines: tuple[FineFacts, ...] | None
    complete: bool


def facts_of(
    *,
    check_id: UUID,
    received_at: datetime,
    iin: str,
    plate: str | None,
    birth_date: date | None,
    parts: tuple[Part, ...],
) -> CheckFacts:
    """Return what the parts say of the driver, his unpaid fines and the vehicle."""
    by_name = {part.register: part for part in parts}
    person = _record(by_name, RegisterName.PERSON_DOCUMENTS) or {}
    vehicle = _record(by_name, RegisterName.VEHICLE) or {}
    driver = DriverFacts(
        iin=iin,
        birth_date=birth_date,
        **{
            name: str(person.get(name, ""))
            for name in (
                "surname", "given_name", "patronymic", "document_number", "residence", "phone",
            )
        },
    )  # fmt: skip
    year = vehicle.get("year")
    return CheckFacts(
        check_id=check_id,
        received_at=received_at,
        driver=driver,
        fines=_fines(by_name.get(RegisterName.UNPAID_FINES)),
        vehicle=None
        if plate is None
        else VehicleFacts(
            plate=plate,
            make_model=str(vehicle.get("make_model", "")),
            year=year if isinstance(year, int) else None,
            vin=str(vehicle.get("vin", "")),
        ),
        complete=not any(part.status in MISSING for part in parts),
    )


def _fines(part: Part | None) -> tuple[FineFacts, ...] | None:
    if part is None or part.status not in {PartStatus.FOUND, PartStatus.NOT_FOUND}:
        return None
    listed = (part.record or {}).get("fines", [])
    if not isinstance(listed, list | tuple):
        return None
    return tuple(
        FineFacts(
            decision_number=str(one["decision_number"]),
            article=str(one["article"]),
            decided_on=date.fromisoformat(str(one["decided_on"])),
            amount_tiyn=int(one["amount_tiyn"]),
        )
        for one in listed
    )
