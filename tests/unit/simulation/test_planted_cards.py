"""A terminal that tells too much: card data in its messages stays out of all the agent leaves."""

import logging
import re

import pytest

from fines.rules.payment import PaymentStatus
from fines.wire import zvt, zvt_frame
from fines.wire.zvt import Command
from tests.factories_town import Town

PAN = "4000000000001042"
PIN_BLOCK = "0412AC89ABCDEF67"
SECRETS = re.compile(f"{PAN}|{PIN_BLOCK}|2909101123|HOLDERNAME", re.IGNORECASE)


def _ll(data):
    return bytes(0xF0 + int(digit) for digit in f"{len(data):02d}") + data


def _lll(data):
    return bytes(0xF0 + int(digit) for digit in f"{len(data):03d}") + data


def _tlv(tag, value):
    return bytes.fromhex(tag) + bytes([len(value)]) + value


PLANTED = {
    "the whole number": b"\x22" + _ll(bytes.fromhex(PAN)),
    "track 1": b"\x2d" + _ll(f"B{PAN}^HOLDERNAME/N^2909101123".encode()),
    "track 2": b"\x23" + _ll(bytes.fromhex(f"{PAN}D2909101123F")),
    "track 3": b"\x24" + _lll(bytes.fromhex(f"{PAN}D2909101123F")),
    "additional text": b"\x3c" + _lll(f"{PAN} {PIN_BLOCK}".encode()),
    "card name": b"\x8b" + _ll(PAN.encode()),
    "track in TLV": b"\x06" + bytes([21]) + _tlv("1f08", PAN.encode() + b"29"),
    "PIN block in TLV": b"\x06" + bytes([19]) + _tlv("1f0a", PIN_BLOCK.encode()),
    "receipt's text": b"\x06"
    + bytes([27])
    + _tlv("47", b"AC " + PAN.encode() + b" " + PAN[:5].encode()),
    "cryptogram": b"\x06" + bytes([11]) + _tlv("9f26", bytes.fromhex(PAN)),
    "application": b"\x06" + bytes([20]) + _tlv("60", _tlv("44", PAN.encode())),
    "serial number": b"\x06" + bytes([19]) + _tlv("df54", PAN.encode()),
    "PAR": b"\x06" + bytes([19]) + _tlv("4e", b"\x00\x00" + PAN.encode()),
}


def telling(more, *, kinds):
    """Return a spoiler that adds ``more`` to the terminal's messages of ``kinds``."""

    def spoil(data):
        events = zvt_frame.BlockReader().feed(data)
        if not events or not isinstance(events[0], zvt_frame.Block):
            return data
        message = zvt.parse(events[0].apdu)
        if message.command not in kinds:
            return data
        # A field that comes again replaces the first: the terminal's own words are overruled.
        return zvt_frame.encode(zvt.pack(zvt.Apdu(message.command, message.data + more)))

    return spoil


@pytest.mark.parametrize("more", PLANTED.values(), ids=PLANTED.keys())
@pytest.mark.parametrize(
    "kinds",
    [{Command.STATUS_INFORMATION}, {Command.COMPLETION}, {Command.INTERMEDIATE_STATUS}],
    ids=["status", "completion", "progress"],
)
def test_what_a_terminal_tells_too_much_is_left_nowhere(more, kinds, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    town = Town(seed=1, payments=2, folder=tmp_path, posts=1, storm=0.0)
    town.posts[0].cable.spoil = telling(more, kinds=kinds)

    town.live()
    town.account()
    town.close()

    left = [path.read_text() for path in tmp_path.glob("*.journal")]
    known = [
        repr((one, [order.answers for order in town.server.orders.values()]))
        for one in town.server.payments.values()
    ]
    assert left
    assert not SECRETS.search("".join((*left, *known, caplog.text)))
    assert all(one.status is not PaymentStatus.UNKNOWN for one in town.server.payments.values())
