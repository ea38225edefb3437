"""First part of a check: gather the facts, ask the gates, write the verdict down."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypedDict
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import next_number
from app.db import transaction
from app.errors import DomainError
from app.exchange.errors import (
    AgreementRefused,
    ArticleRefused,
    BasisRefused,
    DeviceRefused,
    FieldsRefused,
    GateRefused,
    LimitRefused,
    ReconRefused,
    RoleRefused,
    SampleRefused,
    SanctionRefused,
    SessionRefused,
    UserRefused,
)
from app.exchange.repository import requests
from app.exchange.rules.access import AgreementStanding, UserStanding
from app.exchange.rules.bases import Basis, RequestField, RuleSet, SubjectKind, registers_to_ask
from app.exchange.rules.facts import NOTHING_GIVEN
from app.exchange.rules.gates import (
    Channel,
    DeviceStanding,
    Facts,
    FieldState,
    Gate,
    RefusalCode,
    SanctionStanding,
    SecondPerson,
    Verdict,
    decide,
)
from app.exchange.rules.requests import RequestStatus
from app.exchange.rules.subjects import CheckInput, Subject
from app.exchange.rules.texts import TEXTS
from app.exchange.service.ports import ExchangePorts
from app.exchange.wire.registers import RegisterName
from app.identity import service as identity

_REFUSALS: Final[dict[Gate, type[GateRefused]]] = {
    Gate.AUTH: SessionRefused,
    Gate.DEVICE: DeviceRefused,
    Gate.USER: UserRefused,
    Gate.AGREEMENT: AgreementRefused,
    Gate.ROLE: RoleRefused,
    Gate.LIST: BasisRefused,
    Gate.ARTICLE: ArticleRefused,
    Gate.FIELDS: FieldsRefused,
    Gate.SANCTION: SanctionRefused,
    Gate.RECON: ReconRefused,
    Gate.LIMIT: LimitRefused,
    Gate.SAMPLE: SampleRefused,
}


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A recorded verdict and the event that tells of it."""

    verdict: Verdict
    event_id: UUID
    officer: identity.PostCard | None


def commitment(key: bytes, label: str, text: str) -> bytes:
    """Return a keyed hash of ``text``; without the key it tells nothing, even of a short text."""
    return hmac.new(key, f"exchange {label}\x00{text}".encode(), hashlib.sha256).digest()


async def decide_and_record(
    ports: ExchangePorts,
    *,
    check_id: UUID,
    caller: Principal,
    sent: CheckInput,
    subject: Subject,
    rules: RuleSet,
    now: datetime,
) -> Decided:
    """Record the request with its verdict, in one transaction with the audit event.

    A refusal is recorded the same way and *returned*: raising inside would erase its record.
    """
    async with transaction(ports.sessions) as session:
        officer = await _officer(session, caller)
        facts = await _facts(
            session, ports, caller=caller, officer=officer, sent=sent, subject=subject, now=now
        )
        verdict = decide(facts, rules=rules)
        running = await next_number(session, stream=caller.person, at=now)
        await requests.insert(
            session,
            {
                "id": check_id,
                "status": RequestStatus.RECEIVED if verdict.allowed else RequestStatus.REFUSED,
                "basis": Basis.PRIMARY_CHECK,
                "stop_ground": facts.stop_ground,
                "services": list(facts.services),
                "month": running.month,
                "number": running.number,
                "rule_set": rules.id,
                "snapshot_sha256": facts.sha256(),
                "gate": verdict.gate,
                "refusal": verdict.code,
                "person_id": caller.person,
                "post_id": caller.post_id,
                "department_id": caller.department_id,
                "device_id": caller.device_id,
                "subject_index": None
                if subject.iin is None
                else commitment(ports.keys.subject, "iin", subject.iin.digits),
                "received_at": now,
            },
        )
        event_id = await ports.trail.record(
            session,
            event="exchange.request_decided" if verdict.allowed else "exchange.request_refused",
            at=now,
            who=caller,
            subject_iin=None if subject.iin is None else subject.iin.digits,
            fields=_event_fields(ports, check_id, sent, subject, facts, verdict)
            | running.as_fields(),
        )
    return Decided(verdict=verdict, event_id=event_id, officer=officer)


async def _officer(session: AsyncSession, caller: Principal) -> identity.PostCard | None:
    if caller.post_id is None:
        return None
    return (await identity.posts_by_id(session, [caller.post_id])).get(caller.post_id)


async def _in_force(
    session: AsyncSession, officer: identity.PostCard | None, now: datetime
) -> bool | None:
    if officer is None:
        return None
    held = await identity.post_of_iin(session, iin=officer.iin, now=now)
    return held is not None and held.post_id == officer.post_id


