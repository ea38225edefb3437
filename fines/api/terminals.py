"""The terminal agent's routes."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from app.access import Caller
from app.clock import utc_now
from app.ports import SettingsOfApp
from fines import service
from fines.api.desk import BODY_BYTES_MAX, TERMINAL, DeskOfApp
from fines.service import own_card
from fines.wire import protocol

router = APIRouter(tags=["fines"], max_body_size=BODY_BYTES_MAX)

_REPORT_BYTES_MAX = 16 * 1024

_TERMINAL = [Depends(TERMINAL)]


@router.post(
    protocol.PATH_HELLO,
    dependencies=_TERMINAL,
    status_code=204,
    max_body_size=_REPORT_BYTES_MAX,
)
async def hello(body: protocol.Hello, caller: Caller, desk: DeskOfApp) -> None:
    """Take what an agent says of itself."""
    await service.take_hello(desk, caller=caller, hello=body, now=utc_now())


@router.get(protocol.PATH_NEXT, dependencies=_TERMINAL, response_model=protocol.Order)
async def next_order(
    caller: Caller,
    desk: DeskOfApp,
    settings: SettingsOfApp,
    wait_seconds: Annotated[float, Query(ge=0, le=60)] = 0,
) -> protocol.Order | Response:
    """Return the next order, or 204 when there is none within the wait."""
    order = await service.wait_for_order(
        desk, caller=caller, wait_seconds=min(wait_seconds, settings.order_poll_seconds)
    )
    return order or Response(status_code=204)


@router.post(protocol.PATH_STARTED, dependencies=_TERMINAL, max_body_size=_REPORT_BYTES_MAX)
async def started(
    order_id: UUID, body: protocol.Started, caller: Caller, desk: DeskOfApp
) -> protocol.StartedAnswer:
    """Let a sale go out, or not."""
    del body  # the agent's clock is in its journal; ours decides
    return await service.take_started(desk, caller=caller, order_id=order_id, now=utc_now())


@router.post(protocol.PATH_CARD, dependencies=_TERMINAL, max_body_size=_REPORT_BYTES_MAX)
async def card(
    order_id: UUID, body: protocol.CardShown, caller: Caller, desk: DeskOfApp
) -> protocol.CardAnswer:
    """Look at a card that was read before its sale."""
    return await own_card.take_card(
        desk, caller=caller, order_id=order_id, shown=body, now=utc_now()
    )


@router.post(protocol.PATH_APPROVAL, dependencies=_TERMINAL, max_body_size=_REPORT_BYTES_MAX)
async def approval(
    order_id: UUID, body: protocol.Approval, caller: Caller, desk: DeskOfApp
) -> protocol.ApprovalAnswer:
    """Judge an approval; an accepted one is committed."""
    return await service.take_approval(
        desk, caller=caller, order_id=order_id, approval=body, now=utc_now()
    )


@router.post(protocol.PATH_OUTCOME, dependencies=_TERMINAL, max_body_size=_REPORT_BYTES_MAX)
async def outcome(
    order_id: UUID, body: protocol.Outcome, caller: Caller, desk: DeskOfApp
) -> protocol.OutcomeAnswer:
    """Take how an order ended."""
    return await service.take_outcome(
        desk, caller=caller, order_id=order_id, outcome=body, now=utc_now()
    )


@router.post(
    protocol.PATH_PRINTED,
    dependencies=_TERMINAL,
    status_code=204,
    max_body_size=_REPORT_BYTES_MAX,
)
async def printed(order_id: UUID, body: protocol.Printed, caller: Caller, desk: DeskOfApp) -> None:
    """Take which papers came out whole."""
    await service.take_printed(desk, caller=caller, order_id=order_id, printed=body, now=utc_now())
