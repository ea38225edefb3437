"""A synthetic month for departmental control: people, who is over whom, their requests."""

import hashlib
import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa

from app.audit.service import close_month, next_number
from app.clock import utc_now
from app.db import driver_of, transaction
from app.exchange.models import (
    ControlOfficerRow,
    ControlReportRow,
    ControlSpanRow,
    EscalationRow,
    RegisterRequestRow,
    RequestHoldRow,
)
from app.exchange.repository import documents
from app.exchange.rules.basis_rules import Basis, SubjectKind
from app.exchange.rules.control import EscalationReason
from app.exchange.rules.requests import RequestStatus
from app.exchange.rules.retention import HoldReason
from app.exchange.service import control
from app.exchange.service.asking import key_of
from app.exchange.storage import Content, new_key
from app.identity.models import Person, Post, Superior
from sim.district import (
    CONTROLLER,
    DEPARTMENT_BIN,
    OFFICER,
    OFFICIAL,
    SECOND_OFFICER,
    STAFF,
    Staff,
)
from tests.factories_access import iin
from tests.factories_identity import district

MONTH = "2026-10"
NOON = datetime(2026, 10, 5, 7, tzinfo=UTC)
FIRST_DAY = date(2026, 1, 1)
CHIEF = Staff(
    "chief", iin(8001), "ЖҰМАБАЕВ", "Ерлан", "", "responsible_official",
    "Начальник управления", "ALA-0001", DEPARTMENT_BIN,
)  # fmt: skip
AUDITOR = Staff(
    "auditor", iin(8003), "ИВАНОВ", "Пётр", "", "auditor", "Аудитор", "AUD-0001", DEPARTMENT_BIN
)
SUBJECT = "950817301017"
_MONTHS = itertools.cycle(range(1, 13))
__all__ = ["AUDITOR", "CHIEF", "CONTROLLER", "MONTH", "SUBJECT", "Month", "minutes"]


@dataclass
class Month:
    """People by key, and what was planted."""

    parts: object
    people: dict[str, UUID] = field(default_factory=dict)
    posts: dict[str, UUID] = field(default_factory=dict)
    departments: dict[str, UUID] = field(default_factory=dict)
    planted: list[UUID] = field(default_factory=list)

    @classmethod
    async def create(cls, parts, *, staff=()):
        everybody = (*STAFF, CHIEF, AUDITOR, *staff)
        await district(parts.sessions, staff=everybody)
        month = cls(parts)
        async with transaction(parts.sessions) as session:
            await session.execute(sa.delete(Superior))  # each test says who is over whom
            rows = await session.execute(
                sa.select(Person.iin, Person.id, Post.id, Post.department_id).join(
                    Post, Post.person_id == Person.id
                )
            )
            found = {row[0]: row[1:] for row in rows}
        for one in everybody:
            person_id, post_id, department_id = found[one.iin]
            month.people[one.key], month.posts[one.key] = person_id, post_id
            month.departments[one.key] = department_id
        return month

    async def under(self, below, above, *, since=FIRST_DAY, until=None):
        async with transaction(self.parts.sessions) as session:
            session.add(
                Superior(
                    id=uuid4(),
                    person_id=self.people[below],
                    superior_id=self.people[above],
                    valid_from=since,
                    valid_to=until,
                )
            )

    async def usual(self):
        """Two officers under the official, the official under his chief."""
        for below, above in (
            (OFFICER.key, OFFICIAL.key),
            (SECOND_OFFICER.key, OFFICIAL.key),
            (OFFICIAL.key, CHIEF.key),
        ):
            await self.under(below, above)

    async def request(self, officer=OFFICER.key, at=NOON, *, searched=None, said="", **changed):
        """Plant a request as the exchange would have left it, its decision in the log."""
        request_id, parts = uuid4(), self.parts
        key = new_key(vault=parts.keys.vault, owner=request_id)
        if searched is None:
            searched = {"iin": SUBJECT, "plate": "777ABC02"}
        async with transaction(parts.sessions) as session:
            running = await next_number(
                await driver_of(session), stream=self.people[officer], at=at
            )
            event_id = await parts.trail.record(
                session,
                event="exchange.request_decided",
                at=at,
                who=None,
                fields={"request_id": str(request_id), **running.as_fields()},
            )
            values = {
                "id": request_id,
                "status": RequestStatus.RELEASED,
                "basis": Basis.PRIMARY_CHECK,
                "stop_ground": "traffic_violation",
                "services": ["person_documents"],
                "rule_set": "151-2021-02-15",
                "snapshot_sha256": "0" * 64,
                "person_id": self.people[officer],
                "post_id": self.posts[officer],
                "department_id": self.departments[officer],
                "month": running.month,
                "number": running.number,
                "subject_kind": SubjectKind.PERSON,
                "subject_sealed": key.seal(Content.SUBJECT, json.dumps(searched).encode()),
                "extended_sealed": key.seal(Content.JUSTIFICATION, said.encode()) if said else None,
                "extended_asked": bool(said),
                "flags": [],
                "hit": True,
                "wrapped_key": key.wrapped,
                "received_at": at,
                "decided_at": at,
                "event_ids": [event_id],
            }
            session.add(RegisterRequestRow(**values | changed))
        self.planted.append(request_id)
        return request_id

    async def attach(self, request_id, content, *, at=NOON):
        """Leave a document with an international order, as who asked would have."""
        async with transaction(self.parts.sessions) as session:
            row = await session.get(RegisterRequestRow, request_id)
            key = key_of(row, self.parts.keys)
            await documents.put(
                session, request_id=request_id, version=1, attached_at=at,
                sealed=key.seal(Content.ORDER_DOCUMENT, content),
                sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content),
            )  # fmt: skip

    async def close(self, *, now=None):
        """Let every event find its leaf, close the month and open its reports."""
        await self.settle()
        now = now or utc_now()
        await close_month(self.parts.sessions, trail=self.parts.trail, now=now)
        await self.settle()
        return await control.open_reports(self.parts.sessions, trail=self.parts.trail, now=now)

    async def settle(self):
        """Wait until the log has everything."""
        async with transaction(self.parts.sessions) as session:
            event_id = await self.parts.trail.record(
                session, event="app.settled", at=utc_now(), who=None
            )
        await self.parts.trail.sequenced(self.parts.sessions, event_id=event_id, timeout_seconds=30)


