"""Tables of identity."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column

from app.access import Role
from app.db import Base
from app.identity.rules.blocking import BlockReason
from app.identity.rules.certificates import Purpose
from app.identity.rules.challenge import Operation
from app.identity.rules.session import SessionEnd


class Department(Base):
    """A body or its unit, with its own BIN."""

    __tablename__ = "departments"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    bin: Mapped[str] = mapped_column(sa.String(12), unique=True)
    name_kk: Mapped[str] = mapped_column(sa.String(300))
    name_ru: Mapped[str] = mapped_column(sa.String(300))
    parent_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("departments.id"), index=True)


class DepartmentBoundary(Base):
    """The district that a department serves, from one day to another, both included.

    ``ring`` is a closed ring of GeoJSON: pairs of longitude and latitude in degrees.
    """

    __tablename__ = "department_boundaries"
    __table_args__ = (sa.UniqueConstraint("department_id", "valid_from"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"))
    ring: Mapped[list[list[float]]] = mapped_column(postgresql.JSONB)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    source: Mapped[str] = mapped_column(sa.String(300))
    verified: Mapped[bool]


class Person(Base):
    """A member of staff, now or once."""

    __tablename__ = "people"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    iin: Mapped[str] = mapped_column(sa.String(12), unique=True)
    surname: Mapped[str] = mapped_column(sa.String(100))
    given_name: Mapped[str] = mapped_column(sa.String(100))
    patronymic: Mapped[str] = mapped_column(sa.String(100))
    sort_key: Mapped[str] = mapped_column(sa.Text, index=True)  # see rules.names


class Post(Base):
    """What a person is in a department from one day to another, both included."""

    __tablename__ = "posts"
    __table_args__ = (
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="dates"),
        # One post at a time: a person acts through the post in force.
        postgresql.ExcludeConstraint(
            (sa.column("person_id"), "="),
            (sa.text("daterange(valid_from, valid_to, '[]')"), "&&"),
            name="ex_posts_person_id_dates",
            using="gist",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"), index=True)
    role: Mapped[Role]
    title: Mapped[str] = mapped_column(sa.String(200))
    badge: Mapped[str] = mapped_column(sa.String(40))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]


class Superior(Base):
    """Who was whose direct superior from one day to another, both included."""

    __tablename__ = "superiors"
    __table_args__ = (
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="dates"),
        sa.CheckConstraint("person_id <> superior_id", name="not_himself"),
        # One direct superior at any instant: departmental control has one addressee.
        postgresql.ExcludeConstraint(
            (sa.column("person_id"), "="),
            (sa.text("daterange(valid_from, valid_to, '[]')"), "&&"),
            name="ex_superiors_person_id_dates",
            using="gist",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    superior_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"), index=True)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]


class BlockRow(Base):
    """A person kept out: no session lives and none is opened until the block is lifted."""

    __tablename__ = "access_blocks"
    __table_args__ = (
        sa.CheckConstraint("btrim(text) <> ''", name="text"),
        sa.CheckConstraint(
            "lifted_at IS NULL OR (lifted_by IS NOT NULL AND lifted_by <> blocked_by"
            " AND lifted_by <> person_id AND lifted_signature_id IS NOT NULL"
            " AND lifted_text IS NOT NULL AND btrim(lifted_text) <> '')",
            name="lifted",
        ),
        # Each request asks whether its person is blocked: one look into a small index.
        sa.Index(
            "uq_access_blocks_person_id",
            "person_id",
            unique=True,
            postgresql_where=sa.text("lifted_at IS NULL"),
        ),
        sa.Index("ix_access_blocks_person_id_blocked_at", "person_id", "blocked_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    reason: Mapped[BlockReason]
    text: Mapped[str] = mapped_column(sa.String(2000))
    blocked_at: Mapped[datetime]
    blocked_by: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("people.id"))
    lifted_text: Mapped[str | None] = mapped_column(sa.String(2000))
    lifted_signature_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("signatures.id"))


class Challenge(Base):
    """What we asked somebody to sign; answered once or never."""

    __tablename__ = "challenges"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    operation: Mapped[Operation]
    device_id: Mapped[UUID | None]  # a device of ``devices``, which comes after this slice
    content: Mapped[bytes]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class RevocationListRow(Base):
    """A list of revoked certificates, or a delta of one, that was in force when it was fetched."""

    __tablename__ = "revocation_lists"
    __table_args__ = (sa.Index(None, "issuer_key_sha256", "is_delta", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    issuer_key_sha256: Mapped[bytes]
    is_delta: Mapped[bool]
    number: Mapped[int] = mapped_column(sa.Numeric(50, 0))  # RFC 5280 allows 20 octets
    content: Mapped[bytes]
    content_sha256: Mapped[bytes] = mapped_column(unique=True)
    this_update: Mapped[datetime]
    next_update: Mapped[datetime]
    received_at: Mapped[datetime]


class RevocationProofRow(Base):
    """Why a certificate was held to be good at an instant: an OCSP answer, or lists."""

    __tablename__ = "revocation_proofs"
    __table_args__ = (
        sa.CheckConstraint("(ocsp IS NULL) <> (list_id IS NULL)", name="source"),
        sa.Index(None, "issuer_key_sha256", "certificate_serial", "as_of"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    issuer_key_sha256: Mapped[bytes]
    certificate_serial: Mapped[str] = mapped_column(sa.String(40))
    as_of: Mapped[datetime]  # thisUpdate of the answer; with lists, when they were asked for
    asked_at: Mapped[datetime]
    ocsp: Mapped[bytes | None]
    ocsp_sha256: Mapped[bytes | None]
    list_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("revocation_lists.id"))
    delta_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("revocation_lists.id"))


class SignatureRow(Base):
    """A signature that held when it was checked, kept as evidence.

    ``content`` is kept where nobody else keeps it; a document's owner keeps the document.
    """

    __tablename__ = "signatures"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"), index=True)
    purpose: Mapped[Purpose]
    content_sha256: Mapped[bytes]
    content: Mapped[bytes | None]
    cms: Mapped[bytes]
    certificate_serial: Mapped[str] = mapped_column(sa.String(40))
    revocation_proof_id: Mapped[UUID | None] = mapped_column(
        sa.ForeignKey("revocation_proofs.id")
    )  # empty only for signatures older than the check
    signed_at: Mapped[datetime]  # by our clock, when it was checked
    signing_time: Mapped[datetime]  # as the signer's machine stated it


class SessionRow(Base):
    """A signed-in person. The token itself is nowhere: only its SHA-256 is."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_sha256: Mapped[bytes] = mapped_column(unique=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"), index=True)
    post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    device_id: Mapped[UUID | None]
    signature_id: Mapped[UUID] = mapped_column(sa.ForeignKey("signatures.id"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[SessionEnd | None]
