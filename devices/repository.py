"""Statements of the devices slice. Those of device paths are built once."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import DeviceKind
from app.db import Direct
from app.identity import service as identity
from devices.models import Assignment, Device, JournalEntry, Shift
from devices.rules.lifecycle import DeviceStatus

_Row = TypeVar("_Row")


@dataclass(frozen=True, kw_only=True)
class CredentialRow:
    """What a device is known by."""

    id: UUID
    kind: DeviceKind
    department_id: UUID
    status: DeviceStatus
    credential_sha256: bytes | None


@dataclass(frozen=True, kw_only=True)
class StandingRow:
    """Where a device stands; ``held_by`` is the post it was issued to, if any."""

    department_id: UUID
    status: DeviceStatus
    held_by: UUID | None


_CREDENTIAL: Final = (
    "SELECT id, kind, department_id, status, credential_sha256 FROM devices WHERE id = $1"
)

# What a tablet's every request needs: its person's session and the tablet itself, in one turn.
_SESSION_AND_DEVICE: Final = f"""
    SELECT s.*, d.id AS known_id, d.kind AS known_kind, d.department_id AS known_department_id,
           d.status AS known_status, d.credential_sha256 AS known_sha256
    FROM (SELECT) AS one
    LEFT JOIN ({identity.SESSION}) AS s ON true
    LEFT JOIN devices AS d ON d.id = $2
"""  # noqa: S608 - both parts are constants

_OPEN = sa.and_(
    Assignment.returned_at.is_(None),
    Assignment.withdrawn_at.is_(None),
    Assignment.written_off_at.is_(None),
)
_HELD = sa.and_(_OPEN, Assignment.issued_at.is_not(None))

_INSTANT = sa.bindparam("at", type_=sa.DateTime(timezone=True))
_AT = (
    sa.select(Assignment)
    .where(
        Assignment.device_id == sa.bindparam("device_id"),
        Assignment.issued_at <= sa.bindparam("at"),
        sa.or_(Assignment.returned_at.is_(None), Assignment.returned_at > sa.bindparam("at")),
        sa.or_(Assignment.written_off_at.is_(None), Assignment.written_off_at > sa.bindparam("at")),
    )
    .order_by(Assignment.issued_at.desc())
    .limit(1)
)
# Where a device stands at an instant, and whose it was then; others build upon it.
STANDING: Final = sa.select(
    Device.department_id,
    Device.status,
    sa.select(Assignment.post_id)
    .where(
        Assignment.device_id == Device.id,
        Assignment.issued_at <= _INSTANT,
        sa.or_(Assignment.returned_at.is_(None), Assignment.returned_at > _INSTANT),
        sa.or_(Assignment.written_off_at.is_(None), Assignment.written_off_at > _INSTANT),
    )
    .order_by(Assignment.issued_at.desc())
    .limit(1)
    .scalar_subquery()
    .label("held_by"),
).where(Device.id == sa.bindparam("device_id", type_=sa.Uuid()))
# The same, and it stays so until the transaction ends: who changes it just now is waited for.
STANDING_HELD: Final = STANDING.with_for_update(read=True, of=Device)
_HELD_BY_POST = (
    sa.select(Assignment)
    .join(Device, Device.id == Assignment.device_id)
    .where(
        _HELD,
        Assignment.post_id == sa.bindparam("post_id"),
        Device.kind == sa.bindparam("kind"),
        Device.status == DeviceStatus.ISSUED,
    )
    .order_by(Assignment.issued_at.desc())
    .limit(1)
)


async def credential_row(direct: Direct, device_id: UUID) -> CredentialRow | None:
    """Return what a device is known by, or ``None``."""
    row = await direct.row(_CREDENTIAL, device_id)
    if row is None:
        return None
    return CredentialRow(
        id=row["id"],
        kind=DeviceKind(row["kind"]),
        department_id=row["department_id"],
        status=DeviceStatus(row["status"]),
        credential_sha256=row["credential_sha256"],
    )


async def session_and_device(
    direct: Direct, *, token_sha256: bytes, device_id: UUID
) -> tuple[Any, CredentialRow | None]:
    """Return a session's row, as ``identity.SESSION`` finds it, and what a device is known by."""
    row = await direct.row(_SESSION_AND_DEVICE, token_sha256, device_id)
    known = None
    if row["known_id"] is not None:
        known = CredentialRow(
            id=row["known_id"],
            kind=DeviceKind(row["known_kind"]),
            department_id=row["known_department_id"],
            status=DeviceStatus(row["known_status"]),
            credential_sha256=row["known_sha256"],
        )
    return None if row["id"] is None else row, known


