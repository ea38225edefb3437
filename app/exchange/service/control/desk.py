"""What the use cases of departmental control are given, and who may do what with a report."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from app.db import Sessions
from app.exchange.errors.control import ReportNotFound, ReportReadOnly
from app.exchange.models import ControlReportRow
from app.exchange.repository import control as repository
from app.exchange.repository.control_lines import Of
from app.exchange.rules.control import interval_of
from app.exchange.rules.control_report import Towards, towards
from app.keys import Keys


class DeviceNamesOf(Protocol):
    """Says which devices these are; ``devices.service`` provides it."""

    async def __call__(self, session: AsyncSession, *, ids: Iterable[UUID]) -> dict[UUID, str]:
        """Return the inventory numbers of devices; unknown ids are left out."""
        ...


@dataclass(frozen=True, kw_only=True)
class ControlDesk:
    """Everything departmental control needs.

    Attributes:
        device_names: without it a report shows the devices' ids.
        audit_wait_seconds: no leaf by then, and nothing is shown in clear or handed out.
        clock: the current instant in UTC.
    """

    sessions: Sessions
    trail: AuditTrail
    keys: Keys = field(repr=False)
    device_names: DeviceNamesOf | None
    audit_wait_seconds: float
    clock: Callable[[], datetime]


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A report that the caller may see, and what he may do with it."""

    row: ControlReportRow
    towards: Towards

    @property
    def of(self) -> Of:
        """What the statements over its requests are given."""
        return Of(report_id=self.row.id, month=self.row.month, within=interval_of(self.row.month))


async def opened(
    session: AsyncSession,
    *,
    caller: Principal,
    report_id: UUID,
    to_review: bool = False,
    lock: bool = False,
) -> Opened:
    """Return a report that the caller may see; with ``to_review``, one that he may review.

    Raises:
        ReportNotFound: there is none, or it is not his to know of.
        ReportReadOnly: he may only read it.
    """
    row = await repository.report(session, report_id, lock=lock)
    if row is None or caller.role is None:
        raise ReportNotFound(f"no report {report_id}")
    passed_up = (await repository.escalations(session, [report_id])).get(report_id, [])
    found = towards(
        role=caller.role.value,
        person_id=caller.person,
        official_id=row.official_id,
        escalated_to=frozenset(one.to_person_id for one in passed_up),
    )
    if found is None:
        raise ReportNotFound(f"no report {report_id}")
    if to_review and found is not Towards.REVIEW:
        raise ReportReadOnly(f"report {report_id} is for reading")
    return Opened(row=row, towards=found)
