"""Running numbers of a month, and the record that closes it: an outsider sees a missing one.

Each request of an officer carries his next number of the month, in the zone of the law; the
closing record states the last. Whoever holds the leaves counts 1 to the last and misses none.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.audit.rules.tally import FIELD
from app.clock import in_law_zone


@dataclass(frozen=True, kw_only=True)
class RunningNumber:
    """The place of one act among all acts of its stream in a month.

    Attributes:
        stream: whose acts are counted: a person's or a post's id.
        month: ``YYYY-MM`` in the zone of the law.
        number: from 1 on, without a gap.
    """

    stream: UUID
    month: str
    number: int

    def as_fields(self) -> dict[str, object]:
        """Return what the event adds to its fields."""
        return {FIELD: {"stream": str(self.stream), "month": self.month, "number": self.number}}


def month_of(at: datetime) -> str:
    """Return the month of an instant, ``YYYY-MM``, as the calendar of the law has it."""
    return f"{in_law_zone(at):%Y-%m}"
