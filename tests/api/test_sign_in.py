import asyncio
import base64
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from app.access import DeviceKind, Principal
from app.audit import service as audit
from app.db import transaction
from app.identity.models import Challenge, Department, Person, Post, SignatureRow
from app.identity.rules.certificates import Purpose
from app.identity.rules.signature import verify_signature
from sim.authority import Use
from sim.district import DEPARTMENT_BIN, KEEPER, OFFICER, OTHER_DEPARTMENT_BIN, STAFF, STRANGER
from tests.factories_identity import (
    answer_challenge,
    authority,
    district,
    signed_in,
    staff_entry,
    staff_file,
    trust,
    trust_the_authority,
)


@pytest.fixture(autouse=True)
async def _district(settings, sessions):
    trust_the_authority(settings)
    await district(sessions, with_rights=False)


@pytest.fixture
async def tablets(app, sessions):
    """Two enrolled tablets of the officer's department and one of the other's."""
    known = {}

    async def authenticate(request):
        return known.get(request.headers.get("Device-Credential"))

    async with transaction(sessions) as session:
        rows = await session.execute(sa.select(Department.bin, Department.id))
        departments = dict(iter(rows))
    for name, bin_ in (
        ("one", DEPARTMENT_BIN), ("two", DEPARTMENT_BIN), ("far", OTHER_DEPARTMENT_BIN)
    ):  # fmt: skip
        known[f"{name}.secret"] = Principal(
            department_id=departments[bin_], device_id=uuid4(), device_kind=DeviceKind.TABLET
        )
    app.state.authenticate_device = authenticate
    return {name: {"Device-Credential": f"{name}.secret"} for name in ("one", "two", "far")}


async def challenged(client, **more):
    asked = await client.post("/api/sign-in/challenge", **more)
    assert asked.status_code == 200, asked.text
    return asked.json()["challenge_id"], base64.b64decode(asked.json()["challenge"])


async def answered(client, challenge_id, cms, **more):
    body = {"challenge_id": challenge_id, "cms": base64.b64encode(cms).decode()}
    return await client.post("/api/sign-in", json=body, **more)


async def events(parts):
    """Return every event in the log or on its way there, by name and text."""
    async with transaction(parts.sessions) as session:
        rows = await session.execute(
            sa.text(
                "SELECT event, convert_from(leaf, 'UTF8') FROM audit_outbox UNION ALL"
                " SELECT event, convert_from(leaf, 'UTF8') FROM audit_leaves"
            )
        )
        return [tuple(row) for row in rows]


async def test_a_signed_challenge_opens_a_session(client):
    answer = await answer_challenge(client, OFFICER)

    assert answer.status_code == 200
    assert answer.json()["role"] == "patrol_officer"
    assert answer.json()["name"] == OFFICER.full_name
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("use", [Use.AUTH, Use.COMBINED])
async def test_both_layouts_that_sign_in_are_taken(client, use):
    answer = await answer_challenge(client, OFFICER, use=use)

    assert answer.status_code == 200


async def test_me_tells_who_the_caller_is(client):
    headers = await signed_in(client, KEEPER)

    me = (await client.get("/api/me", headers=headers)).json()

    assert (me["name"], me["role"], me["badge"]) == (KEEPER.full_name, KEEPER.role, KEEPER.badge)
    assert me["department"]["bin"] == DEPARTMENT_BIN
    assert me["device_id"] is None
    assert KEEPER.iin not in str(me)


async def test_nobody_and_a_made_up_token_are_not_signed_in(client):
    nobody = await client.get("/api/me")
    made_up = await client.get("/api/me", headers={"Authorization": "Bearer " + "x" * 43})
    huge = await client.get("/api/me", headers={"Authorization": "Bearer " + "x" * 5000})

    assert [one.status_code for one in (nobody, made_up, huge)] == [401, 401, 401]
    assert nobody.json()["code"] == "access.not_signed_in"


async def test_the_token_is_stored_as_its_hash_only(client, sessions):
    headers = await signed_in(client, OFFICER)
    token = headers["Authorization"].removeprefix("Bearer ")

    async with transaction(sessions) as session:
        text = str((await session.execute(sa.text("SELECT * FROM sessions"))).all())

    assert token not in text


