"""Routes of requests on any basis: asking, waiting, seeing, printing, taking out."""

import base64
import hashlib
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from app.access import Access, Caller, Role
from app.exchange import service
from app.exchange.api.checks import part_shapes
from app.exchange.api.ports import Ports
from app.exchange.models import RegisterRequestRow
from app.exchange.rules.disclosures import DisclosureKind
from app.exchange.rules.documents import AttachedDocument
from app.exchange.rules.requests import MISSING, RequestStatus
from app.exchange.rules.texts import TEXTS
from app.exchange.schemas.requests import (
    AnswerShape,
    ConfirmedShape,
    DisclosedShape,
    JustificationBody,
    ObjectionBody,
    OrderDocumentShape,
    OrderShape,
    OrdersShape,
    RefusalShape,
    RequestBody,
    RequestList,
    RequestView,
    SignatureShape,
    SignedObjectionBody,
    TextsShape,
)
from app.exchange.service import CheckAnswer, OrderToConfirm, RequestInput, RequestOutcome, Shown
from app.identity.api import RevocationOfApp, TrustOfApp

ASKS = Access(roles=[Role.PATROL_OFFICER, Role.INVESTIGATOR])
SECOND = Access(roles=[Role.INVESTIGATOR])
_BODY_BYTES_MAX = 32 * 1024
_SIGNATURE_BODY_BYTES_MAX = 128 * 1024  # a signature of 64 KiB in base64, with room
_PAGE_MAX = 100

router = APIRouter(prefix="/api/requests", tags=["exchange"], max_body_size=_BODY_BYTES_MAX)


@router.post("", dependencies=[Depends(ASKS)])
async def make_request(
    body: RequestBody, response: Response, caller: Caller, ports: Ports
) -> RequestView:
    """Ask registers on a basis; 202 where the request waits for something."""
    outcome = await service.make_request(ports, caller=caller, sent=input_of(body))
    return await after(ports, caller, outcome, response)


def input_of(body: RequestBody) -> RequestInput:
    """Return a request as every channel brings it to the gates."""
    subject = body.subject
    return RequestInput(
        basis=body.basis.value,
        services=tuple(name.value for name in body.services),
        iin=subject.iin,
        mrz=subject.mrz,
        bin=subject.bin,
        plate=subject.plate,
        stop_ground=body.stop_ground,
        article=body.article,
        case_number=body.case_number,
        order_number=body.order_number,
        order_body=body.order_body,
        cover_letter=body.cover_letter,
        year=body.year,
        court=body.court,
        sanction_id=body.sanction_id,
        justification=body.justification,
    )


@router.get("", dependencies=[Depends(ASKS)])
async def list_requests(
    caller: Caller,
    ports: Ports,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=_PAGE_MAX)] = 50,
) -> RequestList:
    """Show the caller's own requests, the newest first, without what they brought to light."""
    rows = await service.list_requests(ports, caller=caller, before=before, limit=limit)
    return RequestList(
        requests=tuple(_view(row) for row in rows),
        before=rows[-1].id if len(rows) == limit else None,
    )


@router.get("/to-confirm", dependencies=[Depends(SECOND)])
async def orders_to_confirm(caller: Caller, ports: Ports) -> OrdersShape:
    """Show the international orders of the department that the caller may confirm."""
    orders = await service.orders_to_confirm(ports, caller=caller)
    return OrdersShape(orders=tuple(_order(one) for one in orders))


def _order(order: OrderToConfirm) -> OrderShape:
    return OrderShape(
        request_id=order.request_id,
        received_at=order.received_at,
        document_base64=base64.b64encode(order.document).decode(),
        document_sha256=hashlib.sha256(order.document).hexdigest(),
        order_document=None if order.attached is None else order_document_shape(order.attached),
    )


def order_document_shape(attached: AttachedDocument) -> OrderDocumentShape:
    """Return what is told of an order's document without showing it."""
    return OrderDocumentShape(
        sha256=attached.sha256,
        size_bytes=attached.size_bytes,
        version=attached.version,
        attached_at=attached.attached_at,
    )


@router.get("/{request_id}", dependencies=[Depends(ASKS)])
async def view_request(
    request_id: UUID, response: Response, caller: Caller, ports: Ports
) -> RequestView:
    """Show where the caller's own request stands, and its answer; that look is recorded first."""
    return await looked_at(ports, caller, request_id, response)


async def looked_at(
    ports: Ports, caller: Caller, request_id: UUID, response: Response
) -> RequestView:
    """Show where the caller's own request stands, and its answer; that look is recorded first."""
    row = await service.own_request(ports, caller=caller, request_id=request_id)
    if row.status is not RequestStatus.RELEASED or row.destroyed_at is not None:
        return _view(row)
    shown = await service.disclose(
        ports, caller=caller, request_id=request_id, kind=DisclosureKind.VIEWED
    )
    _never_stored(response)
    return _view(row, shown.check)


@router.post("/{request_id}/justification", dependencies=[Depends(ASKS)])
async def justify(
    request_id: UUID, body: JustificationBody, response: Response, caller: Caller, ports: Ports
) -> RequestView:
    """Give the extended justification; the very same request goes on."""
    outcome = await service.justify(ports, caller=caller, request_id=request_id, text=body.text)
    return await after(ports, caller, outcome, response)


