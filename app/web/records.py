"""Pages of a unit's offence records: a superior looks at one and enters a correction beside it."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from app.access import Caller
from app.clock import utc_now
from app.db import SessionsOfApp, transaction
from app.web.rendering import page
from app.web.texts import N_
from app.web.viewer import viewer_of
from fines import service
from fines.api import DeskOfApp
from fines.api.desk import SUPERIOR
from fines.rules.offence_record import Act, OffenceStatus
from fines.rules.proceedings import EntryKind
from fines.schemas import CORRECTION_MAX, CORRECTION_MIN

_HERE: Final = "/console/records"
_FORM_BYTES_MAX: Final = 64 * 1024  # letters of a form take up to twelve bytes each
_NUMBER_MAX: Final = 24
STATUSES: Final = {
    OffenceStatus.DRAFT.value: N_("Being entered"),
    OffenceStatus.DRAWN_UP.value: N_("Drawn up"),
    OffenceStatus.REDUCED_AGREED.value: N_("Reduced proceedings agreed"),
    OffenceStatus.RECEIPT_ISSUED.value: N_("Receipt issued"),
    OffenceStatus.PAID_HALF.value: N_("Paid, half of the fine"),
    OffenceStatus.PAID_FULL.value: N_("Paid in full"),
    OffenceStatus.LAPSED.value: N_("Not paid in seven days"),
    OffenceStatus.ORDINARY.value: N_("Ordinary proceedings"),
    OffenceStatus.ENFORCEMENT.value: N_("At enforcement"),
    OffenceStatus.WARNED.value: N_("Warning"),
}
ACTS: Final = {
    Act.ANNOUNCED.value: N_("Offence and penalty announced"),
    Act.ENTERED.value: N_("Entered in the system"),
    Act.EXPLAINED.value: N_("Grounds and rights explained"),
    Act.RECEIPT_HANDED.value: N_("Receipt handed over"),
}
ENTRIES: Final = {
    EntryKind.COPY_HANDED.value: N_("Copy handed over"),
    EntryKind.CORRECTION.value: N_("Correction"),
    EntryKind.HANDED_ON.value: N_("Handed on to the deciding body"),
    EntryKind.DECIDED.value: N_("Decision entered"),
    EntryKind.APPEALED.value: N_("Appealed"),
    EntryKind.APPEAL_ENDED.value: N_("Appeal ended"),
    EntryKind.TO_ENFORCEMENT.value: N_("Due for enforcement"),
    EntryKind.HANDED_OVER.value: N_("Handed over to enforcement"),
    EntryKind.SIGNATURE.value: N_("Signature of the person"),
}

router = APIRouter(prefix=_HERE, max_body_size=_FORM_BYTES_MAX)


@router.get("", dependencies=[Depends(SUPERIOR)])
async def records(
    request: Request,
    caller: Caller,
    sessions: SessionsOfApp,
    desk: DeskOfApp,
    number: Annotated[str, Query(max_length=_NUMBER_MAX)] = "",
) -> HTMLResponse:
    """Show the newest records of the viewer's subordinates, or the one of a number."""
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
    found = await service.list_subordinate_records(
        desk, caller=caller, number=number.strip(), now=utc_now()
    )
    context = {"viewer": viewer, "records": found, "number": number.strip(), "statuses": STATUSES}
    return page(request, "records.html", context)


@router.get("/{offence_record_id}", dependencies=[Depends(SUPERIOR)])
async def record(
    request: Request,
    offence_record_id: UUID,
    caller: Caller,
    sessions: SessionsOfApp,
    desk: DeskOfApp,
) -> HTMLResponse:
    """Show a subordinate's record and what was written after it; the look is on the log."""
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
    found = await service.read_subordinate_record(
        desk, caller=caller, offence_record_id=offence_record_id, now=utc_now()
    )
    context = {
        "viewer": viewer,
        "record": found,
        "statuses": STATUSES,
        "acts": ACTS,
        "entries": ENTRIES,
        "text_max": CORRECTION_MAX,
        "text_min": CORRECTION_MIN,
    }
    return page(request, "record.html", context)


@router.post("/{offence_record_id}/corrections", dependencies=[Depends(SUPERIOR)])
async def correct(
    offence_record_id: UUID,
    caller: Caller,
    desk: DeskOfApp,
    text: Annotated[str, Form(min_length=CORRECTION_MIN, max_length=CORRECTION_MAX)],
) -> RedirectResponse:
    """Enter a correction beside the record, and show it again."""
    await service.correct_record(
        desk, caller=caller, offence_record_id=offence_record_id, text=text.strip(), now=utc_now()
    )
    return RedirectResponse(f"{_HERE}/{offence_record_id}", 303)
