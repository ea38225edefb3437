"""After the gates: the leaf, the registers, the answer's leaf, the release."""

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID, uuid4

from app.audit.errors import AuditSilent
from app.canonical import exact
from app.clock import law_date
from app.db import Connection
from app.exchange.errors import AnswerWithheld
from app.exchange.repository import release, requests
from app.exchange.rules.access import AgreementStanding, UserStanding
from app.exchange.rules.answers import Answer, answer_bytes
from app.exchange.rules.bases import VEHICLE_REGISTERS, Basis, registers_to_ask
from app.exchange.rules.gates import DEVICE_GOOD, Channel
from app.exchange.rules.inputs import About
from app.exchange.rules.requests import Part, PartStatus, RequestStatus, cautions_of, next_status
from app.exchange.service.access import AccessStanding, standing_of
from app.exchange.service.asking import Asking
from app.exchange.service.deciding import Decided
from app.exchange.service.gathering import asks_device, device_standing, vouched_for
from app.exchange.service.ports import CheckAnswer, ExchangePorts
from app.exchange.storage import Content, DataKey
from app.exchange.wire.registers import Query, RegisterName, RegisterRequest, Requester
from app.identity import service as identity

_SALT_BYTES: Final = 16


async def answer_request(ports: ExchangePorts, decided: Decided) -> CheckAnswer:
    """Ask the registers of an allowed request and release what they say.

    No register is asked before the verdict has its leaf in the log, and nothing of the answer is
    returned before the answer's hash has one. A register that is silent leaves its part missing
    and hides none of the others.

    Raises:
        AuditSilent: the log gave no leaf in time. Nothing was asked, or what was answered is
            withheld for ever; make a new request.
        AnswerWithheld: the person lost the right while the registers were asked.
    """
    asking, officer, key = decided.asking, decided.officer, decided.key
    if not decided.verdict.allowed or officer is None or key is None:
        raise ValueError("only an allowed request with a subject is answered")
    decision_leaf = await _leaf_or_withhold(
        ports, asking, decided.event_id, current=RequestStatus.RECEIVED
    )
    requester = Requester(
        department_bin=officer.department_bin, officer_iin=officer.iin, basis=asking.sent.basis
    )
    answer = _answer(asking, await _ask_all(ports, asking, requester), ports)
    event_id = await _record_answer(ports, asking, answer, key, decision_leaf)
    answer_leaf = await _leaf_or_withhold(ports, asking, event_id, current=RequestStatus.ASKED)
    await _release(ports, decided, answer_leaf)
    return CheckAnswer(
        check_id=asking.request_id,
        basis=asking.sent.basis,
        rule_set=asking.rules.id,
        stop_ground=asking.sent.listed_stop_ground,
        received_at=asking.received_at,
        decision_leaf_index=decision_leaf,
        answer_leaf_index=answer_leaf,
        answer=answer,
    )


async def _leaf_or_withhold(
    ports: ExchangePorts, asking: Asking, event_id: UUID, *, current: RequestStatus
) -> int:
    try:
        return await ports.trail.sequenced(
            ports.sessions, event_id=event_id, timeout_seconds=ports.audit_wait_seconds
        )
    except AuditSilent:
        async with ports.direct.connection() as connection:
            await requests.settle(
                connection,
                request_id=asking.request_id,
                current=current,
                target=next_status(current, RequestStatus.WITHHELD),
            )
        raise


def _asked(asking: Asking) -> tuple[RegisterName, ...]:
    return tuple(RegisterName(name) for name in asking.sent.services)


async def _ask_all(ports: ExchangePorts, asking: Asking, requester: Requester) -> tuple[Part, ...]:
    """Ask every register at once; whoever has not answered by the bound has timed out."""
    queries, at = _Queries.about(asking.about), ports.clock()
    tasks = {
        name: asyncio.create_task(
            # Its parts were checked one by one as they were made; it is asked for eight times.
            ports.registers.ask(
                register=name,
                request=RegisterRequest.model_construct(
                    message_id=uuid4(), message_at=at, requester=requester, query=queries.to(name)
                ),
            )
        )
        for name in _asked(asking)
    }
    try:
        await asyncio.wait(tasks.values(), timeout=ports.answer_wait_seconds)
        parts = {name: _part(name, task) for name, task in tasks.items()}
    finally:
        for task in tasks.values():
            task.cancel()
    return _in_order(asking, parts)


