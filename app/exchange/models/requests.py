"""Tables of the exchange. What a register said is stored sealed; see ``storage``."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from app.exchange.rules.bases import Basis
from app.exchange.rules.gates import Gate, RefusalCode
from app.exchange.rules.requests import RequestStatus


class RegisterRequestRow(Base):
    """One request of one officer, refused ones too. No personal data stands here in clear.

    ``subject_index`` finds a person's requests again for whoever holds the subject key.
    ``parts`` holds each register's status and duration, never what it said.
    """

    __tablename__ = "register_requests"
    __table_args__ = (
        sa.Index("ix_register_requests_person_id_received_at", "person_id", "received_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    status: Mapped[RequestStatus]
    basis: Mapped[Basis]
    stop_ground: Mapped[str] = mapped_column(sa.String(32))
    rule_set: Mapped[str] = mapped_column(sa.String(32))
    snapshot_sha256: Mapped[str] = mapped_column(sa.String(64))
    gate: Mapped[Gate | None]
    refusal: Mapped[RefusalCode | None]
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"), index=True)
    device_id: Mapped[UUID | None]
    subject_index: Mapped[bytes | None] = mapped_column(index=True)
    parts: Mapped[list[dict[str, object]] | None] = mapped_column(JSONB)
    wrapped_key: Mapped[bytes | None]
    answer: Mapped[bytes | None]
    answer_sha256: Mapped[str | None] = mapped_column(sa.String(64))
    decision_leaf_index: Mapped[int | None] = mapped_column(sa.BigInteger)
    answer_leaf_index: Mapped[int | None] = mapped_column(sa.BigInteger)
    received_at: Mapped[datetime]
    released_at: Mapped[datetime | None]