async def test_the_evidence_can_be_checked_again_later(client, sessions):
    await signed_in(client, OFFICER)

    async with transaction(sessions) as session:
        row = await session.scalar(sa.select(SignatureRow))
    again = verify_signature(
        cms=row.cms,
        content=row.content,
        purpose=Purpose.SIGN_IN,
        trust=trust(),
        now=row.signed_at,
    )

    assert again.certificate_serial == row.certificate_serial
    assert again.content_sha256 == row.content_sha256


async def test_signing_in_and_out_is_audited_without_numbers(client, parts):
    headers = await signed_in(client, OFFICER)
    out = await client.post("/api/sign-out", headers=headers)

    logged = await events(parts)

    assert out.status_code == 204
    assert [name for name, _ in sorted(logged)] == ["identity.signed_in", "identity.signed_out"]
    assert OFFICER.iin not in str(logged)
    assert OFFICER.surname not in str(logged)


async def test_a_replayed_answer_is_refused(client, parts):
    challenge_id, content = await challenged(client)
    cms = authority().sign(OFFICER, content)

    first = await answered(client, challenge_id, cms)
    second = await answered(client, challenge_id, cms)

    assert first.status_code == 200
    assert (second.status_code, second.json()["code"]) == (409, "identity.challenge_used")
    assert "identity.sign_in_refused" in [name for name, _ in await events(parts)]


async def test_of_two_answers_at_once_one_wins(client):
    challenge_id, content = await challenged(client)
    cms = authority().sign(OFFICER, content)

    both = await asyncio.gather(*(answered(client, challenge_id, cms) for _ in range(2)))

    assert sorted(one.status_code for one in both) == [200, 409]


async def test_a_bad_answer_uses_the_challenge_up(client):
    challenge_id, content = await challenged(client)

    bad = await answered(client, challenge_id, b"no signature")
    good = await answered(client, challenge_id, authority().sign(OFFICER, content))

    assert (bad.status_code, bad.json()["code"]) == (422, "identity.signature_not_der")
    assert good.json()["code"] == "identity.challenge_used"


async def test_an_expired_challenge_is_refused(client, sessions):
    challenge_id, content = await challenged(client)
    async with transaction(sessions) as session:
        await session.execute(sa.update(Challenge).values(expires_at=datetime.now(UTC)))

    answer = await answered(client, challenge_id, authority().sign(OFFICER, content))

    assert (answer.status_code, answer.json()["code"]) == (409, "identity.challenge_expired")


async def test_an_unknown_challenge_is_refused(client):
    answer = await answered(client, str(uuid4()), authority().sign(OFFICER, b"anything"))

    assert (answer.status_code, answer.json()["code"]) == (404, "identity.challenge_not_found")


async def test_a_signature_over_another_challenge_is_refused(client):
    challenge_id, _ = await challenged(client)
    _, other_content = await challenged(client)

    answer = await answered(client, challenge_id, authority().sign(OFFICER, other_content))

    assert answer.json()["code"] == "identity.signature_content_changed"


@pytest.mark.parametrize(
    ("asked_on", "answered_on"), [("one", "two"), ("one", None), (None, "one")]
)
async def test_a_challenge_of_another_device_is_refused(client, tablets, asked_on, answered_on):
    asked, tried = tablets.get(asked_on, {}), tablets.get(answered_on, {})
    challenge_id, content = await challenged(client, headers=asked)
    cms = authority().sign(OFFICER, content)

    wrong = await answered(client, challenge_id, cms, headers=tried)
    right = await answered(client, challenge_id, cms, headers=asked)

    assert wrong.json()["code"] == "identity.challenge_of_another_device"
    assert right.status_code == 200  # a thief who knows the id does not use it up


async def test_a_session_opened_on_a_device_names_it(client, tablets):
    headers = await signed_in(client, OFFICER, headers=tablets["one"])

    me = await client.get("/api/me", headers=headers)

    assert UUID(me.json()["device_id"])


@pytest.mark.usefixtures("tablets")
async def test_a_device_that_is_not_good_is_refused_even_to_ask(client):
    answer = await client.post(
        "/api/sign-in/challenge", headers={"Device-Credential": "three.secret"}
    )

    assert (answer.status_code, answer.json()["code"]) == (401, "access.device_not_known")


async def test_a_device_of_another_body_is_refused(client, tablets):
    answer = await answer_challenge(client, OFFICER, headers=tablets["far"])

    assert (answer.status_code, answer.json()["code"]) == (403, "identity.device_of_another_body")


