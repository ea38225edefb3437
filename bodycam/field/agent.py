"""The work of the dock: look into the bays, take several cameras at once, the most urgent first."""

import base64
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bodycam.field.bay import (
    BlocksNotReadable,
    CameraChanged,
    CameraNotReadable,
    Place,
    half_wiped,
    look_into,
    places_in,
    read_manifest,
    wipe,
)
from bodycam.field.board import Board
from bodycam.field.journal import Journal, JournalFull
from bodycam.field.pace import Left, Pace, Reads
from bodycam.field.server import Refused, Server, TryLater
from bodycam.field.slots import Slots
from bodycam.field.taking import ReceiptNotGood, Taking, Tools, lasting

_PARALLEL_MAX: Final = 3
_LOOK_AGAIN_SECONDS: Final = 2.0
_ASKED_AGAIN_MAX: Final = 2  # at one look: an announcement may have megabytes
_PACE: Final = Pace()
CAMERAS_AT_ONCE: Final = 4  # more only wait for each other's places
# A camera pulled out of its bay, or a failing memory card, is an OSError.
_LEFT: Final = (CameraNotReadable, CameraChanged, ReceiptNotGood, JournalFull, OSError)


class NotTheServer(Exception):
    """The server shows another receipt key than the pinned one; nothing may be wiped."""


