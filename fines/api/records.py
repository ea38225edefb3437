"""The officer's routes about offence records."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from app.access import Caller
from app.clock import utc_now
from app.db import SessionsOfApp, transaction
from fines import schemas, service
from fines.api.desk import (
    BODY_BYTES_MAX,
    OFFICER,
    OFFICER_ON_TABLET,
    SUPERIOR,
    DeskOfApp,
    private_document,
)
from fines.rules.catalogue import SubjectKind
from fines.rules.offence_record import Act
from fines.rules.record_fields import (
    Examination,
    Interpreter,
    NamedPerson,
    PersonSigned,
    TechnicalDevice,
)
from fines.service.papers import PDF

_MADE_INTO: Final = {"technical_device", "interpreter", "people", "examination", "acted_as"}

router = APIRouter(tags=["fines"], max_body_size=BODY_BYTES_MAX)


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
    device, interpreter = body.technical_device, body.interpreter
    examination = body.examination
    offence = service.NewOffence(
        **body.model_dump(exclude=_MADE_INTO),
        acted_as=None if body.acted_as is None else SubjectKind(body.acted_as),
        people=tuple(NamedPerson(**one.model_dump()) for one in body.people),
        interpreter=None if interpreter is None else Interpreter(**interpreter.model_dump()),
        examination=None if examination is None else Examination(**examination.model_dump()),
        technical_device=None if device is None else TechnicalDevice(**device.model_dump()),
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
    """Record that the offence was announced, the rights explained, or the receipt handed over."""
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


@router.post(
    "/api/offence-records/{offence_record_id}/copies",
    dependencies=[Depends(OFFICER_ON_TABLET)],
    status_code=204,
)
async def hand_copy(
    offence_record_id: UUID, body: schemas.CopyIn, caller: Caller, desk: DeskOfApp
) -> None:
    """Enter how the offender got the copy."""
    await service.hand_copy(
        desk,
        caller=caller,
        offence_record_id=offence_record_id,
        way=body.way,
        address=body.address,
        now=utc_now(),
    )


@router.post(
    "/api/offence-records/{offence_record_id}/signatures",
    dependencies=[Depends(OFFICER_ON_TABLET)],
    status_code=204,
)
async def enter_signature(
    offence_record_id: UUID, body: schemas.SignatureIn, caller: Caller, desk: DeskOfApp
) -> None:
    """Enter that the person signed the record shown to him, or refused to."""
    signed = PersonSigned(
        **body.model_dump(exclude={"people"}),
        people=tuple(NamedPerson(**one.model_dump()) for one in body.people),
    )
    await service.enter_signature(
        desk, caller=caller, offence_record_id=offence_record_id, signed=signed, now=utc_now()
    )


@router.post(
    "/api/offence-records/{offence_record_id}/corrections",
    dependencies=[Depends(SUPERIOR)],
    status_code=204,
)
async def correct_record(
    offence_record_id: UUID, body: schemas.CorrectionIn, caller: Caller, desk: DeskOfApp
) -> None:
    """Enter a correction beside a subordinate's record, which stays as it was."""
    await service.correct_record(
        desk, caller=caller, offence_record_id=offence_record_id, text=body.text, now=utc_now()
    )


@router.get("/api/offence-records/{offence_record_id}/record.pdf", dependencies=[Depends(OFFICER)])
async def record_paper(offence_record_id: UUID, caller: Caller, desk: DeskOfApp) -> Response:
    """Return the record as PDF in both languages."""
    content = await service.record_document(
        desk, caller=caller, offence_record_id=offence_record_id, now=utc_now()
    )
    return private_document(content, PDF)


@router.get("/api/offence-records/{offence_record_id}/receipt.pdf", dependencies=[Depends(OFFICER)])
async def receipt(offence_record_id: UUID, caller: Caller, desk: DeskOfApp) -> Response:
    """Return the receipt as PDF."""
    content = await service.receipt_document(
        desk, caller=caller, offence_record_id=offence_record_id, now=utc_now()
    )
    return private_document(content, PDF)
