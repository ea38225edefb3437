"""Proof that a signer's certificate was not revoked.

Revision 0010_revocation. Older code runs against it: it leaves the new column of ``signatures``
empty, and reads no table of this revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010_revocation"
down_revision = "0009_log"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "revocation_lists",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("issuer_key_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("is_delta", sa.Boolean(), nullable=False),
        sa.Column("number", sa.Numeric(50, 0), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("this_update", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_update", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revocation_lists"),
        sa.UniqueConstraint("content_sha256", name="uq_revocation_lists_content_sha256"),
    )
    op.create_index(
        "ix_revocation_lists_issuer_key_sha256_is_delta_number",
        "revocation_lists",
        ["issuer_key_sha256", "is_delta", "number"],
    )
    op.create_table(
        "revocation_proofs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("issuer_key_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("certificate_serial", sa.String(40), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ocsp", sa.LargeBinary(), nullable=True),
        sa.Column("ocsp_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("list_id", sa.Uuid(), nullable=True),
        sa.Column("delta_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_revocation_proofs"),
        sa.ForeignKeyConstraint(
            ["list_id"], ["revocation_lists.id"], name="fk_revocation_proofs_list_id"
        ),
        sa.ForeignKeyConstraint(
            ["delta_id"], ["revocation_lists.id"], name="fk_revocation_proofs_delta_id"
        ),
        sa.CheckConstraint(
            "(ocsp IS NULL) <> (list_id IS NULL)", name=op.f("ck_revocation_proofs_source")
        ),
    )
    op.create_index(
        "ix_revocation_proofs_issuer_key_sha256_certificate_serial_as_of",
        "revocation_proofs",
        ["issuer_key_sha256", "certificate_serial", "as_of"],
    )
    op.add_column("signatures", sa.Column("revocation_proof_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "fk_signatures_revocation_proof_id",
        "signatures",
        "revocation_proofs",
        ["revocation_proof_id"],
        ["id"],
    )


def downgrade() -> None:
    op.drop_column("signatures", "revocation_proof_id")
    op.drop_table("revocation_proofs")
    op.drop_table("revocation_lists")
