"""The operator decides on a request for access: grants, refuses with reasons, or returns it."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from app.clock import law_date
from app.db import Sessions, transaction
from app.errors import DomainError
from app.exchange.errors import access as errors
from app.exchange.models import AccessGrantRow, AccessRequestRow
from app.exchange.repository import access_requests as repository
from app.exchange.rules.access import (
    AccessRefusal,
    AccessStage,
    Deciding,
    GrantOrigin,
    RequestClock,
    Rights,
    check_refusal,
    check_return,
    check_rights,
    check_separation,
    clock_of,
    needs_two_operators,
    next_stage,
    rights_of_role,
)
from app.exchange.rules.access_papers import grant_paper, refusal_paper
from app.exchange.rules.bases import rule_set_on
from app.exchange.service.access.ports import AccessPorts, record_refusal, signed, signed_act
from app.identity import service as identity

_REFUSED = "exchange.access_decision_refused"


@dataclass(frozen=True, kw_only=True)
class Granted:
    """What became of a decision to grant: in force, or waiting for the second operator."""

    stage: AccessStage
    waits_for_second: bool


async def write_grant(sessions: Sessions, *, request_id: UUID, rights: Rights) -> bytes:
    """Return the decision to grant as an operator is to sign it.

    Raises:
        AccessRequestNotFound: there is no such request.
    """
    async with transaction(sessions) as session:
        row = await _request(session, request_id)
        return _grant_paper(row, rights)


async def write_refusal(
    sessions: Sessions, *, request_id: UUID, code: AccessRefusal, text: str
) -> bytes:
    """Return the refusal as an operator is to sign it.

    Raises:
        AccessRequestNotFound: there is no such request.
    """
    async with transaction(sessions) as session:
        row = await _request(session, request_id)
        return refusal_paper(
            request_id=row.id, form_sha256=row.document_sha256, code=code.value, text=text
        )


async def grant_access(
    ports: AccessPorts,
    *,
    caller: Principal,
    request_id: UUID,
    rights: Rights,
    cms: bytes,
    now: datetime,
) -> Granted:
    """Grant a request against the operator's signature; roles of power take two operators.

    Raises:
        AccessRequestNotFound: there is no such request.
        AccessStepRefused: it is decided, or its applicant has left the post.
        DecidesOnHimself, DecidesOnHisOwn, SameOperatorTwice: separation of duties.
        RightsTooWide: more than was asked for or than the role may have; of two operators, the
            second grants something else than the first.
        SignatureRefused, RevocationUnknown: why the signature is none. Nothing changed.
    """
    async with _act(ports, caller, request_id, cms, now) as session:
        row = await _decidable(session, ports, caller, request_id, AccessStage.GRANTED, now)
        most = rights_of_role(row.role.value, rules=rule_set_on(law_date(now)))
        check_rights(rights, asked=_asked(row), most=most)
        await _still_in_post(session, row, now)
        paper = _grant_paper(row, rights)
        if row.decision is not None and row.decision != paper:
            raise errors.RightsTooWide("the second operator grants what the first has granted")
        signature_id = await signed(session, ports, caller=caller, paper=paper, cms=cms, now=now)
        row.decision = paper
        if needs_two_operators(row.role.value) and row.seconded_by is None:
            row.seconded_at, row.seconded_by = now, caller.person
            row.seconded_signature_id = signature_id
            await _tell(session, ports, caller, row, "exchange.access_seconded", signature_id, now)
            return Granted(stage=row.stage, waits_for_second=True)
        _decided(row, AccessStage.GRANTED, caller, signature_id, now)
        await _give(session, row, rights, now)
        await _tell(
            session, ports, caller, row, "exchange.access_granted", signature_id, now, rights
        )
        return Granted(stage=row.stage, waits_for_second=False)


async def refuse_access(
    ports: AccessPorts,
    *,
    caller: Principal,
    request_id: UUID,
    code: AccessRefusal | None,
    text: str,
    cms: bytes,
    now: datetime,
) -> None:
    """Refuse a request with a reason, a text and the operator's signature, or not at all.

    Raises:
        RefusalNotMotivated: one of the three is missing.
        AccessRequestNotFound, AccessStepRefused, DecidesOnHimself, DecidesOnHisOwn: as above.
        SignatureRefused, RevocationUnknown: why the signature is none. Nothing changed.
    """
    try:
        check_refusal(code=code, text=text, signed=bool(cms))
    except DomainError as refusal:
        fields = {"request": str(request_id)}
        await record_refusal(
            ports.sessions, ports.trail, caller=caller, event=_REFUSED, fields=fields,
            code=refusal.code, now=now,
        )  # fmt: skip
        raise
    async with _act(ports, caller, request_id, cms, now) as session:
        row = await _decidable(session, ports, caller, request_id, AccessStage.REFUSED, now)
        assert code is not None  # noqa: S101 - the rule above has refused otherwise
        paper = refusal_paper(
            request_id=row.id, form_sha256=row.document_sha256, code=code.value, text=text
        )
        signature_id = await signed(session, ports, caller=caller, paper=paper, cms=cms, now=now)
        row.refusal, row.refusal_text, row.decision = code, text, paper
        _decided(row, AccessStage.REFUSED, caller, signature_id, now)
        await _tell(session, ports, caller, row, "exchange.access_refused", signature_id, now)


async def return_request(
    ports: AccessPorts, *, caller: Principal, request_id: UUID, text: str, now: datetime
) -> None:
    """Return an incomplete request: its clock counts as never begun.

    Raises:
        AccessRequestNotFound, AccessStepRefused, DecidesOnHimself, DecidesOnHisOwn: as above;
            what is overdue is decided, not returned.
        RefusalNotMotivated: nothing is said of what is missing.
    """
    try:
        async with transaction(ports.sessions) as session:
            row = await _decidable(session, ports, caller, request_id, AccessStage.RETURNED, now)
            if not text.strip():
                raise errors.RefusalNotMotivated("say what is missing")
            if row.received_at is not None:
                check_return(row.received_at, now=now)
            row.stage = next_stage(row.stage, AccessStage.RETURNED)
            row.received_at, row.returned_text = None, text
            await _tell(session, ports, caller, row, "exchange.access_form_returned", None, now)
    except DomainError as refusal:
        fields = {"request": str(request_id)}
        await record_refusal(
            ports.sessions, ports.trail, caller=caller, event=_REFUSED, fields=fields,
            code=refusal.code, now=now,
        )  # fmt: skip
        raise


async def note_overdue(
    session: AsyncSession, trail: AuditTrail, row: AccessRequestRow, *, now: datetime
) -> None:
    """Report once that a request was not decided within its 24 hours."""
    if row.overdue_at is not None or row.received_at is None:
        return
    row.overdue_at = now
    await trail.record(
        session,
        event="exchange.access_decision_overdue",
        at=now,
        who=None,
        fields={"request": str(row.id), "received_at": row.received_at.isoformat()},
    )


def _act(
    ports: AccessPorts, caller: Principal, request_id: UUID, cms: bytes, now: datetime
) -> AbstractAsyncContextManager[AsyncSession]:
    return signed_act(
        ports,
        caller=caller,
        cms=cms,
        now=now,
        refused=_REFUSED,
        fields={"request": str(request_id)},
    )


async def _request(session: AsyncSession, request_id: UUID) -> AccessRequestRow:
    row = await repository.request(session, request_id)
    if row is None:
        raise errors.AccessRequestNotFound("no such request for access")
    return row


async def _decidable(
    session: AsyncSession,
    ports: AccessPorts,
    caller: Principal,
    request_id: UUID,
    target: AccessStage,
    now: datetime,
) -> AccessRequestRow:
    """Return the request, locked, if this operator may take it to ``target``."""
    row = await repository.request(session, request_id, lock=True)
    if row is None:
        raise errors.AccessRequestNotFound("no such request for access")
    next_stage(row.stage, target)
    operator = caller.person
    check_separation(
        Deciding(
            himself=operator == row.person_id,
            subordinate=await identity.is_subordinate(
                session, person_id=operator, superior_id=row.person_id, at=now
            ),
            superior=await identity.is_subordinate(
                session, person_id=row.person_id, superior_id=operator, at=now
            ),
            seconded=operator == row.seconded_by,
        )
    )
    received = row.received_at
    if received is not None and clock_of(received, now=now) is RequestClock.OVERDUE:
        await note_overdue(session, ports.trail, row, now=now)
    return row


async def _still_in_post(session: AsyncSession, row: AccessRequestRow, now: datetime) -> None:
    posts = await identity.posts_of_people(session, person_ids=[row.person_id], now=now)
    held = posts.get(row.person_id)
    if held is None or held.post_id != row.post_id:
        raise errors.AccessStepRefused(current="another_post", target=AccessStage.GRANTED.value)


def _asked(row: AccessRequestRow) -> Rights:
    return Rights(services=frozenset(row.services), bases=frozenset(row.bases))


def _grant_paper(row: AccessRequestRow, rights: Rights) -> bytes:
    return grant_paper(
        request_id=row.id,
        form_sha256=row.document_sha256,
        services=rights.services,
        bases=rights.bases,
    )


def _decided(
    row: AccessRequestRow,
    stage: AccessStage,
    caller: Principal,
    signature_id: UUID,
    now: datetime,
) -> None:
    row.stage = next_stage(row.stage, stage)
    row.decided_at, row.decided_by, row.decision_signature_id = now, caller.person, signature_id


async def _give(
    session: AsyncSession, row: AccessRequestRow, rights: Rights, now: datetime
) -> None:
    begins_at = await repository.end_grant(session, person_id=row.person_id, now=now)
    grant = AccessGrantRow(
        id=uuid4(),
        person_id=row.person_id,
        post_id=row.post_id,
        request_id=row.id,
        origin=GrantOrigin.REQUEST,
        role=row.role,
        services=sorted(rights.services),
        bases=sorted(rights.bases),
        valid_from=begins_at,
    )
    await repository.put_grant(session, grant)


async def _tell(
    session: AsyncSession,
    ports: AccessPorts,
    caller: Principal,
    row: AccessRequestRow,
    event: str,
    signature_id: UUID | None,
    now: datetime,
    rights: Rights | None = None,
) -> None:
    fields: dict[str, object] = {"request": str(row.id), "of_person": str(row.person_id)}
    if signature_id is not None:
        fields["signature"] = str(signature_id)
    if row.refusal is not None:
        fields["reason"] = row.refusal.value
    if rights is not None:
        fields |= {"services": sorted(rights.services), "bases": sorted(rights.bases)}
    await ports.trail.record(session, event=event, at=now, who=caller, fields=fields)
