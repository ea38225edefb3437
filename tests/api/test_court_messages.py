"""A court's message: taken once, from its system, fresh, over a registered person's signature."""

import asyncio
import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import rfc8785
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import rsa

from app.access import SystemNotKnown
from app.db import transaction
from app.errors import DomainError
from app.exchange.models import CourtsMessageRow, CourtsSystemRow
from app.exchange.schemas.courts import AnswerMessage, RequestMessage
from app.exchange.service import courts
from app.identity.models import BlockRow, Person
from app.identity.rules.blocking import BlockReason
from sim.authority import Key, Use, subject_of
from sim.courts import signed
from sim.district import ADMINISTRATOR, JUDGE, KEEPER, OFFICER, STRANGER
from tests.factories_access import iin
from tests.factories_courts import court, eaias, ports_of, request, retire
from tests.factories_identity import (
    answer_challenge,
    authority,
    signed_in,
    trust_the_authority,
)

ANOTHER_JUDGE = replace(JUDGE, key="judge-2", iin=iin(7777))  # of a court, and on no list


@pytest.fixture
async def system(client, settings, sessions):
    trust_the_authority(settings)
    await court(sessions)
    return await eaias(client, settings)


def taking(parts, system, body, *, form=RequestMessage, principal=None, now=None):
    return courts.take_message(
        ports_of(parts),
        system=principal or system.principal,
        raw=body["message"],
        cms=base64.b64decode(body["cms"]),
        form=form,
        now=now or datetime.now(UTC),
    )


async def code_of(taking):
    with pytest.raises(DomainError) as refused:
        await taking
    return refused.value.code


async def taken_ones(sessions):
    async with transaction(sessions) as session:
        return list(await session.scalars(sa.select(CourtsMessageRow)))


async def test_a_judges_message_is_taken_with_the_judge_behind_it(parts, system, sessions):
    body = system.body()

    taken, message = await taking(parts, system, body)

    (row,) = await taken_ones(sessions)
    assert message.request.basis.value == "CIVIL_COURT"
    assert (taken.caller.role.value, taken.caller.system_id) == (
        "court",
        system.principal.system_id,
    )
    assert (row.message_id, row.signature_id) == (taken.message_id, taken.signature_id)
    assert row.person_id == taken.caller.person_id
    assert JUDGE.iin not in repr(taken)


async def test_a_message_is_taken_once(parts, system, sessions):
    body = system.body()
    await taking(parts, system, body)

    assert await code_of(taking(parts, system, body)) == "exchange.court_message_replayed"
    assert len(await taken_ones(sessions)) == 1


async def test_of_ten_at_once_one_is_taken(parts, system, sessions):
    body = system.body()

    outcomes = await asyncio.gather(
        *(taking(parts, system, body) for _ in range(10)), return_exceptions=True
    )

    refused = [one for one in outcomes if isinstance(one, DomainError)]
    assert {one.code for one in refused} == {"exchange.court_message_replayed"}
    assert (len(refused), len(await taken_ones(sessions))) == (9, 1)


async def test_a_used_id_serves_no_other_content(parts, system):
    message_id = uuid4()
    await taking(parts, system, system.body(message_id=message_id))
    other = system.body(message_id=message_id, request=request(case_number="7527-26-00-2/304"))

    assert await code_of(taking(parts, system, other)) == "exchange.court_message_replayed"


async def test_a_minute_either_way_is_fresh(parts, system, sessions):
    now = datetime.now(UTC)
    for seconds in (-59, 0, 59):
        body = system.body(sent_at=now + timedelta(seconds=seconds))
        await taking(parts, system, body, now=now)

    assert len(await taken_ones(sessions)) == 3


