"""Refusals as HTTP: problem details (RFC 9457), decided once for the whole application."""

from collections.abc import Callable
from typing import Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from app.db import DATABASE_ERRORS, DatabaseAway, database_is_away
from app.errors import DomainError, Kind

_STATUS: Final = {
    Kind.INVALID: 422,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.UNAVAILABLE: 503,
    Kind.FULL: 507,
}
_UNAUTHENTICATED: Final = _STATUS[Kind.UNAUTHENTICATED]
_TRY_AGAIN: Final = {_STATUS[Kind.UNAVAILABLE], _STATUS[Kind.FULL]}
_RETRY_AFTER_SECONDS: Final = "2"
_MEDIA_TYPE: Final = "application/problem+json"

log = structlog.get_logger(__name__)


def problem(
    *, status: int, code: str, title: str, cure: str = "", fields: dict[str, object] | None = None
) -> JSONResponse:
    """Return one problem; ``code`` is stable, ``title`` and ``cure`` are for people."""
    body: dict[str, object] = {"type": f"urn:saqshy:{code}", "title": title, "status": status}
    body |= {"code": code}
    if cure:
        body["cure"] = cure
    body |= fields or {}
    headers = {"Retry-After": _RETRY_AFTER_SECONDS} if status in _TRY_AGAIN else {}
    if status == _UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body, status, headers, _MEDIA_TYPE)


# Shows a refusal to a person: the request, its status and code; None where a program asked.
PageOfProblem = Callable[[Request, int, str], Response | None]


def install(app: FastAPI, *, page: PageOfProblem) -> None:
    """Make ``app`` answer every refusal and every fault: by ``page`` or as a problem."""
    app.state.page_of_problem = page
    app.add_exception_handler(DomainError, _domain_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _client_gone)
    for one in DATABASE_ERRORS:
        app.add_exception_handler(one, _database_error)
    app.add_exception_handler(Exception, _fault)


def _answer(
    request: Request,
    *,
    status: int,
    code: str,
    title: str,
    cure: str = "",
    fields: dict[str, object] | None = None,
) -> Response:
    page: PageOfProblem = request.app.state.page_of_problem
    shown = page(request, status, code)
    return shown or problem(status=status, code=code, title=title, cure=cure, fields=fields)


async def _domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)  # noqa: S101 - for the type checker; registered for it
    return answer_of(request, error)


def answer_of(request: Request, error: DomainError) -> Response:
    """Return a refusal as the page or the problem that whoever asked wants."""
    return _answer(
        request,
        status=_STATUS[error.kind],
        code=error.code,
        title=str(error),
        cure=error.cure,
        fields=error.fields,
    )


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    # The offending input is left out: it may hold a personal number or a card number.
    wrong = [
        {"where": ".".join(str(step) for step in one["loc"]), "what": one["msg"]}
        for one in error.errors()
    ]
    return _answer(
        request,
        status=_STATUS[Kind.INVALID],
        code="app.bad_request",
        title="the request does not have the form this route asks for",
        cure="Correct the fields named and send it again.",
        fields={"errors": wrong},
    )


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    status = error.status_code
    answer = _answer(request, status=status, code=f"http.{status}", title=str(error.detail))
    answer.headers.update(error.headers or {})  # what the protocol of the route asks for
    return answer


async def _client_gone(_request: Request, _error: Exception) -> Response:
    # A line cut in the middle of a body is no fault of ours; nobody is there to read this.
    return problem(status=400, code="app.body_cut", title="the body ended early")


async def _database_error(request: Request, error: Exception) -> Response:
    if not database_is_away(error):
        return await _fault(request, error)
    log.warning("database_away", error=type(error).__name__)
    # It may have gone in the middle of a commit: nobody here knows what became of the change.
    return _answer(
        request,
        status=_STATUS[Kind.UNAVAILABLE],
        code=DatabaseAway.code,
        title="the database is out of reach; whether the change was made is not known",
        cure=DatabaseAway.cure,
    )


async def _fault(request: Request, error: Exception) -> Response:
    # The template of the route, never the path: a path may hold what identifies a person.
    route = getattr(request.scope.get("route"), "path", "unmatched")
    log.error("fault", route=route, exc_info=error)
    title = "the server failed; the change was not made"
    return _answer(request, status=500, code="app.fault", title=title)
