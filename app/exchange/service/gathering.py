"""Gathering the facts of one request from everybody who knows one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from app.audit.rules.numbering import month_of
from app.clock import law_date
from app.db import Connection
from app.exchange.repository import requests, snapshot
from app.exchange.repository import sanctions as sanction_rows
from app.exchange.repository.release import Seals
from app.exchange.rules.access import AgreementStanding, UserStanding
from app.exchange.rules.bases import COURT_ROLE, Basis, RequestField
from app.exchange.rules.facts import NOTHING_GIVEN
from app.exchange.rules.flags import Flag, FlagFacts, bases_since, flags_of, repeat_since
from app.exchange.rules.gates import Channel, DeviceStanding, Facts, FieldState, SanctionStanding
from app.exchange.rules.number_formats import (
    case_number_state,
    justification_state,
    name_state,
    paper_number_state,
    tidy,
    year_state,
)
from app.exchange.rules.sanctions import SanctionUse, sanction_standing
from app.exchange.service.access import AccessStanding, standing_from
from app.exchange.service.asking import Asking, Said, subject_index
from app.exchange.service.ports import ExchangePorts
from app.identity import service as identity

_EVERY_BASIS: Final = frozenset(basis.value for basis in Basis)


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """The facts of a request and their hash, what stands out of it, who asks, and the seals."""

    facts: Facts
    snapshot_sha256: str
    flags: tuple[Flag, ...]
    officer: identity.Requester | None
    subject_index: bytes | None
    seals: Seals


@dataclass(frozen=True, kw_only=True)
class Read:
    """What the tables say of a request at ``now``: everything but the draw and what others say."""

    known: snapshot.Snapshot
    sanction: SanctionStanding
    subject_index: bytes | None
    now: datetime


async def read_tables(
    connection: Connection, ports: ExchangePorts, asking: Asking, *, now: datetime
) -> Read:
    """Return what the tables say of the request at ``now``."""
    caller, about, limits = asking.caller, asking.about, asking.rules.flags
    index = subject_index(about, ports.keys)
    devices = ports.device_standing if asks_device(asking) else None
    known = await snapshot.of_person(
        connection,
        request_id=asking.request_id,
        person_id=caller.person,
        post_id=caller.post_id,
        device=None if devices is None else devices.known,
        device_id=caller.device_id,
        about_iin=None if about.iin is None else about.iin.digits,
        subject_index=index,
        month=month_of(asking.received_at),
        repeat_since=repeat_since(asking.received_at, limits),
        bases_since=bases_since(asking.received_at, limits),
        now=now,
        today=law_date(now),
    )
    sanction = await _sanction(connection, asking, index, now)
    return Read(known=known, sanction=sanction, subject_index=index, now=now)


async def gather(
    connection: Connection,
    ports: ExchangePorts,
    asking: Asking,
    said: Said,
    *,
    drawn: bool | None,
    now: datetime,
) -> Gathered:
    """Return what is known of the request at ``now``. What cannot be established refuses."""
    read = await read_tables(connection, ports, asking, now=now)
    return gathered_from(read, ports, asking, said, drawn=drawn)


def gathered_from(
    read: Read, ports: ExchangePorts, asking: Asking, said: Said, *, drawn: bool | None
) -> Gathered:
    """Return the facts of a request out of what was read of it."""
    known, now, caller, about = read.known, read.now, asking.caller, asking.about
    officer, before, standing = known.officer, known.before, _standing(asking, known, now)
    facts = Facts(
        channel=asking.channel,
        session=asking.session,
        person_behind=asking.person_behind,
        device_kind=None if caller.device_kind is None else caller.device_kind.value,
        device=device_standing(ports, asking, known.device),
        user=standing.user,
        agreement=standing.agreement,
        role=_role(asking, officer),
        granted_services=standing.services,
        granted_bases=standing.bases,
        basis=asking.sent.basis,
        services=asking.sent.services,
        article=tidy(asking.sent.article),
        subject_kind=about.kind,
        subject=about.state,
        plate=about.plate_state,
        stop_ground=asking.sent.listed_stop_ground,
        given=given_states(asking, today=law_date(now)),
        sanction=read.sanction,
        recon=None if said.case is None else said.case.verdict,
        recon_articles=() if said.case is None else said.case.articles,
        second_person=said.second,
        requests_hour=before.hour,
        requests_day=before.day,
        same_subject_day=before.primary_day,
        drawn=drawn,
        justification=justification_state(asking.sent.justification),
    )
    flags = _flags(asking, officer, before)
    return Gathered(
        facts=facts,
        snapshot_sha256=facts.sha256(),
        flags=flags,
        officer=officer,
        subject_index=read.subject_index,
        seals=Seals(standing=known.seal, device=known.device_seal),
    )


def _flags(
    asking: Asking, officer: identity.Requester | None, before: requests.Before
) -> tuple[Flag, ...]:
    return flags_of(
        FlagFacts(
            at=asking.received_at,
            subject_is_self=_is_self(asking, officer),
            subject_is_colleague=officer is not None and officer.about_colleague,
            subject_is_relative=asking.about_relative,
            same_subject_before=before.repeats,
            requests_before=before.hour,
            bases_before=before.bases,
            basis=asking.sent.basis,
            in_district=asking.in_district,
        ),
        limits=asking.rules.flags,
    )


def _is_self(asking: Asking, officer: identity.Requester | None) -> bool:
    iin = asking.about.iin
    return iin is not None and officer is not None and iin.digits == officer.iin


def _role(asking: Asking, officer: identity.Requester | None) -> str | None:
    if asking.channel is Channel.EAIAS:
        return COURT_ROLE
    return None if officer is None else officer.role.value


def _standing(asking: Asking, known: snapshot.Snapshot, now: datetime) -> AccessStanding:
    if asking.caller.post_id is None:
        return AccessStanding(
            user=UserStanding.UNKNOWN,
            agreement=AgreementStanding.UNKNOWN,
            services=frozenset(),
            bases=frozenset(),
        )
    standing = standing_from(known.standing, at=now)
    if asking.channel is Channel.EAIAS and asking.person_behind:
        return vouched_for(standing, services=asking.sent.services)
    return standing


def vouched_for(known: AccessStanding, *, services: Iterable[str]) -> AccessStanding:
    """Return the standing of a court's person: no user of ours, his channel vouches (item 24).

    For his rights, that is; a block and a post that has ended are ours to say.
    """
    registered = known.user in {UserStanding.ACTIVE, UserStanding.NOT_REGISTERED}
    return AccessStanding(
        user=UserStanding.ACTIVE if registered else known.user,
        agreement=AgreementStanding.SIGNED,
        services=frozenset(services),
        bases=_EVERY_BASIS,
    )


def asks_device(asking: Asking) -> bool:
    """Return whether the request comes from a device of ours, whose standing decides."""
    return asking.channel is Channel.OWN and asking.caller.device_id is not None


def device_standing(ports: ExchangePorts, asking: Asking, row: Sequence[Any]) -> DeviceStanding:
    """Return where the device of the request stands, by its row."""
    if asking.channel is not Channel.OWN:
        return DeviceStanding.SYSTEM
    if asking.caller.device_id is None:
        return DeviceStanding.WORKPLACE
    if ports.device_standing is None:
        return DeviceStanding.UNKNOWN
    return ports.device_standing.read(row, caller=asking.caller)


def given_states(asking: Asking, *, today: date) -> tuple[tuple[RequestField, FieldState], ...]:
    """Return the state of each field that tells one basis from another."""
    sent = asking.sent
    texts = (sent.case_number, sent.order_number, sent.order_body, sent.cover_letter, sent.court)
    if sent.year is None and not any(texts):
        return NOTHING_GIVEN
    register = None if asking.rule is None else asking.rule.register
    states = {
        RequestField.CASE_NUMBER: case_number_state(sent.case_number, register=register, on=today),
        RequestField.ORDER_NUMBER: paper_number_state(sent.order_number),
        RequestField.ORDER_BODY: name_state(sent.order_body),
        RequestField.COVER_LETTER: paper_number_state(sent.cover_letter),
        RequestField.YEAR: year_state(sent.year, today=today),
        RequestField.COURT: name_state(sent.court),
    }
    return tuple(states.items())


async def _sanction(
    connection: Connection, asking: Asking, index: bytes | None, now: datetime
) -> SanctionStanding:
    sent, rule = asking.sent, asking.rule
    if sent.sanction_id is None:
        return SanctionStanding.NOT_NAMED
    sanction = await sanction_rows.standing(
        connection, sanction_id=sent.sanction_id, person_id=asking.caller.person
    )
    register = None if rule is None else rule.register
    needed = asking.rules.sanctioned.get(sent.basis, frozenset()) & set(sent.services)
    use = SanctionUse(
        subject=index,
        services=needed,
        case_register=None if register is None else register.value,
        case_number=tidy(sent.case_number),
        at=now,
    )
    return sanction_standing(sanction, use)
