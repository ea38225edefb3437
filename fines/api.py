"""Routes of fines: the officer's on the tablet, the terminal agent's, the check of a paper."""

from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.access import Access, Caller, DeviceKind, Role
from app.audit.api import TrailOfApp
from app.audit.service import AuditTrail
from app.clock import utc_now
from app.db import Sessions, SessionsOfApp, transaction
from app.keys import Keys
from app.ports import KeysOfApp, SettingsOfApp
from app.settings import Settings
from fines import schemas, service
from fines.rules.offence_record import Act
from fines.rules.verification import paper_key
from fines.service import Desk
from fines.service.papers import PDF, SIGNED_SLIP_BYTES_MAX
from fines.wire import protocol

OFFICER_ON_TABLET = Access(roles=[Role.PATROL_OFFICER], devices=[DeviceKind.TABLET])
# Looking at what is already done: a page shows papers without the device's header.
OFFICER = Access(roles=[Role.PATROL_OFFICER])
TERMINAL = Access(devices=[DeviceKind.TERMINAL])
ANYBODY = Access(public_because="whoever holds a paper may ask whether it is ours")
_BODY_BYTES_MAX = 32 * 1024
_REPORT_BYTES_MAX = 16 * 1024

router = APIRouter(tags=["fines"], max_body_size=_BODY_BYTES_MAX)


async def _desk(
    sessions: SessionsOfApp, settings: SettingsOfApp, keys: KeysOfApp, trail: TrailOfApp
) -> Desk:
    return make_desk(sessions=sessions, trail=trail, keys=keys, settings=settings)


def make_desk(*, sessions: Sessions, trail: AuditTrail, keys: Keys, settings: Settings) -> Desk:
    """Return the desk that this slice's use cases and jobs work at."""
    return Desk(
        sessions=sessions,
        trail=trail,
        keys=keys,
        paper_key=paper_key(keys.subject),
        public_url=settings.public_url,
        sale_timeout=timedelta(seconds=settings.sale_timeout_seconds),
        budget_code=settings.budget_code,
        purpose_code=settings.purpose_code,
    )


DeskOfApp = Annotated[Desk, Depends(_desk)]


# --- the officer ------------------------------------------------------------------------------


@router.get("/api/offence-articles", dependencies=[Depends(OFFICER)])
async def offence_articles(sessions: SessionsOfApp) -> schemas.CatalogueOut:
    """Return the offence catalogue in force."""
    async with transaction(sessions) as session:
        rows = await service.articles_in_force(session, now=utc_now())
    return schemas.CatalogueOut.model_validate({"articles": rows})


@router.post("/api/offence-records", dependencies=[Depends(OFFICER_ON_TABLET)], status_code=201)
async def draw_up(
    body: schemas.OffenceRecordIn, caller: Caller, desk: DeskOfApp
) -> schemas.OffenceRecordOut:
    """Draw up an offence record, or give a warning."""
    device = body.technical_device
    offence = service.NewOffence(
        **body.model_dump(exclude={"technical_device"}),
        technical_device=None if device is None else service.TechnicalDevice(**device.model_dump()),
    )
    view = await service.draw_up(desk, caller=caller, offence=offence, now=utc_now())
    return schemas.OffenceRecordOut.model_validate(view)


@router.get("/api/offence-records/{offence_record_id}", dependencies=[Depends(OFFICER)])
async def offence_record(
    offence_record_id: UUID, caller: Caller, desk: DeskOfApp
) -> schemas.OffenceRecordOut:
    """Return the officer's own record."""
    view = await service.read_offence_record(
        desk, caller=caller, offence_record_id=offence_record_id, now=utc_now()
    )
    return schemas.OffenceRecordOut.model_validate(view)


@router.post(
    "/api/offence-records/{offence_record_id}/acts",
    dependencies=[Depends(OFFICER_ON_TABLET)],
    status_code=204,
)
async def record_act(
    offence_record_id: UUID, body: schemas.ActIn, caller: Caller, desk: DeskOfApp
) -> None:
    """Record that the offence was announced, or the grounds and rights were explained."""
    await service.record_act(
        desk,
        caller=caller,
        offence_record_id=offence_record_id,
        act=Act(body.act),
        now=utc_now(),
    )


@router.post(
    "/api/offence-records/{offence_record_id}/reduced",
    dependencies=[Depends(OFFICER_ON_TABLET)],
)
async def agree_reduced(
    offence_record_id: UUID, body: schemas.ReducedIn, caller: Caller, desk: DeskOfApp
) -> schemas.ReceiptOut:
    """Record the agreement to reduced proceedings and issue the receipt."""
    receipt = await service.agree_reduced(
        desk,
        caller=caller,
        offence_record_id=offence_record_id,
        admits=body.admits,
        agrees=body.agrees,
        contests=body.contests,
        now=utc_now(),
    )
    return schemas.ReceiptOut.model_validate(receipt)


