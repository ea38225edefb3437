"""Routes of the exchange: the roadside check."""

from collections.abc import Iterable
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from app.access import Access, Caller, DeviceKind, Role
from app.exchange import service
from app.exchange.api.ports import Ports
from app.exchange.rules.requests import MISSING, Part
from app.exchange.schemas.checks import CheckRequest, CheckResponse, PartShape
from app.exchange.service import CheckAnswer, CheckInput

OFFICER_ON_TABLET = Access(roles=[Role.PATROL_OFFICER], devices=[DeviceKind.TABLET])
_BODY_BYTES_MAX = 16 * 1024  # a card, a plate, a word and an extended justification

router = APIRouter(prefix="/api/checks", tags=["exchange"], max_body_size=_BODY_BYTES_MAX)


@router.post("", dependencies=[Depends(OFFICER_ON_TABLET)], response_model=CheckResponse)
async def make_check(body: CheckRequest, caller: Caller, ports: Ports) -> Response:
    """Check a driver by the identity card alone, and a vehicle by its plate."""
    sent = CheckInput(
        iin=body.identity.iin,
        mrz=body.identity.mrz,
        plate=body.plate,
        stop_ground=body.stop_ground,
        justification=body.justification,
        position=body.position,
    )
    shown = _shown(await service.make_check(ports, caller=caller, sent=sent))
    # Made into JSON once: FastAPI would check anew what was checked as it was made.
    return Response(shown.model_dump_json(by_alias=True), media_type="application/json")


@router.get("/{check_id}", dependencies=[Depends(OFFICER_ON_TABLET)])
async def view_check(check_id: UUID, caller: Caller, ports: Ports) -> CheckResponse:
    """Show the caller's own check again; the look is recorded first."""
    return _shown(await service.view_check(ports, caller=caller, check_id=check_id))


def _shown(check: CheckAnswer) -> CheckResponse:
    answer = check.answer
    return CheckResponse(
        check_id=check.check_id,
        verdict="allowed",
        basis=check.basis,
        rule_set=check.rule_set,
        stop_ground=check.stop_ground,
        received_at=check.received_at,
        iin=answer.iin or "",
        plate=answer.plate,
        document_number=answer.document_number,
        document_expires_on=answer.document_expires_on,
        cautions=answer.cautions,
        complete=not any(part.status in MISSING for part in answer.parts),
        parts=part_shapes(answer.parts),
        decision_leaf_index=check.decision_leaf_index,
        leaf_index=check.answer_leaf_index,
    )


def part_shapes(parts: Iterable[Part]) -> tuple[PartShape, ...]:
    """Return the parts of an answer as devices and workplaces are told them."""
    return tuple(
        PartShape(
            register=part.register, status=part.status, asked_ms=part.asked_ms, data=part.record
        )
        for part in parts
    )
