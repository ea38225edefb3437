"""Pages of dated law and of ordinary proceedings: what is not verified, what is due when."""

from datetime import date
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from app.access import Access, Caller, Role
from app.clock import law_date, utc_now
from app.db import SessionsOfApp, transaction
from app.web.rendering import page
from app.web.texts import N_
from app.web.viewer import viewer_of
from fines import service
from fines.api import DeskOfApp
from fines.api.desk import OVER_OFFICERS
from fines.rules.amounts import tiyn_of_tenge
from fines.rules.proceedings import CourseStage, DecidedPenalty, Imposed, OrdinaryGround
from fines.service import catalogue_import

_KEEPERS_OF_LAW = Access(roles=[Role.ADMINISTRATOR])
_FORM_BYTES_MAX: Final = 2048
_ROWS_SHOWN: Final = 500
STAGES: Final = {
    CourseStage.TO_HAND_ON.value: N_("To hand on"),
    CourseStage.WITH_BODY.value: N_("At the deciding body"),
    CourseStage.DECIDED.value: N_("Decided, to be paid"),
    CourseStage.TO_ENFORCE.value: N_("To hand over to enforcement"),
}
GROUNDS: Final = {
    OrdinaryGround.NOT_ADMITTED.value: N_("Not admitted"),
    OrdinaryGround.NOT_ELIGIBLE.value: N_("Reduced proceedings do not apply"),
    OrdinaryGround.TERM_ENDED.value: N_("Nothing agreed in its term"),
    OrdinaryGround.LAPSED.value: N_("Not paid in seven days"),
}

PENALTIES: Final = {
    DecidedPenalty.FINE.value: N_("Fine"),
    DecidedPenalty.WARNING.value: N_("Warning"),
    DecidedPenalty.ARREST.value: N_("Arrest"),
    DecidedPenalty.LICENCE_LOSS.value: N_("Loss of the licence"),
    DecidedPenalty.PUBLIC_WORKS.value: N_("Public works"),
    DecidedPenalty.NONE.value: N_("No penalty"),
}

router = APIRouter(prefix="/console", max_body_size=_FORM_BYTES_MAX)


@router.get("/catalogue", dependencies=[Depends(_KEEPERS_OF_LAW)])
async def catalogue_page(request: Request, caller: Caller, sessions: SessionsOfApp) -> HTMLResponse:
    """Show the dated values that nobody has verified, and the catalogue of today."""
    now = utc_now()
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
        doubted = await catalogue_import.unverified(session)
        articles = await service.articles_in_force(session, now=now)
    context = {
        "viewer": viewer,
        "today": law_date(now),
        "doubted": {name: list(rows)[-_ROWS_SHOWN:] for name, rows in doubted.items()},
        "articles": articles,
    }
    return page(request, "catalogue.html", context)


@router.get("/proceedings", dependencies=[Depends(OVER_OFFICERS)])
async def proceedings_page(
    request: Request, caller: Caller, desk: DeskOfApp, sessions: SessionsOfApp
) -> HTMLResponse:
    """Show the open cases of the unit with their clocks, the first due in front."""
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
    cases = await service.list_cases(desk, caller=caller, now=utc_now())
    context = {
        "viewer": viewer,
        "cases": cases,
        "stages": STAGES,
        "grounds": GROUNDS,
        "penalties": PENALTIES,
        "today": law_date(utc_now()),
    }
    return page(request, "proceedings.html", context)


@router.post("/proceedings/{offence_record_id}/hand-on", dependencies=[Depends(OVER_OFFICERS)])
async def hand_on_form(
    offence_record_id: UUID,
    caller: Caller,
    desk: DeskOfApp,
    outgoing_number: Annotated[str, Form(min_length=1, max_length=64)],
    addressee: Annotated[str, Form(pattern="^(court|police)$")],
) -> RedirectResponse:
    """Enter that a case went to the deciding body, and show the list again."""
    await service.hand_on(
        desk,
        caller=caller,
        offence_record_id=offence_record_id,
        outgoing_number=outgoing_number,
        addressee=addressee,
        now=utc_now(),
    )
    return RedirectResponse("/console/proceedings", 303)


