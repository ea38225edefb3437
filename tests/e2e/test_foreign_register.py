"""``python -m sim terminal`` and a cash register that has nothing of ours: bytes of the manual."""

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
