"""The document of an international order, sealed beside its request.

Revision 0030_order_document. Older code still runs against it, but knows no document: it asks for
none and signs none. Stop it before an order is confirmed by the newer.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030_order_document"
down_revision = "0029_heads"
branch_labels = None
depends_on = None

KINDS = ("viewed", "printed", "exported", "unmasked")


def _let_kinds_be(kinds: tuple[str, ...]) -> None:
    name = op.f("ck_request_disclosures_disclosurekind")
    listed = ", ".join(f"'{one}'" for one in kinds)
    op.drop_constraint(name, "request_disclosures", type_="check")
    op.create_check_constraint(name, "request_disclosures", f"kind IN ({listed})")


def upgrade() -> None:
    """Add the table, and the kind of its being shown."""
    op.create_table(
        "request_documents",
        sa.Column(
            "request_id",
            sa.Uuid(),
            sa.ForeignKey("register_requests.id", name=op.f("fk_request_documents_request_id")),
            nullable=False,
        ),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("attached_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_request_documents")),
    )
    # What is sealed cannot be compressed: do not let PostgreSQL try with ten megabytes.
    op.execute(sa.text("ALTER TABLE request_documents ALTER COLUMN sealed SET STORAGE EXTERNAL"))
    _let_kinds_be((*KINDS, "document"))


def downgrade() -> None:
    """Take them away, and the documents with them; that they were read stays.

    A document shows whom its order is about: the older word for that stands for it.
    """
    op.execute(sa.text("UPDATE request_disclosures SET kind = 'unmasked' WHERE kind = 'document'"))
    _let_kinds_be(KINDS)
    op.drop_table("request_documents")