async def overdue_report(sessions, keys, *, officer, official):
    """Put a report of one request before its official and the controllers; return their ids."""
    report_id, request_id, event_id, hold_id = uuid4(), uuid4(), uuid4(), uuid4()
    at = datetime(2025, next(_MONTHS), 15, tzinfo=UTC)  # an official has one report a month
    month = f"{at:%Y-%m}"
    key = new_key(vault=keys.vault, owner=request_id)
    async with transaction(sessions) as session:
        person, post, department = await _post_of(session, officer)
        above, _, _ = await _post_of(session, official)
        session.add_all(
            [
                ControlReportRow(
                    id=report_id, month=month, official_id=above, due_on=at.date(),
                    opened_at=at, event_id=event_id,
                ),
                RegisterRequestRow(
                    id=request_id, status=RequestStatus.RELEASED, basis=Basis.PRIMARY_CHECK,
                    stop_ground="", services=[], rule_set="151-2021-02-15",
                    snapshot_sha256="0" * 64, person_id=person, post_id=post,
                    department_id=department, month=month, number=1, flags=[],
                    subject_sealed=key.seal(Content.SUBJECT, b'{"bin":"210940000013"}'),
                    wrapped_key=key.wrapped, received_at=at, decided_at=at,
                ),
            ]
        )  # fmt: skip
        await session.flush()
        here = {"report_id": report_id, "person_id": person}
        hold = {"reason": HoldReason.CASE, "text": "-", "held_by": above, "held_at": at}
        span = {"begin_at": at - timedelta(days=1), "end_at": at + timedelta(days=1)}
        up = {"reason": EscalationReason.OVERDUE, "at": at, "event_id": event_id}
        session.add_all(
            [
                ControlOfficerRow(**here, place=0, last_number=1, closing_leaf_index=None),
                ControlSpanRow(id=uuid4(), **here, **span),
                EscalationRow(id=uuid4(), report_id=report_id, to_person_id=None, **up),
                RequestHoldRow(id=hold_id, request_id=request_id, **hold),
            ]
        )
    return {
        "report_id": str(report_id),
        "hold_id": str(hold_id),
        "officer_id": str(person),
        **dict.fromkeys(("control_request_id", "request", "request_ids"), str(request_id)),
    }


async def _post_of(session, staff):
    rows = await session.execute(
        sa.select(Person.id, Post.id, Post.department_id)
        .join(Post, Post.person_id == Person.id)
        .where(Person.iin == staff.iin)
    )
    return rows.one()


def minutes(count):
    return NOON + timedelta(minutes=count)