async def test_an_older_one_or_one_of_the_future_is_stale(parts, system, sessions):
    now = datetime.now(UTC)
    for seconds in (-3600, -61, 61, 86_400):
        body = system.body(sent_at=now + timedelta(seconds=seconds))
        code = await code_of(taking(parts, system, body, now=now))
        assert code == "exchange.court_message_stale"

    assert await taken_ones(sessions) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"audience": "https://another.example"},
        {"system_id": str(uuid4())},
    ],
)
async def test_a_message_for_somebody_or_something_else_is_refused(parts, system, changed):
    body = system.body(**changed)

    assert await code_of(taking(parts, system, body)) == "exchange.court_message_not_for_us"


async def test_without_a_signature_there_is_no_person(parts, system):
    body = system.body() | {"cms": ""}

    with pytest.raises(DomainError) as refused:
        await taking(parts, system, body)

    assert refused.value.code == "exchange.no_person"
    assert refused.value.fields["refusal"] == "NO_PERSON"
    assert set(refused.value.fields["texts"]) == {"kk", "ru", "en"}


async def test_a_signature_of_somebody_who_is_of_no_court_is_no_person(parts, system):
    for staff in (OFFICER, KEEPER, ADMINISTRATOR, STRANGER, ANOTHER_JUDGE):
        assert await code_of(taking(parts, system, system.body(staff))) == "exchange.no_person"


async def test_a_judge_whose_post_has_ended_is_no_person(parts, system, sessions):
    await retire(sessions, JUDGE)

    assert await code_of(taking(parts, system, system.body())) == "exchange.no_person"


async def test_a_judges_certificate_of_another_body_is_refused(parts, system):
    one, private_key = authority("trusted"), rsa.generate_private_key(65537, 2048)
    moved = replace(JUDGE, department_bin=OFFICER.department_bin)
    certificate = one.issue(
        subject=subject_of(moved), public_key=private_key.public_key(), use=Use.COMBINED
    )
    key = Key(certificate=certificate, private_key=private_key, issuer=one.issuing.certificate)
    said = system.message()
    cms = one.sign_cms_detached(key, rfc8785.dumps(said))
    body = {"message": said, "cms": base64.b64encode(cms).decode()}

    assert await code_of(taking(parts, system, body)) == "identity.certificate_of_another_body"


async def test_a_blocked_judge_is_refused(parts, system, sessions):
    async with transaction(sessions) as session:
        judge = await session.scalar(sa.select(Person).where(Person.iin == JUDGE.iin))
        officer = await session.scalar(sa.select(Person).where(Person.iin == OFFICER.iin))
        session.add(
            BlockRow(
                id=uuid4(),
                person_id=judge.id,
                reason=BlockReason.VIOLATION,
                text="-",
                blocked_at=datetime.now(UTC),
                blocked_by=officer.id,
            )
        )

    with pytest.raises(DomainError) as refused:
        await taking(parts, system, system.body())

    assert refused.value.fields["refusal"] == "USER_BLOCKED"


CHANGES = [
    lambda said: said["request"].update(subject={"bin": "210340000999"}),
    lambda said: said["request"].update(services=["legal_entity", "person_photo"]),
    lambda said: said["request"].update(basis="CRIMINAL_COURT"),
    lambda said: said.update(message_id=str(uuid4())),
    lambda said: said.update(sent_at=datetime.now(UTC).isoformat()),
]


async def test_a_changed_message_was_not_signed(parts, system):
    for change in CHANGES:
        body = system.body()
        change(body["message"])
        code = await code_of(taking(parts, system, body))
        assert code == "identity.signature_content_changed"


async def test_a_certificate_to_sign_in_with_signs_no_message(parts, system):
    body = signed(authority(), JUDGE, system.message(), Use.AUTH)

    assert await code_of(taking(parts, system, body)) == "identity.certificate_not_for_this"


async def test_a_stranger_authoritys_judge_is_refused(parts, system):
    body = signed(authority("stranger"), JUDGE, system.message())

    assert await code_of(taking(parts, system, body)) == "identity.certificate_not_trusted"


