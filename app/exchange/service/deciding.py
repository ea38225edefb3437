"""Asking the gates over gathered facts, and writing their verdict down with its event."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.errors import MonthClosed
from app.audit.rules.numbering import RunningNumber, month_of
from app.audit.service import Written, next_number
from app.clock import law_date
from app.db import driver_of
from app.exchange.models import RegisterRequestRow
from app.exchange.repository import requests
from app.exchange.repository.release import Seals
from app.exchange.rules.bases import Basis, RequestField
from app.exchange.rules.gates import FieldState, Outcome, Verdict, decide
from app.exchange.rules.requests import WAITING, RequestStatus, next_status
from app.exchange.rules.sampling import is_drawn
from app.exchange.rules.texts import TEXTS
from app.exchange.rules.waiting import STATUS_OF, dies_at, next_attempt_at
from app.exchange.service.asking import Asking, Said, commitment, seal_about, tidied
from app.exchange.service.gathering import Gathered, Read, gather, gathered_from, read_tables
from app.exchange.service.ports import ExchangePorts
from app.exchange.service.refusing import fault_of
from app.exchange.service.sampling import seed_of
from app.exchange.storage import Content, DataKey, new_key
from app.identity import service as identity

_EVENTS: Final = {
    Outcome.ALLOWED: "exchange.request_decided",
    Outcome.REFUSED: "exchange.request_refused",
}
_WAITS: Final = "exchange.request_waits"
_FIELD_COLUMNS: Final = {
    RequestField.CASE_NUMBER: "case_number",
    RequestField.ORDER_NUMBER: "order_number",
    RequestField.ORDER_BODY: "order_body",
    RequestField.COVER_LETTER: "cover_letter_number",
    RequestField.COURT: "court",
}


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A recorded verdict and the event that tells of it.

    ``key`` seals what comes of it; ``seals`` tell whether the right to it changed since.
    """

    asking: Asking
    verdict: Verdict
    status: RequestStatus
    event_id: UUID
    officer: identity.Requester | None
    running: RunningNumber
    key: DataKey | None = field(repr=False)
    seals: Seals


async def decide_and_record(ports: ExchangePorts, asking: Asking, said: Said) -> Decided:
    """Record a new request with its verdict, in one transaction with the audit event.

    A refusal is recorded the same way and *returned*: raising inside would erase its record. A
    request on its way while its month is closed belongs to the month that has begun.
    """
    try:
        return await _decide_new(ports, asking, said)
    except MonthClosed:
        return await _decide_new(ports, replace(asking, received_at=ports.clock()), said)


async def _decide_new(ports: ExchangePorts, asking: Asking, said: Said) -> Decided:
    """Decide as if nobody else of this person came, or else with the others waiting behind.

    The first way holds nothing while it thinks, and takes two statements. It writes only where
    the number it decided with is the next one still: then no request of his was counted since the
    facts were read, and its counts are exact.

    Raises:
        MonthClosed: see ``next_number``.
    """
    seed = await seed_of(ports, day=law_date(asking.received_at))
    at, stream = asking.received_at, asking.caller.person
    async with ports.direct.connection() as connection:
        read = await read_tables(connection, ports, asking, now=at)
        next_one = read.known.last_number + 1
        running = RunningNumber(stream=stream, month=month_of(at), number=next_one)
        judged = _judged(ports, asking, said, read, running, seed)
        if await requests.insert_numbered(connection, judged.row, event=judged.event):
            return judged.decided
    async with ports.direct.transaction() as connection:
        # The number comes first: others of this person wait behind it, so that two requests at
        # once count each other.
        running = await next_number(connection, stream=stream, at=at)
        read = await read_tables(connection, ports, asking, now=at)
        judged = _judged(ports, asking, said, read, running, seed)
        await requests.insert(connection, judged.row, event=judged.event)
    return judged.decided


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """A verdict that is not written yet."""

    decided: Decided
    row: dict[str, object] = field(repr=False)
    event: Written


