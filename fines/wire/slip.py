"""The one slip model: what is printed, archived and shown are renderings of these lines."""

import enum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

LINE_COLUMNS = 32  # a 58 mm roll: 384 dots at 12 dots a character
LINES_MAX = 140  # a duplicate has its marks besides
TEXT_MAX = 200


class Align(enum.Enum):
    """Where a line's text stands."""

    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"


class SlipKind(enum.Enum):
    """What a slip states. Only ``SALE`` says that something was paid."""

    SALE = "sale"
    DECLINED = "declined"
    REVERSED = "reversed"
    REFUND = "refund"  # a person gave the money back, later


class SlipLine(BaseModel):
    """One line. ``right`` is set flush right on the same line (a label and its value)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str = Field(default="", max_length=TEXT_MAX)
    right: str = Field(default="", max_length=TEXT_MAX)
    align: Align = Align.LEFT
    bold: bool = False
    large: bool = False
    rule: bool = False  # a ruled line; text and right are empty
    signature: bool = False  # room and a line to sign on; text stands under it
    qr: str = Field(default="", max_length=512)  # a QR code of this text; nothing else on the line


class Slip(BaseModel):
    """One paper. ``copy_number`` 1 is the violator's, 2 is filed to the offence record.

    ``duplicate`` counts reprints: 0 is the original, and there is only ever one of each copy.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    slip_id: UUID
    payment_id: UUID
    kind: SlipKind
    copy_number: int = Field(ge=1, le=2)
    copies: int = Field(default=2, ge=1, le=2)
    duplicate: int = Field(default=0, ge=0, le=99)
    lines: tuple[SlipLine, ...] = Field(max_length=LINES_MAX)
