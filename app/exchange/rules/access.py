"""The life of a user of the exchange: Order 151, items 9-19.

requested -> granted | refused -> active (agreement signed) -> suspended | blocked. Everything is
decided from instants: no job has to have run for a right to end.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.exchange.errors import access as errors
from app.exchange.rules.bases import RuleSet

DECISION_WITHIN: Final = timedelta(hours=24)  # item 14: within one day of receipt
ALARM_AFTER: Final = timedelta(hours=20)  # ours: four hours are left to decide
TRANSFER_WITHIN: Final = timedelta(hours=24)  # item 15: a new request within one day
SIGNED_WITHIN: Final = timedelta(minutes=10)  # from writing a form until its signature arrives

# Who may let others in, or watches those who may: two operators decide on them.
TWO_OPERATOR_ROLES: Final = frozenset({"administrator", "exchange_operator", "exchange_controller"})


class AccessStage(enum.Enum):
    """Where a user stands; the first four are also those of a request for access."""

    REQUESTED = "requested"
    RETURNED = "returned"  # incomplete: its clock never ran
    GRANTED = "granted"  # rights are there, the agreement in force is not signed
    REFUSED = "refused"
    ACTIVE = "active"
    SUSPENDED = "suspended"  # the deadline after a transfer has passed
    BLOCKED = "blocked"


_NEXT: Final = {
    AccessStage.REQUESTED: {
        AccessStage.RETURNED,
        AccessStage.GRANTED,
        AccessStage.REFUSED,
        AccessStage.BLOCKED,
    },
    AccessStage.RETURNED: {AccessStage.REQUESTED, AccessStage.BLOCKED},
    AccessStage.REFUSED: {AccessStage.REQUESTED, AccessStage.BLOCKED},
    AccessStage.GRANTED: {AccessStage.ACTIVE, AccessStage.SUSPENDED, AccessStage.BLOCKED},
    # A new version of the agreement takes an active user back until he signs it.
    AccessStage.ACTIVE: {AccessStage.GRANTED, AccessStage.SUSPENDED, AccessStage.BLOCKED},
    AccessStage.SUSPENDED: {AccessStage.GRANTED, AccessStage.ACTIVE, AccessStage.BLOCKED},
    # Lifting a block gives back what the person had, which time may have changed meanwhile.
    AccessStage.BLOCKED: set(AccessStage) - {AccessStage.BLOCKED},
}


class AccessRefusal(enum.Enum):
    """Why the operator refuses access; each goes with a text of his own (item 14)."""

    NO_NEED = "no_need"  # the post's duties do not need these services
    WRONG_ROLE = "wrong_role"
    SERVICES_NOT_ALLOWED = "services_not_allowed"  # appendix 2
    BASES_NOT_ALLOWED = "bases_not_allowed"  # appendix 1
    NO_RESPONSIBLE_OFFICIAL = "no_responsible_official"
    WORKPLACE_NOT_FIT = "workplace_not_fit"  # appendix 4
    PAST_VIOLATION = "past_violation"
    OTHER = "other"


class GrantOrigin(enum.Enum):
    """Where rights come from."""

    REQUEST = "request"
    TRANSFER = "transfer"  # what is left of older rights, until the deadline


class RequestClock(enum.Enum):
    """How the 24 hours of a request stand."""

    RUNNING = "running"
    ALARM = "alarm"
    OVERDUE = "overdue"


class UserStanding(enum.Enum):
    """Whether a person is a user of the exchange now; the gate USER asks it."""

    ACTIVE = "active"
    NO_POST = "no_post"
    NOT_REGISTERED = "not_registered"
    SUSPENDED = "suspended"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


class AgreementStanding(enum.Enum):
    """Whether a person has signed the agreement in force; the gate AGREEMENT asks it."""

    SIGNED = "signed"
    MISSING = "missing"
    OLD = "old"  # a former version was signed
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Rights:
    """The services of appendix 2 and the bases of appendix 1 that a person may use."""

    services: frozenset[str]
    bases: frozenset[str]

    def __and__(self, other: "Rights") -> "Rights":
        return Rights(services=self.services & other.services, bases=self.bases & other.bases)


NO_RIGHTS: Final = Rights(services=frozenset(), bases=frozenset())


@dataclass(frozen=True, kw_only=True)
class StandingFacts:
    """What decides a standing; ``None`` is what could not be established.

    Attributes:
        post_in_force: the post is the person's and is in force.
        post_began_at: the first instant of that post.
        blocked: a block stands.
        granted: the rights in force, if there are any.
        of_this_post: those rights were given for this very post.
        deadline_at: until when they stand after a transfer.
        agreement_in_force, signed_current, signed_any: of the agreement.
    """

    post_in_force: bool | None
    post_began_at: datetime | None = None
    blocked: bool | None = False
    granted: Rights | None = None
    of_this_post: bool = True
    deadline_at: datetime | None = None
    agreement_in_force: bool = True
    signed_current: bool = False
    signed_any: bool = False


def next_stage(current: AccessStage, target: AccessStage) -> AccessStage:
    """Return ``target`` if a user's life may go there from ``current``.

    Raises:
        AccessStepRefused: the table lists no such step.
    """
    if target not in _NEXT[current]:
        raise errors.AccessStepRefused(current=current.value, target=target.value)
    return target


def user_standing(facts: StandingFacts, *, now: datetime) -> UserStanding:
    """Return a person's standing as a user; what is not known is ``UNKNOWN``."""
    if facts.blocked is None or facts.post_in_force is None:
        return UserStanding.UNKNOWN
    if facts.blocked:
        return UserStanding.BLOCKED
    if not facts.post_in_force:
        return UserStanding.NO_POST
    if facts.granted is None:
        return UserStanding.NOT_REGISTERED
    return _standing_of_rights(facts, now)


