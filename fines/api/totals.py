"""Routes about a terminal's own totals: wanting them, seeing them, and the agent's report."""

from uuid import UUID

from fastapi import APIRouter, Depends

from app.access import Access, Caller, Role
from app.clock import utc_now
from fines.api.desk import BODY_BYTES_MAX, TERMINAL, DeskOfApp
from fines.schemas.terminals import TotalsListOut, TotalsOrderOut
from fines.service import totals as service
from fines.wire import protocol

router = APIRouter(tags=["fines"], max_body_size=BODY_BYTES_MAX)

COUNTERS = Access(roles=[Role.DEVICE_KEEPER, Role.FINANCE_CLERK])


@router.post("/api/terminals/{device_id}/totals", dependencies=[Depends(COUNTERS)], status_code=202)
async def want_totals(device_id: UUID, caller: Caller, desk: DeskOfApp) -> TotalsOrderOut:
    """Order a terminal to close its day and tell its totals."""
    ordered = await service.want_totals(desk, caller=caller, device_id=device_id, now=utc_now())
    return TotalsOrderOut.model_validate(ordered)


@router.get("/api/terminals/{device_id}/totals", dependencies=[Depends(COUNTERS)])
async def read_totals(device_id: UUID, caller: Caller, desk: DeskOfApp) -> TotalsListOut:
    """Return a terminal's last closed days."""
    rows = await service.read_totals(desk, caller=caller, device_id=device_id)
    return TotalsListOut.model_validate({"totals": rows})


@router.post(protocol.PATH_TOTALS, dependencies=[Depends(TERMINAL)])
async def take_totals(
    order_id: UUID, body: protocol.Totals, caller: Caller, desk: DeskOfApp
) -> protocol.TotalsAnswer:
    """Keep what a terminal counted."""
    return await service.take_totals(
        desk, caller=caller, order_id=order_id, totals=body, now=utc_now()
    )
