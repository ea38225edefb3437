"""What every terminal driver promises, kept by both: ZVT on its line and Kaspi over HTTP."""

import uuid
from contextlib import contextmanager
from datetime import timedelta

import pytest

from fines.field.driver import Decision, SaleRequest, StoredSale
from fines.field.journal import JournalFull
from fines.field.kaspi_api import DurableFile, KaspiApi
from fines.field.kaspi_driver import KaspiDriver, KaspiPatience
from fines.field.line import LineLost
from fines.field.settle import Remembered, settle
from fines.wire.protocol import OwnerVerdict, Reason, Result
from sim.district import DRIVER, DRIVER_IIN, EXPIRED_CARD, FRIEND, POOR_CARD
from sim.kaspi import TERMINAL, SimKaspi
from tests.factories_driver import now, till

pytestmark = pytest.mark.enable_socket

WHOLE = 1_081_200


class Side:
    """A driver, its terminal, and how much money has moved for good."""

    def __init__(self, driver, insert_card, standing, number):
        self.driver, self.insert_card, self.standing = driver, insert_card, standing
        self.number = number
        self.approvals = []

    def request(self, amount=WHOLE):
        return SaleRequest(
            order_id=uuid.uuid4(),
            amount_tiyn=amount,
            payer_iin=DRIVER_IIN,
            card_timeout_seconds=5,
            expires_at=now() + timedelta(minutes=5),
        )

    def sell(self, card, *, amount=WHOLE, decisions=()):
        given = list(decisions)
        request = self.request(amount)

        def decide(approval):
            self.approvals.append(approval)
            return given.pop(0) if given else Decision.ACCEPT

        self.insert_card(card)
        return request, self.driver.sale(request, decide=decide, progress=lambda _step: None)


@contextmanager
def zvt(tmp_path):
    with till(tmp_path) as made:
        yield Side(
            made.driver,
            made.terminal.insert_card,
            lambda: [one.amount_tiyn for one in made.acquirer.book.standing],
            "00001042",
        )


def kaspi_driver(pos, tmp_path):
    return KaspiDriver(
        api=KaspiApi(
            url=pos.url, client_name="t", tokens=tmp_path / "tokens", ca_file=None, seconds=20
        ),
        memory=DurableFile(tmp_path / "kaspi"),
        now=now,
        patience=KaspiPatience(look_seconds=0.01, actualize_seconds=0.03, sale_seconds=0.3),
    )


@contextmanager
def kaspi(tmp_path):
    with SimKaspi() as pos:
        driver = kaspi_driver(pos, tmp_path)
        driver.login()
        side = Side(
            driver,
            pos.insert_card,
            lambda: [one.amount * 100 for one in pos.standing],
            TERMINAL,
        )
        side.pos = pos
        yield side
        driver.close()


@pytest.fixture(params=[zvt, kaspi], ids=["zvt", "kaspi"])
def side(request, tmp_path):
    with request.param(tmp_path) as made:
        yield made


def test_it_names_its_terminal_and_is_ready(side):
    assert side.driver.login() == side.number
    assert side.driver.status() == 0
    assert side.driver.last_result() is None


def test_an_own_card_pays_once_and_the_sale_is_remembered(side):
    request, end = side.sell(DRIVER.card)

    kept = side.driver.last_result()

    assert (end.result, end.owner_verdict) == (Result.COMPLETED, OwnerVerdict.MATCH)
    assert side.standing() == [WHOLE]
    assert (kept.order_id, kept.amount_tiyn, kept.terminal_number) == (
        request.order_id,
        WHOLE,
        side.number,
    )
    assert side.approvals[0].amount_tiyn == WHOLE
    assert DRIVER.card.pan not in repr(side.approvals) + repr(kept)


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        (FRIEND.card, Reason.THIRD_PARTY_CARD),
        (POOR_CARD, Reason.INSUFFICIENT_FUNDS),
        (EXPIRED_CARD, Reason.CARD_EXPIRED),
    ],
)
def test_a_card_that_may_not_pay_moves_nothing_and_has_its_own_reason(side, card, reason):
    _, end = side.sell(card, amount=90_000_000 if card is POOR_CARD else WHOLE)

    assert (end.result, end.reason) == (Result.DECLINED, reason)
    assert side.standing() == []
    assert side.approvals == []
    assert side.driver.last_result() is None


