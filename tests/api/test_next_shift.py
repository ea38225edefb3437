"""A camera that an officer of the next shift waits for is emptied first."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from app.db import transaction
from sim.district import KEEPER, SECOND_OFFICER
from tests import factories_bodycam as bodycam
from tests.factories_devices import sheets_for, shift_of, signature_over
from tests.factories_identity import signed_in


@pytest.fixture
async def keeper(client, yard):  # noqa: ARG001 - the staff must be there to sign in
    return await signed_in(client, KEEPER)


async def wanted(client, yard, recorded):
    plan = await bodycam.announce(client, recorded, yard.dock)
    until = plan.raise_for_status().json()["wanted_until"]
    return until and datetime.fromisoformat(until)


async def made_out(client, yard, keeper):
    """Take the camera back and make it out to the next officer; return his sheet."""
    async with transaction(yard.sessions) as session:
        before = await session.scalar(sa.text("SELECT id FROM assignments"))
    back = await client.post(
        f"/api/assignments/{before}/return", json={"good": True}, headers=keeper
    )
    assert back.is_success, back.text
    shift_id = await shift_of(client, keeper, SECOND_OFFICER)
    (sheet,) = await sheets_for(client, keeper, shift_id, yard.camera.camera_id)
    return sheet


async def sheet_at(yard):
    async with transaction(yard.sessions) as session:
        return await session.scalar(sa.text("SELECT sheet_at FROM assignments ORDER BY 1 DESC"))


async def test_a_camera_made_out_to_the_next_officer_is_due_since_then(client, yard, keeper):
    recorded = yard.record()
    before = await wanted(client, yard, recorded)

    await made_out(client, yard, keeper)

    assert before is None
    due = await wanted(client, yard, recorded)
    assert abs(due - await sheet_at(yard)) < timedelta(milliseconds=1)


async def test_it_goes_before_a_complaint_of_later_days(client, yard, keeper):
    recorded = yard.record(track=[bodycam.passed(10)])
    await bodycam.complain(yard)
    complained = await wanted(client, yard, recorded)

    await made_out(client, yard, keeper)
    async with transaction(yard.sessions) as session:  # whatever the day is, before the answer's
        await session.execute(
            sa.text("UPDATE assignments SET sheet_at = :at WHERE issued_at IS NULL"),
            {"at": bodycam.STARTED_AT + timedelta(days=2)},
        )

    assert await wanted(client, yard, recorded) < complained


async def test_once_he_has_signed_nobody_waits_for_it(client, yard, keeper):
    recorded = yard.record()
    sheet = await made_out(client, yard, keeper)

    signed = await client.post(
        f"/api/assignments/{sheet['assignment_id']}/signature",
        json=signature_over(SECOND_OFFICER, sheet["sheet"]),
        headers=await signed_in(client, SECOND_OFFICER),
    )

    assert signed.is_success, signed.text
    assert await wanted(client, yard, recorded) is None
