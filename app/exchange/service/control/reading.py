"""Reading: the list of months, the lines of a report, what they amount to, one request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal, Role
from app.audit import service as audit
from app.db import transaction
from app.exchange.errors.control import RequestNotInReport
from app.exchange.models import (
    ControlMarkRow,
    RegisterRequestRow,
    RequestHoldRow,
)
from app.exchange.repository import control as repository
from app.exchange.repository import control_lines, documents, holds
from app.exchange.repository.control_lines import Of
from app.exchange.rules.control import INTERNATIONAL_ORDER, is_overdue
from app.exchange.rules.control_report import (
    ReportFilter,
    ReportLine,
    ReportPlace,
    Shown,
    Towards,
    masked,
)
from app.exchange.rules.documents import AttachedDocument
from app.exchange.rules.gates import RefusalCode
from app.exchange.service.control.desk import ControlDesk, Opened, opened
from app.exchange.service.control.subjects import justification_of, objection_of, searched_of
from app.identity import service as identity

FIRST_PLACE = ReportPlace(officer=0, number=-(2**62))
_REFERENCES = (
    "case_register", "case_number", "case_year", "court", "order_number", "order_body",
    "cover_letter_number", "article",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SignedReview:
    """A signed review of a report."""

    version: int
    reviewer_id: UUID
    reviewer_name: str
    signed_at: datetime
    document_sha256: str


@dataclass(frozen=True, kw_only=True)
class ReportCard:
    """A report as the list shows it."""

    report_id: UUID
    month: str
    official_id: UUID | None
    official_name: str
    due_on: date
    overdue: bool
    passed_up_at: datetime | None
    towards: Towards
    reviews: tuple[SignedReview, ...]


@dataclass(frozen=True, kw_only=True)
class ReportPage:
    """Some lines of a report; ``more`` is where the next page begins, if there is one."""

    report: ReportCard
    lines: tuple[ReportLine, ...]
    officers: Mapping[UUID, identity.PostCard]
    devices: Mapping[UUID, str]
    more: ReportPlace | None


@dataclass(frozen=True, kw_only=True)
class RequestDetail:
    """One request with all that was said of it."""

    report: ReportCard
    line: ReportLine
    officer: identity.PostCard | None
    device: str | None
    marks: tuple[ControlMarkRow, ...]
    markers: Mapping[UUID, str]
    decided_by: str
    second_person: str
    holds: tuple[RequestHoldRow, ...]


async def list_reports(
    desk: ControlDesk, *, caller: Principal, before: str | None, limit: int
) -> list[ReportCard]:
    """Return the reports that the caller may see, the newest month first."""
    now = desk.clock()
    async with transaction(desk.sessions) as session:
        rows = await repository.reports(
            session,
            official_id=caller.person,
            of_controller=caller.role is Role.EXCHANGE_CONTROLLER,
            everything=caller.role is Role.AUDITOR,
            before=before,
            limit=limit,
        )
        reads = caller.role is Role.AUDITOR
        found = [Opened(row=row, towards=Towards.READ if reads else Towards.REVIEW) for row in rows]
        return await cards_of(session, found, now=now)


async def cards_of(
    session: AsyncSession, reports: Sequence[Opened], *, now: datetime
) -> list[ReportCard]:
    """Return reports as the list shows them."""
    ids = [one.row.id for one in reports]
    reviews = await repository.reviews(session, ids)
    passed_up = await repository.escalations(session, ids)
    people = {one.row.official_id for one in reports if one.row.official_id}
    people |= {review.person_id for of in reviews.values() for review in of}
    names = await identity.names_of(session, people)

    def card(one: Opened) -> ReportCard:
        row, signed = one.row, reviews.get(one.row.id, [])
        went = passed_up.get(row.id, [])
        return ReportCard(
            report_id=row.id,
            month=row.month,
            official_id=row.official_id,
            official_name="" if row.official_id is None else names.get(row.official_id, ""),
            due_on=row.due_on,
            overdue=not signed and is_overdue(due=row.due_on, now=now),
            passed_up_at=went[0].at if went else None,
            towards=one.towards,
            reviews=tuple(
                SignedReview(
                    version=review.version,
                    reviewer_id=review.person_id,
                    reviewer_name=names.get(review.person_id, ""),
                    signed_at=review.signed_at,
                    document_sha256=review.document_sha256,
                )
                for review in signed
            ),
        )

    return [card(one) for one in reports]


async def read_page(
    desk: ControlDesk,
    *,
    caller: Principal,
    report_id: UUID,
    asked: ReportFilter,
    after: ReportPlace = FIRST_PLACE,
    limit: int,
) -> ReportPage:
    """Return the lines of a report after a place; the opening is on the log.

    Raises:
        ReportNotFound: there is none, or it is not the caller's to know of.
    """
    now = desk.clock()
    async with transaction(desk.sessions) as session:
        report = await opened(session, caller=caller, report_id=report_id)
        rows = await control_lines.page(
            session, report.of, asked=asked, after=after, limit=limit + 1
        )
        lines = await lines_of(session, desk, report.of, rows[:limit])
        (card,) = await cards_of(session, [report], now=now)
        await desk.trail.record(
            session,
            event="exchange.report_viewed",
            at=now,
            who=caller,
            fields={
                "report_id": str(report_id),
                "month": report.row.month,
                "lines": len(lines),
                "officer": None if asked.officer_id is None else str(asked.officer_id),
                "flag": asked.flag,
            },
        )
        more = rows[limit - 1] if len(rows) > limit else None
        return ReportPage(
            report=card,
            lines=tuple(lines),
            officers=await identity.posts_by_id(session, {line.post_id for line in lines}),
            devices=await device_names(session, desk, lines),
            more=None if more is None else ReportPlace(officer=more[2], number=more[0].number),
        )


async def device_names(
    session: AsyncSession, desk: ControlDesk, lines: Sequence[ReportLine]
) -> dict[UUID, str]:
    """Return what the devices of these lines are called."""
    ids = {line.device_id for line in lines if line.device_id is not None}
    if desk.device_names is None or not ids:
        return {one: str(one) for one in ids}
    return await desk.device_names(session, ids=ids)


async def lines_of(
    session: AsyncSession,
    desk: ControlDesk,
    of: Of,
    rows: Sequence[tuple[RegisterRequestRow, bool, int]],
) -> list[ReportLine]:
    """Return requests as the report shows them."""
    ids = [row.id for row, _, _ in rows]
    shown = await control_lines.shown_of(session, ids)
    marks = await repository.newest_marks(session, report_id=of.report_id, request_ids=ids)
    leaves = await _leaves_of(session, [row for row, _, _ in rows])
    held = await holds.held_among(session, ids)
    orders = [row.id for row, _, _ in rows if row.basis.value == INTERNATIONAL_ORDER]
    attached = await documents.attached_to(session, orders) if orders else {}
    return [
        _line(
            desk,
            row,
            shown.get(row.id, Shown()),
            marks.get(row.id),
            leaf_index=leaves.get(row.id),
            abandoned=abandoned,
            held=row.id in held,
            attached=attached.get(row.id),
            place=place,
        )
        for row, abandoned, place in rows
    ]


async def _leaves_of(session: AsyncSession, rows: Sequence[RegisterRequestRow]) -> dict[UUID, int]:
    """Return where the leaf stands that carries each request's number: that of its receipt.

    Once a request's data is destroyed its events are forgotten; what is left is the leaf of its
    last decision, which is the same one unless the request waited.
    """
    first = {row.id: row.event_ids[0] for row in rows if row.event_ids}
    indexes = await audit.leaf_indexes(session, first.values())
    found = {row.id: row.decision_leaf_index for row in rows if row.decision_leaf_index is not None}
    return found | {
        request_id: indexes[event_id]
        for request_id, event_id in first.items()
        if event_id in indexes
    }


def _line(
    desk: ControlDesk,
    row: RegisterRequestRow,
    shown: Shown,
    mark: ControlMarkRow | None,
    *,
    leaf_index: int | None,
    abandoned: bool,
    held: bool,
    attached: AttachedDocument | None,
    place: int,
) -> ReportLine:
    said = [(name, getattr(row, name)) for name in _REFERENCES]
    return ReportLine(
        request_id=row.id,
        officer_id=row.person_id,
        post_id=row.post_id,
        officer_place=place,
        month=row.month,
        number=row.number,
        received_at=row.received_at,
        department_id=row.department_id,
        device_id=row.device_id,
        basis=row.basis.value,
        stop_ground=row.stop_ground,
        references=tuple((name, str(value)) for name, value in said if value is not None),
        services=tuple(row.services),
        subject_kind=None if row.subject_kind is None else row.subject_kind.value,
        subject=masked(searched_of(desk.keys, row)),
        hit=row.hit,
        shown=shown,
        extended_asked=row.extended_asked,
        extended=justification_of(desk.keys, row),
        extended_given=row.extended_sealed is not None,
        recon=row.recon,
        second=_second_of(row),
        objection=objection_of(desk.keys, row),
        document=attached,
        held=held,
        status=row.status.value,
        refusal=None if row.refusal is None else row.refusal.value,
        flags=tuple(row.flags),
        abandoned=abandoned,
        mark=None if mark is None else mark.mark,
        mark_text="" if mark is None else mark.text,
        leaf_index=leaf_index,
    )


def _second_of(row: RegisterRequestRow) -> str | None:
    """Return what the second person of an international order said of it."""
    if row.second_person_id is None:
        return None
    refused = row.refusal is RefusalCode.SECOND_PERSON_REFUSED
    return "objected" if refused else "confirmed"


async def read_request(
    desk: ControlDesk, *, caller: Principal, report_id: UUID, request_id: UUID
) -> RequestDetail:
    """Return one request of a report; the opening is on the log.

    Raises:
        ReportNotFound, RequestNotInReport: there is none, or it is not the caller's to know of.
    """
    now = desk.clock()
    async with transaction(desk.sessions) as session:
        report = await opened(session, caller=caller, report_id=report_id)
        found = await control_lines.one(session, report.of, request_id=request_id)
        if found is None:
            raise RequestNotInReport(f"no request {request_id} in report {report_id}")
        (line,) = await lines_of(session, desk, report.of, [found])
        (card,) = await cards_of(session, [report], now=now)
        marks = await repository.marks_of(session, report_id=report_id, request_id=request_id)
        await desk.trail.record(
            session,
            event="exchange.report_line_viewed",
            at=now,
            who=caller,
            fields={"report_id": str(report_id), "request_id": str(request_id)},
        )
        posts = await identity.posts_by_id(session, [line.post_id])
        devices = await device_names(session, desk, [line])
        held = await holds.of_request(session, request_id=request_id)
        second_id = found[0].second_person_id
        people = {one.person_id for one in marks} | {one.held_by for one in held}
        people |= {one.released_by for one in held if one.released_by is not None}
        names = await identity.names_of(session, people | ({second_id} if second_id else set()))
        return RequestDetail(
            report=card,
            line=line,
            officer=posts.get(line.post_id),
            device=None if line.device_id is None else devices.get(line.device_id),
            marks=tuple(marks),
            markers=names,
            decided_by=found[0].rule_set,
            second_person="" if second_id is None else names.get(second_id, ""),
            holds=tuple(held),
        )
