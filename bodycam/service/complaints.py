"""Registering a complaint and finding every recording that shows its place."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from app.calendar.rules import nth_working_day_after
from app.calendar.service import working_calendar
from app.clock import law_date
from bodycam import repository
from bodycam.errors import ComplaintNotFound, SearchNotValid, TooManyFound
from bodycam.models import ComplaintRow
from bodycam.repository import coverage
from bodycam.rules.life_cycle import (
    TERM_WORKING_DAYS,
    ComplaintKind,
    ComplaintStatus,
    next_complaint_status,
)
from bodycam.rules.places import E7, WINDOW_DAYS_MAX, Area
from bodycam.service.recordings import RecordingFacts, facts_of

_FOUND_MAX: Final = 200
_UNCERTAIN_MAX: Final = 50


@dataclass(frozen=True, kw_only=True)
class Found:
    """A recording whose track comes within the radius in the time asked for."""

    recording: RecordingFacts
    first_at: datetime
    last_at: datetime

    @property
    def first_offset_seconds(self) -> float:
        """Seconds from the start of the recording to where it first shows the place."""
        return max(0.0, (self.first_at - self.recording.started_at).total_seconds())

    @property
    def last_offset_seconds(self) -> float:
        """Seconds from the start of the recording to where it last shows the place."""
        return max(0.0, (self.last_at - self.recording.started_at).total_seconds())


@dataclass(frozen=True, kw_only=True)
class NewComplaint:
    """What the reviewer writes down. Degrees of WGS 84."""

    kind: ComplaintKind
    place: str
    latitude: float
    longitude: float
    radius_meters: int
    seen_from: datetime
    seen_to: datetime
    text: str
    complainant_name: str
    complainant_contact: str


@dataclass(frozen=True, kw_only=True)
class ComplaintFacts:
    """A complaint as a list shows it."""

    complaint_id: UUID
    number: str
    kind: ComplaintKind
    status: ComplaintStatus
    registered_at: datetime
    due_on: date
    place: str
    seen_from: datetime
    seen_to: datetime


@dataclass(frozen=True, kw_only=True)
class Complaint(ComplaintFacts):
    """A complaint as its page shows it, with what is found now.

    Attributes:
        uncertain: what cameras of a wrong clock brought from issues of that time: it may show the
            place, and no search by time finds it.
    """

    latitude: float
    longitude: float
    radius_m: int
    text: str
    complainant_name: str
    complainant_contact: str
    recordings: tuple[Found, ...]
    uncertain: tuple[RecordingFacts, ...]


async def register_complaint(
    session: AsyncSession, *, trail: AuditTrail, new: NewComplaint, caller: Principal, now: datetime
) -> Complaint:
    """Register a complaint, assign it to the caller, and search at once.

    Raises:
        SearchNotValid: the time window is empty or too long.
        TooManyFound: the place and time name too much to list.
        CalendarNotCovered: the holidays of the term's year are not entered.
    """
    if not timedelta(0) < new.seen_to - new.seen_from <= timedelta(days=WINDOW_DAYS_MAX):
        raise SearchNotValid("the time window is empty or too long")
    if caller.post_id is None:
        raise ComplaintNotFound("a complaint is registered by a post")
    today = law_date(now)
    due_on = nth_working_day_after(
        day=today, n=TERM_WORKING_DAYS[new.kind], days=await working_calendar(session)
    )
    number = await repository.next_complaint_number(session, year=today.year)
    row = ComplaintRow(
        id=uuid4(),
        number=f"{today.year}-{number:06d}",
        kind=new.kind,
        status=next_complaint_status(ComplaintStatus.REGISTERED, ComplaintStatus.ASSIGNED),
        department_id=caller.department_id,
        registered_by=caller.post_id,
        assigned_to=caller.post_id,
        registered_at=now,
        due_on=due_on,
        place=new.place,
        latitude_e7=round(new.latitude * E7),
        longitude_e7=round(new.longitude * E7),
        radius_meters=new.radius_meters,
        seen_from=new.seen_from,
        seen_to=new.seen_to,
        text=new.text,
        complainant_name=new.complainant_name,
        complainant_contact=new.complainant_contact,
    )
    session.add(row)
    await session.flush()
    found, uncertain = await _search(session, row), await _uncertain(session, row)
    await trail.record(
        session,
        event="bodycam.complaint_registered",
        at=now,
        who=caller,
        fields={
            "complaint_id": str(row.id),
            "number": row.number,
            **_search_fields(row, found, uncertain),
        },
    )
    return _complaint(row, found, uncertain)


async def read_complaint(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    complaint_id: UUID,
    caller: Principal,
    now: datetime,
) -> Complaint:
    """Return the complaint with what is found now: cameras may have been docked since.

    The search is on the log, because its answer says where officers were.

    Raises:
        ComplaintNotFound: there is none, or another department's.
    """
    row = await _own(session, complaint_id, caller)
    found, uncertain = await _search(session, row), await _uncertain(session, row)
    await trail.record(
        session,
        event="bodycam.complaint_read",
        at=now,
        who=caller,
        fields={"complaint_id": str(row.id), **_search_fields(row, found, uncertain)},
    )
    return _complaint(row, found, uncertain)


async def list_complaints(
    session: AsyncSession, *, caller: Principal, before: datetime | None = None, limit: int = 50
) -> list[ComplaintFacts]:
    """Return complaints of the caller's department, newest first."""
    rows = await repository.complaints_of(
        session, department_id=caller.department_id, before=before, limit=limit
    )
    return [ComplaintFacts(**_line(row)) for row in rows]


