"""What other slices let a register be told, and what came of it."""

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.exchange.wire.notices import NoticeOf

__all__ = ["Notice", "NoticeOf", "NoticeOutcome", "NoticeReply", "Tell"]


class NoticeOutcome(enum.Enum):
    """What became of a notice."""

    TOLD = "told"
    REFUSED = "refused"  # the register will not have it: repeating it changes nothing
    SILENT = "silent"  # no answer that can be believed: the same notice may be sent again


@dataclass(frozen=True, kw_only=True)
class NoticeReply:
    """What became of a notice; ``fault`` says why and names nobody."""

    outcome: NoticeOutcome
    fault: str = ""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One thing to tell; ``notice_id`` stays the same however often it is told."""

    notice_id: UUID
    kind: NoticeOf
    department_bin: str
    decision_number: str
    iin: str = field(repr=False)
    happened_at: datetime
    amount_tiyn: int | None = None
    full_tiyn: int | None = None
    rrn: str = ""


Tell = Callable[[Notice], Awaitable[NoticeReply]]
