"""Retention and hold: nothing goes that the law, a hold or a complaint keeps."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.clock import law_date, utc_now
from app.db import transaction
from bodycam.errors import StoreSilent
from bodycam.models import RecordingRow, RecordingSheetRow, TombstoneRow, TrackPointRow
from bodycam.rules.life_cycle import RecordingStatus
from bodycam.rules.signing import public_key_text
from bodycam.service import expiry
from bodycam.wire.manifest import SignedReceipt
from sim.district import KEEPER, OFFICIAL
from tests import factories_bodycam as bodycam
from tests.factories_access import complaint
from tests.factories_custody import stored_at
from tests.factories_identity import authority, signed_in

OVER = utc_now() + timedelta(days=72)  # two months after it was stored, and some days
GONE = OVER + timedelta(days=31)


@pytest.fixture
async def receipt(client, recorded, yard):
    return (await bodycam.complete(client, recorded, yard.dock)).json()


@pytest.fixture
async def recorded(client, yard):
    recorded = yard.record()
    (await bodycam.dock_whole(client, recorded, yard.dock)).raise_for_status()
    return recorded


@pytest.fixture
async def keeper(client, yard):  # noqa: ARG001 - the staff must be there to sign in
    return await signed_in(client, KEEPER)


@pytest.fixture
async def official(client, yard):  # noqa: ARG001 - the staff must be there to sign in
    return await signed_in(client, OFFICIAL)


@pytest.fixture
def path(recorded):
    return f"/api/custody/recordings/{recorded.recording_id}"


async def expire(sessions, *, now=OVER):
    return await expiry.expire_recordings(sessions, trail=bodycam.TRAIL, now=now)


async def destroy(sessions, parts, *, now=GONE, store=None):
    return await expiry.destroy_expired(
        sessions, store=store or parts.store, trail=bodycam.TRAIL, now=now
    )


def picture_of(recorded):
    return RecordingSheetRow(
        recording_id=recorded.recording_id,
        number=0,
        first_ms=0,
        step_ms=1000,
        count=1,
        picture=b"-",
        made_at=OVER,
    )


async def custody(client, headers, path):
    return (await client.get(path, headers=headers)).raise_for_status().json()


async def permit(client, headers, recorded):
    return await client.post(
        "/api/custody/expiring/permission",
        json={"recording_ids": [str(recorded.recording_id)]},
        headers=headers,
    )


async def hold(client, headers, path, **said):
    body = {"reason": "court", "case_number": "7599-26-00-3/12"} | said
    return await client.post(f"{path}/holds", json=body, headers=headers)


@pytest.fixture
async def stored_in_time(sessions, recorded):
    """Let the recording be stored on the day that it ended."""
    await stored_at(sessions, recorded, bodycam.STARTED_AT + timedelta(hours=9))


@pytest.mark.usefixtures("stored_in_time")
async def test_a_term_that_is_not_over_keeps(client, sessions, keeper, path):
    assert await expire(sessions, now=OVER - timedelta(days=20)) == 0

    body = await custody(client, keeper, path)
    assert (body["status"], body["category"], body["because"]) == ("reviewable", "other", "term")
    assert body["kept_until"] == "2027-01-20"


async def test_a_camera_whose_clock_was_reset_shortens_no_term(client, sessions, yard):
    recorded = yard.record(started_at=datetime(2015, 1, 1, 0, 0, 5, tzinfo=UTC))
    (await bodycam.dock_whole(client, recorded, yard.dock)).raise_for_status()

    at_once = await expire(sessions, now=utc_now() + timedelta(hours=1))
    before = await expire(sessions, now=utc_now() + timedelta(days=58))

    assert (at_once, before, await expire(sessions)) == (0, 0, 1)


async def test_what_a_wrong_clock_made_expire_is_not_destroyed(
    client, sessions, parts, keeper, recorded, path
):
    await expire(sessions)
    await permit(client, keeper, recorded)
    await stored_at(sessions, recorded, GONE - timedelta(days=30))

    assert await destroy(sessions, parts) == 0
    assert (await custody(client, keeper, path))["status"] == "reviewable"


async def test_what_is_over_expires_and_can_be_taken_back(client, sessions, keeper, path):
    assert await expire(sessions) == 1
    expiring = await custody(client, keeper, path)
    until = law_date(utc_now()) + timedelta(days=300)

    answer = await client.post(f"{path}/keeping", json={"until": until.isoformat()}, headers=keeper)

    body = await custody(client, keeper, path)
    assert expiring["status"] == "expiring"
    assert (answer.status_code, body["status"]) == (204, "reviewable")
    assert await expire(sessions) == 0


@pytest.mark.parametrize("days", [0, -1, 367])
async def test_keeping_has_bounds(client, sessions, keeper, path, days):
    await expire(sessions)
    until = law_date(utc_now()) + timedelta(days=days)

    answer = await client.post(f"{path}/keeping", json={"until": until.isoformat()}, headers=keeper)

    assert answer.json()["code"] == "bodycam.keep_not_valid"


async def test_nothing_is_destroyed_without_permission(sessions, parts, recorded):
    await expire(sessions)

    assert await destroy(sessions, parts) == 0
    assert await parts.store.size_of(key=f"recordings/{recorded.recording_id}") > 0


async def test_nothing_is_destroyed_within_the_grace(client, sessions, parts, keeper, recorded):
    await expire(sessions)
    await permit(client, keeper, recorded)

    assert await destroy(sessions, parts, now=OVER + timedelta(days=30)) == 0


async def test_a_destroyed_recording_leaves_a_tombstone_and_a_receipt_that_verifies(
    client, sessions, parts, keys, keeper, yard, recorded, receipt, path
):
    async with transaction(sessions) as session:
        session.add(picture_of(recorded))
    await expire(sessions)
    await permit(client, keeper, recorded)

    assert await destroy(sessions, parts) == 1

    body = await custody(client, keeper, path)
    again = (await bodycam.complete(client, recorded, yard.dock)).json()
    assert body["status"] == "destroyed"
    assert body["destroyed_at"] is not None
    assert again == receipt
    signed = SignedReceipt.model_validate(again)
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key_text(keys.receipt)))
    key.verify(base64.b64decode(signed.signature), signed.receipt.signed_bytes())
    assert signed.receipt.merkle_root == body["stored_root"]
    async with transaction(sessions) as session:
        grave = (await session.scalars(sa.select(TombstoneRow))).one()
        points = await session.scalar(sa.select(sa.func.count()).select_from(TrackPointRow))
        pictures = await session.scalar(sa.select(sa.func.count()).select_from(RecordingSheetRow))
    assert grave.stored_root.hex() == body["stored_root"]
    assert (points, pictures) == (0, 0)
    (event,) = await bodycam.events(sessions, "bodycam.recording_destroyed")
    assert event["permitted_by"] == str(grave.permitted_by)
    folder = parts.settings.objects_dir
    assert [one for one in folder.rglob("*") if one.is_file()] == []


async def test_a_tombstone_cannot_be_changed(client, sessions, parts, keeper, recorded):
    await expire(sessions)
    await permit(client, keeper, recorded)
    await destroy(sessions, parts)

    for statement in ("UPDATE tombstones SET size_bytes = 0", "DELETE FROM tombstones"):
        with pytest.raises(sa.exc.DBAPIError):
            async with transaction(sessions) as session:
                await session.execute(sa.text(statement))


async def test_a_destroyed_recording_announced_again_is_not_taken_again(
    client, sessions, parts, keeper, yard, recorded
):
    await expire(sessions)
    await permit(client, keeper, recorded)
    await destroy(sessions, parts)

    plan = (await bodycam.announce(client, recorded, yard.dock)).json()

    assert (plan["state"], plan["parts"]) == ("stored", [])


class Silent:
    """A store that falls silent in the middle of a destruction."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def destroy(self, *, key):
        raise StoreSilent(f"the object store keeps {key}")


