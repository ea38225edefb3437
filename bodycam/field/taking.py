"""Taking one camera: announce it, send its parts, wipe it against the receipt."""

import base64
import hashlib
import threading
import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bodycam.field.bay import BlocksNotReadable, CameraChanged, Found, look_into, some_of, wipe
from bodycam.field.board import Board, Progress
from bodycam.field.journal import Journal
from bodycam.field.salvage import Salvage
from bodycam.field.server import Refused, Server, TryLater
from bodycam.field.slots import Slots, Urgency
from bodycam.wire.digests import block_size
from bodycam.wire.manifest import SignedReceipt
from bodycam.wire.protocol import (
    Announce,
    DifferingBlock,
    HeadTarget,
    PartTarget,
    Problem,
    State,
    UploadPlan,
)

_AGAIN_MAX: Final = 5  # times in a row that one recording is announced anew after a refusal
_HEADS_TRIED_MAX: Final = 3  # of a head that the server puts off
_PARTS_OF_ONE_MAX: Final = 2  # of one camera at once: its memory card is read no faster
# The server's words that are cured by reading and announcing again, not by a person.
_AGAIN: Final = frozenset(
    {
        "bodycam.already_stored",
        "bodycam.digest_wrong",
        "bodycam.part_goes_to_store",
        "bodycam.parts_missing",
        "bodycam.recording_not_found",
        "bodycam.stored_bytes_wrong",
    }
)
_DIFFERS: Final = "bodycam.block_differs"
_NOBODY_WAITS: Final = datetime.max.replace(tzinfo=UTC)


def lasting(code: str) -> bool:
    """Return whether a refusal stays until a person cures it: the server's own word that says so.

    A proxy's bare 404 during a deployment is nobody's word on a recording.
    """
    return code.startswith("bodycam.") and code not in _AGAIN | {_DIFFERS}


