"""The journal of issue and return: sheet, signature, return, correction."""

import asyncio
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.db import transaction
from sim.district import DUTY, KEEPER, OFFICER, REVIEWER, SECOND_OFFICER, STRANGER
from tests.factories_devices import (
    OTHER_KEEPER,
    audited,
    enrolled,
    issued,
    registered,
    sheets_for,
    shift_of,
    signature_over,
    status_of,
)
from tests.factories_identity import district, signed_in, trust_the_authority


@pytest.fixture
async def keeper(settings, sessions, client):
    trust_the_authority(settings)
    await district(sessions)
    return await signed_in(client, KEEPER)


async def test_a_device_is_issued_only_against_the_officers_signature(client, keeper, sessions):
    camera = await enrolled(client, keeper, "camera")
    shift_id = await shift_of(client, keeper, OFFICER)

    (sheet,) = await sheets_for(client, keeper, shift_id, camera.device_id)
    before = await status_of(client, keeper, camera.device_id)
    path = f"/api/assignments/{sheet['assignment_id']}/signature"
    signed = await client.post(
        path,
        json=signature_over(OFFICER, sheet["sheet"]),
        headers=await signed_in(client, OFFICER),
    )

    assert before == "in_store"
    assert signed.status_code == 200
    assert await status_of(client, keeper, camera.device_id) == "issued"
    (leaf,) = await audited(sessions, "devices.issued")
    assert leaf["fields"]["device_id"] == camera.device_id
    shown = (await client.get(f"/api/assignments/{sheet['assignment_id']}", headers=keeper)).json()
    assert [line["kind"] for line in shown["journal"]] == ["sheet_made", "issued"]
    assert shown["journal"][1]["signature_id"] == leaf["fields"]["signature_id"]


async def test_the_sheet_names_device_officer_and_time_in_both_languages(client, keeper):
    camera = await enrolled(client, keeper, "camera", inventory_number="ВЖ-42")
    shift_id = await shift_of(client, keeper, OFFICER)

    (sheet,) = await sheets_for(client, keeper, shift_id, camera.device_id)

    for piece in ("ВЖ-42", OFFICER.full_name, OFFICER.badge, KEEPER.full_name, "UTC+05:00"):
        assert piece in sheet["sheet"]
    assert "Түгендеу нөмірі / Инвентарный номер" in sheet["sheet"]
    assert OFFICER.iin not in sheet["sheet"]


async def sheet_of(client, keeper, officer=OFFICER, kind="terminal"):
    device = await enrolled(client, keeper, kind)
    shift_id = await shift_of(client, keeper, officer)
    (sheet,) = await sheets_for(client, keeper, shift_id, device.device_id)
    return device, shift_id, sheet


@pytest.mark.parametrize(
    ("signer", "text", "code"),
    [
        (OFFICER, lambda text: text + " ", "identity.signature_content_changed"),
        (OFFICER, lambda text: text.replace("\n", "\r\n"), "identity.signature_content_changed"),
        (SECOND_OFFICER, lambda text: text, "identity.certificate_of_another_person"),
    ],
)
async def test_another_text_or_signer_issues_nothing(client, keeper, sessions, signer, text, code):
    device, _, sheet = await sheet_of(client, keeper)

    answer = await client.post(
        f"/api/assignments/{sheet['assignment_id']}/signature",
        json=signature_over(signer, text(sheet["sheet"])),
        headers=await signed_in(client, OFFICER),
    )

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert await status_of(client, keeper, device.device_id) == "in_store"
    (leaf,) = await audited(sessions, "devices.issue_refused")
    assert leaf["fields"]["code"] == code


async def test_what_is_no_signature_is_refused(client, keeper):
    _, _, sheet = await sheet_of(client, keeper)
    headers = await signed_in(client, OFFICER)
    path = f"/api/assignments/{sheet['assignment_id']}/signature"

    not_base64 = await client.post(path, json={"cms": "***"}, headers=headers)
    not_der = await client.post(path, json={"cms": "AAAA"}, headers=headers)
    too_long = await client.post(path, json={"cms": "A" * 200_000}, headers=headers)

    assert not_base64.status_code == 422
    assert (not_der.status_code, not_der.json()["code"]) == (422, "identity.signature_not_der")
    assert too_long.status_code == 413


