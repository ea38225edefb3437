"""Every verb of the ZVT driver against terminals that differ in what they can."""

import pytest

from fines.field.driver import Decision
from fines.wire.protocol import Reason, Result
from sim.district import DRIVER, FRIEND
from sim.terminal import Abilities, Printing
from tests.factories_driver import AMOUNT, till

pytestmark = pytest.mark.enable_socket


@pytest.mark.parametrize(
    "can",
    [
        Abilities(),
        Abilities(bare=True),
        Abilities(numbers_messages=False),
        Abilities(syncs_receipts=True),
        Abilities(asks_blocked_list=True),
        Abilities(printing=Printing.LINES),
        Abilities(printing=Printing.BLOCK, bare=True),
        Abilities(gives_par=False),
        Abilities(echoes_reference=False, tells_turnover=False, reads_cards=False),
    ],
    ids=[
        "plain", "bare TCP", "no numbers", "receipt sync", "blocked list", "prints lines",
        "prints a block", "own card item", "poor",
    ],
)  # fmt: skip
def test_a_sale_is_kept_counted_and_the_day_is_closed(tmp_path, can):
    with till(tmp_path, can=can) as made:
        end = made.sell(DRIVER.card)
        last = made.driver.last_result()
        turnover = made.driver.turnover()
        totals = made.driver.reconcile()
        empty = made.driver.reconcile()

        assert end.result is Result.COMPLETED
        assert (last.receipt_number, last.amount_tiyn) == (1, AMOUNT)
        assert turnover == (totals if can.tells_turnover else None)
        assert (totals.count, totals.sum_tiyn, dict(totals.brands)) == (
            1,
            AMOUNT,
            {"VISA": (1, AMOUNT)},
        )
        assert (totals.receipt_from, totals.receipt_to) == (1, 1)
        assert (empty.count, empty.sum_tiyn, empty.receipt_from) == (0, 0, None)
        assert len(made.acquirer.book.standing) == 1
        assert made.approvals[0].card_ref_kind == ("par" if can.gives_par else "item")


def test_what_the_terminal_must_print_comes_out_on_our_paper(tmp_path):
    with till(tmp_path, can=Abilities(printing=Printing.LINES)) as made:
        made.sell(DRIVER.card)

        assert [paper[0] for paper in made.papers] == ["ЧЕК КЛИЕНТА", "ЧЕК ПРОДАВЦА"]
        assert made.papers[0][3] == "Сумма 10812,50 KZT"
        assert DRIVER.card.pan not in str(made.papers)


@pytest.mark.parametrize("printing", [Printing.LINES, Printing.BLOCK])
def test_without_paper_for_the_terminals_slips_the_sale_is_taken_back(tmp_path, printing):
    with till(tmp_path, can=Abilities(printing=printing)) as made:
        made.has_paper = False

        end = made.sell(DRIVER.card)

        assert end.result in (Result.REVERSED, Result.UNKNOWN)
        assert made.acquirer.book.standing == []
        assert made.driver.last_result() is None


def test_a_slow_commit_is_asked_for_again_and_a_refusal_takes_it_back(tmp_path):
    with till(tmp_path) as made:
        made.decisions = [Decision.WAIT, Decision.WAIT, Decision.ACCEPT]
        kept = made.sell(DRIVER.card)
        made.decisions = [Decision.WAIT, Decision.REFUSE]
        back = made.sell(DRIVER.card)

        assert (kept.result, back.result) == (Result.COMPLETED, Result.REVERSED)
        assert len(made.acquirer.book.standing) == 1


def test_a_kept_sale_is_taken_back_once_however_often_it_is_ordered(tmp_path):
    with till(tmp_path) as made:
        made.sell(DRIVER.card)

        ends = [made.driver.reversal(1) for _ in range(2)]
        other = made.driver.reversal(7)

        assert ends == [Result.REVERSED] * 2
        assert other is Result.UNKNOWN
        assert made.acquirer.book.standing == []
        assert [debit.reversed for debit in made.acquirer.book.debits] == [True]
        assert made.driver.reconcile().count == 0


def test_the_card_that_pays_must_be_the_card_that_was_read(tmp_path):
    for asks in (True, False):
        with till(tmp_path, can=Abilities(asks_blocked_list=asks)) as made:
            made.terminal.insert_card(FRIEND.card)
            seen = made.driver.card_acquisition(timeout_seconds=2)

            end = made.sell(DRIVER.card, card_before=seen)

            assert end.reason is Reason.CARD_CHANGED
            assert end.result is (Result.DECLINED if asks else Result.REVERSED)
            assert made.acquirer.book.standing == []
            assert bool(made.acquirer.book.debits) is not asks


def test_rule_b_a_lost_answer_is_settled_by_the_next_sale(tmp_path):
    with till(tmp_path, can=Abilities(syncs_receipts=True)) as made:
        made.sell(DRIVER.card)
        made.sell(DRIVER.card, known_receipt=1)  # in step
        made.sell(DRIVER.card, known_receipt=1)  # the second was never heard of: taken back

        assert made.steps.count("synced_back") == 1
        assert len(made.acquirer.book.standing) == 2
        assert made.terminal.last_receipt_number == 2
        assert made.driver.reconcile().count == 2