def test_a_slow_commit_is_waited_for(side):
    _, end = side.sell(DRIVER.card, decisions=[Decision.WAIT, Decision.WAIT])

    assert end.result is Result.COMPLETED
    assert len(side.approvals) == 3
    assert side.standing() == [WHOLE]


def test_a_refused_approval_is_never_told_as_done(side):
    request, end = side.sell(DRIVER.card, decisions=[Decision.REFUSE])

    # ZVT takes it back; Kaspi cannot: there it is unknown until people settle it.
    assert end.result in (Result.REVERSED, Result.UNKNOWN)
    assert side.standing() == ([] if end.result is Result.REVERSED else [WHOLE])
    told = settle(
        Remembered(order_id=request.order_id, amount_tiyn=WHOLE), side.driver.last_result()
    )
    assert (told is Result.COMPLETED) == bool(side.standing())


# ---------------------------------------------------------------------- Kaspi alone


@pytest.fixture
def pos(tmp_path):
    with kaspi(tmp_path) as made:
        yield made


def settled(request, stored):
    assert stored is None or isinstance(stored, StoredSale)
    return settle(Remembered(order_id=request.order_id, amount_tiyn=WHOLE), stored)


def test_half_a_tenge_is_refused_before_anything_is_asked(pos):
    answers = pos.pos.answers

    _, end = pos.sell(DRIVER.card, amount=1_081_250)

    assert (end.result, end.reason) == (Result.DECLINED, Reason.AMOUNT_UNSUPPORTED)
    assert pos.pos.answers == answers


def test_without_the_issuers_check_nothing_is_sold(pos):
    pos.pos.checks_owner = False
    pos.driver.login()

    _, end = pos.sell(DRIVER.card)

    assert (end.result, end.reason) == (Result.DECLINED, Reason.OWNERSHIP_UNPROVEN)
    assert pos.pos.processes == {}


def test_unknown_is_actualised_and_not_sold_again(pos):
    pos.pos.fault("unknown")

    _, end = pos.sell(DRIVER.card)

    assert end.result is Result.COMPLETED
    assert len(pos.pos.processes) == 1


def test_a_sale_nobody_pays_is_unknown_until_its_process_is_told(pos, tmp_path):
    request, end = pos.sell(None)
    pos.insert_card(DRIVER.card)  # the driver has paid after all
    pos.pos.answer("status", {"processId": next(iter(pos.pos.processes))},
                   {"accesstoken": pos.pos._token})  # fmt: skip
    again = kaspi_driver(pos.pos, tmp_path)  # another life of the agent
    again.login()

    stored = again.last_result()

    assert (end.result, end.reason) == (Result.UNKNOWN, Reason.LINE_SILENT)
    assert settled(request, stored) is Result.COMPLETED
    assert stored.approval.rrn == pos.pos.standing[0].cheque["rrn"]
    again.close()


def test_a_lost_answer_to_the_payment_stays_unknown(pos):
    pos.pos.fault("lose payment")

    request, end = pos.sell(DRIVER.card)

    assert end.result is Result.UNKNOWN
    assert settled(request, pos.driver.last_result()) is Result.UNKNOWN
    assert len(pos.pos.processes) == 1


def test_a_failed_sale_after_a_kept_one_is_not_the_kept_one(pos):
    pos.sell(DRIVER.card)
    before = pos.driver.last_result()
    request, end = pos.sell(FRIEND.card)

    sale = Remembered(
        order_id=request.order_id,
        amount_tiyn=WHOLE,
        before_known=True,
        receipt_before=before.receipt_number,
        trace_before=before.trace_number,
    )

    assert end.result is Result.DECLINED
    assert settle(sale, pos.driver.last_result()) is Result.REVERSED


