"""A revoked certificate opens nothing, and where nobody can say so, nothing opens either."""

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from cryptography import x509

from app.db import transaction
from app.identity.models import RevocationListRow, RevocationProofRow, SignatureRow
from sim.authority import Use
from sim.district import OFFICER, SECOND_OFFICER
from sim.revocation import Fault
from tests.factories_identity import (
    answer_challenge,
    authority,
    district,
    gost_authority,
    pem_of,
    trust_the_authority,
)

# Every way in which a source gives no answer that can be believed.
UNUSABLE = [
    Fault.DOWN, Fault.BUSY, Fault.SLOW, Fault.STALE, Fault.FUTURE, Fault.FORGED, Fault.GARBAGE,
    Fault.TRAILING, Fault.ENDLESS, Fault.REDIRECT, Fault.REPLAYED, Fault.OTHER, Fault.TRY_LATER,
]  # fmt: skip
LIST_UNUSABLE = [
    Fault.DOWN, Fault.BUSY, Fault.SLOW, Fault.STALE, Fault.FUTURE, Fault.FORGED, Fault.GARBAGE,
    Fault.TRAILING, Fault.ENDLESS, Fault.REDIRECT,
]  # fmt: skip


@pytest.fixture
def settings(settings, request):
    """With a limit that a slow source exceeds, where the test has one."""
    case = getattr(request.node, "callspec", None)
    if case is None or case.params.get("fault") is not Fault.SLOW:
        return settings
    return settings.model_copy(update={"revocation_timeout_seconds": 5})


@pytest.fixture(autouse=True)
async def _district(settings, sessions):
    trust_the_authority(settings)
    await district(sessions, with_rights=False)  # no signature but those of the test


@pytest.fixture
def certificate():
    return authority().key_for(OFFICER, Use.AUTH).certificate


async def rows(sessions, table):
    async with transaction(sessions) as session:
        return list(await session.scalars(sa.select(table)))


async def forget_proofs(sessions):
    """Make every proof kept an hour old, so that it is asked for again."""
    async with transaction(sessions) as session:
        await session.execute(
            sa.update(RevocationProofRow).values(as_of=datetime.now(UTC) - timedelta(hours=1))
        )


async def test_a_sign_in_keeps_the_answer_as_evidence(client, sessions, revocation, certificate):
    asked = revocation.questions

    answer = await answer_challenge(client, OFFICER)

    (proof,) = await rows(sessions, RevocationProofRow)
    (signature,) = await rows(sessions, SignatureRow)
    assert answer.status_code == 200
    assert revocation.questions == asked + 1
    assert signature.revocation_proof_id == proof.id
    assert proof.certificate_serial == f"{certificate.serial_number:x}"
    assert proof.ocsp_sha256 == hashlib.sha256(proof.ocsp).digest()


async def test_a_fresh_answer_is_used_again(client, revocation):
    await answer_challenge(client, OFFICER)
    asked = revocation.questions

    answer = await answer_challenge(client, OFFICER)

    assert (answer.status_code, revocation.questions) == (200, asked)


async def test_an_answer_of_more_than_ten_minutes_is_asked_for_again(client, sessions, revocation):
    await answer_challenge(client, OFFICER)
    await forget_proofs(sessions)
    asked = revocation.questions

    await answer_challenge(client, OFFICER)

    assert revocation.questions == asked + 1


@pytest.mark.parametrize("source", ["ocsp", "lists"])
async def test_a_revoked_certificate_signs_nobody_in(client, revocation, certificate, source):
    revocation.revoke(certificate)
    if source == "lists":
        revocation.ocsp_fault = Fault.DOWN

    answer = await answer_challenge(client, OFFICER)
    other = await answer_challenge(client, SECOND_OFFICER)

    assert (answer.status_code, answer.json()["code"]) == (422, "identity.certificate_revoked")
    assert other.status_code == 200


