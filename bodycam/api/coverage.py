"""Routes of coverage: the day of a unit, one camera's time, pauses, cases."""

import csv
import io
from datetime import date, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime

from app.access import Access, Caller, Role
from app.audit.api import TrailOfApp
from app.clock import in_law_zone, utc_now
from app.db import SessionsOfApp, transaction
from bodycam.models import CoverageCaseRow
from bodycam.schemas import coverage as schemas
from bodycam.service import coverage_acts as acts
from bodycam.service import coverage_reports as reports

READERS: Final = Access(
    roles=[
        Role.DEVICE_KEEPER,
        Role.DUTY_OFFICER,
        Role.COMPLAINTS_REVIEWER,
        Role.RESPONSIBLE_OFFICIAL,
    ]
)
DUTY: Final = Access(roles=[Role.DUTY_OFFICER])
# The responsible person of Order No. 971, item 7, and the head who believes him or not.
ANSWERING: Final = Access(roles=[Role.DEVICE_KEEPER, Role.RESPONSIBLE_OFFICIAL])
_BODY_BYTES_MAX: Final = 16 << 10

_COLUMNS: Final = (
    "camera", "officer_badge", "issued_at", "ended_at", "ending", "recorded_seconds",
    "paused_seconds", "gap_seconds", "gaps", "cases_open", "examined",
)  # fmt: skip

router = APIRouter(prefix="/api", tags=["coverage"], max_body_size=_BODY_BYTES_MAX)


@router.get("/coverage/days/{day}", dependencies=[Depends(READERS)])
async def read_day(day: date, caller: Caller, sessions: SessionsOfApp) -> schemas.DayShape:
    """Return what became of every camera of the unit on a day of the law."""
    async with transaction(sessions) as session:
        report = await reports.read_day(session, caller=caller, day=day)
    return schemas.DayShape(day=day, lines=tuple(_line(one) for one in report.lines))


@router.get("/coverage/days/{day}/report.csv", dependencies=[Depends(READERS)])
async def read_day_csv(day: date, caller: Caller, sessions: SessionsOfApp) -> Response:
    """Return the same as a table for other programs."""
    async with transaction(sessions) as session:
        report = await reports.read_day(session, caller=caller, day=day)
    return Response(
        csv_of(report),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="coverage-{day}.csv"'},
    )


def csv_of(report: reports.DayReport) -> str:
    """Return the report as RFC 4180 lines; instants by the clocks of the law."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(_COLUMNS)
    for one in report.lines:
        gaps = sorted((reason.value, _seconds(over)) for reason, over in one.totals.gaps.items())
        badge = one.officer.badge if one.officer is not None else ""
        table.writerow(
            [
                _cell(one.camera_number),
                _cell(badge),
                in_law_zone(one.ledger.starts_at).isoformat(timespec="seconds"),
                in_law_zone(one.ledger.ends_at).isoformat(timespec="seconds"),
                one.ledger.ending.value,
                _seconds(one.totals.recorded),
                _seconds(one.totals.paused),
                _seconds(one.totals.gap),
                " ".join(f"{name}={seconds}" for name, seconds in gaps),
                one.cases_open,
                "yes" if one.ledger.examined else "no",
            ]
        )
    return text.getvalue()


def _cell(text: str) -> str:
    # A table program would run what begins so.
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def _seconds(length: timedelta) -> int:
    return round(length.total_seconds())


def _line(one: reports.DayLine) -> schemas.DayLineShape:
    return schemas.DayLineShape(
        assignment_id=one.ledger.assignment_id,
        camera_number=one.camera_number,
        post_id=one.ledger.post_id,
        issued_at=one.ledger.starts_at,
        ended_at=one.ledger.ends_at,
        ending=one.ledger.ending,
        examined=one.ledger.examined,
        recorded_seconds=_seconds(one.totals.recorded),
        paused_seconds=_seconds(one.totals.paused),
        gap_seconds=_seconds(one.totals.gap),
        gaps={reason.value: _seconds(over) for reason, over in one.totals.gaps.items()},
        cases_open=one.cases_open,
    )


@router.get("/coverage/ledgers/{ledger_id}", dependencies=[Depends(READERS)])
async def read_ledger(
    ledger_id: UUID, caller: Caller, sessions: SessionsOfApp
) -> schemas.LedgerShape:
    """Return one camera's time in full."""
    async with transaction(sessions) as session:
        view = await reports.read_ledger(session, caller=caller, assignment_id=ledger_id)
    return schemas.LedgerShape(
        assignment_id=ledger_id,
        camera_number=view.camera_number,
        starts_at=view.ledger.starts_at,
        ends_at=view.ledger.ends_at,
        ending=view.ledger.ending,
        settled=view.ledger.settled,
        examined=view.ledger.examined,
        intervals=tuple(
            schemas.IntervalShape(
                start=one.start,
                end=one.end,
                kind=one.kind,
                reason=one.reason,
                recording_id=one.recording_id,
            )
            for one in view.intervals
        ),
        findings=view.ledger.findings,
        cases=tuple(_case(one) for one in view.cases),
    )