class Agent:
    """Takes every recording in the bays to the server and wipes cameras.

    Each new camera is announced at once, so that the server knows of it and of its track before
    any bulk is sent. Then up to ``cameras_at_once`` are taken beside each other; a free place for
    a part goes to the recording with the nearest deadline.

    Args:
        server: the server, as ``hello`` will prove or not.
        bays: a folder with one folder a bay.
        journal: what survives a power cut.
        board: takes lines for the person at the dock, and how far each bay is.
        stop: set it to end between two parts.
        cameras_at_once: how many are taken beside each other.
        pace: how long it waits before it tries again.
    """

    def __init__(
        self,
        *,
        server: Server,
        bays: Path,
        journal: Journal,
        board: Board,
        stop: threading.Event,
        cameras_at_once: int = CAMERAS_AT_ONCE,
        pace: Pace = _PACE,
    ) -> None:
        self._server = server
        self._bays = bays
        self._journal = journal
        self._board = board
        self._stop = stop
        self._at_once = cameras_at_once
        self._pace = pace
        self._tools: Tools | None = None
        self._waiting: dict[str, Taking] = {}
        self._running: dict[Future[None], Taking] = {}
        self._later: dict[str, float] = {}  # bays that the server puts off, and until when
        self._left = Left(bays, pace)
        self._held: dict[str, float] = {}  # bays that were left, and until when
        self._reads = Reads()
        self._once = False
        self._quiet_until = 0.0  # the server is silent: nothing new is begun
        self._failures = 0
        self._looked_into: set[str] = set()
        self._told: dict[str, str] = {}  # what was last said of a bay that is left as it is
        self._good = True

    def run(self, *, once: bool) -> bool:
        """Work until stopped, or through all bays ``once``; return whether all went well.

        Raises:
            NotTheServer: the server's receipt key is not the pinned one.
            NotAdmitted: the server does not know this dock.
        """
        self._once = once
        with ThreadPoolExecutor(self._at_once) as pool:
            try:
                while not self._stop.is_set():
                    self._look()
                    self._ask_again()
                    self._start(pool)
                    if once and self._all_done():
                        return self._good
                    self._collect()
            finally:
                # The threads end between two parts; the pool would wait for them for hours.
                self._stop.set()
        return self._good

    def _all_done(self) -> bool:
        busy = self._running or self._waiting or self._later or self._held
        return not busy and time.monotonic() >= self._quiet_until

    # --- looking ------------------------------------------------------------------------------

    def _look(self) -> None:
        """Find new cameras and announce them."""
        now = time.monotonic()
        if now < self._quiet_until:
            return
        tools = self._tools = self._tools or self._meet()
        if tools is None:
            return
        bays = sorted(path for path in self._bays.iterdir() if path.is_dir())
        places = self._places_in(bays)
        names = {bay.name for bay in bays} | {place.name for place in places}
        self._board.forget(names)
        self._later = {bay: at for bay, at in self._later.items() if at > now and bay in names}
        self._held = self._left.still(names)
        busy = {taking.bay for taking in self._running.values()} | set(self._waiting)
        busy |= set(self._later) | set(self._held)
        for place in places:
            done = self._once and place.name in self._looked_into
            if done or place.name in busy:
                continue
            try:
                self._look_into(place, tools)
            except TryLater as reason:
                self._put_off(place.name, reason)
                if not reason.answered:
                    return
            except _LEFT as reason:
                self._leave_for(place.name, reason)

    def _places_in(self, bays: list[Path]) -> list[Place]:
        """Return where recordings may lie; says of which bays that cannot be told."""
        places: list[Place] = []
        for bay in bays:
            try:
                places += places_in(bay)
            except _LEFT as reason:
                self._say_left(bay.name, f"{reason}; the camera is left as it is")
        return places

    def _look_into(self, place: Place, tools: Tools) -> None:
        self._looked_into.add(place.name)
        self._finish_wiping(place)
        found = look_into(place)
        if found is None:
            self._went_well(place.name)
            return
        refusal = self._journal.refusal_of(found.manifest.recording_id)
        if refusal is not None and lasting(refusal):  # earlier agents noted others too
            self._leave(place.name, f"refused before ({refusal}); the camera is left as it is")
            return
        taking = Taking(tools, found)
        try:
            if not taking.slow:
                taking.announce()
        except Refused as refused:
            self._refuse(taking, refused)
            return
        self._board.show(place.name, "waiting")
        self._waiting[place.name] = taking

    def _meet(self) -> Tools | None:
        """Ask who the server is; ``None`` if it does not answer yet."""
        try:
            hello = self._server.hello()
            if self._journal.receipt_key is None:
                self._journal.pin(hello.receipt_key)
        except TryLater as reason:
            reason.answered = False  # nothing goes before the server has said who it is
            self._put_off("server", reason)
            return None
        except Refused as refused:
            self._put_off("server", TryLater(str(refused)))
            return None
        except JournalFull as reason:
            self._put_off("journal", TryLater(str(reason)))
            return None
        if self._journal.receipt_key != hello.receipt_key:
            raise NotTheServer("the server's receipt key is not the one this dock knows")
        return Tools(
            server=self._server,
            journal=self._journal,
            board=self._board,
            slots=Slots(min(hello.parallel_parts_max, _PARALLEL_MAX)),
            receipt_key=Ed25519PublicKey.from_public_bytes(base64.b64decode(hello.receipt_key)),
            stop=self._stop,
        )

    def _finish_wiping(self, place: Place) -> None:
        """Go on where a power cut has ended a wipe."""
        folder = place.folder
        if not half_wiped(folder):
            return
        manifest = read_manifest(folder)
        receipt = self._journal.receipt_of(manifest.recording_id) if manifest else None
        if manifest is None or receipt is None:
            return  # a camera that lost its file: declared like any other
        wipe(folder, receipt=receipt)
        self._journal.wiped(manifest.recording_id)
        self._board.tell(f"{place.name}: wipe finished after a restart")

    def _ask_again(self) -> None:
        """Let those that wait long learn of a complaint or a next shift entered meanwhile."""
        now = time.monotonic()
        if now < self._quiet_until:
            return
        due = [
            taking
            for taking in sorted(self._waiting.values(), key=lambda one: one.asked_at)
            if now - taking.asked_at >= self._pace.ask_again_seconds
        ]
        for taking in due[:_ASKED_AGAIN_MAX]:
            try:
                taking.ask_again()
            except Refused:
                pass  # its turn comes, and then what is wrong is told
            except TryLater as reason:
                if not reason.answered:
                    self._put_off(taking.bay, reason)
                    return

    # --- taking -------------------------------------------------------------------------------

    def _start(self, pool: ThreadPoolExecutor) -> None:
        """Take up the most urgent of those that wait, as many as there is room for."""
        if time.monotonic() < self._quiet_until:
            return
        for taking in sorted(self._waiting.values(), key=lambda one: one.urgency):
            if len(self._running) >= self._at_once:
                return
            del self._waiting[taking.bay]
            self._running[pool.submit(taking.finish)] = taking

    def _collect(self) -> None:
        """Wait for a taking that ends, or until it is time to look into the bays again."""
        if not self._running:
            self._stop.wait(self._idle_seconds())
            return
        done, _ = wait(self._running, timeout=_LOOK_AGAIN_SECONDS, return_when=FIRST_COMPLETED)
        for future in done:
            taking = self._running.pop(future)
            try:
                future.result()
                self._failures = 0
                self._went_well(taking.bay)
            except Refused as refused:
                self._refuse(taking, refused)
            except TryLater as reason:
                self._put_off(taking.bay, reason)
            except _LEFT as reason:
                self._leave_for(taking.bay, reason)

    def _idle_seconds(self) -> float:
        now = time.monotonic()
        if now < self._quiet_until:
            return self._quiet_until - now
        return max(
            min([now + _LOOK_AGAIN_SECONDS, *self._later.values(), *self._held.values()]) - now, 0.0
        )

    # --- what goes wrong ----------------------------------------------------------------------

    def _put_off(self, bay: str, reason: TryLater) -> None:
        if self._stop.is_set():
            return
        pause = reason.retry_after_seconds
        pause = pause or self._pace.after_failures(self._failures)
        self._failures += 1
        self._looked_into.discard(bay)
        until = time.monotonic() + pause
        if reason.answered:
            self._later[bay] = until
        elif until > self._quiet_until:
            self._quiet_until = until
        self._board.show(bay, f"waits: {reason}")
        self._board.tell(f"{bay}: {reason}; again in {pause:.0f} s")

    def _refuse(self, taking: Taking, refused: Refused) -> None:
        if not lasting(refused.code):
            self._leave(taking.bay, f"not taken: {refused}; the camera is left for a later attempt")
            return
        try:
            self._journal.refused(taking.recording_id, refused.code)
        except JournalFull as reason:  # the next start asks the server once more
            self._board.tell(f"{taking.bay}: {reason}")
        self._leave(taking.bay, f"refused for good: {refused}")

    def _leave_for(self, bay: str, reason: Exception) -> None:
        if not isinstance(reason, BlocksNotReadable):
            self._leave(bay, f"{reason}; the camera is left as it is")
        elif not reason.found.answers():
            self._leave(bay, "the camera does not answer any more; it is left as it is")
        else:
            self._count_failed_read(bay, reason)

    def _count_failed_read(self, bay: str, reason: BlocksNotReadable) -> None:
        """Try the blocks again later; after some attempts declare that they cannot be read."""
        found = reason.found
        if self._reads.failed(reason):
            blocks = found.unreadable | reason.numbers
            try:
                self._journal.unreadable(found.manifest.recording_id, bay=bay, blocks=blocks)
            except JournalFull as full:
                self._leave(bay, f"{full}; the camera is left as it is")
                return
        self._looked_into.discard(bay)
        pause = self._left.leave(bay)
        self._held[bay] = time.monotonic() + pause
        self._board.show(bay, f"waits: {reason}")
        self._board.tell(f"{bay}: {reason}; again in {pause:.0f} s")

    def _leave(self, bay: str, why: str) -> None:
        """Say once why a camera stays as it is, and try it again after a pause."""
        self._say_left(bay, why)
        if not self._once:
            self._left.leave(bay)

    def _say_left(self, bay: str, why: str) -> None:
        self._good = False
        self._board.show(bay, why)
        if self._told.get(bay) != why:
            self._told[bay] = why
            self._board.tell(f"{bay}: {why}")

    def _went_well(self, bay: str) -> None:
        self._told.pop(bay, None)
        self._left.forget(bay)