async def note_review(session: AsyncSession, *, complaint_id: UUID, caller: Principal) -> None:
    """Take note that footage is looked at for this complaint.

    Raises:
        ComplaintNotFound: there is none, or another department's.
    """
    row = await _own(session, complaint_id, caller)
    if row.status in {ComplaintStatus.ASSIGNED, ComplaintStatus.FOOTAGE_FOUND}:
        row.status = next_complaint_status(row.status, ComplaintStatus.UNDER_REVIEW)


async def _own(session: AsyncSession, complaint_id: UUID, caller: Principal) -> ComplaintRow:
    row = await repository.complaint(session, complaint_id, for_update=True)
    if row is None or row.department_id != caller.department_id:
        raise ComplaintNotFound(f"no complaint {complaint_id}")
    return row


async def _search(session: AsyncSession, row: ComplaintRow) -> tuple[Found, ...]:
    area = Area(
        latitude_e7=row.latitude_e7,
        longitude_e7=row.longitude_e7,
        radius_meters=row.radius_meters,
    )
    passages = await repository.passages(
        session,
        department_id=row.department_id,
        area=area,
        seen_from=row.seen_from,
        seen_to=row.seen_to,
        limit=_FOUND_MAX + 1,
    )
    if len(passages) > _FOUND_MAX:
        raise TooManyFound(f"over {_FOUND_MAX} recordings pass that place", found_max=_FOUND_MAX)
    rows = await repository.recordings_by_id(session, [one.recording_id for one in passages])
    if passages and row.status is ComplaintStatus.ASSIGNED:
        row.status = next_complaint_status(row.status, ComplaintStatus.FOOTAGE_FOUND)
    return tuple(
        Found(
            recording=facts_of(rows[one.recording_id]), first_at=one.first_at, last_at=one.last_at
        )
        for one in passages
    )


async def _uncertain(session: AsyncSession, row: ComplaintRow) -> tuple[RecordingFacts, ...]:
    named = await coverage.misdated_between(
        session,
        department_id=row.department_id,
        begin=row.seen_from,
        end=row.seen_to,
        limit=_UNCERTAIN_MAX,
    )
    rows = await repository.recordings_by_id(session, named)
    return tuple(facts_of(rows[one]) for one in named if one in rows)


def _search_fields(
    row: ComplaintRow, found: tuple[Found, ...], uncertain: tuple[RecordingFacts, ...]
) -> dict[str, object]:
    return {
        "latitude_e7": row.latitude_e7,
        "longitude_e7": row.longitude_e7,
        "radius_meters": row.radius_meters,
        "seen_from": row.seen_from.isoformat(),
        "seen_to": row.seen_to.isoformat(),
        "recordings": [str(one.recording.recording_id) for one in found],
        "uncertain": [str(one.recording_id) for one in uncertain],
    }


def _line(row: ComplaintRow) -> dict[str, Any]:
    return {
        "complaint_id": row.id,
        "number": row.number,
        "kind": row.kind,
        "status": row.status,
        "registered_at": row.registered_at,
        "due_on": row.due_on,
        "place": row.place,
        "seen_from": row.seen_from,
        "seen_to": row.seen_to,
    }


def _complaint(
    row: ComplaintRow, found: tuple[Found, ...], uncertain: tuple[RecordingFacts, ...]
) -> Complaint:
    return Complaint(
        **_line(row),
        latitude=row.latitude_e7 / E7,
        longitude=row.longitude_e7 / E7,
        radius_m=row.radius_meters,
        text=row.text,
        complainant_name=row.complainant_name,
        complainant_contact=row.complainant_contact,
        recordings=found,
        uncertain=uncertain,
    )
