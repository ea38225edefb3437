"""Heads: what a camera sends of a recording before its bulk, and what it noted of itself.

Revision 0029_heads. Release 0.1.0 still runs against it: it refuses manifests of version 2 and so
leaves the new columns at their defaults, and does not know the new table.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0029_heads"
down_revision = "0028_axis_keys"
branch_labels = None
depends_on = None

STANDINGS = ("unproven", "confirmed", "differs")
REASONS = (
    "handed_over", "docking", "seam", "not_docked", "not_uploaded", "unreadable", "damaged",
    "black", "silent", "missing_predecessor", "memory_changed", "clock_leap", "low_battery",
    "lost", "not_recording",
)  # fmt: skip
MORE_REASONS = ("frozen", "lens_covered", "muted", "card_removed")


def _let_reasons_be(reasons: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{one}'" for one in reasons)
    for table in ("coverage_intervals", "coverage_cases"):
        name = op.f(f"ck_{table}_gapreason")
        op.drop_constraint(name, table, type_="check")
        op.create_check_constraint(name, table, f"reason IN ({listed})")


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("recordings", sa.Column("events", JSONB(), nullable=False, server_default="[]"))
    op.add_column("recordings", sa.Column("head_sha256", sa.LargeBinary()))
    op.add_column("recordings", sa.Column("head_bytes", sa.Integer()))
    standing = sa.Enum(
        *STANDINGS, name="headstanding", native_enum=False, create_constraint=True, length=32
    )
    op.create_table(
        "recording_heads",
        sa.Column(
            "recording_id",
            sa.Uuid(),
            sa.ForeignKey("recordings.id", name=op.f("fk_recording_heads_recording_id_recordings")),
            nullable=False,
        ),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary()),
        sa.Column("standing", standing, nullable=False),
        sa.Column("differs", JSONB(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_recording_heads")),
    )
    _let_reasons_be(REASONS + MORE_REASONS)


def downgrade() -> None:
    """Take them away; what cameras noted stays in their manifests.

    Ledgers are made anew from the recordings: an older word of them stands for the newer ones.
    """
    for table in ("coverage_intervals", "coverage_cases"):
        op.execute(
            f"UPDATE {table} SET reason = 'black' WHERE reason IN ('frozen', 'lens_covered')"  # noqa: S608 - our own names
        )
        op.execute(f"UPDATE {table} SET reason = 'silent' WHERE reason = 'muted'")  # noqa: S608 - our own names
        op.execute(
            f"UPDATE {table} SET reason = 'memory_changed' WHERE reason = 'card_removed'"  # noqa: S608 - our own names
        )
    _let_reasons_be(REASONS)
    op.drop_table("recording_heads")
    op.drop_column("recordings", "head_bytes")
    op.drop_column("recordings", "head_sha256")
    op.drop_column("recordings", "events")
