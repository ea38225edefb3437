"""What other slices know and a fine needs: the person checked, the officer's post, his terminal."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import DeviceKind, Principal
from app.exchange.service import check_facts
from app.identity.service import posts_by_id
from devices.service import open_assignment_of
from fines import models
from fines.errors import CheckLacksPerson, TerminalNotAssigned
from fines.rules.slips import CaseFacts
from fines.service.desk import Desk


@dataclass(frozen=True, kw_only=True)
class CheckedPerson:
    """Who was checked at the roadside, and what he drove."""

    iin: str = field(repr=False)
    papers: dict[str, str] = field(repr=False)
    vehicle: dict[str, str] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class AssignedTerminal:
    """The terminal the officer has signed for."""

    device_id: UUID
    shift_id: UUID
    terminal_number: str


async def checked_person(
    desk: Desk, session: AsyncSession, *, check_id: UUID, caller: Principal, now: datetime
) -> CheckedPerson:
    """Return what the caller's own roadside check found.

    Raises:
        CheckLacksPerson: the person register was silent or knows nobody (article 810(1)).
        app.errors.DomainError: the check is not the caller's, or was not released.
    """
    facts = await check_facts(
        session, check_id=check_id, caller=caller, keys=desk.keys, trail=desk.trail, now=now
    )
    driver, vehicle = facts.driver, facts.vehicle
    if not driver.surname or not driver.document_number:
        raise CheckLacksPerson(f"check {check_id} established nobody")
    return CheckedPerson(
        iin=driver.iin,
        papers={
            "surname": driver.surname,
            "given_name": driver.given_name,
            "patronymic": driver.patronymic,
            "birth_date": driver.birth_date.isoformat() if driver.birth_date else "",
            "document_number": driver.document_number,
            "residence": driver.residence,
        },
        vehicle={}
        if vehicle is None
        else {
            "plate": vehicle.plate,
            "make_model": vehicle.make_model,
            "vin": vehicle.vin,
        },
    )


async def assigned_terminal(session: AsyncSession, *, caller: Principal) -> AssignedTerminal:
    """Return the card terminal that is issued to the calling officer now.

    Raises:
        TerminalNotAssigned: he has none.
    """
    if caller.post_id is None:
        raise TerminalNotAssigned("the caller holds no post")
    found = await open_assignment_of(session, post_id=caller.post_id, kind=DeviceKind.TERMINAL)
    if found is None or not found.terminal_number:
        raise TerminalNotAssigned(f"post {caller.post_id} has no terminal")
    return AssignedTerminal(
        device_id=found.device_id,
        shift_id=found.shift_id,
        terminal_number=found.terminal_number,
    )


def full_name(record: models.OffenceRecord) -> str:
    """Return the offender's name as papers write it."""
    names = (record.offender.get(one, "") for one in ("surname", "given_name", "patronymic"))
    return " ".join(one for one in names if one)


async def case_facts(desk: Desk, session: AsyncSession, record: models.OffenceRecord) -> CaseFacts:
    """Return what slips state of a record that has its receipt."""
    if record.receipt_number is None or record.discount_last_day is None:
        raise ValueError("a slip belongs to a record with a receipt")
    card = (await posts_by_id(session, [record.post_id]))[record.post_id]
    return CaseFacts(
        department_kk=card.department_name_kk,
        department_ru=card.department_name_ru,
        department_bin=card.department_bin,
        place=record.place,
        record_number=record.number,
        receipt_number=record.receipt_number,
        citation=f"{record.article}({record.part})" if record.part else record.article,
        officer_badge=card.badge,
        violator_name=full_name(record),
        violator_iin=record.offender_iin,
        fine_full_tiyn=record.fine_full_tiyn,
        amount_tiyn=record.fine_half_tiyn,
        discount_last_day=record.discount_last_day,
        budget_code=desk.budget_code,
        purpose_code=desk.purpose_code,
    )