async def test_a_destruction_that_was_cut_off_goes_on_and_takes_no_hold(
    client, sessions, parts, keeper, recorded, path
):
    await expire(sessions)
    await permit(client, keeper, recorded)

    first = await destroy(sessions, parts, store=Silent(parts.store))
    refused = await hold(client, keeper, path)
    second = await destroy(sessions, parts, now=GONE + timedelta(hours=1))

    assert (first, second) == (0, 1)
    assert refused.json()["code"] == "bodycam.destruction_begun"


# --- holds -------------------------------------------------------------------------------------


async def test_a_hold_keeps_whatever_the_term(client, sessions, keeper, path):
    await hold(client, keeper, path)

    assert await expire(sessions, now=datetime(2050, 1, 1, tzinfo=UTC)) == 0
    assert (await custody(client, keeper, path))["because"] == "held"


async def test_a_hold_placed_on_an_expiring_recording_saves_it(
    client, sessions, parts, keeper, reviewer, recorded, path
):
    await expire(sessions)
    await permit(client, keeper, recorded)

    await hold(client, reviewer, path)

    assert await destroy(sessions, parts) == 0
    assert (await custody(client, keeper, path))["status"] == "held"


async def test_a_hold_is_released_by_another(client, keeper, official, path):
    hold_id = (await hold(client, keeper, path)).json()["hold_id"]

    own = await client.post(f"/api/custody/holds/{hold_id}/release", headers=keeper)
    another = await client.post(f"/api/custody/holds/{hold_id}/release", headers=official)
    again = await client.post(f"/api/custody/holds/{hold_id}/release", headers=official)

    assert own.json()["code"] == "bodycam.another_person_needed"
    assert another.status_code == 204
    assert again.json()["code"] == "bodycam.hold_released"
    assert (await custody(client, keeper, path))["status"] == "reviewable"