def test_a_busy_terminal_an_ended_token_and_nonsense_are_told_apart(pos):
    pos.pos.fault("busy")
    assert pos.sell(DRIVER.card)[1].reason is Reason.TERMINAL_BUSY
    pos.pos.fault("expired token")
    assert pos.sell(DRIVER.card)[1].result is Result.COMPLETED
    pos.pos.fault("garbage")
    assert pos.sell(DRIVER.card)[1].result is Result.UNKNOWN
    assert pos.pos.registered == 1
    assert len(pos.pos.standing) == 1


def test_a_busy_answer_while_the_sale_runs_is_waited_out(pos):
    pos.pos.fault("busy status", "busy status")

    _, end = pos.sell(DRIVER.card)

    assert end.result is Result.COMPLETED
    assert len(pos.pos.processes) == 1


def test_turned_away_at_the_door_nothing_is_begun_and_the_next_login_is_admitted(pos):
    pos.pos.fault("expired token", "no renewal", "expired token")

    _, end = pos.sell(DRIVER.card)
    refused = dict(pos.pos.processes)
    pos.driver.login()
    _, again = pos.sell(DRIVER.card)

    assert (end.result, end.reason, end.terminal_code) == (
        Result.DECLINED, Reason.TERMINAL_FAULT, "401"
    )  # fmt: skip
    assert refused == {}
    assert again.result is Result.COMPLETED
    assert pos.pos.registered == 2


def test_a_process_the_terminal_has_forgotten_stays_unknown_and_blocks_no_other(pos):
    pos.insert_card(None)
    request, end = pos.sell(None)
    pos.pos.processes.clear()

    stored = pos.driver.last_result()
    _, again = pos.sell(DRIVER.card)

    assert end.result is Result.UNKNOWN
    assert settled(request, stored) is Result.UNKNOWN
    assert again.result is Result.COMPLETED
    assert settled(request, pos.driver.last_result()) is Result.UNKNOWN


@pytest.mark.parametrize("later", [DRIVER.card, FRIEND.card], ids=["paid", "declined"])
@pytest.mark.parametrize("kept_before", [False, True])
def test_no_later_sale_turns_a_lost_answer_into_a_reversal(pos, tmp_path, later, kept_before):
    if kept_before:
        pos.sell(DRIVER.card)
    before = pos.driver.last_result()
    pos.pos.fault("lose payment")
    request, _ = pos.sell(DRIVER.card)
    sale = Remembered(
        order_id=request.order_id,
        amount_tiyn=WHOLE,
        before_known=True,
        receipt_before=before.receipt_number if before else None,
        trace_before=before.trace_number if before else None,
    )
    # The terminal itself has let the lost sale go; the next one is another person's.
    lost = next(one for one in pos.pos.processes.values() if one.status == "wait")
    lost.status = lost.told = "success"

    pos.sell(later)
    again = kaspi_driver(pos.pos, tmp_path)
    again.login()

    assert settle(sale, pos.driver.last_result()) is Result.UNKNOWN
    assert settle(sale, again.last_result()) is Result.UNKNOWN
    again.close()


def test_a_spoiled_memory_sells_nothing_and_spoiled_tokens_are_asked_for_anew(pos, tmp_path):
    (tmp_path / "kaspi").write_bytes(b"\x00half a line")
    (tmp_path / "tokens").write_bytes(b"{")
    again = kaspi_driver(pos.pos, tmp_path)
    again.login()
    pos.driver = again

    with pytest.raises(LineLost):
        again.last_result()
    with pytest.raises(LineLost):
        pos.sell(DRIVER.card)

    assert pos.pos.processes == {}
    assert pos.pos.registered == 2
    again.close()


def test_where_the_order_cannot_be_written_down_nothing_is_begun(pos, tmp_path):
    (tmp_path / "kaspi").parent.joinpath("kaspi.new").mkdir()  # in the way of every write

    with pytest.raises(JournalFull):
        pos.sell(DRIVER.card)

    assert pos.pos.processes == {}


def test_no_officer_takes_money_back_from_a_kaspi_terminal(pos):
    pos.sell(DRIVER.card)

    assert pos.driver.reversal(1) is Result.UNKNOWN
    assert pos.standing() == [WHOLE]
