"""A complaint or a case keeps a request past its term; what is kept is not destroyed."""

from datetime import timedelta

import pytest

from app.db import transaction
from app.exchange import service
from app.exchange.models import RegisterRequestRow
from sim.district import CONTROLLER, OFFICER, OFFICIAL
from tests.factories_control import AUDITOR, Month
from tests.factories_devices import audited
from tests.factories_identity import signed_in, trust_the_authority
from tests.factories_requests import Clock, ports_of

WHY = {"reason": "complaint", "text": "Жалоба 17/2026: проверка обращения."}
LONG_AFTER = timedelta(days=365 * 8)


@pytest.fixture
async def month(settings, parts):
    trust_the_authority(settings)
    month = await Month.create(parts)
    await month.usual()
    return month


@pytest.fixture
async def official(client, month):  # noqa: ARG001 - the staff must be there to sign in
    return await signed_in(client, OFFICIAL)


@pytest.fixture
async def planted(client, month, official):
    """Return the request of an officer in the official's report, and its path there."""
    request_id = await month.request(OFFICER.key)
    await month.close()
    listed = await client.get("/api/control/months", headers=official)
    (report,) = listed.json()["reports"]
    return request_id, f"/api/control/months/{report['report_id']}/requests/{request_id}"


async def reviewed(_session, *, person_id, month):
    return bool(person_id and month)


async def destroyed(parts):
    ports = ports_of(parts, clock=Clock(LONG_AFTER))
    return await service.destroy_overdue(ports, reviewed_of=reviewed)


async def test_what_is_kept_is_destroyed_only_after_every_hold_is_released(
    client, planted, official, parts, sessions
):
    _, path = planted
    holds = [
        (await client.post(f"{path}/holds", json=WHY, headers=official)).json()["hold_id"]
        for _ in range(2)
    ]
    kept = [await destroyed(parts)]

    for hold_id in holds:
        answer = await client.post(
            f"{path}/holds/{hold_id}/release", json={"text": "Рассмотрена."}, headers=official
        )
        assert answer.status_code == 204, answer.text
        kept.append(await destroyed(parts))

    assert kept == [0, 0, 1]
    held = await audited(sessions, "exchange.request_held")
    released = await audited(sessions, "exchange.hold_released")
    assert [leaf["fields"]["hold_id"] for leaf in held] == holds
    assert [leaf["fields"]["hold_id"] for leaf in released] == holds
    assert "17/2026" not in str(held)


async def test_an_auditor_may_hold_and_a_controller_may_not(client, planted, official):
    _, path = planted
    auditor = await signed_in(client, AUDITOR)
    controller = await signed_in(client, CONTROLLER)

    answers = [
        (await client.post(f"{path}/holds", json=WHY, headers=who)).status_code
        for who in (auditor, controller, official)
    ]

    assert answers == [201, 403, 201]


async def test_a_hold_ends_once_and_is_its_own_requests(client, planted, official, parts):
    _, path = planted
    hold_id = (await client.post(f"{path}/holds", json=WHY, headers=official)).json()["hold_id"]
    said = {"text": "Рассмотрена."}

    elsewhere = path.rpartition("/")[0] + "/00000000-0000-4000-8000-000000000000"
    answers = [
        await client.post(f"{where}/holds/{hold_id}/release", json=said, headers=official)
        for where in (elsewhere, path, path)
    ]

    assert [one.status_code for one in answers] == [404, 204, 409]
    assert await destroyed(parts) == 1


async def test_what_is_destroyed_cannot_be_held(client, planted, official, parts, sessions):
    request_id, path = planted
    assert await destroyed(parts) == 1

    answer = await client.post(f"{path}/holds", json=WHY, headers=official)

    assert answer.json()["code"] == "exchange.subject_destroyed"
    async with transaction(sessions) as session:
        assert (await session.get(RegisterRequestRow, request_id)).wrapped_key is None


async def test_the_page_of_a_request_sets_and_ends_a_hold(client, planted, official):
    _, path = planted
    page = path.replace("/api/control/months", "/console/control")

    await client.post(f"{page}/holds", data=WHY, headers=official)
    shown = (await client.get(page, headers=official)).text
    release = shown.partition('action="' + page + "/holds/")[2].partition('"')[0]
    await client.post(f"{page}/holds/{release}", data={"text": "Снято."}, headers=official)
    after = (await client.get(page, headers=official)).text

    assert "17/2026" in shown
    assert release.endswith("/release")
    assert "Снято." in after
    assert "/release" not in after


@pytest.mark.parametrize("sent", [WHY | {"text": " "}, WHY | {"reason": "-"}, {"text": "-"}])
async def test_a_hold_without_its_reason_is_none(client, planted, official, sent):
    _, path = planted

    answer = await client.post(f"{path}/holds", json=sent, headers=official)

    assert answer.status_code == 422
