"""Seeing an answer again. Every look is on the log before anything is shown."""

import json
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from app.db import transaction
from app.exchange import storage
from app.exchange.errors import AnswerDamaged, CheckNotFound, CheckNotReleased
from app.exchange.models import RegisterRequestRow
from app.exchange.repository import requests
from app.exchange.rules.answers import Answer, answer_of
from app.exchange.rules.requests import CheckFacts, RequestStatus, facts_of
from app.exchange.service.ports import CheckAnswer, ExchangePorts
from app.keys import Keys


async def view_check(ports: ExchangePorts, *, caller: Principal, check_id: UUID) -> CheckAnswer:
    """Return the caller's own released check once the view has its leaf.

    Raises:
        CheckNotFound: absent or another officer's; the attempt is recorded.
        CheckNotReleased: its answer was withheld, refused, or is not there yet.
        AuditSilent: the view has no leaf in time; nothing is shown.
        AnswerDamaged: the stored answer cannot be opened.
    """
    now = ports.clock()
    async with transaction(ports.sessions) as session:
        row = await requests.of_person(session, request_id=check_id, person_id=caller.person)
        answer = None if row is None else _opened(row, ports.keys)
        event_id = await ports.trail.record(
            session,
            event="exchange.view_refused" if answer is None else "exchange.answer_viewed",
            at=now,
            who=caller,
            subject_iin=None if answer is None else answer.iin,
            fields={"check_id": str(check_id)},
        )
    if row is None:
        raise CheckNotFound(check_id)
    if answer is None or row.decision_leaf_index is None or row.answer_leaf_index is None:
        raise CheckNotReleased(check_id)
    await ports.trail.sequenced(
        ports.sessions, event_id=event_id, timeout_seconds=ports.audit_wait_seconds
    )
    return CheckAnswer(
        check_id=check_id,
        basis=row.basis.value,
        rule_set=row.rule_set,
        stop_ground=row.stop_ground,
        received_at=row.received_at,
        decision_leaf_index=row.decision_leaf_index,
        answer_leaf_index=row.answer_leaf_index,
        answer=answer,
    )


async def check_facts(
    session: AsyncSession,
    *,
    check_id: UUID,
    caller: Principal,
    keys: Keys,
    trail: AuditTrail,
    now: datetime,
) -> CheckFacts:
    """Return what an offence record may take over from the caller's own released check.

    The use is recorded in the caller's transaction. The officer has seen the answer already, so
    nobody waits for the leaf here.

    Raises:
        CheckNotFound: absent or another officer's.
        CheckNotReleased: its answer was withheld, refused, or is not there yet.
        AnswerDamaged: the stored answer cannot be opened.
    """
    row = await requests.of_person(session, request_id=check_id, person_id=caller.person)
    if row is None:
        raise CheckNotFound(check_id)
    answer = _opened(row, keys)
    if answer is None:
        raise CheckNotReleased(check_id)
    await trail.record(
        session,
        event="exchange.answer_used",
        at=now,
        who=caller,
        subject_iin=answer.iin,
        fields={"check_id": str(check_id), "purpose": "offence_record"},
    )
    return facts_of(
        check_id=check_id,
        iin=answer.iin,
        plate=answer.plate,
        birth_date=answer.birth_date,
        parts=answer.parts,
    )


def _opened(row: RegisterRequestRow, keys: Keys) -> Answer | None:
    """Return the answer of a released request, or ``None`` where nothing may be shown."""
    if row.status is not RequestStatus.RELEASED or row.wrapped_key is None or row.answer is None:
        return None
    content = storage.unseal(
        vault=keys.vault,
        request_id=row.id,
        sealed=storage.SealedAnswer(row.wrapped_key, row.answer),
    )
    try:
        return answer_of(json.loads(content))
    except (ValueError, KeyError, TypeError) as error:
        raise AnswerDamaged("a stored answer has another form") from error
