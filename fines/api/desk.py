"""The desk that the routes of this slice work at, and who may come to it."""

from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Response

from app.access import Access, DeviceKind, Role
from app.audit.api import TrailOfApp
from app.audit.service import AuditTrail
from app.db import Sessions, SessionsOfApp
from app.keys import Keys
from app.ports import KeysOfApp, SettingsOfApp
from app.settings import Settings
from fines.rules.amounts import parse_rounding
from fines.rules.refunds import parse_refund_limits
from fines.rules.terms import parse_terms
from fines.rules.verification import paper_key
from fines.service import Desk

OFFICER_ON_TABLET = Access(roles=[Role.PATROL_OFFICER], devices=[DeviceKind.TABLET])

# Looking at what is already done: a page shows papers without the device's header.
OFFICER = Access(roles=[Role.PATROL_OFFICER])

# Who is over officers: corrects what they entered, and hands their cases on.
SUPERIOR = Access(roles=[Role.RESPONSIBLE_OFFICIAL])

# Who takes in what officers bring: their cases, and the signed slips of their reports.
OVER_OFFICERS = Access(roles=[Role.RESPONSIBLE_OFFICIAL, Role.DUTY_OFFICER])

TERMINAL = Access(devices=[DeviceKind.TERMINAL])

ANYBODY = Access(public_because="whoever holds a paper may ask whether it is ours")

BODY_BYTES_MAX = 32 * 1024


async def _desk(
    sessions: SessionsOfApp, settings: SettingsOfApp, keys: KeysOfApp, trail: TrailOfApp
) -> Desk:
    return make_desk(sessions=sessions, trail=trail, keys=keys, settings=settings)


def make_desk(*, sessions: Sessions, trail: AuditTrail, keys: Keys, settings: Settings) -> Desk:
    """Return the desk that this slice's use cases and jobs work at."""
    return Desk(
        sessions=sessions,
        trail=trail,
        keys=keys,
        paper_key=paper_key(keys.subject),
        public_url=settings.public_url,
        sale_timeout=timedelta(seconds=settings.sale_timeout_seconds),
        budget_code=settings.budget_code,
        purpose_code=settings.purpose_code,
        refund_limits=parse_refund_limits(settings.refund_limits),
        reduced_terms=parse_terms(settings.reduced_term_hours),
        rounding=parse_rounding(settings.fine_rounding),
        read_card=settings.read_card_before_sale,
        names_prove=settings.own_card_by_name,
    )


DeskOfApp = Annotated[Desk, Depends(_desk)]


def private_document(content: bytes, media_type: str) -> Response:
    """Return a document that no cache keeps and no browser guesses at."""
    headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=media_type, headers=headers)