async def test_another_officers_sheet_is_as_good_as_absent(client, keeper, sessions):
    _, shift_id, sheet = await sheet_of(client, keeper)
    second = await signed_in(client, SECOND_OFFICER)
    assignment_id = sheet["assignment_id"]

    signed = await client.post(
        f"/api/assignments/{assignment_id}/signature",
        json=signature_over(SECOND_OFFICER, sheet["sheet"]),
        headers=second,
    )
    seen = await client.get(f"/api/assignments/{assignment_id}", headers=second)
    shift = await client.get(f"/api/shifts/{shift_id}", headers=second)

    assert (signed.status_code, signed.json()["code"]) == (404, "devices.assignment_not_found")
    assert seen.status_code == 404
    assert shift.status_code == 404
    assert len(await audited(sessions, "devices.issue_refused")) == 1


async def test_a_sheet_is_signed_once(client, keeper):
    _, _, sheet = await sheet_of(client, keeper)
    headers = await signed_in(client, OFFICER)
    path = f"/api/assignments/{sheet['assignment_id']}/signature"
    body = signature_over(OFFICER, sheet["sheet"])

    first = await client.post(path, json=body, headers=headers)
    second = await client.post(path, json=body, headers=headers)

    assert first.status_code == 200
    assert (second.status_code, second.json()["code"]) == (409, "devices.already_signed")


async def test_a_device_blocked_meanwhile_is_not_issued(client, keeper):
    device, _, sheet = await sheet_of(client, keeper)
    await client.post(
        f"/api/devices/{device.device_id}/status",
        json={"status": "suspended", "reason": "broken"},
        headers=keeper,
    )

    answer = await client.post(
        f"/api/assignments/{sheet['assignment_id']}/signature",
        json=signature_over(OFFICER, sheet["sheet"]),
        headers=await signed_in(client, OFFICER),
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "devices.step_refused")
    assert await status_of(client, keeper, device.device_id) == "suspended"


