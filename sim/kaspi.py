"""The simulated Kaspi Smart POS: the terminal's end of its local API v2, on loopback.

    with SimKaspi(cards=CARDS) as pos:
        pos.insert_card(DRIVER.card)      # the cash register calls pos.url
        pos.fault("lose payment")         # the next /payment begins, its answer is lost

What is ours and not the maker's: the header ``payeriin`` and ``payerMatch`` in the cheque, by
which the issuer says whose card it is; ``deviceinfo`` says ``payerCheck`` where it can.
"""

import itertools
import json
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from sim.district import CARDS, Card

TERMINAL: Final = "52500077"
_BUSY, _NOT_FOUND = 107, 101
_FAULTS: Final = frozenset(
    {"lose payment", "unknown", "busy", "busy status", "expired token", "no renewal", "garbage"}
)


@dataclass
class Process:
    """One sale at the terminal. The card is named by its key, never by its number."""

    number: str
    amount: int
    payer_iin: str = field(repr=False)
    status: str = "wait"
    told: str = "wait"  # what is answered; "unknown" until it is actualised
    card: str = ""
    cheque: dict[str, Any] = field(default_factory=dict)


class SimKaspi:
    """One terminal. ``processes`` is its book; tests read it."""

    def __init__(
        self, *, cards: Iterable[Card] = CARDS, checks_owner: bool = True, year_month: str = "2611"
    ) -> None:
        self._cards = {card.pan: card for card in cards}
        self.checks_owner = checks_owner
        self._year_month = year_month
        self.processes: dict[str, Process] = {}
        self.registered = 0
        self.answers = 0
        self._card: Card | None = None
        self._faults: deque[str] = deque()
        self._numbers = itertools.count(1)
        self._token = "token 0"  # noqa: S105 - of a simulated terminal
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.pos = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="kaspi"
        )

    @property
    def url(self) -> str:
        """Where the cash register calls."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def standing(self) -> list[Process]:
        """Sales that took money."""
        return [one for one in self.processes.values() if one.status == "success"]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def insert_card(self, card: Card | None) -> None:
        """Hold a card to it; it pays for the sale under way or the next one."""
        self._card = card

    def fault(self, *faults: str) -> None:
        """Misbehave with the next call of that kind."""
        unknown = set(faults) - _FAULTS
        if unknown:
            raise ValueError(f"no such fault: {unknown}")
        self._faults.extend(faults)

    def answer(
        self, act: str, query: dict[str, str], headers: dict[str, str]
    ) -> tuple[int, bytes | None]:
        """Return the HTTP status and the body; no body where the answer is lost."""
        with self._lock:
            self.answers += 1
            if act == "revoke" and self._takes("no renewal"):
                return 401, b"{}"
            if act in ("register", "revoke"):
                self.registered += act == "register"
                return 200, self._tokens()
            if self._takes("expired token") or headers.get("accesstoken") != self._token:
                return 401, b"{}"
            if self._takes("garbage"):
                return 200, b"\x00not json"
            if act == "payment":
                return self._begin(int(query["amount"]), headers.get("payeriin", ""))
            return 200, self._facts(act, query)

    def _facts(self, act: str, query: dict[str, str]) -> bytes:
        if act == "deviceinfo":
            told = {"posNum": "1", "serialNum": "SIM1", "terminalId": TERMINAL}
            return _good(told | {"payerCheck": self.checks_owner})
        if act == "status" and self._takes("busy status"):
            return _bad(_BUSY)
        if act in ("status", "actualize"):
            return self._told(act, query.get("processId", ""))
        return _bad(_NOT_FOUND)

    def _tokens(self) -> bytes:
        self._token = f"token {next(self._numbers)}"
        return _good({"accessToken": self._token, "refreshToken": "refresh"})

    def _takes(self, fault: str) -> bool:
        if self._faults and self._faults[0] == fault:
            self._faults.popleft()
            return True
        return False

    def _begin(self, amount: int, payer_iin: str) -> tuple[int, bytes | None]:
        if self._takes("busy"):
            return 200, _bad(_BUSY)
        process = Process(str(next(self._numbers)), amount, payer_iin)
        self.processes[process.number] = process
        lost = self._takes("lose payment")
        if self._takes("unknown"):
            process.told = "unknown"
        return 200, None if lost else _good({"processId": process.number, "status": "wait"})

    def _told(self, act: str, number: str) -> bytes:
        process = self.processes.get(number)
        if process is None:
            return _bad(_NOT_FOUND)
        if process.status == "wait" and self._card is not None:
            self._decide(process, self._card)
            self._card = None
        if act == "actualize" or process.told == "wait":
            process.told = process.status
        told: dict[str, Any] = {"status": process.told, "subStatus": "WaitUser"}
        if process.told in ("success", "fail"):
            told |= {"chequeInfo": process.cheque}
        return _good(told)

    def _decide(self, process: Process, card: Card) -> None:
        owner = "M" if card.holder_iin == process.payer_iin else "N"
        code = "57" if owner == "N" else "54" if card.expiry < self._year_month else ""
        if not code and card.balance_tiyn < process.amount * 100:
            code = "51"
        process.card, process.status = card.key, "fail" if code else "success"
        process.cheque = {
            "status": process.status, "amount": process.amount, "hostResponseCode": code or "00",
            "cardMask": f"{card.pan[:4]} **** **** {card.pan[-4:]}", "icc": card.brand,
            "terminalId": TERMINAL, "payerMatch": owner, "method": "chip",
        }  # fmt: skip
        if not code:
            process.cheque |= {"rrn": f"6{int(process.number):011d}",
                               "authorizationCode": f"K{int(process.number):05d}"}  # fmt: skip


def _good(data: dict[str, Any]) -> bytes:
    return json.dumps({"statusCode": 0, "errorText": "", "data": data}).encode()


def _bad(code: int) -> bytes:
    return json.dumps({"statusCode": code, "errorText": "refused", "data": None}).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    pos: SimKaspi


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """Answer one act."""
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        act = address.path.removeprefix("/v2/")
        status, body = self.server.pos.answer(act, query, headers)
        if body is None:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Keep quiet."""
