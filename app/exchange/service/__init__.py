"""Use cases of the exchange."""

from app.exchange.rules.gates import DeviceStanding
from app.exchange.rules.inputs import RequestInput
from app.exchange.rules.requests import CheckFacts, DriverFacts, Part, VehicleFacts
from app.exchange.rules.subjects import CheckInput
from app.exchange.service.access import (
    AccessStanding,
    AgreementStanding,
    UserStanding,
    standing_of,
)
from app.exchange.service.confirming import (
    OrderToConfirm,
    confirm_order,
    object_to_order,
    objection_paper,
    orders_to_confirm,
    read_order_document,
)
from app.exchange.service.documents import attach_order_document
from app.exchange.service.going_on import end_overdue, justify, own_request, verify_waiting
from app.exchange.service.make_check import make_check
from app.exchange.service.make_request import RequestOutcome, make_request
from app.exchange.service.ports import CheckAnswer, DeviceStandingOf, ExchangePorts, SeedBook
from app.exchange.service.retention import ReviewedOf, destroy_overdue
from app.exchange.service.sampling import keep_seeds
from app.exchange.service.sanctions import (
    SanctionForCourt,
    SanctionInput,
    SanctionView,
    draft_sanction,
    expire_sanctions,
    list_sanctions,
    move_sanction,
    record_court_answer,
    record_court_receipt,
    sanctions_for_court,
    sign_sanction,
    view_sanction,
)
from app.exchange.service.surroundings import Surroundings, declare_relatives
from app.exchange.service.view_check import (
    Shown,
    check_facts,
    disclose,
    list_requests,
    mark_of,
    status_told,
    view_check,
)

__all__ = [
    "AccessStanding",
    "AgreementStanding",
    "CheckAnswer",
    "CheckFacts",
    "CheckInput",
    "DeviceStanding",
    "DeviceStandingOf",
    "DriverFacts",
    "ExchangePorts",
    "OrderToConfirm",
    "Part",
    "RequestInput",
    "RequestOutcome",
    "ReviewedOf",
    "SanctionForCourt",
    "SanctionInput",
    "SanctionView",
    "SeedBook",
    "Shown",
    "Surroundings",
    "UserStanding",
    "VehicleFacts",
    "attach_order_document",
    "check_facts",
    "confirm_order",
    "declare_relatives",
    "destroy_overdue",
    "disclose",
    "draft_sanction",
    "end_overdue",
    "expire_sanctions",
    "justify",
    "keep_seeds",
    "list_requests",
    "list_sanctions",
    "make_check",
    "make_request",
    "mark_of",
    "move_sanction",
    "object_to_order",
    "objection_paper",
    "orders_to_confirm",
    "own_request",
    "read_order_document",
    "record_court_answer",
    "record_court_receipt",
    "sanctions_for_court",
    "sign_sanction",
    "standing_of",
    "status_told",
    "verify_waiting",
    "view_check",
    "view_sanction",
]
