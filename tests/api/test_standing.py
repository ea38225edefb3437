"""A user's standing by the tables, transfers, and who was whose subordinate when."""

import itertools
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.access import Role
from app.clock import LAW_ZONE, law_date, utc_now
from app.db import driver_of, transaction
from app.exchange.rules.access import rights_of_role
from app.exchange.rules.bases import rule_set_on
from app.exchange.service import AgreementStanding, UserStanding, access, standing_of
from app.identity import service as identity
from app.identity.errors import StaffFileNotValid
from app.identity.models import Person, Post, Superior
from app.identity.rules.blocking import BlockReason
from app.identity.schemas import StaffFile
from sim.district import DEPARTMENT_BIN, OFFICER, OFFICIAL, OPERATOR, SECOND_OFFICER
from tests.factories_identity import district, staff_entry, staff_file
from tests.factories_rights import grant_access, grant_to_all, sign_agreement

DAY = timedelta(hours=24)


@pytest.fixture(autouse=True)
async def _staff(sessions):
    await district(sessions, with_rights=False)


async def held_by(session, staff, *, at=None):
    """Return person and post of whom holds a post now."""
    card = await identity.post_of_iin(session, iin=staff.iin, now=at or utc_now())
    return {"person_id": card.person_id, "post_id": card.post_id}


async def standing(sessions, staff=OFFICER, *, at=None):
    at = at or utc_now()
    async with transaction(sessions) as session:
        driver = await driver_of(session)
        return await standing_of(driver, **await held_by(session, staff, at=at), at=at)


async def give(sessions, staff=OFFICER, **more):
    async with transaction(sessions) as session:
        await grant_access(session, **await held_by(session, staff), role=Role(staff.role), **more)


async def test_who_never_asked_is_not_registered(sessions):
    found = await standing(sessions)

    assert found.user is UserStanding.NOT_REGISTERED
    assert found.agreement is AgreementStanding.MISSING
    assert found.services == found.bases == frozenset()


async def test_a_user_with_rights_and_agreement_is_active(sessions):
    await give(sessions, services=["vehicle"], bases=["PRIMARY_CHECK"])

    found = await standing(sessions)

    assert (found.user, found.agreement) == (UserStanding.ACTIVE, AgreementStanding.SIGNED)
    assert (found.services, found.bases) == ({"vehicle"}, {"PRIMARY_CHECK"})


async def test_rights_end_at_their_last_instant(sessions):
    await give(sessions)
    now = utc_now()
    async with transaction(sessions) as session:
        await session.execute(sa.text("UPDATE access_grants SET valid_to = :now"), {"now": now})

    before = await standing(sessions, at=now - timedelta(microseconds=1))
    after = await standing(sessions, at=now)

    assert (before.user, after.user) == (UserStanding.ACTIVE, UserStanding.NOT_REGISTERED)


async def test_another_persons_post_is_no_post(sessions):
    async with transaction(sessions) as session:
        officer = await held_by(session, OFFICER)
        found = await standing_of(
            await driver_of(session),
            person_id=uuid4(),
            post_id=officer["post_id"],
            at=utc_now(),
        )

    assert (found.user, found.agreement) == (UserStanding.NO_POST, AgreementStanding.UNKNOWN)


async def test_a_block_counts_whatever_instant_is_asked_about(sessions):
    await give(sessions)
    async with transaction(sessions) as session:
        officer, operator = await held_by(session, OFFICER), await held_by(session, OPERATOR)
        await identity.block_person(
            session, person_id=officer["person_id"], reason=BlockReason.VIOLATION, text="-",
            by=operator["person_id"], now=utc_now(),
        )  # fmt: skip

    found = await standing(sessions, at=utc_now() - timedelta(hours=1))

    assert found.user is UserStanding.BLOCKED
    assert found.services == frozenset()


async def test_without_any_agreement_nothing_is_known(sessions):
    async with transaction(sessions) as session:
        await session.execute(sa.text("DELETE FROM agreements"))

    assert (await standing(sessions)).agreement is AgreementStanding.UNKNOWN


async def test_the_agreement_is_old_once_a_new_version_is_in_force(sessions, parts):
    await give(sessions)
    soon = utc_now() + timedelta(hours=1)
    async with transaction(sessions) as session:
        await access.publish_agreement(
            session, text_kk="-", text_ru="-", text_en="-", valid_from=soon, trail=parts.trail,
            now=utc_now(),
        )  # fmt: skip
        person = (await held_by(session, OFFICER))["person_id"]
    before, after = await standing(sessions), await standing(sessions, at=soon)
    async with transaction(sessions) as session:
        await sign_agreement(session, person_id=person, version=2)

    assert before.agreement is AgreementStanding.SIGNED
    assert after.agreement is AgreementStanding.OLD
    assert (await standing(sessions, at=soon)).agreement is AgreementStanding.SIGNED


async def test_the_standing_is_one_statement(sessions):
    statements = []
    async with transaction(sessions) as session:
        officer = await held_by(session, OFFICER)
        driver = await driver_of(session)
        with driver.query_logger(statements.append):
            await standing_of(driver, **officer, at=utc_now())

    assert len(statements) == 1


