"""The agent as a process of its own on real serial lines: terminal, acquirer, printer beyond it."""

from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest
import zxingcpp
from PIL import Image

from fines.field.driver import CardNotRead, TerminalRefused
from fines.field.line import Line, Timers
from fines.field.zvt_driver import ZvtDriver
from fines.wire.protocol import OrderKind, OwnerVerdict, Reason, Result
from sim.acquirer import Fault, SimAcquirer
from sim.district import CARDS, DRIVER, EXPIRED_CARD, FRIEND, POOR_CARD
from sim.terminal import Patience, SimTerminal
from tests.factories_terminal import CREDENTIAL, HURRIED, Roadside, sale_slip

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def road(tmp_path):
    with Roadside(tmp_path) as road:
        yield road


@pytest.fixture(scope="module")
def busy_road(tmp_path_factory):
    with Roadside(tmp_path_factory.mktemp("road")) as road:
        road.start_agent()
        yield road


@pytest.fixture
def running(busy_road):
    """A road whose agent is already up, as the last sale left it, with fresh books."""
    busy_road.clear()
    return busy_road


def test_a_sale_is_committed_kept_and_printed_twice(road):
    road.terminal.insert_card(DRIVER.card)
    payment = road.server.order()

    road.start_agent()
    outcome = road.server.wait_outcome(payment)
    road.server.wait_printed(payment)

    assert outcome.result is Result.COMPLETED
    assert payment.committed
    assert payment.approval.owner_verdict is OwnerVerdict.MATCH
    assert payment.approval.card_masked == "400000******1042"[:12] + DRIVER.card.pan[-4:]
    assert payment.approval.entry_mode == "chip"
    assert payment.approval.cardholder_check == "online_pin"
    assert payment.approval.card_ref_kind == "par"
    assert [debit.amount_tiyn for debit in road.acquirer.book.standing] == [1_081_250]
    assert list(payment.printed) == [slip.slip_id for slip in payment.slips]
    assert len(road.printer.papers) == 2
    assert road.server.hellos[0].terminal_number == "00001042"
    assert road.server.credentials == {CREDENTIAL}
    for paper in road.printer.papers:
        with Image.open(paper) as picture:
            read = zxingcpp.read_barcodes(picture)
        assert [code.text for code in read] == [
            f"https://saqshy.example/v/{payment.order.payment_id}"
        ]


# ---------------------------------------------------------------------- refused before money moves


@pytest.mark.parametrize(
    ("card", "ownership", "reason", "verdict", "host_code"),
    [
        (FRIEND.card, {}, Reason.THIRD_PARTY_CARD, OwnerVerdict.NO_MATCH, "57"),
        (DRIVER.card, {"own": "U"}, Reason.OWNERSHIP_UNPROVEN, OwnerVerdict.UNKNOWN, "57"),
        (DRIVER.card, {"own": "S"}, Reason.OWNERSHIP_UNPROVEN, OwnerVerdict.NOT_SUPPORTED, "57"),
        (POOR_CARD, {}, Reason.INSUFFICIENT_FUNDS, OwnerVerdict.MATCH, "51"),
        (EXPIRED_CARD, {}, Reason.CARD_EXPIRED, OwnerVerdict.MATCH, "54"),
    ],
    ids=["third party", "issuer cannot tell", "issuer has no check", "poor", "expired"],
)
def test_a_refused_card_is_named_with_its_own_reason(
    running, card, ownership, reason, verdict, host_code
):
    running.acquirer.ownership.update(ownership)
    running.terminal.insert_card(card)
    payment = running.server.order()

    outcome = running.server.wait_outcome(payment)

    assert (outcome.result, outcome.reason) == (Result.DECLINED, reason)
    assert (outcome.owner_verdict, outcome.host_code) == (verdict, host_code)
    assert running.acquirer.book.debits == []
    assert running.acquirer.book.declines == [(card.key, host_code)]
    assert payment.approval is None
    assert running.printer.papers == []


