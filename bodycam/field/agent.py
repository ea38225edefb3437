"""The work of the dock: look into the bays, send what lies there, wipe against the receipt."""

import base64
import hashlib
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bodycam.field.bay import (
    CameraChanged,
    CameraNotReadable,
    Found,
    half_wiped,
    look_into,
    read_manifest,
    wipe,
)
from bodycam.field.journal import Journal
from bodycam.field.server import Refused, Server, TryLater
from bodycam.wire.digests import block_size
from bodycam.wire.manifest import SignedReceipt
from bodycam.wire.protocol import Announce, DifferingBlock, PartTarget, Problem, State, UploadPlan

_BACK_OFF_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
_AGAIN_MAX: Final = 5  # times in a row that one recording is announced anew after a refusal
_PARALLEL_MAX: Final = 3
_LOOK_AGAIN_SECONDS: Final = 2.0
# The server's words that are cured by reading and announcing again, not by a person.
_AGAIN: Final = frozenset(
    {"bodycam.digest_wrong", "bodycam.stored_bytes_wrong", "bodycam.parts_missing"}
)
_DIFFERS: Final = "bodycam.block_differs"


class NotTheServer(Exception):
    """The server shows another receipt key than the pinned one; nothing may be wiped."""


class ReceiptNotGood(Exception):
    """The receipt is not signed, or not for exactly what lies on the camera: it is kept."""


@dataclass
class _Progress:
    tell: Callable[[str], None]
    bay: str
    total: int
    done: int = 0
    sent: int = 0
    began: float = 0.0
    told: float = 0.0

    def add(self, count: int) -> None:
        self.done += count
        self.sent += count
        now = time.monotonic()
        if now - self.told >= 1 or self.done >= self.total:
            self.told = now
            rate = self.sent / max(now - self.began, 1e-6) / 1e6
            share = 100 * self.done // max(self.total, 1)
            self.tell(f"{self.bay}: {share} % ({self.done / 1e6:.0f} MB, {rate:.0f} MB/s)")


