"""Tables of the exchange, a file for each use. What a register said is stored sealed."""

from app.exchange.models.control import (
    ControlMarkRow,
    ControlOfficerRow,
    ControlReportRow,
    ControlReviewRow,
    ControlSpanRow,
    EscalationRow,
)
from app.exchange.models.requests import RegisterRequestRow

__all__ = [
    "ControlMarkRow",
    "ControlOfficerRow",
    "ControlReportRow",
    "ControlReviewRow",
    "ControlSpanRow",
    "EscalationRow",
    "RegisterRequestRow",
]
