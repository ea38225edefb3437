"""Use cases of the courts' channel (Order 151, items 24, 25 and 28)."""

from app.exchange.service.courts.messages import CourtPorts, Taken, no_person, take_message
from app.exchange.service.courts.systems import (
    HEADER,
    let_in,
    system_of_credential,
    systems_of,
    withdraw,
)

__all__ = [
    "HEADER",
    "CourtPorts",
    "Taken",
    "let_in",
    "no_person",
    "system_of_credential",
    "systems_of",
    "take_message",
    "withdraw",
]
