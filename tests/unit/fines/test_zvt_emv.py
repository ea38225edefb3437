"""What a terminal tells of the chip: by the receipts' text, by EMV's objects, nothing besides."""

import pytest

from fines.field.proof import card_proof
from fines.wire import zvt
from fines.wire.zvt import Apdu, Command
from fines.wire.zvt_status import parse_status

PAN = "4000000000001042"


def status(tlv):
    """04 0F with a result and the objects given in hexadecimal."""
    raw = bytes.fromhex(tlv)
    size = bytes([len(raw)]) if len(raw) < 128 else b"\x81" + bytes([len(raw)])
    return parse_status(Apdu(Command.STATUS_INFORMATION, b"\x27\x00\x06" + size + raw))


def text(tag, words):
    return f"{tag}{len(words):02x}{words.encode('latin-1').hex()}"


@pytest.mark.parametrize(
    "words",
    [
        "TVR 0080008000\rTSI E800\rAC 9C2F5A0B7D1E4366",
        "AID: A0000000031010\nTVR: 0080008000\nTSI: E800\nARQC: 9c2f5a0b7d1e4366\n",
        "tc=9C2F5A0B7D1E4366 tsi=E800 tvr=0080008000",
    ],
)
@pytest.mark.parametrize("tag", ["46", "47"])
def test_what_stands_behind_a_label_of_a_receipt_is_read(tag, words):
    read = status(text(tag, words))

    assert (read.tvr, read.tsi, read.cryptogram) == ("0080008000", "E800", "9C2F5A0B7D1E4366")


@pytest.mark.parametrize("tlv", [
    "950500800080009b02e8009f26089c2f5a0b7d1e4366",
    "601f4307a0000000031010950500800080009b02e8009f26089c2f5a0b7d1e4366",
])  # fmt: skip
def test_the_objects_of_emv_themselves_are_read(tlv):
    read = status(tlv)

    assert (read.tvr, read.tsi, read.cryptogram) == ("0080008000", "E800", "9C2F5A0B7D1E4366")


@pytest.mark.parametrize(
    ("tlv", "label"),
    [
        ("60154307a0000000031010440a" + b"VISA DEBIT".hex(), "VISA DEBIT"),
        ("60154307a0000000031010420a" + b"VISA DEBIT".hex(), "VISA DEBIT"),
        ("600e44056361660a6242054341524420", "CARD"),
        ("60074405d0b0d0b1d0", ""),
    ],
    ids=["preferred", "name", "a control character", "other letters"],
)
def test_the_application_is_called_as_the_chip_calls_it(tlv, label):
    assert status(tlv).application_label == label


def test_serial_and_batch_come_in_our_private_objects():
    read = status("df5406" + b"SN-042".hex() + "df5503000123")

    assert (read.terminal_serial, read.batch_number) == ("SN-042", 123)


@pytest.mark.parametrize(
    "tlv",
    [
        text("47", f"KARTE {PAN}\rTVR {PAN[:10]}x\rAC {PAN}"),
        text("46", f"AC {PAN}"),
        "9f2608" + PAN,
        text("47", "TVR 00800080\rTSI E8001\rAC 9C2F"),
        "950400800080" + "9b01e8" + "9f26079c2f5a0b7d1e43",
        text("47", "x" * 110),
    ],
    ids=["a number in the text", "a number as cryptogram", "as an object", "short", "short objects",
         "no label"],
)  # fmt: skip
def test_what_is_no_proof_is_left_out_and_the_sale_goes_on(tlv):
    read = status(tlv)

    assert (read.tvr, read.tsi, read.cryptogram) == ("", "", "")
    assert PAN not in repr(read)
    assert read.approved


def test_a_text_longer_than_a_receipt_is_not_searched():
    words = " " * 1100 + "TSI E800"
    raw = b"\x47\x82" + len(words).to_bytes(2, "big") + words.encode()
    body = b"\x27\x00\x06\x82" + len(raw).to_bytes(2, "big") + raw

    assert parse_status(Apdu(Command.STATUS_INFORMATION, body)).tsi == ""
    assert zvt.body_of(Apdu(Command.STATUS_INFORMATION, body)).tlvs == ()


@pytest.mark.parametrize(
    "told",
    [{"terminal_serial": "№ 1"}, {"application_label": "x" * 17}, {"tvr": "zz"}, {"tsi": "e8"}],
)
def test_a_mangled_proof_is_no_proof_and_no_fault(told):
    assert card_proof(**told) is None


def test_a_card_number_told_as_a_label_or_serial_goes_no_further():
    proof = card_proof(terminal_serial=PAN, application_label=PAN, tvr="0080008000")

    assert (proof.terminal_serial, proof.application_label, proof.tvr) == ("", "", "0080008000")
