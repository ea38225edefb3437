"""What other slices know and a fine needs: the person checked, the officer's post, his terminal."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import DeviceKind, Principal
from app.exchange.rules.requests import FineFacts
from app.exchange.service import check_facts
from devices.service import open_assignment_of
from fines.errors import CheckLacksPerson, TerminalNotAssigned
from fines.service.desk import Desk


@dataclass(frozen=True, kw_only=True)
class CheckedPerson:
    """Who was checked at the roadside, and what he drove."""

    iin: str = field(repr=False)
    papers: dict[str, str] = field(repr=False)
    vehicle: dict[str, str] = field(repr=False)
    checked_at: datetime
    fines: tuple[FineFacts, ...] | None  # unpaid by the register; None where it was silent


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
        checked_at=facts.received_at,
        fines=facts.fines,
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
