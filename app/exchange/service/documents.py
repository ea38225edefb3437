"""The document of an international order: attached by who asks, read by who answers for it."""

import asyncio
import hashlib
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from app.db import transaction
from app.errors import DomainError
from app.exchange.errors import (
    AnswerDamaged,
    OrderDocumentLimit,
    OrderDocumentMissing,
    OrderDocumentNotValid,
    RequestNotFound,
    RequestNotWaiting,
)
from app.exchange.models import RegisterRequestRow
from app.exchange.repository import documents, requests
from app.exchange.rules.disclosures import DisclosureKind
from app.exchange.rules.documents import (
    DOCUMENT_TEXTS,
    VERSIONS_MAX,
    AttachedDocument,
    DocumentFault,
    fault_of,
)
from app.exchange.rules.requests import RequestStatus
from app.exchange.rules.waiting import is_dead
from app.exchange.service.asking import key_of
from app.exchange.service.ports import ExchangePorts
from app.exchange.service.refusing import recording_refusals, with_texts
from app.exchange.storage import Content
from app.keys import Keys


async def attach_order_document(
    ports: ExchangePorts, *, caller: Principal, request_id: UUID, content: bytes
) -> AttachedDocument:
    """Attach the document of the caller's own order, which waits for its second person.

    Another document takes the place of the one before, and each is on the log; the same one again
    changes nothing, so that a lost answer may be asked for again.

    Raises:
        RequestNotFound: absent or another person's.
        RequestNotWaiting: it waits for no second person, or no longer.
        OrderDocumentNotValid: no PDF, or one that was cut.
        OrderDocumentLimit: it was replaced too often. Each refusal is recorded.
    """
    now = ports.clock()
    refused = "exchange.order_document_refused"
    async with recording_refusals(ports, caller, request_id, event=refused, now=now):
        sha256 = await asyncio.to_thread(_sha256, content)
        async with transaction(ports.sessions) as session:
            row = await _own_waiting(session, caller, request_id, now)
            fault = fault_of(content)
            if fault is not None:
                raise _told(OrderDocumentNotValid("this is no whole PDF"), fault)
            before = await documents.attached(session, request_id)
            if before is not None and before.sha256 == sha256:
                return before
            version = 1 if before is None else before.version + 1
            if version > VERSIONS_MAX:
                raise _told(OrderDocumentLimit("replaced too often"), DocumentFault.TOO_MANY)
            key = key_of(row, ports.keys)
            sealed = await asyncio.to_thread(key.seal, Content.ORDER_DOCUMENT, content)
            made = AttachedDocument(
                sha256=sha256, size_bytes=len(content), version=version, attached_at=now, kept=True
            )
            await documents.put(
                session,
                request_id=request_id,
                sealed=sealed,
                sha256=sha256,
                size_bytes=made.size_bytes,
                version=version,
                attached_at=now,
            )
            await ports.trail.record(
                session,
                event="exchange.order_document_attached",
                at=now,
                who=caller,
                fields={
                    "check_id": str(request_id),
                    "document_sha256": sha256,
                    "size_bytes": made.size_bytes,
                    "version": version,
                    "replaces": None if before is None else before.sha256,
                },
            )
            return made


async def _own_waiting(
    session: AsyncSession, caller: Principal, request_id: UUID, now: datetime
) -> RegisterRequestRow:
    known = await requests.of_person(session, request_id=request_id, person_id=caller.person)
    if known is None:
        raise RequestNotFound(request_id)
    row = await requests.locked(session, request_id)
    dead = is_dead(row.status, received_at=row.received_at, now=now)
    if row.status is not RequestStatus.NEEDS_SECOND_PERSON or dead:
        raise RequestNotWaiting(request_id, status="expired" if dead else row.status.value)
    return row


async def whole_document(
    session: AsyncSession, row: RegisterRequestRow, keys: Keys
) -> tuple[bytes, str]:
    """Return a request's document and its SHA-256, which is looked at again.

    Raises:
        OrderDocumentMissing: none is attached, or its term is over.
        AnswerDamaged: what is stored cannot be opened, or is not what was attached.
    """
    found = await documents.sealed(session, row.id)
    if found is None:
        missing = OrderDocumentMissing(f"request {row.id} has no document")
        raise _told(missing, DocumentFault.MISSING)
    sealed, sha256 = found
    key = key_of(row, keys)
    content = await asyncio.to_thread(key.unseal, Content.ORDER_DOCUMENT, sealed)
    if await asyncio.to_thread(_sha256, content) != sha256:
        raise AnswerDamaged("a stored document is not what was attached")
    return content, sha256


async def record_view(
    session: AsyncSession,
    trail: AuditTrail,
    *,
    caller: Principal,
    request_id: UUID,
    sha256: str,
    subject_iin: str | None,
    now: datetime,
    report_id: UUID | None = None,
) -> UUID:
    """Record that somebody reads an order's document; return the event, to wait for its leaf."""
    event_id = await trail.record(
        session,
        event="exchange.order_document_viewed",
        at=now,
        who=caller,
        subject_iin=subject_iin,
        fields={
            "check_id": str(request_id),
            "document_sha256": sha256,
            "report_id": None if report_id is None else str(report_id),
        },
    )
    await requests.disclose(
        session,
        row_id=uuid4(),
        kind=DisclosureKind.DOCUMENT,
        values={
            "request_id": request_id,
            "person_id": caller.person,
            "post_id": caller.post_id,
            "at": now,
            "event_id": event_id,
        },
    )
    return event_id


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _told(error: DomainError, fault: DocumentFault) -> DomainError:
    error.fields["fault"] = fault.value
    return with_texts(error, DOCUMENT_TEXTS[fault])
