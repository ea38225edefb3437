"""The table of special days."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.calendar.rules import DayKind
from app.db import Base


class SpecialDayRow(Base):
    """A day that is not what its weekday says; see ``app.calendar.rules.SpecialDay``."""

    __tablename__ = "special_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[DayKind]
    name_kk: Mapped[str] = mapped_column(sa.String(120))
    name_ru: Mapped[str] = mapped_column(sa.String(120))
    source: Mapped[str] = mapped_column(sa.String(200))
    verified: Mapped[bool]
    imported: Mapped[bool]  # entered here by an administrator: a release never overwrites it
