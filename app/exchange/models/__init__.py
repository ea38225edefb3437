"""Tables of the exchange, a file for each use. What a register said is stored sealed."""

from app.exchange.models.access import (
    AccessGrantRow,
    AccessRequestRow,
    AgreementRow,
    AgreementSignatureRow,
)
from app.exchange.models.control import (
    ControlMarkRow,
    ControlOfficerRow,
    ControlReportRow,
    ControlReviewRow,
    ControlSpanRow,
    EscalationRow,
)
from app.exchange.models.courts import CourtsMessageRow, CourtsSystemRow
from app.exchange.models.requests import (
    DeclaredRelativeRow,
    RegisterRequestRow,
    RequestDisclosureRow,
    RequestDocumentRow,
    RequestHoldRow,
    RequestSweepRow,
    SamplingSeedRow,
)
from app.exchange.models.sanctions import CourtSanctionRow, SanctionStepRow

__all__ = [
    "AccessGrantRow",
    "AccessRequestRow",
    "AgreementRow",
    "AgreementSignatureRow",
    "ControlMarkRow",
    "ControlOfficerRow",
    "ControlReportRow",
    "ControlReviewRow",
    "ControlSpanRow",
    "CourtSanctionRow",
    "CourtsMessageRow",
    "CourtsSystemRow",
    "DeclaredRelativeRow",
    "EscalationRow",
    "RegisterRequestRow",
    "RequestDisclosureRow",
    "RequestDocumentRow",
    "RequestHoldRow",
    "RequestSweepRow",
    "SamplingSeedRow",
    "SanctionStepRow",
]
