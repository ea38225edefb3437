"""The finance clerk's routes: refunds, settlement files, the treasury's statements, cases."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response

from app.access import Access, Caller, Role
from app.clock import utc_now
from fines.api.desk import BODY_BYTES_MAX, DeskOfApp, private_document
from fines.rules.refunds import RefundReason
from fines.schemas.money import (
    CaseOut,
    ConclusionIn,
    DecisionIn,
    ExplanationIn,
    ImportedOut,
    InstructionOut,
    OverrideIn,
    RefundIn,
    RefundOut,
)
from fines.service.cases import close_case, explain_case
from fines.service.hand_in import override_hand_in
from fines.service.papers import PDF
from fines.service.reconciling import Imported, import_settlement
from fines.service.refund_papers import refund_document
from fines.service.refunds import (
    ask_refund,
    decide_refund,
    instruct_acquirer,
    instruction_document,
)
from fines.service.treasury import import_treasury

router = APIRouter(tags=["fines"], max_body_size=BODY_BYTES_MAX)

# Neither the officer nor his device has any part in these.
CLERK = Access(roles=[Role.FINANCE_CLERK])
SETTLEMENT_BYTES_MAX = 16 << 20  # 120,000 rows: more than a day of the whole country

# The keeper's superior and the officer's: he answers in writing for an unmatched terminal.
SUPERIOR = Access(roles=[Role.RESPONSIBLE_OFFICIAL])

_CSV = "text/csv; charset=utf-8"


@router.post("/api/payments/{payment_id}/refunds", dependencies=[Depends(CLERK)], status_code=201)
async def ask(
    payment_id: UUID,
    body: RefundIn,
    caller: Caller,
    desk: DeskOfApp,
    idempotency_key: Annotated[str, Header(min_length=8, max_length=255, pattern=r"^[!-~]+$")],
) -> RefundOut:
    """Ask for money to be given back; another clerk decides."""
    asked = await ask_refund(
        desk,
        caller=caller,
        payment_id=payment_id,
        amount_tiyn=body.amount_tiyn,
        reason=RefundReason(body.reason),
        note=body.note,
        idempotency_key=idempotency_key,
        now=utc_now(),
    )
    return RefundOut.model_validate(asked)


@router.post("/api/refunds/{refund_id}/decision", dependencies=[Depends(CLERK)])
async def decide(refund_id: UUID, body: DecisionIn, caller: Caller, desk: DeskOfApp) -> RefundOut:
    """Approve or refuse a refund that somebody else has asked for."""
    decided = await decide_refund(
        desk,
        caller=caller,
        refund_id=refund_id,
        approve=body.approve,
        note=body.note,
        now=utc_now(),
    )
    return RefundOut.model_validate(decided)


@router.post("/api/refunds/instructions", dependencies=[Depends(CLERK)])
async def instruct(caller: Caller, desk: DeskOfApp) -> InstructionOut:
    """Write what is approved into an instruction for the acquirer."""
    row = await instruct_acquirer(desk, caller=caller, now=utc_now())
    if row is None:
        return InstructionOut(count=0, refund_instruction=None)
    return InstructionOut(count=row.count, refund_instruction=row.id)


@router.get("/api/refunds/{refund_id}/instruction.csv", dependencies=[Depends(CLERK)])
async def instruction(refund_id: UUID, caller: Caller, desk: DeskOfApp) -> Response:
    """Return the instruction that a refund stands in, as it was written."""
    content = await instruction_document(desk, caller=caller, refund_id=refund_id)
    return private_document(content, _CSV)


@router.get("/api/refunds/{refund_id}/slip.pdf", dependencies=[Depends(CLERK)])
async def refund_slip(refund_id: UUID, caller: Caller, desk: DeskOfApp) -> Response:
    """Return the slip of a refund that was paid out."""
    content = await refund_document(desk, caller=caller, refund_id=refund_id, now=utc_now())
    return private_document(content, PDF)


@router.post(
    "/api/reconciliation/settlements",
    dependencies=[Depends(CLERK)],
    max_body_size=SETTLEMENT_BYTES_MAX,
)
async def take_settlement(request: Request, caller: Caller, desk: DeskOfApp) -> ImportedOut:
    """Take a settlement file of the acquirer: the body itself."""
    done = await import_settlement(desk, content=await request.body(), caller=caller, now=utc_now())
    return _imported(done)


@router.post(
    "/api/reconciliation/statements",
    dependencies=[Depends(CLERK)],
    max_body_size=SETTLEMENT_BYTES_MAX,
)
async def take_statement(request: Request, caller: Caller, desk: DeskOfApp) -> ImportedOut:
    """Take a statement of the treasury: the body itself."""
    done = await import_treasury(desk, content=await request.body(), caller=caller, now=utc_now())
    return _imported(done)


def _imported(done: Imported) -> ImportedOut:
    return ImportedOut(
        rows=done.rows,
        sum_tiyn=done.sum_tiyn,
        again=done.again,
        verdicts={verdict.value: count for verdict, count in done.verdicts.items() if count},
    )


@router.post("/api/reconciliation/cases/{case_id}/explanation", dependencies=[Depends(CLERK)])
async def explain(case_id: UUID, body: ExplanationIn, caller: Caller, desk: DeskOfApp) -> CaseOut:
    """Say why a difference is there."""
    view = await explain_case(desk, caller=caller, case_id=case_id, text=body.text, now=utc_now())
    return CaseOut.model_validate(view)


@router.post("/api/reconciliation/cases/{case_id}/conclusion", dependencies=[Depends(CLERK)])
async def conclude(case_id: UUID, body: ConclusionIn, caller: Caller, desk: DeskOfApp) -> CaseOut:
    """Close an explained case, or send it back."""
    view = await close_case(
        desk, caller=caller, case_id=case_id, accept=body.accept, text=body.text, now=utc_now()
    )
    return CaseOut.model_validate(view)


@router.post(
    "/api/terminals/{device_id}/hand-in-override",
    dependencies=[Depends(SUPERIOR)],
    status_code=201,
)
async def override(device_id: UUID, body: OverrideIn, caller: Caller, desk: DeskOfApp) -> CaseOut:
    """Let a terminal be handed in although its totals do not match; a case is opened."""
    view = await override_hand_in(
        desk, caller=caller, device_id=device_id, text=body.text, now=utc_now()
    )
    return CaseOut.model_validate(view)
