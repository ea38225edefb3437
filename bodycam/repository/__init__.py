"""Statements over the tables of the slice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from app.db import Connection, Direct, Hoisted
from bodycam.models import (
    ComplaintNumberRow,
    ComplaintRow,
    RecordingIndexRow,
    RecordingPartRow,
    RecordingRow,
    TrackPointRow,
)
from bodycam.rules.life_cycle import OPEN, ComplaintStatus, RecordingStatus
from bodycam.rules.places import E7, Area, cell_of
from bodycam.wire.digests import DIGEST_SIZE_BYTES

_EARTH_DIAMETER_METERS = 2 * 6_371_008.8


@dataclass(frozen=True)
class PartFacts:
    """What one part of one recording is to be, and whether it is there already."""

    dock_id: UUID
    status: RecordingStatus
    object_key: str
    upload_ref: str
    found_bytes: int
    expected_sha256: bytes
    acknowledged: bool


@dataclass(frozen=True)
class Passage:
    """A recording whose track comes into an area: first and last point in it."""

    recording_id: UUID
    first_at: datetime
    last_at: datetime
    points: int


def _part_facts_statement() -> sa.Select[UUID, RecordingStatus, str, str, int, bytes, bool]:
    number = sa.bindparam("number", type_=sa.Integer)
    row = RecordingRow
    signed = sa.func.substring(
        row.block_digests, number * DIGEST_SIZE_BYTES + 1, DIGEST_SIZE_BYTES, type_=sa.LargeBinary
    )
    declared = sa.func.decode(
        row.differing[sa.cast(number, sa.Text)].astext, "hex", type_=sa.LargeBinary
    )
    part = RecordingPartRow
    there = sa.exists().where(part.recording_id == row.id, part.number == number)
    return sa.select(
        row.dock_id,
        row.status,
        row.object_key,
        row.upload_ref,
        row.found_bytes,
        sa.func.coalesce(declared, signed),
        there,
    ).where(row.id == sa.bindparam("recording_id", type_=sa.Uuid))


_PART_FACTS = Hoisted(_part_facts_statement())  # the way of the bytes: built once


async def part_facts(direct: Direct, *, recording_id: UUID, number: int) -> PartFacts | None:
    """Return what part ``number`` is to be, or ``None`` without such a recording."""
    async with direct.connection() as connection:
        row = await _PART_FACTS.row(connection, {"recording_id": recording_id, "number": number})
    if row is None:
        return None
    dock_id, status, *rest = row
    return PartFacts(dock_id, RecordingStatus(status), *rest)


async def recording(
    session: AsyncSession,
    recording_id: UUID,
    *,
    with_evidence: bool = False,
    for_update: bool = False,
) -> RecordingRow | None:
    """Return the recording, ``with_evidence`` also its manifest and digests."""
    statement = sa.select(RecordingRow).where(RecordingRow.id == recording_id)
    if with_evidence:
        statement = statement.options(
            undefer(RecordingRow.block_digests), undefer(RecordingRow.manifest)
        )
    if for_update:
        # Not of its keys: rows that name the recording may be written meanwhile.
        statement = statement.with_for_update(key_share=True)
    return (
        await session.execute(statement.execution_options(populate_existing=True))
    ).scalar_one_or_none()


async def announced_at(session: AsyncSession, recording_id: UUID) -> datetime | None:
    """Return when the recording was announced first, or ``None`` where it is not known yet."""
    statement = sa.select(RecordingRow.announced_at).where(RecordingRow.id == recording_id)
    return (await session.scalars(statement)).one_or_none()


async def manifest_known(session: AsyncSession, *, camera_id: UUID, sha256: bytes | None) -> bool:
    """Return whether the camera's manifest before this one is here, or there was none."""
    statement = sa.select(sa.literal(1)).where(RecordingRow.camera_id == camera_id).limit(1)
    if sha256 is not None:
        statement = statement.where(RecordingRow.manifest_sha256 == sha256)
    found = (await session.execute(statement)).scalar_one_or_none()
    # A camera that names no predecessor must have none with us.
    return (found is None) if sha256 is None else (found is not None)


