"""The gates of one request: one pure function over a frozen snapshot of facts.

Order and codes follow the Rules of Order 151 (items 2, 4-8, 14-28) in the edition of the rule
set. The first gate that fails is the one reported. A fact that is not known is a refusal.
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.exchange.rules.access import AgreementStanding, UserStanding
from app.exchange.rules.articles import article_number
from app.exchange.rules.bases import STOP_GROUNDS, BasisRule, RequestField, RuleSet, SubjectKind
from app.exchange.rules.bases import SUBJECTS_OF_SERVICE as SUBJECTS
from app.exchange.rules.cases import CaseVerdict
from app.exchange.rules.codes import Gate, Outcome, RefusalCode, outcome_of
from app.exchange.rules.facts import (
    Channel,
    DeviceStanding,
    Facts,
    FieldState,
    SanctionStanding,
    SecondPerson,
)

__all__ = [
    "DEVICE_GOOD",
    "Channel",
    "DeviceStanding",
    "Facts",
    "FieldState",
    "Gate",
    "Outcome",
    "RefusalCode",
    "SanctionStanding",
    "SecondPerson",
    "Verdict",
    "decide",
    "decide_before",
]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the gates decided: allowed, or the first gate that does not let through and its code."""

    rule_set: str
    gate: Gate | None = None
    code: RefusalCode | None = None

    @property
    def outcome(self) -> Outcome:
        """What becomes of the request."""
        return outcome_of(self.code)

    @property
    def allowed(self) -> bool:
        """True where every gate let the request through."""
        return self.code is None


def decide(facts: Facts, *, rules: RuleSet) -> Verdict:
    """Return the verdict of ``rules`` over ``facts``. Pure: the same facts, the same verdict."""
    return decide_before(Gate.LOG, facts, rules=rules)


def decide_before(end: Gate, facts: Facts, *, rules: RuleSet) -> Verdict:
    """Return the verdict of the gates before ``end``.

    With ``Gate.RECON`` it says whether the register of cases may be asked at all: a request that
    an earlier gate refuses must not be told to it.
    """
    for gate, refusal_of in _GATES:
        if gate is end:
            break
        code = refusal_of(facts, rules)
        if code is not None:
            return Verdict(rule_set=rules.id, gate=gate, code=code)
    return Verdict(rule_set=rules.id)


def _auth(facts: Facts, _rules: RuleSet) -> RefusalCode | None:
    if facts.channel is Channel.UNKNOWN:
        return RefusalCode.AUTH_UNKNOWN
    if facts.channel is Channel.OWN:
        proof, absent = facts.session, RefusalCode.AUTH_NO_SESSION
    else:
        proof, absent = facts.person_behind, RefusalCode.NO_PERSON
    if proof is None:
        return RefusalCode.AUTH_UNKNOWN
    return None if proof else absent


_DEVICE_REFUSALS = {
    DeviceStanding.ABSENT: RefusalCode.DEVICE_ABSENT,
    DeviceStanding.ISSUED_TO_ANOTHER: RefusalCode.DEVICE_NOT_YOURS,
    DeviceStanding.OF_ANOTHER_UNIT: RefusalCode.DEVICE_UNIT,
    DeviceStanding.OUT_OF_SERVICE: RefusalCode.DEVICE_OUT_OF_SERVICE,
}
# Whoever has one of these may ask from it, and is given the answer on it.
DEVICE_GOOD = frozenset({DeviceStanding.ISSUED_TO_CALLER, DeviceStanding.OF_UNIT})


def _device(facts: Facts, rules: RuleSet) -> RefusalCode | None:
    if facts.channel is not Channel.OWN:  # the far system answers for its own workplaces (item 8)
        known = facts.device is DeviceStanding.SYSTEM
        return None if known else RefusalCode.DEVICE_UNKNOWN
    if facts.device is DeviceStanding.WORKPLACE:
        admitted = facts.role in rules.workplace_roles
        return None if admitted else RefusalCode.DEVICE_ABSENT
    if facts.device not in DEVICE_GOOD:
        return _DEVICE_REFUSALS.get(facts.device, RefusalCode.DEVICE_UNKNOWN)
    if facts.device_kind is None:
        return RefusalCode.DEVICE_UNKNOWN
    if facts.device_kind not in rules.device_kinds:
        return RefusalCode.DEVICE_KIND
    return None