@router.post("/proceedings/{offence_record_id}/decision", dependencies=[Depends(OVER_OFFICERS)])
async def decision_form(
    offence_record_id: UUID,
    caller: Caller,
    desk: DeskOfApp,
    decision_number: Annotated[str, Form(min_length=1, max_length=64)],
    decided_on: Annotated[date, Form()],
    tenge: Annotated[str, Form(pattern=r"^[0-9]{1,10}([.,][0-9]{1,2})?$")],
    in_force_on: Annotated[Literal[""] | date, Form()] = "",
    penalty: Annotated[DecidedPenalty, Form()] = DecidedPenalty.FINE,
    term_ends_on: Annotated[Literal[""] | date, Form()] = "",
) -> RedirectResponse:
    """Enter what was decided, and show the list again."""
    await service.enter_decision(
        desk,
        caller=caller,
        offence_record_id=offence_record_id,
        decision_number=decision_number,
        decision=Imposed(
            penalty=penalty,
            fine_tiyn=tiyn_of_tenge(tenge),
            decided_on=decided_on,
            in_force_on=in_force_on or None,
            term_ends_on=term_ends_on or None,
        ),
        now=utc_now(),
    )
    return RedirectResponse("/console/proceedings", 303)


@router.post("/proceedings/{offence_record_id}/in-force", dependencies=[Depends(OVER_OFFICERS)])
async def in_force_form(
    offence_record_id: UUID,
    caller: Caller,
    desk: DeskOfApp,
    in_force_on: Annotated[date, Form()],
) -> RedirectResponse:
    """Enter from which day a decision is in force, and show the list again."""
    await service.enter_in_force(
        desk,
        caller=caller,
        offence_record_id=offence_record_id,
        in_force_on=in_force_on,
        now=utc_now(),
    )
    return RedirectResponse("/console/proceedings", 303)


@router.post("/proceedings/{offence_record_id}/appeal", dependencies=[Depends(OVER_OFFICERS)])
async def appeal_form(offence_record_id: UUID, caller: Caller, desk: DeskOfApp) -> RedirectResponse:
    """Enter that the decision was appealed, and show the list again."""
    await service.enter_appeal(
        desk, caller=caller, offence_record_id=offence_record_id, now=utc_now()
    )
    return RedirectResponse("/console/proceedings", 303)


@router.post("/proceedings/{offence_record_id}/appeal-end", dependencies=[Depends(OVER_OFFICERS)])
async def appeal_end_form(
    offence_record_id: UUID,
    caller: Caller,
    desk: DeskOfApp,
    upheld: Annotated[Literal["yes", "no"], Form()],
    in_force_on: Annotated[date, Form()],
) -> RedirectResponse:
    """Enter how the appeal ended, and show the list again."""
    await service.end_appeal(
        desk,
        caller=caller,
        offence_record_id=offence_record_id,
        upheld=upheld == "yes",
        in_force_on=in_force_on,
        now=utc_now(),
    )
    return RedirectResponse("/console/proceedings", 303)


@router.post("/proceedings/{offence_record_id}/hand-over", dependencies=[Depends(OVER_OFFICERS)])
async def hand_over_form(
    offence_record_id: UUID,
    caller: Caller,
    desk: DeskOfApp,
    outgoing_number: Annotated[str, Form(min_length=1, max_length=64)],
) -> RedirectResponse:
    """Enter that an unpaid decision went to enforcement, and show the list again."""
    await service.hand_over(
        desk,
        caller=caller,
        offence_record_id=offence_record_id,
        outgoing_number=outgoing_number,
        now=utc_now(),
    )
    return RedirectResponse("/console/proceedings", 303)
