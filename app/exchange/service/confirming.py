"""The second person of an international order: item 5 exempts it from the register's check."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

import rfc8785
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from app.exchange.errors import NotTheSecondPerson, RequestNotFound, RequestNotWaiting
from app.exchange.models import RegisterRequestRow
from app.exchange.repository import documents, requests
from app.exchange.rules.bases import rule_set_named
from app.exchange.rules.documents import AttachedDocument
from app.exchange.rules.gates import Gate, RefusalCode
from app.exchange.rules.requests import RequestStatus, next_status
from app.exchange.rules.texts import TEXTS
from app.exchange.rules.waiting import is_dead
from app.exchange.service.asking import key_of, unseal_about
from app.exchange.service.documents import record_view, whole_document
from app.exchange.service.ports import ExchangePorts
from app.exchange.service.refusing import recording_refusals
from app.exchange.storage import Content
from app.identity import service as identity
from app.identity.register import RevocationPort
from app.identity.rules.certificates import Trust

_LISTED_MAX = 100
_REFUSED: Final = "exchange.confirmation_refused"


@dataclass(frozen=True, kw_only=True)
class OrderToConfirm:
    """An international order of a colleague.

    Attributes:
        document: what its second person signs.
        attached: the order's own document, which he reads first; ``None`` until it is there.
    """

    request_id: UUID
    received_at: datetime
    document: bytes = field(repr=False)
    attached: AttachedDocument | None


def confirmation_document(row: RegisterRequestRow, order_sha256: str | None) -> bytes:
    """Return the canonical bytes that the second person signs; they name no person in clear.

    The hash of the facts binds the signature to the request as it was decided, subject included;
    ``order_sha256`` to the order's own document as he read it.
    """
    what = "confirmation of an international order"
    return _canonical({"what": what, **_plain(row, order_sha256)})


def objection_document(row: RegisterRequestRow, order_sha256: str | None, reason: str) -> bytes:
    """Return the canonical bytes that the second person signs who objects, his reason included."""
    what = "objection to an international order"
    return _canonical({"what": what, "reason": reason, **_plain(row, order_sha256)})


def _canonical(plain: dict[str, object]) -> bytes:
    return rfc8785.dumps(plain)  # type: ignore[arg-type]  # JSON values, by construction


def _plain(row: RegisterRequestRow, order_sha256: str | None) -> dict[str, object]:
    return {
        "v": 2,
        "request_id": str(row.id),
        "asked_by": str(row.person_id),
        "post_id": str(row.post_id),
        "department_id": str(row.department_id),
        "month": row.month,
        "number": row.number,
        "received_at": row.received_at.isoformat(),
        "basis": row.basis.value,
        "order_number": row.order_number,
        "order_body": row.order_body,
        "cover_letter_number": row.cover_letter_number,
        "case_number": row.case_number,
        "services": list(row.services),
        "snapshot_sha256": row.snapshot_sha256,
        "subject_index": None if row.subject_index is None else row.subject_index.hex(),
        "order_document_sha256": order_sha256,
    }


def _sha256_of(attached: AttachedDocument | None) -> str | None:
    return None if attached is None else attached.sha256


async def orders_to_confirm(ports: ExchangePorts, *, caller: Principal) -> Sequence[OrderToConfirm]:
    """Return the orders of the caller's department that wait for a second person like him."""
    now = ports.clock()
    async with transaction(ports.sessions) as session:
        rows = await requests.waiting_for_second(
            session,
            department_id=caller.department_id,
            but_not=caller.person,
            limit=_LISTED_MAX,
        )
        attached = await documents.attached_to(session, [row.id for row in rows])
    return [
        OrderToConfirm(
            request_id=row.id,
            received_at=row.received_at,
            document=confirmation_document(row, _sha256_of(attached.get(row.id))),
            attached=attached.get(row.id),
        )
        for row in rows
        if not is_dead(row.status, received_at=row.received_at, now=now)
    ]


