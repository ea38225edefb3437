"""Routes of court sanctions: draw up, sign, send, withdraw, look."""

import base64
import hashlib
from uuid import UUID

from fastapi import APIRouter, Depends

from app.access import Access, Caller, Role
from app.exchange import service
from app.exchange.api.ports import Ports
from app.exchange.models import CourtSanctionRow
from app.exchange.rules.sanctions import SanctionStatus
from app.exchange.schemas.requests import SignatureShape
from app.exchange.schemas.sanctions import (
    SanctionBody,
    SanctionMade,
    SanctionShape,
    SanctionsShape,
    SanctionViewShape,
    StepShape,
)
from app.exchange.service import SanctionInput
from app.exchange.wire.cases import CaseRegister
from app.identity.api import RevocationOfApp, TrustOfApp

INVESTIGATOR = Access(roles=[Role.INVESTIGATOR])
_BODY_BYTES_MAX = 32 * 1024
_SIGNATURE_BODY_BYTES_MAX = 128 * 1024  # a signature of 64 KiB in base64, with room

router = APIRouter(prefix="/api/sanctions", tags=["exchange"], max_body_size=_BODY_BYTES_MAX)


@router.post("", dependencies=[Depends(INVESTIGATOR)], status_code=201)
async def draft_sanction(body: SanctionBody, caller: Caller, ports: Ports) -> SanctionMade:
    """Draw up a request for a court's sanction."""
    sent = SanctionInput(
        register=body.register_name,
        case_number=body.case_number,
        court=body.court,
        services=tuple(name.value for name in body.services),
        iin=body.iin,
        bin=body.bin,
        grounds=body.grounds,
    )
    return SanctionMade(sanction_id=await service.draft_sanction(ports, caller=caller, sent=sent))


@router.get("", dependencies=[Depends(INVESTIGATOR)])
async def list_sanctions(caller: Caller, ports: Ports) -> SanctionsShape:
    """Show the caller's own sanctions."""
    rows = await service.list_sanctions(ports, caller=caller)
    return SanctionsShape(sanctions=tuple(SanctionShape(**_plain(row)) for row in rows))


@router.get("/{sanction_id}", dependencies=[Depends(INVESTIGATOR)])
async def view_sanction(sanction_id: UUID, caller: Caller, ports: Ports) -> SanctionViewShape:
    """Show the caller's own sanction with its steps and its document."""
    view = await service.view_sanction(ports, caller=caller, sanction_id=sanction_id)
    return SanctionViewShape(
        **_plain(view.row),
        steps=tuple(StepShape(status=step.status, at=step.at) for step in view.steps),
        document_base64=base64.b64encode(view.document).decode(),
        document_sha256=hashlib.sha256(view.document).hexdigest(),
    )


@router.post(
    "/{sanction_id}/signature",
    dependencies=[Depends(INVESTIGATOR)],
    status_code=204,
    max_body_size=_SIGNATURE_BODY_BYTES_MAX,
)
async def sign_sanction(
    sanction_id: UUID,
    body: SignatureShape,
    caller: Caller,
    ports: Ports,
    trust: TrustOfApp,
    revocation: RevocationOfApp,
) -> None:
    """Sign the draft's document."""
    await service.sign_sanction(
        ports,
        caller=caller,
        sanction_id=sanction_id,
        cms=body.der,
        trust=trust,
        revocation=revocation,
    )


@router.post("/{sanction_id}/sending", dependencies=[Depends(INVESTIGATOR)], status_code=204)
async def send_sanction(sanction_id: UUID, caller: Caller, ports: Ports) -> None:
    """Send the signed sanction to the court, whose system fetches it."""
    await service.move_sanction(
        ports, caller=caller, sanction_id=sanction_id, target=SanctionStatus.SENT
    )


@router.post("/{sanction_id}/withdrawal", dependencies=[Depends(INVESTIGATOR)], status_code=204)
async def withdraw_sanction(sanction_id: UUID, caller: Caller, ports: Ports) -> None:
    """Withdraw the sanction; it opens nothing any more."""
    await service.move_sanction(
        ports, caller=caller, sanction_id=sanction_id, target=SanctionStatus.WITHDRAWN
    )


def _plain(row: CourtSanctionRow) -> dict[str, object]:
    return {
        "sanction_id": row.id,
        "status": row.status,
        "register_name": CaseRegister(row.case_register),
        "case_number": row.case_number,
        "court": row.court,
        "services": tuple(row.services),
        "eaias_number": row.eaias_number,
        "decision_number": row.decision_number,
        "decided_at": row.decided_at,
        "valid_until": row.valid_until,
        "created_at": row.created_at,
    }
