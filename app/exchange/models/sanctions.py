"""Tables of court sanctions. Whom a sanction is about and who gave it is stored sealed."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from app.exchange.rules.sanctions import SanctionStatus


class CourtSanctionRow(Base):
    """One request for a court's sanction, with the court's answer once it is there.

    ``sealed`` holds, under a data key of its own, whom it is about, the grounds and the judge.
    """

    __tablename__ = "court_sanctions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    status: Mapped[SanctionStatus]
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"), index=True)
    post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"), index=True)
    case_register: Mapped[str] = mapped_column(sa.String(16))
    case_number: Mapped[str] = mapped_column(sa.String(64))
    court: Mapped[str] = mapped_column(sa.String(300))
    services: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))  # asked for; granted ones after
    subject_index: Mapped[bytes] = mapped_column(index=True)
    wrapped_key: Mapped[bytes | None]
    sealed: Mapped[bytes | None]
    document_sha256: Mapped[bytes | None]  # of what was signed
    signature_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("signatures.id"))
    eaias_number: Mapped[str | None] = mapped_column(sa.String(64), unique=True)
    decision_number: Mapped[str | None] = mapped_column(sa.String(64))
    decided_at: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)


class SanctionStepRow(Base):
    """One step of a sanction; its event is in the log."""

    __tablename__ = "sanction_steps"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sanction_id: Mapped[UUID] = mapped_column(sa.ForeignKey("court_sanctions.id"), index=True)
    status: Mapped[SanctionStatus]
    at: Mapped[datetime]
    person_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("people.id"))
    event_id: Mapped[UUID] = mapped_column(unique=True)
