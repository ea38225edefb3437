"""Tables of the log. Leaves, nodes and checkpoints are written once; triggers refuse the rest."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class OutboxRow(Base):
    """An event written in its own transaction and not yet given its place in the log."""

    __tablename__ = "audit_outbox"

    # Gaps and late commits are normal: the place in the log is the leaf's index, not this.
    position: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    event_id: Mapped[UUID] = mapped_column(unique=True)
    event: Mapped[str] = mapped_column(sa.String(97))
    at: Mapped[datetime]
    leaf: Mapped[bytes]


class Leaf(Base):
    """One event at its place in the log, for ever."""

    __tablename__ = "audit_leaves"

    index: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[UUID] = mapped_column(unique=True)
    event: Mapped[str] = mapped_column(sa.String(97), index=True)
    at: Mapped[datetime]
    leaf: Mapped[bytes]
    leaf_hash: Mapped[bytes]


class Node(Base):
    """The root of a complete subtree of level 1 or above; level 0 is the leaves' own hashes."""

    __tablename__ = "audit_nodes"

    level: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    index: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[bytes]


class CheckpointRow(Base):
    """What the log committed itself to after a batch, signed."""

    __tablename__ = "audit_checkpoints"

    size: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    root: Mapped[bytes]
    note: Mapped[str] = mapped_column(sa.Text)
    signed_at: Mapped[datetime]


class Subject(Base):
    """Whose data an event touched: the salt that opens the leaf's commitment.

    The one table of the log that retention may delete from: without its row here, a leaf tells
    nobody whom it was about.
    """

    __tablename__ = "audit_subjects"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_index: Mapped[bytes] = mapped_column(index=True)
    salt: Mapped[bytes]


class Cosignature(Base):
    """A witness's word that a checkpoint continues every one it has seen before."""

    __tablename__ = "audit_cosignatures"

    size: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    witness: Mapped[str] = mapped_column(sa.String(128), primary_key=True)
    line: Mapped[str] = mapped_column(sa.Text)
    cosigned_at: Mapped[datetime]


class Anchor(Base):
    """A time-stamping authority's word on when a checkpoint was there (RFC 3161)."""

    __tablename__ = "audit_anchors"

    size: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    response: Mapped[bytes]  # the whole TimeStampResp, DER, as ``openssl ts -verify`` reads it
    stamped_at: Mapped[datetime]


class StreamMonth(Base):
    """How far the running numbers of somebody's month have come. Not evidence: a counter."""

    __tablename__ = "audit_stream_months"

    stream: Mapped[UUID] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(sa.String(7), primary_key=True, index=True)
    last_number: Mapped[int] = mapped_column(sa.BigInteger)


class ClosedMonth(Base):
    """A month that takes no more numbers; its closing record is in the log."""

    __tablename__ = "audit_closed_months"

    month: Mapped[str] = mapped_column(sa.String(7), primary_key=True)
    event_id: Mapped[UUID] = mapped_column(unique=True)
    closed_at: Mapped[datetime]
