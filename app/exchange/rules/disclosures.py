"""What may be done with a released answer; each such act is recorded before it is done."""

import enum


class DisclosureKind(enum.Enum):
    """How an answer, or the subject of a request, was shown to somebody."""

    VIEWED = "viewed"
    PRINTED = "printed"
    EXPORTED = "exported"
    UNMASKED = "unmasked"  # the subject, in a monthly report
