"""Tables of access: requests for it, rights granted, agreements and who signed them.

Blocks are identity's: a blocked person has no session at all.
"""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column

from app.access import Role
from app.db import Base
from app.exchange.rules.access import AccessRefusal, AccessStage, GrantOrigin

_DECIDED = (
    "(decided_at IS NOT NULL AND decided_by IS NOT NULL AND decision_signature_id IS NOT NULL)"
)


class AccessRequestRow(Base):
    """A request for access in the form of appendix 5, as its applicant signed it."""

    __tablename__ = "access_requests"
    __table_args__ = (
        sa.CheckConstraint("stage IN ('requested', 'returned', 'granted', 'refused')", name="step"),
        sa.CheckConstraint(
            "stage <> 'refused' OR (refusal IS NOT NULL AND refusal_text IS NOT NULL"
            f" AND btrim(refusal_text) <> '' AND {_DECIDED})",
            name="refused",
        ),
        sa.CheckConstraint(f"stage <> 'granted' OR {_DECIDED}", name="granted"),
        sa.CheckConstraint(
            "stage <> 'returned' OR (returned_text IS NOT NULL AND btrim(returned_text) <> ''"
            " AND received_at IS NULL)",
            name="returned",
        ),
        sa.CheckConstraint(
            "stage = 'returned' OR (received_at IS NOT NULL AND responsible_id IS NOT NULL)",
            name="received",
        ),
        sa.CheckConstraint(
            "decided_by <> person_id AND seconded_by <> person_id AND decided_by <> seconded_by",
            name="separation",
        ),
        sa.CheckConstraint(
            "stage <> 'granted' OR role NOT IN"
            " ('administrator', 'exchange_operator', 'exchange_controller')"
            " OR (seconded_by IS NOT NULL AND seconded_signature_id IS NOT NULL)",
            name="two_operators",
        ),
        # One request at a time: a second one would let the clock be started anew.
        sa.Index(
            "uq_access_requests_person_id",
            "person_id",
            unique=True,
            postgresql_where=sa.text("stage = 'requested'"),
        ),
        sa.Index("ix_access_requests_stage_received_at", "stage", "received_at"),
        sa.Index("ix_access_requests_person_id_filed_at", "person_id", "filed_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    stage: Mapped[AccessStage]
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"), index=True)
    role: Mapped[Role]
    services: Mapped[list[str]] = mapped_column(postgresql.ARRAY(sa.Text))
    bases: Mapped[list[str]] = mapped_column(postgresql.ARRAY(sa.Text))
    responsible_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("people.id"))
    document: Mapped[bytes]  # what was signed, byte for byte
    document_sha256: Mapped[str] = mapped_column(sa.String(64))
    signature_id: Mapped[UUID] = mapped_column(sa.ForeignKey("signatures.id"))
    filed_at: Mapped[datetime]
    received_at: Mapped[datetime | None]  # the 24 hours run from here
    alarmed_at: Mapped[datetime | None]
    overdue_at: Mapped[datetime | None]
    returned_text: Mapped[str | None] = mapped_column(sa.String(2000))
    refusal: Mapped[AccessRefusal | None]
    refusal_text: Mapped[str | None] = mapped_column(sa.String(2000))
    decision: Mapped[bytes | None]  # what the operator signed, byte for byte
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("people.id"))
    decision_signature_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("signatures.id"))
    seconded_at: Mapped[datetime | None]  # the first of two operators, where two are needed
    seconded_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("people.id"))
    seconded_signature_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("signatures.id"))


class AccessGrantRow(Base):
    """The rights of a person in a post from one instant to another, the last excluded."""

    __tablename__ = "access_grants"
    __table_args__ = (
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="instants"),
        sa.CheckConstraint("(origin = 'transfer') = (deadline_at IS NOT NULL)", name="deadline"),
        # One set of rights at any instant; begins with the person, so it serves the lookup too.
        postgresql.ExcludeConstraint(
            (sa.column("person_id"), "="),
            (sa.text("tstzrange(valid_from, valid_to)"), "&&"),
            name="ex_access_grants_person_id_instants",
            using="gist",
        ),
        sa.Index("ix_access_grants_person_id_valid_from", "person_id", "valid_from"),
        sa.Index(
            "ix_access_grants_deadline_at",
            "deadline_at",
            postgresql_where=sa.text("deadline_at IS NOT NULL AND suspended_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    request_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("access_requests.id"))
    origin: Mapped[GrantOrigin]
    role: Mapped[Role]
    services: Mapped[list[str]] = mapped_column(postgresql.ARRAY(sa.Text))
    bases: Mapped[list[str]] = mapped_column(postgresql.ARRAY(sa.Text))
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    deadline_at: Mapped[datetime | None]  # after a transfer: a new request is granted, or none
    suspended_at: Mapped[datetime | None]  # when the passing of the deadline was recorded


class AgreementRow(Base):
    """A version of the user agreement; the newest in force is the one to be signed."""

    __tablename__ = "agreements"
    __table_args__ = (sa.Index("ix_agreements_valid_from", "valid_from"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(unique=True)
    text_kk: Mapped[str] = mapped_column(sa.Text)
    text_ru: Mapped[str] = mapped_column(sa.Text)
    text_en: Mapped[str] = mapped_column(sa.Text)
    sha256: Mapped[str] = mapped_column(sa.String(64))  # of the document that is signed
    valid_from: Mapped[datetime]


class AgreementSignatureRow(Base):
    """A version of the agreement that a person signed, and when, by our clock."""

    __tablename__ = "agreement_signatures"
    __table_args__ = (
        sa.UniqueConstraint("person_id", "agreement_id"),  # a second click signs nothing anew
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    agreement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("agreements.id"))
    signature_id: Mapped[UUID] = mapped_column(sa.ForeignKey("signatures.id"))
    signed_at: Mapped[datetime]
