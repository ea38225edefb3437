"""The snapshot that the gates decide over: what is known of one request, naming no person."""

import enum
import hashlib
from dataclasses import dataclass, fields

from app.canonical import canonical
from app.exchange.rules.access import AgreementStanding, UserStanding
from app.exchange.rules.bases import RequestField, SubjectKind
from app.exchange.rules.cases import CaseVerdict


class Channel(enum.Enum):
    """The way a call came."""

    OWN = "own"  # the person's own session with us, from a tablet or a workplace
    SYSTEM = "system"  # the system of a state body (item 8), with its person behind the call
    EAIAS = "eaias"  # the courts' system (item 24), with its person behind the call
    UNKNOWN = "unknown"


class DeviceStanding(enum.Enum):
    """Where the calling device stands by the inventory and the journal of issue."""

    ISSUED_TO_CALLER = "issued_to_caller"
    OF_UNIT = "of_unit"  # in the unit's store or common use, issued to nobody
    WORKPLACE = "workplace"  # no enrolled device, but a session at a desk in the closed network
    SYSTEM = "system"  # another body's system, known by its certificate
    ISSUED_TO_ANOTHER = "issued_to_another"
    OF_ANOTHER_UNIT = "of_another_unit"
    OUT_OF_SERVICE = "out_of_service"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class FieldState(enum.Enum):
    """What is known of one field of the request."""

    GOOD = "good"
    ABSENT = "absent"
    MALFORMED = "malformed"
    UNKNOWN = "unknown"


class SanctionStanding(enum.Enum):
    """Where the court sanction that the request names stands at this instant."""

    NOT_NAMED = "not_named"
    NOT_YET = "not_yet"  # drawn up, signed, sent or received: the court has not decided
    GRANTED = "granted"  # in force, and covering person, services and case
    OUT_OF_SCOPE = "out_of_scope"
    REFUSED = "refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"


class SecondPerson(enum.Enum):
    """What the second person said of an international order."""

    NOT_YET = "not_yet"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    SELF = "self"  # the one who confirmed is the one who asks
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """Everything the gates may know of one request; nothing in it names a person.

    ``None`` means that the fact could not be established, which refuses.

    Attributes:
        channel: the way the call came.
        session: over ``Channel.OWN``: whether the person acts in a session made by electronic
            signature that is not older than the policy allows.
        person_behind: over another channel: whether the person behind the call proved himself.
        device_kind, device: the calling device and its standing; a workplace has no kind.
        user, agreement: the person's standing; of a person behind a court's call, what that
            channel vouches for.
        role: the role of his post; ``bases.COURT_ROLE`` behind a court's call.
        granted_services, granted_bases: what the person's own access request was granted.
        basis, services: why, and what is asked.
        article: of the code, as the request names it; empty where it names none.
        subject_kind: what is asked about; ``subject`` is the state of the IIN or BIN.
        stop_ground: as the tablet sent it, empty where none or none of the list was sent.
        given: the state of each further field; one that is left out of it counts as unknown.
        sanction: of the court, as named in the request.
        recon: what the register of cases says; ``None`` before it was asked.
        recon_articles: of the case, as that register names them.
        second_person: over an international order.
        requests_hour, requests_day: what this person asked before, in 1 and in 24 hours.
        same_subject_day: how often of them, under the primary check, about this very subject.
        drawn, justification: whether the draw fell on this request; the extended justification.
    """

    channel: Channel
    session: bool | None
    person_behind: bool | None
    device_kind: str | None
    device: DeviceStanding
    user: UserStanding
    agreement: AgreementStanding
    role: str | None
    granted_services: frozenset[str] | None
    granted_bases: frozenset[str] | None
    basis: str
    services: tuple[str, ...]
    article: str | None
    subject_kind: SubjectKind | None
    subject: FieldState
    plate: FieldState
    stop_ground: str
    given: tuple[tuple[RequestField, FieldState], ...]
    sanction: SanctionStanding
    recon: CaseVerdict | None
    recon_articles: tuple[str, ...]
    second_person: SecondPerson
    requests_hour: int | None
    requests_day: int | None
    same_subject_day: int | None
    drawn: bool | None
    justification: FieldState

    def sha256(self) -> str:
        """Return the hash of the snapshot over its RFC 8785 form, for the audit leaf."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def canonical(self) -> bytes:
        """Return the RFC 8785 form of the snapshot."""
        plain = {name: _plain(getattr(self, name)) for name in _NAMES}
        plain["given"] = {name.value: state.value for name, state in self.given}
        return canonical(plain)


_NAMES = tuple(one.name for one in fields(Facts))


def _plain(value: object) -> object:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, frozenset):
        return sorted(value)
    return list(value) if isinstance(value, tuple) else value


# Of a primary check nothing of a case is given; built once, since such checks are the many.
NOTHING_GIVEN: tuple[tuple[RequestField, FieldState], ...] = tuple(
    (name, FieldState.ABSENT) for name in RequestField
)