async def test_a_revoked_judge_is_refused(parts, system, revocation):
    authority().key_for(JUDGE)
    revocation.revoke_person(JUDGE)

    assert await code_of(taking(parts, system, system.body())) == "identity.certificate_revoked"


OTHER_FORMS = [
    lambda said: said.pop("v"),
    lambda said: said.update(v=2),
    lambda said: said.update(act="view"),
    lambda said: said.update(more=1),
    lambda said: said.update(sent_at="2026-11-22T10:00:00"),
    lambda said: said.update(request=None),
    lambda said: said["request"].update(more=1),
    lambda said: said["request"].update(services=["legal_entity"] * 17),
    lambda said: said["request"].update(year=10**20),
    lambda said: said["request"].update(case_number="9" * 1000),
    lambda said: said.clear(),
]


async def test_a_message_of_another_form_is_not_valid(parts, system):
    for change in OTHER_FORMS:
        said = system.message()
        change(said)
        code = await code_of(taking(parts, system, {"message": said, "cms": ""}))
        assert code == "exchange.court_message_not_valid"


async def test_a_message_nested_without_end_is_not_valid(parts, system):
    deep = []
    for _ in range(5_000):
        deep = [deep]
    body = {"message": system.message() | {"request": deep}, "cms": ""}

    assert await code_of(taking(parts, system, body)) == "exchange.court_message_not_valid"


async def test_an_answers_message_is_no_request(parts, system):
    answer = {"decision": "refused", "eaias_number": "7527-1"}
    body = system.body(act="sanction_answer", sanction_id=str(uuid4()), answer=answer)

    _, message = await taking(parts, system, body, form=AnswerMessage)

    assert message.answer.decision == "refused"
    assert await code_of(taking(parts, system, body)) == "exchange.court_message_not_valid"


async def test_a_system_withdrawn_in_the_meantime_brings_nothing(parts, system, sessions, client):
    headers = await signed_in(client, ADMINISTRATOR)
    await client.post(f"/api/courts/systems/{system.system_id}/withdrawal", headers=headers)

    with pytest.raises(SystemNotKnown):
        await taking(parts, system, system.body())

    assert await taken_ones(sessions) == []


# -- the systems -----------------------------------------------------------------------------------


async def test_a_systems_credential_is_told_once_and_stored_as_a_hash(client, system, sessions):
    headers = await signed_in(client, ADMINISTRATOR)
    listed = await client.get("/api/courts/systems", headers=headers)

    async with transaction(sessions) as session:
        (row,) = await session.scalars(sa.select(CourtsSystemRow))
    secret = system.credential.split(".")[1]
    assert listed.json()["systems"][0]["system_id"] == system.system_id
    assert secret not in listed.text
    assert secret.encode() not in row.credential_sha256


WRONG_CREDENTIALS = [
    lambda _text: "",
    lambda _text: "garbage",
    lambda text: text[:-1],
    lambda text: f"{uuid4()}.{text.split('.')[1]}",
    lambda text: f"{text.split('.')[0]}.{'A' * 43}",
    lambda text: text.upper(),
]


async def test_a_wrong_credential_is_nobodys(sessions, system):
    for change in WRONG_CREDENTIALS:
        text = change(system.credential)
        assert await courts.system_of_credential(sessions, text=text) is None


async def test_a_withdrawn_system_is_nobody_at_once_and_for_good(client, sessions, system):
    assert await courts.system_of_credential(sessions, text=system.credential) is not None
    headers = await signed_in(client, ADMINISTRATOR)
    path = f"/api/courts/systems/{system.system_id}/withdrawal"

    first = await client.post(path, headers=headers)
    second = await client.post(path, headers=headers)

    assert await courts.system_of_credential(sessions, text=system.credential) is None
    assert first.json() == second.json()


@pytest.mark.usefixtures("system")
async def test_a_judge_signs_in_nowhere(client):
    answer = await answer_challenge(client, JUDGE)

    assert (answer.status_code, answer.json()["code"]) == (403, "identity.signs_in_nowhere")