async def add_track(
    session: AsyncSession,
    *,
    recording_id: UUID,
    points: Sequence[tuple[datetime, int, int]],
) -> None:
    """Store the points: instant in true time, latitude and longitude in E7 degrees.

    One statement over arrays: a point a second for a day is 86,400 rows.
    """
    at, latitude_e7, longitude_e7, cell = (
        _array(sa.DateTime(timezone=True), (point[0] for point in points)),
        _array(sa.Integer(), (point[1] for point in points)),
        _array(sa.Integer(), (point[2] for point in points)),
        _array(
            sa.Integer(), (cell_of(latitude_e7=point[1], longitude_e7=point[2]) for point in points)
        ),
    )
    names = ("at", "latitude_e7", "longitude_e7", "cell")
    rows = sa.func.unnest(at, latitude_e7, longitude_e7, cell).table_valued(*names).render_derived()
    chosen = sa.select(sa.literal(recording_id, sa.Uuid()), *(rows.columns[name] for name in names))
    statement = insert(TrackPointRow).from_select(["recording_id", *names], chosen)
    await session.execute(statement.on_conflict_do_nothing())


def _array(kind: sa.types.TypeEngine[Any], values: Iterable[Any]) -> sa.ColumnElement[Any]:
    return sa.cast(sa.literal(list(values), sa.ARRAY(kind)), sa.ARRAY(kind))


async def part_digests(
    session: AsyncSession, *, recording_id: UUID
) -> dict[int, tuple[bytes, int]]:
    """Return number, digest and size of the parts that are acknowledged."""
    part = RecordingPartRow
    found = await session.execute(
        sa.select(part.number, part.sha256, part.size_bytes).where(
            part.recording_id == recording_id
        )
    )
    return {number: (sha256, size) for number, sha256, size in found}


def _add_part_statement() -> sa.sql.ClauseElement:
    part, row = RecordingPartRow.__table__, RecordingRow
    # The row is locked: whoever forgets the upload is waited for, and found by its reference.
    of_upload = (
        sa.select(*(sa.bindparam(one.key, type_=one.type) for one in part.columns))
        .where(
            row.id == sa.bindparam("recording_id", type_=sa.Uuid),
            row.upload_ref == sa.bindparam("upload", type_=sa.String),
        )
        .with_for_update(read=True, of=row)
    )
    adding = insert(RecordingPartRow).from_select([one.key for one in part.columns], of_upload)
    # Where it is there already, nothing is changed and it is told all the same.
    return adding.on_conflict_do_update(
        index_elements=[RecordingPartRow.recording_id, RecordingPartRow.number],
        set_={"number": adding.excluded.number},
    ).returning(RecordingPartRow.number)


_ADD_PART = Hoisted(_add_part_statement())


async def add_part(
    connection: Connection,
    *,
    recording_id: UUID,
    upload: str,
    number: int,
    sha256: bytes,
    size_bytes: int,
    at: datetime,
) -> bool:
    """Acknowledge a part; repeatable. It counts once the connection's transaction has ended.

    Returns ``False`` where the recording's bytes go to another upload by now.
    """
    found = await _ADD_PART.row(
        connection,
        {
            "recording_id": recording_id,
            "upload": upload,
            "number": number,
            "sha256": sha256,
            "size_bytes": size_bytes,
            "stored_at": at,
        },
    )
    return found is not None


async def drop_parts(
    session: AsyncSession, *, recording_id: UUID, numbers: Iterable[int] | None = None
) -> None:
    """Take back acknowledgements: of the parts named, or of all."""
    statement = sa.delete(RecordingPartRow).where(RecordingPartRow.recording_id == recording_id)
    if numbers is not None:
        statement = statement.where(RecordingPartRow.number.in_(list(numbers)))
    await session.execute(statement)


async def index_of(session: AsyncSession, recording_id: UUID) -> bytes | None:
    """Return the packed box index of the recording."""
    return await session.scalar(
        sa.select(RecordingIndexRow.packed).where(RecordingIndexRow.recording_id == recording_id)
    )


async def others_arrive(
    session: AsyncSession, *, camera_id: UUID, but: UUID, since: datetime
) -> bool:
    """Return whether another recording of the camera, announced ``since``, is not stored yet.

    One transaction at a time asks it of a camera: two that are stored at once do not both see the
    other as open.
    """
    key = sa.func.hashtextextended(sa.literal(f"uploaded:{camera_id}"), 0)
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
    row = RecordingRow
    others = sa.exists().where(
        row.camera_id == camera_id,
        row.id != but,
        row.status.in_(OPEN),
        row.announced_at >= since,
    )
    return bool(await session.scalar(sa.select(others)))


async def recordings_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, RecordingRow]:
    """Return the recordings named."""
    found = await session.execute(sa.select(RecordingRow).where(RecordingRow.id.in_(list(ids))))
    return {row.id: row for row in found.scalars()}


