"""The offence catalogue and the monthly calculation index, dated."""

from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from fines.rules.catalogue import Jurisdiction, Origin, RepeatWindow


class MrpValue(Base):
    """The monthly calculation index from a day on, in whole tenge."""

    __tablename__ = "mrp_values"
    __table_args__ = (sa.CheckConstraint("tenge > 0", "tenge_positive"),)

    valid_from: Mapped[date] = mapped_column(primary_key=True)
    tenge: Mapped[int]
    source: Mapped[str] = mapped_column(sa.String(200))
    verified: Mapped[bool]
    origin: Mapped[Origin]


class OffenceArticle(Base):
    """One dated row of the offence catalogue; see ``fines.rules.catalogue.Article``."""

    __tablename__ = "offence_articles"
    __table_args__ = (
        sa.UniqueConstraint("article", "part", "valid_from"),
        sa.CheckConstraint("mrp_count IS NULL OR mrp_count BETWEEN 1 AND 200", "mrp_count_range"),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", "valid_order"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    article: Mapped[str] = mapped_column(sa.String(8))
    part: Mapped[str] = mapped_column(sa.String(8))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    penalties: Mapped[list[str]] = mapped_column(JSONB)
    mrp_count: Mapped[int | None]
    jurisdiction: Mapped[Jurisdiction]
    title_kk: Mapped[str] = mapped_column(sa.String(200))
    title_ru: Mapped[str] = mapped_column(sa.String(200))
    source: Mapped[str] = mapped_column(sa.String(200))
    verified: Mapped[bool]
    mrp_of_others: Mapped[dict[str, int]] = mapped_column(JSONB)  # subject kind -> MRP
    repeat_of: Mapped[list[str]] = mapped_column(JSONB)  # parts of the same article
    repeat_window: Mapped[RepeatWindow | None]
    origin: Mapped[Origin]
