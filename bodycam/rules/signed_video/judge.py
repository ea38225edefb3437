"""Compares the units of a stream with what its signing SEI say of them, as they pass.

A SEI signs units that came before it. So units wait in ``_window`` until a claim covers them;
what no claim covers stays unsigned. A list of hashes is aligned with the units by ``matching``,
so that one changed frame does not blame its neighbours; where only a hash of the group was sent,
the group stands or falls as a whole.
"""

from dataclasses import dataclass, field
from typing import Final

from bodycam.rules.signed_video.claims import Claim, ClaimBroken, Scheme, combined, read_claim
from bodycam.rules.signed_video.findings import Findings, Missing, Strip, Verdict
from bodycam.rules.signed_video.matching import Match, Waiting, match, match_group
from bodycam.rules.signed_video.nal import Codec, Kind, digest_of, kind_of, trimmed
from bodycam.rules.signed_video.trust import Anchors, KeyRing

_WINDOW_MAX: Final = 20_000  # units without any signature: ten minutes of 30 a second
UNCOVERED_NOTE: Final = "some pictures are of a kind that neither framework signs"
_MISSING_MAX: Final = 10_000

_Marks = list[tuple["Unit", Verdict]]


@dataclass(slots=True)
class Unit(Waiting):
    """A unit that waits for its signature.

    ``claimed`` is what an unsigned SEI says of units before it: true if the SEI itself proves to
    be signed.
    """

    frame: int = 0
    claimed: _Marks = field(default_factory=list)


