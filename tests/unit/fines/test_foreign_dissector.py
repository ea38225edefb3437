"""What somebody else's program reads in our bytes: Wireshark's dissector of ZVT, blocks and TCP.

Collected only where tshark is installed (``deploy/bootstrap.py --dissector``); see conftest.
"""

import shutil
import socket
import struct
import subprocess
from dataclasses import replace

import pytest

from fines.wire import zvt, zvt_day, zvt_frame, zvt_print
from fines.wire.zvt import Apdu, Code, Command, Progress
from fines.wire.zvt_day import DayTotals
from fines.wire.zvt_fields import TERMINAL_ID, Fields, bcd, pack_fields
from fines.wire.zvt_status import StatusInformation, status_information

TSHARK = shutil.which("tshark")

# Commands its table lacks: over TCP it leaves them alone, in a block it names them by number.
NOT_IN_ITS_TABLE = {"status enquiry", "read card", "repeat receipt", "turnover", "abort"}
USER_0, RAW_IP = 147, 101
STATUS = StatusInformation(
    result=0, amount_tiyn=1_081_250, currency="398", terminal_number="00001042",
    merchant_number="398000000000104", receipt_number=42, trace_number=123456, time="235959",
    date="1122", approval_code="A00001", rrn="600000000001", card_type=6, card_name="MASTERCARD",
    card_masked="510510******5100", owner="M", cardholder_check=2, technology=1,
    aid="A0000000041234", application_label="DEBIT", tvr="0080008000", tsi="E800",
    cryptogram="9C2F5A0B7D1E4366", terminal_serial="SN-042", batch_number=7,
    par="S001ABCDEFGHIJKLMNOPQRSTUVWXY", reference=bytes(16), sequence=7,
)  # fmt: skip
TOTALS = DayTotals(
    terminal_number="00001042",
    sum_tiyn=300,
    receipt_from=1,
    receipt_to=3,
    brands={"VISA": (3, 300)},
)
PASSWORD = "000000"
MESSAGES = {
    "registration": zvt.registration(password=PASSWORD, config=zvt.Config.OURS, line_width=32),
    "authorisation": zvt.authorisation(
        amount_tiyn=1_081_250, payer_iin="950817301017", reference=bytes(16), max_status_infos=8,
        card_timeout_seconds=60, known_receipt=41, sequence=3,
    ),
    "status enquiry": Apdu(Command.STATUS_ENQUIRY),
    "read card": zvt.read_card(timeout_seconds=60, sequence=4),
    "repeat receipt": zvt.repeat_receipt(password=PASSWORD, sequence=5),
    "reversal": zvt.reversal(password=PASSWORD, receipt_number=42, sequence=6),
    "end of day": zvt.end_of_day(password=PASSWORD, sequence=7),
    "turnover": zvt.turnover(password=PASSWORD, sequence=8),
    "abort": Apdu(Command.ABORT),
    "approval": status_information(STATUS),
    "decline": status_information(replace(STATUS, result=0x51)),
    "totals": zvt_day.day_status(TOTALS, sequence=9),
    "completion": Apdu(
        Command.COMPLETION, pack_fields(Fields({TERMINAL_ID: bcd("00001042", 4)}))
    ),
    "aborted": zvt.aborted(Code.ABORTED),
    "progress": zvt.intermediate_status(Progress.INSERT_CARD),
    "line": zvt_print.print_line("TERMINAL 1042"),
    "text": zvt_print.print_text(("ONE", "TWO"), kind=zvt_print.KIND_CUSTOMER),
    "good": zvt.good(),
    "ask again": zvt.refuse(Code.PLEASE_WAIT),
    "refused": zvt.refuse(Code.PROCESSING_ERROR),
}  # fmt: skip


def capture(path, link, packets):
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    body = b"".join(
        struct.pack("<IIII", at, 0, len(one), len(one)) + one for at, one in enumerate(packets)
    )
    path.write_bytes(head + body)


def over_tcp(payload, number):
    """One TCP segment to the terminal's port; each of a connection of its own."""
    tcp = (
        struct.pack(">HHIIBBHHH", 40000 + number, 20007, 1, 1, 5 << 4, 0x18, 65535, 0, 0) + payload
    )
    address = socket.inet_aton("127.0.0.1")
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + 2 * address + tcp


def dissected(path, *fields):
    listed = [part for name in fields for part in ("-e", name)]
    result = subprocess.run(
        [
            TSHARK, "-r", str(path), "-d", "tcp.port==20007,zvt", "-o",
            'uat:user_dlts:"User 0 (DLT=147)","zvt","0","","0",""',
            "-T", "fields", "-E", "separator=|", *listed,
        ],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return [line.split("|") for line in result.stdout.splitlines()]


@pytest.fixture(params=["blocks", "tcp"])
def captured(request, tmp_path):
    """The names of the messages captured and where. tshark does not undouble a DLE in a block."""
    path = tmp_path / "zvt.pcap"
    apdus = {name: zvt.pack(one) for name, one in MESSAGES.items()}
    if request.param == "blocks":
        apdus = {name: one for name, one in apdus.items() if zvt_frame.DLE not in one}
        capture(path, USER_0, [zvt_frame.encode(one) for one in apdus.values()])
    else:
        capture(path, RAW_IP, [over_tcp(one, at) for at, one in enumerate(apdus.values())])
    return list(apdus), path


def test_no_message_is_malformed_and_each_is_known_by_its_command(captured):
    names, path = captured

    rows = dissected(path, "zvt.control_field", "zvt.length_field", "_ws.malformed")

    assert len(rows) == len(names) >= 10
    for name, (control, length, malformed) in zip(names, rows, strict=True):
        message = MESSAGES[name]
        assert malformed == "", name
        if not length:
            assert name in NOT_IN_ITS_TABLE
            continue
        if control:  # an answer has fields of its own
            assert int(control, 16) == message.command, name
        assert int(length) == len(message.data), name


@pytest.mark.parametrize(
    ("message", "field", "value"),
    [
        ("registration", "zvt.reg.config_byte", "0xbe"),
        ("registration", "zvt.characters_per_line", "32"),
        ("authorisation", "zvt.amount", "1081250"),
        ("authorisation", "zvt.cc", "0x0398"),
        ("approval", "zvt.result_code", "0x00"),
        ("approval", "zvt.amount", "1081250"),
        ("approval", "zvt.trace_number", "123456"),
        ("decline", "zvt.result_code", "0x51"),
        ("progress", "zvt.int_status", "0x0a"),
        ("text", "zvt.tlv.text_lines.line", "ONE,TWO"),
    ],
)
def test_a_field_reads_the_same_to_somebody_else(captured, message, field, value):
    names, path = captured

    read = dict(zip(names, dissected(path, field), strict=True))

    # A message with a DLE in it is not among the blocks.
    assert read.get(message, [value]) == [value]