async def read_order_document(
    ports: ExchangePorts, *, caller: Principal, request_id: UUID
) -> bytes:
    """Return the document of an order, once the look has its leaf.

    It is shown to who may be its second person while it waits for one, and ever after to the two
    who answer for it in the department: who attached it and who signed.

    Raises:
        RequestNotFound, RequestNotWaiting, NotTheSecondPerson: see ``confirm_order``.
        OrderDocumentMissing: none is attached yet, or its term is over.
        AnswerDamaged: it cannot be opened. Each of these is recorded.
        AuditSilent: the look has no leaf in time; nothing is shown.
    """
    now = ports.clock()
    async with (
        recording_refusals(ports, caller, request_id, event=_REFUSED, now=now),
        transaction(ports.sessions) as session,
    ):
        row = await _answered_for(session, caller, request_id)
        if row is None:
            row = await _waiting(session, caller, request_id, now)
        content, sha256 = await whole_document(session, row, ports.keys)
        about = unseal_about(row, key_of(row, ports.keys))
        event_id = await record_view(
            session,
            ports.trail,
            caller=caller,
            request_id=request_id,
            sha256=sha256,
            subject_iin=None if about.iin is None else about.iin.digits,
            now=now,
        )
    await ports.trail.sequenced(
        ports.sessions, event_id=event_id, timeout_seconds=ports.audit_wait_seconds
    )
    return content


async def confirm_order(
    ports: ExchangePorts,
    *,
    caller: Principal,
    request_id: UUID,
    cms: bytes,
    trust: Trust,
    revocation: RevocationPort,
) -> None:
    """Confirm a colleague's international order by the caller's signature over its document.

    The request then goes on by itself, through every gate, and is released to whoever asked.

    Args:
        ports: everything a request needs.
        caller: the second person.
        request_id: the order's request.
        cms: his detached signature over ``confirmation_document``, DER.
        trust: the roots his certificate must chain to.
        revocation: who is asked whether it was revoked, before any transaction.

    Raises:
        RequestNotFound: absent, or of another department.
        RequestNotWaiting: it waits for no second person, or no longer.
        NotTheSecondPerson: the one who asks, his subordinate, or of another role; recorded.
        OrderDocumentMissing: nobody attached the document of the order; recorded.
        AnswerDamaged: the document cannot be opened: nobody signs for what nobody can read.
        SignatureRefused, RevocationUnknown: the signature is not good, or names another document;
            recorded. Nothing changed.
    """
    now = ports.clock()
    async with recording_refusals(ports, caller, request_id, event=_REFUSED, now=now):
        await identity.ask_about_signer(
            ports.sessions, cms=cms, trust=trust, port=revocation, now=now
        )
        async with transaction(ports.sessions) as session:
            row = await _waiting(session, caller, request_id, now)
            _, order_sha256 = await whole_document(session, row, ports.keys)
            document = confirmation_document(row, order_sha256)
            signature_id = await identity.sign_document(
                session, caller=caller, content=document, cms=cms, now=now, roots=trust
            )
            row.second_person_id, row.second_at = caller.person, now
            row.second_signature_id = signature_id
            # The job takes it from here, for the one who asked and in a session of his.
            row.status = next_status(row.status, RequestStatus.PENDING_VERIFICATION)
            row.next_attempt_at = now
            await ports.trail.record(
                session,
                event="exchange.order_confirmed",
                at=now,
                who=caller,
                fields={
                    "check_id": str(request_id),
                    "signature_id": str(signature_id),
                    "order_document_sha256": order_sha256,
                },
            )


async def objection_paper(
    ports: ExchangePorts, *, caller: Principal, request_id: UUID, reason: str
) -> OrderToConfirm:
    """Return what the caller signs who objects to a colleague's international order.

    Raises:
        RequestNotFound, RequestNotWaiting, NotTheSecondPerson: see ``confirm_order``.
    """
    now = ports.clock()
    async with (
        recording_refusals(ports, caller, request_id, event=_REFUSED, now=now),
        transaction(ports.sessions) as session,
    ):
        row = await _waiting(session, caller, request_id, now)
        attached = await documents.attached(session, request_id)
        return OrderToConfirm(
            request_id=row.id,
            received_at=row.received_at,
            document=objection_document(row, _sha256_of(attached), reason),
            attached=attached,
        )


