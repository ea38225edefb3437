"""Small pictures and loudness along the time line: where they stand and how they are told."""

from dataclasses import dataclass
from typing import Final

PICTURE_WIDTH: Final = 160
PICTURE_HEIGHT: Final = 90
COLUMNS: Final = 10
PICTURES_A_SHEET: Final = 100
FIRST_SHEET_PICTURES: Final = 40  # over the whole recording, made before all others
SILENCE_DB: Final = -96
_STEP_MS_MIN: Final = 10_000
_SHEETS_MAX: Final = 30  # 24 hours in steps of about 30 s
_RATES: Final = (
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
)  # fmt: skip
_ADTS_HEAD_BYTES: Final = 7
_ADTS_FRAME_BYTES_MAX: Final = 8191


@dataclass(frozen=True)
class Sheet:
    """A sheet that is made: pictures from ``first_ms`` on, ``step_ms`` apart."""

    number: int
    first_ms: int
    step_ms: int
    count: int

    @property
    def instants_ms(self) -> range:
        """When its pictures stand."""
        return range(self.first_ms, self.first_ms + self.count * self.step_ms, self.step_ms)


def planned(duration_ms: int) -> list[Sheet]:
    """Return which sheets a recording gets: number 0 over all of it, then the finer ones."""
    whole = max(duration_ms, 1)
    coarse = max(_STEP_MS_MIN, -(-whole // FIRST_SHEET_PICTURES))
    sheets = [Sheet(0, 0, coarse, _count(whole, coarse))]
    fine = max(_STEP_MS_MIN, -(-whole // (_SHEETS_MAX * PICTURES_A_SHEET)))
    if fine >= coarse:
        return sheets
    total = _count(whole, fine)
    for number, first in enumerate(range(0, total, PICTURES_A_SHEET), start=1):
        count = min(PICTURES_A_SHEET, total - first)
        sheets.append(Sheet(number, first * fine, fine, count))
    return sheets


def _count(whole_ms: int, step_ms: int) -> int:
    """Return how many pictures fit; a rest of less than half a step gets none of its own."""
    return max(1, (whole_ms + step_ms // 2) // step_ms)


def storyboard(sheets: list[Sheet], *, url: str) -> str:
    """Return the WebVTT storyboard: for each stretch the sheet and the place on it.

    Where the finer sheets are not made yet, the coarse one stands in.
    """
    fine_until = 0
    cues: list[tuple[int, int, Sheet, int]] = []
    for sheet in sorted((one for one in sheets if one.number), key=lambda one: one.first_ms):
        cues += _cues(sheet)
        fine_until = max(fine_until, sheet.first_ms + sheet.count * sheet.step_ms)
    cues += [
        cue for sheet in sheets if not sheet.number for cue in _cues(sheet) if cue[0] >= fine_until
    ]
    lines = ["WEBVTT", ""]
    for starts, ends, sheet, place in cues:
        across = place % COLUMNS * PICTURE_WIDTH
        down = place // COLUMNS * PICTURE_HEIGHT
        spot = f"{across},{down},{PICTURE_WIDTH},{PICTURE_HEIGHT}"
        lines += [
            f"{_clock(starts)} --> {_clock(ends)}",
            f"{url.format(number=sheet.number)}#xywh={spot}",
            "",
        ]
    return "\n".join(lines)


def _cues(sheet: Sheet) -> list[tuple[int, int, Sheet, int]]:
    step = sheet.step_ms
    first = sheet.first_ms
    return [(first + n * step, first + (n + 1) * step, sheet, n) for n in range(sheet.count)]


def _clock(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"


@dataclass(frozen=True)
class SoundSetUp:
    """What a bare frame of AAC needs before it can be decoded."""

    object_type: int
    rate_number: int
    channels: int

    @property
    def sample_rate(self) -> int:
        """Samples a second."""
        return _RATES[self.rate_number]


def read_sound_set_up(entry: bytes) -> SoundSetUp | None:
    """Return the set-up in an ``mp4a`` sample entry (AudioSpecificConfig), or ``None``.

    Only what ADTS can say: AAC Main, LC, SSR and LTP at a listed rate.
    """
    at = entry.find(b"esds")
    if at < 0:
        return None
    body = entry[at + 8 :]
    config = _decoder_config(body)
    if config is None or len(config) < 2:  # noqa: PLR2004 - its fixed fields
        return None
    object_type, rate = config[0] >> 3, (config[0] & 7) << 1 | config[1] >> 7
    channels = config[1] >> 3 & 15
    if not 1 <= object_type <= 4 or rate >= len(_RATES) or not 1 <= channels <= 2:  # noqa: PLR2004 - what ADTS says
        return None
    return SoundSetUp(object_type, rate, channels)


def _decoder_config(body: bytes) -> bytes | None:
    """Walk the descriptors of ISO/IEC 14496-1 section 7.2.6 down to the decoder's own bytes."""
    at = 0
    skips = {3: 3, 4: 13}  # what stands in a descriptor before the next one in it
    while at + 2 <= len(body):
        tag = body[at]
        at += 1
        size = 0
        for _ in range(4):
            if at >= len(body):
                return None
            size = size << 7 | body[at] & 0x7F
            at += 1
            if not body[at - 1] & 0x80:
                break
        if tag == 5:  # noqa: PLR2004 - DecSpecificInfoTag
            return body[at : at + size]
        if tag not in skips:
            return None
        at += skips[tag]
    return None


def adts(frame: bytes, set_up: SoundSetUp) -> bytes:
    """Return the frame behind an ADTS head; one that is too long for it becomes nothing."""
    size = len(frame) + _ADTS_HEAD_BYTES
    if size > _ADTS_FRAME_BYTES_MAX:
        return b""
    head = bytes(
        (
            0xFF,
            0xF1,
            (set_up.object_type - 1) << 6 | set_up.rate_number << 2 | set_up.channels >> 2,
            (set_up.channels & 3) << 6 | size >> 11,
            size >> 3 & 0xFF,
            (size & 7) << 5 | 0x1F,
            0xFC,
        )
    )
    return head + frame
