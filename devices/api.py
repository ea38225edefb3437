"""Routes of devices: the keeper's inventory, the journal of issue and return, shifts."""

import hashlib
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from app.access import Access, Caller, Principal, Role
from app.audit.api import TrailOfApp
from app.clock import utc_now
from app.db import SessionsOfApp, transaction
from app.identity.api import RevocationOfApp, TrustOfApp, presented_token, session_idle
from devices import service
from devices.models import Assignment, Device, JournalEntry
from devices.rules.tokens import key_of_tokens
from devices.schemas import (
    AssignmentAnswer,
    AssignmentJournalAnswer,
    CorrectedAnswer,
    CorrectionBody,
    DeviceAnswer,
    DevicesAnswer,
    EnrolledAnswer,
    IssuedAnswer,
    LineAnswer,
    OpenShiftBody,
    RegisterBody,
    RegisteredAnswer,
    ReturnBody,
    SheetAnswer,
    SheetsAnswer,
    SheetsBody,
    ShiftAnswer,
    ShiftOpenedAnswer,
    ShiftsAnswer,
    SignatureBody,
    StatusAnswer,
    StatusBody,
)
from devices.service import (
    HandInCheck,
    ShiftView,
    authenticate_device,
    device_names,
    device_standing,
)

__all__ = [
    "authenticate_both",
    "authenticate_device",
    "device_names",
    "device_standing",
    "key_of_tokens",
    "router",
]

KEEPER = Access(roles=[Role.DEVICE_KEEPER])
KEEPER_OR_DUTY = Access(roles=[Role.DEVICE_KEEPER, Role.DUTY_OFFICER])
OFFICER = Access(roles=[Role.PATROL_OFFICER])  # before he has a tablet, from the keeper's browser
OFFICER_OR_KEEPER = Access(roles=[Role.PATROL_OFFICER, Role.DEVICE_KEEPER, Role.DUTY_OFFICER])
_BODY_BYTES_MAX = 8 * 1024
_SIGNATURE_BODY_BYTES_MAX = 128 * 1024  # a signature of 64 KiB in base64, with room


async def authenticate_both(request: Request) -> tuple[Principal | None, Principal | None]:
    """Return the person and the device that ``request`` proves, asked for in one round trip.

    Raises:
        SessionOver, CrossSite: see ``authenticate_person``.
    """
    return await service.authenticate_both(
        request, token=presented_token(request), idle=session_idle(request), now=utc_now()
    )


async def _hand_in(request: Request) -> AsyncIterator[HandInCheck]:
    async with request.app.state.hand_in() as check:
        yield check


HandInOfApp = Annotated[HandInCheck, Depends(_hand_in)]

router = APIRouter(prefix="/api", tags=["devices"], max_body_size=_BODY_BYTES_MAX)


@router.post("/devices", dependencies=[Depends(KEEPER)], status_code=201)
async def register_device(
    body: RegisterBody, caller: Caller, sessions: SessionsOfApp, trail: TrailOfApp
) -> RegisteredAnswer:
    """Take a device on into the unit's inventory."""
    async with transaction(sessions) as session:
        device_id = await service.register_device(
            session,
            trail=trail,
            caller=caller,
            kind=body.kind,
            inventory_number=body.inventory_number,
            serial_number=body.serial_number,
            public_key_pem=body.public_key_pem,
            terminal_number=body.terminal_number,
            now=utc_now(),
        )
    return RegisteredAnswer(device_id=device_id)


@router.get("/devices", dependencies=[Depends(KEEPER_OR_DUTY)])
async def list_devices(caller: Caller, sessions: SessionsOfApp) -> DevicesAnswer:
    """Show the unit's devices and where each stands."""
    async with transaction(sessions) as session:
        rows = await service.list_devices(session, caller=caller)
    return DevicesAnswer(devices=tuple(_device(device, held) for device, held in rows))


@router.post("/devices/{device_id}/enrollment", dependencies=[Depends(KEEPER)], status_code=201)
async def enroll_device(
    device_id: UUID,
    response: Response,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
) -> EnrolledAnswer:
    """Give the device a credential, shown this once, and put it in store."""
    async with transaction(sessions) as session:
        credential = await service.enroll_device(
            session, trail=trail, caller=caller, device_id=device_id, now=utc_now()
        )
    response.headers["Cache-Control"] = "no-store"
    return EnrolledAnswer(device_id=device_id, credential=credential)


