"""Messages in the ways of terminals that are not ours, read by our codec or refused with a reason.

What was learned from terminals that others have recorded is written anew here, with values of our
own: a number masked to its last four, data of the chip outside tag 60, a status alone. The blocks
below are those the public project ecrterm is tested with.
"""

import pytest

from fines.field.zvt_approval import Reader
from fines.field.zvt_driver import _status_byte
from fines.wire import zvt, zvt_frame
from fines.wire.protocol import CardShown
from fines.wire.zvt_errors import FieldUnknown, ZvtMalformed
from fines.wire.zvt_status import parse_status

_AID, _CRYPTOGRAM = "A0000000041010", "00112233445566AA"


def _sale():
    """Return status information whose data of the chip stands in 43 and 46, outside tag 60."""
    printed = f"{_AID} {_CRYPTOGRAM}".encode()
    chip = bytes.fromhex(f"4307{_AID}") + bytes((0x46, len(printed))) + printed
    fields = bytes.fromhex(
        "2700"
        "040000000188 00"
        "0b000042"
        "0c101500"
        "0d1122"
        "170001"
        "1970"
        "22f0f8eeeeeeeeeeee1042"
        "2900000001"
        "490398"
        "870042"
        "8a06".replace(" ", "")
    )
    data = fields + bytes((0x06, len(chip))) + chip
    return bytes((0x04, 0x0F, len(data))) + data


BLOCKS = {
    "registration": "10020600061234 56ba0978100324c3",
    "initialisation": "1002069303123456 1003caa4",
    "authorisation": "1002 06010a0400000001101000490978 1003f2ff",
    "diagnosis": "1002067000 1003d9f9",
    "print line": "100206d11900476573616d74202020202020302020202020202030 2c30301003b5ab",
    "done": "1002800000 1003f51f",
    "wait": "1002849c00 1003c341",
    "reset": "1002061800 1003563a",
    "show text": (
        "100206e025f2f1f545494e474542454e20554e44204f4bf1f1f646414852 45524e554d4d455220202020"
        "10035aba"
    ),
    "status enquiry": "1002050103123456 1003e043",
    "completion": "1002060f0bf0f0f7322e31342e313500 1003b111",
    "another line": "100206d11700202020202020202020 4b617373656e7363686e69747410032f07",
}


def test_a_sale_is_read_with_what_stands_outside_the_application():
    status = parse_status(zvt.parse(_sale()))

    assert status.approved
    assert (status.amount_tiyn, status.currency, status.receipt_number) == (18800, "398", 42)
    assert (status.aid, status.cryptogram) == (_AID, _CRYPTOGRAM)


def test_a_number_masked_to_its_last_four_is_one_the_server_takes():
    status = parse_status(zvt.parse(_sale()))
    card = Reader(card_ref_key=bytes(32)).card(status, name_verdict=None)

    shown = CardShown(
        card_brand=card.brand,
        card_masked=card.card_masked,
        card_ref=card.card_ref,
        card_ref_kind=card.card_ref_kind,
    )

    assert shown.card_masked == "************1042"


def test_a_status_without_a_version_before_it_is_the_status():
    message = zvt.parse(bytes.fromhex("060f0140"))

    assert _status_byte(message.data) == 0x40
    assert _status_byte(b"\x00") == 0
    assert _status_byte(b"\xf0\xf0\xf3abc\x00") == 0
    assert _status_byte(b"") == _status_byte(b"\xf0\xf0\xf3abc") == 0xFF
    with pytest.raises(FieldUnknown):
        zvt.body_of(message)


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS.keys())
def test_foreign_blocks_are_whole_and_ours_byte_for_byte(block):
    raw = bytes.fromhex(block.replace(" ", ""))

    used, event = zvt_frame.decode(raw)

    assert used == len(raw)
    assert isinstance(event, zvt_frame.Block)
    assert zvt_frame.encode(zvt.pack(zvt.parse(event.apdu))) == raw


def test_a_track_in_the_place_of_a_card_number_is_refused():
    # The thirteenth block: track 2 stands in field 22, as terminals once sent it.
    raw = bytes.fromhex(
        "1002040f37270004000000004000490978 0c0938480d042522f1f15966666666d200212201"
        "00170001870175 0b613995194029600999140e05128a021003908c".replace(" ", "")
    )
    _, event = zvt_frame.decode(raw)

    with pytest.raises(ZvtMalformed):
        parse_status(zvt.parse(event.apdu))
