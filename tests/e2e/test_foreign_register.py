"""``python -m sim terminal`` and a cash register that has nothing of ours: bytes of the manual.

It stands in for a foreign client: none can be installed from a package index, so this one was
written from the specification alone (PA00P015, chapters 1, 2 and 6), with its own framing, its own
check sum bit by bit, and no import from ``fines``.
"""

import json
import os
import re
import subprocess
import sys
import time
import tty
import urllib.request

import pytest

from sim.acquirer import SimAcquirer

pytestmark = pytest.mark.enable_socket

# 06 00: password 000000, currency 398; config BE (the register prints) or B8 (the terminal does).
REGISTER_BE = bytes.fromhex("1002 0600 06 000000 be 0398 1003 df30")
REGISTER_B8 = bytes.fromhex("1002 0600 06 000000 b8 0398 1003 457b")
# 06 01: 10 812,50 in 398, at most ten status informations, the driver's number in DF50 (its byte
# 10 doubled, as everywhere inside a block).
AUTHORISATION = bytes.fromhex("1002 0601 1d 04 000001081250 49 0398 02 0a") + bytes.fromhex(
    "06 0f 1f1f 00 df50 06 95081730101017 df53 00 1003 7c56"
)
GOOD = bytes.fromhex("1002 800000 1003 f51f")
ACK = b"\x06"