async def passages(
    session: AsyncSession,
    *,
    department_id: UUID,
    area: Area,
    seen_from: datetime,
    seen_to: datetime,
    limit: int,
    recording_id: UUID | None = None,
) -> list[Passage]:
    """Return the department's recordings with a point in the area and time, earliest first.

    With ``recording_id`` only that one is looked at.

    The cells and the instants are looked up in one index; the box and the haversine formula
    then look only at what lies near.
    """
    point = TrackPointRow
    south, west, north, east = area.box()
    first_at, last_at = sa.func.min(point.at), sa.func.max(point.at)
    statement = (
        sa.select(point.recording_id, first_at, last_at, sa.func.count())
        .join(RecordingRow, RecordingRow.id == point.recording_id)
        .where(
            point.cell == sa.any_(sa.literal(area.cells(), sa.ARRAY(sa.Integer))),
            point.at.between(seen_from, seen_to),
            point.latitude_e7.between(south, north),
            point.longitude_e7.between(west, east),
            _distance_meters(area) <= area.radius_meters,
            RecordingRow.department_id == department_id,
            RecordingRow.status != RecordingStatus.DESTROYED,
        )
        .group_by(point.recording_id)
        .order_by(first_at, point.recording_id)
        .limit(limit)
    )
    if recording_id is not None:
        statement = statement.where(point.recording_id == recording_id)
    found = await session.execute(statement)
    return [Passage(*row) for row in found]


def _distance_meters(area: Area) -> sa.ColumnElement[float]:
    """``rules.places.distance_meters`` from the area's middle, in SQL."""
    latitude = sa.func.radians(TrackPointRow.latitude_e7 / sa.literal(float(E7)))
    middle = sa.func.radians(sa.literal(area.latitude_e7 / E7))
    aside = sa.func.radians(
        (TrackPointRow.longitude_e7 - area.longitude_e7) / sa.literal(float(E7))
    )
    half = sa.func.power(sa.func.sin((latitude - middle) / 2.0), 2) + sa.func.cos(
        latitude
    ) * sa.func.cos(middle) * sa.func.power(sa.func.sin(aside / 2.0), 2)
    return _EARTH_DIAMETER_METERS * sa.func.asin(sa.func.sqrt(sa.func.least(1.0, half)))


async def next_complaint_number(session: AsyncSession, *, year: int) -> int:
    """Return the next number of the year; the row is locked until the transaction ends."""
    statement = insert(ComplaintNumberRow).values(year=year, last=1)
    statement = statement.on_conflict_do_update(
        index_elements=[ComplaintNumberRow.year], set_={"last": ComplaintNumberRow.last + 1}
    )
    number = await session.scalar(statement.returning(ComplaintNumberRow.last))
    return int(number or 0)


async def complaint(
    session: AsyncSession, complaint_id: UUID, *, for_update: bool = False
) -> ComplaintRow | None:
    """Return the complaint."""
    statement = sa.select(ComplaintRow).where(ComplaintRow.id == complaint_id)
    if for_update:
        statement = statement.with_for_update()
    return (await session.execute(statement)).scalar_one_or_none()


async def complaints_of(
    session: AsyncSession, *, department_id: UUID, before: datetime | None, limit: int
) -> list[ComplaintRow]:
    """Return the department's complaints, newest first, those registered ``before`` an instant."""
    statement = sa.select(ComplaintRow).where(ComplaintRow.department_id == department_id)
    if before is not None:
        statement = statement.where(ComplaintRow.registered_at < before)
    statement = statement.order_by(ComplaintRow.registered_at.desc()).limit(limit)
    return list((await session.execute(statement)).scalars())


async def recordings_of(
    session: AsyncSession, *, department_id: UUID, before: datetime | None, limit: int
) -> list[RecordingRow]:
    """Return the department's recordings, newest first, those that began ``before``."""
    statement = sa.select(RecordingRow).where(RecordingRow.department_id == department_id)
    if before is not None:
        statement = statement.where(RecordingRow.started_at < before)
    statement = statement.order_by(RecordingRow.started_at.desc()).limit(limit)
    return list((await session.execute(statement)).scalars())


async def complaints_waiting(
    session: AsyncSession,
    *,
    department_id: UUID,
    started_at: datetime,
    ended_at: datetime,
    limit: int,
) -> Sequence[ComplaintRow]:
    """Return undecided complaints whose time overlaps a recording's, the nearest term first."""
    statement = (
        sa.select(ComplaintRow)
        .where(
            ComplaintRow.department_id == department_id,
            ComplaintRow.status.not_in([ComplaintStatus.DECIDED, ComplaintStatus.ANSWERED]),
            ComplaintRow.seen_from <= ended_at,
            ComplaintRow.seen_to >= started_at,
        )
        .order_by(ComplaintRow.due_on, ComplaintRow.id)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()
