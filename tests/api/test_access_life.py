"""The life of a user through HTTP: asks, is granted or refused, agrees, is blocked."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from app.db import driver_of, transaction
from app.exchange.service import access, standing_of
from sim.authority import Use
from sim.district import (
    ADMINISTRATOR,
    CONTROLLER,
    OFFICER,
    OFFICIAL,
    OPERATOR,
    SECOND_OFFICER,
    SECOND_OPERATOR,
    STRANGER,
)
from tests import factories_papers as papers
from tests.factories_identity import answer_challenge, district, signed_in, trust_the_authority

PATH = papers.PATH


@pytest.fixture(autouse=True)
async def _staff(settings, sessions):
    trust_the_authority(settings)
    await district(sessions, with_rights=False)


@pytest.fixture
async def officer(client):
    return await signed_in(client, OFFICER)


@pytest.fixture
async def operator(client):
    return await signed_in(client, OPERATOR)


async def rights_of(client, headers):
    return (await client.get(f"{PATH}/me", headers=headers)).json()


async def request_id_of(client, headers, staff=OFFICER, **changed):
    answer = await papers.filed(client, headers, staff, **changed)
    assert answer.status_code == 201, answer.text
    return answer.json()["request_id"]


async def events(sessions, name):
    async with transaction(sessions) as session:
        rows = await session.execute(
            sa.text(
                "SELECT convert_from(leaf, 'UTF8') FROM audit_outbox WHERE event = :name UNION ALL"
                " SELECT convert_from(leaf, 'UTF8') FROM audit_leaves WHERE event = :name"
            ),
            {"name": name},
        )
        return [row[0] for row in rows]


async def stage_of_request(sessions, request_id):
    async with transaction(sessions) as session:
        return await session.scalar(
            sa.text("SELECT stage FROM access_requests WHERE id = :id"), {"id": UUID(request_id)}
        )


async def test_a_user_is_granted_and_active_once_he_has_signed_the_agreement(
    client, officer, operator
):
    request_id = await request_id_of(client, officer)
    before = await rights_of(client, officer)
    done = await papers.granted(client, operator, OPERATOR, request_id)
    between = await rights_of(client, officer)
    agreed = await papers.agreed(client, officer, OFFICER)
    after = await rights_of(client, officer)

    assert (before["stage"], before["user"]) == ("requested", "not_registered")
    assert done.json() == {"stage": "granted", "waits_for_second": False}
    assert (between["stage"], between["agreement"]) == ("granted", "missing")
    assert agreed.status_code == 200
    assert (after["stage"], after["user"], after["agreement"]) == ("active", "active", "signed")
    assert (after["services"], after["bases"]) == (["person_documents"], ["PRIMARY_CHECK"])


async def test_each_act_is_on_the_log(client, sessions, officer, operator):
    request_id = await request_id_of(client, officer)
    await papers.granted(client, operator, OPERATOR, request_id)
    await papers.agreed(client, officer, OFFICER)

    for name in ("access_requested", "access_granted", "agreement_signed"):
        assert len(await events(sessions, f"exchange.{name}")) == 1


async def test_the_operator_sees_the_queue_with_its_clocks(client, officer, operator):
    request_id = await request_id_of(client, officer)

    (line,) = (await client.get(f"{PATH}/requests", headers=operator)).json()

    assert (line["request_id"], line["clock"]) == (request_id, "running")
    due = datetime.fromisoformat(line["due_at"]) - datetime.fromisoformat(line["received_at"])
    assert due == timedelta(hours=24)


@pytest.mark.parametrize("empty", ["services", "bases", "contacts", "workplace"])
async def test_an_incomplete_form_is_returned_and_starts_no_clock(
    client, sessions, officer, operator, empty
):
    value = [] if empty in {"services", "bases"} else " "

    answer = await papers.filed(client, officer, OFFICER, **{empty: value})

    assert answer.status_code == 422
    assert answer.json()["code"] == "exchange.access_form_incomplete"
    assert answer.json()["missing"] == [empty]
    (own,) = (await client.get(f"{PATH}/requests/own", headers=officer)).json()
    assert (own["stage"], own["received_at"], own["clock"]) == ("returned", None, None)
    assert (await client.get(f"{PATH}/requests", headers=operator)).json() == []
    assert len(await events(sessions, "exchange.access_form_returned")) == 1


@pytest.mark.parametrize(
    ("wrong", "missing"),
    [({"role": "investigator"}, "role"), ({"responsible_id": str(uuid4())}, "responsible_id")],
)
async def test_a_form_that_does_not_fit_the_applicant_is_returned(client, officer, wrong, missing):
    answer = await papers.filed(client, officer, OFFICER, **wrong)

    assert answer.json()["missing"] == [missing]


async def test_a_form_is_filed_only_as_it_was_signed(client, officer):
    body = papers.form()
    written = (await client.post(f"{PATH}/forms", json=body, headers=officer)).json()
    wider = body | {"services": [*body["services"], "wanted_persons"]}

    answer = await client.post(
        f"{PATH}/requests",
        json={
            "form": wider,
            "drawn_at": written["drawn_at"],
            "cms": papers.signature(OFFICER, written["paper"]),
        },
        headers=officer,
    )

    assert answer.json()["code"] == "identity.signature_content_changed"


@pytest.mark.parametrize(
    ("staff", "use", "code"),
    [
        (SECOND_OFFICER, Use.SIGN, "identity.certificate_of_another_person"),
        (OFFICER, Use.AUTH, "identity.certificate_not_for_this"),
    ],
)
async def test_a_form_is_signed_by_its_applicant_for_documents(client, officer, staff, use, code):
    body = papers.form()
    written = (await client.post(f"{PATH}/forms", json=body, headers=officer)).json()

    answer = await client.post(
        f"{PATH}/requests",
        json={
            "form": body,
            "drawn_at": written["drawn_at"],
            "cms": papers.signature(staff, written["paper"], use),
        },
        headers=officer,
    )

    assert answer.json()["code"] == code


async def test_an_old_signed_form_files_nothing_anew(client, officer):
    long_ago = (datetime.now(UTC) - timedelta(minutes=11)).isoformat()

    answer = await papers.filed(client, officer, OFFICER, drawn_at=long_ago)

    assert answer.json()["code"] == "exchange.access_form_changed"


async def test_a_second_request_waits_for_the_first(client, officer):
    await request_id_of(client, officer)

    answer = await papers.filed(client, officer, OFFICER)

    assert answer.json()["code"] == "exchange.access_already_requested"


async def test_a_refusal_gives_reason_and_text_and_is_signed(client, sessions, officer, operator):
    request_id = await request_id_of(client, officer)

    answer = await papers.refused(client, operator, OPERATOR, request_id)

    assert answer.status_code == 204
    (own,) = (await client.get(f"{PATH}/requests/own", headers=officer)).json()
    assert (own["stage"], own["refusal"]) == ("refused", "no_need")
    assert own["refusal_text"] == "Не требуется по должности"
    (leaf,) = await events(sessions, "exchange.access_refused")
    assert '"reason":"no_need"' in leaf


@pytest.mark.parametrize("missing", [{"reason": None}, {"text": ""}, {"text": " "}, {"cms": ""}])
async def test_a_refusal_without_one_of_the_three_is_not_saved(
    client, sessions, officer, operator, missing
):
    request_id = await request_id_of(client, officer)

    answer = await papers.refused(client, operator, OPERATOR, request_id, **missing)

    assert answer.json()["code"] == "exchange.access_refusal_not_motivated"
    assert await stage_of_request(sessions, request_id) == "requested"
    assert len(await events(sessions, "exchange.access_decision_refused")) == 1


@pytest.mark.parametrize("missing", ["refusal", "refusal_text", "decision_signature_id"])
async def test_the_database_too_keeps_no_refusal_without_them(
    client, sessions, officer, operator, missing
):
    request_id = await request_id_of(client, officer)
    await papers.refused(client, operator, OPERATOR, request_id)

    with pytest.raises(sa.exc.IntegrityError, match="ck_access_requests_refused"):
        async with transaction(sessions) as session:
            await session.execute(sa.text(f"UPDATE access_requests SET {missing} = NULL"))


async def test_a_decision_is_taken_once(client, officer, operator):
    request_id = await request_id_of(client, officer)
    await papers.refused(client, operator, OPERATOR, request_id)

    answer = await papers.granted(client, operator, OPERATOR, request_id)

    assert answer.json()["code"] == "exchange.access_step_refused"


async def test_the_operator_returns_what_is_incomplete(client, officer, operator):
    request_id = await request_id_of(client, officer)
    path = f"{PATH}/requests/{request_id}/return"

    answer = await client.post(path, json={"text": "Нет планшета"}, headers=operator)

    assert answer.status_code == 204
    (own,) = (await client.get(f"{PATH}/requests/own", headers=officer)).json()
    assert (own["stage"], own["returned_text"], own["received_at"]) == (
        "returned", "Нет планшета", None,
    )  # fmt: skip


async def test_a_new_grant_replaces_the_former_even_of_a_faster_clock(
    client, sessions, officer, operator
):
    first = await request_id_of(client, officer)
    await papers.granted(client, operator, OPERATOR, first)
    async with transaction(sessions) as session:
        await session.execute(
            sa.text("UPDATE access_grants SET valid_from = valid_from + interval '1 second'")
        )
    second = await request_id_of(client, officer)

    done = await papers.granted(client, operator, OPERATOR, second, services=["vehicle"])

    assert done.status_code == 200
    await asyncio.sleep(1.1)
    assert (await rights_of(client, officer))["services"] == ["vehicle"]


async def test_of_two_decisions_at_once_one_is_taken(client, sessions, officer):
    operator, other = await signed_in(client, OPERATOR), await signed_in(client, SECOND_OPERATOR)
    request_id = await request_id_of(client, officer)

    answers = await asyncio.gather(
        papers.granted(client, operator, OPERATOR, request_id),
        papers.refused(client, other, SECOND_OPERATOR, request_id),
    )

    assert sorted(one.status_code for one in answers) in ([200, 409], [204, 409])
    decisions = await events(sessions, "exchange.access_granted")
    decisions += await events(sessions, "exchange.access_refused")
    assert len(decisions) == 1


async def test_a_paper_signed_for_one_act_serves_no_other(client, officer, operator):
    request_id = await request_id_of(client, officer)
    path = f"{PATH}/requests/{request_id}"
    rights = {"services": ["vehicle"], "bases": ["PRIMARY_CHECK"]}
    paper = (await client.post(f"{path}/grant-paper", json=rights, headers=operator)).json()
    cms = papers.signature(OPERATOR, paper["paper"])
    refusal = {"reason": "no_need", "text": "-", "cms": cms}

    wider = await client.post(
        f"{path}/grant",
        json=rights | {"services": ["vehicle", "driver_licence"], "cms": cms},
        headers=operator,
    )
    other = await client.post(f"{path}/refuse", json=refusal, headers=operator)

    assert {one.json()["code"] for one in (wider, other)} == {"identity.signature_content_changed"}


async def test_who_has_left_the_post_is_not_granted_its_rights(client, sessions, officer, operator):
    request_id = await request_id_of(client, officer)
    async with transaction(sessions) as session:
        await session.execute(
            sa.text(
                "UPDATE posts SET valid_to = current_date - 7 WHERE person_id ="
                " (SELECT id FROM people WHERE iin = :iin)"
            ),
            {"iin": OFFICER.iin},
        )

    answer = await papers.granted(client, operator, OPERATOR, request_id)

    assert answer.json()["code"] == "exchange.access_step_refused"


@pytest.mark.parametrize(
    "rights",
    [
        {"services": ["wanted_persons"]},  # not asked for
        {"services": []},
        {"bases": []},
    ],
)
async def test_no_more_is_granted_than_was_asked_for(client, officer, operator, rights):
    request_id = await request_id_of(client, officer)

    answer = await papers.granted(client, operator, OPERATOR, request_id, **rights)

    assert answer.json()["code"] == "exchange.access_rights_too_wide"


async def test_an_operator_does_not_decide_on_himself(client, sessions, operator):
    request_id = await self_requested(client, sessions, operator)

    answer = await papers.granted(client, operator, OPERATOR, request_id, services=[], bases=[])

    assert answer.json()["code"] == "exchange.sod_self"


async def self_requested(client, sessions, operator, staff=OPERATOR):
    await committee_has_an_official(sessions)
    answer = await papers.filed(client, operator, staff, role=staff.role, services=[], bases=[])
    assert answer.status_code == 201, answer.text
    return answer.json()["request_id"]


async def committee_has_an_official(sessions):
    """Let the battalion's commander be the operators' superior, for want of their own."""
    await report_to(sessions, OPERATOR, OFFICIAL)
    await report_to(sessions, SECOND_OPERATOR, OFFICIAL)


_NO_SUPERIOR = """
    DELETE FROM superiors WHERE person_id = (SELECT id FROM people WHERE iin = :iin)
