import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from app.access import NotSignedIn, Principal, Role
from app.audit.service import AuditTrail
from app.db import transaction
from app.identity import errors, service
from app.identity.models import Department, Person, Post, RevocationProofRow, SignatureRow
from app.identity.register import open_revocation
from app.identity.schemas import StaffDepartment, StaffEntry
from sim.authority import Use, subject_of
from sim.district import (
    DEPARTMENT_BIN,
    KEEPER,
    OFFICER,
    OTHER_DEPARTMENT_BIN,
    SECOND_OFFICER,
    STAFF,
    STRANGER,
    SUPERIORS,
)
from tests.factories_identity import (
    authority,
    district,
    staff_entry,
    staff_file,
    trust,
    trust_the_authority,
)

NOW = datetime.now(UTC)
SHEET = "Қабылдадым: планшет № 7".encode()


async def count_of(sessions, table):
    async with transaction(sessions) as session:
        return await session.scalar(sa.select(sa.func.count()).select_from(table))


async def imported(sessions, **changed):
    async with transaction(sessions) as session:
        return await service.import_staff(session, document=staff_file(**changed), now=NOW)


async def caller_of(sessions, staff):
    async with transaction(sessions) as session:
        card = await service.post_of_iin(session, iin=staff.iin, now=NOW)
    return Principal(
        department_id=card.department_id,
        person_id=card.person_id,
        post_id=card.post_id,
        role=card.role,
        session_id=uuid4(),
    )


async def test_the_file_fills_departments_people_and_posts(sessions):
    done = await district(sessions, with_rights=False)

    assert done.added == 3 + 2 * len(STAFF) + len(SUPERIORS)
    assert await count_of(sessions, Department) == 3
    assert await count_of(sessions, Person) == await count_of(sessions, Post) == len(STAFF)


async def test_a_second_import_changes_only_what_the_file_changed(sessions):
    await district(sessions, with_rights=False)
    married = replace(KEEPER, surname="СҰЛТАНОВА", title="Старший специалист")

    done = await district(sessions, with_rights=False, staff=(married,))

    assert (done.added, done.changed) == (0, 2)
    async with transaction(sessions) as session:
        card = await service.post_of_iin(session, iin=KEEPER.iin, now=NOW)
    assert (card.full_name.split()[0], card.title) == ("СҰЛТАНОВА", "Старший специалист")


async def test_an_import_is_audited_by_counts(sessions):
    trail = AuditTrail(subject_key=b"s" * 32)

    async with transaction(sessions) as session:
        await service.import_staff(session, document=staff_file(), now=NOW, trail=trail)

    async with transaction(sessions) as session:
        leaf = await session.scalar(sa.text("SELECT convert_from(leaf, 'UTF8') FROM audit_outbox"))
    added = 3 + 2 * len(STAFF) + len(SUPERIORS)
    counts = f'"added":{added},"changed":0,"departments":3,"staff":{len(STAFF)}'
    assert f'"fields":{{{counts}}}' in leaf
    assert OFFICER.iin not in leaf


async def test_a_move_to_another_department_is_two_posts_and_one_in_force(sessions):
    moves = (
        staff_entry(OFFICER, valid_to=date(2026, 6, 30)),
        staff_entry(OFFICER, department_bin=OTHER_DEPARTMENT_BIN, valid_from=date(2026, 7, 1)),
    )
    await imported(sessions, staff=moves)

    async with transaction(sessions) as session:
        # 24:00 of 30 June in Almaty is 19:00 UTC.
        eve = datetime(2026, 6, 30, 18, 59, tzinfo=UTC)
        before = await service.post_of_iin(session, iin=OFFICER.iin, now=eve)
        after = await service.post_of_iin(session, iin=OFFICER.iin, now=eve + timedelta(minutes=1))

    assert (before.department_bin, after.department_bin) == (DEPARTMENT_BIN, OTHER_DEPARTMENT_BIN)


BAD_FILES = {
    "two posts at once": {"staff": (OFFICER, staff_entry(OFFICER, role="duty_officer"))},
    "an iin that cannot be one": {"staff": (staff_entry(OFFICER, iin="123456789011"),)},
    "an unknown department": {"departments": ()},
    "ends before it begins": {"staff": (staff_entry(OFFICER, valid_to=date(2025, 1, 1)),)},
    "an unknown parent": {
        "departments": (
            StaffDepartment(
                bin=DEPARTMENT_BIN, name_kk="А", name_ru="А", parent_bin="999999999999"
            ),
        )
    },
    "its own parent": {
        "departments": (
            StaffDepartment(
                bin=DEPARTMENT_BIN, name_kk="А", name_ru="А", parent_bin=DEPARTMENT_BIN
            ),
        )
    },
}


@pytest.mark.parametrize("name", list(BAD_FILES))
async def test_a_file_that_contradicts_itself_is_refused_whole(sessions, name):
    with pytest.raises(errors.StaffFileNotValid) as caught:
        await imported(sessions, **BAD_FILES[name])

    assert OFFICER.iin not in f"{caught.value} {caught.value.fields}"
    assert await count_of(sessions, Department) == await count_of(sessions, Person) == 0


def test_a_department_that_stands_twice_is_no_file():
    with pytest.raises(ValidationError):
        staff_file(departments=(StaffDepartment(bin=DEPARTMENT_BIN, name_kk="А", name_ru="А"),) * 2)


def test_an_entry_of_another_form_does_not_repeat_the_number():
    with pytest.raises(ValidationError) as caught:
        StaffEntry(iin="95081730101", surname="А", department_bin="1", role="nobody")

    assert "95081730101" not in str(caught.value)


