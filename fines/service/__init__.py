"""Use cases of fines: drawing up, the receipt, paying by card, the terminal's reports, papers."""

from fines.service.catalogue import articles_in_force, load_catalogue
from fines.service.closing import close_days
from fines.service.desk import Desk
from fines.service.draw_up import draw_up, read_offence_record
from fines.service.entries import enter_signature, hand_copy
from fines.service.expiry import end_reduced_terms, expire_orders, lapse_receipts
from fines.service.notices import tell_register
from fines.service.offence import NewOffence
from fines.service.old_fines import old_fines
from fines.service.outcomes import take_outcome, take_printed
from fines.service.papers import (
    receipt_document,
    slip_document,
    slip_picture,
    verify_paper,
    warm_up_papers,
)
from fines.service.pay_by_card import Target, pay_by_card, read_payment
from fines.service.proceedings import (
    end_appeal,
    enter_appeal,
    enter_decision,
    enter_in_force,
    hand_on,
    hand_over,
    list_cases,
)
from fines.service.record_paper import record_document
from fines.service.reduced import agree_reduced, record_act, send_to_ordinary
from fines.service.second_slip import confirm_filing, list_unfiled, take_signed_slip
from fines.service.superior import (
    correct_record,
    list_subordinate_records,
    read_subordinate_record,
)
from fines.service.terminal_orders import (
    next_order,
    take_approval,
    take_hello,
    take_started,
    wait_for_order,
)
from fines.service.terms import end_terms

__all__ = [
    "Desk",
    "NewOffence",
    "Target",
    "agree_reduced",
    "articles_in_force",
    "close_days",
    "confirm_filing",
    "correct_record",
    "draw_up",
    "end_appeal",
    "end_reduced_terms",
    "end_terms",
    "enter_appeal",
    "enter_decision",
    "enter_in_force",
    "enter_signature",
    "expire_orders",
    "hand_copy",
    "hand_on",
    "hand_over",
    "lapse_receipts",
    "list_cases",
    "list_subordinate_records",
    "list_unfiled",
    "load_catalogue",
    "next_order",
    "old_fines",
    "pay_by_card",
    "read_offence_record",
    "read_payment",
    "read_subordinate_record",
    "receipt_document",
    "record_act",
    "record_document",
    "send_to_ordinary",
    "slip_document",
    "slip_picture",
    "take_approval",
    "take_hello",
    "take_outcome",
    "take_printed",
    "take_signed_slip",
    "take_started",
    "tell_register",
    "verify_paper",
    "wait_for_order",
    "warm_up_papers",
]