async def add(session: AsyncSession, row: Device | Shift | Assignment | JournalEntry) -> bool:
    """Insert ``row``; return ``False`` where a unique number or index refuses it.

    The savepoint keeps the caller's transaction usable after such a refusal.
    """
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        if _is_unique_violation(error):
            return False
        raise
    return True


def _is_unique_violation(error: IntegrityError) -> bool:
    return getattr(error.orig, "sqlstate", None) == "23505"  # PostgreSQL: unique_violation


async def device(
    session: AsyncSession, *, device_id: UUID, department_id: UUID, lock: bool = False
) -> Device | None:
    """Return a device of the unit, locked where asked, or ``None``."""
    statement = sa.select(Device).where(
        Device.id == device_id, Device.department_id == department_id
    )
    return (await session.scalars(_locked(statement, lock))).one_or_none()


async def inventory_numbers(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the inventory numbers of these devices."""
    rows = await session.execute(
        sa.select(Device.id, Device.inventory_number).where(Device.id.in_(list(ids)))
    )
    return {device_id: number for device_id, number in rows}  # noqa: C416 - rows are no pairs to mypy


async def device_by_id(
    session: AsyncSession, device_id: UUID, *, lock: bool = False
) -> Device | None:
    """Return any device, for the server's own acts, or ``None``."""
    statement = sa.select(Device).where(Device.id == device_id)
    return (await session.scalars(_locked(statement, lock))).one_or_none()


async def devices_of(
    session: AsyncSession, *, department_id: UUID, limit: int
) -> Sequence[tuple[Device, Assignment | None]]:
    """Return the unit's devices by inventory number, each with its open assignment."""
    statement = (
        sa.select(Device, Assignment)
        .outerjoin(Assignment, sa.and_(Assignment.device_id == Device.id, _OPEN))
        .where(Device.department_id == department_id)
        .order_by(Device.inventory_number)
        .limit(limit)
    )
    rows = (await session.execute(statement)).all()
    return [(row[0], row[1]) for row in rows]


async def devices_by_id(
    session: AsyncSession, device_ids: Sequence[UUID], *, department_id: UUID
) -> dict[UUID, Device]:
    """Return those of the devices that are the unit's, locked in the order of their ids."""
    statement = (
        sa.select(Device)
        .where(Device.id.in_(device_ids), Device.department_id == department_id)
        .order_by(Device.id)  # one order for everybody: two keepers never wait for each other
        .with_for_update()
    )
    return {row.id: row for row in await session.scalars(statement)}


async def shift(
    session: AsyncSession, *, shift_id: UUID, department_id: UUID, lock: bool = False
) -> Shift | None:
    """Return a shift of the unit, or ``None``."""
    statement = sa.select(Shift).where(Shift.id == shift_id, Shift.department_id == department_id)
    return (await session.scalars(_locked(statement, lock))).one_or_none()


async def open_shift_of(session: AsyncSession, *, post_id: UUID) -> Shift | None:
    """Return the post's open shift, or ``None``."""
    statement = sa.select(Shift).where(Shift.post_id == post_id, Shift.closed_at.is_(None))
    return (await session.scalars(statement)).one_or_none()


async def shifts_of(session: AsyncSession, *, department_id: UUID, limit: int) -> Sequence[Shift]:
    """Return the unit's shifts, newest first."""
    statement = (
        sa.select(Shift)
        .where(Shift.department_id == department_id)
        .order_by(Shift.opened_at.desc())
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def assignments_of(
    session: AsyncSession, *, shift_id: UUID
) -> Sequence[tuple[Assignment, Device]]:
    """Return everything made out to the shift, in the order of the sheets."""
    statement = (
        sa.select(Assignment, Device)
        .join(Device, Device.id == Assignment.device_id)
        .where(Assignment.shift_id == shift_id)
        .order_by(Assignment.sheet_at, Device.inventory_number)
    )
    return [(row[0], row[1]) for row in (await session.execute(statement)).all()]


async def assignment(
    session: AsyncSession, *, assignment_id: UUID, department_id: UUID, lock: bool = False
) -> Assignment | None:
    """Return an assignment of the unit, or ``None``."""
    statement = sa.select(Assignment).where(
        Assignment.id == assignment_id, Assignment.department_id == department_id
    )
    return (await session.scalars(_locked(statement, lock))).one_or_none()


async def open_assignment(
    session: AsyncSession, *, device_id: UUID, lock: bool = False
) -> Assignment | None:
    """Return the device's open assignment, signed or not, or ``None``."""
    statement = sa.select(Assignment).where(Assignment.device_id == device_id, _OPEN)
    return (await session.scalars(_locked(statement, lock))).one_or_none()


def standing_from(row: Sequence[Any]) -> StandingRow | None:
    """Return what a row of ``STANDING`` says; nothing where there is no such device."""
    department_id, status, held_by = row
    if status is None:
        return None
    return StandingRow(department_id=department_id, status=DeviceStatus(status), held_by=held_by)


async def held_at(session: AsyncSession, *, device_id: UUID, at: datetime) -> Assignment | None:
    """Return the signed assignment that covered the instant, or ``None``."""
    return (await session.scalars(_AT, {"device_id": device_id, "at": at})).one_or_none()


async def terminals(
    session: AsyncSession,
    *,
    held_at: datetime,
    without: Collection[DeviceStatus],
    department_id: UUID | None = None,
) -> Sequence[tuple[Device, bool]]:
    """Return a unit's or all card terminals, and whether an officer had each at the instant."""
    held = (
        sa.select(Assignment.id)
        .where(
            Assignment.device_id == Device.id,
            Assignment.issued_at <= held_at,
            sa.or_(Assignment.returned_at.is_(None), Assignment.returned_at > held_at),
            Assignment.written_off_at.is_(None),
        )
        .exists()
    )
    query = sa.select(Device, held).where(
        Device.kind == DeviceKind.TERMINAL, Device.status.not_in(without)
    )
    if department_id is not None:
        query = query.where(Device.department_id == department_id)
    found = await session.execute(query.order_by(Device.id))
    return [(device, bool(one)) for device, one in found]


async def held_by_post(
    session: AsyncSession, *, post_id: UUID, kind: DeviceKind
) -> Assignment | None:
    """Return the newest signed open assignment of a device of the kind to the post."""
    row = await session.scalars(_HELD_BY_POST, {"post_id": post_id, "kind": kind})
    return row.one_or_none()


async def last_docked(session: AsyncSession, *, device_id: UUID) -> Assignment | None:
    """Return the device's assignment that ended in a dock last, locked, or ``None``."""
    statement = (
        sa.select(Assignment)
        .where(Assignment.device_id == device_id, Assignment.docked_at.is_not(None))
        .order_by(Assignment.docked_at.desc())
        .limit(1)
        .with_for_update(key_share=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def camera_assignments(
    session: AsyncSession,
    *,
    begin: datetime,
    end: datetime,
    device_id: UUID | None = None,
    department_id: UUID | None = None,
    assignment_id: UUID | None = None,
    last: bool = False,
) -> Sequence[tuple[Assignment, Device]]:
    """Return cameras' signed assignments that meet the time, in the order of issue.

    Of them the ``last`` alone where that is asked.
    """
    over = sa.func.least(Assignment.docked_at, Assignment.returned_at, Assignment.written_off_at)
    statement = (
        sa.select(Assignment, Device)
        .join(Device, Device.id == Assignment.device_id)
        .where(
            Device.kind == DeviceKind.CAMERA,
            Assignment.issued_at < end,
            sa.or_(over.is_(None), over > begin),
        )
    )
    if last:
        statement = statement.order_by(Assignment.issued_at.desc(), Assignment.id).limit(1)
    else:
        statement = statement.order_by(Assignment.issued_at, Assignment.id)
    if device_id is not None:
        statement = statement.where(Assignment.device_id == device_id)
    if department_id is not None:
        statement = statement.where(Assignment.department_id == department_id)
    if assignment_id is not None:
        statement = statement.where(Assignment.id == assignment_id)
    return [(row[0], row[1]) for row in (await session.execute(statement)).all()]


async def open_devices_of_shift(session: AsyncSession, *, shift_id: UUID) -> Sequence[UUID]:
    """Return the devices of the shift's open assignments, signed or not."""
    statement = sa.select(Assignment.device_id).where(Assignment.shift_id == shift_id, _OPEN)
    return (await session.scalars(statement)).all()


async def journal(session: AsyncSession, *, assignment_id: UUID) -> Sequence[JournalEntry]:
    """Return the assignment's lines of the journal, oldest first."""
    statement = (
        sa.select(JournalEntry)
        .where(JournalEntry.assignment_id == assignment_id)
        .order_by(JournalEntry.number)
    )
    return (await session.scalars(statement)).all()


def _locked(statement: sa.Select[_Row], lock: bool) -> sa.Select[_Row]:  # noqa: FBT001 - private
    # Not of the keys: rows that name it, such as a ledger of its time, may be written meanwhile.
    return statement.with_for_update(key_share=True) if lock else statement


async def camera_of_serial(
    session: AsyncSession, *, department_id: UUID, serial_number: str
) -> UUID | None:
    """Return the unit's camera with the serial number; ``None`` for none and for several."""
    statement = (
        sa.select(Device.id)
        .where(
            Device.department_id == department_id,
            Device.kind == DeviceKind.CAMERA,
            Device.serial_number == serial_number,
        )
        .limit(2)
    )
    found = (await session.scalars(statement)).all()
    return found[0] if len(found) == 1 else None