@router.post(
    "/{request_id}/confirmation",
    dependencies=[Depends(SECOND)],
    max_body_size=_SIGNATURE_BODY_BYTES_MAX,
)
async def confirm(
    request_id: UUID,
    body: SignatureShape,
    caller: Caller,
    ports: Ports,
    trust: TrustOfApp,
    revocation: RevocationOfApp,
) -> ConfirmedShape:
    """Confirm a colleague's international order by a signature over its document."""
    await service.confirm_order(
        ports,
        caller=caller,
        request_id=request_id,
        cms=body.der,
        trust=trust,
        revocation=revocation,
    )
    return ConfirmedShape(request_id=request_id, status=RequestStatus.PENDING_VERIFICATION.value)


@router.post("/{request_id}/objection-paper", dependencies=[Depends(SECOND)])
async def objection_paper(
    request_id: UUID, body: ObjectionBody, response: Response, caller: Caller, ports: Ports
) -> OrderShape:
    """Give what the second person signs who objects to a colleague's international order."""
    paper = await service.objection_paper(
        ports, caller=caller, request_id=request_id, reason=body.reason
    )
    _never_stored(response)
    return _order(paper)


@router.post(
    "/{request_id}/objection",
    dependencies=[Depends(SECOND)],
    max_body_size=_SIGNATURE_BODY_BYTES_MAX,
)
async def object_to_order(
    request_id: UUID,
    body: SignedObjectionBody,
    caller: Caller,
    ports: Ports,
    trust: TrustOfApp,
    revocation: RevocationOfApp,
) -> ConfirmedShape:
    """Object to a colleague's international order by a signature over the paper: it is refused."""
    await service.object_to_order(
        ports,
        caller=caller,
        request_id=request_id,
        reason=body.reason,
        cms=body.der,
        trust=trust,
        revocation=revocation,
    )
    return ConfirmedShape(request_id=request_id, status=RequestStatus.REFUSED.value)


@router.post("/{request_id}/print", dependencies=[Depends(ASKS)])
async def print_answer(
    request_id: UUID, response: Response, caller: Caller, ports: Ports
) -> DisclosedShape:
    """Give the answer to print; the printing is recorded first."""
    shown = await service.disclose(
        ports, caller=caller, request_id=request_id, kind=DisclosureKind.PRINTED
    )
    _never_stored(response)
    return _disclosed(shown, caller)


@router.post("/{request_id}/export", dependencies=[Depends(ASKS)])
async def export_answer(
    request_id: UUID, response: Response, caller: Caller, ports: Ports
) -> DisclosedShape:
    """Give the answer to take out, so many a day; the export is recorded first."""
    shown = await service.disclose(
        ports, caller=caller, request_id=request_id, kind=DisclosureKind.EXPORTED
    )
    _never_stored(response)
    response.headers["Content-Disposition"] = f'attachment; filename="request-{request_id}.json"'
    return _disclosed(shown, caller)


async def after(
    ports: Ports, caller: Caller, outcome: RequestOutcome, response: Response
) -> RequestView:
    """Show where a request stands after a step, with its answer where it was released."""
    row = await service.own_request(ports, caller=caller, request_id=outcome.request_id)
    _never_stored(response)
    if outcome.answer is None:
        response.status_code = 202
    return _view(row, outcome.answer)


def _never_stored(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


def _disclosed(shown: Shown, caller: Caller) -> DisclosedShape:
    check = shown.check
    return DisclosedShape(
        request_id=check.check_id,
        at=shown.at,
        mark=service.mark_of(shown, caller=caller),
        disclosure_leaf_index=shown.leaf_index,
        answer=_answer(check),
    )


def _view(row: RegisterRequestRow, check: CheckAnswer | None = None) -> RequestView:
    return RequestView(
        request_id=row.id,
        status=service.status_told(row),
        basis=row.basis.value,
        services=tuple(row.services),
        rule_set=row.rule_set,
        month=row.month,
        number=row.number,
        received_at=row.received_at,
        dies_at=row.dies_at,
        next_attempt_at=row.next_attempt_at,
        released_at=row.released_at,
        destroyed_at=row.destroyed_at,
        case_verdict=row.recon,
        extended_asked=row.extended_asked,
        refusal=_refusal(row),
        answer=None if check is None else _answer(check),
    )


def _refusal(row: RegisterRequestRow) -> RefusalShape | None:
    if row.gate is None or row.refusal is None:
        return None
    text = TEXTS[row.refusal]
    return RefusalShape(
        gate=row.gate.value,
        code=row.refusal.value,
        item=text.item,
        texts=TextsShape(kk=text.kk, ru=text.ru, en=text.en),
        cures=TextsShape(kk=text.cure.kk, ru=text.cure.ru, en=text.cure.en),
    )


def _answer(check: CheckAnswer) -> AnswerShape:
    answer = check.answer
    return AnswerShape(
        iin=answer.iin,
        bin=answer.bin,
        plate=answer.plate,
        document_number=answer.document_number,
        document_expires_on=answer.document_expires_on,
        cautions=answer.cautions,
        complete=not any(part.status in MISSING for part in answer.parts),
        parts=part_shapes(answer.parts),
        decision_leaf_index=check.decision_leaf_index,
        leaf_index=check.answer_leaf_index,
    )