def test_a_refused_card_is_followed_by_the_drivers_own(running):
    running.terminal.insert_card(FRIEND.card)
    first = running.server.order()
    running.server.wait_outcome(first)

    running.terminal.insert_card(DRIVER.card)
    second = running.server.order()
    outcome = running.server.wait_outcome(second)
    running.server.wait_printed(second)

    assert outcome.result is Result.COMPLETED
    assert [debit.card for debit in running.acquirer.book.standing] == ["own"]


def test_without_paper_nothing_is_asked_of_the_card(running):
    running.printer.load_paper(0)
    running.terminal.insert_card(DRIVER.card)
    payment = running.server.order()

    outcome = running.server.wait_outcome(payment)

    assert (outcome.result, outcome.reason) == (Result.DECLINED, Reason.NO_PAPER)
    assert "authorisation" not in running.steps
    assert running.acquirer.book.debits == []


def test_a_silent_printer_is_not_taken_for_one_with_paper(running):
    running.printer.silent = True
    payment = running.server.order()

    outcome = running.server.wait_outcome(payment)

    assert (outcome.result, outcome.reason) == (Result.DECLINED, Reason.PRINTER_SILENT)
    assert "authorisation" not in running.steps


def test_no_card_in_time_is_a_card_timeout(running):
    payment = running.server.order()

    outcome = running.server.wait_outcome(payment)

    assert (outcome.result, outcome.reason) == (Result.DECLINED, Reason.CARD_TIMEOUT)


def test_an_order_that_expires_while_waiting_for_a_card_is_aborted(running):
    payment = running.server.order(seconds=2)

    outcome = running.server.wait_outcome(payment)

    assert (outcome.result, outcome.reason) == (Result.DECLINED, Reason.ABORTED)


def test_a_withdrawn_order_never_reaches_the_terminal(road):
    road.server.withdrawn = True
    payment = road.server.order()

    road.start_agent()
    road.server.wait(lambda: payment.closed)
    road.stop_agent()

    assert "authorisation" not in road.steps
    assert payment.outcomes == []


# ---------------------------------------------------------------------- the host misbehaves


@pytest.mark.parametrize(
    "fault", [Fault.NO_ANSWER, Fault.BOOKED_NO_ANSWER, Fault.LATE, Fault.WRONG_STAN]
)
def test_without_a_fitting_host_answer_the_terminal_reverses(running, fault):
    running.acquirer.fault(fault)
    running.terminal.insert_card(DRIVER.card)
    payment = running.server.order()

    outcome = running.server.wait_outcome(payment)

    assert (outcome.result, outcome.reason) == (Result.DECLINED, Reason.HOST_UNREACHABLE)
    assert running.acquirer.book.standing == []
    assert running.acquirer.book.reversal_messages >= 1
    assert payment.approval is None


def test_an_issuer_that_is_down_is_told_as_unreachable(running):
    running.acquirer.fault(Fault.DOWN)
    running.terminal.insert_card(DRIVER.card)
    payment = running.server.order()

    outcome = running.server.wait_outcome(payment)

    assert (outcome.result, outcome.reason) == (Result.DECLINED, Reason.HOST_UNREACHABLE)
    assert outcome.host_code == "91"


def test_a_lost_reversal_answer_is_repeated_until_it_comes(running):
    running.acquirer.fault(Fault.BOOKED_NO_ANSWER, Fault.LOST_REVERSAL_ANSWER)
    running.terminal.insert_card(DRIVER.card)
    payment = running.server.order()

    running.server.wait_outcome(payment)
    running.server.wait(lambda: running.terminal.owed_reversals == 0, 15)

    assert running.acquirer.book.standing == []
    assert [debit.reversed for debit in running.acquirer.book.debits] == [True]
    assert running.acquirer.book.reversal_messages == 2