def _standing_of_rights(facts: StandingFacts, now: datetime) -> UserStanding:
    deadline = _deadline(facts)
    if deadline is None:
        return UserStanding.ACTIVE if facts.of_this_post else UserStanding.UNKNOWN
    return UserStanding.SUSPENDED if now >= deadline else UserStanding.ACTIVE


def _deadline(facts: StandingFacts) -> datetime | None:
    if facts.of_this_post or facts.post_began_at is None:
        return facts.deadline_at
    # The personnel file moved him and nobody has recorded the transfer: it began with the post.
    began = facts.post_began_at + TRANSFER_WITHIN
    return began if facts.deadline_at is None else min(began, facts.deadline_at)


def agreement_standing(facts: StandingFacts) -> AgreementStanding:
    """Return a person's standing as to the agreement; with none in force it is unknown."""
    if not facts.agreement_in_force:
        return AgreementStanding.UNKNOWN
    if facts.signed_current:
        return AgreementStanding.SIGNED
    return AgreementStanding.OLD if facts.signed_any else AgreementStanding.MISSING


def rights_of_role(role: str, *, rules: RuleSet) -> Rights:
    """Return the most that a role may be granted: appendices 1 and 2 as the rule set has them."""
    services = {name for name, roles in rules.roles.items() if role in roles}
    bases = {
        basis
        for basis, opened in rules.services.items()
        if opened & services and role in rules.bases[basis].roles
    }
    return Rights(services=frozenset(services), bases=frozenset(bases))


def rights_now(facts: StandingFacts, *, role: str, rules: RuleSet) -> Rights:
    """Return the rights that stand: after a transfer, old and new at once (item 15)."""
    if facts.granted is None:
        return NO_RIGHTS
    if facts.of_this_post:
        return facts.granted
    return facts.granted & rights_of_role(role, rules=rules)


def stage_of(
    *, request: AccessStage | None, user: UserStanding, agreement: AgreementStanding
) -> AccessStage | None:
    """Return where a user's life stands; nothing for one who never asked for access."""
    if user is UserStanding.BLOCKED:
        return AccessStage.BLOCKED
    if user is UserStanding.SUSPENDED:
        return AccessStage.SUSPENDED
    if user is not UserStanding.ACTIVE:
        return request
    signed = agreement is AgreementStanding.SIGNED
    return AccessStage.ACTIVE if signed else AccessStage.GRANTED


def clock_of(received_at: datetime, *, now: datetime) -> RequestClock:
    """Return how the 24 hours of a request stand. Overdue is a breach, never an approval."""
    if now - received_at >= DECISION_WITHIN:
        return RequestClock.OVERDUE
    return RequestClock.ALARM if now - received_at >= ALARM_AFTER else RequestClock.RUNNING


def missing_fields(fields: Iterable[tuple[str, object]]) -> tuple[str, ...]:
    """Return the names of the fields of appendix 5 that say nothing, in their order."""
    return tuple(name for name, value in fields if not _says(value))


