"""Tables of requests. What was searched and what a register said is stored sealed."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from app.exchange.rules.bases import Basis, SubjectKind
from app.exchange.rules.disclosures import DisclosureKind
from app.exchange.rules.gates import Gate, RefusalCode
from app.exchange.rules.requests import RequestStatus
from app.exchange.rules.retention import HoldReason


class RegisterRequestRow(Base):
    """One request of one officer, refused ones too. No personal data stands here in clear.

    ``subject_index`` finds a person's requests again for whoever holds the subject key.
    ``parts`` holds each register's status and duration, never what it said. The data key that
    ``wrapped_key`` wraps seals the answer, the subject and the extended justification.

    The database knows the members of its five enums by the function ``register_request_is_known``
    (revision 0023_checks says why): a new member goes in there.
    """

    __tablename__ = "register_requests"
    __table_args__ = (
        sa.Index("ix_register_requests_person_id_received_at", "person_id", "received_at"),
        # What waits and what may be destroyed is found without reading what is done with.
        sa.Index(
            "ix_register_requests_next_attempt_at",
            "next_attempt_at",
            postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
        ),
        sa.Index(
            "ix_register_requests_dies_at",
            "dies_at",
            postgresql_where=sa.text("dies_at IS NOT NULL"),
        ),
        # What went on when its process was killed is looked for from where the last look ended. No
        # condition names a column that changes on the way: later versions of a row would have to
        # be written into every index.
        sa.Index("ix_register_requests_decided_at", "decided_at"),
        # What holds something that retention will destroy one day.
        sa.Index(
            "ix_register_requests_kept",
            "received_at",
            postgresql_where=sa.text("wrapped_key IS NOT NULL"),
        ),
        # What a reviewer must speak of one by one: a few of a hundred requests.
        sa.Index(
            "ix_register_requests_standing_out",
            "person_id",
            "month",
            "number",
            postgresql_where=sa.text(
                "cardinality(flags) > 0 OR CAST(basis AS TEXT) = 'INTERNATIONAL_ORDER'"
                " OR extended_asked"
            ),
        ),
        sa.UniqueConstraint("person_id", "month", "number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    status: Mapped[RequestStatus]
    basis: Mapped[Basis]
    stop_ground: Mapped[str] = mapped_column(sa.String(32))
    services: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    rule_set: Mapped[str] = mapped_column(sa.String(32))
    snapshot_sha256: Mapped[str] = mapped_column(sa.String(64))
    gate: Mapped[Gate | None]
    refusal: Mapped[RefusalCode | None]
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"))
    device_id: Mapped[UUID | None]
    # The person's running number of the month, as the decision's leaf carries it; negative for
    # requests from before requests were numbered, of which the log holds no number.
    month: Mapped[str] = mapped_column(sa.CHAR(7))
    number: Mapped[int] = mapped_column(sa.BigInteger)

    subject_kind: Mapped[SubjectKind | None]  # empty where no subject could be read
    subject_index: Mapped[bytes | None] = mapped_column(index=True)
    subject_sealed: Mapped[bytes | None]  # JSON of what was searched
    case_register: Mapped[str | None] = mapped_column(sa.String(16))
    case_number: Mapped[str | None] = mapped_column(sa.String(64))
    case_year: Mapped[int | None]
    court: Mapped[str | None] = mapped_column(sa.String(300))
    order_number: Mapped[str | None] = mapped_column(sa.String(64))
    order_body: Mapped[str | None] = mapped_column(sa.String(300))
    cover_letter_number: Mapped[str | None] = mapped_column(sa.String(64))
    article: Mapped[str | None] = mapped_column(sa.String(32))
    sanction_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("court_sanctions.id"))

    extended_asked: Mapped[bool] = mapped_column(default=False)
    extended_sealed: Mapped[bytes | None]
    flags: Mapped[list[str]] = mapped_column(ARRAY(sa.Text), default=list)
    second_person_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("people.id"))
    second_at: Mapped[datetime | None]
    second_signature_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("signatures.id"))
    objection_sealed: Mapped[bytes | None]  # the second person's reason why not
    # Where the tablet stood, in hundredths of a degree: a kilometre is near enough to ask whether
    # it was the unit's district, and too far to follow anybody.
    latitude_e2: Mapped[int | None] = mapped_column(sa.SmallInteger)
    longitude_e2: Mapped[int | None] = mapped_column(sa.SmallInteger)
    next_attempt_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    dies_at: Mapped[datetime | None]  # only while it waits
    recon: Mapped[str | None] = mapped_column(sa.String(32))  # what the register of cases said

    parts: Mapped[list[dict[str, object]] | None] = mapped_column(JSONB)
    hit: Mapped[bool | None]  # whether any register held a record; empty until they answered
    wrapped_key: Mapped[bytes | None]
    answer: Mapped[bytes | None]
    answer_sha256: Mapped[str | None] = mapped_column(sa.String(64))
    decision_leaf_index: Mapped[int | None] = mapped_column(sa.BigInteger)
    answer_leaf_index: Mapped[int | None] = mapped_column(sa.BigInteger)
    # The event of its receipt, then those that tell of it later. Where they carry a commitment
    # to the subject, destruction takes the salts.
    event_ids: Mapped[list[UUID]] = mapped_column(ARRAY(sa.Uuid), default=list)
    received_at: Mapped[datetime]
    decided_at: Mapped[datetime]  # the last time the gates looked at it
    released_at: Mapped[datetime | None]
    destroyed_at: Mapped[datetime | None]


class RequestDocumentRow(Base):
    """The document of an international order, sealed under its request's data key.

    Beside the request and not in it: a hot row is not copied with ten megabytes. ``sha256`` and
    ``size_bytes`` are of the document in clear. ``version`` counts from 1 how often another one
    was attached; what stands here is the last.
    """

    __tablename__ = "request_documents"

    request_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("register_requests.id"), primary_key=True
    )
    sealed: Mapped[bytes | None]  # empty once its term is over
    sha256: Mapped[str] = mapped_column(sa.String(64))
    size_bytes: Mapped[int]
    version: Mapped[int]
    attached_at: Mapped[datetime]


class RequestDisclosureRow(Base):
    """One act of showing something of a request to somebody; its event is in the log."""

    __tablename__ = "request_disclosures"
    __table_args__ = (sa.Index("ix_request_disclosures_person_id_at", "person_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    request_id: Mapped[UUID] = mapped_column(sa.ForeignKey("register_requests.id"), index=True)
    kind: Mapped[DisclosureKind]
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    post_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("posts.id"))
    at: Mapped[datetime]
    event_id: Mapped[UUID] = mapped_column(unique=True)


class RequestHoldRow(Base):
    """What keeps a request from being destroyed while it lasts: a complaint, a case."""

    __tablename__ = "request_holds"
    __table_args__ = (
        # What retention asks of each request it looks at.
        sa.Index(
            "ix_request_holds_lasting",
            "request_id",
            postgresql_where=sa.text("released_at IS NULL"),
        ),
        sa.CheckConstraint(
            "(released_at IS NULL) = (released_by IS NULL)"
            " AND (released_at IS NULL) = (release_text IS NULL)",
            name="release",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    request_id: Mapped[UUID] = mapped_column(sa.ForeignKey("register_requests.id"), index=True)
    reason: Mapped[HoldReason]
    text: Mapped[str] = mapped_column(sa.String(1000))
    held_by: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    held_at: Mapped[datetime]
    release_text: Mapped[str | None] = mapped_column(sa.String(1000))
    released_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("people.id"))
    released_at: Mapped[datetime | None]


class RequestSweepRow(Base):
    """How far a job that looks at every request once has come; nothing behind it is looked at."""

    __tablename__ = "request_sweeps"

    name: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    finished_until: Mapped[datetime]


class DeclaredRelativeRow(Base):
    """A relative whom a member of staff has declared, as the hash under the subject key.

    Nobody reads a relative's number out of it; a request about him is known again.
    """

    __tablename__ = "declared_relatives"
    __table_args__ = (
        sa.Index(
            "uq_declared_relatives_person_id_relative_index",
            "person_id",
            "relative_index",
            unique=True,
            postgresql_where=sa.text("withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    relative_index: Mapped[bytes]
    declared_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class SamplingSeedRow(Base):
    """The secret of one day's draw of extended justifications.

    Its commitment is in the log before the first draw of the day, the seed itself afterwards.
    """

    __tablename__ = "sampling_seeds"

    day: Mapped[date] = mapped_column(primary_key=True)
    commitment: Mapped[str] = mapped_column(sa.String(64))
    wrapped_key: Mapped[bytes]
    sealed: Mapped[bytes]
    committed_at: Mapped[datetime]
    commit_event_id: Mapped[UUID] = mapped_column(unique=True)
    opened_at: Mapped[datetime | None]
