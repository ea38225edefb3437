"""Marking requests, and signing the review of a month."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import NotSignedIn, Principal
from app.db import transaction
from app.errors import DomainError
from app.exchange.errors.control import (
    MarkNotValid,
    MarksMissing,
    OwnRequests,
    RequestNotInReport,
    ReviewStale,
    ReviewUnchanged,
)
from app.exchange.models import ControlMarkRow, ControlReviewRow
from app.exchange.repository import control as repository
from app.exchange.repository import control_lines
from app.exchange.rules.control import Mark, mark_fault
from app.exchange.rules.control_report import (
    ReviewFacts,
    line_of_digest,
    lines_digest,
    review_document,
)
from app.exchange.service.control.desk import ControlDesk, Opened, opened
from app.exchange.service.control.summing import summary_of
from app.identity import service as identity
from app.identity.register import RevocationPort
from app.identity.rules.certificates import Trust

MARKED_AT_ONCE_MAX = 200  # a page of the report


@dataclass(frozen=True, kw_only=True)
class ReviewDocument:
    """What is to be signed, or was."""

    version: int
    sha256: str
    content: bytes = field(repr=False)


async def mark_requests(
    desk: ControlDesk,
    *,
    caller: Principal,
    report_id: UUID,
    request_ids: list[UUID],
    mark: Mark,
    text: str,
) -> None:
    """Say of requests that they are in order, to be clarified, or violations.

    A mark is never changed: a later one counts instead. After the signature it counts once a
    corrected review is signed.

    Raises:
        ReportNotFound, ReportReadOnly, RequestNotInReport: not the caller's to review.
        OwnRequests: one of them is the caller's.
        MarkNotValid: a doubt without words, too many words, or too many requests at once.
    """
    now = desk.clock()
    fault = mark_fault(mark=mark, text=text)
    if fault is None and not 1 <= len(request_ids) <= MARKED_AT_ONCE_MAX:
        fault = "too_many_requests"
    if fault is not None:
        raise MarkNotValid("the mark is not valid", fault=fault)
    async with transaction(desk.sessions) as session:
        # Locked: a mark waits for a signature under way, and the signature for the mark.
        report = await opened(
            session, caller=caller, report_id=report_id, to_review=True, lock=True
        )
        for request_id in dict.fromkeys(request_ids):
            found = await control_lines.one(session, report.of, request_id=request_id)
            if found is None:
                raise RequestNotInReport(f"no request {request_id} in report {report_id}")
            if found[0].person_id == caller.person:
                raise OwnRequests("the request is the caller's")
            await _put_mark(desk, session, caller, report_id, request_id, mark, text, now)


async def _put_mark(
    desk: ControlDesk,
    session: AsyncSession,
    caller: Principal,
    report_id: UUID,
    request_id: UUID,
    mark: Mark,
    text: str,
    now: datetime,
) -> None:
    event_id = await desk.trail.record(
        session,
        event="exchange.request_marked",
        at=now,
        who=caller,
        fields={
            "report_id": str(report_id),
            "request_id": str(request_id),
            "mark": mark.value,
        },
    )
    row = ControlMarkRow(
        id=uuid4(),
        report_id=report_id,
        request_id=request_id,
        mark=mark,
        text=text.strip(),
        person_id=caller.person,
        post_id=_post_of(caller),
        at=now,
        event_id=event_id,
    )
    await repository.put_mark(session, row)


async def is_reviewed(session: AsyncSession, *, person_id: UUID, month: str) -> bool | None:
    """Tell whether every report that holds a person's month is signed.

    ``None`` where the month's reports are not open yet: nobody can say.
    """
    held = await repository.reports_of_person(session, person_id=person_id, month=month)
    return all(signed for _, signed in held) if held else None


async def review_to_sign(
    desk: ControlDesk, *, caller: Principal, report_id: UUID
) -> ReviewDocument:
    """Return the document that a signature now would be over.

    Raises:
        ReportNotFound, ReportReadOnly, OwnRequests: not the caller's to review.
        MarksMissing: requests that must be marked one by one are not.
        ReviewUnchanged: it is signed, and nothing has changed since.
    """
    async with transaction(desk.sessions) as session:
        report = await opened(session, caller=caller, report_id=report_id, to_review=True)
        return await _drawn_up(session, report, caller)


async def _drawn_up(session: AsyncSession, report: Opened, caller: Principal) -> ReviewDocument:
    row = report.row
    if await repository.has_officer(session, report_id=row.id, person_id=caller.person):
        raise OwnRequests("the report holds requests of the caller")
    summary = await summary_of(session, row, report.of)
    if summary.counts.own_marks_missing:
        raise MarksMissing("requests wait for their mark", count=summary.counts.own_marks_missing)
    signed = (await repository.reviews(session, [row.id])).get(row.id, [])
    digest = await _lines_digest(session, report)
    content = review_document(
        ReviewFacts(
            report_id=row.id,
            month=row.month,
            due_on=row.due_on,
            official_id=row.official_id,
            reviewer_id=caller.person,
            reviewer_post_id=_post_of(caller),
            version=len(signed) + 1,
            corrects_sha256=signed[-1].document_sha256 if signed else None,
            counts=summary.counts,
            officers=tuple(one for one in summary.officers if one.last_number or one.beyond),
            lines_sha256=digest,
        )
    )
    if signed and f'"lines_sha256":"{digest}"'.encode() in signed[-1].document:
        raise ReviewUnchanged(f"report {row.id} is signed as it is")
    return ReviewDocument(
        version=len(signed) + 1, sha256=hashlib.sha256(content).hexdigest(), content=content
    )


async def _lines_digest(session: AsyncSession, report: Opened) -> str:
    return lines_digest(
        [
            line_of_digest(
                officer_id=officer_id, number=number, request_id=request_id, mark=mark, text=text
            )
            async for officer_id, number, request_id, mark, text in control_lines.digest_rows(
                session, report.of
            )
        ]
    )


async def sign_review(
    desk: ControlDesk,
    *,
    caller: Principal,
    report_id: UUID,
    document_sha256: str,
    cms: bytes,
    trust: Trust,
    revocation: RevocationPort,
) -> ReviewDocument:
    """Keep the caller's signature over the document that he was shown; return the document.

    Once signed it never changes: a correction is a review of the next version.

    Raises:
        ReportNotFound, ReportReadOnly, OwnRequests: not the caller's to review; recorded.
        MarksMissing, ReviewUnchanged: as for the document; recorded.
        ReviewStale: the report was marked again since he was shown the document; recorded.
        SignatureRefused: by its subclass, the step at which the signature fails; recorded.
        RevocationUnknown: nobody could say whether the certificate was revoked; recorded.
    """
    now = desk.clock()
    try:
        await identity.ask_about_signer(
            desk.sessions, cms=cms, trust=trust, port=revocation, now=now
        )
        async with transaction(desk.sessions) as session:
            report = await opened(
                session, caller=caller, report_id=report_id, to_review=True, lock=True
            )
            document = await _drawn_up(session, report, caller)
            if document.sha256 != document_sha256:
                raise ReviewStale(f"report {report_id} says something else by now")
            signature_id = await identity.sign_document(
                session, caller=caller, content=document.content, cms=cms, now=now, roots=trust
            )
            await _put_review(desk, session, caller, report, document, signature_id, now)
    except DomainError as refusal:
        async with transaction(desk.sessions) as session:
            await desk.trail.record(
                session,
                event="exchange.review_refused",
                at=now,
                who=caller,
                fields={"report_id": str(report_id), "code": refusal.code},
            )
        raise
    return document


async def _put_review(
    desk: ControlDesk,
    session: AsyncSession,
    caller: Principal,
    report: Opened,
    document: ReviewDocument,
    signature_id: UUID,
    now: datetime,
) -> None:
    event_id = await desk.trail.record(
        session,
        event="exchange.review_signed",
        at=now,
        who=caller,
        fields={
            "report_id": str(report.row.id),
            "month": report.row.month,
            "version": document.version,
            "document_sha256": document.sha256,
            "signature_id": str(signature_id),
        },
    )
    row = ControlReviewRow(
        id=uuid4(),
        report_id=report.row.id,
        version=document.version,
        person_id=caller.person,
        post_id=_post_of(caller),
        document=document.content,
        document_sha256=document.sha256,
        signature_id=signature_id,
        signed_at=now,
        event_id=event_id,
    )
    await repository.put_review(session, row)


def _post_of(caller: Principal) -> UUID:
    if caller.post_id is None:
        raise NotSignedIn("this act needs a person in a post")
    return caller.post_id
