"""The server's side of the own card: shown before, judged after, taken back where it must be."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fines.rules.own_card import EarlierCard, judge_card
from fines.service import terminal_orders
from fines.wire import protocol
from fines.wire.protocol import CardShown, OrderKind, OwnerMethod, OwnerVerdict, Reason, Result
from tests import factories_fines as make
from tests.api.test_offence_records import desk_of
from tests.api.test_payments import view
from tests.api.test_terminal_protocol import due_now
from tests.factories_devices import audited

SHOWN = CardShown(
    card_brand="VISA",
    card_masked="400000******1045",
    card_ref="5001ABCDEFGHJKLMNPQRSTUVWXYZ2",
    card_ref_kind="par",
)
NAMED = {
    "owner_verdict": OwnerVerdict.NOT_SUPPORTED,
    "owner_method": OwnerMethod.NAME,
    "owner_checker": "names 1",
}


@pytest.fixture
async def payment_id(sessions, keys, officer):
    record_id = await make.with_receipt(sessions, keys, officer)
    return await make.begun(officer, record_id)


async def show(officer, order, shown=SHOWN):
    answer = await officer.agent_post(protocol.PATH_CARD, shown, order.order_id)
    assert answer.status_code == 200, answer.text
    return protocol.CardAnswer.model_validate_json(answer.content).reason


@pytest.mark.usefixtures("payment_id")
async def test_a_card_nobody_knows_goes_on_to_the_issuer(officer, sessions):
    order = await make.started(officer)

    reasons = [await show(officer, order) for _ in range(2)]

    assert order.read_card
    assert order.payer_name is None
    assert reasons == [Reason.NONE] * 2
    assert len(await audited(sessions, "fines.card_shown")) == 1


async def test_another_card_than_was_shown_is_not_accepted(officer, payment_id):
    order = await make.started(officer)
    await show(officer, order)

    message = make.approval(order.amount_tiyn, card_ref="5001ANOTHER")
    answer = await officer.agent_post(protocol.PATH_APPROVAL, message, order.order_id)

    assert answer.json()["accepted"] is False
    assert answer.json()["reason"] == "card_changed"
    assert (await view(officer, payment_id))["paid"] is False


@pytest.mark.usefixtures("payment_id")
async def test_a_card_once_called_anothers_is_refused_before_it_is_charged(officer, sessions, keys):
    order = await make.started(officer)
    await show(officer, order)
    denied = make.outcome(
        Result.DECLINED, Reason.THIRD_PARTY_CARD, owner_verdict=OwnerVerdict.NO_MATCH
    )
    slips = await make.ended(officer, order, denied)
    await make.printed(officer, order, slips)
    again = await make.with_receipt(sessions, keys, officer)
    await make.begun(officer, again)
    order = await make.started(officer)

    assert await show(officer, order) is Reason.THIRD_PARTY_CARD


@pytest.mark.usefixtures("payment_id")
async def test_a_card_before_its_sale_was_announced_is_refused(officer):
    order = await officer.agent_next()

    assert await show(officer, order) is Reason.SERVER_REFUSED


@pytest.mark.usefixtures("payment_id")
@pytest.mark.parametrize("field", ["card_brand", "card_ref", "card_ref_kind", "name_verdict"])
async def test_a_card_number_is_taken_in_no_field(officer, field):
    order = await make.started(officer)
    number = "4111111111111111"

    answer = await officer.agent_post(
        protocol.PATH_CARD, SHOWN.model_copy(update={field: number}), order.order_id
    )

    assert answer.status_code in (400, 422)
    assert number not in answer.text


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_name_proves_only_where_it_is_allowed(app, officer, payment_id, allowed):
    desk = replace(desk_of(app), names_prove=allowed)
    order = await make.started(officer)
    caller = await _caller(officer)
    approval = make.approval(order.amount_tiyn, **NAMED)

    answer = await terminal_orders.take_approval(
        desk, caller=caller, order_id=order.order_id, approval=approval, now=datetime.now(UTC)
    )

    assert answer.accepted is allowed
    assert answer.reason is (Reason.NONE if allowed else Reason.OWNERSHIP_UNPROVEN)
    seen = await view(officer, payment_id)
    assert seen["owner_verdict"] == ("match" if allowed else "not_supported")


async def _caller(officer):
    from app.access import DeviceKind, Principal

    return Principal(
        department_id=officer.department_id,
        device_id=officer.terminal_id,
        device_kind=DeviceKind.TERMINAL,
    )


async def test_a_kept_sale_that_must_not_stand_is_taken_back_by_its_terminal(
    officer, payment_id, sessions
):
    order = await make.started(officer)
    await make.ended(officer, order, make.outcome(Result.UNKNOWN))
    settle = await officer.agent_next()
    proof = make.approval(order.amount_tiyn, owner_verdict=OwnerVerdict.NO_MATCH)
    await make.ended(officer, settle, make.outcome(Result.COMPLETED, approval=proof))

    back = await officer.agent_next()
    await make.ended(officer, back, make.outcome(Result.REVERSED, Reason.LINE_SILENT))

    assert (back.kind, back.original_order_id) == (OrderKind.REVERSAL, order.order_id)
    seen = await view(officer, payment_id)
    assert (seen["status"], seen["paid"]) == ("reversed", False)
    assert len(await audited(sessions, "fines.reversal_ordered")) == 1


async def test_a_reversal_that_failed_leaves_it_unknown_and_is_asked_about_again(
    officer, payment_id, sessions
):
    order = await make.started(officer)
    await make.ended(officer, order, make.outcome(Result.UNKNOWN))
    settle = await officer.agent_next()
    proof = make.approval(order.amount_tiyn, owner_verdict=OwnerVerdict.NO_MATCH)
    await make.ended(officer, settle, make.outcome(Result.COMPLETED, approval=proof))
    back = await officer.agent_next()

    await make.ended(officer, back, make.outcome(Result.UNKNOWN))
    await due_now(sessions)
    again = await officer.agent_next()

    assert again.kind is OrderKind.LAST_RESULT
    assert (await view(officer, payment_id))["status"] == "unknown"


async def test_papers_an_agent_never_told_of_are_ordered_again(officer, payment_id, sessions):
    order, _ = await make.approved(officer)
    slips = await make.ended(officer, order, make.outcome(Result.COMPLETED))
    await make.printed(officer, order, slips[:1], Reason.NO_PAPER)
    await due_now(sessions)

    given = [await officer.agent_next() for _ in range(3)]
    await make.printed(officer, given[-1], given[-1].slips)

    assert {one.kind for one in given} == {OrderKind.PRINT}
    assert len({one.order_id for one in given}) == 1
    assert (await view(officer, payment_id))["status"] == "slips_printed"


@pytest.mark.parametrize(
    ("earlier", "reason"),
    [
        ([], Reason.NONE),
        ([(True, "match", "issuer")], Reason.NONE),
        ([(True, "no_match", None)], Reason.THIRD_PARTY_CARD),
        ([(False, "match", "issuer")], Reason.THIRD_PARTY_CARD),
        ([(False, "match", None)], Reason.THIRD_PARTY_CARD),
        ([(False, "match", "name")], Reason.NONE),
        ([(False, "no_match", None)], Reason.NONE),
        ([(True, "match", "issuer"), (False, "match", "issuer")], Reason.NONE),
        ([(True, "match", "name"), (False, "match", "issuer")], Reason.THIRD_PARTY_CARD),
    ],
)
def test_books_only_ever_refuse(earlier, reason):
    known = [
        EarlierCard(
            same_payer=same,
            verdict=OwnerVerdict(verdict),
            method=OwnerMethod(method) if method else None,
        )
        for same, verdict, method in earlier
    ]

    assert judge_card(known) is reason
