"""What one clerk and one unit may approve in refunds in a day: edges, and two at once."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from fines.errors.money import RefundLimitOfClerk
from fines.service.refunds import decide_refund
from sim.district import CHIEF_CLERK, CLERK, SECOND_CLERK
from tests import factories_fines
from tests import factories_money as make
from tests.api.test_refunds import Clerk, refund_rows
from tests.factories_devices import audited
from tests.factories_identity import district
from tests.factories_pages import BROWSER, OWN_PAGE

CLERK_MAX, UNIT_MAX = 1000, 1500
# 24:00 of a day in Almaty, in UTC.
MIDNIGHT = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
TEXTS = {
    "kk": ("бір қызметкердің бір күнде", "ертең шешіңіз"),
    "ru": ("чем один сотрудник может одобрить за день", "решите завтра"),
    "en": ("more than one clerk may approve in a day", "decide tomorrow"),
}


@pytest.fixture
def settings(settings):
    limits = f"2026-01-01={CLERK_MAX}/{UNIT_MAX}"
    return settings.model_copy(update={"refund_limits": limits})


@pytest.fixture
async def people(sessions, client):
    await district(sessions)
    await factories_fines.catalogue(sessions)
    officer = await factories_fines.officer(sessions, client)
    clerks = [
        Clerk(client, await factories_fines.officer(sessions, client, one, terminal_number=None))
        for one in (CLERK, SECOND_CLERK, CHIEF_CLERK)
    ]
    return officer, *clerks


@pytest.fixture
async def payment_id(sessions, keys, people):
    record_id = await factories_fines.with_receipt(sessions, keys, people[0])
    payment_id, _ = await factories_fines.paid(people[0], record_id)
    return payment_id


async def asked(clerk, payment_id, *sums):
    """Ask for refunds of these sums; return their ids."""
    answers = [await clerk.ask(payment_id, amount_tiyn=one) for one in sums]
    return [one.json()["refund_id"] for one in answers]


def codes(answers):
    return [one.json().get("code", one.json().get("status")) for one in answers]


async def test_a_clerk_approves_up_to_his_limit_and_not_a_tiyn_more(people, payment_id, sessions):
    _, clerk, second, _ = people
    first, last, above = await asked(clerk, payment_id, CLERK_MAX - 1, 1, 1)

    answers = [await second.decide(one) for one in (first, last, above)]

    assert codes(answers) == ["approved", "approved", "fines.refund_limit_of_clerk"]
    assert answers[-1].status_code == 409
    assert "another clerk" in answers[-1].json()["cure"]
    (event,) = await audited(sessions, "fines.refund_not_decided")
    assert event["fields"]["code"] == "fines.refund_limit_of_clerk"


async def test_what_is_over_the_limit_stays_asked_for_and_another_clerk_approves_it(
    people, payment_id, sessions
):
    _, clerk, second, third = people
    first, above = await asked(clerk, payment_id, CLERK_MAX, 500)
    await second.decide(first)

    refused = await second.decide(above)
    before = {one.status.value for one in await refund_rows(sessions)}
    done = await third.decide(above)

    assert codes([refused, done]) == ["fines.refund_limit_of_clerk", "approved"]
    assert before == {"approved", "requested"}


async def test_a_unit_approves_up_to_its_limit_and_not_a_tiyn_more(people, payment_id):
    _, clerk, second, third = people
    sums = (CLERK_MAX, UNIT_MAX - CLERK_MAX, 1)
    first, last, above = await asked(clerk, payment_id, *sums)

    answers = [await second.decide(first), await third.decide(last), await third.decide(above)]

    assert codes(answers) == ["approved", "approved", "fines.refund_limit_of_unit"]


async def test_one_refund_above_the_limit_is_refused_by_itself(people, payment_id):
    _, clerk, second, _ = people
    (refund_id,) = await asked(clerk, payment_id, CLERK_MAX + 1)

    assert codes([await second.decide(refund_id)]) == ["fines.refund_limit_of_clerk"]


async def test_a_refusal_counts_for_nothing(people, payment_id):
    _, clerk, second, _ = people
    refused, whole = await asked(clerk, payment_id, CLERK_MAX, CLERK_MAX)

    answers = [await second.decide(refused, approve=False), await second.decide(whole)]

    assert codes(answers) == ["refused", "approved"]


async def test_the_same_decision_again_is_answered_and_counted_once(people, payment_id):
    _, clerk, second, _ = people
    first, other = await asked(clerk, payment_id, 600, 400)

    answers = [await second.decide(one) for one in (first, first, other, first)]

    assert codes(answers) == ["approved"] * 4


@pytest.mark.parametrize(
    ("decided_at", "kind"),
    [(MIDNIGHT - MOMENT, RefundLimitOfClerk), (MIDNIGHT, None), (MIDNIGHT + MOMENT, None)],
)
async def test_a_new_day_of_almaty_begins_anew(
    people, payment_id, parts, sessions, decided_at, kind
):
    _, clerk, second, _ = people
    first, other = (UUID(one) for one in await asked(clerk, payment_id, CLERK_MAX, 1))
    desk, caller = make.desk_of(parts), await second.principal(sessions)
    given = {"caller": caller, "approve": True, "note": ""}
    await decide_refund(desk, refund_id=first, now=MIDNIGHT - 2 * MOMENT, **given)
    expected = pytest.raises(kind) if kind else contextlib.nullcontext()

    with expected:
        await decide_refund(desk, refund_id=other, now=decided_at, **given)


async def test_of_one_clerks_approvals_at_once_only_what_fits_is_approved(
    people, payment_id, sessions
):
    _, clerk, second, _ = people
    refunds = await asked(clerk, payment_id, *[300] * 8)

    answers = await asyncio.gather(*(second.decide(one) for one in refunds))

    assert sorted(codes(answers)) == ["approved"] * 3 + ["fines.refund_limit_of_clerk"] * 5
    assert await approved_tiyn(sessions) == 900


async def test_of_two_clerks_approvals_at_once_only_what_the_unit_may_is_approved(
    people, payment_id, sessions
):
    _, clerk, second, third = people
    refunds = await asked(clerk, payment_id, *[400] * 8)

    answers = await asyncio.gather(
        *(one.decide(refund) for one, refund in zip([second, third] * 4, refunds, strict=True))
    )

    assert codes(answers).count("approved") == 3
    assert await approved_tiyn(sessions) == 1200


async def approved_tiyn(sessions):
    rows = await refund_rows(sessions)
    return sum(one.amount_tiyn for one in rows if one.status.value == "approved")


@pytest.mark.parametrize("language", TEXTS)
async def test_the_page_says_what_would_cure_it(people, payment_id, language):
    _, clerk, second, _ = people
    (refund_id,) = await asked(clerk, payment_id, CLERK_MAX + 1)

    answer = await second.client.post(
        f"/console/finance/refunds/{refund_id}/decision",
        data={"approve": "yes"},
        headers=BROWSER | OWN_PAGE | second.headers | {"Accept-Language": language},
    )

    assert answer.status_code == 409
    assert [one for one in TEXTS[language] if one not in answer.text] == []