def _judged(
    ports: ExchangePorts,
    asking: Asking,
    said: Said,
    read: Read,
    running: RunningNumber,
    seed: bytes,
) -> _Judged:
    now = asking.received_at
    gathered = gathered_from(read, ports, asking, said, drawn=_drawn(seed, running))
    verdict = decide(gathered.facts, rules=asking.rules)
    key = None
    if asking.about.key is not None:
        key = new_key(vault=ports.keys.vault, owner=asking.request_id)
    status = STATUS_OF[verdict.outcome]
    event = _event(ports, asking, gathered, verdict, now=now, more=running.as_fields())
    row = _row_of(asking, gathered, running, key)
    attempts = 0 if said.case is None else 1
    row |= _decision(asking, said, gathered, verdict, status, attempts=attempts, now=now)
    # What is told at once must be on the disk first; what is allowed waits for its leaf.
    row |= {"event_ids": [event.event_id], "awaits_leaf": verdict.allowed}
    decided = Decided(
        asking=asking,
        verdict=verdict,
        status=status,
        event_id=event.event_id,
        officer=gathered.officer,
        running=running,
        key=key,
        seals=gathered.seals,
    )
    return _Judged(decided=decided, row=row, event=event)


async def decide_again(
    session: AsyncSession,
    ports: ExchangePorts,
    row: RegisterRequestRow,
    asking: Asking,
    said: Said,
    *,
    key: DataKey,
    seed: bytes,
    now: datetime,
) -> Decided:
    """Record the verdict on a request that waited, over facts as they are now.

    Every gate is asked anew; number, draw and edition of the rules stay those of the request.

    Args:
        session: the transaction that holds ``row`` locked.
        ports: everything a request needs.
        row: the request as it waited.
        asking: the same for its person as he is now, with what he added.
        said: what others said of it now.
        key: its data key.
        seed: of the day on which it was received.
        now: the instant of the verdict.
    """
    running = RunningNumber(stream=row.person_id, month=row.month, number=row.number)
    drawn = _drawn(seed, running)
    connection = await driver_of(session)
    gathered = await gather(connection, ports, asking, said, drawn=drawn, now=now)
    verdict = decide(gathered.facts, rules=asking.rules)
    status = next_status(row.status, STATUS_OF[verdict.outcome])
    event = _event(ports, asking, gathered, verdict, now=now, more={"attempt": row.attempts})
    await ports.trail.record_prepared(connection, event)
    values = _decision(asking, said, gathered, verdict, status, attempts=row.attempts, now=now)
    if gathered.facts.justification is FieldState.GOOD:
        text = asking.sent.justification.strip().encode()
        values["extended_sealed"] = key.seal(Content.JUSTIFICATION, text)
    for name, value in values.items():
        setattr(row, name, value)
    row.event_ids = [*row.event_ids, event.event_id]
    await session.flush()
    return Decided(
        asking=asking,
        verdict=verdict,
        status=status,
        event_id=event.event_id,
        officer=gathered.officer,
        running=running,
        key=key,
        seals=gathered.seals,
    )


def _drawn(seed: bytes, running: RunningNumber) -> bool:
    return is_drawn(seed, person_id=running.stream, month=running.month, number=running.number)


def _row_of(
    asking: Asking, gathered: Gathered, running: RunningNumber, key: DataKey | None
) -> dict[str, object]:
    sent, caller, about, rule = asking.sent, asking.caller, asking.about, asking.rule
    # A misread text is not kept: nobody knows what stands in it.
    good = {name for name, state in gathered.facts.given if state is FieldState.GOOD}
    typed = tidied(sent)
    numbers = {
        column: typed[column] if name in good else None for name, column in _FIELD_COLUMNS.items()
    }
    justified = key is not None and gathered.facts.justification is FieldState.GOOD
    return {
        "id": asking.request_id,
        "basis": Basis(sent.basis),
        "stop_ground": sent.listed_stop_ground,
        "services": list(sent.services),
        "rule_set": asking.rules.id,
        "person_id": caller.person,
        "post_id": caller.post_id,
        "department_id": caller.department_id,
        "device_id": caller.device_id,
        "month": running.month,
        "number": running.number,
        "subject_kind": about.kind if key is not None else None,
        "subject_index": gathered.subject_index,
        "subject_sealed": None if key is None else seal_about(key, about),
        "wrapped_key": None if key is None else key.wrapped,
        "case_register": None if rule is None or rule.register is None else rule.register.value,
        "case_year": sent.year if RequestField.YEAR in good else None,
        "article": typed["article"] if typed["article"] in asking.rules.articles else None,
        "sanction_id": sent.sanction_id if _is_known(gathered) else None,
        "extended_sealed": key.seal(Content.JUSTIFICATION, sent.justification.strip().encode())
        if justified and key is not None
        else None,
        "received_at": asking.received_at,
        "objection_sealed": None,
        **_kept_position(asking),
        **numbers,
    }


