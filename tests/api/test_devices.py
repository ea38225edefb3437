"""The inventory over HTTP: take on, enrol once, block at once."""

import pytest
import sqlalchemy as sa

from app.db import transaction
from devices.models import Device
from sim.district import DUTY, KEEPER, OFFICER, REVIEWER
from tests.factories_devices import (
    OTHER_KEEPER,
    audited,
    device_body,
    enrolled,
    issued,
    public_pem,
    registered,
)
from tests.factories_identity import district, signed_in, trust_the_authority


@pytest.fixture
async def keeper(settings, sessions, client):
    trust_the_authority(settings)
    await district(sessions)
    return await signed_in(client, KEEPER)


async def test_a_device_is_taken_on_enrolled_and_listed(client, keeper, sessions):
    device = await enrolled(client, keeper, "tablet", inventory_number="ПЛ-1")

    listed = (await client.get("/api/devices", headers=keeper)).json()["devices"]

    assert [(one["inventory_number"], one["status"]) for one in listed] == [("ПЛ-1", "in_store")]
    assert listed[0]["device_id"] == device.device_id
    assert len(await audited(sessions, "devices.registered")) == 1
    assert len(await audited(sessions, "devices.enrolled")) == 1


async def test_the_credential_is_shown_once_and_only_its_hash_is_kept(client, keeper, sessions):
    device = await enrolled(client, keeper)
    secret = device.credential.partition(".")[2]

    async with transaction(sessions) as session:
        row = (await session.scalars(sa.select(Device))).one()
    listed = (await client.get("/api/devices", headers=keeper)).text

    assert row.credential_sha256 is not None
    assert len(row.credential_sha256) == 32
    assert secret.encode() not in row.credential_sha256
    assert secret not in listed
    assert all(secret not in str(leaf) for leaf in await audited(sessions, "devices.enrolled"))


async def challenge(client, headers):
    return (await client.post("/api/sign-in/challenge", headers=headers)).status_code


async def test_only_the_newest_credential_opens_anything(client, keeper):
    device = await enrolled(client, keeper)
    again = await client.post(f"/api/devices/{device.device_id}/enrollment", headers=keeper)

    assert again.status_code == 201
    assert await challenge(client, device.headers) == 401
    assert await challenge(client, {"Device-Credential": again.json()["credential"]}) == 200


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: text[:-1],
        lambda text: "00000000-0000-4000-8000-000000000000" + text[36:],
        lambda text: text.upper(),
        lambda _: "nonsense",
    ],
)
async def test_a_spoilt_credential_opens_nothing(client, keeper, spoil):
    device = await enrolled(client, keeper)

    assert await challenge(client, device.headers) == 200
    assert await challenge(client, {"Device-Credential": spoil(device.credential)}) == 401


@pytest.mark.parametrize("status", ["suspended", "lost", "retired"])
async def test_a_blocked_device_is_refused_from_its_next_request(client, keeper, status):
    device = await enrolled(client, keeper)

    answer = await client.post(
        f"/api/devices/{device.device_id}/status",
        json={"status": status, "reason": "lost"},
        headers=keeper,
    )

    assert answer.json() == {"status": status}
    assert await challenge(client, device.headers) == 401


async def test_a_duty_officer_blocks_and_nothing_more(client, keeper):
    device = await enrolled(client, keeper)
    duty = await signed_in(client, DUTY)
    path = f"/api/devices/{device.device_id}/status"

    blocked = await client.post(
        path, json={"status": "suspended", "reason": "stolen"}, headers=duty
    )
    freed = await client.post(path, json={"status": "in_store", "reason": "found"}, headers=duty)

    assert blocked.status_code == 200
    assert (freed.status_code, freed.json()["code"]) == (409, "devices.step_refused")


@pytest.mark.parametrize("status", ["issued", "docked", "enrolled", "registered"])
async def test_nobody_sets_by_hand_what_has_an_act_of_its_own(client, keeper, status):
    device = await enrolled(client, keeper)

    answer = await client.post(
        f"/api/devices/{device.device_id}/status",
        json={"status": status, "reason": "checked"},
        headers=keeper,
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "devices.step_refused")


