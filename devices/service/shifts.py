"""Shifts: the time of duty in which devices are issued."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal, Role
from app.audit.service import AuditTrail
from app.identity import service as identity
from devices import repository
from devices.errors import DevicesOut, OfficerNotFound, ShiftClosed, ShiftNotFound, ShiftOpen
from devices.models import Assignment, Device, Shift

SHIFTS_SHOWN_MAX = 500


@dataclass(frozen=True, kw_only=True)
class ShiftView:
    """A shift, its officer, and everything made out to it."""

    shift: Shift
    officer: identity.PostCard | None
    assignments: Sequence[tuple[Assignment, Device]] = ()


async def open_shift(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    caller: Principal,
    officer_iin: str | None,
    post_id: UUID | None,
    now: datetime,
) -> UUID:
    """Open a shift of a patrol officer of the caller's unit and return its id.

    Raises:
        OfficerNotFound: the unit has no patrol officer of this IIN or post in force.
        ShiftOpen: the officer's last shift was not closed.
    """
    card = await _officer(session, officer_iin=officer_iin, post_id=post_id, now=now)
    if (
        card is None
        or card.department_id != caller.department_id
        or card.role is not Role.PATROL_OFFICER
    ):
        raise OfficerNotFound("the unit has no such patrol officer")
    before = await repository.open_shift_of(session, post_id=card.post_id)
    if before is not None:
        raise ShiftOpen(before.id)
    shift = Shift(
        id=uuid4(),
        post_id=card.post_id,
        person_id=card.person_id,
        department_id=card.department_id,
        opened_by_post_id=caller.post_id,
        opened_at=now,
    )
    if not await repository.add(session, shift):
        raise ShiftOpen(shift.id)
    await trail.record(
        session,
        event="devices.shift_opened",
        at=now,
        who=caller,
        fields={"shift_id": str(shift.id), "officer_post_id": str(card.post_id)},
    )
    return shift.id


async def _officer(
    session: AsyncSession, *, officer_iin: str | None, post_id: UUID | None, now: datetime
) -> identity.PostCard | None:
    """Return the card of the post where it is in force at ``now``."""
    if post_id is not None:
        card = (await identity.posts_by_id(session, [post_id])).get(post_id)
        officer_iin = None if card is None else card.iin
    if officer_iin is None:
        return None
    held = await identity.post_of_iin(session, iin=officer_iin, now=now)
    return held if held is not None and post_id in {None, held.post_id} else None


async def close_shift(
    session: AsyncSession, *, trail: AuditTrail, caller: Principal, shift_id: UUID, now: datetime
) -> None:
    """Close a shift.

    Raises:
        ShiftNotFound: absent, or another unit's.
        ShiftClosed: it is closed already.
        DevicesOut: names the devices that were not taken back.
    """
    shift = await repository.shift(
        session, shift_id=shift_id, department_id=caller.department_id, lock=True
    )
    if shift is None:
        raise ShiftNotFound(shift_id)
    if shift.closed_at is not None:
        raise ShiftClosed("the shift is closed already")
    out = await repository.open_devices_of_shift(session, shift_id=shift_id)
    if out:
        raise DevicesOut("devices are still out", device_ids=[str(one) for one in out])
    shift.closed_at = now
    await trail.record(
        session,
        event="devices.shift_closed",
        at=now,
        who=caller,
        fields={"shift_id": str(shift_id)},
    )


async def view_shift(session: AsyncSession, *, caller: Principal, shift_id: UUID) -> ShiftView:
    """Return a shift of the unit; a patrol officer sees his own only.

    Raises:
        ShiftNotFound: absent, another unit's, or another officer's.
    """
    shift = await repository.shift(session, shift_id=shift_id, department_id=caller.department_id)
    own = shift is not None and shift.person_id == caller.person_id
    if shift is None or (caller.role is Role.PATROL_OFFICER and not own):
        raise ShiftNotFound(shift_id)
    cards = await identity.posts_by_id(session, [shift.post_id])
    return ShiftView(
        shift=shift,
        officer=cards.get(shift.post_id),
        assignments=await repository.assignments_of(session, shift_id=shift_id),
    )


async def list_shifts(session: AsyncSession, *, caller: Principal) -> Sequence[ShiftView]:
    """Return the unit's shifts, newest first, without their assignments."""
    rows = await repository.shifts_of(
        session, department_id=caller.department_id, limit=SHIFTS_SHOWN_MAX
    )
    cards = await identity.posts_by_id(session, [row.post_id for row in rows])
    return [ShiftView(shift=row, officer=cards.get(row.post_id)) for row in rows]
