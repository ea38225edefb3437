"""What every request passes: a cap, an identifier, security headers, a log line, metrics, the cut.

Plain ASGI: Starlette's ``BaseHTTPMiddleware`` costs more than the rest of a request.
"""

import asyncio
import functools
import time
import uuid
from typing import Final

import structlog
from prometheus_client import Counter, Gauge, Histogram
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.cutting import Answer, AnswerCut, Answers
from app.db import DatabaseAway
from app.identity.errors import SessionOver
from app.problems import answer_of, problem

_REQUESTS: Final = Counter("saqshy_requests_total", "Requests by route", ("route", "status"))
_SECONDS: Final = Histogram("saqshy_request_seconds", "Time to the end of the answer", ("route",))
_RUNNING: Final = Gauge("saqshy_requests_running", "Requests being answered")

# The pages load nothing from elsewhere; the one exception is the signer on the user's machine.
_POLICY: Final = (
    "default-src 'self'; connect-src 'self' {signer}; img-src 'self' data: blob:;"
    " media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_REQUEST_ID: Final = b"x-request-id"

log = structlog.get_logger("app.requests")


class Requests:
    """The middleware.

    Args:
        app: what answers.
        concurrency_max: over it a request is answered 503 at once, with ``Retry-After``: a
            saturated loop would make everybody wait.
        signer_url: the one address beside ours that a page may connect to.
    """

    def __init__(self, app: ASGIApp, *, concurrency_max: int, signer_url: str) -> None:
        self._app = app
        policy = _POLICY.format(signer=signer_url).encode("latin-1")
        # Bytes, made once: as text they would be encoded and looked for anew in each answer.
        self._headers = (*_HEADERS, (b"content-security-policy", policy))
        self._max = concurrency_max
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it at once when there are too many."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._running >= self._max:
            refusal = problem(status=503, code="app.busy", title="too many requests at once")
            await refusal(scope, receive, send)
            return
        self._running += 1
        try:
            await self._answer(scope, receive, send)
        finally:
            self._running -= 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = str(uuid.uuid4())
        began = time.perf_counter()
        status = 500
        structlog.contextvars.bind_contextvars(request=request_id)

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = list(message.get("headers", ()))
                names = {name.lower() for name, _ in given}
                message["headers"] = [
                    *(pair for pair in given if pair[0].lower() != _REQUEST_ID),
                    (_REQUEST_ID, request_id.encode()),
                    *(pair for pair in self._headers if pair[0] not in names),
                ]
            await send(message)

        try:
            with _RUNNING.track_inprogress():
                await self._app(scope, receive, send_on)
        finally:
            seconds = time.perf_counter() - began
            # The template, never the path: a path may hold what identifies a person.
            route = getattr(scope.get("route"), "path", scope.get("root_path") or "unmatched")
            _counter(route, status).inc()
            _histogram(route).observe(seconds)
            log.info(
                "answered",
                method=scope["method"],
                route=route,
                status=status,
                ms=round(seconds * 1000, 1),
            )
            structlog.contextvars.unbind_contextvars("request")


# By template and status, so few; looking one up by its labels takes a lock and makes texts.
@functools.cache
def _counter(route: str, status: int) -> Counter:
    return _REQUESTS.labels(route, status)


@functools.cache
def _histogram(route: str) -> Histogram:
    return _SECONDS.labels(route)


class Cutting:
    """The middleware that lets an answer out to a living session only; see ``app.cutting``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, refuse its answer, or cut it off where its session has ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answers: Answers = scope["app"].state.answers
        with answers.one() as answer:
            scope.setdefault("state", {})["answer"] = answer
            gate = _Gate(answers, answer, scope, receive, send)
            try:
                await self._app(scope, receive, gate.send)
            except AnswerCut:
                gate.note_cut()
            except asyncio.CancelledError:
                if gate.task is None or not answer.was_cancelled_here():
                    raise
                gate.task.uncancel()
                gate.note_cut()


class _Gate:
    """Between one answer and the wire. The server closes a connection whose answer breaks off."""

    def __init__(
        self, answers: Answers, answer: Answer, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._answers, self._answer = answers, answer
        self._scope, self._receive, self._send = scope, receive, send
        self._begun = self._refused = False
        self.task = asyncio.current_task()  # its helpers end with it

    async def send(self, message: Message) -> None:
        if self._refused:
            return
        if not await self._answers.may_go_on(self._answer):
            if self._begun:
                raise AnswerCut
            self._refused = True
            await self._refuse()
            return
        self._begun = True
        whole = message["type"] == "http.response.body" and not message.get("more_body", False)
        # Cancelled while the reader makes us wait, and between pieces; never once all is out.
        self._answer.sending(self.task)
        await self._send(message)
        if whole:
            self._answer.sending(None)

    async def _refuse(self) -> None:
        refusal = (
            SessionOver("the session ended before the answer went out", reason="ended")
            if self._answer.ended
            else DatabaseAway("nobody can tell whether the session lives")
        )
        response = answer_of(Request(self._scope, self._receive), refusal)
        await response(self._scope, self._receive, self._send)

    def note_cut(self) -> None:
        route = getattr(self._scope.get("route"), "path", "unmatched")
        log.warning("answer_cut", route=route)
