"""The roadside check: record, wait for the leaf, ask, record, wait for the leaf, release."""

import asyncio
import hashlib
import secrets
from uuid import UUID, uuid4

from app.access import Principal
from app.audit.errors import AuditSilent
from app.clock import law_date
from app.db import transaction
from app.exchange import storage
from app.exchange.repository import requests
from app.exchange.rules.answers import Answer, answer_bytes
from app.exchange.rules.bases import (
    VEHICLE_REGISTERS,
    Basis,
    registers_to_ask,
    rule_set_on,
)
from app.exchange.rules.requests import (
    Part,
    PartStatus,
    RequestStatus,
    cautions_of,
    next_status,
)
from app.exchange.rules.subjects import CheckInput, Subject, read_subject
from app.exchange.service.deciding import decide_and_record, refusal
from app.exchange.service.ports import CheckAnswer, ExchangePorts
from app.exchange.wire.registers import Query, RegisterName, RegisterRequest, Requester
from app.iin import Iin

_SALT_BYTES = 16


async def make_check(ports: ExchangePorts, *, caller: Principal, sent: CheckInput) -> CheckAnswer:
    """Check a driver, and a vehicle where a plate is given, on the basis of a primary check.

    No register is asked before the verdict has its leaf in the log, and nothing of the answer is
    returned before the answer's hash has one. A register that is silent leaves its part missing
    and hides none of the others.

    Raises:
        IinNotValid, MrzNotValid, PlateNotValid: misread; recorded as a refusal.
        GateRefused: a gate refuses; recorded, with the item of the Rules and three texts.
        AuditSilent: the log gave no leaf in time. Nothing was asked, or what was answered is
            withheld for ever; make a new check.
    """
    now = ports.clock()
    check_id = uuid4()
    rules = rule_set_on(law_date(now))
    subject = read_subject(sent, today=law_date(now))
    decided = await decide_and_record(
        ports, check_id=check_id, caller=caller, sent=sent, subject=subject, rules=rules, now=now
    )
    if not decided.verdict.allowed or subject.iin is None or decided.officer is None:
        raise refusal(check_id=check_id, verdict=decided.verdict, subject=subject)
    decision_leaf = await _leaf_or_withhold(ports, check_id, decided.event_id)
    await _move(ports, check_id, RequestStatus.ASKED, decision_leaf_index=decision_leaf)
    requester = Requester(
        department_bin=decided.officer.department_bin,
        officer_iin=decided.officer.iin,
        basis=Basis.PRIMARY_CHECK.value,
    )
    parts = await _ask_all(ports, subject.iin, subject.plate, requester)
    answer = _answer(subject, subject.iin, parts, ports)
    event_id = await _record_answer(ports, check_id, caller, answer)
    answer_leaf = await _leaf_or_withhold(ports, check_id, event_id)
    await _move(ports, check_id, RequestStatus.SEQUENCED, answer_leaf_index=answer_leaf)
    await _move(ports, check_id, RequestStatus.RELEASED, released_at=ports.clock())
    return CheckAnswer(
        check_id=check_id,
        basis=Basis.PRIMARY_CHECK.value,
        rule_set=rules.id,
        stop_ground=sent.stop_ground,
        received_at=now,
        decision_leaf_index=decision_leaf,
        answer_leaf_index=answer_leaf,
        answer=answer,
    )


async def _leaf_or_withhold(ports: ExchangePorts, check_id: UUID, event_id: UUID) -> int:
    try:
        return await ports.trail.sequenced(
            ports.sessions, event_id=event_id, timeout_seconds=ports.audit_wait_seconds
        )
    except AuditSilent:
        await _move(ports, check_id, RequestStatus.WITHHELD)
        raise


async def _move(
    ports: ExchangePorts, check_id: UUID, target: RequestStatus, **values: object
) -> None:
    async with transaction(ports.sessions) as session:
        row = await requests.locked(session, check_id)
        row.status = next_status(row.status, target)
        for name, value in values.items():
            setattr(row, name, value)


async def _ask_all(
    ports: ExchangePorts, iin: Iin, plate: str | None, requester: Requester
) -> tuple[Part, ...]:
    """Ask every register at once; whoever has not answered by the bound has timed out."""
    names = registers_to_ask(with_plate=plate is not None)
    tasks = {
        name: asyncio.create_task(
            _ask(ports, name, iin, plate, requester), name=f"ask-{name.value}"
        )
        for name in names
    }
    try:
        await asyncio.wait(tasks.values(), timeout=ports.answer_wait_seconds)
        parts = {name: _part(name, task) for name, task in tasks.items()}
    finally:
        for task in tasks.values():
            task.cancel()
    for name in VEHICLE_REGISTERS:
        parts.setdefault(name, Part(register=name, status=PartStatus.NOT_ASKED))
    return tuple(parts[name] for name in registers_to_ask(with_plate=True))


async def _ask(
    ports: ExchangePorts, name: RegisterName, iin: Iin, plate: str | None, requester: Requester
) -> Part:
    query = Query(plate=plate) if name in VEHICLE_REGISTERS else Query(iin=iin.digits)
    request = RegisterRequest(
        message_id=uuid4(), message_at=ports.clock(), requester=requester, query=query
    )
    return await ports.registers.ask(register=name, request=request)


def _part(name: RegisterName, task: asyncio.Task[Part]) -> Part:
    if not task.done():
        return Part(register=name, status=PartStatus.TIMED_OUT, fault="timed_out")
    return task.result()


def _answer(subject: Subject, iin: Iin, parts: tuple[Part, ...], ports: ExchangePorts) -> Answer:
    card = subject.card
    cautions = cautions_of(
        parts,
        iin=iin.digits,
        document_number=None if card is None else card.document_number,
        document_expires_on=None if card is None else card.expires_on,
        today=law_date(ports.clock()),
    )
    return Answer(
        salt=secrets.token_hex(_SALT_BYTES),
        iin=iin.digits,
        birth_date=iin.birth_date,
        plate=subject.plate,
        document_number=None if card is None else card.document_number,
        document_expires_on=None if card is None else card.expires_on,
        cautions=tuple(one.value for one in cautions),
        parts=parts,
    )


async def _record_answer(
    ports: ExchangePorts, check_id: UUID, caller: Principal, answer: Answer
) -> UUID:
    content = answer_bytes(answer)
    sealed = storage.seal(vault=ports.keys.vault, request_id=check_id, plaintext=content)
    digest = hashlib.sha256(content).hexdigest()
    statuses: list[dict[str, object]] = [
        {
            "register": part.register.value,
            "status": part.status.value,
            "hit": part.status is PartStatus.FOUND,
            "asked_ms": part.asked_ms,
            "fault": part.fault,
        }
        for part in answer.parts
    ]
    async with transaction(ports.sessions) as session:
        row = await requests.locked(session, check_id)
        row.parts = statuses
        row.wrapped_key, row.answer = sealed.wrapped_key, sealed.ciphertext
        row.answer_sha256 = digest
        return await ports.trail.record(
            session,
            event="exchange.answer_recorded",
            at=ports.clock(),
            who=caller,
            subject_iin=answer.iin,
            fields={
                "check_id": str(check_id),
                "answer_sha256": digest,
                "parts": statuses,
                "cautions": list(answer.cautions),
            },
        )