# --- transfers -----------------------------------------------------------------------------------


async def move(sessions, *, role="investigator", began=None):
    """Let the personnel file move the officer to another post, today unless told."""
    began = began or law_date(utc_now())
    yesterday = began - timedelta(days=1)
    moved = (
        staff_entry(OFFICER, valid_to=yesterday),
        staff_entry(OFFICER, role=role, badge="NEW-1", valid_from=began),
    )
    async with transaction(sessions) as session:
        await identity.import_staff(session, document=staff_file(staff=moved), now=utc_now())


def common(*roles):
    rules = rule_set_on(law_date(utc_now()))
    rights = [rights_of_role(role, rules=rules) for role in roles]
    return rights[0] & rights[1]


async def test_a_transfer_cuts_rights_before_anybody_has_noted_it(sessions):
    await give(sessions)

    await move(sessions)

    found = await standing(sessions)
    left = common("patrol_officer", "investigator")
    assert (found.user, found.services, found.bases) == (
        UserStanding.ACTIVE, left.services, left.bases,
    )  # fmt: skip


async def test_a_day_after_the_post_began_the_rights_are_suspended(sessions):
    await give(sessions)
    await move(sessions)
    midnight = datetime.combine(law_date(utc_now()), datetime.min.time(), LAW_ZONE)

    last = await standing(sessions, at=midnight + DAY - timedelta(seconds=1))
    over = await standing(sessions, at=midnight + DAY)

    assert (last.user, over.user) == (UserStanding.ACTIVE, UserStanding.SUSPENDED)
    assert over.services == frozenset()


async def test_to_a_post_without_rights_nothing_is_carried(sessions):
    await give(sessions)

    await move(sessions, role="finance_clerk")

    found = await standing(sessions)
    assert (found.services, found.bases) == (frozenset(), frozenset())


async def test_the_personnel_file_starts_the_day_when_it_tells(sessions, parts):
    await give(sessions)
    await move(sessions, began=law_date(utc_now()) - timedelta(days=3))
    assert (await standing(sessions)).user is UserStanding.SUSPENDED
    now = utc_now()
    async with transaction(sessions) as session:
        count = await access.note_transfers(session, trail=parts.trail, now=now, learned_now=True)

    assert count == 1
    assert (await standing(sessions, at=now + DAY / 2)).user is UserStanding.ACTIVE
    assert (await standing(sessions, at=now + DAY)).user is UserStanding.SUSPENDED


async def test_noting_a_transfer_later_gives_no_second_day(sessions, parts):
    await give(sessions)
    await move(sessions, began=law_date(utc_now()) - timedelta(days=3))

    await access.read_clocks(sessions, trail=parts.trail, now=utc_now())
    read = await access.read_clocks(sessions, trail=parts.trail, now=utc_now())

    assert (await standing(sessions)).user is UserStanding.SUSPENDED
    assert (read.transferred, read.suspended) == (0, 0)


async def test_moving_back_and_forth_does_not_bring_rights_back(sessions, parts):
    await give(sessions)
    await move(sessions, role="finance_clerk")
    async with transaction(sessions) as session:
        await access.note_transfers(session, trail=parts.trail, now=utc_now(), learned_now=True)

    found = await standing(sessions)

    assert found.services == frozenset()


async def test_a_new_grant_ends_what_a_transfer_left(sessions, parts):
    await give(sessions)
    await move(sessions)
    async with transaction(sessions) as session:
        await access.note_transfers(session, trail=parts.trail, now=utc_now(), learned_now=True)
        await session.execute(
            sa.text("UPDATE access_grants SET valid_to = :now WHERE valid_to IS NULL"),
            {"now": utc_now()},
        )
        await grant_access(
            session, **await held_by(session, OFFICER), role=Role.INVESTIGATOR, sign=False,
            since=utc_now(),
        )  # fmt: skip

    found = await standing(sessions, at=utc_now() + 2 * DAY)

    assert found.user is UserStanding.ACTIVE


# --- who reports to whom -------------------------------------------------------------------------


def day(number):
    return datetime(2026, 3, number, tzinfo=LAW_ZONE)


MARCH = (datetime(2026, 3, 1, tzinfo=LAW_ZONE), datetime(2026, 4, 1, tzinfo=LAW_ZONE))
_PEOPLE = itertools.count(1)


async def invented(session, *names):
    """Return people with a post each, by name."""
    found = {}
    department = await session.scalar(
        sa.text("SELECT id FROM departments WHERE bin = :bin"), {"bin": DEPARTMENT_BIN}
    )
    for name in names:
        person = Person(
            id=uuid4(), iin=f"{next(_PEOPLE):012d}", surname=name, given_name="", patronymic="",
            sort_key=name,
        )  # fmt: skip
        session.add(person)
        await session.flush()
        session.add(
            Post(
                id=uuid4(),
                person_id=person.id,
                department_id=department,
                role=Role.PATROL_OFFICER,
                title="-",
                badge="-",
                valid_from=date(2026, 1, 1),
            )
        )
        found[name] = person.id
    return found