def _says(value: object) -> bool:
    return bool(value.strip()) if isinstance(value, str) else bool(value)


def check_form(
    fields: Iterable[tuple[str, object]], *, role_of_post: bool, official_is_his: bool
) -> None:
    """Check that a form is complete; an incomplete one is returned and starts no clock.

    Raises:
        AccessFormIncomplete: fields are empty, the role is not that of the post, or the official
            named is not responsible for the applicant.
    """
    wrong = list(missing_fields(fields))
    if not role_of_post and "role" not in wrong:
        wrong.append("role")
    if not official_is_his and "responsible_id" not in wrong:
        wrong.append("responsible_id")
    if wrong:
        raise errors.AccessFormIncomplete("the form is not complete", missing=wrong)


def check_drawn(drawn_at: datetime, *, now: datetime) -> None:
    """Check that a paper was written just now: an old signature files nothing anew.

    Raises:
        AccessFormNotYours: it was not.
    """
    if not -SIGNED_WITHIN <= now - drawn_at <= SIGNED_WITHIN:
        raise errors.AccessFormNotYours("the form was written too long ago")


def check_return(received_at: datetime, *, now: datetime) -> None:
    """Check that a request may still be returned: what is overdue is decided, not hidden.

    Raises:
        AccessStepRefused: its 24 hours are over.
    """
    if clock_of(received_at, now=now) is RequestClock.OVERDUE:
        raise errors.AccessStepRefused(current="overdue", target=AccessStage.RETURNED.value)


def check_rights(rights: Rights, *, asked: Rights, most: Rights) -> None:
    """Check that what is granted was asked for, and that the role may have it (appendices 1, 2).

    A role of the service's own staff, which may ask no register, is granted without either.

    Raises:
        RightsTooWide: it is more, or it is nothing.
    """
    allowed = asked & most
    fits = rights.services <= allowed.services and rights.bases <= allowed.bases
    nothing = bool(most.services) and not (rights.services and rights.bases)
    if not fits or nothing:
        raise errors.RightsTooWide("more than was asked for, more than the role may have, or none")


def needs_two_operators(role: str) -> bool:
    """Return whether access in this role takes two operators."""
    return role in TWO_OPERATOR_ROLES


@dataclass(frozen=True, kw_only=True)
class Deciding:
    """Who decides on whom.

    Attributes:
        himself: the operator is the applicant.
        subordinate, superior: the operator is the applicant's, at any distance.
        seconded: the operator is the one who approved first.
    """

    himself: bool
    subordinate: bool
    superior: bool
    seconded: bool = False


def check_separation(deciding: Deciding) -> None:
    """Check that an operator may decide on this applicant.

    Raises:
        DecidesOnHimself, DecidesOnHisOwn, SameOperatorTwice: he may not.
    """
    if deciding.himself:
        raise errors.DecidesOnHimself("an operator does not decide on himself")
    if deciding.subordinate or deciding.superior:
        raise errors.DecidesOnHisOwn("an operator decides on no superior or subordinate")
    if deciding.seconded:
        raise errors.SameOperatorTwice("the second decision is another operator's")


def check_refusal(*, code: AccessRefusal | None, text: str, signed: bool) -> None:
    """Check that a refusal is one: reason code, text and signature (item 14).

    Raises:
        RefusalNotMotivated: one of them is missing.
    """
    if code is None or not text.strip() or not signed:
        raise errors.RefusalNotMotivated("a refusal has a reason code, a text and a signature")


def check_may_block(*, role: str, himself: bool, subordinate: bool) -> None:
    """Check who may block: an operator anybody, an official his own subordinates (items 12, 16).

    Raises:
        BlocksNotHisOwn: it is nobody that this caller may block.
    """
    if himself:
        raise errors.BlocksNotHisOwn("nobody blocks himself")
    if role == "exchange_operator" or (role == "responsible_official" and subordinate):
        return
    raise errors.BlocksNotHisOwn("no subordinate of the caller")


def check_may_unblock(*, role: str, himself: bool, blocked_by_caller: bool) -> None:
    """Check who may lift a block: an operator who neither set it nor is its subject.

    Raises:
        UnblocksNotHis: it is not for this caller.
    """
    if role != "exchange_operator" or himself or blocked_by_caller:
        raise errors.UnblocksNotHis("a block is lifted by an operator who did not set it")
