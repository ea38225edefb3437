"""The officer's route to a duplicate of a slip."""

from uuid import UUID

from fastapi import APIRouter, Depends

from app.access import Caller
from app.clock import utc_now
from fines import schemas
from fines.api.desk import BODY_BYTES_MAX, OFFICER_ON_TABLET, DeskOfApp
from fines.service.duplicates import order_duplicate

router = APIRouter(tags=["fines"], max_body_size=BODY_BYTES_MAX)


@router.post(
    "/api/payments/{payment_id}/slips/{slip_id}/duplicate",
    dependencies=[Depends(OFFICER_ON_TABLET)],
    status_code=202,
)
async def duplicate(
    payment_id: UUID, slip_id: UUID, caller: Caller, desk: DeskOfApp
) -> schemas.DuplicateOut:
    """Order a numbered duplicate on the officer's terminal; the original is never printed again."""
    ordered = await order_duplicate(
        desk, caller=caller, payment_id=payment_id, slip_id=slip_id, now=utc_now()
    )
    return schemas.DuplicateOut.model_validate(ordered)
