"""The page behind the QR code on a receipt or slip: is the paper ours, and what is it good for.

Anybody may ask who holds the paper. The page names no person, no vehicle and no card.
"""

from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from app.access import Access
from app.web.rendering import page
from app.web.texts import N_
from fines.api import DeskOfApp
from fines.rules.offence_record import OffenceStatus
from fines.service import verify_paper

_ANYBODY = Access(public_because="whoever holds a paper may ask whether it is ours")
_CODE_MAX: Final = 32
# What a receipt is good for now; the states before it have no receipt.
_RECEIPT_STATES: Final = {
    OffenceStatus.RECEIPT_ISSUED.value: N_("It waits for payment at half the fine."),
    OffenceStatus.PAID_HALF.value: N_("It is paid: nothing more is owed on it."),
    OffenceStatus.LAPSED.value: N_("The term for paying half has passed."),
}
_RECEIPT_CLOSED: Final = N_("It is no longer good: the case went on in ordinary proceedings.")
_RECORD_STATES: Final = {
    OffenceStatus.PAID_HALF.value: N_("The fine is paid: nothing more is owed on it."),
    OffenceStatus.PAID_FULL.value: N_("The fine is paid: nothing more is owed on it."),
    OffenceStatus.WARNED.value: N_("A warning was given: nothing is owed on it."),
    OffenceStatus.ORDINARY.value: N_("The case is in ordinary proceedings."),
    OffenceStatus.ENFORCEMENT.value: N_("The term to pay is over: it goes to enforcement."),
}
_RECORD_OPEN: Final = N_("The case is open.")

router = APIRouter(prefix="/verify", max_body_size=0)


@router.get("/{paper}/{object_id}", dependencies=[Depends(_ANYBODY)])
async def paper_page(
    request: Request,
    paper: Literal["payment", "receipt", "record"],
    object_id: UUID,
    desk: DeskOfApp,
    code: Annotated[str, Query(alias="c", max_length=_CODE_MAX)] = "",
) -> HTMLResponse:
    """Show whether the paper is ours; a wrong code and an unknown paper look alike."""
    found = await verify_paper(desk, paper=paper, object_id=object_id, code=code)
    status = str(found.get("status"))
    if paper == "record":
        state = _RECORD_STATES.get(status, _RECORD_OPEN)
    else:
        state = _RECEIPT_STATES.get(status, _RECEIPT_CLOSED)
    return page(request, "paper.html", {"paper": paper, "found": found, "state": state})
