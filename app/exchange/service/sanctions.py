"""Court sanctions: drawn up, signed, sent, answered. Each step is an event of the log.

What is sent waits for the courts' own channel to fetch it; the court's answer comes over that
channel and is written down by ``record_court_answer``.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import rfc8785
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.clock import law_date
from app.db import transaction
from app.exchange.errors import AnswerDamaged, SanctionNotFound, SanctionNotValid
from app.exchange.models import CourtSanctionRow, SanctionStepRow
from app.exchange.repository import sanctions as repository
from app.exchange.rules.facts import FieldState
from app.exchange.rules.inputs import About, RequestInput, about_plain, read_about
from app.exchange.rules.number_formats import (
    case_number_state,
    justification_state,
    name_state,
    tidy,
)
from app.exchange.rules.sanctions import (
    CourtDecision,
    SanctionStatus,
    fault_of,
    next_sanction_status,
)
from app.exchange.service.asking import subject_index
from app.exchange.service.ports import ExchangePorts
from app.exchange.storage import Content, DataKey, new_key, open_key
from app.exchange.wire.cases import CaseRegister
from app.identity import service as identity
from app.identity.register import RevocationPort
from app.identity.rules.certificates import Trust

_LISTED_MAX: Final = 200
_EXPIRED_AT_ONCE: Final = 200
_NUMBER_MAX: Final = 64  # as wide as the columns


@dataclass(frozen=True, kw_only=True)
class SanctionInput:
    """A sanction as it is asked for, before anything of it is believed."""

    register: CaseRegister
    case_number: str = field(repr=False)
    court: str
    services: tuple[str, ...]
    iin: str | None = field(default=None, repr=False)
    bin: str | None = field(default=None, repr=False)
    grounds: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SanctionView:
    """A sanction with its steps; ``document`` is what is signed and sent to the court."""

    row: CourtSanctionRow
    steps: Sequence[SanctionStepRow]
    document: bytes = field(repr=False)


async def draft_sanction(ports: ExchangePorts, *, caller: Principal, sent: SanctionInput) -> UUID:
    """Draw a request for a sanction up; return its id.

    Raises:
        SanctionNotValid: ``fault`` names the field.
        IinNotValid: the subject's number is misread.
    """
    now, sanction_id = ports.clock(), uuid4()
    about = _checked(sent, now)
    index = subject_index(about, ports.keys)
    if caller.post_id is None or index is None:
        raise SanctionNotValid("subject")
    key = new_key(vault=ports.keys.vault, owner=sanction_id)
    row = CourtSanctionRow(
        id=sanction_id,
        status=SanctionStatus.DRAFT,
        person_id=caller.person,
        post_id=caller.post_id,
        department_id=caller.department_id,
        case_register=sent.register.value,
        case_number=tidy(sent.case_number),
        court=tidy(sent.court),
        services=sorted(set(sent.services)),
        subject_index=index,
        wrapped_key=key.wrapped,
        sealed=_sealed(key, {"subject": about_plain(about), "grounds": sent.grounds.strip()}),
        created_at=now,
    )
    async with transaction(ports.sessions) as session:
        session.add(row)
        await session.flush()
        iin = None if about.iin is None else about.iin.digits
        await _step(session, ports, row, who=caller, now=now, iin=iin)
    return sanction_id


def _checked(sent: SanctionInput, now: datetime) -> About:
    today = law_date(now)
    states = {
        "case_number": case_number_state(sent.case_number, register=sent.register, on=today),
        "court": name_state(sent.court),
        "grounds": justification_state(sent.grounds),
        "services": FieldState.GOOD if sent.services else FieldState.ABSENT,
    }
    for name, state in states.items():
        if state is not FieldState.GOOD:
            raise SanctionNotValid(name)
    asked = RequestInput(basis="", services=sent.services, iin=sent.iin, bin=sent.bin)
    about = read_about(asked, today=today)
    if about.fault is not None:
        raise about.fault
    if about.state is not FieldState.GOOD:
        raise SanctionNotValid("subject")
    return about


def _sealed(key: DataKey, plain: Mapping[str, object]) -> bytes:
    return key.seal(Content.SANCTION, rfc8785.dumps(dict(plain)))  # type: ignore[arg-type]  # JSON values, by construction


def _opened(ports: ExchangePorts, row: CourtSanctionRow) -> tuple[DataKey, dict[str, object]]:
    if row.wrapped_key is None or row.sealed is None:
        raise AnswerDamaged("a stored sanction is destroyed")
    key = open_key(vault=ports.keys.vault, owner=row.id, wrapped=row.wrapped_key)
    plain = json.loads(key.unseal(Content.SANCTION, row.sealed))
    if not isinstance(plain, dict):
        raise AnswerDamaged("a stored sanction has another form")
    return key, plain


def _document(row: CourtSanctionRow, sealed: Mapping[str, object]) -> bytes:
    """Return the canonical bytes that the person signs and the court receives."""
    plain = {
        "v": 1,
        "what": "request for a court sanction",
        "sanction_id": str(row.id),
        "person_id": str(row.person_id),
        "post_id": str(row.post_id),
        "department_id": str(row.department_id),
        "case_register": row.case_register,
        "case_number": row.case_number,
        "court": row.court,
        "services": sealed.get("asked", list(row.services)),  # a court may have granted less
        "subject": sealed["subject"],
        "grounds": sealed["grounds"],
        "created_at": row.created_at.isoformat(),
    }
    return rfc8785.dumps(plain)  # type: ignore[arg-type]  # JSON values, by construction


async def view_sanction(
    ports: ExchangePorts, *, caller: Principal, sanction_id: UUID
) -> SanctionView:
    """Return the caller's own sanction.

    Raises:
        SanctionNotFound: absent, or another person's.
    """
    async with transaction(ports.sessions) as session:
        row = await _own(session, caller, sanction_id, lock=False)
        steps = await repository.steps_of(session, sanction_id=sanction_id)
    _, sealed = _opened(ports, row)
    return SanctionView(row=row, steps=steps, document=_document(row, sealed))


async def list_sanctions(ports: ExchangePorts, *, caller: Principal) -> Sequence[CourtSanctionRow]:
    """Return the caller's own sanctions, the newest first."""
    async with transaction(ports.sessions) as session:
        return await repository.list_of_person(session, person_id=caller.person, limit=_LISTED_MAX)


