"""What others call of the use cases of devices: the names of the package ``devices.service``."""

from devices.service.assignments import (
    AssignmentView,
    HandInCheck,
    Sheet,
    correct_journal,
    make_sheets,
    return_device,
    view_assignment,
    withdraw_sheet,
)
from devices.service.cameras import CameraSpan, camera_span, camera_spans, note_pause
from devices.service.credentials import authenticate_device
from devices.service.inventory import (
    change_status,
    enroll_device,
    list_devices,
    register_device,
)
from devices.service.lookups import (
    AssignmentFacts,
    assignment_at,
    camera_key,
    camera_of_serial,
    device_names,
    device_standing,
    dock_of,
    is_in_service,
    note_docked,
    note_uploaded,
    open_assignment_of,
    terminal_number_in,
)
from devices.service.shifts import (
    ShiftView,
    close_shift,
    list_shifts,
    open_shift,
    view_shift,
)
from devices.service.sign_issue import sign_issue

__all__ = [
    "AssignmentFacts",
    "AssignmentView",
    "CameraSpan",
    "HandInCheck",
    "Sheet",
    "ShiftView",
    "assignment_at",
    "authenticate_device",
    "camera_key",
    "camera_of_serial",
    "camera_span",
    "camera_spans",
    "change_status",
    "close_shift",
    "correct_journal",
    "device_names",
    "device_standing",
    "dock_of",
    "enroll_device",
    "is_in_service",
    "list_devices",
    "list_shifts",
    "make_sheets",
    "note_docked",
    "note_pause",
    "note_uploaded",
    "open_assignment_of",
    "open_shift",
    "register_device",
    "return_device",
    "sign_issue",
    "terminal_number_in",
    "view_assignment",
    "view_shift",
    "withdraw_sheet",
]
