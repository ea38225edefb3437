"""Seeing, printing and taking out an answer. Every act is on the log before anything is shown."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from app.clock import in_law_zone
from app.db import transaction
from app.exchange.errors import (
    AnswerDamaged,
    CheckNotFound,
    CheckNotReleased,
    ExportLimitReached,
    RequestNotFound,
    RequestNotReleased,
)
from app.exchange.models import RegisterRequestRow
from app.exchange.repository import requests
from app.exchange.rules.answers import Answer, answer_of
from app.exchange.rules.disclosures import DisclosureKind
from app.exchange.rules.requests import CheckFacts, RequestStatus, facts_of
from app.exchange.service.asking import key_of
from app.exchange.service.ports import CheckAnswer, ExchangePorts
from app.exchange.storage import Content
from app.keys import Keys

_EVENTS: Final = {
    DisclosureKind.VIEWED: "exchange.answer_viewed",
    DisclosureKind.PRINTED: "exchange.answer_printed",
    DisclosureKind.EXPORTED: "exchange.answer_exported",
}
_EXPORTS_OVER: Final = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An answer that may be shown, and the leaf that tells of this showing."""

    check: CheckAnswer = field(repr=False)
    number: int
    month: str
    at: datetime
    leaf_index: int


async def view_check(ports: ExchangePorts, *, caller: Principal, check_id: UUID) -> CheckAnswer:
    """Return the caller's own released check once the view has its leaf.

    Raises:
        CheckNotFound: absent or another officer's; the attempt is recorded.
        CheckNotReleased: its answer was withheld, refused, or is not there yet.
        AuditSilent: the view has no leaf in time; nothing is shown.
        AnswerDamaged: the stored answer cannot be opened.
    """
    try:
        shown = await disclose(
            ports, caller=caller, request_id=check_id, kind=DisclosureKind.VIEWED
        )
    except RequestNotFound as error:
        raise CheckNotFound(check_id) from error
    except RequestNotReleased as error:
        raise CheckNotReleased(check_id) from error
    return shown.check


async def disclose(
    ports: ExchangePorts, *, caller: Principal, request_id: UUID, kind: DisclosureKind
) -> Shown:
    """Return the answer of the caller's own released request once this act has its leaf.

    Raises:
        RequestNotFound: absent or another person's; the attempt is recorded.
        RequestNotReleased: refused, withheld, waiting, expired, or destroyed by its term.
        ExportLimitReached: so many answers were taken out in 24 hours; recorded.
        AuditSilent: the act has no leaf in time; nothing is shown.
        AnswerDamaged: the stored answer cannot be opened.
    """
    now = ports.clock()
    async with transaction(ports.sessions) as session:
        row = await requests.of_person(session, request_id=request_id, person_id=caller.person)
        answer = None if row is None else opened(row, ports.keys)
        over = kind is DisclosureKind.EXPORTED and await _exports_are_over(
            session, ports, caller, now
        )
        if row is None or answer is None or over:
            await _refused(session, ports, caller, request_id, over=over, now=now)
            event_id = None
        else:
            event_id = await _written(session, ports, caller, row, answer, kind=kind, now=now)
    if row is None:
        raise RequestNotFound(request_id)
    if answer is None or row.decision_leaf_index is None or row.answer_leaf_index is None:
        raise RequestNotReleased(request_id, status=status_told(row))
    if event_id is None:
        raise ExportLimitReached("too many answers were taken out in a day")
    leaf_index = await ports.trail.sequenced(
        ports.sessions, event_id=event_id, timeout_seconds=ports.audit_wait_seconds
    )
    check = CheckAnswer(
        check_id=request_id,
        basis=row.basis.value,
        rule_set=row.rule_set,
        stop_ground=row.stop_ground,
        received_at=row.received_at,
        decision_leaf_index=row.decision_leaf_index,
        answer_leaf_index=row.answer_leaf_index,
        answer=answer,
    )
    return Shown(check=check, number=row.number, month=row.month, at=now, leaf_index=leaf_index)