async def test_two_holds_are_released_one_by_one(client, keeper, official, path):
    one, other = [(await hold(client, keeper, path)).json()["hold_id"] for _ in range(2)]

    await client.post(f"/api/custody/holds/{one}/release", headers=official)
    between = (await custody(client, keeper, path))["status"]
    await client.post(f"/api/custody/holds/{other}/release", headers=official)

    assert between == "held"
    assert (await custody(client, keeper, path))["status"] == "reviewable"


async def test_a_held_recording_is_not_taken_back_from_its_hold(client, keeper, path):
    await hold(client, keeper, path)
    until = (law_date(utc_now()) + timedelta(days=9)).isoformat()

    answer = await client.post(f"{path}/keeping", json={"until": until}, headers=keeper)

    assert answer.json()["code"] == "bodycam.transition_refused"
    assert (await custody(client, keeper, path))["status"] == "held"


async def test_the_log_names_no_case_number(client, sessions, keeper, path):
    await hold(client, keeper, path, case_number="СЕКРЕТ-1")

    (event,) = await bodycam.events(sessions, "bodycam.hold_placed")

    assert event["reason"] == "court"
    assert "СЕКРЕТ" not in str(event)


# --- complaints --------------------------------------------------------------------------------


async def test_a_recording_that_a_complaint_finds_does_not_expire(
    client, sessions, keeper, reviewer, path
):
    await client.post("/api/complaints", json=complaint(), headers=reviewer)

    assert await expire(sessions) == 0
    body = await custody(client, keeper, path)
    assert (body["complained"], body["because"]) == ("open", "complaint")


async def test_a_complaint_about_another_place_keeps_nothing(client, sessions, reviewer, path):  # noqa: ARG001 - the recording must be there
    elsewhere = complaint() | {"latitude": 51.1, "longitude": 71.4}
    await client.post("/api/complaints", json=elsewhere, headers=reviewer)

    assert await expire(sessions) == 1


async def test_a_complaint_that_comes_in_the_grace_saves_the_recording(
    client, sessions, parts, keeper, reviewer, recorded, path
):
    await expire(sessions)
    await permit(client, keeper, recorded)

    await client.post("/api/complaints", json=complaint(), headers=reviewer)

    assert await destroy(sessions, parts) == 0
    assert (await custody(client, keeper, path))["status"] == "reviewable"


@pytest.mark.usefixtures("stored_in_time")
async def test_an_answered_complaint_gives_three_years(client, sessions, keeper, reviewer, path):
    await client.post("/api/complaints", json=complaint(), headers=reviewer)
    async with transaction(sessions) as session:
        await session.execute(sa.text("UPDATE complaints SET status = 'answered'"))

    body = await custody(client, keeper, path)

    assert (body["complained"], body["kept_until"]) == ("answered", "2029-11-20")


# --- categories --------------------------------------------------------------------------------


async def change(client, headers, path, category):
    body = {"category": category, "grounds": "Возбуждено дело"}
    return await client.post(f"{path}/category", json=body, headers=headers)