# ---------------------------------------------------------------------- no commit, no money


def test_an_approval_the_server_refuses_is_taken_back_by_the_terminal(running):
    running.server.accept = False
    running.terminal.insert_card(DRIVER.card)
    payment = running.server.order()

    outcome = running.server.wait_outcome(payment)

    assert (outcome.result, outcome.reason) == (Result.REVERSED, Reason.SERVER_REFUSED)
    assert [debit.reversed for debit in running.acquirer.book.debits] == [True]
    assert "stored" not in running.steps
    assert running.printer.papers == []


def test_a_slow_commit_is_waited_for_within_limits(running):
    running.server.approval_seconds = 1.0
    running.terminal.insert_card(DRIVER.card)
    payment = running.server.order()

    outcome = running.server.wait_outcome(payment)

    assert outcome.result is Result.COMPLETED
    assert running.steps.count("status_sending") >= 2
    assert len(running.acquirer.book.standing) == 1


def test_a_commit_beyond_the_limits_is_taken_back(running):
    running.server.approval_seconds = 4.0
    running.terminal.insert_card(DRIVER.card)
    payment = running.server.order()

    outcome = running.server.wait_outcome(payment)

    assert outcome.result is Result.REVERSED
    assert running.acquirer.book.standing == []


def test_an_unreachable_server_means_the_sale_is_taken_back(running):
    running.server.strikes["before approval"] = _explode
    running.terminal.insert_card(DRIVER.card)
    payment = running.server.order()

    outcome = running.server.wait_outcome(payment)

    assert outcome.result is Result.REVERSED
    assert running.acquirer.book.standing == []


def _explode():
    raise ConnectionAbortedError


# ---------------------------------------------------------------------- paper


def test_paper_that_ends_in_the_second_slip_is_told_and_reordered(running):
    running.terminal.insert_card(DRIVER.card)
    payment = running.server.order()
    running.printer.load_paper(1700)

    running.server.wait_printed(payment)
    running.printer.load_paper()
    missing = tuple(s for s in payment.slips if s.slip_id not in payment.printed)
    again = running.server.order(kind=OrderKind.PRINT, slips=missing)
    running.server.wait(lambda: bool(again.printed))

    assert payment.print_reason is Reason.NO_PAPER
    assert len(payment.printed) == 1
    assert list(again.printed) == [slip.slip_id for slip in missing]
    assert len(running.printer.papers) == 2
    assert len(list((running.folder / "paper").glob("*-torn.png"))) == 1


# ---------------------------------------------------------------------- kill -9, and again


def _kill_then_recover(road, *, seconds=90):
    """Wait for the agent's death, start it again, return the outcome the server hears."""
    payment = next(iter(road.server.payments.values()))
    road.agent.wait(20)
    road.start_agent()
    outcome = road.server.wait_outcome(payment, seconds)
    road.server.wait_printed(payment)
    return payment, outcome


@pytest.mark.parametrize(
    "where", ["before started", "after started"], ids=["1a announcing", "1b announced"]
)
def test_killed_before_the_sale_went_out_nothing_is_sold(road, where):
    road.server.strikes[where] = road.kill_agent
    road.terminal.insert_card(DRIVER.card)
    road.server.order()

    road.start_agent()
    _, outcome = _kill_then_recover(road)

    assert outcome.result in (Result.DECLINED, Result.REVERSED)
    assert "authorisation" not in road.steps
    assert road.acquirer.book.debits == []


@pytest.mark.parametrize(
    ("step", "in_hand"),
    [
        ("authorisation", True),
        ("card_waiting", False),
        ("host_asking", True),
        ("host_answered", True),
        ("status_sending", True),
    ],
    ids=["2 sent", "3 before the card", "4 host asked", "5 host booked", "6 approved"],
)
def test_killed_before_it_saw_the_approval_no_money_stays(road, step, in_hand):
    road.strikes[step] = road.kill_agent
    if in_hand:
        road.terminal.insert_card(DRIVER.card)
    payment = road.server.order()

    road.start_agent()
    _, outcome = _kill_then_recover(road)

    assert outcome.result is Result.REVERSED
    assert road.acquirer.book.standing == []
    assert not payment.committed
    assert road.steps.count("authorisation") == 1


