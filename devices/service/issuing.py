"""The officer signs for a device: only then is it issued."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from app.db import Sessions, transaction
from app.errors import DomainError
from app.identity import service as identity
from app.identity.register import RevocationPort
from app.identity.rules.certificates import Trust
from devices import repository
from devices.errors import AlreadySigned, AssignmentNotFound, DeviceNotFound, NotIssued
from devices.rules.lifecycle import DeviceStatus, next_status
from devices.rules.sheets import JournalEntryKind
from devices.service.assignments import add_line, own_assignment


async def sign_issue(
    sessions: Sessions,
    *,
    trail: AuditTrail,
    caller: Principal,
    assignment_id: UUID,
    cms: bytes,
    trust: Trust,
    revocation: RevocationPort,
    now: datetime,
) -> datetime:
    """Issue the device to the caller against his signature; return the instant of issue.

    Args:
        sessions: a refusal is recorded in a transaction of its own.
        trail: the audit.
        caller: the officer the sheet is made out to.
        assignment_id: the sheet's assignment.
        cms: his detached signature over the UTF-8 bytes of the sheet, DER.
        trust: the roots his certificate must chain to.
        revocation: who is asked whether it was revoked, before any transaction.
        now: the instant of issue.

    Raises:
        AssignmentNotFound: absent, or made out to another officer.
        AlreadySigned: signed before; the device is issued.
        NotIssued: the sheet was withdrawn.
        StepRefused: the device left the store meanwhile, suspended for example.
        SignatureRefused: by its subclass, the step at which the signature fails. Nothing changed.
        RevocationUnknown: nobody could say whether the certificate was revoked. Nothing changed.
    """
    try:
        await identity.ask_about_signer(sessions, cms=cms, trust=trust, port=revocation, now=now)
        async with transaction(sessions) as session:
            await _issue(
                session,
                trail=trail,
                caller=caller,
                assignment_id=assignment_id,
                cms=cms,
                trust=trust,
                now=now,
            )
    except DomainError as refusal:
        async with transaction(sessions) as session:
            await trail.record(
                session,
                event="devices.issue_refused",
                at=now,
                who=caller,
                fields={"assignment_id": str(assignment_id), "code": refusal.code},
            )
        raise
    return now


async def _issue(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    caller: Principal,
    assignment_id: UUID,
    cms: bytes,
    trust: Trust,
    now: datetime,
) -> None:
    row = await own_assignment(session, caller, assignment_id)
    if row.post_id != caller.post_id:
        raise AssignmentNotFound(assignment_id)
    if row.issued_at is not None:
        raise AlreadySigned(f"assignment {assignment_id} is signed")
    if row.withdrawn_at is not None:
        raise NotIssued(f"assignment {assignment_id} was withdrawn")
    device = await repository.device_by_id(session, row.device_id, lock=True)
    if device is None:
        raise DeviceNotFound(row.device_id)
    device.status = next_status(device.status, DeviceStatus.ISSUED)
    signature_id = await identity.sign_document(
        session, caller=caller, content=row.sheet.encode(), cms=cms, now=now, roots=trust
    )
    row.issued_at, row.issue_signature_id = now, signature_id
    await add_line(
        session,
        row.id,
        JournalEntryKind.ISSUED,
        at=now,
        by_post_id=caller.post_id,
        signature_id=signature_id,
    )
    await trail.record(
        session,
        event="devices.issued",
        at=now,
        who=caller,
        fields={
            "assignment_id": str(row.id),
            "device_id": str(row.device_id),
            "shift_id": str(row.shift_id),
            "signature_id": str(signature_id),
        },
    )
