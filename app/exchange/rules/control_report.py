"""The monthly report: what its lines say, who may see it, and the document that is signed."""

import enum
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID

import rfc8785

from app.exchange.rules.completeness import OfficerNumbers
from app.exchange.rules.control import INTERNATIONAL_ORDER, Mark
from app.exchange.rules.documents import AttachedDocument, DocumentState, state_of

DOCUMENT_VERSION: Final = 1
_HIDDEN: Final = "•"
_SHOWN_DIGITS: Final = 4  # enough to tell two persons of one shift apart, not to know either
_SHOWN_OF_PLATE: Final = 2
_SEARCHED: Final = ("iin", "bin", "plate", "surname", "given_name", "patronymic", "birth_date")


class Towards(enum.Enum):
    """What somebody may do with a report."""

    REVIEW = "review"
    READ = "read"


@dataclass(frozen=True, kw_only=True)
class ReportPlace:
    """Where a line stands in the order of the report: the officer's place, then his number."""

    officer: int
    number: int


@dataclass(frozen=True, kw_only=True)
class ReportFilter:
    """Which lines are asked for; all by default.

    ``flag`` is one flag, or ``any`` for every line with one. ``own_mark`` asks for the lines of
    which the reviewer must speak one by one and has not.
    """

    officer_id: UUID | None = None
    flag: str = ""
    international: bool = False
    abandoned: bool = False
    own_mark: bool = False


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How often an answer, the subject or the order's document was shown to somebody."""

    viewed: int = 0
    printed: int = 0
    exported: int = 0
    unmasked: int = 0
    document: int = 0


@dataclass(frozen=True, kw_only=True)
class ReportLine:
    """One request as the report shows it. ``subject`` is masked."""

    request_id: UUID
    officer_id: UUID
    post_id: UUID
    officer_place: int
    month: str
    number: int
    received_at: datetime
    department_id: UUID
    device_id: UUID | None
    basis: str
    stop_ground: str
    references: tuple[tuple[str, str], ...]
    services: tuple[str, ...]
    subject_kind: str | None
    subject: str = field(repr=False)
    hit: bool | None
    shown: Shown
    extended_asked: bool
    extended: str = field(default="", repr=False)
    extended_given: bool
    recon: str | None
    second: str | None = None
    objection: str = field(default="", repr=False)
    document: AttachedDocument | None = None
    held: bool = False
    status: str
    refusal: str | None
    flags: tuple[str, ...]
    abandoned: bool
    mark: Mark | None
    mark_text: str
    leaf_index: int | None

    @property
    def document_state(self) -> DocumentState | None:
        """Whether an international order has its document; of other requests none is wanted."""
        return state_of(self.document) if self.basis == INTERNATIONAL_ORDER else None


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What the lines of a report amount to."""

    requests: int
    by_officer: Mapping[UUID, int]
    by_basis: Mapping[str, int]
    by_status: Mapping[str, int]
    by_flag: Mapping[str, int]
    flagged: int
    abandoned: int
    international: int
    by_mark: Mapping[Mark, int]
    own_marks_missing: int


@dataclass(frozen=True, kw_only=True)
class ReviewFacts:
    """What the signed document states."""

    report_id: UUID
    month: str
    due_on: date
    official_id: UUID | None
    reviewer_id: UUID
    reviewer_post_id: UUID
    version: int
    corrects_sha256: str | None
    counts: Counts
    officers: tuple[OfficerNumbers, ...]
    lines_sha256: str


def towards(
    *,
    role: str,
    person_id: UUID,
    official_id: UUID | None,
    escalated_to: frozenset[UUID | None],
) -> Towards | None:
    """Return what a caller may do with a report; nothing where it is not his to know of.

    Officials review their own report and those that came up to them. The exchange controller
    reviews what has no official and what is overdue; an auditor reads every report.
    """
    if role == "responsible_official" and (official_id == person_id or person_id in escalated_to):
        return Towards.REVIEW
    if role == "exchange_controller" and (official_id is None or None in escalated_to):
        return Towards.REVIEW
    return Towards.READ if role == "auditor" else None


def masked(searched: Mapping[str, object]) -> str:
    """Return what was searched, hidden but for what tells two requests apart."""
    shown = []
    for name in ("iin", "bin"):
        value = searched.get(name)
        if value:
            text = str(value)
            shown.append(_HIDDEN * max(len(text) - _SHOWN_DIGITS, 0) + text[-_SHOWN_DIGITS:])
    plate = searched.get("plate")
    if plate:
        text = str(plate)
        ends = min(_SHOWN_OF_PLATE, len(text) // 4)  # never more than half of it
        hidden = _HIDDEN * (len(text) - 2 * ends)
        shown.append(text[:ends] + hidden + text[len(text) - ends :])
    if not shown and searched:
        shown.append(_HIDDEN * 8)  # found by name: a part of a name is a name
    return " ".join(shown)


def unmasked(searched: Mapping[str, object]) -> dict[str, str]:
    """Return what was searched, in clear."""
    return {name: str(searched[name]) for name in _SEARCHED if searched.get(name)}


def line_of_digest(
    *, officer_id: UUID, number: int, request_id: UUID, mark: Mark | None, text: str
) -> str:
    """Return what the signed digest says of one request; a table of the report gives the same."""
    said = hashlib.sha256(text.encode()).hexdigest() if text else ""
    return f"{officer_id} {number} {request_id} {mark.value if mark else ''} {said}\n"


def lines_digest(lines: Iterable[str]) -> str:
    """Return SHA-256 over the digest lines, in the order of the report."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode())
    return digest.hexdigest()


def review_document(facts: ReviewFacts) -> bytes:
    """Return the canonical bytes (RFC 8785) that the reviewer signs.

    They say what was reviewed, and bind every line with its mark by one digest. Nothing in them
    names a person whose data was asked for.
    """
    counts = facts.counts
    body: dict[str, object] = {
        "v": DOCUMENT_VERSION,
        "document": "departmental_control_review",
        "act": "Order 151 items 10-11",
        "report_id": str(facts.report_id),
        "month": facts.month,
        "due_on": facts.due_on.isoformat(),
        "official": None if facts.official_id is None else str(facts.official_id),
        "reviewer": str(facts.reviewer_id),
        "reviewer_post": str(facts.reviewer_post_id),
        "version": facts.version,
        "corrects_sha256": facts.corrects_sha256,
        "requests": counts.requests,
        "by_basis": dict(counts.by_basis),
        "by_flag": dict(counts.by_flag),
        "flagged": counts.flagged,
        "abandoned": counts.abandoned,
        "international": counts.international,
        "marks": {mark.value: counts.by_mark.get(mark, 0) for mark in Mark},
        "officers": [_officer(one) for one in facts.officers],
        "lines_sha256": facts.lines_sha256,
    }
    return rfc8785.dumps(body)  # type: ignore[arg-type]  # made of JSON values alone


def _officer(one: OfficerNumbers) -> dict[str, object]:
    return {
        "officer_id": str(one.person_id),
        "last_number": one.last_number,
        "closing_leaf_index": one.closing_leaf_index,
        "here": [list(pair) for pair in one.here],
        "missing": [list(pair) for pair in one.missing],
        "beyond": [list(pair) for pair in one.beyond],
    }