@pytest.fixture
def terminal(tmp_path):
    link, papers = tmp_path / "line", tmp_path / "paper"
    with SimAcquirer() as acquirer:
        program = subprocess.Popen(
            [sys.executable, "-m", "sim", "terminal", "--link", str(link),
             "--acquirer", f"127.0.0.1:{acquirer.port}", "--paper", str(papers)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            said = [program.stdout.readline() for _ in range(3)]
            (control,) = re.findall(r"http://127\.0\.0\.1:\d+", said[-1])
            yield link, papers, control, acquirer
        finally:
            program.terminate()
            program.wait(20)
            program.stdout.close()


def check_sum(data):
    """CRC-16/KERMIT bit by bit: reflected, polynomial 1021, begins with nought."""
    value = 0
    for byte in data:
        for place in range(8):
            bit = (value ^ byte >> place) & 1
            value = value >> 1 ^ (0x8408 if bit else 0)
    return value.to_bytes(2, "little")


def framed(command):
    size = bytes([len(command) - 2])
    apdu = command[:2] + size + command[2:]
    body = apdu.replace(b"\x10", b"\x10\x10")
    return b"\x10\x02" + body + b"\x10\x03" + check_sum(apdu + b"\x03")


class Line:
    """The register's end: raw bytes, each block acknowledged, each command answered 80 00."""

    def __init__(self, link):
        self._file = os.open(link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._file)
        self._held = b""

    def close(self):
        os.close(self._file)

    def write(self, data):
        os.write(self._file, data)

    def send(self, command):
        """Send a command in a block of our own making; return its bytes."""
        block = framed(command)
        self.write(block)
        return block

    def raw(self, seconds):
        """Return what comes within the time, as it comes."""
        end, held, self._held = time.monotonic() + seconds, self._held, b""
        while time.monotonic() < end:
            try:
                held += os.read(self._file, 4096)
            except BlockingIOError:
                time.sleep(0.01)
        return held

    def first(self, *, then):
        """Return what comes first, waited for, with what follows it ``then`` seconds long."""
        came, end = b"", time.monotonic() + 20
        while not came and time.monotonic() < end:
            came = self.raw(0.05)
        return came + self.raw(then)

    def block(self, seconds=20):
        """Return the next block's APDU; ACKs between blocks are passed over."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = re.search(rb"(?s)\x10\x02(.*?[^\x10](?:\x10\x10)*)\x10\x03(..)", self._held)
            if found:
                self._held = self._held[found.end() :]
                return found[1].replace(b"\x10\x10", b"\x10")
            try:
                self._held += os.read(self._file, 4096)
            except BlockingIOError:
                time.sleep(0.01)
        raise AssertionError(f"the terminal is silent after {self._held.hex()}")

    def until(self, *ends):
        """Answer the terminal until one of the commands ``ends``; return all it said."""
        said = []
        while True:
            said.append(self.block())
            self.write(ACK)
            if said[-1][:1] not in (b"\x80", b"\x84"):
                time.sleep(0.02)
                self.write(GOOD)
            if said[-1][:2] in ends:
                return said


@pytest.mark.parametrize(
    ("registration", "slips"), [(REGISTER_BE, 0), (REGISTER_B8, 2)], ids=["BE", "B8"]
)
def test_any_register_can_open_the_line_and_sell(terminal, registration, slips):
    link, papers, control, acquirer = terminal
    line = Line(link)

    line.write(registration)
    registered = line.until(b"\x06\x0f", b"\x06\x1e")
    body = json.dumps({"card": "own"}).encode()
    urllib.request.urlopen(f"{control}/card", data=body, timeout=20).close()
    line.write(AUTHORISATION)
    said = line.until(b"\x06\x0f", b"\x06\x1e")
    line.close()

    assert registered[0][:2] == b"\x80\x00"
    assert said[-1][:2] == b"\x06\x0f"
    (status,) = [one for one in said if one[:2] == b"\x04\x0f"]
    assert bytes.fromhex("2700") in status[:6]
    assert bytes.fromhex("04000001081250") in status
    assert [debit.amount_tiyn for debit in acquirer.book.standing] == [1_081_250]
    assert len(list(papers.glob("terminal-*.png"))) == slips


STATUS_ENQUIRY = bytes.fromhex("0501")
REPEAT_RECEIPT = bytes.fromhex("0620 000000 0303")
END_OF_DAY = bytes.fromhex("0650 000000")
ABORT = bytes.fromhex("06b0")
SALE = bytes.fromhex("0601 04000001081250 490398 020a 060f 1f1f00 df5006 950817301017 df5300")
ENDS = (b"\x06\x0f", b"\x06\x1e")
NAK = b"\x15"


def card(control, key):
    body = json.dumps({"card": key}).encode()
    urllib.request.urlopen(f"{control}/card", data=body, timeout=20).close()


@pytest.fixture
def register(terminal):
    link, _, control, acquirer = terminal
    line = Line(link)
    line.send(bytes.fromhex("0600 000000 be 0398"))
    line.until(*ENDS)
    line.first(then=0.2)  # its last ACK
    yield line, control, acquirer
    line.close()


def status_of(said):
    (status,) = [one for one in said if one[:2] == b"\x04\x0f"]
    return status[3:] if status[2] < 0xFF else status[5:]


def test_our_check_sum_is_the_one_of_the_manual():
    assert check_sum(b"123456789").hex() == "8921"
    assert framed(SALE) == AUTHORISATION


def test_a_day_of_a_register_status_sale_last_receipt_and_its_close(register):
    line, control, acquirer = register

    line.send(STATUS_ENQUIRY)
    state = line.until(*ENDS)
    card(control, "own")
    line.send(SALE)
    sold = line.until(*ENDS)
    line.send(REPEAT_RECEIPT)
    repeated = line.until(*ENDS)
    line.send(END_OF_DAY)
    closed = line.until(*ENDS)

    assert state[-1][-1] == 0  # ready
    assert sold[-1][:2] == repeated[-1][:2] == closed[-1][:2] == b"\x06\x0f"
    assert bytes.fromhex("870001") in status_of(repeated)
    # Field 60: receipts 1 to 1, seven brands; the fifth is Visa, one sale of 10 812,50.
    day = status_of(closed)
    totals = day[day.index(bytes.fromhex("60f0f5f3")) + 4 :]
    assert totals[:4].hex() == "00010001"
    assert totals[4 + 4 * 7 :][:7].hex() == "01000001081250"
    assert acquirer.book.reconciliations == [("00001042", True)]


def test_no_card_and_an_abort_end_without_a_debit(register):
    line, _, acquirer = register

    line.send(SALE)
    line.until(b"\x04\xff")
    line.send(ABORT)
    said = line.until(*ENDS)

    assert said[-1][:2] == b"\x06\x1e"
    assert said[-1][3] == 0x6C
    assert acquirer.book.debits == []


def test_a_block_with_one_changed_bit_is_asked_for_again_and_not_obeyed(register):
    line, control, acquirer = register
    card(control, "own")
    block = bytearray(framed(SALE))
    block[8] ^= 1

    line.write(bytes(block))
    answer = line.first(then=1)
    line.write(framed(SALE))
    line.until(*ENDS)

    assert answer == NAK
    assert [debit.amount_tiyn for debit in acquirer.book.standing] == [1_081_250]


def test_noise_before_a_block_is_waited_out(register):
    line, _, _ = register

    line.write(b"VER|APP 1.0\r\n")
    answer = line.first(then=1)
    line.send(STATUS_ENQUIRY)
    said = line.until(*ENDS)

    assert answer == NAK
    assert said[-1][-1] == 0


def test_a_block_sent_twice_sells_once(register):
    line, control, acquirer = register
    card(control, "own")

    block = line.send(SALE)
    line.write(block)  # as if its ACK had been lost
    line.until(*ENDS)
    line.raw(0.5)

    assert [debit.amount_tiyn for debit in acquirer.book.standing] == [1_081_250]


def test_a_block_we_refuse_comes_again_the_same(register):
    line, _, _ = register

    line.send(STATUS_ENQUIRY)
    first = line.block()
    line.write(NAK)
    again = line.block()
    line.write(ACK)
    line.until(*ENDS)

    assert first == again == bytes.fromhex("800000")


def test_an_approval_that_nobody_answers_is_taken_back(register):
    line, control, acquirer = register
    card(control, "own")

    line.send(SALE)
    while (told := line.block())[:2] != b"\x04\x0f":
        line.write(ACK)
        if told[:1] != b"\x80":
            line.write(GOOD)
    end = time.monotonic() + 60
    while acquirer.book.standing and time.monotonic() < end:
        line.write(ACK)  # it has our ACK and never our 80 00: T3 runs out
        line.raw(0.5)

    assert acquirer.book.standing == []
    assert [debit.reversed for debit in acquirer.book.debits] == [True]
