"""Routes of ordinary proceedings: for those over the officers, each for the own unit."""

from uuid import UUID

from fastapi import APIRouter, Depends

from app.access import Caller
from app.clock import utc_now
from fines import service
from fines.api.desk import BODY_BYTES_MAX, OVER_OFFICERS, DeskOfApp
from fines.rules.proceedings import DecidedPenalty, Imposed
from fines.schemas import proceedings as schemas

_OVER = [Depends(OVER_OFFICERS)]

router = APIRouter(tags=["fines"], prefix="/api/proceedings", max_body_size=BODY_BYTES_MAX)


@router.get("", dependencies=_OVER)
async def cases(caller: Caller, desk: DeskOfApp) -> schemas.CasesOut:
    """Return the open cases of the unit with their clocks."""
    rows = await service.list_cases(desk, caller=caller, now=utc_now())
    return schemas.CasesOut.model_validate({"cases": rows})


@router.post("/{offence_record_id}/hand-on", dependencies=_OVER, status_code=204)
async def hand_on(
    offence_record_id: UUID, body: schemas.HandOnIn, caller: Caller, desk: DeskOfApp
) -> None:
    """Enter that the case went to the deciding body."""
    await service.hand_on(
        desk,
        caller=caller,
        offence_record_id=offence_record_id,
        outgoing_number=body.outgoing_number,
        addressee=body.addressee,
        now=utc_now(),
    )


@router.post("/{offence_record_id}/decision", dependencies=_OVER, status_code=204)
async def decision(
    offence_record_id: UUID, body: schemas.DecisionIn, caller: Caller, desk: DeskOfApp
) -> None:
    """Enter what was decided."""
    await service.enter_decision(
        desk,
        caller=caller,
        offence_record_id=offence_record_id,
        decision_number=body.decision_number,
        decision=Imposed(
            penalty=DecidedPenalty(body.penalty),
            fine_tiyn=body.fine_tiyn,
            decided_on=body.decided_on,
            in_force_on=body.in_force_on,
            term_ends_on=body.term_ends_on,
        ),
        now=utc_now(),
    )


@router.post("/{offence_record_id}/in-force", dependencies=_OVER, status_code=204)
async def in_force(
    offence_record_id: UUID, body: schemas.InForceIn, caller: Caller, desk: DeskOfApp
) -> None:
    """Enter from which day the decision is in force."""
    await service.enter_in_force(
        desk,
        caller=caller,
        offence_record_id=offence_record_id,
        in_force_on=body.in_force_on,
        now=utc_now(),
    )


@router.post("/{offence_record_id}/appeal", dependencies=_OVER, status_code=204)
async def appeal(offence_record_id: UUID, caller: Caller, desk: DeskOfApp) -> None:
    """Enter that the decision was appealed."""
    await service.enter_appeal(
        desk, caller=caller, offence_record_id=offence_record_id, now=utc_now()
    )


@router.post("/{offence_record_id}/appeal-end", dependencies=_OVER, status_code=204)
async def appeal_end(
    offence_record_id: UUID, body: schemas.AppealEndIn, caller: Caller, desk: DeskOfApp
) -> None:
    """Enter how the appeal ended."""
    await service.end_appeal(
        desk,
        caller=caller,
        offence_record_id=offence_record_id,
        upheld=body.upheld,
        in_force_on=body.in_force_on,
        now=utc_now(),
    )


@router.post("/{offence_record_id}/hand-over", dependencies=_OVER, status_code=204)
async def hand_over(
    offence_record_id: UUID, body: schemas.HandOverIn, caller: Caller, desk: DeskOfApp
) -> None:
    """Enter that the unpaid decision went to enforcement."""
    await service.hand_over(
        desk,
        caller=caller,
        offence_record_id=offence_record_id,
        outgoing_number=body.outgoing_number,
        now=utc_now(),
    )