def _in_order(asking: Asking, parts: dict[RegisterName, Part]) -> tuple[Part, ...]:
    # A roadside check names the registers of vehicles too where no plate was given.
    if asking.sent.basis != Basis.PRIMARY_CHECK.value or asking.caller.device_id is None:
        return tuple(parts.values())
    roadside = registers_to_ask(with_plate=True)
    if not set(parts) <= set(roadside):
        return tuple(parts.values())
    for name in VEHICLE_REGISTERS:
        parts.setdefault(name, Part(register=name, status=PartStatus.NOT_ASKED))
    return tuple(parts[name] for name in roadside if name in parts)


@dataclass(frozen=True)
class _Queries:
    """One request's questions: whom or what each kind of register is asked about."""

    person: Query
    vehicle: Query
    legal_entity: Query

    @classmethod
    def about(cls, about: About) -> Self:
        return cls(
            person=Query(iin=None if about.iin is None else about.iin.digits),
            vehicle=Query(plate=about.plate),
            legal_entity=Query(bin=about.bin),
        )

    def to(self, name: RegisterName) -> Query:
        if name is RegisterName.LEGAL_ENTITY:
            return self.legal_entity
        return self.vehicle if name in VEHICLE_REGISTERS else self.person


def _part(name: RegisterName, task: asyncio.Task[Part]) -> Part:
    if not task.done():
        return Part(register=name, status=PartStatus.TIMED_OUT, fault="timed_out")
    return task.result()


def _answer(asking: Asking, parts: tuple[Part, ...], ports: ExchangePorts) -> Answer:
    about = asking.about
    cautions = cautions_of(
        parts,
        iin=None if about.iin is None else about.iin.digits,
        document_number=about.document_number,
        document_expires_on=about.document_expires_on,
        today=law_date(ports.clock()),
    )
    return Answer(
        salt=secrets.token_hex(_SALT_BYTES),
        iin=None if about.iin is None else about.iin.digits,
        birth_date=None if about.iin is None else about.iin.birth_date,
        bin=about.bin,
        plate=about.plate,
        document_number=about.document_number,
        document_expires_on=about.document_expires_on,
        cautions=tuple(one.value for one in cautions),
        parts=parts,
    )


async def _record_answer(
    ports: ExchangePorts, asking: Asking, answer: Answer, key: DataKey, decision_leaf: int
) -> UUID:
    content = answer_bytes(answer)
    digest = hashlib.sha256(content).hexdigest()
    statuses: list[dict[str, object]] = [
        {
            "register": part.register.value,
            "status": part.status.value,
            "hit": part.status is PartStatus.FOUND,
            "asked_ms": exact(part.asked_ms),
            "fault": part.fault,
        }
        for part in answer.parts
    ]
    hit = any(part.status is PartStatus.FOUND for part in answer.parts)
    event = ports.trail.prepared(
        event="exchange.answer_recorded",
        at=ports.clock(),
        who=asking.caller,
        subject_iin=answer.iin,
        fields={
            "check_id": str(asking.request_id),
            "answer_sha256": digest,
            "hit": hit,
            "parts": statuses,
            "cautions": list(answer.cautions),
        },
    )
    moved = await requests.put_answer(
        ports.direct,
        request_id=asking.request_id,
        current=RequestStatus.RECEIVED,
        target=next_status(RequestStatus.RECEIVED, RequestStatus.ASKED),
        event=event,
        values={
            "parts": statuses,
            "hit": hit,
            "answer": key.seal(Content.ANSWER, content),
            "answer_sha256": digest,
            "decision_leaf_index": decision_leaf,
        },
    )
    if not moved:  # given up meanwhile: nothing of the answer is kept
        raise AnswerWithheld(asking.request_id, reason="given_up")
    return event.event_id


