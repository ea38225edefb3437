"""The agent as a process of its own on real serial lines: terminal, acquirer, printer beyond it."""

import pytest
import zxingcpp
from PIL import Image

from fines.wire.protocol import OrderKind, OwnerVerdict, Reason, Result
from sim.acquirer import Fault
from sim.district import CARDS, DRIVER, EXPIRED_CARD, FRIEND, POOR_CARD
from tests.factories_terminal import CREDENTIAL, Roadside, sale_slip

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def road(tmp_path):
    with Roadside(tmp_path) as road:
        yield road


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
