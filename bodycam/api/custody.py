"""Routes of retention: holds, categories, what is expiring, who permits a deletion."""

import base64
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Depends

from app.access import Access, Caller, Role
from app.audit.api import TrailOfApp
from app.clock import utc_now
from app.db import SessionsOfApp, transaction
from app.identity.api import RevocationOfApp, TrustOfApp
from bodycam.schemas import custody as schemas
from bodycam.service import categories
from bodycam.service import custody as service

# The responsible person of Order No. 971, item 7, the head of the unit, and who reviews.
_HOLDERS: Final = Access(
    roles=[Role.DEVICE_KEEPER, Role.COMPLAINTS_REVIEWER, Role.RESPONSIBLE_OFFICIAL]
)
_RESPONSIBLE: Final = Access(roles=[Role.DEVICE_KEEPER, Role.RESPONSIBLE_OFFICIAL])
_BODY_BYTES_MAX: Final = 32 << 10
_SIGNATURE_BODY_BYTES_MAX: Final = 128 << 10

router = APIRouter(prefix="/api/custody", tags=["custody"], max_body_size=_BODY_BYTES_MAX)


@router.get("/recordings/{recording_id}", dependencies=[Depends(_HOLDERS)])
async def read_custody(
    recording_id: UUID, caller: Caller, sessions: SessionsOfApp
) -> schemas.CustodyShape:
    """Return what keeps a recording, and until when."""
    async with transaction(sessions) as session:
        view = await service.read_custody(
            session, caller=caller, recording_id=recording_id, now=utc_now()
        )
        row = view.row
        return schemas.CustodyShape(
            recording_id=row.id,
            status=row.status,
            category=row.category,
            rule=view.standing.rule,
            kept_until=view.standing.kept_until,
            because=view.standing.because,
            complained=view.complained,
            expiring_since=row.expiring_since,
            holds=tuple(
                schemas.HoldShape(
                    hold_id=one.id,
                    reason=one.reason,
                    case_number=one.case_number,
                    placed_at=one.placed_at,
                    released_at=one.released_at,
                )
                for one in view.holds
            ),
            destroyed_at=None if view.tombstone is None else view.tombstone.destroyed_at,
            manifest_sha256=row.manifest_sha256.hex(),
            stored_root=None if row.stored_root is None else row.stored_root.hex(),
        )


@router.post("/recordings/{recording_id}/holds", dependencies=[Depends(_HOLDERS)], status_code=201)
async def place_hold(
    recording_id: UUID,
    body: schemas.HoldBody,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
) -> schemas.HoldMade:
    """Hold a recording, whatever its term."""
    async with transaction(sessions) as session:
        hold_id = await service.place_hold(
            session,
            trail=trail,
            caller=caller,
            recording_id=recording_id,
            reason=body.reason,
            case_number=body.case_number,
            now=utc_now(),
        )
    return schemas.HoldMade(hold_id=hold_id)


@router.post("/holds/{legal_hold_id}/release", dependencies=[Depends(_HOLDERS)], status_code=204)
async def release_hold(
    legal_hold_id: UUID, caller: Caller, sessions: SessionsOfApp, trail: TrailOfApp
) -> None:
    """Release a hold that another person has placed."""
    async with transaction(sessions) as session:
        await service.release_hold(
            session, trail=trail, caller=caller, hold_id=legal_hold_id, now=utc_now()
        )


@router.post("/recordings/{recording_id}/category", dependencies=[Depends(_HOLDERS)])
async def change_category(
    recording_id: UUID,
    body: schemas.CategoryBody,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
) -> schemas.ChangeShape:
    """Lengthen a term at once, or propose to shorten it: then two people sign the document."""
    async with transaction(sessions) as session:
        made = await categories.change_category(
            session,
            trail=trail,
            caller=caller,
            recording_id=recording_id,
            category=body.category,
            grounds=body.grounds,
            now=utc_now(),
        )
    return _change(made)


@router.get("/changes/{change_id}", dependencies=[Depends(_HOLDERS)])
async def read_change(
    change_id: UUID, caller: Caller, sessions: SessionsOfApp
) -> schemas.ChangeShape:
    """Return the bytes that two people sign."""
    async with transaction(sessions) as session:
        made = await categories.read_proposal(session, caller=caller, change_id=change_id)
    return _change(made)


@router.post(
    "/changes/{change_id}/signature",
    dependencies=[Depends(_HOLDERS)],
    max_body_size=_SIGNATURE_BODY_BYTES_MAX,
)
async def sign_change(
    change_id: UUID,
    body: schemas.SignatureBody,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
    trust: TrustOfApp,
    revocation: RevocationOfApp,
) -> schemas.ChangeShape:
    """Sign a change that shortens; it is done when a second person has signed it too."""
    applied = await categories.sign_change(
        sessions,
        trail=trail,
        caller=caller,
        change_id=change_id,
        cms=base64.b64decode(body.cms),
        trust=trust,
        revocation=revocation,
        now=utc_now(),
    )
    return schemas.ChangeShape(change_id=change_id, applied=applied, document_base64=None)


@router.get("/expiring", dependencies=[Depends(_HOLDERS)])
async def list_expiring(caller: Caller, sessions: SessionsOfApp) -> list[schemas.ExpiringShape]:
    """Return the unit's expiring recordings, the first to go first."""
    async with transaction(sessions) as session:
        rows = await service.list_expiring(session, caller=caller)
    return [
        schemas.ExpiringShape(
            recording_id=row.id,
            category=row.category,
            started_at=row.started_at,
            ended_at=row.ended_at,
            expiring_since=row.expiring_since,
            permitted_at=row.deletion_permitted_at,
        )
        for row in rows
    ]


@router.post(
    "/recordings/{recording_id}/keeping", dependencies=[Depends(_HOLDERS)], status_code=204
)
async def keep_recording(
    recording_id: UUID,
    body: schemas.KeepBody,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
) -> None:
    """Take an expiring recording back, and keep it until a day at least."""
    async with transaction(sessions) as session:
        await service.keep_recording(
            session,
            trail=trail,
            caller=caller,
            recording_id=recording_id,
            until=body.until,
            now=utc_now(),
        )


@router.post("/expiring/permission", dependencies=[Depends(_RESPONSIBLE)])
async def permit_deletion(
    body: schemas.PermissionBody, caller: Caller, sessions: SessionsOfApp, trail: TrailOfApp
) -> schemas.Permitted:
    """Permit that expiring recordings are destroyed after the time of grace."""
    async with transaction(sessions) as session:
        count = await service.permit_deletion(
            session,
            trail=trail,
            caller=caller,
            recording_ids=body.recording_ids,
            now=utc_now(),
        )
    return schemas.Permitted(count=count)


@router.get("/faults", dependencies=[Depends(_HOLDERS)])
async def list_faults(caller: Caller, sessions: SessionsOfApp) -> list[schemas.FaultShape]:
    """Return the unit's recordings whose stored bytes were found changed or gone."""
    async with transaction(sessions) as session:
        rows = await service.list_faults(session, caller=caller)
    return [
        schemas.FaultShape(
            recording_id=row.recording_id, blocks=tuple(row.blocks), found_at=row.found_at
        )
        for row in rows
    ]


def _change(made: categories.Proposal) -> schemas.ChangeShape:
    document = base64.b64encode(made.document).decode() if made.document else None
    return schemas.ChangeShape(
        change_id=made.change_id, applied=made.applied, document_base64=document
    )