class Judge:
    """Takes a stream unit by unit in its order, and says at the end what is known of it."""

    def __init__(self, *, codec: Codec, anchors: Anchors | None = None) -> None:
        self.keys = KeyRing(anchors or Anchors())
        self.strip = Strip()
        self._codec = codec
        self._window: list[Unit] = []
        self._anchor = b""  # digest of the first unit of the group under way
        self._signed_anchor = b""  # the same as the last claim signed it
        self._last_first = b""  # hash of the first unit of the last claim
        self._link: bytes | None = None
        self._counter: int | None = None
        self._missing: list[Missing] = []
        self._unplaced: Missing | None = None  # signed units that nothing here matches
        self._scheme: Scheme | None = None
        self._broken = 0
        self._wrong = 0
        self._notes: dict[str, None] = {}
        self._broken_ms: list[tuple[int, int]] = []

    def frame(self, starts_ms: int, *, ends_ms: int = 0, whole: bool = True) -> None:
        """Begin the next frame; one that is not ``whole`` has bytes that are no picture."""
        self.strip.begin(starts_ms)
        if whole:
            return
        if self._broken_ms and self._broken_ms[-1][1] == starts_ms:
            self._broken_ms[-1] = (self._broken_ms[-1][0], ends_ms)
        elif len(self._broken_ms) < _MISSING_MAX:
            self._broken_ms.append((starts_ms, ends_ms))

    def take(self, nal: bytes) -> None:
        """Take the next unit of the frame."""
        nal = trimmed(nal)
        kind = kind_of(nal, self._codec)
        if kind is Kind.SEI:
            self._take_sei(nal)
        elif kind is Kind.UNCOVERED:
            self.strip.mark(len(self.strip) - 1, Verdict.UNSIGNED)
            self._notes.setdefault(UNCOVERED_NOTE)
        elif kind is not Kind.OTHER:
            digest = digest_of(nal)
            starts = kind is Kind.GROUP_START
            if starts:
                self._anchor = digest
            self._wait(Unit(digest, self._anchor, starts, len(self.strip) - 1))

    def finish(self, *, end_ms: int) -> Findings:
        """Return what was found; ``end_ms`` is where the last frame ends."""
        # The signature over the last group stands in a group that is not here.
        self._pass_over(len(self._window), lost=0)
        self._place()
        return Findings(
            scheme=self._scheme,
            trust=self.keys.trust,
            key_sha256=self.keys.fingerprint.hex(),
            frames=len(self.strip),
            spans=tuple(self.strip.spans(end_ms=end_ms)),
            missing=tuple(self._missing),
            broken_claims=self._broken,
            wrong_signatures=self._wrong,
            notes=tuple(self._notes),
            broken_ms=tuple(self._broken_ms),
        )

    def _wait(self, unit: Unit) -> None:
        self._window.append(unit)
        if len(self._window) > _WINDOW_MAX:
            self._pass_over(len(self._window) // 2, lost=len(self._window))

    def _take_sei(self, nal: bytes) -> None:
        try:
            claim = read_claim(nal, self._codec)
        except ClaimBroken as reason:
            self._broken += 1
            self._notes.setdefault(str(reason))
            return
        if claim is None:
            return
        self._scheme = self._scheme or claim.scheme
        self.keys.note(claim)
        if claim.key_only:
            return
        if claim.signature:
            good = self.keys.signed(claim)
            self._wrong += not good
            marks: _Marks = []
            self._apply(claim, Verdict.SIGNED if good else Verdict.FORGED, marks)
            for unit, verdict in marks:
                self._settle(unit, verdict)
        else:
            unit = Unit(digest_of(claim.document), self._anchor, False, len(self.strip) - 1)
            self._apply(claim, Verdict.SIGNED, unit.claimed)
            self._wait(unit)

    def _settle(self, unit: Unit, verdict: Verdict) -> None:
        """Mark a unit, and what hangs on it where it is an unsigned SEI."""
        open_marks = [(unit, verdict)]
        while open_marks:
            one, found = open_marks.pop()
            self.strip.mark(one.frame, found)
            for behind, claimed in one.claimed:
                sure = claimed if found is Verdict.SIGNED else Verdict.UNSIGNED
                open_marks.append((behind, sure))
            one.claimed = []

    def _apply(self, claim: Claim, verdict: Verdict, marks: _Marks) -> None:
        begins = self._counter is None
        lost = 0 if self._counter is None else (claim.counter - self._counter - 1) % (1 << 32)
        lost = 0 if lost > 1 << 31 else lost  # an old SEI again: the match decides
        if verdict is not Verdict.FORGED:
            self._counter = claim.counter
        if not claim.count:
            self._link = claim.link
            return
        if claim.hashes:
            found = match(
                self._window, claim.hashes, partial=claim.partial, anchor=self._signed_anchor
            )
        else:
            found = match_group(
                self._window, claim.count, claim.group_hash, partial=claim.partial, lost=lost
            )
        if found is None:
            self._not_found(claim, begins=begins, lost=lost, verdict=verdict)
        else:
            self._covered(claim, found, lost, verdict, marks)
        if verdict is not Verdict.FORGED:
            self._remember(claim, found)

    def _not_found(self, claim: Claim, *, begins: bool, lost: int, verdict: Verdict) -> None:
        """Nothing that waits is among the units signed: they were cut out, or replaced."""
        if verdict is Verdict.FORGED or (begins and 2 * len(self._window) < claim.count):
            return  # a file cut from a longer one begins with the signature of what came before
        if begins and (claim.linked or claim.counter):
            # More was signed before: what waits may as well be of an earlier signature, cut out.
            lost = len(self._window)
        self._pass_over(self._groups_end(lost), lost=lost)
        frame = len(self.strip) - 1
        before = self._unplaced.count if self._unplaced else 0
        self._unplaced = Missing(frame, before + claim.count)

    def _groups_end(self, groups: int) -> int:
        """Return where the first ``groups`` groups that wait end."""
        starts = [at for at, unit in enumerate(self._window) if unit.starts and at]
        if groups == 0 or not self._window:
            return 0
        return starts[groups - 1] if groups <= len(starts) else len(self._window)

    def _covered(
        self, claim: Claim, found: Match, lost: int, verdict: Verdict, marks: _Marks
    ) -> None:
        first = self._window[found.first]
        expected_link = claim.linked
        before = self._window[: found.first]
        self._check_link(claim, first, before, expected_link)
        self._pass_over(found.first, lost=lost)
        self._place()
        span = self._window[: found.end - found.first]
        for unit, one in zip(span, found.verdicts, strict=True):
            marks.append((unit, verdict if one is Verdict.SIGNED else max_of(one, verdict)))
        for at, count in found.missing:
            frame = span[at].frame if at < len(span) else len(self.strip) - 1
            self._note_missing(Missing(frame, count))
        del self._window[: found.end - found.first]

    def _check_link(
        self, claim: Claim, first: Unit, before: list[Unit], linked: bytes | None
    ) -> None:
        """Find groups that were cut out together with their signatures."""
        broken = False
        if self._link is not None and not before and first.starts:
            # Axis's first version: the list ended with the hash of the unit to come.
            digest = claim.hashes[0] if claim.hashes else first.digest
            broken = self._link not in (combined(self._signed_anchor, digest), digest)
        elif linked and self._last_first and linked != self._last_first:
            broken = all(unit.hash != linked for unit in before)
        if broken and self._unplaced is None:
            self._note_missing(Missing(first.frame, 0))

    def _remember(self, claim: Claim, found: Match | None) -> None:
        self._link = claim.link
        if claim.hashes:
            self._last_first = claim.hashes[0]
            if not claim.partial or (found is not None and found.starts_group):
                self._signed_anchor = claim.hashes[0]
        elif found is not None:
            self._last_first = found.first_hash

    def _pass_over(self, count: int, *, lost: int) -> None:
        """Give up waiting for a signature over the first ``count`` units."""
        if not count:
            return
        unsigned_end = self._groups_end(lost)
        for number, unit in enumerate(self._window[:count]):
            verdict = Verdict.UNSIGNED
            if self._unplaced is not None and number >= unsigned_end:
                # Units were signed for this place, and these are not they.
                verdict = Verdict.CHANGED
                left = self._unplaced.count - 1
                self._unplaced = Missing(self._unplaced.frame, left) if left else None
            self._settle(unit, verdict)
        del self._window[:count]

    def _place(self) -> None:
        if self._unplaced is not None:
            self._note_missing(self._unplaced)
            self._unplaced = None

    def _note_missing(self, missing: Missing) -> None:
        if len(self._missing) < _MISSING_MAX:
            self._missing.append(missing)


def max_of(one: Verdict, other: Verdict) -> Verdict:
    """Return the worse verdict."""
    order = tuple(Verdict)
    return max(one, other, key=order.index)
