"""Asking whether a signer's certificate was revoked, and keeping the answer as evidence.

Nothing is asked while a transaction is open: ``ask_about_signer`` goes first and stores the proof;
``proof_of`` then finds it inside the transaction of the act. Whoever forgets to ask is refused.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import structlog
from cryptography import x509
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import Sessions, transaction
from app.identity import errors, repository
from app.identity.models import RevocationListRow, RevocationProofRow
from app.identity.register import RevocationPort, SourceSilent
from app.identity.rules.addresses import Addresses, addresses_of
from app.identity.rules.certificates import Trust
from app.identity.rules.lists import RevocationList, check_lists, read_list
from app.identity.rules.revocation import (
    FRESH,
    NONCE_BYTES,
    AnswerUnusable,
    check_ocsp,
    issuer_key_sha256,
    ocsp_request,
)
from app.identity.rules.signature import chain_of

_LISTS_MAX: Final = 8

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Link:
    certificate: x509.Certificate
    issuer: x509.Certificate

    @property
    def key(self) -> bytes:
        return issuer_key_sha256(self.issuer)

    @property
    def serial(self) -> str:
        return f"{self.certificate.serial_number:x}"


@dataclass(frozen=True, kw_only=True)
class _Listed:
    content: bytes
    read: RevocationList


async def ask_about_signer(
    sessions: Sessions, *, cms: bytes, trust: Trust, port: RevocationPort, now: datetime
) -> None:
    """Make sure that there is fresh proof about the certificate a message names as its signer's.

    To be called before the transaction of the act, with no other one open.

    Raises:
        SignatureRefused: the message has another form, its certificate does not chain to a
            trusted root, or is revoked.
        RevocationUnknown: nobody gave an answer that can be believed.
    """
    chain = chain_of(cms=cms, trust=trust, now=now)
    await ask_about_chain(sessions, chain=chain, trust=trust, port=port, now=now)


async def ask_about_chain(
    sessions: Sessions,
    *,
    chain: Sequence[x509.Certificate],
    trust: Trust,
    port: RevocationPort,
    now: datetime,
) -> UUID:
    """Return the id of the proof that the first certificate of ``chain`` is not revoked.

    Authorities between it and the root are asked about too, by lists, unless they are pinned.

    Raises:
        CertificateRevoked, CertificateUnknownToAuthority, RevocationUnknown: see above.
    """
    try:
        for place in range(1, len(chain) - 1):
            if chain[place] not in trust.intermediates:
                link = _Link(certificate=chain[place], issuer=chain[place + 1])
                await _ask(sessions, link, port=port, by_ocsp=False, now=now)
        link = _Link(certificate=chain[0], issuer=chain[1])
        return await _ask(sessions, link, port=port, by_ocsp=True, now=now)
    except AnswerUnusable as error:
        raise errors.RevocationUnknown("the issuer's certificate cannot be asked about") from error


async def proof_of(
    session: AsyncSession, *, chain: Sequence[x509.Certificate], now: datetime
) -> UUID:
    """Return the id of the fresh proof about the first certificate of ``chain``.

    Raises:
        RevocationUnknown: nobody asked, or it was too long ago.
    """
    link = _Link(certificate=chain[0], issuer=chain[1])
    proof = await repository.newest_proof(
        session, issuer_key_sha256=link.key, serial=link.serial, since=now - FRESH
    )
    if proof is None:
        raise errors.RevocationUnknown("there is no fresh proof about the certificate")
    return proof.id


async def _ask(
    sessions: Sessions, link: _Link, *, port: RevocationPort, by_ocsp: bool, now: datetime
) -> UUID:
    async with transaction(sessions) as session:
        kept = await repository.newest_proof(
            session, issuer_key_sha256=link.key, serial=link.serial, since=now - FRESH
        )
    if kept is not None:
        return kept.id
    named = addresses_of(link.certificate)
    if by_ocsp:
        for url in port.ocsp_addresses(named.ocsp):
            row = await _by_ocsp(link, url=url, port=port, now=now)
            if row is not None:
                async with transaction(sessions) as session:
                    session.add(row)
                return row.id
    return await _by_lists(sessions, link, named=named, port=port, now=now)


async def _by_ocsp(
    link: _Link, *, url: str, port: RevocationPort, now: datetime
) -> RevocationProofRow | None:
    nonce = secrets.token_bytes(NONCE_BYTES)
    question = ocsp_request(link.certificate, issuer=link.issuer, nonce=nonce)
    try:
        answer = await port.ask(url=url, question=question)
        proof = check_ocsp(
            answer, certificate=link.certificate, issuer=link.issuer, nonce=nonce, now=now
        )
    except (SourceSilent, AnswerUnusable) as error:
        log.warning("revocation_source_failed", source="ocsp", fault=str(error))
        return None
    return RevocationProofRow(
        id=uuid4(),
        issuer_key_sha256=link.key,
        certificate_serial=link.serial,
        as_of=proof.this_update,
        asked_at=now,
        ocsp=answer,
        ocsp_sha256=hashlib.sha256(answer).digest(),
        list_id=None,
        delta_id=None,
    )


async def _by_lists(
    sessions: Sessions, link: _Link, *, named: Addresses, port: RevocationPort, now: datetime
) -> UUID:
    urls = port.list_addresses(named.lists)[:_LISTS_MAX]
    fetched = await asyncio.gather(*(_fetched(link, url=url, port=port, now=now) for url in urls))
    found = [one for one in fetched if one is not None]
    async with transaction(sessions) as session:
        base = await _newest(session, link, found, is_delta=False, now=now)
        delta = await _newest(session, link, found, is_delta=True, now=now)
        known_delta = await repository.newest_list(
            session, issuer_key_sha256=link.key, is_delta=True
        )
    if base is None or (delta is None and (named.has_delta or known_delta is not None)):
        raise errors.RevocationUnknown("neither OCSP nor lists gave an answer to believe")
    try:
        check_lists(
            link.certificate, base=base[0].read, delta=None if delta is None else delta[0].read
        )
    except AnswerUnusable as error:
        log.warning("revocation_source_failed", source="list", fault=str(error))
        raise errors.RevocationUnknown("the delta completes another list") from error
    row = RevocationProofRow(
        id=uuid4(),
        issuer_key_sha256=link.key,
        certificate_serial=link.serial,
        as_of=now,
        asked_at=now,
        ocsp=None,
        ocsp_sha256=None,
        list_id=base[1],
        delta_id=None if delta is None else delta[1],
    )
    async with transaction(sessions) as session:
        session.add(row)
    return row.id


async def _fetched(link: _Link, *, url: str, port: RevocationPort, now: datetime) -> _Listed | None:
    try:
        content = await port.fetch_list(url=url)
        # A list may hold megabytes, over which a hash of ours takes seconds: not on the loop.
        read = await asyncio.to_thread(read_list, content, issuers=(link.issuer,), now=now)
    except (SourceSilent, AnswerUnusable) as error:
        log.warning("revocation_source_failed", source="list", fault=str(error))
        return None
    return _Listed(content=content, read=read)


async def _newest(
    session: AsyncSession, link: _Link, found: list[_Listed], *, is_delta: bool, now: datetime
) -> tuple[_Listed, UUID] | None:
    """Return the highest of the lists found, stored, unless a higher one was seen before."""
    fitting = [one for one in found if (one.read.base_number is not None) is is_delta]
    if not fitting:
        return None
    newest = max(fitting, key=lambda one: one.read.number)
    seen = await repository.newest_list(session, issuer_key_sha256=link.key, is_delta=is_delta)
    if seen is not None and newest.read.number < int(seen.number):
        log.warning("revocation_source_failed", source="list", fault="number_went_back")
        return None
    digest = hashlib.sha256(newest.content).digest()
    row = await repository.list_by_content(session, digest)
    if row is None:
        row = RevocationListRow(
            id=uuid4(),
            issuer_key_sha256=link.key,
            is_delta=is_delta,
            number=newest.read.number,
            content=newest.content,
            content_sha256=digest,
            this_update=newest.read.this_update,
            next_update=newest.read.next_update,
            received_at=now,
        )
        session.add(row)
    return newest, row.id