async def test_a_device_has_one_open_sheet_even_for_two_keepers_at_once(client, keeper):
    device = await enrolled(client, keeper, "camera")
    shifts = [await shift_of(client, keeper, one) for one in (OFFICER, SECOND_OFFICER)]

    answers = await asyncio.gather(
        *(
            client.post(
                f"/api/shifts/{shift_id}/assignments",
                json={"device_ids": [device.device_id]},
                headers=keeper,
            )
            for shift_id in shifts
        )
    )

    assert sorted(answer.status_code for answer in answers) == [201, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["code"] == "devices.already_out"


async def test_one_device_that_cannot_be_issued_refuses_the_whole_list(client, keeper):
    good = await enrolled(client, keeper, "camera")
    raw = await registered(client, keeper, "terminal")
    dock = await enrolled(client, keeper, "dock")
    shift_id = await shift_of(client, keeper, OFFICER)
    path = f"/api/shifts/{shift_id}/assignments"

    codes = []
    for other in (raw, dock.device_id, str(uuid4())):
        answer = await client.post(
            path, json={"device_ids": [good.device_id, other]}, headers=keeper
        )
        codes.append((answer.status_code, answer.json()["code"]))

    assert codes == [
        (409, "devices.step_refused"),
        (422, "devices.not_issuable"),
        (404, "devices.device_not_found"),
    ]
    shift = (await client.get(f"/api/shifts/{shift_id}", headers=keeper)).json()
    assert shift["assignments"] == []


async def test_a_withdrawn_sheet_frees_the_device(client, keeper):
    device, shift_id, sheet = await sheet_of(client, keeper)
    path = f"/api/assignments/{sheet['assignment_id']}"

    withdrawn = await client.post(f"{path}/withdrawal", headers=keeper)
    again = await client.post(f"{path}/withdrawal", headers=keeper)
    late = await client.post(
        f"{path}/signature",
        json=signature_over(OFFICER, sheet["sheet"]),
        headers=await signed_in(client, OFFICER),
    )

    assert withdrawn.status_code == 204
    assert (again.status_code, again.json()["code"]) == (409, "devices.not_issued")
    assert (late.status_code, late.json()["code"]) == (409, "devices.not_issued")
    assert len(await sheets_for(client, keeper, shift_id, device.device_id)) == 1


async def test_a_signed_sheet_is_not_withdrawn(client, keeper):
    device = await enrolled(client, keeper)
    assignment_id = await issued(client, keeper, OFFICER, device.device_id)

    answer = await client.post(f"/api/assignments/{assignment_id}/withdrawal", headers=keeper)

    assert (answer.status_code, answer.json()["code"]) == (409, "devices.already_signed")


@pytest.mark.parametrize(("good", "status"), [(True, "in_store"), (False, "returned")])
async def test_a_device_comes_back(client, keeper, good, status):
    device = await enrolled(client, keeper)
    assignment_id = await issued(client, keeper, OFFICER, device.device_id)
    path = f"/api/assignments/{assignment_id}/return"

    back = await client.post(path, json={"good": good, "note": "экран"}, headers=keeper)
    again = await client.post(path, json={}, headers=keeper)

    assert back.json() == {"status": status}
    assert (again.status_code, again.json()["code"]) == (409, "devices.not_issued")


async def test_a_suspended_device_comes_back_and_stays_aside(client, keeper):
    device = await enrolled(client, keeper)
    assignment_id = await issued(client, keeper, OFFICER, device.device_id)
    await client.post(
        f"/api/devices/{device.device_id}/status",
        json={"status": "suspended", "reason": "misuse"},
        headers=keeper,
    )

    back = await client.post(f"/api/assignments/{assignment_id}/return", json={}, headers=keeper)

    assert back.json() == {"status": "returned"}


async def test_a_shift_closes_when_everything_is_back(client, keeper):
    device = await enrolled(client, keeper)
    shift_id = await shift_of(client, keeper, OFFICER)
    assignment_id = await issued(client, keeper, OFFICER, device.device_id, shift_id=shift_id)

    early = await client.post(f"/api/shifts/{shift_id}/close", headers=keeper)
    await client.post(f"/api/assignments/{assignment_id}/return", json={}, headers=keeper)
    closed = await client.post(f"/api/shifts/{shift_id}/close", headers=keeper)
    late = await client.post(
        f"/api/shifts/{shift_id}/assignments",
        json={"device_ids": [device.device_id]},
        headers=keeper,
    )
    twice = await client.post(f"/api/shifts/{shift_id}/close", headers=keeper)

    assert (early.status_code, early.json()["code"]) == (409, "devices.devices_out")
    assert early.json()["device_ids"] == [device.device_id]
    assert closed.status_code == 204
    assert (late.status_code, late.json()["code"]) == (409, "devices.shift_closed")
    assert twice.status_code == 409
    assert await shift_of(client, keeper, OFFICER) != shift_id


async def test_an_officer_has_one_open_shift(client, keeper):
    shift_id = await shift_of(client, keeper, OFFICER)

    answer = await client.post("/api/shifts", json={"officer_iin": OFFICER.iin}, headers=keeper)

    assert (answer.status_code, answer.json()["code"]) == (409, "devices.shift_open")
    assert answer.json()["shift_id"] == shift_id


@pytest.mark.parametrize("iin", [STRANGER.iin, KEEPER.iin, "950817301017"])
async def test_only_a_patrol_officer_of_the_unit_has_a_shift(client, keeper, iin):
    answer = await client.post("/api/shifts", json={"officer_iin": iin}, headers=keeper)

    assert (answer.status_code, answer.json()["code"]) == (404, "devices.officer_not_found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"officer_iin": OFFICER.iin, "post_id": str(uuid4())},
        {"officer_iin": "12"},
        {"post_id": "x"},
    ],
)
async def test_the_officer_is_named_one_way(client, keeper, body):
    answer = await client.post("/api/shifts", json=body, headers=keeper)

    assert (answer.status_code, answer.json()["code"]) == (422, "app.bad_request")
    assert OFFICER.iin not in answer.text


async def test_an_officer_sees_his_own_shift_with_its_sheets(client, keeper):
    _, shift_id, sheet = await sheet_of(client, keeper)

    answer = await client.get(f"/api/shifts/{shift_id}", headers=await signed_in(client, OFFICER))

    shift = answer.json()
    assert shift["officer_name"] == OFFICER.full_name
    assert [one["sheet"] for one in shift["assignments"]] == [sheet["sheet"]]
    listed = (await client.get("/api/shifts", headers=keeper)).json()["shifts"]
    assert [one["shift_id"] for one in listed] == [shift_id]