async def sign(client, headers, staff, made, document=None):
    content = base64.b64decode(made["document_base64"]) if document is None else document
    cms = base64.b64encode(authority().sign(staff, content)).decode()
    return await client.post(
        f"/api/custody/changes/{made['change_id']}/signature", json={"cms": cms}, headers=headers
    )


@pytest.fixture
async def proposed(client, keeper, path):
    await change(client, keeper, path, "crime")
    return (await change(client, keeper, path, "other")).json()


@pytest.mark.usefixtures("stored_in_time")
async def test_one_person_lengthens(client, keeper, path):
    made = (await change(client, keeper, path, "crime")).json()

    body = await custody(client, keeper, path)
    assert (made["applied"], made["document_base64"]) == (True, None)
    assert (body["category"], body["kept_until"]) == ("crime", "2031-11-20")


async def test_lengthening_saves_an_expiring_recording(client, sessions, keeper, path):
    await expire(sessions)

    await change(client, keeper, path, "administrative")

    assert (await custody(client, keeper, path))["status"] == "reviewable"


async def test_two_people_shorten(client, keeper, official, proposed, path):
    first = await sign(client, keeper, KEEPER, proposed)
    between = (await custody(client, keeper, path))["category"]
    second = await sign(client, official, OFFICIAL, proposed)

    assert (first.json()["applied"], between) == (False, "crime")
    assert second.json()["applied"] is True
    assert (await custody(client, keeper, path))["category"] == "other"


async def test_one_person_does_not_sign_twice(client, keeper, proposed, path):
    await sign(client, keeper, KEEPER, proposed)

    again = await sign(client, keeper, KEEPER, proposed)

    assert again.json()["code"] == "bodycam.another_person_needed"
    assert (await custody(client, keeper, path))["category"] == "crime"


async def test_the_proposer_signs_first(client, official, proposed):
    answer = await sign(client, official, OFFICIAL, proposed)

    assert answer.json()["code"] == "bodycam.another_person_needed"


async def test_a_signature_over_other_bytes_changes_nothing(
    client, keeper, official, proposed, path
):
    await sign(client, keeper, KEEPER, proposed)
    document = base64.b64decode(proposed["document_base64"]).replace(b"crime", b"cryme")

    answer = await sign(client, official, OFFICIAL, proposed, document)

    assert answer.json()["code"].startswith("identity.signature")
    assert (await custody(client, keeper, path))["category"] == "crime"


async def test_another_s_signature_changes_nothing(client, keeper, official, proposed, path):
    await sign(client, keeper, KEEPER, proposed)

    answer = await sign(client, official, KEEPER, proposed)

    assert answer.status_code >= 400
    assert (await custody(client, keeper, path))["category"] == "crime"


async def test_a_proposal_that_was_overtaken_is_over(client, keeper, official, proposed, path):
    other = (await change(client, keeper, path, "administrative")).json()
    for made in (other, proposed):
        await sign(client, keeper, KEEPER, made)
    await sign(client, official, OFFICIAL, other)

    answer = await sign(client, official, OFFICIAL, proposed)

    assert answer.json()["code"] == "bodycam.change_applied"
    assert (await custody(client, keeper, path))["category"] == "administrative"


async def test_the_database_refuses_a_shortening_with_one_signature(
    client, sessions, keeper, proposed
):
    await sign(client, keeper, KEEPER, proposed)

    with pytest.raises(sa.exc.IntegrityError):
        async with transaction(sessions) as session:
            await session.execute(
                sa.text("UPDATE category_changes SET applied_at = now() WHERE shortens")
            )


async def test_permission_names_the_unit_s_own_alone(client, sessions, keeper, recorded):
    await expire(sessions)
    body = {"recording_ids": [str(recorded.recording_id), str(uuid4())]}

    answer = await client.post("/api/custody/expiring/permission", json=body, headers=keeper)

    async with transaction(sessions) as session:
        row = await session.get(RecordingRow, recorded.recording_id)
    assert answer.json()["code"] == "bodycam.recording_not_found"
    assert (row.status, row.deletion_permitted_at) == (RecordingStatus.EXPIRING, None)


async def test_the_list_names_what_is_expiring(client, sessions, keeper, recorded):
    await expire(sessions)

    (one,) = (await client.get("/api/custody/expiring", headers=keeper)).json()

    assert one["recording_id"] == str(recorded.recording_id)
    assert one["permitted_at"] is None