async def sign_sanction(
    ports: ExchangePorts,
    *,
    caller: Principal,
    sanction_id: UUID,
    cms: bytes,
    trust: Trust,
    revocation: RevocationPort,
) -> None:
    """Sign the caller's own draft: ``cms`` is detached, over the sanction's document.

    Raises:
        SanctionNotFound: absent, or another person's.
        StepRefused: it is no draft any more.
        SignatureRefused, RevocationUnknown: the signature is not good. Nothing changed.
    """
    now = ports.clock()
    await identity.ask_about_signer(ports.sessions, cms=cms, trust=trust, port=revocation, now=now)
    async with transaction(ports.sessions) as session:
        row = await _own(session, caller, sanction_id, lock=True)
        row.status = next_sanction_status(row.status, SanctionStatus.SIGNED)
        _, sealed = _opened(ports, row)
        document = _document(row, sealed)
        row.signature_id = await identity.sign_document(
            session, caller=caller, content=document, cms=cms, now=now, roots=trust
        )
        row.document_sha256 = hashlib.sha256(document).digest()
        await _step(session, ports, row, who=caller, now=now)


async def move_sanction(
    ports: ExchangePorts, *, caller: Principal, sanction_id: UUID, target: SanctionStatus
) -> None:
    """Send the caller's own signed sanction to the court, or withdraw it.

    Raises:
        SanctionNotFound: absent, or another person's.
        StepRefused: it may not go there from where it stands.
    """
    if target not in {SanctionStatus.SENT, SanctionStatus.WITHDRAWN}:
        raise ValueError("a person sends or withdraws; the rest is the court's")
    async with transaction(ports.sessions) as session:
        row = await _own(session, caller, sanction_id, lock=True)
        row.status = next_sanction_status(row.status, target)
        await _step(session, ports, row, who=caller, now=ports.clock())


@dataclass(frozen=True, kw_only=True)
class SanctionForCourt:
    """What a court fetches: the document, byte for byte as it was signed."""

    sanction_id: UUID
    signature_id: UUID | None
    document: bytes = field(repr=False)


async def sanctions_for_court(
    ports: ExchangePorts, *, court: str, after: UUID | None = None
) -> Sequence[SanctionForCourt]:
    """Return what was sent to a court and not received by it yet, ordered by id."""
    async with transaction(ports.sessions) as session:
        rows = await repository.sent(session, court=court, after=after, limit=_LISTED_MAX)
    return [
        SanctionForCourt(
            sanction_id=row.id,
            signature_id=row.signature_id,
            document=_document(row, _opened(ports, row)[1]),
        )
        for row in rows
    ]


