"""What a request searched for: sealed at rest, masked in reports, in clear only against a leaf."""

import json
from collections.abc import Mapping
from uuid import UUID, uuid4

from app.access import Principal
from app.db import transaction
from app.exchange.errors import AnswerDamaged
from app.exchange.errors.control import OwnRequests, RequestNotInReport, SubjectDestroyed
from app.exchange.models import RegisterRequestRow, RequestDisclosureRow
from app.exchange.repository import control_lines
from app.exchange.rules.control_report import unmasked
from app.exchange.rules.disclosures import DisclosureKind
from app.exchange.service.control.desk import ControlDesk, opened
from app.exchange.storage import Content, open_key
from app.keys import Keys


def searched_of(keys: Keys, row: RegisterRequestRow) -> Mapping[str, object]:
    """Return what a request searched for; nothing where it was destroyed or never readable.

    Raises:
        AnswerDamaged: what is stored cannot be opened.
    """
    return _object(_opened(keys, row, Content.SUBJECT, row.subject_sealed))


def justification_of(keys: Keys, row: RegisterRequestRow) -> str:
    """Return the extended justification, or nothing where none was given.

    Raises:
        AnswerDamaged: what is stored cannot be opened.
    """
    content = _opened(keys, row, Content.JUSTIFICATION, row.extended_sealed)
    return "" if content is None else content.decode()


def objection_of(keys: Keys, row: RegisterRequestRow) -> str:
    """Return why the second person of an order objected, or nothing where none did.

    Raises:
        AnswerDamaged: what is stored cannot be opened.
    """
    content = _opened(keys, row, Content.OBJECTION, row.objection_sealed)
    return "" if content is None else content.decode()


def _opened(
    keys: Keys, row: RegisterRequestRow, content: Content, sealed: bytes | None
) -> bytes | None:
    if row.wrapped_key is None or sealed is None:
        return None
    key = open_key(vault=keys.vault, owner=row.id, wrapped=row.wrapped_key)
    return key.unseal(content, sealed)


def _object(content: bytes | None) -> Mapping[str, object]:
    if content is None:
        return {}
    try:
        found = json.loads(content)
    except ValueError as error:
        raise AnswerDamaged("a stored subject has another form") from error
    if not isinstance(found, dict):
        raise AnswerDamaged("a stored subject has another form")
    return found


async def unmask(
    desk: ControlDesk, *, caller: Principal, report_id: UUID, request_id: UUID
) -> dict[str, str]:
    """Return whom or what a request was about, once the look has its leaf in the log.

    Raises:
        ReportNotFound, ReportReadOnly, RequestNotInReport: it is not the caller's to review.
        OwnRequests: the request is the caller's.
        SubjectDestroyed: there is nothing left to show.
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
        searched = unmasked(searched_of(desk.keys, row))
        if not searched:
            raise SubjectDestroyed(f"request {request_id} has no subject any more")
        event_id = await desk.trail.record(
            session,
            event="exchange.subject_unmasked",
            at=now,
            who=caller,
            subject_iin=searched.get("iin"),
            fields={"report_id": str(report_id), "request_id": str(request_id)},
        )
        session.add(
            RequestDisclosureRow(
                id=uuid4(),
                request_id=request_id,
                kind=DisclosureKind.UNMASKED,
                person_id=caller.person,
                post_id=caller.post_id,
                at=now,
                event_id=event_id,
            )
        )
    await desk.trail.sequenced(
        desk.sessions, event_id=event_id, timeout_seconds=desk.audit_wait_seconds
    )
    return searched
