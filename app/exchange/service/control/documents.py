"""The document of an international order, read by the official who answers for the request."""

from uuid import UUID

from app.access import Principal
from app.db import transaction
from app.exchange.errors.control import OwnRequests, RequestNotInReport
from app.exchange.repository import control_lines
from app.exchange.service.control.desk import ControlDesk, opened
from app.exchange.service.control.subjects import searched_of
from app.exchange.service.documents import record_view, whole_document


async def read_order_document(
    desk: ControlDesk, *, caller: Principal, report_id: UUID, request_id: UUID
) -> bytes:
    """Return the document of an order in a report, once the look has its leaf in the log.

    It names its subject in clear: who may only read the report is not shown it.

    Raises:
        ReportNotFound, ReportReadOnly, RequestNotInReport: it is not the caller's to review.
        OwnRequests: the request is the caller's.
        OrderDocumentMissing: none was attached, or its term is over.
        AnswerDamaged: it cannot be opened.
        AuditSilent: the look has no leaf in time; nothing is shown.
    """
    now = desk.clock()
    async with transaction(desk.sessions) as session:
        report = await opened(session, caller=caller, report_id=report_id, to_review=True)
        found = await control_lines.one(session, report.of, request_id=request_id)
        if found is None:
            raise RequestNotInReport(f"no request {request_id} in report {report_id}")
        row = found[0]
        if row.person_id == caller.person:
            raise OwnRequests("the request is the caller's")
        content, sha256 = await whole_document(session, row, desk.keys)
        subject = searched_of(desk.keys, row).get("iin")
        event_id = await record_view(
            session,
            desk.trail,
            caller=caller,
            request_id=request_id,
            sha256=sha256,
            subject_iin=None if subject is None else str(subject),
            now=now,
            report_id=report_id,
        )
    await desk.trail.sequenced(
        desk.sessions, event_id=event_id, timeout_seconds=desk.audit_wait_seconds
    )
    return content
