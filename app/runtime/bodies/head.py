"""The head of a request: read strictly, since a proxy before us may read it otherwise."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

import httptools

HEAD_BYTES_MAX: Final = 16 << 10
_HEADERS_MAX: Final = 64
_LENGTH_DIGITS_MAX: Final = 15
END: Final = b"\r\n\r\n"


class HeadNotGood(Exception):
    """The head is refused and the connection closed; ``status`` says how."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass
class Head:
    """What a head says. Names of headers are in lower case."""

    method: str = ""
    version: str = "1.1"
    target: bytes = b""
    path: str = ""
    raw_path: bytes = b""
    query: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    keep_alive: bool = False
    body_bytes: int = 0
    expects_continue: bool = False


class _Listener:
    """What the parser calls."""

    def __init__(self) -> None:
        self.head = Head()
        self.whole = False

    def on_url(self, url: bytes) -> None:
        self.head.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.head.headers) == _HEADERS_MAX:
            raise HeadNotGood(431, "too many headers")
        self.head.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.whole = True


def read_head(text: bytes) -> Head:
    """Return the head that ``text`` is, its empty line included.

    Raises:
        HeadNotGood: it is no head of HTTP/1, or one that two readers may understand differently.
    """
    listener = _Listener()
    parser = httptools.HttpRequestParser(listener)
    try:
        parser.feed_data(text)
        head = listener.head
        url = httptools.parse_url(head.target)
    except httptools.HttpParserUpgrade as error:
        raise HeadNotGood(400, "no upgrades here") from error
    except httptools.HttpParserError as error:
        # What a callback raised is the cause, and has its own word.
        cause = error.__context__
        raise (cause if isinstance(cause, HeadNotGood) else HeadNotGood(400, "no HTTP")) from error
    if not listener.whole or not url.path.startswith(b"/"):
        raise HeadNotGood(400, "no HTTP")
    head.method = parser.get_method().decode("ascii")
    head.version = parser.get_http_version()
    head.keep_alive = parser.should_keep_alive()
    head.raw_path, head.path = url.path, unquote_to_bytes(url.path).decode("utf-8", "replace")
    head.query = url.query or b""
    _read_fields(head)
    return head


def _read_fields(head: Head) -> None:
    named = [name for name, _ in head.headers]
    if b"transfer-encoding" in named:
        raise HeadNotGood(411, "a body needs its Content-Length")
    if head.version not in {"1.0", "1.1"}:
        raise HeadNotGood(505, "HTTP/1 alone is spoken here")
    # RFC 9112 section 3.2: none or two is an error; a proxy may have chosen by the other one.
    if head.version == "1.1" and named.count(b"host") != 1:
        raise HeadNotGood(400, "one Host is needed")
    lengths = [value for name, value in head.headers if name == b"content-length"]
    if len(lengths) > 1:
        raise HeadNotGood(400, "more than one Content-Length")
    if lengths:
        if not lengths[0].isdigit() or len(lengths[0]) > _LENGTH_DIGITS_MAX:
            raise HeadNotGood(400, "no Content-Length")
        head.body_bytes = int(lengths[0])
    expected = dict(head.headers).get(b"expect")
    if expected is not None:
        if expected.lower() != b"100-continue":
            raise HeadNotGood(417, "only 100-continue can be expected")
        head.expects_continue = head.version == "1.1"
