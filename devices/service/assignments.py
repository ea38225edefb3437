"""The journal of issue and return: sheet, signature, return, correction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import DeviceKind, Principal, Role
from app.audit.service import AuditTrail
from app.identity import service as identity
from devices import repository
from devices.errors import (
    AlreadySigned,
    AssignmentNotFound,
    DeviceAlreadyOut,
    DeviceNotFound,
    EntryNotFound,
    NotIssuable,
    NotIssued,
    OfficerNotFound,
    ShiftClosed,
    ShiftNotFound,
)
from devices.models import Assignment, Device, JournalEntry, Shift
from devices.rules.lifecycle import ISSUABLE_KINDS, DeviceStatus, next_status
from devices.rules.sheets import JournalEntryKind, SheetFacts, issue_sheet


class HandInCheck(Protocol):
    """Says whether a terminal may be handed in; the slice that knows its money answers."""

    async def __call__(self, session: AsyncSession, *, device_id: UUID, since: datetime) -> None:
        """Raise a refusal where it may not; ``since`` is when it was issued."""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A sheet to be signed; the signature is over the UTF-8 bytes of ``text``."""

    assignment_id: UUID
    device_id: UUID
    text: str


@dataclass(frozen=True, kw_only=True)
class AssignmentView:
    """An assignment with its device and its lines of the journal."""

    assignment: Assignment
    device: Device
    journal: Sequence[JournalEntry]


async def make_sheets(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    caller: Principal,
    shift_id: UUID,
    device_ids: Sequence[UUID],
    now: datetime,
) -> list[Sheet]:
    """Make out one issue sheet per device; nothing is issued before the officer signs it.

    All or none: one device that cannot be issued refuses the whole list.

    Raises:
        ShiftNotFound, ShiftClosed: no such open shift of the unit.
        DeviceNotFound: a device is absent or another unit's.
        NotIssuable: a device of that kind is issued to nobody.
        StepRefused: a device is not in store.
        DeviceAlreadyOut: a device has an open sheet or is with an officer.
    """
    shift = await _open_shift(session, caller, shift_id)
    found = await repository.devices_by_id(session, device_ids, department_id=caller.department_id)
    cards = await identity.posts_by_id(
        session, [shift.post_id, *([caller.post_id] if caller.post_id else [])]
    )
    officer = cards.get(shift.post_id)
    keeper = cards.get(caller.post_id) if caller.post_id else None
    if officer is None or keeper is None:
        raise OfficerNotFound("the officer or the keeper holds no post")
    sheets = []
    for device_id in dict.fromkeys(device_ids):
        device = found.get(device_id)
        if device is None:
            raise DeviceNotFound(device_id)
        sheets.append(
            await _make_sheet(session, device, shift, officer=officer, keeper=keeper, now=now)
        )
    for sheet in sheets:
        await trail.record(
            session,
            event="devices.sheet_made",
            at=now,
            who=caller,
            fields={
                "assignment_id": str(sheet.assignment_id),
                "device_id": str(sheet.device_id),
                "shift_id": str(shift_id),
                "officer_post_id": str(shift.post_id),
            },
        )
    return sheets


async def _open_shift(session: AsyncSession, caller: Principal, shift_id: UUID) -> Shift:
    # Locked: the shift cannot be closed while something is being made out to it.
    shift = await repository.shift(
        session, shift_id=shift_id, department_id=caller.department_id, lock=True
    )
    if shift is None:
        raise ShiftNotFound(shift_id)
    if shift.closed_at is not None:
        raise ShiftClosed(f"shift {shift_id} is closed")
    return shift


async def _make_sheet(
    session: AsyncSession,
    device: Device,
    shift: Shift,
    *,
    officer: identity.PostCard,
    keeper: identity.PostCard,
    now: datetime,
) -> Sheet:
    if device.kind.value not in ISSUABLE_KINDS:
        raise NotIssuable(f"a {device.kind.value} is issued to nobody")
    if await repository.open_assignment(session, device_id=device.id) is not None:
        raise DeviceAlreadyOut(device.id)
    next_status(device.status, DeviceStatus.ISSUED)  # refuses now what the signature would
    assignment_id = uuid4()
    text = issue_sheet(
        SheetFacts(
            assignment_id=assignment_id,
            kind=device.kind.value,
            inventory_number=device.inventory_number,
            serial_number=device.serial_number,
            officer_name=officer.full_name,
            officer_title=officer.title,
            officer_badge=officer.badge,
            department_kk=officer.department_name_kk,
            department_ru=officer.department_name_ru,
            keeper_name=keeper.full_name,
            at=now,
        )
    )
    row = Assignment(
        id=assignment_id,
        device_id=device.id,
        shift_id=shift.id,
        post_id=shift.post_id,
        person_id=shift.person_id,
        department_id=shift.department_id,
        sheet=text,
        sheet_at=now,
        issued_by_post_id=keeper.post_id,
    )
    if not await repository.add(session, row):
        raise DeviceAlreadyOut(device.id)
    await add_line(
        session, assignment_id, JournalEntryKind.SHEET_MADE, at=now, by_post_id=keeper.post_id
    )
    return Sheet(assignment_id=assignment_id, device_id=device.id, text=text)