async def test_the_journal_is_corrected_by_a_further_line(client, keeper):
    device = await enrolled(client, keeper)
    assignment_id = await issued(client, keeper, OFFICER, device.device_id)
    path = f"/api/assignments/{assignment_id}"
    lines = (await client.get(path, headers=keeper)).json()["journal"]

    corrected = await client.post(
        f"{path}/corrections",
        json={"entry_id": lines[1]["entry_id"], "note": "Время: 09:05"},
        headers=keeper,
    )
    foreign = await client.post(
        f"{path}/corrections", json={"entry_id": str(uuid4()), "note": "x"}, headers=keeper
    )

    after = (await client.get(path, headers=keeper)).json()["journal"]
    assert corrected.status_code == 201
    assert after[:2] == lines
    assert after[2]["corrects_entry_id"] == lines[1]["entry_id"]
    assert foreign.json()["code"] == "devices.journal_entry_not_found"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE device_journal SET note = 'x'",
        "DELETE FROM device_journal",
        "TRUNCATE device_journal",
    ],
)
async def test_nobody_changes_a_line_of_the_journal(client, keeper, sessions, statement):
    await sheet_of(client, keeper)

    with pytest.raises(DBAPIError, match="append-only"):
        async with transaction(sessions) as session:
            await session.execute(sa.text(statement))


async def test_another_units_shift_is_as_good_as_absent(client, keeper, sessions):
    await district(sessions, staff=(OTHER_KEEPER,))
    device, shift_id, sheet = await sheet_of(client, keeper)
    other = await signed_in(client, OTHER_KEEPER)
    assignment = f"/api/assignments/{sheet['assignment_id']}"

    answers = [
        await client.get(f"/api/shifts/{shift_id}", headers=other),
        await client.post(f"/api/shifts/{shift_id}/close", headers=other),
        await client.post(
            f"/api/shifts/{shift_id}/assignments",
            json={"device_ids": [device.device_id]},
            headers=other,
        ),
        await client.get(assignment, headers=other),
        await client.post(f"{assignment}/return", json={}, headers=other),
        await client.post(f"{assignment}/withdrawal", headers=other),
        await client.post(
            f"{assignment}/corrections",
            json={"entry_id": str(uuid4()), "note": "x"},
            headers=other,
        ),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert (await client.get("/api/shifts", headers=other)).json() == {"shifts": []}


NOWHERE = "00000000-0000-4000-8000-000000000000"
ROUTES = {
    ("POST", "/api/shifts"): {"device_keeper"},
    ("GET", "/api/shifts"): {"device_keeper", "duty_officer"},
    ("GET", f"/api/shifts/{NOWHERE}"): {"device_keeper", "duty_officer", "patrol_officer"},
    ("POST", f"/api/shifts/{NOWHERE}/close"): {"device_keeper"},
    ("POST", f"/api/shifts/{NOWHERE}/assignments"): {"device_keeper"},
    ("GET", f"/api/assignments/{NOWHERE}"): {"device_keeper", "duty_officer", "patrol_officer"},
    ("POST", f"/api/assignments/{NOWHERE}/signature"): {"patrol_officer"},
    ("POST", f"/api/assignments/{NOWHERE}/withdrawal"): {"device_keeper"},
    ("POST", f"/api/assignments/{NOWHERE}/return"): {"device_keeper"},
    ("POST", f"/api/assignments/{NOWHERE}/corrections"): {"device_keeper"},
}


async def test_nobody_is_asked_to_sign_in(client):
    codes = {
        (method, path): (await client.request(method, path, json={})).status_code
        for method, path in ROUTES
    }

    assert set(codes.values()) == {401}


@pytest.mark.usefixtures("keeper")
@pytest.mark.parametrize("who", [KEEPER, DUTY, OFFICER, REVIEWER])
async def test_each_route_admits_the_roles_named_for_it(client, who):
    headers = await signed_in(client, who)

    for (method, path), roles in ROUTES.items():
        answer = await client.request(method, path, json={}, headers=headers)
        assert (answer.status_code != 403) is (who.role in roles), (method, path)
