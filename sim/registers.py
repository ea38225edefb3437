"""The registers of other bodies: a real HTTP server over the people of ``sim.district``.

    with SimRegisters() as registers:  # any free port
        print(registers.url)
        registers.behave(RegisterName.INSURANCE, Behaviour.SLOW, seconds=10)

By itself: ``run(host="127.0.0.1", port=8710)``. Another process makes it misbehave over HTTP:
``POST /control {"register": "insurance", "behaviour": "slow", "seconds": 10}``; without
``register`` all of them. ``POST /control/wanted {"iin": …}`` or ``{"plate": …}`` puts a person
or a vehicle on the wanted list; ``GET /control/log`` tells what was asked.
"""

import asyncio
import collections
import contextlib
import enum
import json
import socket
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from uuid import UUID

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.exchange.wire.notices import FineNotice, NoticeRegister
from app.exchange.wire.registers import Query, RegisterName, RegisterRequest
from sim.district import FRIEND
from sim.register_records import World

_REGISTERS: dict[str, RegisterName | NoticeRegister] = {
    str(one.value): one for one in (*RegisterName, *NoticeRegister)
}
_LOG_MAX = 10_000
_START_SECONDS = 10


class Behaviour(enum.Enum):
    """How a register answers."""

    NORMAL = "normal"
    SLOW = "slow"  # the right answer, after ``seconds``
    DOWN = "down"  # 503
    GARBAGE = "garbage"  # 200 and bytes that are no answer
    TRUNCATED = "truncated"  # half of the right answer, then the line is cut
    ENDLESS = "endless"  # 200 and more bytes than anybody should read
    ANOTHER_SUBJECT = "another_subject"  # a whole answer about somebody else
    STALE = "stale"  # a whole answer to an earlier question
    REFUSES = "refuses"  # the register's own rules do not allow the question


@dataclass(frozen=True)
class Asked:
    """One question that came in; the subject is left out of the log on purpose."""

    register: RegisterName
    message_id: str
    basis: str
    at: float  # by this process's steady clock