_USER_REFUSALS = {
    UserStanding.NO_POST: RefusalCode.USER_NO_POST,
    UserStanding.NOT_REGISTERED: RefusalCode.USER_NOT_REGISTERED,
    UserStanding.SUSPENDED: RefusalCode.USER_SUSPENDED,
    UserStanding.BLOCKED: RefusalCode.USER_BLOCKED,
}
_AGREEMENT_REFUSALS = {
    AgreementStanding.MISSING: RefusalCode.AGREEMENT_MISSING,
    AgreementStanding.OLD: RefusalCode.AGREEMENT_OLD,
}


def _user(facts: Facts, _rules: RuleSet) -> RefusalCode | None:
    if facts.user is UserStanding.ACTIVE:
        return None
    return _USER_REFUSALS.get(facts.user, RefusalCode.USER_UNKNOWN)


def _agreement(facts: Facts, _rules: RuleSet) -> RefusalCode | None:
    if facts.agreement is AgreementStanding.SIGNED:
        return None
    return _AGREEMENT_REFUSALS.get(facts.agreement, RefusalCode.AGREEMENT_UNKNOWN)


def _role(facts: Facts, rules: RuleSet) -> RefusalCode | None:
    for service in facts.services:
        if facts.role is None or facts.role not in rules.roles.get(service, ()):
            return RefusalCode.ROLE_NO_RIGHT
    if facts.role is None:
        return RefusalCode.ROLE_NO_RIGHT
    if facts.granted_services is None:
        return RefusalCode.ROLE_UNKNOWN
    return (
        None if facts.granted_services.issuperset(facts.services) else RefusalCode.ROLE_NO_SERVICE
    )


def _list(facts: Facts, rules: RuleSet) -> RefusalCode | None:
    rule = rules.bases.get(facts.basis)
    if rule is None:
        return RefusalCode.LIST_NO_BASIS
    if rule.closed and not rule.opened_by_law:
        return RefusalCode.BASIS_CLOSED
    if rule.courts_only is not (facts.channel is Channel.EAIAS):
        by_court = rule.courts_only
        return RefusalCode.CHANNEL_ONLY_EAIAS if by_court else RefusalCode.LIST_NOT_FOR_COURTS
    return _who(facts, rule) or _services(facts, rule, rules)


def _who(facts: Facts, rule: BasisRule) -> RefusalCode | None:
    if facts.role not in rule.roles:
        return RefusalCode.LIST_ROLE
    if facts.granted_bases is None:
        return RefusalCode.LIST_UNKNOWN
    return None if facts.basis in facts.granted_bases else RefusalCode.LIST_NOT_GRANTED


def _services(facts: Facts, rule: BasisRule, rules: RuleSet) -> RefusalCode | None:
    if facts.services and rules.services.get(facts.basis, frozenset()).issuperset(facts.services):
        return None
    return RefusalCode.LIST_NOT_PRIMARY if rule.primary else RefusalCode.LIST_NOT_OPENED


def _asks_article(facts: Facts, rule: BasisRule, rules: RuleSet) -> bool:
    return rule.criminal and not rules.article_services.isdisjoint(facts.services)


def _article(facts: Facts, rules: RuleSet) -> RefusalCode | None:
    if not _asks_article(facts, rules.bases[facts.basis], rules):
        return None
    if not facts.article:
        return RefusalCode.ARTICLE_UNKNOWN
    listed = article_number(facts.article) in rules.articles
    return None if listed else RefusalCode.ARTICLE_NOT_LISTED