@pytest.mark.parametrize(
    "where", ["before approval", "committed"], ids=["7 before the commit", "8 after the commit"]
)
def test_killed_with_the_approval_in_hand_the_terminal_takes_it_back(road, where):
    road.server.strikes[where] = road.kill_agent
    road.terminal.insert_card(DRIVER.card)
    road.server.order()

    road.start_agent()
    _, outcome = _kill_then_recover(road)

    assert outcome.result is Result.REVERSED
    assert [debit.reversed for debit in road.acquirer.book.debits] == [True]
    assert road.steps.count("authorisation") == 1
    assert road.printer.papers == []


@pytest.mark.parametrize(
    ("where", "papers"),
    [("stored", 2), ("before outcome", 2), ("after outcome", 0)],
    ids=["10 completion lost", "10b outcome not told", "10c answer lost"],
)
def test_killed_after_the_terminal_kept_the_sale_it_is_paid_once(road, where, papers):
    strikes = road.server.strikes if "outcome" in where else road.strikes
    strikes[where] = road.kill_agent
    road.terminal.insert_card(DRIVER.card)
    road.server.order()

    road.start_agent()
    payment = next(iter(road.server.payments.values()))
    road.agent.wait(20)
    road.start_agent()
    outcome = road.server.wait_outcome(payment)
    road.server.wait(lambda: payment.closed and len(road.printer.papers) >= papers)

    assert outcome.result is Result.COMPLETED
    assert [debit.amount_tiyn for debit in road.acquirer.book.standing] == [1_081_250]
    assert road.steps.count("authorisation") == 1


@pytest.mark.parametrize("which", [1, 2], ids=["9a the first paper", "9b the second"])
def test_killed_between_the_paper_and_its_note_it_tells_what_is_doubtful(road, which):
    road.printer.on_paper = lambda _: len(road.printer.papers) == which and road.kill_agent()
    road.terminal.insert_card(DRIVER.card)
    payment = road.server.order()

    road.start_agent()
    road.agent.wait(20)
    road.printer.on_paper = None
    payment.closed = False
    road.start_agent()
    road.server.wait(lambda: payment.print_reason is not Reason.NONE)

    ids = [slip.slip_id for slip in payment.slips]
    assert payment.outcomes[0].result is Result.COMPLETED
    assert list(payment.printed) == ids[: which - 1]
    assert list(payment.doubtful) == ids[which - 1 : which]
    assert len(road.printer.papers) == which  # nothing came a second time
    assert len(road.acquirer.book.standing) == 1
    assert road.steps.count("authorisation") == 1


def test_a_print_order_given_again_after_a_kill_prints_nothing_twice(road):
    slips = (sale_slip(uuid4(), 1), sale_slip(uuid4(), 2))
    road.printer.on_paper = lambda _: len(road.printer.papers) == 2 and road.kill_agent()
    order = road.server.order(kind=OrderKind.PRINT, slips=slips)

    road.start_agent()
    road.agent.wait(20)
    road.printer.on_paper = None
    road.start_agent()
    road.server.wait(lambda: order.closed)

    assert list(order.printed) == [slips[0].slip_id]
    assert list(order.doubtful) == [slips[1].slip_id]
    assert len(road.printer.papers) == 2


# ---------------------------------------------------------------------- the line and the terminal


def test_a_line_cut_before_the_sale_declines_it(road):
    road.start_agent()
    road.server.wait(lambda: bool(road.server.hellos))
    road.terminal.line.is_cut = True
    payment = road.server.order()

    outcome = road.server.wait_outcome(payment)

    assert (outcome.result, outcome.reason) == (Result.DECLINED, Reason.LINE_SILENT)
    assert "authorisation" not in road.steps


