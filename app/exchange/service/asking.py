"""One request on its way through the gates: what is fixed of it, and what others said."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.access import DeviceKind, Principal, Role
from app.canonical import canonical
from app.clock import law_date
from app.exchange.errors import AnswerDamaged
from app.exchange.models import RegisterRequestRow
from app.exchange.register import CaseReply
from app.exchange.rules.bases import BasisRule, RuleSet, rule_set_named, rule_set_on
from app.exchange.rules.flags import Flag
from app.exchange.rules.gates import Channel, SecondPerson
from app.exchange.rules.inputs import About, RequestInput, about_of, about_plain, read_about
from app.exchange.rules.number_formats import tidy
from app.exchange.storage import Content, DataKey, open_key
from app.keys import Keys


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Who asks what, about whom, under which edition of the rules.

    Attributes:
        session: whether he acts in a living session of his own.
        about_relative, in_district: what stands round it; see ``surroundings``.
        channel, person_behind: over another body's system, and whether its person proved himself.
    """

    request_id: UUID
    caller: Principal
    sent: RequestInput
    about: About
    rules: RuleSet
    received_at: datetime
    session: bool
    channel: Channel = Channel.OWN
    person_behind: bool | None = None
    about_relative: bool = False
    in_district: bool | None = None

    @property
    def rule(self) -> BasisRule | None:
        """What the basis asks for; ``None`` where the edition knows no such basis."""
        return self.rules.bases.get(self.sent.basis)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What others have said of a request so far."""

    case: CaseReply | None = None
    second: SecondPerson = SecondPerson.NOT_YET


def new_asking(
    *,
    request_id: UUID,
    caller: Principal,
    sent: RequestInput,
    now: datetime,
    channel: Channel = Channel.OWN,
    person_behind: bool | None = None,
) -> Asking:
    """Return a request as it was just received; its subject is read, nothing is decided.

    Raises:
        NoRuleSet: no edition of the rules is in force.
    """
    return Asking(
        request_id=request_id,
        caller=caller,
        sent=sent,
        about=read_about(sent, today=law_date(now)),
        rules=rule_set_on(law_date(now)),
        received_at=now,
        session=caller.session_id is not None,
        channel=channel,
        person_behind=person_behind,
    )


def key_of(row: RegisterRequestRow, keys: Keys) -> DataKey:
    """Return the data key of a stored request.

    Raises:
        AnswerDamaged: it is destroyed, or was wrapped under another vault key.
    """
    if row.wrapped_key is None:
        raise AnswerDamaged("the key of a stored request is destroyed")
    return open_key(vault=keys.vault, owner=row.id, wrapped=row.wrapped_key)


def seal_about(key: DataKey, about: About) -> bytes:
    """Return whom and what a request is about, sealed."""
    return key.seal(Content.SUBJECT, canonical(about_plain(about)))


def unseal_about(row: RegisterRequestRow, key: DataKey) -> About:
    """Return whom and what a stored request is about.

    Raises:
        AnswerDamaged: it is destroyed, or cannot be opened.
    """
    if row.subject_sealed is None:
        raise AnswerDamaged("the subject of a stored request is destroyed")
    content = key.unseal(Content.SUBJECT, row.subject_sealed)
    try:
        return about_of(json.loads(content))
    except (ValueError, KeyError, TypeError) as error:
        raise AnswerDamaged("a stored subject has another form") from error


def stored_asking(
    row: RegisterRequestRow,
    keys: Keys,
    *,
    role: Role | None,
    session_id: UUID | None,
    session: bool,
    justification: str | None = None,
) -> Asking:
    """Return a request that waited, as it stands in its row, for its person as he is now.

    ``session`` tells whether he acts in a living session; of a person of a court, who has none,
    whether he stands behind the call.

    Raises:
        AnswerDamaged: something sealed cannot be opened.
    """
    key = key_of(row, keys)
    about = unseal_about(row, key)
    if justification is None and row.extended_sealed is not None:
        justification = key.unseal(Content.JUSTIFICATION, row.extended_sealed).decode()
    caller = Principal(
        department_id=row.department_id,
        person_id=row.person_id,
        post_id=row.post_id,
        role=role,
        session_id=session_id,
        device_id=row.device_id,
        # Nothing else gets past gate DEVICE, and what did not cannot wait.
        device_kind=None if row.device_id is None else DeviceKind.TABLET,
    )
    sent = RequestInput(
        basis=row.basis.value,
        services=tuple(row.services),
        iin=None if about.iin is None else about.iin.digits,
        bin=about.bin,
        plate=about.plate,
        stop_ground=row.stop_ground,
        article=row.article or "",
        case_number=row.case_number or "",
        order_number=row.order_number or "",
        order_body=row.order_body or "",
        cover_letter=row.cover_letter_number or "",
        year=row.case_year,
        court=row.court or "",
        sanction_id=row.sanction_id,
        justification=justification or "",
    )
    return Asking(
        request_id=row.id,
        caller=caller,
        sent=sent,
        about=about,
        rules=rule_set_named(row.rule_set),
        received_at=row.received_at,
        session=session,
        channel=Channel.EAIAS if role is Role.COURT else Channel.OWN,
        person_behind=session if role is Role.COURT else None,
        # As it was when the request came: where its person is now says nothing of it.
        about_relative=Flag.RELATIVE.value in row.flags,
        in_district=False if Flag.OUT_OF_DISTRICT.value in row.flags else None,
    )


def commitment(key: bytes, label: str, text: str) -> bytes:
    """Return a keyed hash of ``text``; without the key it tells nothing, even of a short text."""
    return hmac.new(key, f"exchange {label}\x00{text}".encode(), hashlib.sha256).digest()


def subject_index(about: About, keys: Keys) -> bytes | None:
    """Return the key under which requests about this subject are found again."""
    found = about.key
    return None if found is None else commitment(keys.subject, *found)


def tidied(sent: RequestInput) -> dict[str, str | None]:
    """Return the typed numbers and names in one form, ``None`` where they were left out."""
    return {
        "case_number": tidy(sent.case_number) or None,
        "order_number": tidy(sent.order_number) or None,
        "order_body": tidy(sent.order_body) or None,
        "cover_letter_number": tidy(sent.cover_letter) or None,
        "court": tidy(sent.court) or None,
        "article": tidy(sent.article) or None,
    }
