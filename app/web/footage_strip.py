"""What the player's page draws of an examination: strips along the time line, and the track."""

import math
from dataclasses import dataclass
from typing import Any, Final

from app.web.texts import N_
from bodycam.rules.axis_cipher import AWAITED, WRONG
from bodycam.rules.magic import NO_LIKENESS, NO_MOOV_IN_CLEAR, NO_PICTURE, REASONS
from bodycam.rules.signed_video.findings import Verdict
from bodycam.service.derived import Derived

_WIDTH: Final = 1000.0  # of the drawing; the page stretches it
_HEIGHT: Final = 100.0
_LOUDNESS_POINTS_MAX: Final = 600
_QUIET_DB: Final = -60.0
_SPANS_MAX: Final = 400

VERDICTS: Final = {
    Verdict.SIGNED: N_("signed"),
    Verdict.UNSIGNED: N_("not signed"),
    Verdict.MOVED: N_("moved"),
    Verdict.CHANGED: N_("changed"),
    Verdict.FORGED: N_("signature wrong"),
}
SIGNED_VIDEO: Final = {
    "none": N_("The camera did not sign this video frame by frame."),
    "proven": N_("Signed frame by frame by a camera of ours; no signed frame was changed."),
    "unproven": N_("Signed frame by frame and unchanged, but whose camera signed is not proven."),
    "tampered": N_("Frames were changed, moved or taken out after the camera had signed them."),
}
QUARANTINE: Final = {
    REASONS[0]: N_("The file is empty."),
    REASONS[1]: N_("The file begins with zeros: it was overwritten or never written."),
    REASONS[2]: N_("The file does not begin as a video."),
    REASONS[3]: N_("The recording broke off before the camera wrote how to read it (no moov)."),
    REASONS[4]: N_("The file has no whole fragment."),
    REASONS[5]: N_("The file is a PDF document."),
    REASONS[6]: N_("The file is an archive or an office document."),
    REASONS[7]: N_("The file is a video of a kind that cameras here do not make."),
    REASONS[8]: N_("The file is a video of a kind that cameras here do not make."),
    REASONS[9]: N_("The file is a picture."),
    REASONS[10]: N_("The file is a picture."),
    REASONS[11]: N_("The file is a program. Tell the information security service."),
    REASONS[12]: N_("The file is a list of addresses and no video."),
    REASONS[13]: N_("The file is a page of text."),
    REASONS[14]: N_("The file is a list of addresses and no video."),
    REASONS[15]: N_("The file is a video of a kind that cameras here do not make."),
    NO_MOOV_IN_CLEAR: N_(
        "The recording broke off before the camera wrote how to read it (no moov)."
    ),
    NO_LIKENESS: N_(
        "The recording broke off before the camera wrote how to read it. Its pictures are looked"
        " for as soon as another recording of the same camera is here."
    ),
    NO_PICTURE: N_(
        "The recording broke off before the camera wrote how to read it, and no picture was found"
        " in it."
    ),
    AWAITED: N_("It is encrypted. Its key has not come yet; it opens by itself when it does."),
    WRONG: N_("It is encrypted, and the key that came does not open it. Ask the device keeper."),
}


@dataclass(frozen=True)
class Stretch:
    """A stretch of the strip in percent of the whole, and what it is."""

    begins: float
    lasts: float
    kind: str


@dataclass(frozen=True, kw_only=True)
class Strips:
    """Everything that is drawn; what is empty is left out."""

    verdicts: tuple[Stretch, ...]
    legend: tuple[tuple[str, str], ...]
    said: str | None  # of the signed video
    said_kind: str
    broken: tuple[Stretch, ...]
    loudness: str  # points of a closed line
    track: str
    missing: int


def strips_of(derived: Derived, *, seconds: float) -> Strips:
    """Return the drawings for a recording of that length."""
    whole_ms = max(seconds * 1000, 1.0)
    signed = derived.signed_video
    state, kind = _state(signed)
    spans = (signed or {}).get("spans", []) if state != "none" else []
    verdicts = tuple(stretch_of(one[3], one[4], whole_ms, one[2]) for one in spans[:_SPANS_MAX])
    kinds = {one.kind for one in verdicts}
    return Strips(
        verdicts=verdicts,
        legend=tuple((one.value, said) for one, said in VERDICTS.items() if one.value in kinds),
        said=SIGNED_VIDEO[state] if signed is not None else None,
        said_kind=kind,
        broken=tuple(
            stretch_of(begins, ends, whole_ms, "broken")
            for begins, ends in derived.broken_ms[:_SPANS_MAX]
        ),
        loudness=loudness_line(derived.decibels),
        track=_track([(one[1], one[2]) for one in derived.track]),
        missing=len((signed or {}).get("missing", [])),
    )


def _state(signed: dict[str, Any] | None) -> tuple[str, str]:
    if signed is None or signed["scheme"] is None:
        return "none", "plain"
    if signed["tampered"]:
        return "tampered", "bad"
    return ("proven", "good") if signed["trust"] == "proven" else ("unproven", "warn")


def stretch_of(begins_ms: float, ends_ms: float, whole_ms: float, kind: str) -> Stretch:
    """Return a stretch of time as a part of the whole strip."""
    begins = min(max(begins_ms / whole_ms, 0.0), 1.0) * 100
    lasts = min(max((ends_ms - begins_ms) / whole_ms, 0.0) * 100, 100 - begins)
    # A single frame in a day must still be seen.
    return Stretch(round(begins, 4), round(max(lasts, 0.15), 4), kind)


def loudness_line(
    decibels: tuple[int | None, ...], *, begins: float = 0.0, ends: float = _WIDTH
) -> str:
    """Return the closed line of a loudness between two places of the drawing, 1000 wide.

    Of more points than it can show the loudest stand; what is unknown is drawn as nothing.
    """
    if not decibels:
        return ""
    known = [_QUIET_DB if level is None else level for level in decibels]
    every = -(-len(known) // _LOUDNESS_POINTS_MAX)
    levels = [max(known[at : at + every]) for at in range(0, len(known), every)]
    step = (ends - begins) / max(len(levels) - 1, 1)
    points = [f"{begins:.1f},{_HEIGHT:.0f}"]
    for number, level in enumerate(levels):
        share = min(max((level - _QUIET_DB) / -_QUIET_DB, 0.0), 1.0)
        points.append(f"{begins + number * step:.1f},{_HEIGHT * (1 - share):.1f}")
    return " ".join([*points, f"{ends:.1f},{_HEIGHT:.0f}"])


def _track(points: list[tuple[int, int]]) -> str:
    """Return the walk as a line for the drawing."""
    return " ".join(f"{across / 5:.1f},{down / 5:.1f}" for across, down in walk_of(points))


def walk_of(points: list[tuple[int, int]]) -> list[tuple[float, float]]:
    """Return the walk in thousandths of a square, north up, as long one way as the other."""
    if len(points) < 2:  # noqa: PLR2004 - a line has two ends
        return []
    narrow = math.cos(math.radians(points[0][0] / 1e7))
    places = [(longitude * narrow, -latitude) for latitude, longitude in points]
    west, north = min(x for x, _ in places), min(y for _, y in places)
    across = max(x for x, _ in places) - west
    down = max(y for _, y in places) - north
    scale = 900 / max(across, down, 1)
    left, top = (1000 - across * scale) / 2, (1000 - down * scale) / 2
    return [(left + (x - west) * scale, top + (y - north) * scale) for x, y in places]