async def test_the_signing_half_of_a_pair_does_not_sign_in(client):
    answer = await answer_challenge(client, OFFICER, use=Use.SIGN)

    assert answer.json()["code"] == "identity.certificate_not_for_this"


async def test_a_rogue_authority_is_refused(client):
    challenge_id, content = await challenged(client)

    answer = await answered(client, challenge_id, authority("rogue").sign(OFFICER, content))

    assert answer.json()["code"] == "identity.certificate_not_trusted"


async def test_a_holder_who_is_not_on_the_staff_list_is_refused(client, parts, sessions):
    async with transaction(sessions) as session:
        person = await session.scalar(sa.select(Person).where(Person.iin == STRANGER.iin))
        await session.execute(sa.delete(Post).where(Post.person_id == person.id))
        await session.delete(person)

    answer = await answer_challenge(client, STRANGER)

    assert (answer.status_code, answer.json()["code"]) == (403, "identity.not_on_staff")
    ((_, leaf),) = await events(parts)
    assert '"code":"identity.not_on_staff"' in leaf
    assert '"subject":null' not in leaf
    assert STRANGER.iin not in leaf


async def test_a_post_that_ended_opens_no_session(client, sessions):
    over = staff_entry(OFFICER, valid_to=date(2026, 1, 2))
    await district(sessions, staff=(over,))

    answer = await answer_challenge(client, OFFICER)

    assert (answer.status_code, answer.json()["code"]) == (403, "identity.no_post_in_force")


async def test_a_certificate_of_another_body_is_refused(client, sessions):
    moved = (
        staff_entry(OFFICER, valid_to=date(2026, 1, 2)),
        staff_entry(OFFICER, department_bin=OTHER_DEPARTMENT_BIN, valid_from=date(2026, 1, 3)),
    )
    await district(sessions, staff=moved)

    answer = await answer_challenge(client, OFFICER)

    assert answer.json()["code"] == "identity.certificate_of_another_body"


async def test_without_trusted_roots_nobody_signs_in(client, settings):
    challenge_id, content = await challenged(client)
    for file in settings.trust_roots_dir.iterdir():
        file.unlink()

    answer = await answered(client, challenge_id, authority().sign(OFFICER, content))

    assert (answer.status_code, answer.json()["code"]) == (503, "identity.trust_missing")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"challenge_id": "x", "cms": "AAAA"},
        {"challenge_id": str(UUID(int=1)), "cms": "not base64!"},
        {"challenge_id": str(UUID(int=1)), "cms": ""},
        {"challenge_id": str(UUID(int=1)), "cms": "AAAA", "more": 1},
        {"challenge_id": str(UUID(int=1)), "cms": "A" * 92_000},
    ],
    ids=range(6),
)
async def test_a_body_of_another_form_is_refused(client, body):
    answer = await client.post("/api/sign-in", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "app.bad_request")


async def test_a_signature_over_64_kib_is_too_large(client):
    challenge_id, _ = await challenged(client)

    answer = await answered(client, challenge_id, b"\x30" * (64 * 1024 + 1))

    assert (answer.status_code, answer.json()["code"]) == (413, "identity.signature_too_large")


async def test_a_body_without_end_is_cut_off(client):
    answer = await client.post("/api/sign-in", content=b"x" * 200_000)

    assert answer.status_code == 413


async def test_old_challenges_are_swept_out(client, sessions):
    for _ in range(3):
        await challenged(client)
    async with transaction(sessions) as session:
        await session.execute(
            sa.update(Challenge).values(expires_at=datetime.now(UTC) - timedelta(days=2))
        )

    await challenged(client)

    async with transaction(sessions) as session:
        assert await session.scalar(sa.select(sa.func.count()).select_from(Challenge)) == 1


async def test_a_sign_in_is_sequenced_into_the_log(client, parts):
    await signed_in(client, OFFICER)
    async with transaction(parts.sessions) as session:
        row = (
            await session.execute(
                sa.text("SELECT event_id FROM audit_outbox UNION SELECT event_id FROM audit_leaves")
            )
        ).one()

    index = await parts.trail.sequenced(parts.sessions, event_id=row.event_id, timeout_seconds=5)

    async with transaction(parts.sessions) as session:
        assert await audit.leaf_count(session) == index + 1
    assert (await client.get(f"/log/proof/{index}")).status_code == 200


async def test_the_district_file_is_taken_once(sessions):
    again = await district(sessions)

    assert (again.added, again.changed) == (0, 0)
    assert len(staff_file().staff) == len(STAFF)
