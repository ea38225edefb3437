"""The districts of departments: dated rings, taken from the personnel file."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity import errors
from app.identity.models import Department, DepartmentBoundary
from app.identity.rules.districts import Ring, ring_fault
from app.identity.schemas import StaffDepartment


async def keep_boundaries(
    session: AsyncSession, *, listed: Sequence[StaffDepartment], known: Mapping[str, Department]
) -> tuple[int, int]:
    """Enter the districts that the file names; return how many were added and changed.

    A district is known again by its department and first day.

    Raises:
        StaffFileNotValid: a ring bounds nothing, or the days contradict each other.
    """
    added = changed = 0
    for one in listed:
        boundary = one.boundary
        if boundary is None:
            continue
        fault = ring_fault(boundary.ring)
        if boundary.valid_to is not None and boundary.valid_to < boundary.valid_from:
            fault = "a district ends before it begins"
        if fault:
            raise errors.StaffFileNotValid(fault, bin=one.bin)
        values = {
            "ring": [list(point) for point in boundary.ring],
            "valid_to": boundary.valid_to,
            "source": boundary.source,
            "verified": boundary.verified,
        }
        row = await session.scalar(
            sa.select(DepartmentBoundary).where(
                DepartmentBoundary.department_id == known[one.bin].id,
                DepartmentBoundary.valid_from == boundary.valid_from,
            )
        )
        if row is None:
            added += 1
            session.add(
                DepartmentBoundary(
                    id=uuid4(),
                    department_id=known[one.bin].id,
                    valid_from=boundary.valid_from,
                    **values,
                )
            )
            continue
        different = {name: new for name, new in values.items() if getattr(row, name) != new}
        changed += bool(different)
        for name, new in different.items():
            setattr(row, name, new)
    await session.flush()
    return added, changed


async def districts_on(session: AsyncSession, *, day: date) -> dict[UUID, Ring]:
    """Return the ring of each department that has a district on ``day``; the newest counts."""
    rows = await session.execute(
        sa.select(DepartmentBoundary.department_id, DepartmentBoundary.ring)
        .where(
            DepartmentBoundary.valid_from <= day,
            sa.or_(DepartmentBoundary.valid_to.is_(None), DepartmentBoundary.valid_to >= day),
        )
        .order_by(DepartmentBoundary.valid_from)
    )
    return {row[0]: row[1] for row in rows}