async def _exports_are_over(
    session: AsyncSession, ports: ExchangePorts, caller: Principal, now: datetime
) -> bool:
    # Two exports of one person at once count each other.
    await requests.one_by_one(session, name=f"exchange exports {caller.person}")
    made = await requests.disclosures_since(
        session,
        person_id=caller.person,
        kind=DisclosureKind.EXPORTED,
        since=now - _EXPORTS_OVER,
    )
    return made >= ports.exports_day_max


async def _refused(
    session: AsyncSession,
    ports: ExchangePorts,
    caller: Principal,
    request_id: UUID,
    *,
    over: bool,
    now: datetime,
) -> None:
    await ports.trail.record(
        session,
        event="exchange.export_refused" if over else "exchange.view_refused",
        at=now,
        who=caller,
        fields={"check_id": str(request_id)},
    )


async def _written(
    session: AsyncSession,
    ports: ExchangePorts,
    caller: Principal,
    row: RegisterRequestRow,
    answer: Answer,
    *,
    kind: DisclosureKind,
    now: datetime,
) -> UUID:
    event_id = await ports.trail.record(
        session,
        event=_EVENTS[kind],
        at=now,
        who=caller,
        subject_iin=answer.iin,
        fields={"check_id": str(row.id)},
    )
    await requests.disclose(
        session,
        row_id=uuid4(),
        kind=kind,
        values={
            "request_id": row.id,
            "person_id": caller.person,
            "post_id": caller.post_id,
            "at": now,
            "event_id": event_id,
        },
    )
    return event_id


def mark_of(shown: Shown, *, caller: Principal) -> str:
    """Return the line that goes on every page of an answer on paper: who, when, which request."""
    at = in_law_zone(shown.at)
    return (
        f"{shown.month}/{shown.number} · {at:%Y-%m-%d %H:%M:%S %z} · {caller.person}"
        f" · {shown.check.basis} · {shown.leaf_index}"
    )


async def list_requests(
    ports: ExchangePorts, *, caller: Principal, before: UUID | None, limit: int
) -> list[RegisterRequestRow]:
    """Return the caller's own requests, the newest first, from behind ``before`` on.

    Raises:
        RequestNotFound: ``before`` is no request of the caller.
    """
    async with transaction(ports.sessions) as session:
        place = None
        if before is not None:
            last = await requests.of_person(session, request_id=before, person_id=caller.person)
            if last is None:
                raise RequestNotFound(before)
            place = (last.received_at, last.id)
        return await requests.list_of_person(
            session, person_id=caller.person, before=place, limit=limit
        )


def status_told(row: RegisterRequestRow) -> str:
    """Return the status as it is told: an answer whose term is over is destroyed."""
    return "destroyed" if row.destroyed_at is not None else row.status.value


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
        CheckNotReleased: its answer was withheld, refused, is about no person, or is not there.
        AnswerDamaged: the stored answer cannot be opened.
    """
    row = await requests.of_person(session, request_id=check_id, person_id=caller.person)
    if row is None:
        raise CheckNotFound(check_id)
    answer = opened(row, keys)
    if answer is None or answer.iin is None:
        raise CheckNotReleased(check_id)
    event_id = await trail.record(
        session,
        event="exchange.answer_used",
        at=now,
        who=caller,
        subject_iin=answer.iin,
        fields={"check_id": str(check_id), "purpose": "offence_record"},
    )
    await requests.note_event(session, request_id=check_id, event_id=event_id)
    return facts_of(
        check_id=check_id,
        received_at=row.received_at,
        iin=answer.iin,
        plate=answer.plate,
        birth_date=answer.birth_date,
        parts=answer.parts,
    )


def opened(row: RegisterRequestRow, keys: Keys) -> Answer | None:
    """Return the answer of a released request, or ``None`` where nothing may be shown."""
    if row.status is not RequestStatus.RELEASED or row.wrapped_key is None or row.answer is None:
        return None
    content = key_of(row, keys).unseal(Content.ANSWER, row.answer)
    try:
        return answer_of(json.loads(content))
    except (ValueError, KeyError, TypeError) as error:
        raise AnswerDamaged("a stored answer has another form") from error
