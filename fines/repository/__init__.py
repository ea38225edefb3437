"""Statements of the fines slice, a file for each part. Nothing is decided here."""

from fines.repository.catalogue import (
    article_by_id,
    articles,
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
from fines.repository.records import (
    acts,
    lapsed_receipts,
    next_serial,
    offence_record,
    same_offence_record,
)

__all__ = [
    "acts",
    "article_by_id",
    "articles",
    "lapsed_receipts",
    "live_payment_of",
    "mrp_values",
    "next_serial",
    "offence_record",
    "open_orders_of",
    "order",
    "order_due",
    "overdue_payments",
    "payment",
    "payment_of_key",
    "payments_of",
    "put_articles",
    "put_hello",
    "put_mrp",
    "receipt_paper",
    "report",
    "sale_order_of",
    "same_offence_record",
    "slip",
    "slips_of",
    "unsettled_payment_on",
]