class ReceiptNotGood(Exception):
    """The receipt is not signed, or not for exactly what lies on the camera: it is kept."""


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What the taking of every camera shares."""

    server: Server
    journal: Journal
    board: Board
    slots: Slots
    receipt_key: Ed25519PublicKey
    stop: threading.Event
    salvages: dict[UUID, Salvage] = field(default_factory=dict)  # of cards that fail


class Taking:
    """One camera on its way to the server. ``announce`` it, then ``finish``.

    One that is ``slow`` to announce is left to ``finish``, which does it first.
    """

    def __init__(self, tools: Tools, found: Found) -> None:
        self._tools = tools
        unreadable = tools.journal.unreadable_of(found.manifest.recording_id)
        self._found = replace(found, unreadable=unreadable)
        if unreadable:
            salvage = tools.salvages.setdefault(self.recording_id, Salvage())
            self._found = replace(self._found, salvage=salvage)
        self._differing: tuple[DifferingBlock, ...] = ()
        self._announced_once = False
        self._stored: frozenset[int] = frozenset()
        self._kept: frozenset[int] = frozenset()
        self._total_bytes = found.size_bytes
        self._plan: UploadPlan | None = None
        self._heads_tried = 0
        self.asked_at = time.monotonic()
        self.urgency: Urgency = (_NOBODY_WAITS, found.manifest.started_at, found.bay)

    @property
    def bay(self) -> str:
        """The bay's name."""
        return self._found.bay

    @property
    def recording_id(self) -> UUID:
        """The recording that lies on the camera."""
        return self._found.manifest.recording_id

    @property
    def slow(self) -> bool:
        """Whether blocks of a failing card must be read in pieces before it can be announced."""
        return not self._found.salvage.knows(self._found.unreadable)

    def announce(self) -> None:
        """Tell the server of the recording: manifest, track and head go before all bulk.

        Raises:
            Refused, NotAdmitted, TryLater: the server's word, or its silence.
            BlocksNotReadable: what must be declared cannot be read.
        """
        found = self._found
        lost = found.lost_blocks()
        known = {block.number: block for block in (*lost, *found.cut_blocks())}
        self._differing = tuple(known[number] for number in sorted(known))
        if found.truncated:
            self._tell(
                f"declared truncated: {found.size_bytes} of"
                f" {found.manifest.size_bytes} bytes are on the camera"
            )
        if lost:
            numbers = some_of(block.number for block in lost)
            self._tell(
                f"blocks that cannot be read whole, declared: {numbers};"
                f" zeros are sent for bytes {found.zeros() or 'none'}"
            )
        self._tools.journal.announced(found.manifest.recording_id, bay=found.bay)
        self._plan = self._announced_with_head()
        self._announced_once = True

    def ask_again(self) -> None:
        """Learn whether somebody waits by now, and until when; repeatable at any time.

        Raises:
            Refused, NotAdmitted, TryLater: the server's word, or its silence.
        """
        self.asked_at = time.monotonic()
        if self._announced_once:
            self._plan = self._announced()

    def finish(self) -> None:
        """Send what the server lacks and wipe the camera against the receipt.

        Raises:
            Refused, NotAdmitted, TryLater: the server's word, or its silence.
            CameraChanged, ReceiptNotGood: the camera is left as it is.
            BlocksNotReadable: all others have been sent.
        """
        if not self._announced_once:
            self.announce()
        self._wipe_against(self._send())

    def _announced_with_head(self) -> UploadPlan:
        plan = self._announced()
        if plan.head is None or self._heads_tried >= _HEADS_TRIED_MAX:
            return plan
        self._heads_tried += 1
        # By the head the server knows which blocks hold what somebody waits for.
        return self._announced() if self._head_sent(plan.head) else plan

    def _head_sent(self, target: HeadTarget) -> bool:
        """Send the head. Without it the recording is only seen later: no bulk waits for it.

        Raises:
            TryLater: the server is silent, and would be so for the bulk too.
        """
        head = self._found.read_head()
        if head is None:
            self._tell("the head is not as the camera signed it; goes without")
            self._heads_tried = _HEADS_TRIED_MAX
            return False
        try:
            self._tools.server.put_head(target, head)
        except Refused as refused:
            self._tell(f"the head was refused ({refused.code}); goes without")
            self._heads_tried = _HEADS_TRIED_MAX
            return False
        except TryLater as reason:
            if not reason.answered:
                raise
            self._tell(f"the head goes later: {reason}")
            return False
        return True

    def _tell(self, line: str) -> None:
        self._tools.board.tell(f"{self.bay}: {line}")

    def _announced(self) -> UploadPlan:
        found = self._found
        plan = self._tools.server.announce(
            Announce(
                manifest=found.manifest,
                signature=found.signature,
                found_bytes=found.size_bytes,
                differing=self._differing,
            )
        )
        self._stored = frozenset(plan.acknowledged)
        if plan.kept and not self._kept:
            self._tell(
                "the card fails: the server holds blocks that it does not give back as signed: "
                + some_of(plan.kept)
            )
        self._kept, self._total_bytes = frozenset(plan.kept), plan.found_bytes
        self.urgency = (plan.wanted_until or _NOBODY_WAITS, *self.urgency[1:])
        return plan

    def _send(self) -> SignedReceipt:
        found = self._found
        progress = Progress(self._tools.board, bay=found.bay, total_bytes=found.size_bytes)
        again = 0
        while again <= _AGAIN_MAX:
            try:
                plan, self._plan = self._plan or self._announced_with_head(), None
                self._tell_resumed(plan, progress)
                if plan.state is State.RECEIVING and plan.parts:
                    self._send_parts(plan.parts, progress)
                    again = 0
                else:
                    self._tools.board.show(self.bay, "being verified")
                    return self._tools.server.complete(found.manifest.recording_id)
            except Refused as refused:
                if refused.code == _DIFFERS:
                    self._declare()
                elif refused.code in _AGAIN:
                    self._tell(f"{refused}; once more")
                else:
                    raise
                again += 1
        raise TryLater(f"{found.bay} does not get through", answered=True)

    def _tell_resumed(self, plan: UploadPlan, progress: Progress) -> None:
        size = plan.found_bytes
        progress.resumed(
            sum(block_size(number=number, size_bytes=size) for number in plan.acknowledged)
        )
        if progress.sent == 0 and plan.acknowledged and plan.parts:
            self._tell(f"resumes, {len(plan.acknowledged)} parts are there")

    def _declare(self) -> None:
        """Read the whole file twice; what differs both times alike is declared."""
        found = self._found
        expected = self._expected()
        stored = {number: expected[number] for number in self._stored}
        first = found.differing_blocks(stored)
        if first != found.differing_blocks(stored):
            raise CameraChanged(f"{found.bay} reads differently each time")
        if first == self._differing:
            raise CameraChanged(f"{found.bay} differs in a way the server does not accept")
        numbers = some_of(block.number for block in first)
        self._tell(f"blocks not as the camera signed them, declared: {numbers}")
        self._differing = first

    def _expected(self) -> dict[int, str]:
        expected = dict(enumerate(self._found.manifest.blocks))
        return expected | {
            block.number: block.sha256
            for block in self._differing
            if block.number not in self._kept
        }

    def _send_parts(self, parts: Iterable[PartTarget], progress: Progress) -> None:
        expected = self._expected()
        todo = iter(parts)
        stop = self._tools.stop
        failed: set[int] = set()
        with ThreadPoolExecutor(_PARTS_OF_ONE_MAX) as pool:
            running: set[Future[int]] = set()
            while True:
                while len(running) < _PARTS_OF_ONE_MAX and not stop.is_set():
                    target = next(todo, None)
                    if target is None:
                        break
                    running.add(pool.submit(self._send_part, target, expected[target.number]))
                if not running:
                    break
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    try:
                        progress.add(future.result())
                    except BlocksNotReadable as reason:  # the others may be readable still
                        failed |= reason.numbers
        if failed:
            raise BlocksNotReadable(self._found, failed)
        if stop.is_set():
            raise TryLater("stopped", answered=True)

    def _send_part(self, target: PartTarget, expected: str) -> int:
        with self._tools.slots.place(self.urgency):
            if self._tools.stop.is_set():
                raise TryLater("stopped", answered=True)
            block = self._found.read_block(target.number)
            if hashlib.sha256(block).hexdigest() != expected:
                raise _differs(target.number)
            self._tools.server.put_part(target, block)
            return len(block)

    def _wipe_against(self, signed: SignedReceipt) -> None:
        """Wipe if the receipt is the server's and covers exactly what lies on the camera.

        Raises:
            ReceiptNotGood: it does not; nothing is deleted.
        """
        found, receipt = self._found, signed.receipt
        self._check_signature(signed)
        if receipt.recording_id != found.manifest.recording_id:
            raise ReceiptNotGood("the receipt is for another recording")
        now = look_into(found.place)
        if now is None or now.manifest != found.manifest or now.size_bytes != found.size_bytes:
            raise ReceiptNotGood("the receipt does not cover what lies on the camera")
        # Read once more, after the server has stored it: what is deleted is what was receipted.
        try:
            now = replace(now, unreadable=found.unreadable, salvage=found.salvage.again())
            root = now.root(kept=self._kept)
        except BlocksNotReadable as error:
            raise ReceiptNotGood(f"stored, but {error} to compare") from error
        if root != receipt.merkle_root or receipt.size_bytes != self._total_bytes:
            if root == found.manifest.merkle_root:
                raise ReceiptNotGood(
                    "the card gives back as signed what the server's receipt lacks: tell the"
                    " keeper, who takes the file off before anybody wipes the camera"
                )
            raise ReceiptNotGood("the receipt's root is not that of the camera's bytes")
        journal = self._tools.journal
        journal.keep_receipt(receipt.recording_id, signed.model_dump(mode="json"))
        wipe(found.folder, receipt=signed.model_dump(mode="json"))
        journal.wiped(receipt.recording_id)
        self._tools.salvages.pop(receipt.recording_id, None)
        state = "whole" if receipt.whole else "damaged as found"
        self._tools.board.show(self.bay, f"stored ({state}), wiped")
        self._tell(f"stored ({state}), receipt checked, camera wiped")

    def _check_signature(self, signed: SignedReceipt) -> None:
        try:
            self._tools.receipt_key.verify(
                base64.b64decode(signed.signature), signed.receipt.signed_bytes()
            )
        except InvalidSignature as error:
            raise ReceiptNotGood("the receipt is not signed by the server") from error


def _differs(number: int) -> Refused:
    return Refused(Problem(code=_DIFFERS, title=f"block {number} is not as signed"))
