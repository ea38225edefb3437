"""The courts' channel: what a message must name, and when it is too late for it.

Order 151, item 24: courts do not sign in, they come by their own system. Item 8 and ASVS 8.3.3:
a person stands behind each call, and the rights are his. The system's credential proves which
system brought the message; the person's signature over it proves everything else.
"""

import enum
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import rfc8785

from app.exchange.errors import (
    CourtMessageNotForUs,
    CourtMessageNotValid,
    CourtMessageStale,
)

WINDOW: Final = timedelta(seconds=60)  # between the person's signing and our taking, either way


class CourtAct(enum.Enum):
    """What a message is for; signed for one it serves no other."""

    REQUEST = "request"
    VIEW = "view"  # of a request that was made before
    JUSTIFICATION = "justification"  # of a request on which the draw fell
    SANCTIONS = "sanctions"  # fetches those that were sent to the court
    SANCTION_ANSWER = "sanction_answer"


def canonical(message: Mapping[str, object]) -> bytes:
    """Return the bytes a person signs: the RFC 8785 form of the message.

    Raises:
        CourtMessageNotValid: it has no such form: a number that is none, or nested too deeply.
    """
    try:
        return rfc8785.dumps(dict(message))  # type: ignore[arg-type]  # parsed JSON
    except (rfc8785.CanonicalizationError, RecursionError, ValueError, TypeError) as error:
        raise CourtMessageNotValid("the message has no canonical form") from error


def check_message(
    *,
    audience: str,
    our_audience: str,
    system_id: UUID,
    our_system_id: UUID,
    sent_at: datetime,
    now: datetime,
) -> None:
    """Check that a message is for this server, from this system, and fresh.

    Raises:
        CourtMessageNotForUs, CourtMessageStale: it is not.
    """
    if audience != our_audience or system_id != our_system_id:
        raise CourtMessageNotForUs("the message is for another server or system")
    if abs(now - sent_at) > WINDOW:
        raise CourtMessageStale("the message was not signed within the last minute")
