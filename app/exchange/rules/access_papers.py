"""The papers of access that people sign: always written here, byte for byte the same.

Each is one RFC 8785 object and says what act it is, so that no signature serves another act.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import rfc8785


@dataclass(frozen=True, kw_only=True)
class AccessForm:
    """What an applicant fills in of the form of appendix 5; the rest the staff list says.

    Attributes:
        responsible_id: the official responsible for the justification of his requests (item 9).
        contacts: how to reach him at work.
        workplace: ids of the computers and tablets he works on (appendix 4).
        drawn_at: when the paper was written; it is signed within minutes.
    """

    role: str
    services: frozenset[str]
    bases: frozenset[str]
    responsible_id: UUID | None
    contacts: str = field(repr=False)
    workplace: str
    drawn_at: datetime


@dataclass(frozen=True, kw_only=True)
class Applicant:
    """Who files a request, as the staff list has him."""

    iin: str = field(repr=False)
    full_name: str = field(repr=False)
    department_bin: str
    department: str
    title: str
    post_id: UUID


def form_paper(form: AccessForm, *, applicant: Applicant) -> bytes:
    """Return the request for access that its applicant signs."""
    return rfc8785.dumps(
        {
            "act": "saqshy.access_request",
            "basis": "Order 151, item 13, appendix 5",
            "iin": applicant.iin,
            "name": applicant.full_name,
            "body": {"bin": applicant.department_bin, "name": applicant.department},
            "position": applicant.title,
            "post": str(applicant.post_id),
            "role": form.role,
            "services": sorted(form.services),
            "bases": sorted(form.bases),
            "responsible": None if form.responsible_id is None else str(form.responsible_id),
            "contacts": form.contacts,
            "workplace": form.workplace,
            "drawn_at": form.drawn_at.isoformat(),
        }
    )


def grant_paper(
    *, request_id: UUID, form_sha256: str, services: Collection[str], bases: Collection[str]
) -> bytes:
    """Return the decision to grant that an operator signs, two operators the same."""
    return rfc8785.dumps(
        {
            "act": "saqshy.access_granted",
            "basis": "Order 151, item 14",
            "request": str(request_id),
            "form_sha256": form_sha256,
            "services": sorted(services),
            "bases": sorted(bases),
        }
    )


def refusal_paper(*, request_id: UUID, form_sha256: str, code: str, text: str) -> bytes:
    """Return the motivated refusal that an operator signs."""
    return rfc8785.dumps(
        {
            "act": "saqshy.access_refused",
            "basis": "Order 151, item 14",
            "request": str(request_id),
            "form_sha256": form_sha256,
            "code": code,
            "text": text,
        }
    )


def unblock_paper(*, block_id: UUID, person_id: UUID, text: str) -> bytes:
    """Return the lifting of a block that an operator signs."""
    return rfc8785.dumps(
        {
            "act": "saqshy.access_unblocked",
            "block": str(block_id),
            "person": str(person_id),
            "text": text,
        }
    )


def agreement_paper(*, version: int, text_kk: str, text_ru: str, text_en: str) -> bytes:
    """Return a version of the agreement as it is signed: plain text in three languages."""
    return f"{version}\n\n{text_kk}\n{text_ru}\n{text_en}".encode()


def sha256_of(paper: bytes) -> str:
    """Return the hash by which a paper is named."""
    return hashlib.sha256(paper).hexdigest()
