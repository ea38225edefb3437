"""Footage: findings, sheets of pictures and derivatives of a recording; plain files are played.

Revision 0020_footage. Release 0.1.0 still runs against it: it writes indexes of fragmented files,
which is the default of the new column, and does not know the new tables.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0020_footage"
down_revision = "0019_orders"
branch_labels = None
depends_on = None

FORMS = ("fragmented", "plain")
KINDS = ("signed_video", "storyboard", "loudness", "decoding")
OUTCOMES = ("done", "refused", "failed")
DERIVATIVES = ("salvaged",)


def _enum(*members: str, name: str) -> sa.Enum:
    return sa.Enum(*members, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    """Add the column and the tables."""
    op.add_column(
        "recording_indexes",
        sa.Column(
            "form", _enum(*FORMS, name="playform"), nullable=False, server_default="fragmented"
        ),
    )
    recording = sa.Column(
        "recording_id",
        sa.Uuid(),
        sa.ForeignKey("recordings.id", name=op.f("fk_recording_findings_recording_id_recordings")),
        nullable=False,
    )
    op.create_table(
        "recording_findings",
        recording,
        sa.Column("kind", _enum(*KINDS, name="findingkind"), nullable=False),
        sa.Column("outcome", _enum(*OUTCOMES, name="findingoutcome"), nullable=False),
        sa.Column("reason", sa.String(200)),
        sa.Column("body", JSONB(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("recording_id", "kind", name=op.f("pk_recording_findings")),
    )
    op.create_table(
        "recording_sheets",
        sa.Column(
            "recording_id",
            sa.Uuid(),
            sa.ForeignKey(
                "recordings.id", name=op.f("fk_recording_sheets_recording_id_recordings")
            ),
            nullable=False,
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first_ms", sa.BigInteger(), nullable=False),
        sa.Column("step_ms", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("picture", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("recording_id", "number", name=op.f("pk_recording_sheets")),
    )
    op.create_table(
        "recording_derivatives",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "recording_id",
            sa.Uuid(),
            sa.ForeignKey(
                "recordings.id", name=op.f("fk_recording_derivatives_recording_id_recordings")
            ),
            nullable=False,
        ),
        sa.Column("kind", _enum(*DERIVATIVES, name="derivativekind"), nullable=False),
        sa.Column("parent_root", sa.LargeBinary(), nullable=False),
        sa.Column("recipe", JSONB(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording_derivatives")),
        sa.UniqueConstraint(
            "recording_id", "kind", name=op.f("uq_recording_derivatives_recording_id_kind")
        ),
    )


def downgrade() -> None:
    """Take them away. Indexes of plain files go too: older code would misread them."""
    op.drop_table("recording_derivatives")
    op.drop_table("recording_sheets")
    op.drop_table("recording_findings")
    op.execute("DELETE FROM recording_indexes WHERE form <> 'fragmented'")
    op.drop_column("recording_indexes", "form")
