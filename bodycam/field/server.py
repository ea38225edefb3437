"""The server as the dock agent sees it: the dock protocol over HTTP."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError

from bodycam.wire import protocol
from bodycam.wire.manifest import SignedReceipt
from bodycam.wire.protocol import Announce, HeadTarget, Hello, PartTarget, Problem, UploadPlan

_SEND_BYTES: Final = 256 << 10
_ANSWER_BYTES_MAX: Final = 4 << 20
_RETRY_SECONDS_MAX: Final = 300.0
_ADDRESS_MAX: Final = 200
_M = TypeVar("_M", bound=BaseModel)
# Statuses that a later attempt may cure: the rest of 4xx never will by itself.
_LATER: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 507})
_NOT_ADMITTED: Final = frozenset({401, 403})
_OF_CREDENTIALS: Final = "access."  # how the server's codes for them begin
_PROBLEM_TYPE: Final = "application/problem+json"


class Refused(Exception):
    """The server will not take this as it is; ``code`` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code}: {problem.title} {problem.cure}".strip())
        self.code = problem.code


class NotAdmitted(Exception):
    """The server does not know this dock: every recording would be refused alike."""


class TryLater(Exception):
    """The server or the line is not there, or is busy."""

    def __init__(
        self, why: str, *, retry_after_seconds: float | None = None, answered: bool = False
    ) -> None:
        super().__init__(why)
        self.retry_after_seconds = retry_after_seconds
        self.answered = answered  # the server is there: other recordings may still go


class _NotThere(TryLater):
    """Nobody listens at that address."""


class Throttle:
    """Spreads bytes of all threads so that they stay under a rate; 0 means no limit."""

    def __init__(self, bytes_per_second: float) -> None:
        self._rate = bytes_per_second
        self._lock = threading.Lock()
        self._free_at = time.monotonic()

    def wait(self, count: int) -> None:
        """Wait until ``count`` more bytes may go."""
        if not self._rate:
            return
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now) + count / self._rate
            pause = self._free_at - now
        time.sleep(pause)


class Server:
    """One server, over kept connections. Safe to use from several threads."""

    def __init__(self, *, url: str, credential: str, throttle: Throttle) -> None:
        self._url = self._parts_url = url.rstrip("/")
        self._throttle = throttle
        limits = httpx.Limits(max_connections=8, max_keepalive_connections=8)
        timeout = httpx.Timeout(60, connect=5)
        self._client = httpx.Client(
            limits=limits,
            timeout=timeout,
            headers={protocol.CREDENTIAL_HEADER: credential},
            trust_env=False,
        )
        # The store's addresses are signed already; our credential is none of its business.
        self._store = httpx.Client(limits=limits, timeout=timeout, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._store.close()

    def hello(self) -> Hello:
        """Ask who the server is."""
        return self._ask("GET", protocol.PATH_HELLO, Hello, note=self._note_parts_url)

    def _note_parts_url(self, answer: httpx.Response) -> None:
        """Send parts where the server says, unless our credential would travel less safely."""
        named = answer.headers.get(protocol.PARTS_URL_HEADER, "").rstrip("/")
        schemes = ("https://",) if self._url.startswith("https://") else ("https://", "http://")
        if named.startswith(schemes) and len(named) <= _ADDRESS_MAX:
            self._parts_url = named

    def announce(self, announce: Announce) -> UploadPlan:
        """Tell of a recording; answers what to send."""
        return self._ask("POST", protocol.PATH_ANNOUNCE, UploadPlan, announce.model_dump_json())

    def complete(self, recording_id: UUID) -> SignedReceipt:
        """Ask for the receipt."""
        return self._ask(
            "POST",
            protocol.PATH_COMPLETE.format(recording_id=recording_id),
            SignedReceipt,
            timeout_seconds=600,
        )

    def put_head(self, target: HeadTarget, head: bytes) -> None:
        """Send the head and return when it is kept."""
        self._put(self._client, self._url + target.url, head, target.headers)

    def put_part(self, target: PartTarget, block: bytes) -> None:
        """Send one part and return when it is acknowledged."""
        ours = target.url.startswith("/")
        client = self._client if ours else self._store
        url = self._parts_url + target.url if ours else target.url
        try:
            self._put(client, url, block, target.headers)
        except _NotThere:
            if ours:
                self._parts_url = self._url  # the server itself takes them too
            raise

    def _put(self, client: httpx.Client, url: str, content: bytes, headers: dict[str, str]) -> None:
        headers = {**headers, "Content-Length": str(len(content))}
        try:
            answer = client.put(url, content=self._slices(content), headers=headers)
        except httpx.TransportError as error:
            kind = _NotThere if isinstance(error, httpx.ConnectError) else TryLater
            raise kind(f"the line broke: {type(error).__name__}") from error
        if client is self._store and not answer.is_success:
            # Addresses expire: the next announcement brings new ones.
            raise TryLater(f"the object store answered {answer.status_code}", answered=True)
        _check(answer)

    def _slices(self, block: bytes) -> Iterator[bytes]:
        view = memoryview(block)
        for start in range(0, len(view), _SEND_BYTES):
            piece = bytes(view[start : start + _SEND_BYTES])
            self._throttle.wait(len(piece))
            yield piece

    def _ask(
        self,
        method: str,
        path: str,
        model: type[_M],
        content: str | None = None,
        *,
        timeout_seconds: float = 60,
        note: Callable[[httpx.Response], None] = lambda _: None,
    ) -> _M:
        headers = {"Content-Type": "application/json"} if content is not None else {}
        try:
            answer = self._client.request(
                method,
                self._url + path,
                content=content,
                headers=headers,
                timeout=httpx.Timeout(timeout_seconds, connect=5),
            )
        except httpx.TransportError as error:
            raise TryLater(f"the server is silent: {type(error).__name__}") from error
        _check(answer)
        note(answer)
        try:
            return model.model_validate_json(answer.content)
        except ValidationError as error:
            raise TryLater("the server's answer is not of this protocol") from error


def _check(answer: httpx.Response) -> None:
    if answer.is_success:
        return
    problem = _problem_of(answer)
    if answer.status_code in _LATER:
        raise TryLater(
            f"{problem.code or answer.status_code}: {problem.title}",
            retry_after_seconds=_retry_after(answer.headers.get("Retry-After", "")),
            answered=True,
        )
    if answer.status_code in _NOT_ADMITTED:
        if problem.code.startswith(_OF_CREDENTIALS):
            raise NotAdmitted(f"{problem.code}: {problem.title} {problem.cure}".strip())
        # A proxy or a network's sign-in page knows nothing of docks; it goes by itself.
        raise TryLater(
            f"something between the dock and the server refused ({answer.status_code});"
            " see to the network",
            answered=True,
        )
    raise Refused(problem)


def _problem_of(answer: httpx.Response) -> Problem:
    """Return the server's word on a refusal; of what others answer the status alone."""
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    bare = Problem(code=f"http.{answer.status_code}")
    if media_type != _PROBLEM_TYPE:
        return bare
    try:
        problem = Problem.model_validate_json(answer.content[:_ANSWER_BYTES_MAX])
    except ValidationError:
        return bare
    return problem if problem.code else bare


def _retry_after(text: str) -> float | None:
    if not (text.isascii() and text.isdigit()):
        return None
    return min(float(text), _RETRY_SECONDS_MAX)