def above(person, superior, first=None, last=None):
    return Superior(
        id=uuid4(),
        person_id=person,
        superior_id=superior,
        valid_from=date(2026, 3, first) if first else date(2026, 1, 1),
        valid_to=date(2026, 3, last) if last else None,
    )


async def below(session, superior, span=MARCH):
    found = await identity.subordinates_in(
        session, superior_id=superior, begin=span[0], end=span[1]
    )
    return {(one.person_id, one.begin, one.end) for one in found}


async def test_subordinates_are_found_at_any_distance_for_their_own_days(sessions):
    async with transaction(sessions) as session:
        people = await invented(session, "a", "b", "c")
        a, b, c = people.values()
        session.add_all([above(b, a, 5, 20), above(c, b, 10, 25)])
        await session.flush()

        assert await below(session, a) == {(b, day(5), day(21)), (c, day(10), day(21))}
        assert await below(session, b) == {(c, day(10), day(26))}
        assert await below(session, c) == set()


async def test_the_relation_counts_as_it_was_then(sessions):
    async with transaction(sessions) as session:
        a, b, c = (await invented(session, "a", "b", "c")).values()
        session.add_all([above(c, a, None, 14), above(c, b, 15)])
        await session.flush()

        assert await below(session, a) == {(c, MARCH[0], day(15))}
        assert await below(session, b) == {(c, day(15), MARCH[1])}
        before = await identity.superior_of(session, person_id=c, at=day(14))
        after = await identity.superior_of(session, person_id=c, at=day(15))
    assert (before, after) == (a, b)


async def test_days_are_those_of_the_law_across_the_change_of_the_clocks(sessions):
    first, second = (datetime(2024, 2, 29, tzinfo=LAW_ZONE), datetime(2024, 3, 1, tzinfo=LAW_ZONE))
    async with transaction(sessions) as session:
        a, b = (await invented(session, "a", "b")).values()
        await session.execute(sa.text("UPDATE posts SET valid_from = '2024-01-01'"))
        link = above(b, a)
        link.valid_from = link.valid_to = date(2024, 2, 29)
        session.add(link)
        await session.flush()
        ((_, begin, end),) = await below(session, a, (first - DAY, second + DAY))

    assert (begin, end) == (first, second)
    assert end.astimezone(UTC) - begin.astimezone(UTC) == timedelta(hours=25)


async def test_a_circle_of_superiors_ends(sessions):
    async with transaction(sessions) as session:
        a, b = (await invented(session, "a", "b")).values()
        session.add_all([above(b, a), above(a, b)])
        await session.flush()

        assert await below(session, a) == {(b, *MARCH)}
        assert await identity.is_subordinate(session, person_id=a, superior_id=b, at=day(2))


async def test_one_has_one_superior_at_any_instant(sessions):
    async with sessions() as session:
        a, b, c = (await invented(session, "a", "b", "c")).values()
        session.add_all([above(c, a, 1, 10), above(c, b, 10, 20)])

        with pytest.raises(sa.exc.IntegrityError, match="ex_superiors_person_id_dates"):
            await session.flush()


async def test_nobody_is_his_own_superior(sessions):
    async with sessions() as session:
        (a,) = (await invented(session, "a")).values()
        session.add(above(a, a))

        with pytest.raises(sa.exc.IntegrityError, match="ck_superiors_not_himself"):
            await session.flush()


async def test_the_personnel_file_names_superiors_and_ends_them_with_the_post(sessions):
    yesterday = law_date(utc_now()) - timedelta(days=1)
    async with transaction(sessions) as session:
        officer, official = await held_by(session, OFFICER), await held_by(session, OFFICIAL)
        named = await identity.superior_of(session, person_id=officer["person_id"], at=utc_now())
        moved = staff_entry(OFFICER, valid_to=yesterday)
        await identity.import_staff(session, document=staff_file(staff=(moved,)), now=utc_now())
        gone = await identity.superior_of(session, person_id=officer["person_id"], at=utc_now())

    assert (named, gone) == (official["person_id"], None)


@pytest.mark.parametrize(
    "above_whom",
    [
        {OFFICER: OFFICER},
        {OFFICER: SECOND_OFFICER, SECOND_OFFICER: OFFICER},
        {OFFICIAL: OFFICER},  # who is the official's own
    ],
)
async def test_a_file_that_puts_somebody_above_himself_is_refused(sessions, above_whom):
    staff = tuple(
        staff_entry(one, superior_iin=superior.iin) for one, superior in above_whom.items()
    )

    with pytest.raises(StaffFileNotValid):
        async with transaction(sessions) as session:
            await identity.import_staff(session, document=StaffFile(staff=staff), now=utc_now())


async def test_everybody_of_the_tests_may_be_given_rights(sessions):
    await grant_to_all(sessions)

    found = await standing(sessions)

    assert (found.user, found.agreement) == (UserStanding.ACTIVE, AgreementStanding.SIGNED)