def _kept_position(asking: Asking) -> dict[str, object]:
    position = asking.sent.position
    latitude, longitude = (None, None) if position is None else position.rounded_e2
    return {"latitude_e2": latitude, "longitude_e2": longitude}


def _is_known(gathered: Gathered) -> bool:
    return gathered.facts.sanction.value not in {"not_named", "unknown"}


def _decision(
    asking: Asking,
    said: Said,
    gathered: Gathered,
    verdict: Verdict,
    status: RequestStatus,
    *,
    attempts: int,
    now: datetime,
) -> dict[str, object]:
    pending = status is RequestStatus.PENDING_VERIFICATION
    again = next_attempt_at(attempts=attempts, received_at=asking.received_at, now=now)
    return {
        "status": status,
        "gate": verdict.gate,
        "refusal": verdict.code,
        "snapshot_sha256": gathered.snapshot_sha256,
        "recon": None if said.case is None else said.case.verdict.value,
        "extended_asked": bool(gathered.facts.drawn),
        "flags": [flag.value for flag in gathered.flags],
        "attempts": attempts,
        "next_attempt_at": again if pending else None,
        "dies_at": dies_at(asking.received_at) if status in WAITING else None,
        "decided_at": now,
    }


def _event(
    ports: ExchangePorts,
    asking: Asking,
    gathered: Gathered,
    verdict: Verdict,
    *,
    now: datetime,
    more: dict[str, object],
) -> Written:
    iin = None if asking.about.iin is None else asking.about.iin.digits
    event = _EVENTS.get(verdict.outcome, _WAITS)
    return ports.trail.prepared(
        event=event,
        at=now,
        who=asking.caller,
        subject_iin=iin,
        fields=_event_fields(ports, asking, gathered, verdict) | more,
    )


def _event_fields(
    ports: ExchangePorts, asking: Asking, gathered: Gathered, verdict: Verdict
) -> dict[str, object]:
    facts, about, sent = gathered.facts, asking.about, asking.sent
    key, salt = ports.keys.subject, asking.request_id
    fields: dict[str, object] = {
        "check_id": str(asking.request_id),
        "basis": facts.basis,
        "stop_ground": facts.stop_ground,
        "services": list(facts.services),
        "rule_set": verdict.rule_set,
        "snapshot_sha256": gathered.snapshot_sha256,
        "subject_from": "typed" if sent.mrz is None else "mrz",
        # Salted by the request's id: the same plate or number looks different in every leaf.
        "plate_commitment": _hidden(key, f"plate {salt}", about.plate),
        "bin_commitment": _hidden(key, f"bin {salt}", about.bin),
        "case_commitment": _hidden(key, f"case {salt}", tidied(sent)["case_number"]),
        "recon": None if facts.recon is None else facts.recon.value,
        "drawn": bool(facts.drawn),
        "flags": [flag.value for flag in gathered.flags],
    }
    if verdict.gate is not None and verdict.code is not None:
        fault = fault_of(verdict.code, about)
        fields |= {
            "gate": verdict.gate.value,
            "refusal": verdict.code.value,
            "item": TEXTS[verdict.code].item,
            "fault": None if fault is None else fault.code,
        }
    return fields


def _hidden(key: bytes, label: str, text: str | None) -> str | None:
    return None if text is None else commitment(key, label, text).hex()