"""
_A_SUPERIOR = """
    INSERT INTO superiors (id, person_id, superior_id, valid_from)
    SELECT gen_random_uuid(), one.id, other.id, '2026-01-01'
    FROM people one, people other WHERE one.iin = :iin AND other.iin = :superior
"""


async def report_to(sessions, staff, superior):
    async with transaction(sessions) as session:
        await session.execute(sa.text(_NO_SUPERIOR), {"iin": staff.iin})
        await session.execute(sa.text(_A_SUPERIOR), {"iin": staff.iin, "superior": superior.iin})


async def test_roles_of_power_take_two_operators(client, sessions, operator):
    administrator = await signed_in(client, ADMINISTRATOR)
    request_id = await request_id_of(
        client, administrator, ADMINISTRATOR, role="administrator", services=[], bases=[]
    )
    nothing = {"services": [], "bases": []}

    first = await papers.granted(client, operator, OPERATOR, request_id, **nothing)
    again = await papers.granted(client, operator, OPERATOR, request_id, **nothing)
    half = await stage_of_request(sessions, request_id)
    second = await signed_in(client, SECOND_OPERATOR)
    done = await papers.granted(client, second, SECOND_OPERATOR, request_id, **nothing)

    assert first.json() == {"stage": "requested", "waits_for_second": True}
    assert again.json()["code"] == "exchange.sod_second_operator"
    assert half == "requested"
    assert done.json() == {"stage": "granted", "waits_for_second": False}


@pytest.mark.parametrize(("subordinate", "superior"), [(OFFICIAL, OPERATOR), (OPERATOR, OFFICER)])
async def test_an_operator_decides_on_no_superior_and_no_subordinate(
    client, sessions, operator, subordinate, superior
):
    await report_to(sessions, subordinate, superior)
    officer = await signed_in(client, OFFICER)
    request_id = await request_id_of(client, officer)

    answer = await papers.granted(client, operator, OPERATOR, request_id)

    assert answer.json()["code"] == "exchange.sod_relation"


async def test_the_agreement_is_signed_once_and_its_date_is_ours(client, officer):
    first = await papers.agreed(client, officer, OFFICER)
    second = await papers.agreed(client, officer, OFFICER)

    assert first.json() == second.json()


async def test_another_persons_signature_agrees_to_nothing(client, officer):
    answer = await papers.agreed(client, officer, SECOND_OFFICER)

    assert answer.json()["code"] == "identity.certificate_of_another_person"


async def test_a_new_version_makes_the_signed_one_old(client, parts, sessions, officer):
    await papers.agreed(client, officer, OFFICER)
    async with transaction(sessions) as session:
        await access.publish_agreement(
            session, text_kk="жаңа", text_ru="новое", text_en="new",
            valid_from=datetime(2026, 1, 1, tzinfo=UTC), trail=parts.trail, now=datetime.now(UTC),
        )  # fmt: skip

    old = await rights_of(client, officer)
    await papers.agreed(client, officer, OFFICER)
    new = await rights_of(client, officer)

    assert (old["agreement"], new["agreement"]) == ("old", "signed")
    assert [one["version"] for one in new["agreements"]] == [2, 1]


async def test_the_version_that_is_not_in_force_cannot_be_signed(client, officer):
    found = (await client.get(f"{PATH}/agreement", headers=officer)).json()
    body = {"version": 7, "cms": papers.signature(OFFICER, found["paper"])}

    answer = await client.post(f"{PATH}/agreement", json=body, headers=officer)

    assert answer.json()["code"] == "exchange.agreement_not_current"


async def test_a_request_of_another_is_not_shown(client, officer):
    request_id = await request_id_of(client, officer)
    other = await signed_in(client, SECOND_OFFICER)

    listed = await client.get(f"{PATH}/requests/own", headers=other)
    answer = await client.get(f"{PATH}/requests/{request_id}", headers=other)

    assert listed.json() == []
    assert answer.status_code == 403


async def test_an_official_sees_his_subordinates_and_nobody_else(client, officer):
    stranger = await signed_in(client, STRANGER)
    official = await signed_in(client, OFFICIAL)
    own = await papers.person_id_of(client, officer)
    others = await papers.person_id_of(client, stranger)

    seen = await client.get(f"{PATH}/people/{own}", headers=official)
    unseen = await client.get(f"{PATH}/people/{others}", headers=official)
    listed = (await client.get(f"{PATH}/people", headers=official)).json()

    assert (seen.status_code, unseen.status_code) == (200, 404)
    assert own in {one["person"]["person_id"] for one in listed}
    assert others not in {one["person"]["person_id"] for one in listed}


async def test_the_clocks_alarm_at_20_hours_and_report_a_breach_at_24(
    client, parts, sessions, officer
):
    request_id = await request_id_of(client, officer)
    filed_at = datetime.now(UTC)

    async def read_at(hours):
        return await access.read_clocks(
            sessions, trail=parts.trail, now=filed_at + timedelta(hours=hours)
        )

    early, alarm, again = await read_at(19.9), await read_at(20.1), await read_at(20.2)
    late, later = await read_at(24.1), await read_at(24.2)

    assert [(one.alarms, one.overdue) for one in (early, alarm, again, late, later)] == [
        (0, 0), (1, 0), (0, 0), (0, 1), (0, 0),
    ]  # fmt: skip
    assert await stage_of_request(sessions, request_id) == "requested"
    controller = await signed_in(client, CONTROLLER)
    (breach,) = (await client.get(f"{PATH}/breaches", headers=controller)).json()
    assert breach["request_id"] == request_id


async def standing_at(sessions, at, iin=OFFICER.iin):
    async with transaction(sessions) as session:
        person_id, post_id = (
            await session.execute(
                sa.text(
                    "SELECT person_id, posts.id FROM posts JOIN people ON people.id = person_id"
                    " WHERE iin = :iin ORDER BY valid_from DESC LIMIT 1"
                ),
                {"iin": iin},
            )
        ).one()
        driver = await driver_of(session)
        return await standing_of(driver, person_id=person_id, post_id=post_id, at=at)


async def test_who_is_not_blocked_lives_and_who_is_has_no_session(client, sessions, officer):
    official = await signed_in(client, OFFICIAL)
    person_id = await papers.person_id_of(client, officer)

    answer = await papers.blocked(client, official, person_id)
    refused = await client.get("/api/me", headers=officer)
    again = await answer_challenge(client, OFFICER)

    assert answer.json() == {"sessions_ended": 1}
    assert refused.json()["code"] == "identity.session_over"
    assert again.json()["code"] == "identity.person_blocked"
    standing = await standing_at(sessions, datetime.now(UTC))
    assert standing.user is access.UserStanding.BLOCKED
    assert len(await events(sessions, "exchange.user_blocked")) == 1


async def test_an_official_blocks_his_subordinates_alone(client, sessions):
    stranger = await signed_in(client, STRANGER)
    official = await signed_in(client, OFFICIAL)
    others = await papers.person_id_of(client, stranger)

    answer = await papers.blocked(client, official, others)
    made_up = await papers.blocked(client, official, uuid4())

    assert answer.json()["code"] == made_up.json()["code"]
    assert answer.status_code == 404
    assert len(await events(sessions, "exchange.block_refused")) == 2


async def test_nobody_blocks_himself_or_without_a_word(client, operator, officer):
    own = await papers.person_id_of(client, operator)
    other = await papers.person_id_of(client, officer)

    himself = await papers.blocked(client, operator, own)
    silent = await papers.blocked(client, operator, other, text=" ")

    assert himself.status_code == 404
    assert silent.json()["code"] == "exchange.access_refusal_not_motivated"
    assert (await client.get("/api/me", headers=officer)).status_code == 200


async def test_an_operator_who_did_not_block_lifts_it(client, officer, operator):
    person_id = await papers.person_id_of(client, officer)
    await papers.blocked(client, operator, person_id)

    own = await papers.unblocked(client, operator, OPERATOR, person_id)
    second = await signed_in(client, SECOND_OPERATOR)
    done = await papers.unblocked(client, second, SECOND_OPERATOR, person_id)
    again = await papers.unblocked(client, second, SECOND_OPERATOR, person_id)
    back = await answer_challenge(client, OFFICER)

    assert own.json()["code"] == "exchange.sod_unblock"
    assert done.status_code == 204
    assert again.json()["code"] == "identity.not_blocked"
    assert back.status_code == 200


async def test_a_second_block_of_the_same_person_is_a_conflict(client, officer, operator):
    person_id = await papers.person_id_of(client, officer)
    await papers.blocked(client, operator, person_id)

    answer = await papers.blocked(client, operator, person_id)

    assert answer.json()["code"] == "identity.already_blocked"