@router.post("/devices/{device_id}/status", dependencies=[Depends(KEEPER_OR_DUTY)])
async def change_status(
    device_id: UUID,
    body: StatusBody,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
) -> StatusAnswer:
    """Put a device in store, suspend it, or record it as lost or retired."""
    async with transaction(sessions) as session:
        status = await service.change_status(
            session,
            trail=trail,
            caller=caller,
            device_id=device_id,
            target=body.status,
            reason=body.reason,
            note=body.note,
            now=utc_now(),
        )
    return StatusAnswer(status=status)


@router.post("/shifts", dependencies=[Depends(KEEPER)], status_code=201)
async def open_shift(
    body: OpenShiftBody, caller: Caller, sessions: SessionsOfApp, trail: TrailOfApp
) -> ShiftOpenedAnswer:
    """Open the shift of a patrol officer."""
    async with transaction(sessions) as session:
        shift_id = await service.open_shift(
            session,
            trail=trail,
            caller=caller,
            officer_iin=body.officer_iin,
            post_id=body.post_id,
            now=utc_now(),
        )
    return ShiftOpenedAnswer(shift_id=shift_id)


@router.get("/shifts", dependencies=[Depends(KEEPER_OR_DUTY)])
async def list_shifts(caller: Caller, sessions: SessionsOfApp) -> ShiftsAnswer:
    """Show the unit's shifts."""
    async with transaction(sessions) as session:
        views = await service.list_shifts(session, caller=caller)
    return ShiftsAnswer(shifts=tuple(_shift(view) for view in views))


@router.get("/shifts/{shift_id}", dependencies=[Depends(OFFICER_OR_KEEPER)])
async def view_shift(shift_id: UUID, caller: Caller, sessions: SessionsOfApp) -> ShiftAnswer:
    """Show a shift with its sheets; an officer sees his own."""
    async with transaction(sessions) as session:
        return _shift(await service.view_shift(session, caller=caller, shift_id=shift_id))


@router.post("/shifts/{shift_id}/close", dependencies=[Depends(KEEPER)], status_code=204)
async def close_shift(
    shift_id: UUID, caller: Caller, sessions: SessionsOfApp, trail: TrailOfApp
) -> None:
    """Close a shift whose devices are all back."""
    async with transaction(sessions) as session:
        await service.close_shift(
            session, trail=trail, caller=caller, shift_id=shift_id, now=utc_now()
        )


@router.post("/shifts/{shift_id}/assignments", dependencies=[Depends(KEEPER)], status_code=201)
async def make_sheets(
    shift_id: UUID,
    body: SheetsBody,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
) -> SheetsAnswer:
    """Make out issue sheets for the officer to sign."""
    async with transaction(sessions) as session:
        sheets = await service.make_sheets(
            session,
            trail=trail,
            caller=caller,
            shift_id=shift_id,
            device_ids=body.device_ids,
            now=utc_now(),
        )
    return SheetsAnswer(
        sheets=tuple(
            SheetAnswer(
                assignment_id=sheet.assignment_id,
                device_id=sheet.device_id,
                sheet=sheet.text,
                sheet_sha256=hashlib.sha256(sheet.text.encode()).hexdigest(),
            )
            for sheet in sheets
        )
    )


@router.get("/assignments/{assignment_id}", dependencies=[Depends(OFFICER_OR_KEEPER)])
async def view_assignment(
    assignment_id: UUID, caller: Caller, sessions: SessionsOfApp
) -> AssignmentJournalAnswer:
    """Show an assignment with its sheet and its lines of the journal."""
    async with transaction(sessions) as session:
        view = await service.view_assignment(session, caller=caller, assignment_id=assignment_id)
    return AssignmentJournalAnswer(
        assignment=_assignment(view.assignment, view.device),
        journal=tuple(_line(line) for line in view.journal),
    )