class Agent:
    """Takes every recording in the bays to the server, one after another, and wipes cameras.

    Args:
        server: the server, as ``hello`` will prove or not.
        bays: a folder with one folder a bay.
        journal: what survives a power cut.
        tell: takes a line for the person at the dock.
        stop: set it to end between two parts.
    """

    def __init__(
        self,
        *,
        server: Server,
        bays: Path,
        journal: Journal,
        tell: Callable[[str], None],
        stop: threading.Event,
    ) -> None:
        self._server = server
        self._bays = bays
        self._journal = journal
        self._tell = tell
        self._stop = stop
        self._key: Ed25519PublicKey | None = None
        self._parallel = 1

    def run(self, *, once: bool) -> bool:
        """Work until stopped, or through all bays ``once``; return whether all went well.

        Raises:
            NotTheServer: the server's receipt key is not the pinned one.
        """
        failures = 0
        while not self._stop.is_set():
            try:
                good = self._one_round()
                failures = 0
            except TryLater as reason:
                pause = reason.retry_after_seconds
                pause = pause or _BACK_OFF_SECONDS[min(failures, len(_BACK_OFF_SECONDS) - 1)]
                failures += 1
                self._tell(f"{reason}; again in {pause:.0f} s")
                self._stop.wait(pause)
                continue
            if once:
                return good
            self._stop.wait(2)
        return True

    def _one_round(self) -> bool:
        if self._key is None:
            self._meet()
        good = True
        later: TryLater | None = None
        for folder in sorted(path for path in self._bays.iterdir() if path.is_dir()):
            if self._stop.is_set():
                break
            try:
                good = self._take_bay(folder) and good
            # OSError: a camera pulled out of its bay, or a failing memory card.
            except (CameraNotReadable, CameraChanged, ReceiptNotGood, OSError) as reason:
                self._tell(f"{folder.name}: {reason}; the camera is left as it is")
                good = False
            except TryLater as reason:
                if not reason.answered:
                    raise
                self._tell(f"{folder.name}: {reason}")
                later = later or reason
        if later is not None:
            raise later
        return good

    def _meet(self) -> None:
        hello = self._server.hello()
        if self._journal.receipt_key is None:
            self._journal.pin(hello.receipt_key)
        elif self._journal.receipt_key != hello.receipt_key:
            raise NotTheServer("the server's receipt key is not the one this dock knows")
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(hello.receipt_key))
        self._parallel = min(hello.parallel_parts_max, _PARALLEL_MAX)

    def _take_bay(self, folder: Path) -> bool:
        self._finish_wiping(folder)
        found = look_into(folder)
        if found is None:
            return True
        recording_id = found.manifest.recording_id
        refusal = self._journal.refusal_of(recording_id)
        if refusal is not None:
            self._tell(f"{found.bay}: refused before ({refusal}); the camera is left as it is")
            return False
        if found.truncated:
            self._tell(
                f"{found.bay}: declared truncated: {found.size_bytes} of"
                f" {found.manifest.size_bytes} bytes are on the camera"
            )
        try:
            signed = self._send(found)
        except Refused as refused:
            self._journal.refused(recording_id, refused.code)
            self._tell(f"{found.bay}: refused for good: {refused}")
            return False
        self._wipe_against(found, signed)
        return True

    def _send(self, found: Found) -> SignedReceipt:
        self._journal.announced(found.manifest.recording_id, bay=found.bay)
        differing = found.cut_blocks()
        progress = _Progress(self._tell, found.bay, found.size_bytes, began=time.monotonic())
        again = 0
        while again <= _AGAIN_MAX:
            plan = self._announce(found, differing)
            self._tell_resumed(found, plan, progress)
            try:
                if plan.state is State.RECEIVING and plan.parts:
                    self._send_parts(found, plan.parts, differing, progress)
                    again = 0
                else:
                    return self._server.complete(found.manifest.recording_id)
            except Refused as refused:
                if refused.code == _DIFFERS:
                    differing = self._declare(found, differing)
                elif refused.code in _AGAIN:
                    self._tell(f"{found.bay}: {refused}; once more")
                else:
                    raise
                again += 1
        raise TryLater(f"{found.bay} does not get through", answered=True)

    def _tell_resumed(self, found: Found, plan: UploadPlan, progress: _Progress) -> None:
        progress.done = sum(
            block_size(number=number, size_bytes=found.size_bytes) for number in plan.acknowledged
        )
        if progress.sent == 0 and plan.acknowledged and plan.parts:
            self._tell(f"{found.bay}: resumes, {len(plan.acknowledged)} parts are there")

    def _announce(self, found: Found, differing: tuple[DifferingBlock, ...]) -> UploadPlan:
        return self._server.announce(
            Announce(
                manifest=found.manifest,
                signature=found.signature,
                found_bytes=found.size_bytes,
                differing=differing,
            )
        )

    def _declare(
        self, found: Found, before: tuple[DifferingBlock, ...]
    ) -> tuple[DifferingBlock, ...]:
        """Read the whole file twice; what differs both times alike is declared."""
        first = found.differing_blocks()
        if first != found.differing_blocks():
            raise CameraChanged(f"{found.bay} reads differently each time")
        if first == before:
            raise CameraChanged(f"{found.bay} differs in a way the server does not accept")
        numbers = ", ".join(str(block.number) for block in first[:20])
        self._tell(f"{found.bay}: blocks not as the camera signed them, declared: {numbers}")
        return first

    def _send_parts(
        self,
        found: Found,
        parts: Iterable[PartTarget],
        differing: tuple[DifferingBlock, ...],
        progress: _Progress,
    ) -> None:
        expected = dict(enumerate(found.manifest.blocks))
        expected |= {block.number: block.sha256 for block in differing}
        todo = iter(parts)
        with ThreadPoolExecutor(self._parallel) as pool:
            running: set[Future[int]] = set()
            while True:
                while len(running) < self._parallel and not self._stop.is_set():
                    target = next(todo, None)
                    if target is None:
                        break
                    running.add(
                        pool.submit(self._send_part, found, target, expected[target.number])
                    )
                if not running:
                    break
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    progress.add(future.result())
        if self._stop.is_set():
            raise TryLater("stopped")

    def _send_part(self, found: Found, target: PartTarget, expected: str) -> int:
        block = found.read_block(target.number)
        if hashlib.sha256(block).hexdigest() != expected:
            raise _differs(target.number)
        self._server.put_part(target, block)
        return len(block)

    def _wipe_against(self, found: Found, signed: SignedReceipt) -> None:
        """Wipe if the receipt is the server's and covers exactly what lies on the camera.

        Raises:
            ReceiptNotGood: it does not; nothing is deleted.
        """
        receipt = signed.receipt
        self._check_signature(signed)
        if receipt.recording_id != found.manifest.recording_id:
            raise ReceiptNotGood("the receipt is for another recording")
        now = look_into(found.folder)
        if now is None or now.manifest != found.manifest or now.size_bytes != receipt.size_bytes:
            raise ReceiptNotGood("the receipt does not cover what lies on the camera")
        # Read once more, after the server has stored it: what is deleted is what was receipted.
        if now.root() != receipt.merkle_root:
            raise ReceiptNotGood("the receipt's root is not that of the camera's bytes")
        self._journal.keep_receipt(receipt.recording_id, signed.model_dump(mode="json"))
        wipe(found.folder, receipt=signed.model_dump(mode="json"))
        self._journal.wiped(receipt.recording_id)
        state = "whole" if receipt.whole else "damaged as found"
        self._tell(f"{found.bay}: stored ({state}), receipt checked, camera wiped")

    def _check_signature(self, signed: SignedReceipt) -> None:
        if self._key is None:
            raise ReceiptNotGood("the server's key is not known")
        try:
            self._key.verify(base64.b64decode(signed.signature), signed.receipt.signed_bytes())
        except InvalidSignature as error:
            raise ReceiptNotGood("the receipt is not signed by the server") from error

    def _finish_wiping(self, folder: Path) -> None:
        """Go on where a power cut has ended a wipe."""
        if not half_wiped(folder):
            return
        manifest = read_manifest(folder)
        receipt = self._journal.receipt_of(manifest.recording_id) if manifest else None
        if manifest is None or receipt is None:
            return  # a camera that lost its file: declared like any other
        wipe(folder, receipt=receipt)
        self._journal.wiped(manifest.recording_id)
        self._tell(f"{folder.name}: wipe finished after a restart")


def _differs(number: int) -> Refused:
    return Refused(Problem(code=_DIFFERS, title=f"block {number} is not as signed"))
