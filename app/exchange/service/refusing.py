"""Telling a person why his request was not let through, and recording that it was not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final
from uuid import UUID

from app.access import Principal
from app.db import transaction
from app.errors import DomainError
from app.exchange.errors import (
    AgreementRefused,
    ArticleRefused,
    BasisRefused,
    DeviceRefused,
    FieldsRefused,
    GateRefused,
    LimitRefused,
    ReconRefused,
    RoleRefused,
    SampleRefused,
    SanctionRefused,
    SessionRefused,
    UserRefused,
)
from app.exchange.rules.gates import Gate, RefusalCode, Verdict
from app.exchange.rules.inputs import About
from app.exchange.rules.texts import TEXTS, RefusalText
from app.exchange.service.ports import ExchangePorts

_REFUSALS: Final[dict[Gate, type[GateRefused]]] = {
    Gate.AUTH: SessionRefused,
    Gate.DEVICE: DeviceRefused,
    Gate.USER: UserRefused,
    Gate.AGREEMENT: AgreementRefused,
    Gate.ROLE: RoleRefused,
    Gate.LIST: BasisRefused,
    Gate.ARTICLE: ArticleRefused,
    Gate.FIELDS: FieldsRefused,
    Gate.SANCTION: SanctionRefused,
    Gate.RECON: ReconRefused,
    Gate.LIMIT: LimitRefused,
    Gate.SAMPLE: SampleRefused,
}


def refusal(
    *, request_id: UUID, gate: Gate, code: RefusalCode, rule_set: str, about: About | None
) -> DomainError:
    """Return the error that tells the person of a recorded refusal.

    Where the number, the zone or the plate was misread, that error itself is returned, with the
    refusal's code, item and texts added: it says what to read again.
    """
    text = TEXTS[code]
    fault = None if about is None else fault_of(code, about)
    error = fault or _REFUSALS[gate](text.en)
    error.fields |= {
        "check_id": str(request_id),
        "gate": gate.value,
        "refusal": code.value,
        "rule_set": rule_set,
    }
    return with_texts(error, text)


def with_texts(error: DomainError, text: RefusalText) -> DomainError:
    """Return ``error`` with the item of the Rules and its words in three languages added."""
    error.fields |= {
        "item": text.item,
        "texts": {"kk": text.kk, "ru": text.ru, "en": text.en},
        "cures": {"kk": text.cure.kk, "ru": text.cure.ru, "en": text.cure.en},
    }
    return error


@asynccontextmanager
async def recording_refusals(
    ports: ExchangePorts, caller: Principal, request_id: UUID, *, event: str, now: datetime
) -> AsyncIterator[None]:
    """Record whatever refuses an act on a request, in a transaction of its own."""
    try:
        yield
    except DomainError as refusal:
        async with transaction(ports.sessions) as session:
            await ports.trail.record(
                session,
                event=event,
                at=now,
                who=caller,
                fields={"check_id": str(request_id), "code": refusal.code},
            )
        raise


def refusal_of(*, request_id: UUID, verdict: Verdict, about: About) -> DomainError:
    """Return the error of a verdict that lets nothing through.

    Raises:
        ValueError: the verdict allows.
    """
    if verdict.gate is None or verdict.code is None:
        raise ValueError("an allowed request has no refusal")
    return refusal(
        request_id=request_id,
        gate=verdict.gate,
        code=verdict.code,
        rule_set=verdict.rule_set,
        about=about,
    )


def fault_of(code: RefusalCode, about: About) -> DomainError | None:
    """Return what was misread, where that is why the request was refused."""
    if code is RefusalCode.FIELDS_SUBJECT:
        return about.fault
    return about.plate_fault if code is RefusalCode.FIELDS_PLATE else None
