"""Routes of departmental control: the month's reports, their lines, marks, signature, files."""

import base64
import re
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.access import Access, Caller, Role
from app.audit.api import TrailOfApp
from app.clock import in_law_zone, utc_now
from app.db import SessionsOfApp
from app.exchange.rules.control_report import ReportFilter, ReportPlace
from app.exchange.rules.control_table import verdict_of
from app.exchange.schemas.control import (
    DocumentAnswer,
    LinesAnswer,
    LineShape,
    MarkBody,
    OfficerShape,
    ReportsAnswer,
    ReportShape,
    ReviewAnswer,
    ReviewBody,
    ReviewShape,
    SubjectAnswer,
    SummaryAnswer,
)
from app.exchange.service import control
from app.exchange.service.control import ControlDesk, DeviceNamesOf, ReportCard, ReportPage
from app.identity.api import RevocationOfApp, TrustOfApp
from app.ports import KeysOfApp, SettingsOfApp

READERS = Access(roles=[Role.RESPONSIBLE_OFFICIAL, Role.EXCHANGE_CONTROLLER, Role.AUDITOR])
REVIEWERS = Access(roles=[Role.RESPONSIBLE_OFFICIAL, Role.EXCHANGE_CONTROLLER])
_REPORTS_MAX: Final = 100
_PAGE_MAX: Final = 200
_VOLUMES_MAX: Final = 100_000
_BODY_BYTES_MAX: Final = 16 * 1024  # two hundred ids and a thousand letters
_SIGNATURE_BODY_BYTES_MAX: Final = 128 * 1024
_PLACE: Final = re.compile(r"([0-9]{1,9}):(-?[0-9]{1,18})")
PLACE_PATTERN: Final = f"^{_PLACE.pattern}$"
MONTH_PATTERN: Final = "^20[0-9]{2}-(0[1-9]|1[0-2])$"

router = APIRouter(prefix="/api/control/months", tags=["exchange"], max_body_size=_BODY_BYTES_MAX)


async def _desk(
    request: Request,
    sessions: SessionsOfApp,
    settings: SettingsOfApp,
    keys: KeysOfApp,
    trail: TrailOfApp,
) -> ControlDesk:
    names: DeviceNamesOf | None = getattr(request.app.state, "device_names", None)
    return ControlDesk(
        sessions=sessions,
        trail=trail,
        keys=keys,
        device_names=names,
        audit_wait_seconds=settings.audit_wait_seconds,
        clock=utc_now,
    )


ControlDeskOfApp = Annotated[ControlDesk, Depends(_desk)]


async def _asked(
    *,
    officer_id: Annotated[UUID | None, Query()] = None,
    flag: Annotated[str, Query(max_length=32, pattern="^[a-z_]*$")] = "",
    international: Annotated[bool, Query()] = False,
    abandoned: Annotated[bool, Query()] = False,
    own_mark: Annotated[bool, Query()] = False,
) -> ReportFilter:
    return ReportFilter(
        officer_id=officer_id,
        flag=flag,
        international=international,
        abandoned=abandoned,
        own_mark=own_mark,
    )


Asked = Annotated[ReportFilter, Depends(_asked)]


def place_of(text: str | None) -> ReportPlace:
    """Return the place that a page begins after; the beginning where none is named."""
    found = _PLACE.fullmatch(text or "")
    if found is None:
        return control.FIRST_PLACE
    return ReportPlace(officer=int(found.group(1)), number=int(found.group(2)))


def place_text(place: ReportPlace | None) -> str | None:
    """Return a place as an address carries it."""
    return None if place is None else f"{place.officer}:{place.number}"


@router.get("", dependencies=[Depends(READERS)])
async def list_reports(
    caller: Caller,
    desk: ControlDeskOfApp,
    before: Annotated[str | None, Query(pattern=MONTH_PATTERN)] = None,
) -> ReportsAnswer:
    """Show the reports that the caller may see, the newest month first."""
    cards = await control.list_reports(desk, caller=caller, before=before, limit=_REPORTS_MAX)
    return ReportsAnswer(reports=tuple(_report(card) for card in cards))