# What a field is refused with where it is missing, present though it must be empty, or misformed.
_FIELD_REFUSALS = {
    RequestField.CASE_NUMBER: (
        RefusalCode.FIELDS_CASE_NO,
        RefusalCode.FIELDS_CASE_NO_EXTRA,
        RefusalCode.FIELDS_CASE_NO_FORM,
    ),
    RequestField.ORDER_NUMBER: (
        RefusalCode.FIELDS_ORDER_NO,
        RefusalCode.FIELDS_ORDER_NO_EXTRA,
        RefusalCode.FIELDS_ORDER_NO_FORM,
    ),
    RequestField.ORDER_BODY: (
        RefusalCode.FIELDS_INTL_BODY,
        RefusalCode.FIELDS_INTL_BODY_EXTRA,
        RefusalCode.FIELDS_INTL_BODY_FORM,
    ),
    RequestField.COVER_LETTER: (
        RefusalCode.FIELDS_COVER_NO,
        RefusalCode.FIELDS_COVER_NO_EXTRA,
        RefusalCode.FIELDS_COVER_NO_FORM,
    ),
    RequestField.YEAR: (
        RefusalCode.FIELDS_YEAR,
        RefusalCode.FIELDS_YEAR_EXTRA,
        RefusalCode.FIELDS_YEAR_FORM,
    ),
    RequestField.COURT: (
        RefusalCode.FIELDS_COURT,
        RefusalCode.FIELDS_COURT_EXTRA,
        RefusalCode.FIELDS_COURT_FORM,
    ),
}
# The number of a foreign order stands in the field of any order, and is called by its own name.
_FOREIGN = {
    RefusalCode.FIELDS_ORDER_NO: RefusalCode.FIELDS_INTL_NO,
    RefusalCode.FIELDS_ORDER_NO_FORM: RefusalCode.FIELDS_INTL_NO_FORM,
}


def _fields(facts: Facts, rules: RuleSet) -> RefusalCode | None:
    rule = rules.bases[facts.basis]
    code = _subject(facts, rule) or _stop_ground(facts, rule) or _given(facts, rule)
    if code is None and not rule.sanction and facts.sanction is not SanctionStanding.NOT_NAMED:
        return RefusalCode.FIELDS_SANCTION_EXTRA
    return _FOREIGN.get(code, code) if code is not None and rule.second_person else code


def _subject(facts: Facts, rule: BasisRule) -> RefusalCode | None:
    kind = facts.subject_kind
    if kind not in rule.subjects or any(kind not in SUBJECTS[name] for name in facts.services):
        return RefusalCode.FIELDS_SUBJECT_KIND
    if kind is not SubjectKind.VEHICLE and facts.subject is not FieldState.GOOD:
        return RefusalCode.FIELDS_SUBJECT
    if kind is SubjectKind.VEHICLE and facts.subject is not FieldState.ABSENT:
        return RefusalCode.FIELDS_SUBJECT_EXTRA
    if kind in {SubjectKind.VEHICLE, SubjectKind.PERSON_AND_VEHICLE}:
        return None if facts.plate is FieldState.GOOD else RefusalCode.FIELDS_PLATE
    if facts.plate is FieldState.GOOD:
        return RefusalCode.FIELDS_PLATE_EXTRA
    return None if facts.plate is FieldState.ABSENT else RefusalCode.FIELDS_PLATE


def _stop_ground(facts: Facts, rule: BasisRule) -> RefusalCode | None:
    if rule.stop_ground and facts.device_kind is not None:  # at the roadside, from a tablet
        return None if facts.stop_ground in STOP_GROUNDS else RefusalCode.FIELDS_STOP_GROUND
    return RefusalCode.FIELDS_STOP_GROUND_EXTRA if facts.stop_ground else None


def _given(facts: Facts, rule: BasisRule) -> RefusalCode | None:
    given = dict(facts.given)
    for field, (missing, extra, misformed) in _FIELD_REFUSALS.items():
        state = given.get(field, FieldState.UNKNOWN)
        if state is FieldState.UNKNOWN:
            return RefusalCode.FIELDS_UNKNOWN
        if state is FieldState.ABSENT:
            if field in rule.mandatory:
                return missing
        elif field not in rule.mandatory and field not in rule.optional:
            return extra
        elif state is FieldState.MALFORMED:
            return misformed
    return None


_SANCTION_REFUSALS = {
    SanctionStanding.NOT_YET: RefusalCode.SANCTION_NOT_YET,
    SanctionStanding.OUT_OF_SCOPE: RefusalCode.SANCTION_SCOPE,
    SanctionStanding.REFUSED: RefusalCode.SANCTION_REFUSED,
    SanctionStanding.EXPIRED: RefusalCode.SANCTION_EXPIRED,
    SanctionStanding.WITHDRAWN: RefusalCode.SANCTION_WITHDRAWN,
}


