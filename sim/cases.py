"""The registers of cases, ERDR, AIS SU, AIS OIP and EAIAS, over a small district of cases.

    with SimCases() as cases:  # any free port
        print(cases.url)                                  # the setting case_registers_url
        cases.world.hand_over(HELD.number, OFFICER.iin)   # a case changes hands

By itself: ``run(host="127.0.0.1", port=8713)``. Another process says over HTTP what a register
does: ``POST /control {"register": "erdr", "behaviour": "down"}``, without ``register`` all of
them; ``POST /control/holder {"number": …, "iin": …}`` hands a case over, ``POST /control/state
{"number": …, "state": "closed"}`` closes one; ``GET /control/log`` tells what was asked. Lines
that break are played by ``sim.faults`` in front of it.
"""

import collections
import contextlib
import enum
import json
import socket
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.exchange.wire.cases import CaseRegister, CaseRequest, CaseState
from sim.case_records import CaseWorld

_LOG_MAX: Final = 10_000
_START_SECONDS: Final = 10


class CaseBehaviour(enum.Enum):
    """How a register of cases answers."""

    NORMAL = "normal"
    DOWN = "down"  # 503
    GARBAGE = "garbage"  # 200 and bytes that are no answer
    ENDLESS = "endless"  # 200 and more bytes than anybody should read
    ANOTHER_CASE = "another_case"  # a whole answer about a case nobody asked for
    STALE = "stale"  # a whole answer to an earlier question
    REFUSES = "refuses"  # the register's own rules do not allow the question


@dataclass(frozen=True)
class AskedCase:
    """One question that came in; who asked is left out on purpose."""

    register: CaseRegister
    message_id: str
    number: str


class SimCases:
    """The HTTP server of the registers of cases, on a thread of its own."""

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, world: CaseWorld | None = None
    ) -> None:
        self.world = world or CaseWorld()
        self.asked: collections.deque[AskedCase] = collections.deque(maxlen=_LOG_MAX)
        self._behaviours: dict[CaseRegister, CaseBehaviour] = {}
        self._socket = socket.create_server((host, port))
        self.host, self.port = self._socket.getsockname()[:2]
        config = uvicorn.Config(
            self._app(), log_level="critical", lifespan="off", ws="none", access_log=False
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self.serve, name="sim-cases", daemon=True)

    @property
    def url(self) -> str:
        """The base address for the server's setting ``case_registers_url``."""
        return f"http://{self.host}:{self.port}"

    def behave(self, register: CaseRegister | None, behaviour: CaseBehaviour) -> None:
        """Make one register, or all of them for ``None``, behave so from now on."""
        for name in CaseRegister if register is None else (register,):
            self._behaviours[name] = behaviour

    def serve(self) -> None:
        """Serve on this very thread until interrupted."""
        self._server.run(sockets=[self._socket])

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise RuntimeError("the simulated registers of cases did not start")
            time.sleep(0.005)
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        if self._thread.is_alive():
            self._thread.join(_START_SECONDS)
        self._socket.close()

    def answer(self, register: CaseRegister, question: CaseRequest) -> dict[str, object]:
        """Return what ``register`` says, in the house protocol; it misbehaves as it was told."""
        behaviour = self._behaviours.get(register, CaseBehaviour.NORMAL)
        self.asked.append(AskedCase(register, str(question.message_id), question.query.number))
        case = self.world.case(register, question.query)
        answer: dict[str, object] = {
            "message_id": str(question.message_id),
            "register": register.value,
            "answered_at": datetime.now(UTC).isoformat(),
            "status": "not_found",
        }
        if behaviour is CaseBehaviour.STALE:
            answer["message_id"] = "00000000-0000-4000-8000-000000000000"
        if behaviour is CaseBehaviour.ANOTHER_CASE:
            case = self.world.another(register, question.query.number)
        if behaviour is CaseBehaviour.REFUSES:
            answer["status"] = "refused"
        elif case is not None:
            record = case.model_dump(mode="json", exclude_none=True)
            answer |= {"status": "found", "case": record}
        return answer

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/cases/{register}", self._ask, methods=["POST"]),
                Route("/control", self._control, methods=["POST"]),
                Route("/control/holder", self._holder, methods=["POST"]),
                Route("/control/state", self._state, methods=["POST"]),
                Route("/control/log", self._log, methods=["GET"]),
            ]
        )

    async def _ask(self, request: Request) -> Response:
        try:
            register = CaseRegister(request.path_params["register"])
            question = CaseRequest.model_validate_json(await request.body())
        except ValueError:
            return JSONResponse({"error": "not a question of this protocol"}, 400)
        content = json.dumps(self.answer(register, question)).encode()
        behaviour = self._behaviours.get(register, CaseBehaviour.NORMAL)
        if behaviour is CaseBehaviour.DOWN:
            return Response(b"out of service", 503)
        if behaviour is CaseBehaviour.GARBAGE:
            content = b'{"status": "found", \xff\x00\x00'
        if behaviour is CaseBehaviour.ENDLESS:
            content = b" " * (1 << 22) + content
        return Response(content, 200, media_type="application/json")

    async def _control(self, request: Request) -> Response:
        try:
            wanted = json.loads(await request.body())
            name = wanted.get("register")
            self.behave(
                None if name is None else CaseRegister(name), CaseBehaviour(wanted["behaviour"])
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return JSONResponse({"error": "name a behaviour, and a register or none"}, 400)
        return JSONResponse({"done": True})

    async def _holder(self, request: Request) -> Response:
        try:
            wanted = json.loads(await request.body())
            self.world.hand_over(str(wanted["number"]), str(wanted["iin"]))
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": "name a known number and an iin"}, 400)
        return JSONResponse({"done": True})

    async def _state(self, request: Request) -> Response:
        try:
            wanted = json.loads(await request.body())
            self.world.move(str(wanted["number"]), CaseState(wanted["state"]))
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": "name a known number and a state"}, 400)
        return JSONResponse({"done": True})

    async def _log(self, _request: Request) -> Response:
        return JSONResponse(
            [
                {"register": one.register.value, "message_id": one.message_id, "number": one.number}
                for one in list(self.asked)
            ]
        )


def run(*, host: str = "127.0.0.1", port: int = 8713) -> None:
    """Serve the registers of cases until interrupted; port 0 takes any free one."""
    cases = SimCases(host=host, port=port)
    print(f"registers of cases: {cases.url}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        cases.serve()
