"""The gates of one request: one pure function over a frozen snapshot of facts.

Order and codes follow the Rules of Order 151 (items 2, 6, 7, 14-20) in the edition of the rule
set. The first gate that fails is the one reported. A fact that is not known is a refusal.
"""

import enum
import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass

import rfc8785

from app.exchange.rules.bases import STOP_GROUNDS, RuleSet


class Gate(enum.Enum):
    """The gates that decide, in their order.

    Sampling and court sanctions come with the bases that need them; the log is not a gate of
    this function but a step that must succeed.
    """

    AUTH = "AUTH"
    DEVICE = "DEVICE"
    USER = "USER"
    ROLE = "ROLE"
    LIST = "LIST"
    FIELDS = "FIELDS"
    LIMIT = "LIMIT"


class DeviceStanding(enum.Enum):
    """Where the calling device stands by the inventory and the journal of issue."""

    ISSUED_TO_CALLER = "issued_to_caller"
    OF_UNIT = "of_unit"  # in the unit's store or common use, issued to nobody
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


class RefusalCode(enum.Enum):
    """Why a request is refused; stable, tablets and reports depend on it."""

    AUTH_NO_SESSION = "AUTH_NO_SESSION"
    AUTH_UNKNOWN = "AUTH_UNKNOWN"
    DEVICE_ABSENT = "DEVICE_ABSENT"
    DEVICE_KIND = "DEVICE_KIND"
    DEVICE_UNIT = "DEVICE_UNIT"
    DEVICE_NOT_YOURS = "DEVICE_NOT_YOURS"
    DEVICE_OUT_OF_SERVICE = "DEVICE_OUT_OF_SERVICE"
    DEVICE_UNKNOWN = "DEVICE_UNKNOWN"
    USER_NO_POST = "USER_NO_POST"
    USER_UNKNOWN = "USER_UNKNOWN"
    ROLE_NO_RIGHT = "ROLE_NO_RIGHT"
    LIST_NOT_PRIMARY = "LIST_NOT_PRIMARY"
    FIELDS_SUBJECT = "FIELDS_SUBJECT"
    FIELDS_PLATE = "FIELDS_PLATE"
    FIELDS_STOP_GROUND = "FIELDS_STOP_GROUND"
    LIMIT_HOUR = "LIMIT_HOUR"
    LIMIT_DAY = "LIMIT_DAY"
    LIMIT_UNKNOWN = "LIMIT_UNKNOWN"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything the gates may know of one request; nothing in it names a person.

    ``None`` means that the fact could not be established, which refuses.

    Attributes:
        session: whether the person acts in a session made by electronic signature that is not
            older than the policy allows; signing in establishes both at every request.
        device_kind, device: the calling device and its standing.
        post_in_force: whether the officer's post is in force at this instant.
        role: the role of that post.
        basis, services: what is asked, and why.
        subject, plate: the state of the two search fields.
        stop_ground: as the tablet sent it.
        requests_hour, requests_day: what this officer asked before, in 1 and in 24 hours.
    """

    session: bool | None
    device_kind: str | None
    device: DeviceStanding
    post_in_force: bool | None
    role: str | None
    basis: str
    services: tuple[str, ...]
    subject: FieldState
    plate: FieldState
    stop_ground: str
    requests_hour: int | None
    requests_day: int | None

    def sha256(self) -> str:
        """Return the hash of the snapshot over its RFC 8785 form, for the audit leaf."""
        plain = {
            name: value.value if isinstance(value, enum.Enum) else value
            for name, value in asdict(self).items()
        }
        plain["services"] = list(self.services)
        return hashlib.sha256(rfc8785.dumps(plain)).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the gates decided: allowed, or the first gate that refuses and its code."""

    rule_set: str
    gate: Gate | None = None
    code: RefusalCode | None = None

    @property
    def allowed(self) -> bool:
        """True where every gate let the request through."""
        return self.code is None


def decide(facts: Facts, *, rules: RuleSet) -> Verdict:
    """Return the verdict of ``rules`` over ``facts``. Pure: the same facts, the same verdict."""
    for gate, refusal_of in _GATES:
        code = refusal_of(facts, rules)
        if code is not None:
            return Verdict(rule_set=rules.id, gate=gate, code=code)
    return Verdict(rule_set=rules.id)


def _auth(facts: Facts, _rules: RuleSet) -> RefusalCode | None:
    if facts.session is False:
        return RefusalCode.AUTH_NO_SESSION
    return RefusalCode.AUTH_UNKNOWN if facts.session is None else None


_DEVICE_REFUSALS = {
    DeviceStanding.ABSENT: RefusalCode.DEVICE_ABSENT,
    DeviceStanding.ISSUED_TO_ANOTHER: RefusalCode.DEVICE_NOT_YOURS,
    DeviceStanding.OF_ANOTHER_UNIT: RefusalCode.DEVICE_UNIT,
    DeviceStanding.OUT_OF_SERVICE: RefusalCode.DEVICE_OUT_OF_SERVICE,
}
_DEVICE_GOOD = frozenset({DeviceStanding.ISSUED_TO_CALLER, DeviceStanding.OF_UNIT})


def _device(facts: Facts, rules: RuleSet) -> RefusalCode | None:
    if facts.device not in _DEVICE_GOOD:
        return _DEVICE_REFUSALS.get(facts.device, RefusalCode.DEVICE_UNKNOWN)
    if facts.device_kind is None:
        return RefusalCode.DEVICE_UNKNOWN
    if facts.device_kind not in rules.device_kinds:
        return RefusalCode.DEVICE_KIND
    return None


def _user(facts: Facts, _rules: RuleSet) -> RefusalCode | None:
    if facts.post_in_force is None:
        return RefusalCode.USER_UNKNOWN
    return None if facts.post_in_force else RefusalCode.USER_NO_POST


def _role(facts: Facts, rules: RuleSet) -> RefusalCode | None:
    admitted = all(facts.role in rules.roles.get(name, ()) for name in facts.services)
    return None if admitted and facts.role is not None else RefusalCode.ROLE_NO_RIGHT


def _list(facts: Facts, rules: RuleSet) -> RefusalCode | None:
    opened = rules.services.get(facts.basis, frozenset())
    if facts.services and opened.issuperset(facts.services):
        return None
    return RefusalCode.LIST_NOT_PRIMARY


def _fields(facts: Facts, _rules: RuleSet) -> RefusalCode | None:
    if facts.subject is not FieldState.GOOD:
        return RefusalCode.FIELDS_SUBJECT
    if facts.plate not in {FieldState.GOOD, FieldState.ABSENT}:  # the plate may be left out
        return RefusalCode.FIELDS_PLATE
    if facts.stop_ground not in STOP_GROUNDS:
        return RefusalCode.FIELDS_STOP_GROUND
    return None


def _limit(facts: Facts, rules: RuleSet) -> RefusalCode | None:
    if facts.requests_hour is None or facts.requests_day is None:
        return RefusalCode.LIMIT_UNKNOWN
    if facts.requests_hour >= rules.requests_hour_max:
        return RefusalCode.LIMIT_HOUR
    if facts.requests_day >= rules.requests_day_max:
        return RefusalCode.LIMIT_DAY
    return None


_GATES: tuple[tuple[Gate, Callable[[Facts, RuleSet], RefusalCode | None]], ...] = (
    (Gate.AUTH, _auth),
    (Gate.DEVICE, _device),
    (Gate.USER, _user),
    (Gate.ROLE, _role),
    (Gate.LIST, _list),
    (Gate.FIELDS, _fields),
    (Gate.LIMIT, _limit),
)