async def add_line(
    session: AsyncSession,
    assignment_id: UUID,
    kind: JournalEntryKind,
    *,
    at: datetime,
    by_post_id: UUID | None = None,
    by_device_id: UUID | None = None,
    signature_id: UUID | None = None,
    corrects_entry_id: UUID | None = None,
    note: str = "",
) -> UUID:
    """Add a line to the journal and return its id; lines are never changed."""
    entry_id = uuid4()
    await repository.add(
        session,
        JournalEntry(
            id=entry_id,
            assignment_id=assignment_id,
            kind=kind,
            at=at,
            by_post_id=by_post_id,
            by_device_id=by_device_id,
            signature_id=signature_id,
            corrects_entry_id=corrects_entry_id,
            note=note,
        ),
    )
    return entry_id


async def view_assignment(
    session: AsyncSession, *, caller: Principal, assignment_id: UUID
) -> AssignmentView:
    """Return an assignment of the unit; a patrol officer sees his own only.

    Raises:
        AssignmentNotFound: absent, another unit's, or another officer's.
    """
    row = await repository.assignment(
        session, assignment_id=assignment_id, department_id=caller.department_id
    )
    own = row is not None and row.person_id == caller.person_id
    if row is None or (caller.role is Role.PATROL_OFFICER and not own):
        raise AssignmentNotFound(assignment_id)
    device = await repository.device_by_id(session, row.device_id)
    if device is None:
        raise DeviceNotFound(row.device_id)
    return AssignmentView(
        assignment=row,
        device=device,
        journal=await repository.journal(session, assignment_id=assignment_id),
    )


async def withdraw_sheet(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    caller: Principal,
    assignment_id: UUID,
    now: datetime,
) -> None:
    """Withdraw a sheet that nobody has signed; the device is free again.

    Raises:
        AssignmentNotFound: absent, or another unit's.
        AlreadySigned: the officer has signed it.
        NotIssued: it was withdrawn before.
    """
    row = await own_assignment(session, caller, assignment_id)
    if row.issued_at is not None:
        raise AlreadySigned(f"assignment {assignment_id} is signed")
    if row.withdrawn_at is not None:
        raise NotIssued(f"assignment {assignment_id} was withdrawn before")
    row.withdrawn_at = now
    await add_line(
        session, row.id, JournalEntryKind.SHEET_WITHDRAWN, at=now, by_post_id=caller.post_id
    )
    await trail.record(
        session,
        event="devices.sheet_withdrawn",
        at=now,
        who=caller,
        fields={"assignment_id": str(row.id), "device_id": str(row.device_id)},
    )


async def return_device(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    caller: Principal,
    assignment_id: UUID,
    good: bool,
    note: str,
    hand_in: HandInCheck,
    now: datetime,
) -> DeviceStatus:
    """Take a device back from the officer, and put it in store where it is ``good``.

    What is not good, or was suspended meanwhile, stays aside until the keeper has looked at it.
    A terminal is taken back only when ``hand_in`` raises nothing: its totals match our rows.

    Raises:
        AssignmentNotFound: absent, or another unit's.
        NotIssued: it was not signed for, or was taken back before.
    """
    row = await own_assignment(session, caller, assignment_id)
    device = await repository.device_by_id(session, row.device_id, lock=True)
    closed = row.returned_at or row.withdrawn_at or row.written_off_at
    if device is None or row.issued_at is None or closed is not None:
        raise NotIssued(f"assignment {assignment_id} is not open")
    if device.kind is DeviceKind.TERMINAL:
        await hand_in(session, device_id=device.id, since=row.issued_at)
    was_suspended = device.status is DeviceStatus.SUSPENDED
    device.status = next_status(device.status, DeviceStatus.RETURNED)
    if good and not was_suspended:
        device.status = next_status(device.status, DeviceStatus.IN_STORE)
    row.returned_at, row.returned_to_post_id = now, caller.post_id
    await add_line(
        session,
        row.id,
        JournalEntryKind.RETURNED,
        at=now,
        by_post_id=caller.post_id,
        note=note,
    )
    await trail.record(
        session,
        event="devices.returned",
        at=now,
        who=caller,
        fields={
            "assignment_id": str(row.id),
            "device_id": str(row.device_id),
            "good": good,
            "status": device.status.value,
        },
    )
    return device.status


async def correct_journal(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    caller: Principal,
    assignment_id: UUID,
    entry_id: UUID,
    note: str,
    now: datetime,
) -> UUID:
    """Correct a line of the journal by a further one, and return its id.

    Order No. 971, item 10: an error is struck out with a signed note, never erased. The line that
    was wrong stays; readers show it struck out.

    Raises:
        AssignmentNotFound: absent, or another unit's.
        EntryNotFound: the assignment has no such line.
    """
    row = await own_assignment(session, caller, assignment_id)
    lines = await repository.journal(session, assignment_id=row.id)
    if entry_id not in {line.id for line in lines}:
        raise EntryNotFound(f"assignment {assignment_id} has no line {entry_id}")
    correction_id = await add_line(
        session,
        row.id,
        JournalEntryKind.CORRECTION,
        at=now,
        by_post_id=caller.post_id,
        corrects_entry_id=entry_id,
        note=note,
    )
    await trail.record(
        session,
        event="devices.journal_corrected",
        at=now,
        who=caller,
        fields={
            "assignment_id": str(row.id),
            "entry_id": str(entry_id),
            "correction_id": str(correction_id),
        },
    )
    return correction_id


async def own_assignment(
    session: AsyncSession, caller: Principal, assignment_id: UUID
) -> Assignment:
    """Return an assignment of the caller's unit, locked.

    Raises:
        AssignmentNotFound: absent, or another unit's.
    """
    row = await repository.assignment(
        session, assignment_id=assignment_id, department_id=caller.department_id, lock=True
    )
    if row is None:
        raise AssignmentNotFound(assignment_id)
    return row