async def test_a_lost_device_is_written_off_from_the_officer(client, keeper):
    device = await enrolled(client, keeper)
    assignment_id = await issued(client, keeper, OFFICER, device.device_id)

    await client.post(
        f"/api/devices/{device.device_id}/status",
        json={"status": "lost", "reason": "lost", "note": "утерян на маршруте"},
        headers=keeper,
    )

    shown = (await client.get(f"/api/assignments/{assignment_id}", headers=keeper)).json()
    assert shown["assignment"]["written_off_at"] is not None
    assert [line["kind"] for line in shown["journal"]] == ["sheet_made", "issued", "lost"]
    assert shown["journal"][-1]["note"] == "утерян на маршруте"


async def test_what_an_officer_has_does_not_go_to_the_store_by_hand(client, keeper):
    device = await enrolled(client, keeper)
    await issued(client, keeper, OFFICER, device.device_id)
    path = f"/api/devices/{device.device_id}/status"
    await client.post(path, json={"status": "suspended", "reason": "broken"}, headers=keeper)

    answer = await client.post(
        path, json={"status": "in_store", "reason": "checked"}, headers=keeper
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "devices.already_out")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (device_body("camera", public_key_pem=None), "devices.public_key_not_valid"),
        (device_body("camera", public_key_pem="nonsense"), "devices.public_key_not_valid"),
        (device_body("tablet", public_key_pem=public_pem()), "devices.public_key_not_valid"),
        (device_body("terminal", terminal_number=None), "devices.terminal_number_not_valid"),
        (device_body("terminal", terminal_number="123"), "devices.terminal_number_not_valid"),
        (
            device_body("terminal", terminal_number="１２３４５６７８"),
            "devices.terminal_number_not_valid",
        ),
        (device_body("dock", terminal_number="00000001"), "devices.terminal_number_not_valid"),
        (device_body("drone"), "app.bad_request"),
        (device_body("tablet", inventory_number="А\nБ"), "app.bad_request"),
        (device_body("tablet", serial_number=""), "app.bad_request"),
        (device_body("tablet", colour="red"), "app.bad_request"),
    ],
)
async def test_a_device_that_is_not_described_rightly_is_refused(client, keeper, body, code):
    answer = await client.post("/api/devices", json=body, headers=keeper)

    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize("field", ["inventory_number", "terminal_number"])
async def test_a_number_is_given_once(client, keeper, field):
    body = device_body("terminal")
    await client.post("/api/devices", json=body, headers=keeper)

    answer = await client.post(
        "/api/devices", json=device_body("terminal", **{field: body[field]}), headers=keeper
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "devices.number_taken")


async def test_another_units_device_is_as_good_as_absent(sessions, client, keeper):
    await district(sessions, staff=(OTHER_KEEPER,))
    device = await enrolled(client, keeper)
    other = await signed_in(client, OTHER_KEEPER)

    listed = await client.get("/api/devices", headers=other)
    again = await client.post(f"/api/devices/{device.device_id}/enrollment", headers=other)
    block = await client.post(
        f"/api/devices/{device.device_id}/status",
        json={"status": "lost", "reason": "lost"},
        headers=other,
    )

    assert listed.json() == {"devices": []}
    assert (again.status_code, again.json()["code"]) == (404, "devices.device_not_found")
    assert (block.status_code, block.json()["code"]) == (404, "devices.device_not_found")


ROUTES = [
    ("POST", "/api/devices"),
    ("GET", "/api/devices"),
    ("POST", "/api/devices/{id}/enrollment"),
    ("POST", "/api/devices/{id}/status"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_nobody_is_asked_to_sign_in(client, method, path):
    answer = await client.request(
        method, path.format(id="00000000-0000-4000-8000-000000000000"), json={}
    )

    assert (answer.status_code, answer.json()["code"]) == (401, "access.not_signed_in")


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("who", [OFFICER, REVIEWER])
async def test_another_role_is_not_admitted(client, keeper, method, path, who):
    device_id = await registered(client, keeper)
    headers = await signed_in(client, who)

    answer = await client.request(method, path.format(id=device_id), json={}, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "access.not_admitted")


async def test_a_device_alone_is_no_keeper(client, keeper):
    device = await enrolled(client, keeper)

    answer = await client.get("/api/devices", headers=device.headers)

    assert answer.status_code == 401
