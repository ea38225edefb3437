"""Tables of the courts' channel: the systems that may bring a message, and messages taken."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from app.exchange.rules.courts import CourtAct


class CourtsSystemRow(Base):
    """A system of the courts: its credential as a hash, and the unit that answers for it here."""

    __tablename__ = "courts_systems"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"), index=True)
    credential_sha256: Mapped[bytes]
    issued_by: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    issued_at: Mapped[datetime]
    withdrawn_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("people.id"))
    withdrawn_at: Mapped[datetime | None]


class CourtsMessageRow(Base):
    """One message that was taken. Its id is the key: the same one is never taken twice."""

    __tablename__ = "courts_messages"

    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    system_id: Mapped[UUID] = mapped_column(sa.ForeignKey("courts_systems.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"), index=True)
    signature_id: Mapped[UUID] = mapped_column(sa.ForeignKey("signatures.id"))
    act: Mapped[CourtAct]
    content_sha256: Mapped[bytes]
    sent_at: Mapped[datetime]
    received_at: Mapped[datetime]
