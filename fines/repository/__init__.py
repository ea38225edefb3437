"""Statements of the fines slice, a file for each part. Nothing is decided here."""

from fines.repository.catalogue import (
    all_mrp_values,
    article_by_id,
    articles,
    articles_in_use,
    mrp_values,
    put_articles,
    put_mrp,
)
from fines.repository.orders import (
    open_orders_of,
    order,
    order_due,
    put_hello,
    report,
    sale_order_of,
)
from fines.repository.papers import (
    paper_of_record,
    receipt_paper,
    slip,
    slips_of,
)
from fines.repository.payments import (
    live_payment_of,
    overdue_payments,
    payment,
    payment_of_key,
    payments_of,
    unsettled_payment_on,
)
from fines.repository.proceedings import (
    cases_of_department,
    entries_of,
    live_payment_of_fine,
    ordinary_case,
    overdue_cases,
    records_of_person,
    register_fine,
    unpaid_decisions,
)
from fines.repository.records import (
    acts,
    lapsed_receipts,
    next_serial,
    offence_record,
    same_offence_record,
)

__all__ = [
    "acts",
    "all_mrp_values",
    "article_by_id",
    "articles",
    "articles_in_use",
    "cases_of_department",
    "entries_of",
    "lapsed_receipts",
    "live_payment_of",
    "live_payment_of_fine",
    "mrp_values",
    "next_serial",
    "offence_record",
    "open_orders_of",
    "order",
    "order_due",
    "ordinary_case",
    "overdue_cases",
    "overdue_payments",
    "paper_of_record",
    "payment",
    "payment_of_key",
    "payments_of",
    "put_articles",
    "put_hello",
    "put_mrp",
    "receipt_paper",
    "records_of_person",
    "register_fine",
    "report",
    "sale_order_of",
    "same_offence_record",
    "slip",
    "slips_of",
    "unpaid_decisions",
    "unsettled_payment_on",
]
