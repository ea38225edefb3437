"""What docks report of cameras, and what other slices ask of devices."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.access import DeviceKind, Principal
from app.db import transaction
from devices import service
from devices.errors import DeviceNotFound
from sim.district import KEEPER, OFFICER
from tests.factories_devices import enrolled, issued, status_of
from tests.factories_identity import district, signed_in, trust_the_authority


@pytest.fixture
async def keeper(settings, sessions, client):
    trust_the_authority(settings)
    await district(sessions)
    return await signed_in(client, KEEPER)


async def dock_of(client, keeper, sessions):
    dock = await enrolled(client, keeper, "dock")
    async with transaction(sessions) as session:
        department_id = await session.scalar(
            sa.text("SELECT department_id FROM devices WHERE id = :id"), {"id": dock.device_id}
        )
    return Principal(
        department_id=department_id, device_id=UUID(dock.device_id), device_kind=DeviceKind.DOCK
    )


async def test_docking_and_upload_stand_in_the_journal_once(client, keeper, sessions, parts):
    camera = await enrolled(client, keeper, "camera")
    assignment_id = await issued(client, keeper, OFFICER, camera.device_id)
    dock = await dock_of(client, keeper, sessions)
    at = datetime.now(UTC)

    for _ in range(2):
        async with transaction(sessions) as session:
            facts = await service.note_docked(
                session, trail=parts.trail, dock=dock, device_id=UUID(camera.device_id), at=at
            )
            await service.note_uploaded(
                session, trail=parts.trail, dock=dock, device_id=UUID(camera.device_id), at=at
            )

    shown = (await client.get(f"/api/assignments/{assignment_id}", headers=keeper)).json()
    assert facts is not None
    assert facts.docked_at == at
    assert [line["kind"] for line in shown["journal"]] == [
        "sheet_made", "issued", "docked", "uploaded",
    ]  # fmt: skip
    assert shown["assignment"]["uploaded_at"] is not None
    assert await status_of(client, keeper, camera.device_id) == "docked"
    back = await client.post(f"/api/assignments/{assignment_id}/return", json={}, headers=keeper)
    assert back.json() == {"status": "in_store"}


async def test_a_camera_in_the_store_is_docked_without_a_line(client, keeper, sessions, parts):
    camera = await enrolled(client, keeper, "camera")
    dock = await dock_of(client, keeper, sessions)

    async with transaction(sessions) as session:
        facts = await service.note_docked(
            session,
            trail=parts.trail,
            dock=dock,
            device_id=UUID(camera.device_id),
            at=datetime.now(UTC),
        )

    assert facts is None


async def test_who_had_a_device_at_an_instant(client, keeper, sessions):
    camera = await enrolled(client, keeper, "camera")
    device_id = UUID(camera.device_id)
    assignment_id = await issued(client, keeper, OFFICER, camera.device_id)
    await client.post(f"/api/assignments/{assignment_id}/return", json={}, headers=keeper)
    shown = (await client.get(f"/api/assignments/{assignment_id}", headers=keeper)).json()
    issued_at = datetime.fromisoformat(shown["assignment"]["issued_at"])
    returned_at = datetime.fromisoformat(shown["assignment"]["returned_at"])
    tick = timedelta(microseconds=1)

    async with transaction(sessions) as session:
        held = [
            await service.assignment_at(session, device_id=device_id, at=at) is not None
            for at in (issued_at - tick, issued_at, returned_at - tick, returned_at)
        ]

    assert held == [False, True, True, False]


async def test_only_what_is_issued_and_usable_is_an_officers_terminal(client, keeper, sessions):
    terminal = await enrolled(client, keeper, "terminal", terminal_number="00001042")
    await issued(client, keeper, OFFICER, terminal.device_id)
    async with transaction(sessions) as session:
        post_id = await session.scalar(sa.text("SELECT post_id FROM assignments"))

        found = await service.open_assignment_of(session, post_id=post_id, kind=DeviceKind.TERMINAL)
        camera = await service.open_assignment_of(session, post_id=post_id, kind=DeviceKind.CAMERA)
    await client.post(
        f"/api/devices/{terminal.device_id}/status",
        json={"status": "suspended", "reason": "broken"},
        headers=keeper,
    )
    async with transaction(sessions) as session:
        blocked = await service.open_assignment_of(
            session, post_id=post_id, kind=DeviceKind.TERMINAL
        )

    assert found is not None
    assert found.terminal_number == "00001042"
    assert camera is None
    assert blocked is None


async def test_only_a_camera_has_a_key(client, keeper, sessions):
    camera = await enrolled(client, keeper, "camera")
    tablet = await enrolled(client, keeper, "tablet")
    dock = await dock_of(client, keeper, sessions)

    async with transaction(sessions) as session:
        pem = await service.camera_key(session, dock=dock, device_id=UUID(camera.device_id))
        with pytest.raises(DeviceNotFound):
            await service.camera_key(session, dock=dock, device_id=UUID(tablet.device_id))

    assert pem.startswith("-----BEGIN PUBLIC KEY-----")