class SimRegisters:
    """The HTTP server of the registers, on a thread of its own."""

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, world: World | None = None
    ) -> None:
        self.world = world or World()
        self.asked: collections.deque[Asked] = collections.deque(maxlen=_LOG_MAX)
        self._behaviours: dict[RegisterName | NoticeRegister, tuple[Behaviour, float]] = {}
        self._socket = socket.create_server((host, port))
        self.host, self.port = self._socket.getsockname()[:2]
        config = uvicorn.Config(
            self._app(), log_level="critical", lifespan="off", ws="none", access_log=False
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="sim-registers", daemon=True)

    @property
    def url(self) -> str:
        """The base address for the server's setting ``registers_url``."""
        return f"http://{self.host}:{self.port}"

    def behave(
        self,
        register: RegisterName | NoticeRegister | None,
        behaviour: Behaviour,
        *,
        seconds: float = 0,
    ) -> None:
        """Make one register, or all of them for ``None``, behave so from now on."""
        everybody = (*RegisterName, *NoticeRegister)
        for name in everybody if register is None else (register,):
            self._behaviours[name] = (behaviour, seconds)

    def start(self) -> Self:
        """Begin to listen and return when questions are taken."""
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise RuntimeError("the simulated registers did not start")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Stop listening; a question under way is cut."""
        self._server.should_exit = True
        self._server.force_exit = True
        if self._thread.is_alive():
            self._thread.join(_START_SECONDS)
        self._socket.close()

    def serve(self) -> None:
        """Serve on this very thread until interrupted."""
        self._serve()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/notices/{register}", self._take_notice, methods=["POST"]),
                Route("/v1/{register}", self._ask, methods=["POST"]),
                Route("/control", self._control, methods=["POST"]),
                Route("/control/wanted", self._wanted, methods=["POST"]),
                Route("/control/log", self._log, methods=["GET"]),
            ]
        )

    async def _ask(self, request: Request) -> Response:
        try:
            register = RegisterName(request.path_params["register"])
            question = RegisterRequest.model_validate_json(await request.body())
        except ValueError:
            return JSONResponse({"error": "not a question of this protocol"}, 400)
        self.asked.append(
            Asked(
                register=register,
                message_id=str(question.message_id),
                basis=question.requester.basis,
                at=time.monotonic(),
            )
        )
        behaviour, seconds = self._behaviours.get(register, (Behaviour.NORMAL, 0.0))
        if behaviour is Behaviour.SLOW:
            await asyncio.sleep(seconds)
        content = json.dumps(self._answer(register, question, behaviour)).encode()
        return _misbehaved(behaviour, content)

    def _answer(
        self, register: RegisterName, question: RegisterRequest, behaviour: Behaviour
    ) -> dict[str, object]:
        now = datetime.now(UTC)
        query = question.query
        if behaviour is Behaviour.ANOTHER_SUBJECT:
            query = Query(iin=query.iin and FRIEND.iin, plate=query.plate and FRIEND.plate)
        record = self.world.record(register, query, now.date())
        answer: dict[str, object] = {
            "message_id": str(question.message_id),
            "register": register.value,
            "answered_at": now.isoformat(),
            "status": "not_found",
        }
        if behaviour is Behaviour.STALE:
            answer["message_id"] = "00000000-0000-4000-8000-000000000000"
        if behaviour is Behaviour.REFUSES:
            answer["status"] = "refused"
        elif record is not None:
            answer |= {"status": "found", "record": record.model_dump(mode="json")}
        return answer

    async def _take_notice(self, request: Request) -> Response:
        try:
            register = NoticeRegister(request.path_params["register"])
            notice = FineNotice.model_validate_json(await request.body())
        except ValueError:
            return JSONResponse({"error": "not a notice of this protocol"}, 400)
        behaviour, seconds = self._behaviours.get(register, (Behaviour.NORMAL, 0.0))
        if behaviour is Behaviour.SLOW:
            await asyncio.sleep(seconds)
        if behaviour is Behaviour.DOWN:
            return _misbehaved(behaviour, b"")
        refused = behaviour is Behaviour.REFUSES or not self.world.take_notice(notice)
        stale = behaviour is Behaviour.STALE
        answer = {
            "message_id": str(UUID(int=0) if stale else notice.message_id),
            "register": register.value,
            "answered_at": datetime.now(UTC).isoformat(),
            "status": "refused" if refused else "accepted",
        }
        return _misbehaved(behaviour, json.dumps(answer).encode())

    async def _control(self, request: Request) -> Response:
        try:
            wanted = json.loads(await request.body())
            name = wanted.get("register")
            self.behave(
                None if name is None else _REGISTERS[name],
                Behaviour(wanted["behaviour"]),
                seconds=float(wanted.get("seconds", 0)),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return JSONResponse({"error": "name a behaviour, and a register or none"}, 400)
        return JSONResponse({"done": True})

    async def _wanted(self, request: Request) -> Response:
        try:
            subject = Query.model_validate_json(await request.body())
        except ValueError:
            return JSONResponse({"error": "name an iin or a plate"}, 400)
        if subject.iin is not None:
            self.world.wanted_iins.add(subject.iin)
        if subject.plate is not None:
            self.world.wanted_plates.add(subject.plate)
        return JSONResponse({"done": True})

    async def _log(self, _request: Request) -> Response:
        return JSONResponse(
            [
                {"register": one.register.value, "message_id": one.message_id, "basis": one.basis}
                for one in list(self.asked)
            ]
        )


class _CutResponse(Response):
    """Promises the whole content, sends half of it and drops the line."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


def _misbehaved(behaviour: Behaviour, content: bytes) -> Response:
    if behaviour is Behaviour.DOWN:
        return Response(b"out of service", 503)
    if behaviour is Behaviour.GARBAGE:
        return Response(b'{"status": "found", \xff\x00\x00', 200, media_type="application/json")
    if behaviour is Behaviour.ENDLESS:
        return Response(b" " * (1 << 22) + content, 200, media_type="application/json")
    if behaviour is Behaviour.TRUNCATED:
        return _CutResponse(content, 200, media_type="application/json")
    return Response(content, 200, media_type="application/json")


def run(*, host: str = "127.0.0.1", port: int = 8710) -> None:
    """Serve the registers until interrupted; port 0 takes any free one. Prints the address."""
    registers = SimRegisters(host=host, port=port)
    print(f"registers: {registers.url}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        registers.serve()