def _sanction(facts: Facts, rules: RuleSet) -> RefusalCode | None:
    if facts.sanction is SanctionStanding.GRANTED:
        return None
    if facts.sanction is SanctionStanding.NOT_NAMED:
        asked = rules.sanctioned.get(facts.basis, frozenset())
        return None if asked.isdisjoint(facts.services) else RefusalCode.SANCTION_NONE
    # One that is named must hold, asked for or not: a request may not lean on a refused one.
    return _SANCTION_REFUSALS.get(facts.sanction, RefusalCode.SANCTION_UNKNOWN)


_RECON_REFUSALS = {
    CaseVerdict.NO_CASE: RefusalCode.RECON_NO_CASE,
    CaseVerdict.CLOSED: RefusalCode.RECON_CLOSED,
    CaseVerdict.NOT_YOURS: RefusalCode.RECON_NOT_YOURS,
    CaseVerdict.ORDER_NOT_ADDRESSED: RefusalCode.RECON_ORDER_NOT_ADDRESSED,
    CaseVerdict.REFUSED: RefusalCode.RECON_REFUSED,
    CaseVerdict.UNAVAILABLE: RefusalCode.RECON_UNAVAILABLE,
}
_SECOND_REFUSALS = {
    SecondPerson.NOT_YET: RefusalCode.NEEDS_SECOND_PERSON,
    SecondPerson.REFUSED: RefusalCode.SECOND_PERSON_REFUSED,
    SecondPerson.SELF: RefusalCode.SECOND_PERSON_SELF,
}


def _recon(facts: Facts, rules: RuleSet) -> RefusalCode | None:
    rule = rules.bases[facts.basis]
    if rule.second_person:  # item 5 exempts it from the check; another person stands in for it
        return _second_person(facts)
    if rule.register is None:
        return None
    if facts.recon is None:
        return RefusalCode.RECON_NOT_ASKED
    if facts.recon is not CaseVerdict.CONFIRMED:
        return _RECON_REFUSALS.get(facts.recon, RefusalCode.RECON_REFUSED)
    if _asks_article(facts, rule, rules):
        # The article that opens the service has to be the case's own.
        of_case = {article_number(one) for one in facts.recon_articles}
        return None if article_number(facts.article or "") in of_case else RefusalCode.RECON_ARTICLE
    return None


def _second_person(facts: Facts) -> RefusalCode | None:
    if facts.second_person is SecondPerson.CONFIRMED:
        return None
    return _SECOND_REFUSALS.get(facts.second_person, RefusalCode.SECOND_PERSON_UNKNOWN)


def _limit(facts: Facts, rules: RuleSet) -> RefusalCode | None:
    hour, day, same = facts.requests_hour, facts.requests_day, facts.same_subject_day
    if hour is None or day is None or same is None:
        return RefusalCode.LIMIT_UNKNOWN
    if hour >= rules.requests_hour_max:
        return RefusalCode.LIMIT_HOUR
    if day >= rules.requests_day_max:
        return RefusalCode.LIMIT_DAY
    # Another look at the same subject needs a basis of its own.
    again = rules.bases[facts.basis].primary and same >= rules.same_subject_day_max
    return RefusalCode.LIMIT_PRIMARY if again else None


def _sample(facts: Facts, _rules: RuleSet) -> RefusalCode | None:
    if facts.drawn is None:
        return RefusalCode.SAMPLE_UNKNOWN
    if not facts.drawn or facts.justification is FieldState.GOOD:
        return None
    return {
        FieldState.ABSENT: RefusalCode.SAMPLE_JUSTIFICATION,
        FieldState.MALFORMED: RefusalCode.SAMPLE_JUSTIFICATION_FORM,
    }.get(facts.justification, RefusalCode.SAMPLE_UNKNOWN)


_GATES: tuple[tuple[Gate, Callable[[Facts, RuleSet], RefusalCode | None]], ...] = (
    (Gate.AUTH, _auth),
    (Gate.DEVICE, _device),
    (Gate.USER, _user),
    (Gate.AGREEMENT, _agreement),
    (Gate.ROLE, _role),
    (Gate.LIST, _list),
    (Gate.ARTICLE, _article),
    (Gate.FIELDS, _fields),
    (Gate.SANCTION, _sanction),
    (Gate.RECON, _recon),
    (Gate.LIMIT, _limit),
    (Gate.SAMPLE, _sample),
)