def test_a_line_cut_in_the_sale_is_unknown_until_the_terminal_can_be_asked(road):
    def cut():
        road.terminal.line.is_cut = True

    road.strikes["status_sending"] = cut
    road.terminal.insert_card(DRIVER.card)
    payment = road.server.order()

    road.start_agent("--settle-patience-seconds", "1")
    outcome = road.server.wait_outcome(payment)
    road.terminal.line.is_cut = False
    settled = road.server.order(kind=OrderKind.LAST_RESULT, original=payment.order.order_id)
    told = road.server.wait_outcome(settled)

    assert (outcome.result, outcome.reason) == (Result.UNKNOWN, Reason.LINE_SILENT)
    assert told.result is Result.REVERSED
    assert road.acquirer.book.standing == []
    assert road.steps.count("authorisation") == 1


def test_a_line_cut_after_the_acknowledgement_settles_as_paid(road):
    def cut():
        road.terminal.line.is_cut = True

    road.strikes["stored"] = cut
    road.terminal.insert_card(DRIVER.card)
    payment = road.server.order()

    road.start_agent("--settle-patience-seconds", "1")
    outcome = road.server.wait_outcome(payment)
    road.terminal.line.is_cut = False
    settled = road.server.order(kind=OrderKind.LAST_RESULT, original=payment.order.order_id)
    told = road.server.wait_outcome(settled)

    assert outcome.result is Result.UNKNOWN
    assert told.result is Result.COMPLETED
    assert told.approval.receipt_number == 1
    assert told.approval.rrn == road.acquirer.book.standing[0].rrn
    assert len(road.acquirer.book.standing) == 1


@pytest.mark.parametrize("step", ["host_asking", "host_answered", "status_sending"])
def test_a_terminal_that_loses_power_takes_the_sale_back_when_it_wakes(road, step):
    road.strikes[step] = road.terminal.power_cut
    road.terminal.insert_card(DRIVER.card)
    payment = road.server.order()

    road.start_agent()
    road.server.wait(lambda: step in road.steps)
    road.terminal.power_on()
    outcome = road.server.wait_outcome(payment)

    assert outcome.result in (Result.REVERSED, Result.UNKNOWN)
    assert road.acquirer.book.standing == []
    assert road.steps.count("authorisation") == 1


@pytest.mark.parametrize("lost", [1, 2])
def test_lost_acknowledgements_repeat_blocks_and_never_a_sale(road, lost):
    def lose():
        road.terminal.line.lost_acks = lost

    road.strikes["authorisation"] = lose
    road.terminal.insert_card(DRIVER.card)
    payment = road.server.order()

    road.start_agent()
    outcome = road.server.wait_outcome(payment)

    assert outcome.result is Result.COMPLETED
    assert road.steps.count("authorisation") == 1
    assert len(road.acquirer.book.standing) == 1


def test_on_a_noisy_line_money_and_reports_still_agree(running):
    running.terminal.line.flip_rate = 0.01
    ends = []
    for _ in range(6):
        running.terminal.insert_card(DRIVER.card)
        payment = running.server.order()
        ends.append(running.server.wait_outcome(payment, 90).result)
    running.terminal.line.flip_rate = 0.0

    running.server.wait(lambda: running.terminal.owed_reversals == 0, 15)

    kept = len(running.acquirer.book.standing)
    assert ends.count(Result.COMPLETED) <= kept
    assert kept <= ends.count(Result.COMPLETED) + ends.count(Result.UNKNOWN)
    assert running.steps.count("authorisation") <= 6


