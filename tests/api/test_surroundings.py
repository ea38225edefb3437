"""What stands round a check: whose relative it is about, and where the tablet stood."""

import json
from datetime import date

import pytest
import sqlalchemy as sa
from pydantic import HttpUrl

from app.clock import utc_now
from app.db import transaction
from app.exchange import service
from app.identity.errors import StaffFileNotValid
from app.identity.schemas import BoundaryShape, StaffDepartment
from sim.district import CITY, DEPARTMENT_BIN, DRIVER, FRIEND, KEEPER, LATITUDE, LONGITUDE, OFFICER
from sim.registers import SimRegisters
from tests.factories_devices import audited, enrolled, issued
from tests.factories_exchange import JUSTIFICATION
from tests.factories_identity import district, signed_in, trust_the_authority
from tests.factories_requests import person_id_of, rows

HERE = {"latitude": LATITUDE, "longitude": LONGITUDE}
ELSEWHERE = {"latitude": 51.16941, "longitude": 71.44902}


def unit(ring=CITY, **changed):
    boundary = {"ring": ring, "valid_from": date(2026, 1, 1), "source": "invented"} | changed
    return StaffDepartment(
        bin=DEPARTMENT_BIN, name_kk="-", name_ru="-", boundary=BoundaryShape(**boundary)
    )


@pytest.fixture
def settings(settings):
    with SimRegisters() as registers:
        yield settings.model_copy(
            update={
                "registers_url": HttpUrl(registers.url),
                "register_timeout_seconds": 10,
                "audit_wait_seconds": 20,
            }
        )


@pytest.fixture
async def officer(client, settings, sessions):
    trust_the_authority(settings)
    await district(sessions)
    keeper = await signed_in(client, KEEPER)
    tablet = await enrolled(client, keeper, "tablet")
    await issued(client, keeper, OFFICER, tablet.device_id)
    return await signed_in(client, OFFICER, headers=tablet.headers)


async def served(sessions, **changed):
    await district(sessions, with_rights=False, departments=(unit(**changed),), staff=())


async def check(client, officer, subject=DRIVER, **sent):
    body = {
        "identity": {"iin": subject.iin},
        "stop_ground": "traffic_violation",
        "justification": JUSTIFICATION,
    }
    answer = await client.post("/api/checks", json=body | sent, headers=officer)
    assert answer.status_code == 200, answer.text


async def flags(sessions):
    return [{"relative", "out_of_district"} & set(row.flags) for row in await rows(sessions)]


async def declared(parts, **of):
    """Declare these relatives; a process reads them anew, as it does each minute."""
    async with transaction(parts.sessions) as session:
        changed = await service.declare_relatives(
            session,
            keys=parts.keys,
            relatives={await person_id_of(parts.sessions, OFFICER): of["relatives"]},
            trail=parts.trail,
            now=utc_now(),
        )
    parts.surroundings.forget()
    return changed


async def test_a_check_far_from_the_district_is_flagged(client, officer, sessions):
    await served(sessions)

    await check(client, officer, **HERE)
    await check(client, officer, **ELSEWHERE)
    await check(client, officer)

    assert await flags(sessions) == [set(), {"out_of_district"}, set()]


@pytest.mark.parametrize(
    "changed",
    [
        {"valid_from": date(2099, 1, 1)},
        {"valid_to": date(2026, 1, 2)},
    ],
)
async def test_a_district_out_of_force_flags_nothing(client, officer, sessions, changed):
    await served(sessions, **changed)

    await check(client, officer, **ELSEWHERE)

    assert await flags(sessions) == [set()]


async def test_a_position_is_kept_rounded_and_stands_in_no_leaf(client, officer, sessions):
    await served(sessions)

    await check(client, officer, **ELSEWHERE)

    (row,) = await rows(sessions)
    assert (row.latitude_e2, row.longitude_e2) == (5117, 7145)
    async with transaction(sessions) as session:
        query = sa.text("SELECT convert_from(leaf, 'UTF8') FROM audit_leaves")
        told = "".join(await session.scalars(query))
    looked_for = ("51.169", "71.449", "latitude", "longitude", ":5117", ":7145")
    assert [text for text in looked_for if text in told] == []
    (leaf,) = await audited(sessions, "exchange.request_decided")
    assert "out_of_district" in leaf["fields"]["flags"]


@pytest.mark.parametrize(
    "sent", [{"latitude": 43.2}, {"longitude": 76.9}, {"latitude": 91, "longitude": 0}]
)
async def test_half_a_position_is_none(client, officer, sent):
    body = {"identity": {"iin": DRIVER.iin}, "stop_ground": "traffic_violation"} | sent

    answer = await client.post("/api/checks", json=body, headers=officer)

    assert answer.status_code == 422


@pytest.mark.parametrize("ring", [CITY[:4], [[0.0, 0.0]] * 5, []])
async def test_a_ring_that_bounds_nothing_is_not_entered(sessions, ring):
    with pytest.raises(StaffFileNotValid):
        await served(sessions, ring=ring)


async def test_a_request_about_a_declared_relative_is_flagged(client, officer, sessions, parts):
    await check(client, officer)
    assert await declared(parts, relatives=[DRIVER.iin]) == 1

    await check(client, officer)
    await check(client, officer, FRIEND)
    assert await declared(parts, relatives=[]) == 1
    await check(client, officer)

    assert await flags(sessions) == [set(), {"relative"}, set(), set()]


@pytest.mark.usefixtures("officer")
async def test_a_relatives_number_is_stored_nowhere(sessions, parts):
    await declared(parts, relatives=[DRIVER.iin, FRIEND.iin])
    assert await declared(parts, relatives=[FRIEND.iin, DRIVER.iin]) == 0

    async with transaction(sessions) as session:
        kept = await session.scalars(sa.text("SELECT row_to_json(r) FROM declared_relatives r"))
        told = json.dumps(list(kept))
    assert DRIVER.iin not in told
    assert len(await audited(sessions, "exchange.relatives_declared")) == 1
