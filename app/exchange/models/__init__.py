"""Tables of the exchange, a file for each use. What a register said is stored sealed."""

from app.exchange.models.requests import (
    RegisterRequestRow,
    RequestDisclosureRow,
    SamplingSeedRow,
)
from app.exchange.models.sanctions import CourtSanctionRow, SanctionStepRow

__all__ = [
    "CourtSanctionRow",
    "RegisterRequestRow",
    "RequestDisclosureRow",
    "SamplingSeedRow",
    "SanctionStepRow",
]