@router.get("/{report_id}", dependencies=[Depends(READERS)])
async def read_lines(
    report_id: UUID,
    caller: Caller,
    desk: ControlDeskOfApp,
    asked: Asked,
    after: Annotated[str | None, Query(pattern=PLACE_PATTERN)] = None,
    limit: Annotated[int, Query(ge=1, le=_PAGE_MAX)] = 100,
) -> LinesAnswer:
    """Show a page of a report's requests; the look is recorded."""
    page = await control.read_page(
        desk,
        caller=caller,
        report_id=report_id,
        asked=asked,
        after=place_of(after),
        limit=limit,
    )
    return LinesAnswer(report=_report(page.report), lines=_lines(page), after=place_text(page.more))


@router.get("/{report_id}/summary", dependencies=[Depends(READERS)])
async def read_summary(report_id: UUID, caller: Caller, desk: ControlDeskOfApp) -> SummaryAnswer:
    """Show what a report amounts to, and whether its numbers are whole."""
    summary = await control.read_summary(desk, caller=caller, report_id=report_id)
    counts = summary.counts
    return SummaryAnswer(
        requests=counts.requests,
        complete=summary.complete,
        flagged=counts.flagged,
        abandoned=counts.abandoned,
        international=counts.international,
        own_marks_missing=counts.own_marks_missing,
        by_basis=dict(counts.by_basis),
        by_status=dict(counts.by_status),
        by_flag=dict(counts.by_flag),
        by_mark={mark.value: count for mark, count in counts.by_mark.items()},
        officers=tuple(
            OfficerShape(
                officer_id=one.person_id,
                officer=summary.names.get(one.person_id, ""),
                requests=counts.by_officer.get(one.person_id, 0),
                last_number=one.last_number,
                closing_leaf_index=one.closing_leaf_index,
                here=one.here,
                missing=one.missing,
                beyond=one.beyond,
            )
            for one in summary.officers
        ),
    )


@router.post("/{report_id}/marks", dependencies=[Depends(REVIEWERS)], status_code=204)
async def mark_requests(
    report_id: UUID, body: MarkBody, caller: Caller, desk: ControlDeskOfApp
) -> None:
    """Say of requests that they are in order, to be clarified, or violations."""
    await control.mark_requests(
        desk,
        caller=caller,
        report_id=report_id,
        request_ids=list(body.request_ids),
        mark=body.mark,
        text=body.text,
    )


@router.post(
    "/{report_id}/requests/{control_request_id}/subject", dependencies=[Depends(REVIEWERS)]
)
async def unmask(
    report_id: UUID,
    control_request_id: UUID,
    response: Response,
    caller: Caller,
    desk: ControlDeskOfApp,
) -> SubjectAnswer:
    """Show whom or what a request was about, once the look is in the log."""
    subject = await control.unmask(
        desk, caller=caller, report_id=report_id, request_id=control_request_id
    )
    response.headers["Cache-Control"] = "no-store"
    return SubjectAnswer(subject=subject)


@router.get("/{report_id}/review", dependencies=[Depends(REVIEWERS)])
async def review_to_sign(report_id: UUID, caller: Caller, desk: ControlDeskOfApp) -> DocumentAnswer:
    """Give the document that the reviewer is to sign."""
    document = await control.review_to_sign(desk, caller=caller, report_id=report_id)
    return DocumentAnswer(
        version=document.version,
        document=base64.b64encode(document.content).decode(),
        document_sha256=document.sha256,
    )


@router.post(
    "/{report_id}/review",
    dependencies=[Depends(REVIEWERS)],
    status_code=201,
    max_body_size=_SIGNATURE_BODY_BYTES_MAX,
)
async def sign_review(
    report_id: UUID,
    body: ReviewBody,
    caller: Caller,
    desk: ControlDeskOfApp,
    trust: TrustOfApp,
    revocation: RevocationOfApp,
) -> ReviewAnswer:
    """Keep the reviewer's signature over the document he was shown."""
    document = await control.sign_review(
        desk,
        caller=caller,
        report_id=report_id,
        document_sha256=body.document_sha256,
        cms=body.der,
        trust=trust,
        revocation=revocation,
    )
    return ReviewAnswer(version=document.version, document_sha256=document.sha256)


