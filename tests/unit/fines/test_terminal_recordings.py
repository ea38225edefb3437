"""What real terminals said, read by our codec or refused with a reason.

The sixteen messages of ``terminal_recordings.csv`` were recorded from a real terminal (a test
merchant's) by the public project bezahl-online/zvt (``command/testdata``); the thirteen blocks
below are those the public project ecrterm is tested with.
"""

import csv
from pathlib import Path

import pytest

from fines.field.zvt_approval import Reader
from fines.field.zvt_driver import _status_byte
from fines.field.zvt_session import sequence_of
from fines.wire import zvt, zvt_frame, zvt_print
from fines.wire.protocol import CardShown
from fines.wire.zvt import Command
from fines.wire.zvt_errors import FieldUnknown, LengthMismatch, ZvtMalformed
from fines.wire.zvt_status import parse_status

with (Path(__file__).parent / "terminal_recordings.csv").open() as file:
    RECORDINGS = {row["recording"]: bytes.fromhex(row["bytes"]) for row in csv.DictReader(file)}
# The first two were kept without their length byte.
REFUSED = {"1617177992186PT": LengthMismatch, "1617181236803PT": LengthMismatch}
PRINTS = {"1617777384987PT": (3, "KASSENSCHNITT"), "data051327012": (1, "Crypto:")}
STATUS_ALONE = "1619070661833PT"  # 06 0F of a status enquiry, without a software version
SALES = {
    "1618593839564PT": {
        "amount_tiyn": 1880, "card_masked": "***************4281", "receipt_number": 153,
        "approval_code": "958520", "aid": "A0000000043060", "cryptogram": "C614239C90BE3A54",
    },
    "data081649050": {
        "amount_tiyn": 1, "card_masked": "************5726", "receipt_number": 22,
        "approval_code": "291675", "aid": "A0000000041010", "cryptogram": "5F260EFC5D28E451",
    },
}  # fmt: skip
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


def test_every_recording_is_a_message_or_refused_for_its_length():
    for name, raw in RECORDINGS.items():
        if name in REFUSED:
            with pytest.raises(REFUSED[name]):
                zvt.parse(raw)
        else:
            assert zvt.pack(zvt.parse(raw)) == raw

    assert len(RECORDINGS) == 16


@pytest.mark.parametrize("name", SALES)
def test_a_recorded_sale_is_read_with_its_proof(name):
    status = parse_status(zvt.parse(RECORDINGS[name]))

    assert {field: getattr(status, field) for field in SALES[name]} == SALES[name]
    assert status.approved
    assert status.currency == "978"


@pytest.mark.parametrize("name", SALES)
def test_a_number_masked_to_its_last_four_is_one_the_server_takes(name):
    status = parse_status(zvt.parse(RECORDINGS[name]))
    card = Reader(card_ref_key=bytes(32)).card(status, name_verdict=None)

    shown = CardShown(
        card_brand=card.brand,
        card_masked=card.card_masked,
        card_ref=card.card_ref,
        card_ref_kind=card.card_ref_kind,
    )

    assert shown.card_masked.endswith(status.card_masked[-4:])


@pytest.mark.parametrize("name", PRINTS)
def test_a_recorded_paper_is_read_line_by_line(name):
    kind, words = PRINTS[name]

    told, lines = zvt_print.parse_text(zvt.parse(RECORDINGS[name]), charset=None)

    assert told == kind
    assert any(words in line.text for line in lines)


def test_a_status_without_a_version_before_it_is_the_status():
    message = zvt.parse(RECORDINGS[STATUS_ALONE])

    assert _status_byte(message.data) == 0xDC
    assert _status_byte(b"\x00") == 0
    assert _status_byte(b"\xf0\xf0\xf3abc\x00") == 0
    assert _status_byte(b"") == _status_byte(b"\xf0\xf0\xf3abc") == 0xFF
    with pytest.raises(FieldUnknown):
        zvt.body_of(message)


def test_each_recorded_message_of_a_command_is_answered_without_an_exception():
    read = {name: zvt.parse(raw) for name, raw in RECORDINGS.items() if name not in REFUSED}

    assert {message.command for message in read.values()} == {
        Command.STATUS_INFORMATION, Command.INTERMEDIATE_STATUS, Command.COMPLETION,
        Command.ABORTED, Command.PRINT_TEXT,
    }  # fmt: skip
    assert all(sequence_of(message) is None for message in read.values())


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