@router.post(
    "/assignments/{assignment_id}/signature",
    dependencies=[Depends(OFFICER)],
    max_body_size=_SIGNATURE_BODY_BYTES_MAX,
)
async def sign_issue(
    assignment_id: UUID,
    body: SignatureBody,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
    trust: TrustOfApp,
    revocation: RevocationOfApp,
) -> IssuedAnswer:
    """Issue the device to the calling officer against his signature."""
    issued_at = await service.sign_issue(
        sessions,
        trail=trail,
        caller=caller,
        assignment_id=assignment_id,
        cms=body.der,
        trust=trust,
        revocation=revocation,
        now=utc_now(),
    )
    return IssuedAnswer(assignment_id=assignment_id, issued_at=issued_at)


@router.post(
    "/assignments/{assignment_id}/withdrawal", dependencies=[Depends(KEEPER)], status_code=204
)
async def withdraw_sheet(
    assignment_id: UUID, caller: Caller, sessions: SessionsOfApp, trail: TrailOfApp
) -> None:
    """Withdraw a sheet that nobody has signed."""
    async with transaction(sessions) as session:
        await service.withdraw_sheet(
            session, trail=trail, caller=caller, assignment_id=assignment_id, now=utc_now()
        )


@router.post("/assignments/{assignment_id}/return", dependencies=[Depends(KEEPER)])
async def return_device(
    assignment_id: UUID,
    body: ReturnBody,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
    hand_in: HandInOfApp,
) -> StatusAnswer:
    """Take a device back from the officer."""
    async with transaction(sessions) as session:
        status = await service.return_device(
            session,
            trail=trail,
            caller=caller,
            assignment_id=assignment_id,
            good=body.good,
            note=body.note,
            hand_in=hand_in,
            now=utc_now(),
        )
    return StatusAnswer(status=status)


@router.post(
    "/assignments/{assignment_id}/corrections", dependencies=[Depends(KEEPER)], status_code=201
)
async def correct_journal(
    assignment_id: UUID,
    body: CorrectionBody,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
) -> CorrectedAnswer:
    """Correct a line of the journal by a further one."""
    async with transaction(sessions) as session:
        entry_id = await service.correct_journal(
            session,
            trail=trail,
            caller=caller,
            assignment_id=assignment_id,
            entry_id=body.entry_id,
            note=body.note,
            now=utc_now(),
        )
    return CorrectedAnswer(entry_id=entry_id)


def _device(device: Device, held: Assignment | None) -> DeviceAnswer:
    return DeviceAnswer(
        device_id=device.id,
        kind=device.kind,
        inventory_number=device.inventory_number,
        serial_number=device.serial_number,
        terminal_number=device.terminal_number,
        status=device.status,
        assignment_id=None if held is None else held.id,
        post_id=None if held is None else held.post_id,
        issued_at=None if held is None else held.issued_at,
    )


def _assignment(row: Assignment, device: Device) -> AssignmentAnswer:
    return AssignmentAnswer(
        assignment_id=row.id,
        shift_id=row.shift_id,
        device_id=row.device_id,
        kind=device.kind,
        inventory_number=device.inventory_number,
        serial_number=device.serial_number,
        sheet=row.sheet,
        sheet_at=row.sheet_at,
        issued_at=row.issued_at,
        docked_at=row.docked_at,
        uploaded_at=row.uploaded_at,
        returned_at=row.returned_at,
        withdrawn_at=row.withdrawn_at,
        written_off_at=row.written_off_at,
    )


def _line(line: JournalEntry) -> LineAnswer:
    return LineAnswer(
        entry_id=line.id,
        number=line.number,
        kind=line.kind,
        at=line.at,
        by_post_id=line.by_post_id,
        by_device_id=line.by_device_id,
        signature_id=line.signature_id,
        corrects_entry_id=line.corrects_entry_id,
        note=line.note,
    )


def _shift(view: ShiftView) -> ShiftAnswer:
    shift, officer = view.shift, view.officer
    return ShiftAnswer(
        shift_id=shift.id,
        post_id=shift.post_id,
        officer_name="" if officer is None else officer.full_name,
        officer_badge="" if officer is None else officer.badge,
        opened_at=shift.opened_at,
        closed_at=shift.closed_at,
        assignments=tuple(_assignment(row, device) for row, device in view.assignments),
    )
