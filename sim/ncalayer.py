"""NCALayer for a browser without NCALayer: signs with the simulated authority's keys.

    with SimNcaLayer(Authority.create(Path("var/sim/authority")), port=13579) as signer:
        ...                                            # the page connects to signer.url

Speaks the part of NCALayer that ``ncalayer-js-client``'s ``basicsSignCMS`` uses: a version frame
when a page connects, then ``{"module": "kz.gov.pki.knca.basics", "method": "sign", "args": {…}}``,
answered by ``{"status": true, "body": {"result": …}}``. Where a person would choose in a window,
the key is the first that fits ``signerParams``: its ``iin``, ``bin`` and ``extKeyUsageOids``.
A window closed by the person answers without a result, as the real one does; so does this
program when told to (``cancel_next``). It serves any page on this machine and knows no password:
what it signs is worth nothing outside the simulation.
"""

import base64
import binascii
import json
import threading
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from websockets.sync.server import Server, ServerConnection, serve

from sim.authority import Authority, Key, Use
from sim.district import STAFF, Staff

PORT = 13579
_VERSION = {"result": {"version": "1.4-simulation"}}
_FRAME_BYTES_MAX = 4 << 20
_HOST = "127.0.0.1"
_JOIN_SECONDS = 5.0
_BASICS = "kz.gov.pki.knca.basics"


class _Refused(Exception):
    """The request cannot be served: the code, message and details that the page is told."""

    def __init__(self, code: str, message: str, details: str) -> None:
        super().__init__(message)
        self.answer = {"status": False, "code": code, "message": message, "details": details}


class SimNcaLayer:
    """The program that holds the keys, on loopback, in threads of its own.

    Args:
        authority: issues the keys and keeps them.
        port: where pages connect; 0 asks for any free one.
        people: whose keys are in the store.
    """

    def __init__(
        self, authority: Authority, *, port: int = PORT, people: Sequence[Staff] = STAFF
    ) -> None:
        self._authority = authority
        self._port = port
        self._people = people
        self._cancel_next = False
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._server = serve(self._page, _HOST, self._port, max_size=_FRAME_BYTES_MAX)
        self._port = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="sim-ncalayer")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join(_JOIN_SECONDS)

    @property
    def url(self) -> str:
        """Where pages connect."""
        return f"ws://{_HOST}:{self._port}"

    def cancel_next(self) -> None:
        """Answer the next request as if the person had closed the window."""
        self._cancel_next = True

    def _page(self, connection: ServerConnection) -> None:
        connection.send(json.dumps(_VERSION))
        for frame in connection:
            connection.send(json.dumps(self.answer(frame), ensure_ascii=False))

    def answer(self, frame: str | bytes) -> dict[str, object]:
        """Return the answer to one request of a page."""
        try:
            return self._answered(frame)
        except _Refused as refused:
            return refused.answer

    def _answered(self, frame: str | bytes) -> dict[str, object]:
        try:
            request = json.loads(frame)
        except ValueError as error:
            raise _Refused("BAD_REQUEST", "The request is not JSON.", str(error)) from error
        if not isinstance(request, dict) or request.get("module") != _BASICS:
            # The page asks so whether a token's own program is there; it is not.
            return {"code": "500", "message": "Module is not found."}
        arguments = request.get("args")
        if request.get("method") != "sign" or not isinstance(arguments, dict):
            raise _Refused("INVOCATION_ERROR", "The method is not found.", "only sign is served")
        if self._cancel_next:
            self._cancel_next = False
            return {"status": True, "body": {}}
        return {"status": True, "body": {"result": self._signed(arguments)}}

    def _signed(self, arguments: dict[str, object]) -> str | list[str]:
        parameters, filters = arguments.get("signingParams"), arguments.get("signerParams")
        if not isinstance(parameters, dict) or not isinstance(filters, dict):
            raise _Refused(
                "INVOCATION_ERROR",
                "An invoked method threw an exception.",
                "signingParams and signerParams are objects",
            )
        if arguments.get("format") != "cms" or parameters.get("encapsulate", True):
            raise _Refused(
                "NOT_SUPPORTED", "Only detached CMS is made here.", "set encapsulate to false"
            )
        key = self._chosen(filters)
        data = arguments.get("data")
        if isinstance(data, list):
            return [_sign(key, one, parameters) for one in data]
        return _sign(key, data, parameters)

    def _chosen(self, filters: dict[str, object]) -> Key:
        iin, bin_ = str(filters.get("iin") or ""), str(filters.get("bin") or "")
        wanted = filters.get("extKeyUsageOids")
        usages = set(wanted) if isinstance(wanted, list) else set()
        for key in self._keys(iin):
            if (not bin_ or key.bin == bin_) and usages <= key.usages:
                return key
        raise _Refused(
            "KEY_NOT_FOUND",
            "Подходящий ключ не найден / Сәйкес кілт табылмады.",
            "no key here fits signerParams",
        )

    def _keys(self, iin: str) -> Iterator[Key]:
        for staff in self._people:
            if iin in {"", staff.iin}:
                for use in Use:
                    yield self._authority.key_for(staff, use)


def _sign(key: Key, data: object, parameters: dict[str, object]) -> str:
    if not isinstance(data, str):
        raise _Refused("INVOCATION_ERROR", "An invoked method threw an exception.", "data")
    try:
        content = (
            base64.b64decode(data, validate=True) if parameters.get("decode") else data.encode()
        )
    except binascii.Error as error:
        raise _Refused("INVOCATION_ERROR", "The data is not base64.", str(error)) from error
    return base64.b64encode(Authority.sign_cms_detached(key, content)).decode()
