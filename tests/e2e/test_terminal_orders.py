"""Orders beside the sale, by a real agent process: the day's totals, a reversal, a card before."""

import pytest

from fines.wire.protocol import OrderKind, Reason, Result
from sim.district import DRIVER, FRIEND
from sim.terminal import Abilities
from tests.factories_terminal import Roadside, journal_lines

pytestmark = pytest.mark.enable_socket

AMOUNT = 1_081_250


@pytest.fixture
def road(tmp_path):
    with Roadside(tmp_path) as road:
        yield road


def sold(road, **more):
    road.terminal.insert_card(DRIVER.card)
    payment = road.server.order(**more)
    outcome = road.server.wait_outcome(payment)
    road.server.wait_printed(payment)
    return payment, outcome


def reconcile(road):
    order = road.server.order(kind=OrderKind.RECONCILE)
    road.server.wait(lambda: bool(order.totals))
    return order


def test_the_day_is_closed_on_order_and_its_totals_are_told(road):
    road.start_agent()
    sold(road)
    sold(road)

    first, second = reconcile(road).totals[0], reconcile(road).totals[0]

    assert (first.count, first.sum_tiyn) == (2, 2 * AMOUNT)
    assert (first.receipt_from, first.receipt_to) == (1, 2)
    assert first.brands["VISA"].count == 2
    assert (second.count, second.sum_tiyn) == (0, 0)


@pytest.mark.parametrize("step", ["day_closing", "day_closed", "day_told"])
def test_an_agent_killed_while_the_day_is_closed_tells_what_it_held(road, step):
    road.start_agent()
    sold(road)
    road.strikes[step] = road.kill_agent
    order = road.server.order(kind=OrderKind.RECONCILE)
    road.agent.wait(30)

    road.start_agent()
    road.server.wait(lambda: bool(order.totals))

    assert [(one.count, one.sum_tiyn) for one in order.totals] == [(1, AMOUNT)]


def test_totals_whose_answer_was_lost_are_told_the_same_again(road):
    road.start_agent()
    sold(road)
    road.server.strikes["after totals"] = road.kill_agent
    order = road.server.order(kind=OrderKind.RECONCILE)
    road.agent.wait(30)
    order.closed = False

    road.start_agent()
    road.server.wait(lambda: len(order.totals) == 2)

    assert order.totals[0] == order.totals[1]


def test_a_kept_sale_is_taken_back_only_on_the_servers_order(road):
    road.start_agent()
    payment, outcome = sold(road)
    wanted = {"kind": OrderKind.REVERSAL, "original": payment.order.order_id}
    back = road.server.order(**wanted)
    told = road.server.wait_outcome(back)
    again = road.server.wait_outcome(road.server.order(**wanted))

    assert outcome.result is Result.COMPLETED
    assert (told.result, again.result) == (Result.REVERSED, Result.REVERSED)
    assert road.acquirer.book.standing == []
    assert [debit.reversed for debit in road.acquirer.book.debits] == [True]


def test_a_sale_hidden_under_a_later_one_is_not_taken_back(road):
    road.start_agent()
    first, _ = sold(road)
    sold(road)

    back = road.server.order(kind=OrderKind.REVERSAL, original=first.order.order_id)
    told = road.server.wait_outcome(back)

    assert told.result is not Result.COMPLETED
    assert len(road.acquirer.book.standing) == 2


def test_a_card_the_server_refuses_is_never_charged(road):
    road.server.card_reason = Reason.THIRD_PARTY_CARD
    road.terminal.insert_card(FRIEND.card)
    payment = road.server.order(read_card=True)

    road.start_agent()
    outcome = road.server.wait_outcome(payment)

    assert (outcome.result, outcome.reason) == (Result.DECLINED, Reason.THIRD_PARTY_CARD)
    assert payment.card.card_masked.endswith(FRIEND.card.pan[-4:])
    assert "authorisation" not in road.steps
    assert road.acquirer.book.debits == []


def test_silence_about_a_card_is_a_refusal_with_its_own_reason(road):
    def explode():
        raise ConnectionAbortedError

    road.server.strikes["before card"] = explode
    road.terminal.insert_card(DRIVER.card)
    payment = road.server.order(read_card=True)

    road.start_agent()
    outcome = road.server.wait_outcome(payment)

    assert (outcome.result, outcome.reason) == (Result.DECLINED, Reason.OWNERSHIP_NO_ANSWER)
    assert "authorisation" not in road.steps


def test_a_card_read_before_is_not_asked_for_again(road):
    road.start_agent()

    payment, outcome = sold(road, read_card=True)

    assert outcome.result is Result.COMPLETED
    assert payment.card.card_ref == payment.approval.card_ref
    assert payment.approval.card_ref not in road.journal


def test_a_terminal_that_reads_no_card_leaves_it_to_the_issuer(tmp_path):
    with Roadside(tmp_path, can=Abilities(reads_cards=False)) as road:
        road.start_agent()

        payment, outcome = sold(road, read_card=True)

    assert outcome.result is Result.COMPLETED
    assert payment.card is None


def test_the_journal_of_a_closed_day_holds_sums_and_no_card(road):
    road.start_agent()
    payment, _ = sold(road)
    reconcile(road)
    road.stop_agent()

    lines = journal_lines(road.journal)

    assert [line["stage"] for line in lines if line.get("totals")] == ["ended"]
    assert DRIVER.card.pan not in road.journal
    assert payment.approval.card_masked not in road.journal
