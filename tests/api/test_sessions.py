"""A session lives, ends and serves our own pages only."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.db import transaction
from app.identity import service
from app.identity.models import SessionRow
from sim.district import ADMINISTRATOR, KEEPER, OFFICER, OFFICIAL, STRANGER
from tests.factories_identity import (
    answer_challenge,
    district,
    signed_in,
    staff_entry,
    trust_the_authority,
)

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
async def _district(settings, sessions):
    trust_the_authority(settings)
    await district(sessions)


async def aged(sessions, **columns):
    async with transaction(sessions) as session:
        await session.execute(sa.update(SessionRow).values(**columns))


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"expires_at": NOW - timedelta(seconds=1)}, "term"),
        ({"last_seen_at": NOW - timedelta(minutes=15, seconds=1)}, "idle"),
        ({"ended_at": NOW}, "ended"),
    ],
)
async def test_a_session_ends_by_term_idleness_and_order(client, sessions, columns, reason):
    headers = await signed_in(client, OFFICER)
    await aged(sessions, **columns)

    answer = await client.get("/api/me", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "identity.session_over")
    assert answer.json()["reason"] == reason


async def test_a_session_ends_with_the_post(client, sessions):
    headers = await signed_in(client, OFFICER)
    await district(sessions, staff=(staff_entry(OFFICER, valid_to=date(2026, 1, 2)),))

    answer = await client.get("/api/me", headers=headers)

    assert (answer.status_code, answer.json()["reason"]) == (401, "post")


async def test_using_a_session_keeps_it_from_idling(client, sessions):
    headers = await signed_in(client, OFFICER)
    await aged(sessions, last_seen_at=datetime.now(UTC) - timedelta(minutes=14))

    await client.get("/api/me", headers=headers)

    async with transaction(sessions) as session:
        seen = await session.scalar(sa.select(SessionRow.last_seen_at))
    assert datetime.now(UTC) - seen < timedelta(minutes=1)


async def test_a_term_is_twelve_hours_at_most(client):
    answer = await answer_challenge(client, OFFICER)

    left = datetime.fromisoformat(answer.json()["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=11, minutes=59) < left <= timedelta(hours=12)


async def test_after_signing_out_the_token_is_dead(client):
    headers = await signed_in(client, OFFICER)

    await client.post("/api/sign-out", headers=headers)
    again = await client.post("/api/sign-out", headers=headers)

    assert (again.status_code, again.json()["reason"]) == (401, "ended")


async def test_all_sessions_of_a_person_are_ended_at_once(client, sessions, parts):
    both = [await signed_in(client, OFFICER) for _ in range(2)]
    keeper = await signed_in(client, KEEPER)
    me = await client.get("/api/me", headers=both[0])

    async with transaction(sessions) as session:
        count = await service.end_sessions(
            session,
            person_id=UUID(me.json()["person_id"]),
            caller=None,
            trail=parts.trail,
            now=datetime.now(UTC),
        )

    answers = [await client.get("/api/me", headers=one) for one in (*both, keeper)]
    assert count == 2
    assert [one.status_code for one in answers] == [401, 401, 200]


SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}


async def test_a_cookie_is_set_where_asked_and_serves_our_own_pages(client):
    answer = await answer_challenge(client, KEEPER, headers=SAME_ORIGIN, cookie=True)
    cookie = answer.headers["set-cookie"]

    read = await client.get("/api/me")
    foreign = await client.post("/api/sign-out", headers={"Origin": "https://evil.example"})
    silent = await client.post("/api/sign-out")
    own = await client.post("/api/sign-out", headers=SAME_ORIGIN)

    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age="))
    assert [one.status_code for one in (read, foreign, silent, own)] == [200, 403, 403, 204]
    assert foreign.json()["code"] == "identity.cross_site"
    assert 'saqshy_session=""' in own.headers["set-cookie"]


async def test_another_site_cannot_sign_a_browser_in(client):
    answer = await answer_challenge(
        client, KEEPER, headers={"Origin": "https://evil.example"}, cookie=True
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "identity.cross_site")


@pytest.mark.parametrize(
    ("official", "status"), [(ADMINISTRATOR, 403), (OFFICIAL, 200), (KEEPER, 403)]
)
async def test_an_official_ends_the_sessions_of_a_person_at_once(client, official, status):
    officer = await signed_in(client, OFFICER)
    ender = await signed_in(client, official)
    me = await client.get("/api/me", headers=officer)
    path = f"/api/people/{me.json()['person_id']}/sessions"

    answer = await client.delete(path, headers=ender)

    after = await client.get("/api/me", headers=officer)
    assert answer.status_code == status
    assert after.status_code == (401 if status == 200 else 200)


async def test_nobody_of_another_department_or_unknown_is_blocked(client):
    stranger = await signed_in(client, STRANGER)
    official = await signed_in(client, OFFICIAL)
    me = await client.get("/api/me", headers=stranger)
    paths = [f"/api/people/{one}/sessions" for one in (me.json()["person_id"], UUID(int=7))]

    answers = [await client.delete(path, headers=official) for path in paths]

    assert [one.status_code for one in answers] == [404, 404]
    assert answers[0].json()["code"] == answers[1].json()["code"] == "identity.person_not_found"
    assert (await client.get("/api/me", headers=stranger)).status_code == 200