@pytest.mark.parametrize("published", [True, False])
async def test_a_certificate_on_hold_is_revoked_until_released(
    client, revocation, certificate, published
):
    revocation.ocsp_fault = Fault.DOWN
    revocation.revoke(certificate, reason=x509.ReasonFlags.certificate_hold)
    if published:
        revocation.publish()
    held = await answer_challenge(client, OFFICER)

    revocation.release(certificate)
    after = await answer_challenge(client, OFFICER)

    assert held.json()["code"] == "identity.certificate_revoked"
    assert after.status_code == 200


async def test_a_certificate_that_was_never_issued_is_refused(client):
    key = authority().key_for(OFFICER, Use.AUTH)
    stolen = authority().issue(
        subject=key.certificate.subject, public_key=key.private_key.public_key(), use=Use.AUTH
    )
    authority().issued.discard(
        stolen.serial_number
    )  # made with the authority's key, past its books
    asked = await client.post("/api/sign-in/challenge")
    content = base64.b64decode(asked.json()["challenge"])

    answer = await client.post(
        "/api/sign-in",
        json={
            "challenge_id": asked.json()["challenge_id"],
            "cms": base64.b64encode(
                authority().sign_cms_detached(replace(key, certificate=stolen), content)
            ).decode(),
        },
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "identity.certificate_unknown")


async def test_the_plain_status_unknown_is_a_refusal(client, revocation):
    revocation.ocsp_fault = Fault.UNKNOWN

    answer = await answer_challenge(client, OFFICER)

    assert answer.json()["code"] == "identity.certificate_unknown"


@pytest.mark.parametrize("fault", UNUSABLE, ids=lambda one: one.value)
async def test_where_ocsp_cannot_be_believed_lists_decide(client, sessions, revocation, fault):
    revocation.ocsp_fault = fault

    answer = await answer_challenge(client, OFFICER)

    (proof,) = await rows(sessions, RevocationProofRow)
    lists = await rows(sessions, RevocationListRow)
    assert answer.status_code == 200
    assert proof.ocsp is None
    assert {proof.list_id, proof.delta_id} == {one.id for one in lists}


@pytest.mark.parametrize("fault", LIST_UNUSABLE, ids=lambda one: one.value)
async def test_where_nobody_can_be_believed_nobody_signs_in(client, sessions, revocation, fault):
    revocation.ocsp_fault, revocation.list_fault = Fault.DOWN, fault

    answer = await answer_challenge(client, OFFICER)

    assert (answer.status_code, answer.json()["code"]) == (503, "identity.revocation_unknown")
    assert await rows(sessions, RevocationProofRow) == await rows(sessions, SignatureRow) == []


async def test_a_list_with_an_older_number_is_not_believed(client, sessions, revocation):
    revocation.ocsp_fault = Fault.DOWN
    first = await answer_challenge(client, OFFICER)
    await forget_proofs(sessions)
    revocation.list_fault = Fault.BACK

    second = await answer_challenge(client, OFFICER)

    assert first.status_code == 200
    assert second.json()["code"] == "identity.revocation_unknown"


async def test_a_refusal_for_a_revoked_certificate_is_audited(
    client, revocation, certificate, parts
):
    revocation.revoke(certificate)
    await answer_challenge(client, OFFICER)

    async with transaction(parts.sessions) as session:
        leaves = await session.scalars(
            sa.text(
                "SELECT convert_from(leaf, 'UTF8') FROM audit_outbox UNION ALL"
                " SELECT convert_from(leaf, 'UTF8') FROM audit_leaves"
            )
        )
        text = "".join(leaves)

    assert '"code":"identity.certificate_revoked"' in text
    assert OFFICER.iin not in text


async def test_a_person_signs_in_with_gost(client, settings, revocation):
    for name, pem in zip(("g0", "g1"), pem_of(gost_authority()), strict=True):
        (settings.trust_roots_dir / f"{name}.pem").write_bytes(pem)
    revocation.join(gost_authority())
    asked = await client.post("/api/sign-in/challenge")
    content = base64.b64decode(asked.json()["challenge"])
    cms = gost_authority().sign(OFFICER, content)

    answer = await client.post(
        "/api/sign-in",
        json={
            "challenge_id": asked.json()["challenge_id"],
            "cms": base64.b64encode(cms).decode(),
        },
    )

    assert answer.status_code == 200, answer.text