@pytest.fixture
def driver(tmp_path):
    timers = Timers(t1_seconds=0.05, t2_seconds=0.5, t3_seconds=1.5, t4_seconds=4)
    with (
        SimAcquirer() as acquirer,
        SimTerminal(
            tcp_port=0,
            acquirer=acquirer.address,
            state=tmp_path / "state.json",
            patience=Patience(line=HURRIED, card_seconds=2),
            control_port=0,
        ) as terminal,
        Line(url=f"socket://127.0.0.1:{terminal.tcp_port}", timers=timers) as line,
    ):
        yield (
            ZvtDriver(line=line, timers=timers, card_ref_key=b"k", now=lambda: datetime.now(UTC)),
            terminal,
        )


def test_the_same_blocks_travel_over_tcp(driver):
    zvt_driver, _ = driver

    assert zvt_driver.login() == "00001042"
    assert zvt_driver.status() == 0
    assert zvt_driver.last_result() is None


def test_a_card_can_be_read_before_a_sale_and_is_named_without_its_number(driver):
    zvt_driver, terminal = driver
    zvt_driver.login()
    terminal.insert_card(DRIVER.card)

    seen = zvt_driver.card_acquisition(timeout_seconds=2)

    assert (seen.brand, seen.card_ref_kind) == ("VISA", "par")
    assert seen.card_masked == "400000******" + DRIVER.card.pan[-4:]
    assert DRIVER.card.pan not in repr(seen)


def test_no_card_in_time_is_told_as_such_when_only_reading(driver):
    zvt_driver, _ = driver
    zvt_driver.login()

    with pytest.raises(CardNotRead, match="card_timeout"):
        zvt_driver.card_acquisition(timeout_seconds=1)


def test_a_terminal_that_is_not_registered_refuses(driver):
    zvt_driver, _ = driver

    with pytest.raises(TerminalRefused, match="6B"):
        zvt_driver.status()


def test_the_control_presents_cards_and_cuts_the_line(driver):
    _, terminal = driver
    url = f"http://127.0.0.1:{terminal.control_port}"

    with httpx.Client(base_url=url, trust_env=False, timeout=60) as control:
        control.post("/card", json={"card": "own"}).raise_for_status()
        shown = control.get("/state").json()["card"]
        control.post("/line", json={"cut": True}).raise_for_status()
        cut = control.get("/state").json()["line_cut"]
        unknown = control.post("/card", json={"card": "nobody's"}).status_code
        absent = control.get("/else").status_code

    assert (shown, cut, unknown, absent) == ("own", True, 400, 404)


def test_a_stopped_agent_leaves_in_order_and_resumes(road):
    road.start_agent()
    road.server.wait(lambda: bool(road.server.hellos))

    assert road.stop_agent() == 0


# ---------------------------------------------------------------------- nothing personal is written


def test_neither_journal_nor_log_holds_what_belongs_to_the_driver(road):
    road.terminal.insert_card(DRIVER.card)
    payment = road.server.order()
    road.start_agent("--log-level", "DEBUG")
    road.server.wait_outcome(payment)
    road.server.wait_printed(payment)
    road.stop_agent()

    written = road.journal + road.log

    forbidden = [payment.order.payer_iin, payment.approval.card_ref, payment.approval.card_masked]
    forbidden += [card.pan for card in CARDS]
    forbidden += [DRIVER.surname, CREDENTIAL, sale_slip(payment.order.payment_id, 1).lines[0].text]
    assert [index for index, secret in enumerate(forbidden) if secret in written] == []


def test_an_order_given_twice_is_sold_once(running):
    running.terminal.insert_card(DRIVER.card)
    payment = running.server.order()
    running.server.wait_printed(payment)

    running.terminal.insert_card(DRIVER.card)
    payment.closed = False
    running.server.wait(lambda: len(payment.outcomes) == 2)

    assert [one.result for one in payment.outcomes] == [Result.COMPLETED] * 2
    assert len(running.acquirer.book.standing) == 1
    assert running.steps.count("authorisation") == 1
