"""Recordings whose camera signed no manifest: ours says what was told of them and what arrived."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from bodycam.models import RecordingRow
from bodycam.rules.life_cycle import RecordingStatus
from bodycam.service.cameras import dock_camera, holder_of
from bodycam.service.completion import conclude
from bodycam.service.docking import Docking
from bodycam.service.examined import Examined
from bodycam.wire.canonical import canonical_json
from bodycam.wire.digests import merkle_root

_NO_LENGTH: Final = timedelta(milliseconds=1)  # a clip that says nothing and plays nothing


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """A sealed object that is to be a recording, and what was said of it.

    ``ended_at`` is ``None`` where nobody said it: then what plays of it decides.
    """

    door: str
    said: Mapping[str, object] = field(repr=False)
    camera_id: UUID
    started_at: datetime
    ended_at: datetime | None
    object_key: str
    size_bytes: int
    digests: list[bytes] = field(repr=False)


async def add_unsigned(
    session: AsyncSession,
    docking: Docking,
    arrived: Arrived,
    *,
    examined: Examined,
    dock: Principal,
    now: datetime,
) -> RecordingRow:
    """Make the recording and conclude it.

    Raises:
        CameraNotKnown: the camera is another department's.
    """
    row = _row(arrived, dock=dock, now=now)
    played = timedelta(milliseconds=examined.index.duration_ms) if examined.index else _NO_LENGTH
    row.started_at = arrived.started_at
    row.ended_at = arrived.ended_at or row.started_at + max(played, _NO_LENGTH)
    await dock_camera(
        session,
        trail=docking.trail,
        camera_id=row.camera_id,
        dock=dock,
        at=now,
        issued_before=row.ended_at,  # it may come days late: it says nothing of where the camera is
    )
    row.post_id = await holder_of(
        session, camera_id=row.camera_id, started_at=row.started_at, ended_at=row.ended_at
    )
    session.add(row)
    await session.flush()
    await conclude(session, docking, row, examined, caller=dock, now=now)
    return row


def _row(arrived: Arrived, *, dock: Principal, now: datetime) -> RecordingRow:
    root = merkle_root(arrived.digests)
    said = {"door": arrived.door, "size_bytes": arrived.size_bytes, "merkle_root": root.hex()}
    manifest = canonical_json({**arrived.said, **said})
    return RecordingRow(
        id=uuid4(),
        camera_id=arrived.camera_id,
        dock_id=dock.device,
        department_id=dock.department_id,
        status=RecordingStatus.RECEIVING,
        clock_drift_ms=0,
        battery_percent=None,
        declared_bytes=arrived.size_bytes,
        found_bytes=arrived.size_bytes,
        block_digests=b"".join(arrived.digests),
        merkle_root=root,
        differing={},
        manifest=manifest,
        manifest_sha256=sha256(manifest).digest(),
        manifest_signature="",
        predecessor_known=True,
        object_key=arrived.object_key,
        upload_ref="",
        damage=[],
        announced_at=now,
        door=arrived.door,
    )
