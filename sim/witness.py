"""A C2SP witness of another body: cosigns checkpoints that continue what it has seen.

    with SimWitness(log_key="saqshy.kz/log+…", folder=Path("var/sim/witness")) as witness:
        ...  # the server's settings witness_url and witness_key are witness.url and witness.key

It remembers the log's last checkpoint on disk and refuses a fork. Written from the specification
(https://c2sp.org/tlog-witness) alone, with arithmetic of its own, so that it cannot share an error
with the server. It can be told to be silent, or to lose its answers.
"""

import base64
import hashlib
import os
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

NAME: Final = "witness.simulation.kz/kpsisu"
_BODY_BYTES_MAX: Final = 64 * 1024
_NOTE, _COSIGNATURE = b"\x01", b"\x04"
_TEXT: Final = "text/plain; charset=utf-8"
_SIZE: Final = "text/x.tlog.size"


class _Refused(Exception):
    """The status and text of a refusal."""

    def __init__(self, status: int, text: str = "", kind: str = _TEXT) -> None:
        super().__init__(text)
        self.status, self.text, self.kind = status, text, kind


@dataclass(kw_only=True)
class SimWitness:
    """Serves ``add-checkpoint`` for one log inside ``with``.

    Attributes:
        log_key: the log's verifier key; until it is set, nothing is cosigned.
        folder: what it remembers.
    """

    log_key: str
    folder: Path
    port: int = 0
    silent: bool = False
    loses_answers: bool = False
    refused: list[int] = field(default_factory=list)
    url: str = ""
    _private: Ed25519PrivateKey = field(init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _server: ThreadingHTTPServer | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "witness.key"
        if not path.exists():
            path.write_bytes(Ed25519PrivateKey.generate().private_bytes_raw())
            path.chmod(0o600)
        self._private = Ed25519PrivateKey.from_private_bytes(path.read_bytes())

    @property
    def key(self) -> str:
        """The witness's verifier key."""
        public = self._private.public_key().public_bytes_raw()
        encoded = base64.b64encode(_COSIGNATURE + public).decode()
        return f"{NAME}+{_key_id(NAME, _COSIGNATURE, public).hex()}+{encoded}"

    def add_checkpoint(self, body: str) -> tuple[int, str, str]:
        """Return status, text and content type of the answer to a submission."""
        with self._lock:  # looking and remembering are one act
            try:
                return 200, self._cosigned(body), _TEXT
            except _Refused as refusal:
                self.refused.append(refusal.status)
                return refusal.status, refusal.text, refusal.kind
            except (ValueError, IndexError):
                self.refused.append(400)
                return 400, "not an add-checkpoint request\n", _TEXT

    def _cosigned(self, body: str) -> str:
        head, _, note = body.partition("\n\n")
        first, *proof = head.split("\n")
        earlier = int(first.removeprefix("old "))
        text = self._signed_text(note)
        size, root = int(text.split("\n")[1]), base64.b64decode(text.split("\n")[2])
        if earlier > size:
            raise _Refused(400, "old size is larger\n")
        known, known_root = self._known()
        if earlier != known:
            raise _Refused(409, f"{known}\n", _SIZE)
        path = [base64.b64decode(line, validate=True) for line in proof]
        if not _consistent(known, known_root, size, root, path):
            raise _Refused(422, "the proof does not hold\n")
        self._remember(size, root)
        return self._line(text)

    def _signed_text(self, note: str) -> str:
        if not self.log_key:
            raise _Refused(404, "unknown log\n")
        name, key_id, encoded = self.log_key.strip().split("+", 2)
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(encoded)[1:])
        text, _, signatures = note.rpartition("\n\n")
        text += "\n"
        if text.split("\n")[0] != name:
            raise _Refused(404, "unknown log\n")
        for line in signatures.splitlines():
            dash, signer, content = line.split(" ")
            signature = base64.b64decode(content)
            if (dash, signer) == ("—", name) and signature[:4].hex() == key_id:
                try:
                    public.verify(signature[4:], text.encode())
                except InvalidSignature as error:
                    raise _Refused(403, "the signature does not fit\n") from error
                return text
        raise _Refused(403, "not signed by the log\n")

    def _known(self) -> tuple[int, bytes]:
        try:
            size, root = (self.folder / "seen").read_text().split()
        except FileNotFoundError:
            return 0, b""
        return int(size), bytes.fromhex(root)

    def _remember(self, size: int, root: bytes) -> None:
        half = self.folder / ".seen"
        with half.open("w") as file:
            file.write(f"{size} {root.hex()}")
            file.flush()
            os.fsync(file.fileno())
        half.replace(self.folder / "seen")

    def _line(self, text: str) -> str:
        at = int(time.time())
        signature = self._private.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
        public = self._private.public_key().public_bytes_raw()
        content = _key_id(NAME, _COSIGNATURE, public) + at.to_bytes(8, "big") + signature
        return f"— {NAME} {base64.b64encode(content).decode()}\n"

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler_of(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


def _key_id(name: str, kind: bytes, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + kind + public).digest()[:4]


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _consistent(
    earlier: int, earlier_root: bytes, size: int, root: bytes, path: list[bytes]
) -> bool:
    """Tell by recursion (RFC 6962 section 2.1.2, read backwards) whether the proof holds."""
    if earlier == 0:
        return not path
    rest = list(path)

    def both(known: int, count: int, *, whole: bool) -> tuple[bytes, bytes]:
        if known == count:
            hash_ = earlier_root if whole else rest.pop(0)
            return hash_, hash_
        left = 1 << ((count - 1).bit_length() - 1)
        if known <= left:
            before, after = both(known, left, whole=whole)
            return before, _node(after, rest.pop(0))
        before, after = both(known - left, count - left, whole=False)
        sibling = rest.pop(0)
        return _node(sibling, before), _node(sibling, after)

    try:
        return both(earlier, size, whole=True) == (earlier_root, root) and not rest
    except IndexError:  # the proof ends too early
        return False


def _handler_of(witness: SimWitness) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(int(self.headers.get("Content-Length", "0")), _BODY_BYTES_MAX)
            body = self.rfile.read(length).decode(errors="replace")
            if witness.silent or self.path != "/add-checkpoint":
                self.send_error(503)
                return
            status, text, kind = witness.add_checkpoint(body)
            if witness.loses_answers:
                self.close_connection = True
                return
            content = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Keep the terminal quiet."""

    return Handler