async def record_court_receipt(
    ports: ExchangePorts, *, sanction_id: UUID, court: str, eaias_number: str
) -> None:
    """Write down that the court has the sanction, under a number of its own system.

    Repeating the same receipt changes nothing.

    Raises:
        SanctionNotFound: absent, or sent to another court.
        SanctionNotValid: no number.
        StepRefused: it was not sent, or has another number.
    """
    number = tidy(eaias_number)
    if not number or len(number) > _NUMBER_MAX:
        raise SanctionNotValid("eaias_number")
    async with transaction(ports.sessions) as session:
        row = await _of_court(session, sanction_id, court)
        if row.status is SanctionStatus.RECEIVED and row.eaias_number == number:
            return
        row.status = next_sanction_status(row.status, SanctionStatus.RECEIVED)
        row.eaias_number = number
        await _step(session, ports, row, who=None, now=ports.clock())


async def record_court_answer(
    ports: ExchangePorts,
    *,
    sanction_id: UUID,
    court: str,
    decision: CourtDecision | None,
    refusal_number: str = "",
) -> None:
    """Write down what the court decided: a sanction granted, or refused where it decided so.

    Args:
        ports: everything a request needs.
        sanction_id: of the sanction.
        court: whose answer it is, as its channel proves.
        decision: what is granted; ``None`` where the court refused.
        refusal_number: of the decision that refuses.

    Raises:
        SanctionNotFound: absent, or sent to another court.
        SanctionNotValid: the answer grants nothing; ``fault`` says why. Nothing changed.
        StepRefused: it was not sent, or is decided already.
    """
    now = ports.clock()
    async with transaction(ports.sessions) as session:
        row = await _of_court(session, sanction_id, court)
        if decision is None:
            row.status = next_sanction_status(row.status, SanctionStatus.REFUSED)
            row.decision_number, row.decided_at = tidy(refusal_number)[:_NUMBER_MAX], now
        else:
            fault = fault_of(decision, services_asked=row.services, now=now)
            if fault is not None:
                raise SanctionNotValid(fault.value)
            row.status = next_sanction_status(row.status, SanctionStatus.GRANTED)
            row.decision_number = tidy(decision.number)[:_NUMBER_MAX]
            row.decided_at, row.valid_until = decision.decided_at, decision.valid_until
            key, sealed = _opened(ports, row)
            asked = sorted(row.services)
            row.sealed = _sealed(key, sealed | {"judge": decision.judge, "asked": asked})
            row.services = sorted(decision.services)
        await _step(session, ports, row, who=None, now=now)


async def expire_sanctions(ports: ExchangePorts) -> int:
    """Mark granted sanctions whose term is over; they have opened nothing since that instant."""
    now = ports.clock()
    async with transaction(ports.sessions) as session:
        rows = await repository.over(session, now=now, limit=_EXPIRED_AT_ONCE)
        for row in rows:
            row.status = next_sanction_status(row.status, SanctionStatus.EXPIRED)
            await _step(session, ports, row, who=None, now=now)
    return len(rows)


async def _own(
    session: AsyncSession, caller: Principal, sanction_id: UUID, *, lock: bool
) -> CourtSanctionRow:
    row = await repository.of_person(
        session, sanction_id=sanction_id, person_id=caller.person, lock=lock
    )
    if row is None:
        raise SanctionNotFound(sanction_id)
    return row


async def _of_court(session: AsyncSession, sanction_id: UUID, court: str) -> CourtSanctionRow:
    row = await repository.by_id(session, sanction_id)
    if row is None or row.court != court or row.status is SanctionStatus.DRAFT:
        raise SanctionNotFound(sanction_id)
    return row


async def _step(
    session: AsyncSession,
    ports: ExchangePorts,
    row: CourtSanctionRow,
    *,
    who: Principal | None,
    now: datetime,
    iin: str | None = None,
) -> None:
    event_id = await ports.trail.record(
        session,
        event="exchange.sanction_step",
        at=now,
        who=who,
        subject_iin=iin,
        fields={
            "sanction_id": str(row.id),
            "status": row.status.value,
            "case_register": row.case_register,
            "services": list(row.services),
            "signature_id": None if row.signature_id is None else str(row.signature_id),
            "eaias_number": row.eaias_number,
            "decision_number": row.decision_number,
            "valid_until": None if row.valid_until is None else row.valid_until.isoformat(),
        },
    )
    session.add(
        SanctionStepRow(
            id=uuid4(),
            sanction_id=row.id,
            status=row.status,
            at=now,
            person_id=None if who is None else who.person,
            event_id=event_id,
        )
    )
    await session.flush()