@router.post("/coverage/ledgers/{ledger_id}/pauses", dependencies=[Depends(DUTY)], status_code=201)
async def permit_pause(
    ledger_id: UUID,
    body: schemas.PauseBody,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
) -> schemas.PauseMade:
    """Permit a pause of a camera that is out, from now on."""
    async with transaction(sessions) as session:
        pause_id = await acts.permit_pause(
            session,
            trail=trail,
            caller=caller,
            assignment_id=ledger_id,
            reason=acts.PauseReason(body.reason),
            until=body.until,
            now=utc_now(),
        )
    return schemas.PauseMade(pause_id=pause_id)


@router.post("/coverage/pauses/{pause_id}/end", dependencies=[Depends(DUTY)], status_code=204)
async def end_pause(
    pause_id: UUID, caller: Caller, sessions: SessionsOfApp, trail: TrailOfApp
) -> None:
    """End a pause now."""
    async with transaction(sessions) as session:
        await acts.end_pause(session, trail=trail, caller=caller, pause_id=pause_id, now=utc_now())


@router.get("/coverage/cases", dependencies=[Depends(READERS)])
async def list_cases(
    caller: Caller,
    sessions: SessionsOfApp,
    before: Annotated[AwareDatetime | None, Query()] = None,
) -> list[schemas.CaseShape]:
    """Return the unit's cases of gaps, the newest first; ``before`` turns the page."""
    async with transaction(sessions) as session:
        rows = await reports.list_cases(session, caller=caller, before=before)
    return [_case(row) for row in rows]


@router.post(
    "/coverage/cases/{coverage_case_id}/explanation",
    dependencies=[Depends(ANSWERING)],
    status_code=204,
)
async def explain_case(
    coverage_case_id: UUID,
    body: schemas.ExplanationBody,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
) -> None:
    """Explain a gap."""
    async with transaction(sessions) as session:
        await acts.explain_case(
            session,
            trail=trail,
            caller=caller,
            case_id=coverage_case_id,
            explanation=body.explanation,
            now=utc_now(),
        )


@router.post(
    "/coverage/cases/{coverage_case_id}/closing", dependencies=[Depends(ANSWERING)], status_code=204
)
async def close_case(
    coverage_case_id: UUID,
    body: schemas.ClosingBody,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
) -> None:
    """Close an explained case, or send it back."""
    async with transaction(sessions) as session:
        await acts.close_case(
            session,
            trail=trail,
            caller=caller,
            case_id=coverage_case_id,
            believed=body.believed,
            conclusion=body.conclusion,
            now=utc_now(),
        )


def _case(row: CoverageCaseRow) -> schemas.CaseShape:
    return schemas.CaseShape(
        case_id=row.id,
        assignment_id=row.assignment_id,
        status=row.status,
        reason=row.reason,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        opened_at=row.opened_at,
        explanation=row.explanation,
        conclusion=row.conclusion,
    )
