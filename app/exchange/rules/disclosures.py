"""How something of a request was shown; each such act is recorded before it is done."""

import enum


class DisclosureKind(enum.Enum):
    """How an answer, the subject of a request or its document was shown to somebody."""

    VIEWED = "viewed"
    PRINTED = "printed"
    EXPORTED = "exported"
    UNMASKED = "unmasked"  # the subject, in a monthly report
    DOCUMENT = "document"  # an international order's, which names its subject