async def _facts(
    session: AsyncSession,
    ports: ExchangePorts,
    *,
    caller: Principal,
    officer: identity.PostCard | None,
    sent: CheckInput,
    subject: Subject,
    now: datetime,
) -> Facts:
    hour, day = await requests.counts_before(session, person_id=caller.person, now=now)
    standing = DeviceStanding.UNKNOWN
    if caller.device_id is None:
        standing = DeviceStanding.ABSENT
    elif ports.device_standing is not None:
        standing = await ports.device_standing(session, caller=caller, at=now)
    services = registers_to_ask(with_plate=subject.plate is not None)
    return Facts(
        session=caller.session_id is not None,
        device_kind=None if caller.device_kind is None else caller.device_kind.value,
        device=standing,
        user=_standing_by_post(await _in_force(session, officer, now)),
        role=None if caller.role is None else caller.role.value,
        services=tuple(service.value for service in services),
        subject_kind=SubjectKind.PERSON
        if subject.plate is None
        else SubjectKind.PERSON_AND_VEHICLE,
        subject=subject.iin_state,
        plate=subject.plate_state,
        stop_ground=sent.listed_stop_ground,
        requests_hour=hour,
        requests_day=day,
        **_facts_of_a_roadside_check(),
    )


def _standing_by_post(in_force: bool | None) -> UserStanding:  # noqa: FBT001 - None is a third answer
    if in_force is None:
        return UserStanding.UNKNOWN
    return UserStanding.ACTIVE if in_force else UserStanding.NO_POST


class _RoadsideFacts(TypedDict):
    channel: Channel
    person_behind: None
    agreement: AgreementStanding
    granted_services: frozenset[str]
    granted_bases: frozenset[str]
    basis: str
    article: str
    given: tuple[tuple[RequestField, FieldState], ...]
    sanction: SanctionStanding
    recon: None
    recon_articles: tuple[str, ...]
    second_person: SecondPerson
    same_subject_day: int
    drawn: bool
    justification: FieldState


def _facts_of_a_roadside_check() -> _RoadsideFacts:
    """Return what is true of every roadside check: its channel, its basis and no case.

    Access is what the post gives: whoever holds a post in force has the services of its role.
    """
    return {
        "channel": Channel.OWN,
        "person_behind": None,
        "agreement": AgreementStanding.SIGNED,
        "granted_services": frozenset(service.value for service in RegisterName),
        "granted_bases": frozenset({Basis.PRIMARY_CHECK.value}),
        "basis": Basis.PRIMARY_CHECK.value,
        "article": "",
        "given": NOTHING_GIVEN,
        "sanction": SanctionStanding.NOT_NAMED,
        "recon": None,
        "recon_articles": (),
        "second_person": SecondPerson.NOT_YET,
        "same_subject_day": 0,
        "drawn": False,
        "justification": FieldState.ABSENT,
    }


def _event_fields(
    ports: ExchangePorts,
    check_id: UUID,
    sent: CheckInput,
    subject: Subject,
    facts: Facts,
    verdict: Verdict,
) -> dict[str, object]:
    plate = None
    if subject.plate is not None:
        # Salted by the request's id: the same plate looks different in every leaf.
        plate = commitment(ports.keys.subject, f"plate {check_id}", subject.plate).hex()
    fields: dict[str, object] = {
        "check_id": str(check_id),
        "basis": facts.basis,
        "stop_ground": facts.stop_ground,
        "services": list(facts.services),
        "rule_set": verdict.rule_set,
        "snapshot_sha256": facts.sha256(),
        "subject_from": "typed" if sent.mrz is None else "mrz",
        "plate_commitment": plate,
    }
    if verdict.gate is not None and verdict.code is not None:
        fault = _fault(verdict.code, subject)
        fields |= {
            "gate": verdict.gate.value,
            "refusal": verdict.code.value,
            "item": TEXTS[verdict.code].item,
            "fault": None if fault is None else fault.code,
        }
    return fields


def refusal(*, check_id: UUID, verdict: Verdict, subject: Subject) -> DomainError:
    """Return the error that tells the officer of a recorded refusal.

    Where the number, the zone or the plate was misread, that error itself is returned, with the
    refusal's code, item and texts added: it says what to read again.
    """
    if verdict.gate is None or verdict.code is None:
        raise ValueError("an allowed request has no refusal")
    text = TEXTS[verdict.code]
    error = _fault(verdict.code, subject) or _REFUSALS[verdict.gate](text.en)
    error.fields |= {
        "check_id": str(check_id),
        "gate": verdict.gate.value,
        "refusal": verdict.code.value,
        "item": text.item,
        "rule_set": verdict.rule_set,
        "texts": {"kk": text.kk, "ru": text.ru, "en": text.en},
    }
    return error


def _fault(code: RefusalCode, subject: Subject) -> DomainError | None:
    if code is RefusalCode.FIELDS_SUBJECT:
        return subject.iin_fault
    if code is RefusalCode.FIELDS_PLATE:
        return subject.plate_fault
    return None
