"""Departmental control: every request of every subordinate, each month, reviewed and signed."""

from app.exchange.rules.control import Mark
from app.exchange.rules.control_report import ReportFilter, Towards
from app.exchange.rules.retention import HoldReason
from app.exchange.service.control.desk import ControlDesk, DeviceNamesOf
from app.exchange.service.control.documents import read_order_document
from app.exchange.service.control.escalating import escalate_reports
from app.exchange.service.control.exporting import (
    PaperVolume,
    export_closing,
    export_table,
    export_volume,
)
from app.exchange.service.control.holding import hold_request, release_hold
from app.exchange.service.control.opening import open_reports
from app.exchange.service.control.reading import (
    FIRST_PLACE,
    ReportCard,
    ReportPage,
    RequestDetail,
    list_reports,
    read_page,
    read_request,
)
from app.exchange.service.control.reviewing import (
    MARKED_AT_ONCE_MAX,
    ReviewDocument,
    is_reviewed,
    mark_requests,
    review_to_sign,
    sign_review,
)
from app.exchange.service.control.subjects import unmask
from app.exchange.service.control.summing import ReportSummary, read_summary

__all__ = [
    "FIRST_PLACE",
    "MARKED_AT_ONCE_MAX",
    "ControlDesk",
    "DeviceNamesOf",
    "HoldReason",
    "Mark",
    "PaperVolume",
    "ReportCard",
    "ReportFilter",
    "ReportPage",
    "ReportSummary",
    "RequestDetail",
    "ReviewDocument",
    "Towards",
    "escalate_reports",
    "export_closing",
    "export_table",
    "export_volume",
    "hold_request",
    "is_reviewed",
    "list_reports",
    "mark_requests",
    "open_reports",
    "read_order_document",
    "read_page",
    "read_request",
    "read_summary",
    "release_hold",
    "review_to_sign",
    "sign_review",
    "unmask",
]
