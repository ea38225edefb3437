"""What is made of a recording besides the recording: findings, sheets of pictures, derivatives."""

import enum
from typing import Final

EXAMINE_TASK: Final = "bodycam.examine"  # the job of one recording, after its receipt
READ_BACK_TASK: Final = "bodycam.read_back"  # of what was receipted without being read
RESTORE_TASK: Final = "bodycam.restore"  # of what lost the description of its tracks
PREVIEW_TASK: Final = "bodycam.preview"  # the job of one head, before its bulk


class PlayForm(enum.Enum):
    """How the stored bytes are brought to a player."""

    FRAGMENTED = "fragmented"  # byte ranges of the file itself
    PLAIN = "plain"  # ranges of the file behind headers made for each piece
    RESTORED = "restored"  # so too, and the tables were made anew, the file's own being lost

    @property
    def by_pieces(self) -> bool:
        """Whether it is played by pieces with made headers."""
        return self is not PlayForm.FRAGMENTED


class FindingKind(enum.Enum):
    """What was looked for. Each is looked for once, and again by request only."""

    SIGNED_VIDEO = "signed_video"  # what the camera signed into the stream
    STORYBOARD = "storyboard"  # small pictures along the time line
    LOUDNESS = "loudness"  # how loud it was along the time line
    DECODING = "decoding"  # fragments whose pictures do not decode


class FindingOutcome(enum.Enum):
    """How looking ended."""

    DONE = "done"
    REFUSED = "refused"  # there is no sandbox to look in: nothing is known
    FAILED = "failed"  # the tool failed on these bytes, or took too much


class DerivativeKind(enum.Enum):
    """What was made of an original, which itself never changes."""

    SALVAGED = (
        "salvaged"  # what plays of a damaged file: its whole fragments, or all behind new tables
    )


class HeadStanding(enum.Enum):
    """Whether the head of a recording may be believed."""

    UNPROVEN = "unproven"  # the camera signed it; the bulk has not confirmed it
    CONFIRMED = "confirmed"  # index and ranges are those of the stored bytes
    DIFFERS = "differs"  # it told of another recording than was stored