@router.post(
    "/api/offence-records/{offence_record_id}/ordinary",
    dependencies=[Depends(OFFICER_ON_TABLET)],
    status_code=204,
)
async def send_to_ordinary(offence_record_id: UUID, caller: Caller, desk: DeskOfApp) -> None:
    """Send the record by ordinary proceedings."""
    await service.send_to_ordinary(
        desk, caller=caller, offence_record_id=offence_record_id, now=utc_now()
    )


@router.get("/api/offence-records/{offence_record_id}/receipt.pdf", dependencies=[Depends(OFFICER)])
async def receipt(offence_record_id: UUID, caller: Caller, desk: DeskOfApp) -> Response:
    """Return the receipt as PDF."""
    content = await service.receipt_document(
        desk, caller=caller, offence_record_id=offence_record_id, now=utc_now()
    )
    return _paper(content, PDF)


@router.post("/api/payments", dependencies=[Depends(OFFICER_ON_TABLET)], status_code=202)
async def pay_by_card(
    body: schemas.PaymentIn,
    caller: Caller,
    desk: DeskOfApp,
    idempotency_key: Annotated[str, Header(min_length=8, max_length=255, pattern=r"^[!-~]+$")],
) -> schemas.PaymentBegunOut:
    """Begin a payment by card on the officer's own terminal."""
    begun = await service.pay_by_card(
        desk,
        caller=caller,
        offence_record_id=body.offence_record_id,
        idempotency_key=idempotency_key,
        now=utc_now(),
    )
    return schemas.PaymentBegunOut.model_validate(begun)


@router.get("/api/payments/{payment_id}", dependencies=[Depends(OFFICER)])
async def payment(payment_id: UUID, caller: Caller, desk: DeskOfApp) -> schemas.PaymentOut:
    """Return a payment of the officer's own."""
    view = await service.read_payment(desk, caller=caller, payment_id=payment_id)
    return schemas.PaymentOut.model_validate(view)


@router.get("/api/payments/{payment_id}/slips/{slip_id}.pdf", dependencies=[Depends(OFFICER)])
async def slip_pdf(payment_id: UUID, slip_id: UUID, caller: Caller, desk: DeskOfApp) -> Response:
    """Return a slip as PDF, as it was filed."""
    content = await service.slip_document(
        desk, caller=caller, payment_id=payment_id, slip_id=slip_id, now=utc_now()
    )
    return _paper(content, PDF)


@router.get("/api/payments/{payment_id}/slips/{slip_id}.png", dependencies=[Depends(OFFICER)])
async def slip_png(payment_id: UUID, slip_id: UUID, caller: Caller, desk: DeskOfApp) -> Response:
    """Return a slip as a picture of the paper."""
    content = await service.slip_picture(
        desk, caller=caller, payment_id=payment_id, slip_id=slip_id
    )
    return _paper(content, "image/png")


@router.post(
    "/api/payments/{payment_id}/signed-slip",
    dependencies=[Depends(OFFICER_ON_TABLET)],
    max_body_size=SIGNED_SLIP_BYTES_MAX,
)
async def signed_slip(
    payment_id: UUID, request: Request, caller: Caller, desk: DeskOfApp
) -> schemas.FilingOut:
    """File the photograph (JPEG or PNG, the body itself) of the signed second slip."""
    filing = await service.take_signed_slip(
        desk, caller=caller, payment_id=payment_id, image=await request.body(), now=utc_now()
    )
    return schemas.FilingOut.model_validate(filing)


@router.post("/api/payments/{payment_id}/filed", dependencies=[Depends(OFFICER_ON_TABLET)])
async def filed(payment_id: UUID, caller: Caller, desk: DeskOfApp) -> schemas.FilingOut:
    """Say that the signed second slip lies with the record."""
    filing = await service.file_signed_slip(
        desk, caller=caller, payment_id=payment_id, now=utc_now()
    )
    return schemas.FilingOut.model_validate(filing)


@router.get(
    "/v/{paper}/{object_id}",
    dependencies=[Depends(ANYBODY)],
    response_model=schemas.VerificationOut,
)
async def verify_paper(
    request: Request,
    paper: Literal["payment", "receipt"],
    object_id: UUID,
    desk: DeskOfApp,
    c: Annotated[str, Query(max_length=32)] = "",
) -> schemas.VerificationOut | Response:
    """Say whether the paper with this QR code is ours; a person's browser is led to the page."""
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(f"/verify/{paper}/{object_id}?{urlencode({'c': c})}", 303)
    answer = await service.verify_paper(desk, paper=paper, object_id=object_id, code=c)
    return schemas.VerificationOut.model_validate(answer)


def _paper(content: bytes, media_type: str) -> Response:
    headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=media_type, headers=headers)


# --- the terminal agent -----------------------------------------------------------------------

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
