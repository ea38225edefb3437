"""The ledger's only table: written once, never changed."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from fines.rules.ledger import ACCOUNTS_OF, Account, PostingKind

_PAIRS = ", ".join(
    f"('{kind.value}', '{debit.value}', '{credit.value}')"
    for kind, (debit, credit) in ACCOUNTS_OF.items()
)
_OF_TREASURY = "kind IN ('treasury_receipt', 'treasury_return')"
_OF_REFUND = "kind IN ('refund_decided', 'refund_paid')"


def _account(name: str) -> sa.Enum:
    # Two columns of one kind need two names for their checks.
    return sa.Enum(
        Account,
        name=name,
        values_callable=lambda kind: [member.value for member in kind],
        native_enum=False,
        create_constraint=True,
        length=32,
    )


class LedgerPosting(Base):
    """A sum moved from one account to another: both sides of the entry are one row.

    Keyed by the payment's running number and not its id: what is settled together lies together
    in the index, so that a posting costs the same after ten million others.
    """

    __tablename__ = "ledger_postings"
    __table_args__ = (
        sa.CheckConstraint("amount_tiyn > 0", "amount_positive"),
        sa.CheckConstraint(f"(kind, debit, credit) IN ({_PAIRS})", "accounts_of_kind"),
        sa.CheckConstraint(f"({_OF_TREASURY}) = (payment_number IS NULL)", "of_payment"),
        sa.CheckConstraint(f"({_OF_TREASURY}) = (treasury_line_id IS NOT NULL)", "of_treasury"),
        sa.CheckConstraint(f"({_OF_REFUND}) = (refund_id IS NOT NULL)", "of_refund"),
        sa.Index(
            "uq_ledger_postings_payment",
            "payment_number",
            "kind",
            unique=True,
            postgresql_where=sa.text("payment_number IS NOT NULL AND refund_id IS NULL"),
        ),
        sa.Index(
            "uq_ledger_postings_refund",
            "refund_id",
            "kind",
            unique=True,
            postgresql_where=sa.text("refund_id IS NOT NULL"),
        ),
        sa.Index(
            "uq_ledger_postings_treasury_line",
            "treasury_line_id",
            unique=True,
            postgresql_where=sa.text("treasury_line_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    kind: Mapped[PostingKind]
    debit: Mapped[Account] = mapped_column(_account("debit_account"))
    credit: Mapped[Account] = mapped_column(_account("credit_account"))
    amount_tiyn: Mapped[int] = mapped_column(sa.BigInteger)
    payment_number: Mapped[int | None] = mapped_column(
        sa.BigInteger, sa.ForeignKey("payments.number")
    )
    refund_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("refunds.id"))
    treasury_line_id: Mapped[int | None] = mapped_column(
        sa.BigInteger, sa.ForeignKey("treasury_lines.id")
    )
    at: Mapped[datetime]
