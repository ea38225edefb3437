"""Where a user of the exchange stands: registration and agreement (items 12-17 of the Rules)."""

import enum


class UserStanding(enum.Enum):
    """Whether the person may use the exchange at this instant. Only ``ACTIVE`` may ask."""

    ACTIVE = "active"
    NO_POST = "no_post"
    NOT_REGISTERED = "not_registered"  # no access request of his was ever granted
    SUSPENDED = "suspended"  # transferred, and past the day in which to ask for rights anew
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


class AgreementStanding(enum.Enum):
    """Whether the user has signed the agreement in the version of this instant."""

    SIGNED = "signed"
    MISSING = "missing"
    OLD = "old"
    UNKNOWN = "unknown"
