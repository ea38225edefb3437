"""What a terminal says of its last sale, and what its silence about it must not be taken for."""

from collections import deque
from datetime import UTC, datetime

import pytest

from fines.field.line import LineSilent, Timers
from fines.field.zvt_driver import ZvtDriver
from fines.wire import zvt
from fines.wire.zvt import Apdu, Code, Command

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
COMPLETION = Apdu(Command.COMPLETION)
ABORTED = Apdu(Command.ABORTED, bytes([Code.NOT_POSSIBLE]))
# Result 00, amount 10812.50, trace 97, receipt 16, KZT, terminal 52501000.
KEPT = Apdu(
    Command.STATUS_INFORMATION,
    bytes.fromhex("2700 04000001081250 0b000097 870016 490398 2952501000".replace(" ", "")),
)
UNREADABLE = Apdu(Command.STATUS_INFORMATION, bytes.fromhex("2700 04 0000".replace(" ", "")))
DECLINED = Apdu(Command.STATUS_INFORMATION, bytes.fromhex("2764"))


class Script:
    """A terminal that says what it was given, whatever it hears."""

    def __init__(self, *said):
        self.said, self.heard = deque([zvt.good(), *said]), []

    def send(self, message):
        self.heard.append(message)

    def receive(self, *, timeout_seconds, until=None):
        del timeout_seconds, until
        return self.said.popleft() if self.said else None

    def close(self):
        pass


def asked(*said):
    script = Script(*said)
    driver = ZvtDriver(line=script, timers=Timers(), card_ref_key=b"k", now=lambda: NOW)
    return driver.last_result()


def test_the_sale_it_keeps_is_told():
    stored = asked(KEPT, COMPLETION)

    assert (stored.receipt_number, stored.trace_number, stored.amount_tiyn) == (16, 97, 1081250)


@pytest.mark.parametrize("said", [[ABORTED], [DECLINED, COMPLETION]], ids=["refusal", "declined"])
def test_it_keeps_none_only_where_it_says_so(said):
    assert asked(*said) is None


@pytest.mark.parametrize(
    "said",
    [[COMPLETION], [UNREADABLE, COMPLETION], [KEPT], []],
    ids=["its status was lost", "its status cannot be read", "no end", "nothing"],
)
def test_what_was_not_told_is_not_taken_for_an_empty_memory(said):
    with pytest.raises(LineSilent):
        asked(*said)


def test_of_several_statuses_the_last_readable_one_counts():
    assert asked(UNREADABLE, KEPT, KEPT, COMPLETION).receipt_number == 16
