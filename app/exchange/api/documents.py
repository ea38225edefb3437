"""Routes of the document of an international order: attached, and read against a leaf."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from app.access import Caller
from app.exchange import service
from app.exchange.api.control import REVIEWERS, ControlDeskOfApp
from app.exchange.api.ports import Ports
from app.exchange.api.requests import SECOND, order_document_shape
from app.exchange.rules.documents import DOCUMENT_BYTES_MAX, document_name
from app.exchange.schemas.requests import OrderDocumentShape
from app.exchange.service import control

_PATH: Final = "/api/requests/{request_id}/document"

router = APIRouter(tags=["exchange"], max_body_size=0)


@router.put(_PATH, dependencies=[Depends(SECOND)], max_body_size=DOCUMENT_BYTES_MAX)
async def attach(
    request_id: UUID, request: Request, caller: Caller, ports: Ports
) -> OrderDocumentShape:
    """Attach the document (a PDF, the body itself) of the caller's own order while it waits."""
    attached = await service.attach_order_document(
        ports, caller=caller, request_id=request_id, content=await request.body()
    )
    return order_document_shape(attached)


@router.get(_PATH, dependencies=[Depends(SECOND)])
async def read_document(request_id: UUID, caller: Caller, ports: Ports) -> Response:
    """Give the order's document to who asks and to its second person, the look logged first."""
    content = await service.read_order_document(ports, caller=caller, request_id=request_id)
    return _document(request_id, content)


@router.get(
    "/api/control/months/{report_id}/requests/{control_request_id}/document",
    dependencies=[Depends(REVIEWERS)],
)
async def read_in_control(
    report_id: UUID, control_request_id: UUID, caller: Caller, desk: ControlDeskOfApp
) -> Response:
    """Give the document of an order in a report, once the look is in the log."""
    content = await control.read_order_document(
        desk, caller=caller, report_id=report_id, request_id=control_request_id
    )
    return _document(control_request_id, content)


def _document(request_id: UUID, content: bytes) -> Response:
    # A file to save, never a page of ours: nobody here has looked into it.
    headers = {
        "Content-Disposition": f'attachment; filename="{document_name(request_id)}"',
        "Cache-Control": "no-store",
    }
    return Response(content, media_type="application/pdf", headers=headers)
