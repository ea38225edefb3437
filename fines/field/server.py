"""The agent's side of the device protocol (``fines.wire.protocol``) over HTTPS."""

import json
from typing import TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError

from fines.wire.protocol import (
    CREDENTIAL_HEADER,
    PATH_APPROVAL,
    PATH_CARD,
    PATH_HELLO,
    PATH_NEXT,
    PATH_OUTCOME,
    PATH_PRINTED,
    PATH_STARTED,
    PATH_TOTALS,
    Approval,
    ApprovalAnswer,
    CardAnswer,
    CardShown,
    Hello,
    Order,
    Outcome,
    OutcomeAnswer,
    Printed,
    Started,
    StartedAnswer,
    Totals,
    TotalsAnswer,
)

ANSWER_BYTES_MAX = 1_000_000  # an order with its slips is some 50 kB
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_NO_CONTENT = 204

Answer = TypeVar("Answer", bound=BaseModel)


class ServerSilent(Exception):
    """Nobody answered, or with a passing fault: repeat the same report later."""


class ServerRefused(Exception):
    """The server will not have this report, now or later. ``code`` is its stable reason."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"the server refused with {status} {code}")
        self.status, self.code = status, code


class CleartextRefused(ValueError):
    """A server address without TLS that is not this machine: the credential would be readable."""

    code = "fines.cleartext_refused"


class ServerClient:
    """One connection pool to one server; usable from several threads.

    Every report may be repeated and is answered as the first time.
    """

    def __init__(
        self, *, url: str, credential: str, ca_file: str | None, answer_seconds: float
    ) -> None:
        address = httpx.URL(url)
        if address.scheme != "https" and address.host not in _LOOPBACK:
            raise CleartextRefused("the server's address must begin with https://")
        self._client = httpx.Client(
            base_url=address,
            headers={CREDENTIAL_HEADER: credential},
            verify=ca_file or True,
            timeout=httpx.Timeout(answer_seconds, connect=answer_seconds),
            trust_env=False,
            follow_redirects=False,
        )
        self._answer_seconds = answer_seconds

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def hello(self, hello: Hello) -> None:
        """Say who we are."""
        self._post(PATH_HELLO, hello)

    def next_order(self, *, wait_seconds: int) -> Order | None:
        """Return the next order, ``None`` when there is none within ``wait_seconds``."""
        response = self._ask(
            "GET",
            PATH_NEXT,
            params={"wait_seconds": wait_seconds},
            timeout=wait_seconds + self._answer_seconds,
        )
        if response.status_code == _NO_CONTENT or response.content in (b"", b"null"):
            return None
        return _read(response, Order)

    def started(self, order_id: UUID, started: Started) -> StartedAnswer:
        """Announce a sale; it may be withdrawn."""
        return _read(self._post(_path(PATH_STARTED, order_id), started), StartedAnswer)

    def card(self, order_id: UUID, shown: CardShown) -> CardAnswer:
        """Show a card read before the sale; the answer may refuse it."""
        return _read(self._post(_path(PATH_CARD, order_id), shown), CardAnswer)

    def totals(self, order_id: UUID, totals: Totals) -> TotalsAnswer:
        """Tell what the terminal counted."""
        return _read(self._post(_path(PATH_TOTALS, order_id), totals), TotalsAnswer)

    def approval(self, order_id: UUID, approval: Approval) -> ApprovalAnswer:
        """Hand over an approval; an accepted one is committed when this returns."""
        return _read(self._post(_path(PATH_APPROVAL, order_id), approval), ApprovalAnswer)

    def outcome(self, order_id: UUID, outcome: Outcome) -> OutcomeAnswer:
        """Tell how an order ended."""
        return _read(self._post(_path(PATH_OUTCOME, order_id), outcome), OutcomeAnswer)

    def printed(self, order_id: UUID, printed: Printed) -> None:
        """Tell which papers came out whole."""
        self._post(_path(PATH_PRINTED, order_id), printed)

    def _post(self, path: str, message: BaseModel) -> httpx.Response:
        return self._ask("POST", path, json=message.model_dump(mode="json"))

    def _ask(self, method: str, path: str, **request: object) -> httpx.Response:
        try:
            response = self._client.request(method, path, **request)  # type: ignore[arg-type]  # httpx spells each option out
        except httpx.HTTPError as error:
            # The library's own text may hold the address with its query; ours does not.
            raise ServerSilent(type(error).__name__) from None
        if response.is_success:
            return response
        if response.is_server_error or response.status_code in (401, 408, 425, 429):
            raise ServerSilent(f"the server answered {response.status_code}")
        raise ServerRefused(response.status_code, _code_of(response))


def _path(template: str, order_id: UUID) -> str:
    return template.format(order_id=order_id)


def _read(response: httpx.Response, kind: type[Answer]) -> Answer:
    if len(response.content) > ANSWER_BYTES_MAX:
        raise ServerSilent("the server's answer is too long")
    try:
        return kind.model_validate_json(response.content)
    except ValidationError:
        raise ServerSilent("the server's answer does not fit the protocol") from None


def _code_of(response: httpx.Response) -> str:
    try:
        problem = json.loads(response.content)
    except ValueError:
        return ""
    code = problem.get("code") if isinstance(problem, dict) else None
    return code[:64] if isinstance(code, str) else ""
