"""A terminal at the end of a shift: its own totals against our rows, before it is handed in."""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.clock import law_date
from app.db import transaction
from devices.service import assignment_at, terminal_number_in
from fines import models, repository
from fines.errors import TerminalNotFound
from fines.errors.money import HandInNotAllowed, OwnHandIn
from fines.repository import hand_in as statements
from fines.rules.reconciliation_words import CaseKind, CaseStatus, Detail, Source, Verdict
from fines.service.desk import Desk

DAY_NOT_CLOSED: Final = "its day is not closed"


async def match_totals(
    session: AsyncSession, *, totals: models.TerminalTotals, now: datetime
) -> Verdict:
    """Hold a closed batch against our rows of it; a difference stays in sight until explained."""
    previous = await statements.last_totals(
        session, device_id=totals.device_id, before=totals.closed_at
    )
    count, ours = await statements.batch_of(session, totals=totals, previous=previous)
    verdict, detail = Verdict.MATCHED, Detail.NONE
    if count != totals.count:
        verdict, detail = Verdict.AMOUNT_DIFFERS, Detail.COUNT_DIFFERS
    elif ours != totals.sum_tiyn:
        verdict = Verdict.AMOUNT_DIFFERS
    held = await assignment_at(session, device_id=totals.device_id, at=totals.closed_at)
    await statements.add_batch_item(
        session,
        models.ReconciliationItem(
            day=law_date(totals.closed_at),
            source=Source.TERMINAL,
            verdict=verdict,
            detail=detail,
            subject=str(totals.id),
            device_id=totals.device_id,
            department_id=held.department_id if held else None,
            post_id=held.post_id if held else None,
            shift_id=held.shift_id if held else None,
            terminal_number=totals.terminal_number,
            ours_tiyn=ours,
            theirs_tiyn=totals.sum_tiyn,
            found_at=now,
        ),
    )
    return verdict


async def check_hand_in(session: AsyncSession, *, device_id: UUID, since: datetime) -> None:
    """Raise unless a terminal may be handed in: all it sold since ``since`` is counted and fits.

    Raises:
        HandInNotAllowed: a sale is not settled, the day is not closed, or its totals differ, and
            no superior has said in writing that it may be handed in all the same.
    """
    why = await _why_not(session, device_id)
    if why and not await statements.overridden_since(session, device_id=device_id, since=since):
        raise HandInNotAllowed(f"terminal {device_id}: {why}", because=why)


async def _why_not(session: AsyncSession, device_id: UUID) -> str:
    if await repository.unsettled_payment_on(session, device_id) is not None:
        return "a sale is not settled"
    last = await statements.last_totals(session, device_id=device_id)
    if await statements.is_kept_after(session, device_id=device_id, totals=last):
        return DAY_NOT_CLOSED
    if await statements.open_difference(session, device_id=device_id) is not None:
        return "its totals differ from our rows"
    return ""


async def override_hand_in(
    desk: Desk, *, caller: Principal, device_id: UUID, text: str, now: datetime
) -> dict[str, object]:
    """Let a terminal be handed in unmatched; the difference becomes a case at once.

    Raises:
        TerminalNotFound: the unit has no such terminal.
        OwnHandIn: the caller holds the terminal himself.
    """
    fields: dict[str, object] = {"device_id": str(device_id)}
    async with (
        desk.refusals_audited(
            event="fines.hand_in_not_overridden", who=caller, at=now, fields=fields
        ),
        transaction(desk.sessions) as session,
    ):
        number = await terminal_number_in(
            session, device_id=device_id, department_id=caller.department_id
        )
        if number is None:
            raise TerminalNotFound(f"no terminal {device_id}")
        held = await assignment_at(session, device_id=device_id, at=now)
        if held is not None and held.person_id == caller.person:
            raise OwnHandIn("nobody overrides for himself")
        case = models.ReconciliationCase(
            id=uuid4(),
            kind=CaseKind.HAND_IN,
            device_id=device_id,
            department_id=caller.department_id,
            status=CaseStatus.OPEN,
            opened_at=now,
            opened_because=text,
            explanation="",
            conclusion="",
        )
        session.add(case)
        await desk.trail.record(
            session,
            event="fines.hand_in_overridden",
            at=now,
            who=caller,
            fields=fields | {"case_id": str(case.id)},
        )
        return {"case_id": case.id, "status": case.status.value, "opened_at": now}
