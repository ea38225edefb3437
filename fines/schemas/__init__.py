"""Shapes of the staff API of fines, a file for each part."""

from fines.schemas.payments import (
    DuplicateOut,
    FilingOut,
    PaymentBegunOut,
    PaymentIn,
    PaymentOut,
    SlipOut,
    VerificationOut,
)
from fines.schemas.records import (
    ARTICLE_PATTERN,
    PART_PATTERN,
    ActIn,
    ActOut,
    ArticleOut,
    CatalogueOut,
    OffenceRecordIn,
    OffenceRecordOut,
    PaymentLineOut,
    ReceiptOut,
    ReducedIn,
    TechnicalDeviceIn,
)

__all__ = [
    "ARTICLE_PATTERN",
    "PART_PATTERN",
    "ActIn",
    "ActOut",
    "ArticleOut",
    "CatalogueOut",
    "DuplicateOut",
    "FilingOut",
    "OffenceRecordIn",
    "OffenceRecordOut",
    "PaymentBegunOut",
    "PaymentIn",
    "PaymentLineOut",
    "PaymentOut",
    "ReceiptOut",
    "ReducedIn",
    "SlipOut",
    "TechnicalDeviceIn",
    "VerificationOut",
]