async def test_the_database_itself_refuses_two_posts_at_once(sessions):
    await district(sessions, with_rights=False)

    async with transaction(sessions) as session:
        row = await session.scalar(sa.select(Post))
    with pytest.raises(sa.exc.IntegrityError, match="ex_posts_person_id_dates"):
        async with transaction(sessions) as session:
            await session.execute(
                sa.insert(Post).values(
                    id=uuid4(),
                    person_id=row.person_id,
                    department_id=row.department_id,
                    role=Role.AUDITOR,
                    title="x",
                    badge="x",
                    valid_from=date(2026, 5, 1),
                    valid_to=date(2026, 5, 1),
                )
            )


@pytest.mark.parametrize("role", list(Role))
async def test_every_role_can_be_held(sessions, role):
    await imported(sessions, staff=(staff_entry(OFFICER, role=role),))

    async with transaction(sessions) as session:
        card = await service.post_of_iin(session, iin=OFFICER.iin, now=NOW)
    assert card.role is role


async def test_the_staff_of_a_department_stands_in_the_order_of_names(sessions):
    await district(sessions, with_rights=False)
    officer = await caller_of(sessions, OFFICER)

    async with transaction(sessions) as session:
        cards = await service.staff_of_department(
            session, department_id=officer.department_id, now=NOW
        )

    assert [card.full_name.split()[0] for card in cards] == [
        "ӘБДІРАХМАНОВ", "ӘУЕЗОВ", "КИМ", "ҚАСЫМОВА", "ЛИ", "НҰРЛАНОВА", "ОСПАНОВ", "ПЕТРОВ",
        "РАХИМОВА", "ТӨЛЕГЕНОВ", "ІСКАКОВ",
    ]  # fmt: skip


async def test_unknown_posts_and_people_are_left_out(sessions):
    async with transaction(sessions) as session:
        assert await service.posts_by_id(session, [uuid4()]) == {}
        assert await service.post_of_iin(session, iin=OFFICER.iin, now=NOW) is None


@pytest.fixture
async def port(settings):
    trust_the_authority(settings)
    async with open_revocation(settings) as port:
        yield port


async def sign(sessions, cms, *, caller, port=None, content=SHEET):
    now = datetime.now(UTC)  # an answer about the certificate is good for minutes only
    if port is not None:
        await service.ask_about_signer(sessions, cms=cms, trust=trust(), port=port, now=now)
    async with transaction(sessions) as session:
        return await service.sign_document(
            session, caller=caller, content=content, cms=cms, now=now, roots=trust()
        )


@pytest.mark.parametrize("use", [Use.SIGN, Use.COMBINED])
async def test_a_document_signed_by_the_caller_is_kept_as_evidence(sessions, port, use):
    await district(sessions, with_rights=False)
    caller = await caller_of(sessions, OFFICER)
    cms = authority().sign(OFFICER, SHEET, use)

    signature_id = await sign(sessions, cms, caller=caller, port=port)

    async with transaction(sessions) as session:
        row = await session.get(SignatureRow, signature_id)
        proof = await session.get(RevocationProofRow, row.revocation_proof_id)
    assert (row.person_id, row.cms, row.content) == (caller.person_id, cms, None)
    assert hashlib.sha256(proof.ocsp).digest() == proof.ocsp_sha256


async def test_a_document_is_refused_where_nobody_asked_about_the_certificate(sessions):
    await district(sessions, with_rights=False)
    caller = await caller_of(sessions, OFFICER)

    with pytest.raises(errors.RevocationUnknown):
        await sign(sessions, authority().sign(OFFICER, SHEET, Use.SIGN), caller=caller)

    assert await count_of(sessions, SignatureRow) == 0


@pytest.mark.parametrize(
    ("signer", "use", "content", "refusal"),
    [
        (OFFICER, Use.AUTH, SHEET, errors.CertificateNotForThis),
        (SECOND_OFFICER, Use.SIGN, SHEET, errors.CertificateOfAnotherPerson),
        (OFFICER, Use.SIGN, SHEET + b".", errors.SignatureContentChanged),
        (
            replace(OFFICER, department_bin=OTHER_DEPARTMENT_BIN),
            None,
            SHEET,
            errors.CertificateOfAnotherBody,
        ),
    ],
    ids=["auth certificate", "another person", "another content", "another body"],
)
async def test_a_document_is_not_signed_otherwise(sessions, signer, use, content, refusal):
    await district(sessions, with_rights=False)
    caller = await caller_of(sessions, OFFICER)
    cms = _signed(signer, use, content)

    with pytest.raises(refusal):
        await sign(sessions, cms, caller=caller)

    assert await count_of(sessions, SignatureRow) == 0


def _signed(signer, use, content):
    if use is not None:
        return authority().sign(signer, content, use)
    # A second certificate of the same person, as an employee of another body.
    key = authority().key_for(OFFICER, Use.SIGN)
    certificate = authority().issue(
        subject=subject_of(signer), public_key=key.private_key.public_key(), use=Use.SIGN
    )
    return authority().sign_cms_detached(replace(key, certificate=certificate), content)


async def test_only_a_person_in_a_post_signs(sessions):
    await district(sessions, with_rights=False)
    caller = await caller_of(sessions, STRANGER)
    cms = authority().sign(STRANGER, SHEET)

    for nobody in (replace(caller, post_id=None), replace(caller, post_id=uuid4())):
        with pytest.raises(NotSignedIn):
            await sign(sessions, cms, caller=nobody)
