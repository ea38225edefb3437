"""What a check of signed video finds: a verdict for each frame, and what is not there."""

import enum
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bodycam.rules.signed_video.claims import Scheme
from bodycam.rules.signed_video.trust import Trust


class Verdict(enum.Enum):
    """What is known of a frame, the worse the later."""

    SIGNED = "signed"  # exactly the frame that the camera signed, where it signed it
    UNSIGNED = "unsigned"  # no signature covers it: nothing is known
    MOVED = "moved"  # a signed frame, elsewhere in the order
    CHANGED = "changed"  # another frame stands where the camera signed one
    FORGED = "forged"  # the signature over it is wrong, or another's


_ORDER = tuple(Verdict)
_RANK = {verdict: number for number, verdict in enumerate(_ORDER)}


@dataclass(frozen=True, kw_only=True)
class Span:
    """Frames of one verdict in a row, counted from 0; ``end_frame`` is not among them."""

    first_frame: int
    end_frame: int
    verdict: Verdict
    starts_ms: int
    ends_ms: int


@dataclass(frozen=True)
class Missing:
    """Units that were signed and are not here, before ``frame``; ``count`` 0 is not known."""

    frame: int
    count: int


class Strip:
    """The verdicts of a stream's frames, a byte each."""

    def __init__(self) -> None:
        self._verdicts = bytearray()
        self._touched = bytearray()
        self._times: array[int] = array("q")

    def __len__(self) -> int:
        return len(self._verdicts)

    def begin(self, time_ms: int) -> int:
        """Add a frame; return its number."""
        self._verdicts.append(_RANK[Verdict.UNSIGNED])
        self._touched.append(0)
        self._times.append(time_ms)
        return len(self._verdicts) - 1

    def mark(self, frame: int, verdict: Verdict) -> None:
        """Say what was found of a unit of the frame: the worst counts."""
        rank = _RANK[verdict]
        if not self._touched[frame] or rank > self._verdicts[frame]:
            self._verdicts[frame] = rank
        self._touched[frame] = 1

    def spans(self, *, end_ms: int) -> Iterator[Span]:
        """Yield the frames of one verdict in a row."""
        first = 0
        for number in range(1, len(self) + 1):
            if number < len(self) and self._verdicts[number] == self._verdicts[first]:
                continue
            yield Span(
                first_frame=first,
                end_frame=number,
                verdict=_ORDER[self._verdicts[first]],
                starts_ms=self._times[first],
                ends_ms=self._times[number] if number < len(self) else end_ms,
            )
            first = number


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a check found. ``scheme`` is ``None`` where nothing in the stream is signed."""

    scheme: Scheme | None
    trust: Trust
    key_sha256: str
    frames: int
    spans: tuple[Span, ...]
    missing: tuple[Missing, ...]
    broken_claims: int = 0
    wrong_signatures: int = 0
    notes: tuple[str, ...] = field(default=())
    broken_ms: tuple[tuple[int, int], ...] = ()  # from and to: bytes there are no picture

    def frames_of(self, *verdicts: Verdict) -> int:
        """Return how many frames have one of the verdicts."""
        return sum(one.end_frame - one.first_frame for one in self.spans if one.verdict in verdicts)

    @property
    def tampered(self) -> bool:
        """Whether anything proves that the stream is not what the camera made."""
        bad = (Verdict.MOVED, Verdict.CHANGED, Verdict.FORGED)
        return bool(self.missing or self.wrong_signatures or self.frames_of(*bad))

    def as_json(self, *, spans_max: int | None = None) -> dict[str, object]:
        """Return the findings as they are stored and shown; of very many spans the first."""
        spans: Iterable[Span] = self.spans if spans_max is None else self.spans[:spans_max]
        return {
            "scheme": self.scheme.value if self.scheme else None,
            "trust": self.trust.value,
            "key_sha256": self.key_sha256,
            "frames": self.frames,
            "tampered": self.tampered,
            "spans": [
                [one.first_frame, one.end_frame, one.verdict.value, one.starts_ms, one.ends_ms]
                for one in spans
            ],
            "spans_total": len(self.spans),
            "missing": [[one.frame, one.count] for one in self.missing[:spans_max]],
            "broken_claims": self.broken_claims,
            "wrong_signatures": self.wrong_signatures,
            "notes": list(self.notes),
        }
