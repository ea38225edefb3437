"""Routes about payments and papers: the officer's, the second person's, the check of a paper."""

from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.access import Caller
from app.clock import utc_now
from fines import schemas, service
from fines.api.desk import (
    ANYBODY,
    BODY_BYTES_MAX,
    OFFICER,
    OFFICER_ON_TABLET,
    OVER_OFFICERS,
    DeskOfApp,
    private_document,
)
from fines.service.papers import PDF
from fines.service.second_slip import SIGNED_SLIP_BYTES_MAX

router = APIRouter(tags=["fines"], max_body_size=BODY_BYTES_MAX)


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
        target=service.Target(**body.model_dump()),
        idempotency_key=idempotency_key,
        now=utc_now(),
    )
    return schemas.PaymentBegunOut.model_validate(begun)


@router.get("/api/checks/{check_id}/old-fines", dependencies=[Depends(OFFICER_ON_TABLET)])
async def old_fines(check_id: UUID, caller: Caller, desk: DeskOfApp) -> schemas.OldFinesOut:
    """Return the old fines of the person that the officer has checked, payable or not."""
    view = await service.old_fines(desk, caller=caller, check_id=check_id, now=utc_now())
    return schemas.OldFinesOut.model_validate(view)


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
    return private_document(content, PDF)


@router.get("/api/payments/{payment_id}/slips/{slip_id}.png", dependencies=[Depends(OFFICER)])
async def slip_png(payment_id: UUID, slip_id: UUID, caller: Caller, desk: DeskOfApp) -> Response:
    """Return a slip as a picture of the paper."""
    content = await service.slip_picture(
        desk, caller=caller, payment_id=payment_id, slip_id=slip_id
    )
    return private_document(content, "image/png")


@router.post(
    "/api/payments/{payment_id}/signed-slip",
    dependencies=[Depends(OFFICER_ON_TABLET)],
    max_body_size=SIGNED_SLIP_BYTES_MAX,
)
async def signed_slip(
    payment_id: UUID, request: Request, caller: Caller, desk: DeskOfApp
) -> schemas.FilingOut:
    """File the photograph (JPEG or PNG, the body itself) of the signed second slip: it closes."""
    filing = await service.take_signed_slip(
        desk, caller=caller, payment_id=payment_id, image=await request.body(), now=utc_now()
    )
    return schemas.FilingOut.model_validate(filing)


@router.get("/api/unfiled-slips", dependencies=[Depends(OVER_OFFICERS)])
async def unfiled_slips(caller: Caller, desk: DeskOfApp) -> schemas.UnfiledOut:
    """Return the unit's payments whose signed second slip is neither photographed nor filed."""
    rows = await service.list_unfiled(desk, caller=caller, now=utc_now())
    return schemas.UnfiledOut.model_validate({"payments": rows})


@router.post("/api/payments/{payment_id}/filed", dependencies=[Depends(OVER_OFFICERS)])
async def filed(payment_id: UUID, caller: Caller, desk: DeskOfApp) -> schemas.FilingOut:
    """Confirm as a second person that the signed second slip lies with the record."""
    filing = await service.confirm_filing(desk, caller=caller, payment_id=payment_id, now=utc_now())
    return schemas.FilingOut.model_validate(filing)


@router.get(
    "/v/{paper}/{object_id}",
    dependencies=[Depends(ANYBODY)],
    response_model=schemas.VerificationOut,
)
async def verify_paper(
    request: Request,
    paper: Literal["payment", "receipt", "record"],
    object_id: UUID,
    desk: DeskOfApp,
    c: Annotated[str, Query(max_length=32)] = "",
) -> schemas.VerificationOut | Response:
    """Say whether the paper with this QR code is ours; a person's browser is led to the page."""
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(f"/verify/{paper}/{object_id}?{urlencode({'c': c})}", 303)
    answer = await service.verify_paper(desk, paper=paper, object_id=object_id, code=c)
    return schemas.VerificationOut.model_validate(answer)