@router.get("/{report_id}/report.csv", dependencies=[Depends(READERS)])
async def export_table(
    report_id: UUID, caller: Caller, desk: ControlDeskOfApp
) -> StreamingResponse:
    """Hand the whole report out as comma-separated values, once the export is in the log."""
    pieces = await control.export_table(desk, caller=caller, report_id=report_id)
    return StreamingResponse(
        pieces,
        media_type="text/csv; charset=utf-8",
        headers=_file(f"control-{report_id}.csv"),
    )


@router.get("/{report_id}/report.pdf", dependencies=[Depends(READERS)])
async def export_volume(
    report_id: UUID,
    caller: Caller,
    desk: ControlDeskOfApp,
    volume: Annotated[int, Query(ge=1, le=_VOLUMES_MAX)] = 1,
) -> Response:
    """Hand a volume of the report out on paper, once the export is in the log."""
    paper = await control.export_volume(desk, caller=caller, report_id=report_id, number=volume)
    headers = _file(f"control-{report_id}-{paper.number}-of-{paper.of}.pdf")
    return Response(paper.content, media_type="application/pdf", headers=headers)


@router.get("/{report_id}/closing.jsonl", dependencies=[Depends(READERS)])
async def export_closing(report_id: UUID, caller: Caller, desk: ControlDeskOfApp) -> Response:
    """Hand out the closing records of the report's officers with their proofs."""
    content = await control.export_closing(desk, caller=caller, report_id=report_id)
    headers = _file(f"control-{report_id}.closing.jsonl")
    return Response(content, media_type="application/jsonl", headers=headers)


def _file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}


def _report(card: ReportCard) -> ReportShape:
    return ReportShape(
        report_id=card.report_id,
        month=card.month,
        official_id=card.official_id,
        official=card.official_name,
        due_on=card.due_on,
        overdue=card.overdue,
        passed_up_at=card.passed_up_at,
        may=card.towards,
        reviews=tuple(
            ReviewShape(
                version=one.version,
                reviewer_id=one.reviewer_id,
                reviewer=one.reviewer_name,
                signed_at=one.signed_at,
                document_sha256=one.document_sha256,
            )
            for one in card.reviews
        ),
    )


def _lines(page: ReportPage) -> tuple[LineShape, ...]:
    shapes = []
    for line in page.lines:
        card = page.officers.get(line.post_id)
        shapes.append(
            LineShape(
                request_id=line.request_id,
                officer_id=line.officer_id,
                officer=card.full_name if card else "",
                badge=card.badge if card else "",
                unit=card.department_name_ru if card else "",
                device=page.devices.get(line.device_id, "") if line.device_id else "",
                number=line.number,
                received_at=line.received_at,
                astana_time=in_law_zone(line.received_at).isoformat(timespec="seconds"),
                basis=line.basis,
                numbers=dict(line.references),
                services=line.services,
                subject_kind=line.subject_kind,
                subject=line.subject,
                hit=line.hit,
                shown=line.shown.viewed,
                printed=line.shown.printed,
                exported=line.shown.exported,
                unmasked=line.shown.unmasked,
                order_document=None if line.document_state is None else line.document_state.value,
                order_document_sha256=None if line.document is None else line.document.sha256,
                order_document_shown=line.shown.document,
                extended_asked=line.extended_asked,
                extended=line.extended,
                abandoned=line.abandoned,
                register_verdict=verdict_of(line),
                second_person=line.second,
                objection=line.objection,
                held=line.held,
                status=line.status,
                refusal=line.refusal,
                flags=line.flags,
                mark=line.mark,
                mark_text=line.mark_text,
                leaf_index=line.leaf_index,
            )
        )
    return tuple(shapes)


__all__ = ["ControlDeskOfApp", "place_of", "place_text", "router"]
