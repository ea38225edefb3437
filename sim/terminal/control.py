"""A loopback control of the simulated terminal: which card is presented, the line, the power.

POST /card {"card": "own"} (a key of ``sim.district.CARDS``, or null to take it out),
POST /line {"cut": true}, POST /power {"on": false}, GET /state.
"""

import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from sim.district import CARDS

if TYPE_CHECKING:
    from sim.terminal import SimTerminal

BODY_BYTES_MAX: Final = 1024
_CARDS: Final = {card.key: card for card in CARDS}


class Control:
    """The HTTP server of one terminal, on 127.0.0.1 only."""

    def __init__(self, terminal: "SimTerminal", *, port: int) -> None:
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.terminal = terminal
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="control"
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Listen."""
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        if self._thread.ident is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    terminal: "SimTerminal"


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """Answer the state."""
        if self.path != "/state":
            self._answer(HTTPStatus.NOT_FOUND, {})
            return
        terminal = self.server.terminal
        card = terminal.card
        self._answer(
            HTTPStatus.OK,
            {
                "card": card.key if card is not None else None,
                "line_cut": terminal.line.is_cut,
                "owed_reversals": terminal.owed_reversals,
                "last_receipt_number": terminal.last_receipt_number,
            },
        )

    def do_POST(self) -> None:
        """Do what is asked."""
        try:
            size = min(int(self.headers.get("Content-Length", "0")), BODY_BYTES_MAX)
            self._obey(json.loads(self.rfile.read(size)))
        except (ValueError, KeyError, TypeError):
            self._answer(HTTPStatus.BAD_REQUEST, {"error": "no such control, card or value"})
            return
        self._answer(HTTPStatus.OK, {})

    def _obey(self, body: dict[str, Any]) -> None:
        terminal = self.server.terminal
        if self.path == "/card":
            key = body["card"]
            if key is None:
                terminal.remove_card()
            else:
                terminal.insert_card(_CARDS[key])
        elif self.path == "/line":
            terminal.line.is_cut = bool(body["cut"])
        elif self.path == "/power":
            if body["on"]:
                terminal.power_on()
            else:
                terminal.power_cut()
        else:
            raise KeyError(self.path)

    def _answer(self, status: HTTPStatus, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Keep quiet."""