async def object_to_order(
    ports: ExchangePorts,
    *,
    caller: Principal,
    request_id: UUID,
    reason: str,
    cms: bytes,
    trust: Trust,
    revocation: RevocationPort,
) -> None:
    """Object to a colleague's international order, which ends it: nobody is ever asked.

    Args:
        ports: everything a request needs.
        caller: the second person.
        request_id: the order's request.
        reason: why not; it is kept sealed with the request and stands in no event.
        cms: his detached signature over ``objection_document``, DER.
        trust: the roots his certificate must chain to.
        revocation: who is asked whether it was revoked, before any transaction.

    Raises:
        RequestNotFound, RequestNotWaiting, NotTheSecondPerson, SignatureRefused,
        RevocationUnknown: see ``confirm_order``. Nothing changed.
    """
    now = ports.clock()
    async with recording_refusals(ports, caller, request_id, event=_REFUSED, now=now):
        await identity.ask_about_signer(
            ports.sessions, cms=cms, trust=trust, port=revocation, now=now
        )
        async with transaction(ports.sessions) as session:
            row = await _waiting(session, caller, request_id, now)
            attached = await documents.attached(session, request_id)
            document = objection_document(row, _sha256_of(attached), reason)
            signature_id = await identity.sign_document(
                session, caller=caller, content=document, cms=cms, now=now, roots=trust
            )
            row.second_person_id, row.second_at = caller.person, now
            row.second_signature_id = signature_id
            key = key_of(row, ports.keys)
            row.objection_sealed = key.seal(Content.OBJECTION, reason.encode())
            row.status = next_status(row.status, RequestStatus.REFUSED)
            row.gate, row.refusal = Gate.RECON, RefusalCode.SECOND_PERSON_REFUSED
            row.next_attempt_at, row.dies_at, row.decided_at = None, None, now
            event_id = await ports.trail.record(
                session,
                event="exchange.order_objected",
                at=now,
                who=caller,
                fields={
                    "check_id": str(request_id),
                    "of_person": str(row.person_id),
                    "signature_id": str(signature_id),
                    "gate": Gate.RECON.value,
                    "refusal": RefusalCode.SECOND_PERSON_REFUSED.value,
                    "item": TEXTS[RefusalCode.SECOND_PERSON_REFUSED].item,
                    "document_sha256": hashlib.sha256(document).hexdigest(),
                },
            )
            row.event_ids = [*row.event_ids, event_id]


async def _answered_for(
    session: AsyncSession, caller: Principal, request_id: UUID
) -> RegisterRequestRow | None:
    """Return the request where the caller asked or signed for it and is of its department still."""
    row = await requests.by_id(session, request_id)
    if row is None or row.department_id != caller.department_id:
        return None
    return row if caller.person in {row.person_id, row.second_person_id} else None


async def _waiting(
    session: AsyncSession, caller: Principal, request_id: UUID, now: datetime
) -> RegisterRequestRow:
    known = await requests.by_id(session, request_id)
    if known is None or known.department_id != caller.department_id:
        raise RequestNotFound(request_id)
    row = await requests.locked(session, request_id)
    dead = is_dead(row.status, received_at=row.received_at, now=now)
    if row.status is not RequestStatus.NEEDS_SECOND_PERSON or dead:
        raise RequestNotWaiting(request_id, status="expired" if dead else row.status.value)
    rule = rule_set_named(row.rule_set).bases[row.basis.value]
    below = await identity.is_subordinate(
        session, person_id=caller.person, superior_id=row.person_id, at=now
    )
    role = None if caller.role is None else caller.role.value
    if caller.person == row.person_id or below or role not in rule.roles:
        raise NotTheSecondPerson("another person confirms an order, and no subordinate")
    return row
