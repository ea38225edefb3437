"""What makes a request stand out in the monthly report. A flag refuses nothing.

Thresholds are dated data of the rule set (``FlagLimits``). Lengths of time are elapsed time, so an
hour that the clock shows twice is two hours; only the night is read off the clock of Astana.
"""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.clock import in_law_zone
from app.exchange.rules.basis_rules import FlagLimits


class Flag(enum.Enum):
    """One thing the responsible official should look at."""

    SELF = "self"
    COLLEAGUE = "colleague"
    RELATIVE = "relative"
    REPEAT = "repeat"
    VOLUME = "volume"
    NIGHT = "night"
    OUT_OF_DISTRICT = "out_of_district"
    SEVERAL_BASES = "several_bases"
    ABANDONED = "abandoned"  # drawn for an extended justification that was never given


@dataclass(frozen=True, kw_only=True)
class FlagFacts:
    """What is known of a request besides what the gates ask; nothing in it names a person.

    Attributes:
        at: when it was received.
        subject_is_self, subject_is_colleague, subject_is_relative: the person asked about is the
            one who asks, holds a post in his unit, or is a declared relative.
        same_subject_before: his requests about this subject since ``repeat_since``.
        requests_before: his requests since ``volume_since``.
        bases_before: the bases under which he asked about this subject since ``bases_since``.
        basis: of this request.
        in_district: whether the device stood in the unit's district; ``None`` where no position
            is known, which is no flag.
    """

    at: datetime
    subject_is_self: bool
    subject_is_colleague: bool
    subject_is_relative: bool
    same_subject_before: int
    requests_before: int
    bases_before: frozenset[str]
    basis: str
    in_district: bool | None


def repeat_since(at: datetime, limits: FlagLimits) -> datetime:
    """Return the instant after which an earlier request on the same subject counts."""
    return at - timedelta(days=limits.repeat_days)


def volume_since(at: datetime) -> datetime:
    """Return the instant after which an earlier request of the same person counts."""
    return at - timedelta(hours=1)


def bases_since(at: datetime, limits: FlagLimits) -> datetime:
    """Return the instant after which the basis of an earlier request counts."""
    return at - timedelta(days=limits.bases_days)


def is_night(at: datetime, limits: FlagLimits) -> bool:
    """Return whether the clock of Astana stands in the night at ``at``."""
    hour = in_law_zone(at).hour
    begin, end = limits.night_from_hour, limits.night_until_hour
    if begin <= end:
        return begin <= hour < end
    return hour >= begin or hour < end


def flags_of(facts: FlagFacts, *, limits: FlagLimits) -> tuple[Flag, ...]:
    """Return the flags of a request as it comes, in the order of ``Flag``. It counts itself.

    ``ABANDONED`` is none of them: it is raised when the request dies.
    """
    raised = {
        Flag.SELF: facts.subject_is_self,
        # Who looks himself up looks up no colleague and no relative by it.
        Flag.COLLEAGUE: facts.subject_is_colleague and not facts.subject_is_self,
        Flag.RELATIVE: facts.subject_is_relative and not facts.subject_is_self,
        Flag.REPEAT: facts.same_subject_before + 1 >= limits.repeat_count,
        Flag.VOLUME: facts.requests_before + 1 > limits.volume_hour,
        Flag.NIGHT: is_night(facts.at, limits),
        Flag.OUT_OF_DISTRICT: facts.in_district is False,
        Flag.SEVERAL_BASES: bool(facts.bases_before - {facts.basis}),
    }
    return tuple(flag for flag in Flag if raised.get(flag))