async def _release(ports: ExchangePorts, decided: Decided, answer_leaf: int) -> None:
    """Release the answer, or withhold it for ever where the right to it was lost meanwhile.

    Session and device are held while the answer is released: who blocks the person or reports
    the device lost waits for that, and who did so first is seen. So nothing is released after
    that was committed. Where nothing at all changed since the verdict, one statement says so and
    releases; otherwise what changed is looked at.
    """
    asking = decided.asking
    if await _released_unchanged(ports, decided, answer_leaf):
        return
    sequenced = next_status(RequestStatus.ASKED, RequestStatus.SEQUENCED)
    async with ports.direct.transaction() as connection:
        now = ports.clock()
        lost = await _lost(connection, ports, asking)
        moved = await requests.settle(
            connection,
            request_id=asking.request_id,
            current=RequestStatus.ASKED,
            target=next_status(
                sequenced, RequestStatus.RELEASED if lost is None else RequestStatus.WITHHELD
            ),
            answer_leaf_index=answer_leaf,
            released_at=now if lost is None else None,
        )
        if not moved:
            lost = lost or "given_up"
        if lost is not None:
            await ports.trail.record_direct(
                connection,
                event="exchange.answer_withheld",
                at=now,
                who=asking.caller,
                fields={"check_id": str(asking.request_id), "reason": lost},
            )
    if lost is not None:
        raise AnswerWithheld(asking.request_id, reason=lost)


async def _released_unchanged(ports: ExchangePorts, decided: Decided, answer_leaf: int) -> bool:
    """Release where session, standing and device are as they were when the gates looked."""
    asking, caller, now = decided.asking, decided.asking.caller, ports.clock()
    devices = ports.device_standing if asks_device(asking) else None
    by_session = caller.session_id is not None and asking.channel is Channel.OWN
    if not by_session or asks_device(asking) is not (devices is not None):
        return False
    sequenced = next_status(RequestStatus.ASKED, RequestStatus.SEQUENCED)
    async with ports.direct.connection() as connection:
        return await release.unchanged(
            connection,
            seals=decided.seals,
            device=None if devices is None else devices.held,
            values={
                "request_id": asking.request_id,
                "current": RequestStatus.ASKED,
                "target": next_status(sequenced, RequestStatus.RELEASED),
                "answer_leaf_index": answer_leaf,
                "person_id": caller.person,
                "post_id": caller.post_id,
                "session_id": caller.session_id,
                "device_id": caller.device_id,
                "idle_since": now - ports.session_idle,
                "today": law_date(now),
                "now": now,
            },
        )


async def _lost(connection: Connection, ports: ExchangePorts, asking: Asking) -> str | None:
    """Return what of the person's right is no longer there, or ``None``."""
    caller, now = asking.caller, ports.clock()
    if caller.post_id is None:
        return "post"
    if asking.channel is Channel.EAIAS:  # courts have no session with us
        known = await standing_of(
            connection, person_id=caller.person, post_id=caller.post_id, at=now
        )
        return _missing(asking, vouched_for(known, services=asking.sent.services))
    lives = await identity.session_lives(
        connection,
        person_id=caller.person,
        post_id=caller.post_id,
        session_id=caller.session_id,
        idle=ports.session_idle,
        now=now,
        hold=True,
    )
    standing = await standing_of(
        connection, person_id=caller.person, post_id=caller.post_id, at=now
    )
    if not lives:
        return "session"
    return _missing(asking, standing) or await _device_lost(connection, ports, asking)


async def _device_lost(connection: Connection, ports: ExchangePorts, asking: Asking) -> str | None:
    if not asks_device(asking):
        return None
    row: Sequence[object] = ()
    if ports.device_standing is not None:
        statement = ports.device_standing.held
        row = await release.device_row(
            connection, statement, device_id=asking.caller.device, at=ports.clock()
        )
    standing = device_standing(ports, asking, row)
    return None if standing in DEVICE_GOOD else f"device_{standing.value}"


def _missing(asking: Asking, standing: AccessStanding) -> str | None:
    if standing.user is not UserStanding.ACTIVE:
        return f"user_{standing.user.value}"
    if standing.agreement is not AgreementStanding.SIGNED:
        return f"agreement_{standing.agreement.value}"
    granted = standing.services.issuperset(asking.sent.services)
    return None if granted and asking.sent.basis in standing.bases else "rights"
