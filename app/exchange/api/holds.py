"""Routes of holds: what a complaint or a case needs is kept past its term."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Depends

from app.access import Access, Caller, Role
from app.exchange.api.control import ControlDeskOfApp
from app.exchange.schemas.control import HeldAnswer, HoldBody, ReleaseBody
from app.exchange.service import control

HOLDERS = Access(roles=[Role.RESPONSIBLE_OFFICIAL, Role.AUDITOR])
_BODY_BYTES_MAX: Final = 16 * 1024  # a thousand letters

router = APIRouter(prefix="/api/control/months", tags=["exchange"], max_body_size=_BODY_BYTES_MAX)


@router.post(
    "/{report_id}/requests/{control_request_id}/holds",
    dependencies=[Depends(HOLDERS)],
    status_code=201,
)
async def hold_request(
    report_id: UUID,
    control_request_id: UUID,
    body: HoldBody,
    caller: Caller,
    desk: ControlDeskOfApp,
) -> HeldAnswer:
    """Keep what the request holds past its term, for a complaint or a case."""
    hold_id = await control.hold_request(
        desk,
        caller=caller,
        report_id=report_id,
        request_id=control_request_id,
        reason=body.reason,
        text=body.text,
    )
    return HeldAnswer(hold_id=hold_id)


@router.post(
    "/{report_id}/requests/{control_request_id}/holds/{hold_id}/release",
    dependencies=[Depends(HOLDERS)],
    status_code=204,
)
async def release_hold(
    report_id: UUID,
    control_request_id: UUID,
    hold_id: UUID,
    body: ReleaseBody,
    caller: Caller,
    desk: ControlDeskOfApp,
) -> None:
    """End a hold: what is past its term may be destroyed again."""
    await control.release_hold(
        desk,
        caller=caller,
        report_id=report_id,
        request_id=control_request_id,
        hold_id=hold_id,
        text=body.text,
    )
