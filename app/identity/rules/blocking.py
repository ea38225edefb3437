"""Why a person is kept out: Order 151, items 12, 14 and 16."""

import enum


class BlockReason(enum.Enum):
    """The grounds on which a user is blocked at once."""

    DISMISSAL = "dismissal"  # item 16
    REMOVAL = "removal"  # item 16: removed from the post
    VIOLATION = "violation"  # item 12: of the rules or of information security
    REQUESTED = "requested"  # item 14: by request to the operator, the person's own included
