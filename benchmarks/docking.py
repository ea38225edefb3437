"""A dock that costs little: it announces recordings and sends their parts over plain sockets."""

import base64
import hashlib
import itertools
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.load import Failed
from benchmarks.world import World
from bodycam.wire import protocol
from bodycam.wire.digests import BLOCK_SIZE_BYTES, merkle_root
from bodycam.wire.manifest import Manifest
from sim.camera import Camera
from sim.camera_head import make_head
from sim.patrol import Device, Keeper

_DRAIN_BYTES: Final = 1 << 16
_ANSWER_SECONDS: Final = 60.0
_NUMBERS: Final = itertools.count(1)  # no two docks of a run bear the same


@dataclass
class Dock:
    """A dock of the unit and a camera whose recordings it brings."""

    world: World
    device: Device
    camera: Camera
    server_url: str = ""  # of another server than the stage's

    @classmethod
    def of(cls, world: World) -> Self:
        """Enrol a dock and a camera."""
        keeper, number = Keeper(world), next(_NUMBERS)
        key = Ed25519PrivateKey.generate()
        pem = Camera(camera_id=uuid4(), key=key).public_key_pem
        camera = keeper.enrol("camera", f"BWC-B{number:03d}", public_key_pem=pem)
        dock = keeper.enrol("dock", f"DOCK-B{number:03d}")
        return cls(world, dock, Camera(camera_id=UUID(camera.device_id), key=key))

    def announce(
        self,
        blocks: tuple[bytes, ...],
        *,
        size_bytes: int,
        seconds: float,
        footage: Path | None = None,
    ) -> UUID:
        """Announce a recording with these digests; the server makes room for it.

        Where its ``footage`` is told the head goes first, as docks send it.
        """
        if footage is None:
            return self.planned(blocks, size_bytes=size_bytes, seconds=seconds).recording_id
        recording_id = uuid4()
        head = make_head(footage, recording_id=recording_id)
        if head is None:
            raise Failed(f"no head can be made of {footage}")
        plan = self.planned(
            blocks, size_bytes=size_bytes, seconds=seconds, recording_id=recording_id, head=head
        )
        if plan.head is None:
            raise Failed("the server wants no head")
        self._send("PUT", plan.head.url, content=head, headers=plan.head.headers)
        return recording_id

    def planned(
        self,
        blocks: tuple[bytes, ...],
        *,
        size_bytes: int,
        seconds: float,
        recording_id: UUID | None = None,
        head: bytes | None = None,
    ) -> protocol.UploadPlan:
        """Announce a recording and return where its parts go."""
        ended = datetime.now(UTC) - timedelta(minutes=1)
        manifest = Manifest(
            version=2 if head else 1,
            recording_id=recording_id or uuid4(),
            camera_id=self.camera.camera_id,
            started_at=ended - timedelta(seconds=seconds),
            ended_at=ended,
            size_bytes=size_bytes,
            blocks=tuple(one.hex() for one in blocks),
            merkle_root=merkle_root(blocks).hex(),
            clock_drift_ms=0,
            battery_percent=31,
            track=(),
            previous_manifest_sha256=None,
            head_sha256=hashlib.sha256(head).hexdigest() if head else None,
            head_bytes=len(head) if head else None,
        )
        signature = base64.b64encode(self.camera.key.sign(manifest.signed_bytes())).decode()
        announced = protocol.Announce(
            manifest=manifest, signature=signature, found_bytes=size_bytes
        )
        answer = self.post(protocol.PATH_ANNOUNCE, announced.model_dump_json())
        return protocol.UploadPlan.model_validate_json(answer)

    def complete(self, recording_id: UUID) -> None:
        """Ask for the receipt."""
        self.post(protocol.PATH_COMPLETE.format(recording_id=recording_id), "")

    def post(self, path: str, content: str) -> bytes:
        """POST to the dock protocol and return the answer.

        Raises:
            Failed: the answer is no success.
        """
        headers = {"Content-Type": "application/json"} if content else {}
        return self._send("POST", path, content=content.encode(), headers=headers)

    def _send(self, method: str, path: str, *, content: bytes, headers: dict[str, str]) -> bytes:
        answer = httpx.request(
            method,
            (self.server_url or self.world.base_url) + path,
            content=content,
            headers=headers | {protocol.CREDENTIAL_HEADER: self.device.credential},
            timeout=_ANSWER_SECONDS,
        )
        if not answer.is_success:
            raise Failed(answer.text[:300])
        return answer.content

    def stream(self) -> "Stream":
        """Return a connection for parts, to where the server sends docks with them."""
        return Stream(self.world.parts_url, self.device.credential)


class Stream:
    """One kept connection that sends parts, each after the last is acknowledged."""

    def __init__(self, url: str, credential: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((str(parts.hostname), parts.port or 80))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._credential = credential

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def put(self, recording_id: UUID, number: int, block: Any, digest: bytes) -> None:
        """Send one part and wait for its acknowledgement.

        Raises:
            Failed: it was not acknowledged.
        """
        path = protocol.PATH_PART.format(recording_id=recording_id, part_number=number)
        named = base64.b64encode(digest).decode()
        head = (
            f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(block)}\r\n"
            f"{protocol.CREDENTIAL_HEADER}: {self._credential}\r\n"
            f"{protocol.DIGEST_HEADER}: sha-256=:{named}:\r\n\r\n"
        )
        self._socket.sendall(head.encode())
        self._socket.sendall(block)
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
            received = self._socket.recv(_DRAIN_BYTES)
            answer += received
            if not received:
                break
        if not answer.startswith(b"HTTP/1.1 200"):
            raise Failed(repr(answer[:300]))


class Footage:
    """Bytes of a recording, made as they are needed: each block is another one."""

    def __init__(self, seed: bytes) -> None:
        self._block = bytearray(seed)

    def block(self, recording: int, number: int) -> bytearray:
        """Return a block; good until the next is asked for."""
        self._block[:8] = recording.to_bytes(4, "big") + number.to_bytes(4, "big")
        return self._block

    def digests(self, recording: int, count: int) -> tuple[bytes, ...]:
        """Return the SHA-256 of the first ``count`` blocks."""
        blocks = (self.block(recording, number) for number in range(count))
        return tuple(hashlib.sha256(one).digest() for one in blocks)


assert BLOCK_SIZE_BYTES == 8 << 20  # noqa: S101 - what the figures say they measure
