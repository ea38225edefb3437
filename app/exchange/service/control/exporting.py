"""The report as a file: a table to its last line, volumes of paper, the records that prove both."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit import service as audit
from app.db import transaction
from app.exchange import rendering
from app.exchange.errors.control import VolumeNotFound
from app.exchange.repository import control as repository
from app.exchange.repository import control_lines
from app.exchange.rules import control_table
from app.exchange.rules.control_report import ReportFilter, ReportPlace
from app.exchange.rules.control_table import TableLine
from app.exchange.service.control.desk import ControlDesk, Opened, opened
from app.exchange.service.control.reading import FIRST_PLACE, device_names, lines_of
from app.identity import service as identity

_LINES_AT_ONCE: Final = 500  # held in memory while a table is written
_EVERYTHING: Final = ReportFilter()


@dataclass(frozen=True, kw_only=True)
class PaperVolume:
    """A volume of the report on paper."""

    number: int
    of: int
    content: bytes


async def export_table(
    desk: ControlDesk, *, caller: Principal, report_id: UUID
) -> AsyncIterator[bytes]:
    """Return the whole report as a table, piece by piece, once the export has its leaf.

    Raises:
        ReportNotFound: there is none, or it is not the caller's to know of.
        AuditSilent: the export has no leaf in time; nothing is handed out.
    """
    report = await _recorded(desk, caller=caller, report_id=report_id, form="csv")
    return _table(desk, report)


async def export_volume(
    desk: ControlDesk, *, caller: Principal, report_id: UUID, number: int
) -> PaperVolume:
    """Return one volume of the report on paper, once the export has its leaf.

    Raises:
        ReportNotFound: there is none, or it is not the caller's to know of.
        VolumeNotFound: the report has fewer volumes.
        AuditSilent: the export has no leaf in time; nothing is handed out.
    """
    async with transaction(desk.sessions) as session:
        report = await opened(session, caller=caller, report_id=report_id)
        first = await control_lines.place_before(
            session, report.of, skip=(number - 1) * rendering.LINES_IN_VOLUME
        )
        count = await control_lines.count(session, report.of)
        names = await identity.names_of(session, [report.row.official_id or caller.person])
    volumes = max(1, -(-count // rendering.LINES_IN_VOLUME))
    if first is None or not 1 <= number <= volumes:
        raise VolumeNotFound(f"report {report_id} has {volumes} volumes")
    await _recorded(desk, caller=caller, report_id=report_id, form="pdf", volume=number)
    async with transaction(desk.sessions) as session:
        lines, _ = await _piece(session, desk, report, first, rendering.LINES_IN_VOLUME)
    head = rendering.VolumeHead(
        title=f"Ведомстволық бақылау / Ведомственный контроль: {report.row.month}",
        official=names.get(report.row.official_id, "") if report.row.official_id else "КПСиСУ",
        volume=number,
        volumes=volumes,
        notes=(
            f"Сұраулар / Запросов: {count}. Мерзімі / Срок: {report.row.due_on:%d.%m.%Y}.",
            f"Asia/Almaty. {report_id}",
        ),
    )
    content = await asyncio.to_thread(rendering.report_pdf, head, lines)
    return PaperVolume(number=number, of=volumes, content=content)


async def export_closing(desk: ControlDesk, *, caller: Principal, report_id: UUID) -> bytes:
    """Return the closing record of every officer of the report with its proof, a line each.

    ``app.audit.verify report`` reads it beside the table.

    Raises:
        ReportNotFound: there is none, or it is not the caller's to know of.
    """
    async with transaction(desk.sessions) as session:
        report = await opened(session, caller=caller, report_id=report_id)
        lines = []
        for officer in await repository.officers(session, report_id=report.row.id):
            index = officer.closing_leaf_index
            if index is None:
                continue
            leaf = await audit.leaf_of(session, index=index)
            proof = await audit.proof_of_leaf(session, index=index)
            lines.append(json.dumps({"leaf": leaf.decode(), "proof": proof}) + "\n")
    return "".join(lines).encode()


async def _recorded(
    desk: ControlDesk, *, caller: Principal, report_id: UUID, form: str, volume: int | None = None
) -> Opened:
    now = desk.clock()
    async with transaction(desk.sessions) as session:
        report = await opened(session, caller=caller, report_id=report_id)
        event_id = await desk.trail.record(
            session,
            event="exchange.report_exported",
            at=now,
            who=caller,
            fields={
                "report_id": str(report_id),
                "month": report.row.month,
                "form": form,
                "volume": volume,
                "lines": await control_lines.count(session, report.of),
            },
        )
    await desk.trail.sequenced(
        desk.sessions, event_id=event_id, timeout_seconds=desk.audit_wait_seconds
    )
    return report


async def _table(desk: ControlDesk, report: Opened) -> AsyncIterator[bytes]:
    yield control_table.head()
    place: ReportPlace | None = FIRST_PLACE
    while place is not None:
        async with transaction(desk.sessions) as session:
            lines, place = await _piece(session, desk, report, place, _LINES_AT_ONCE)
        yield control_table.body(lines)


async def _piece(
    session: AsyncSession, desk: ControlDesk, report: Opened, after: ReportPlace, limit: int
) -> tuple[list[TableLine], ReportPlace | None]:
    """Return lines after a place with their names, and where the next piece begins, if any."""
    rows = await control_lines.page(session, report.of, asked=_EVERYTHING, after=after, limit=limit)
    lines = await lines_of(session, desk, report.of, rows)
    posts = await identity.posts_by_id(session, {line.post_id for line in lines})
    devices = await device_names(session, desk, lines)
    named = [
        TableLine(
            line=line,
            officer=posts[line.post_id].full_name,
            badge=posts[line.post_id].badge,
            unit=posts[line.post_id].department_name_ru,
            device="" if line.device_id is None else devices.get(line.device_id, ""),
        )
        for line in lines
    ]
    if len(rows) < limit:
        return named, None
    return named, ReportPlace(officer=rows[-1][2], number=rows[-1][0].number)
