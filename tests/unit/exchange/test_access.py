"""The life of a user, written out again from items 9-19 of the Rules and checked in full."""

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest

from app.exchange.errors import access as errors
from app.exchange.rules import access
from app.exchange.rules.access import (
    AccessRefusal,
    AccessStage,
    AgreementStanding,
    Deciding,
    RequestClock,
    Rights,
    StandingFacts,
    UserStanding,
)
from app.exchange.rules.bases import rule_set_on

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
INSTANT = timedelta(microseconds=1)
RULES = rule_set_on(date(2026, 11, 22))
SOME = Rights(services=frozenset({"vehicle"}), bases=frozenset({"PRIMARY_CHECK"}))
NONE = Rights(services=frozenset(), bases=frozenset())

# requested -> granted | refused -> active -> suspended | blocked, and how it goes back.
STEPS = {
    ("requested", "returned"), ("requested", "granted"), ("requested", "refused"),
    ("requested", "blocked"),
    ("returned", "requested"), ("returned", "blocked"),
    ("refused", "requested"), ("refused", "blocked"),
    ("granted", "active"), ("granted", "suspended"), ("granted", "blocked"),
    ("active", "granted"), ("active", "suspended"), ("active", "blocked"),
    ("suspended", "granted"), ("suspended", "active"), ("suspended", "blocked"),
    ("blocked", "requested"), ("blocked", "returned"), ("blocked", "refused"),
    ("blocked", "granted"), ("blocked", "active"), ("blocked", "suspended"),
}  # fmt: skip


@pytest.mark.parametrize(("current", "target"), list(itertools.product(AccessStage, repeat=2)))
def test_a_life_moves_only_along_the_listed_steps(current, target):
    if (current.value, target.value) in STEPS:
        assert access.next_stage(current, target) is target
    else:
        with pytest.raises(errors.AccessStepRefused):
            access.next_stage(current, target)


@pytest.mark.parametrize(
    ("hours", "clock"),
    [
        (timedelta(0), RequestClock.RUNNING),
        (timedelta(hours=20) - INSTANT, RequestClock.RUNNING),
        (timedelta(hours=20), RequestClock.ALARM),
        (DAY - INSTANT, RequestClock.ALARM),
        (DAY, RequestClock.OVERDUE),
        (DAY * 400, RequestClock.OVERDUE),
    ],
)
def test_the_clock_alarms_at_20_hours_and_is_overdue_at_24(hours, clock):
    assert access.clock_of(NOW, now=NOW + hours) is clock


def expected_standing(*, post, blocked, granted, same, deadline):
    """The standing by the text of the items, without a look at the code."""
    if blocked is None or post is None:
        return UserStanding.UNKNOWN
    if blocked:
        return UserStanding.BLOCKED
    if not post:
        return UserStanding.NO_POST
    if not granted:
        return UserStanding.NOT_REGISTERED
    # The post began an hour ago: a transfer nobody has recorded has 23 hours left.
    ends = [deadline] if deadline is not None else []
    if not same:
        ends.append(timedelta(hours=23))
    return (
        UserStanding.SUSPENDED
        if any(left <= timedelta(0) for left in ends)
        else (UserStanding.ACTIVE)
    )


@pytest.mark.parametrize(
    ("post", "blocked", "granted", "same", "deadline"),
    list(
        itertools.product(
            (True, False, None),
            (True, False, None),
            (True, False),
            (True, False),
            (None, -INSTANT, timedelta(0), INSTANT, DAY),
        )
    ),
)
def test_a_standing_follows_from_the_facts_alone(post, blocked, granted, same, deadline):
    facts = StandingFacts(
        post_in_force=post,
        post_began_at=NOW - timedelta(hours=1),
        blocked=blocked,
        granted=SOME if granted else None,
        of_this_post=same,
        deadline_at=None if deadline is None else NOW + deadline,
    )

    assert access.user_standing(facts, now=NOW) is expected_standing(
        post=post, blocked=blocked, granted=granted, same=same, deadline=deadline
    )


def test_a_transfer_nobody_recorded_ends_rights_a_day_after_the_post_began():
    facts = StandingFacts(post_in_force=True, post_began_at=NOW, granted=SOME, of_this_post=False)

    assert access.user_standing(facts, now=NOW + DAY - INSTANT) is UserStanding.ACTIVE
    assert access.user_standing(facts, now=NOW + DAY) is UserStanding.SUSPENDED


def test_a_transfer_to_a_post_of_unknown_beginning_is_unknown():
    facts = StandingFacts(post_in_force=True, granted=SOME, of_this_post=False)

    assert access.user_standing(facts, now=NOW) is UserStanding.UNKNOWN


@pytest.mark.parametrize(
    ("in_force", "current", "once", "standing"),
    [
        (False, False, False, AgreementStanding.UNKNOWN),
        (False, True, True, AgreementStanding.UNKNOWN),
        (True, True, True, AgreementStanding.SIGNED),
        (True, False, True, AgreementStanding.OLD),
        (True, False, False, AgreementStanding.MISSING),
    ],
)
def test_the_agreement_counts_in_the_version_in_force(in_force, current, once, standing):
    facts = StandingFacts(
        post_in_force=True,
        agreement_in_force=in_force,
        signed_current=current,
        signed_any=once,
    )

    assert access.agreement_standing(facts) is standing


def test_a_transfer_leaves_what_old_and_new_have_in_common():
    wide = Rights(services=frozenset({"vehicle", "of_no_role"}), bases=SOME.bases | {"OF_NO_ROLE"})
    facts = StandingFacts(post_in_force=True, granted=wide, of_this_post=False)

    assert access.rights_now(facts, role="patrol_officer", rules=RULES) == SOME
    assert access.rights_now(facts, role="finance_clerk", rules=RULES) == NONE


def test_rights_of_the_same_post_are_those_granted():
    facts = StandingFacts(post_in_force=True, granted=SOME)

    assert access.rights_now(facts, role="finance_clerk", rules=RULES) == SOME
    assert access.rights_now(StandingFacts(post_in_force=True), role="-", rules=RULES) == NONE


@pytest.mark.parametrize(
    ("himself", "subordinate", "superior", "seconded"), list(itertools.product((0, 1), repeat=4))
)
def test_an_operator_decides_on_strangers_alone(himself, subordinate, superior, seconded):
    deciding = Deciding(
        himself=bool(himself),
        subordinate=bool(subordinate),
        superior=bool(superior),
        seconded=bool(seconded),
    )

    if not (himself or subordinate or superior or seconded):
        access.check_separation(deciding)
    else:
        with pytest.raises(
            (errors.DecidesOnHimself, errors.DecidesOnHisOwn, errors.SameOperatorTwice)
        ):
            access.check_separation(deciding)


@pytest.mark.parametrize(
    ("code", "text", "signed"),
    list(itertools.product((None, AccessRefusal.NO_NEED), ("", " \n", "why"), (True, False))),
)
def test_a_refusal_has_reason_text_and_signature(code, text, signed):
    if (code, text, signed) == (AccessRefusal.NO_NEED, "why", True):
        access.check_refusal(code=code, text=text, signed=signed)
    else:
        with pytest.raises(errors.RefusalNotMotivated):
            access.check_refusal(code=code, text=text, signed=signed)


ROLES = (
    "patrol_officer", "investigator", "device_keeper", "duty_officer", "complaints_reviewer",
    "responsible_official", "exchange_operator", "exchange_controller", "finance_clerk",
    "auditor", "administrator",
)  # fmt: skip


@pytest.mark.parametrize(
    ("role", "himself", "subordinate"), list(itertools.product(ROLES, (True, False), (True, False)))
)
def test_operators_block_anybody_and_officials_their_own(role, himself, subordinate):
    may = role == "exchange_operator" or (role == "responsible_official" and subordinate)

    if may and not himself:
        access.check_may_block(role=role, himself=himself, subordinate=subordinate)
    else:
        with pytest.raises(errors.BlocksNotHisOwn):
            access.check_may_block(role=role, himself=himself, subordinate=subordinate)


@pytest.mark.parametrize(
    ("role", "himself", "own_block"), list(itertools.product(ROLES, (True, False), (True, False)))
)
def test_a_block_is_lifted_by_another_operator(role, himself, own_block):
    if role == "exchange_operator" and not himself and not own_block:
        access.check_may_unblock(role=role, himself=himself, blocked_by_caller=own_block)
    else:
        with pytest.raises(errors.UnblocksNotHis):
            access.check_may_unblock(role=role, himself=himself, blocked_by_caller=own_block)


@pytest.mark.parametrize("role", ROLES)
def test_two_operators_decide_on_roles_of_power(role):
    two = {"administrator", "exchange_operator", "exchange_controller"}

    assert access.needs_two_operators(role) is (role in two)


FIELDS = ("role", "services", "bases", "responsible_id", "contacts", "workplace")


@pytest.mark.parametrize("empty", list(itertools.product((True, False), repeat=len(FIELDS))))
def test_a_form_is_complete_or_names_what_is_missing(empty):
    fields = [(name, "" if none else "x") for name, none in zip(FIELDS, empty, strict=True)]
    missing = [name for name, none in zip(FIELDS, empty, strict=True) if none]

    if not missing:
        access.check_form(fields, role_of_post=True, official_is_his=True)
    else:
        with pytest.raises(errors.AccessFormIncomplete) as caught:
            access.check_form(fields, role_of_post=True, official_is_his=True)
        assert caught.value.fields["missing"] == missing


@pytest.mark.parametrize(
    ("minutes", "good"), [(-10, True), (-11, False), (0, True), (10, True), (10.1, False)]
)
def test_a_form_is_signed_within_minutes(minutes, good):
    drawn_at = NOW - timedelta(minutes=minutes)

    if good:
        access.check_drawn(drawn_at, now=NOW)
    else:
        with pytest.raises(errors.AccessFormNotYours):
            access.check_drawn(drawn_at, now=NOW)


def test_what_is_overdue_is_not_returned():
    access.check_return(NOW, now=NOW + DAY - INSTANT)

    with pytest.raises(errors.AccessStepRefused):
        access.check_return(NOW, now=NOW + DAY)


MANY = Rights(services=frozenset("abc"), bases=frozenset("xyz"))


@pytest.mark.parametrize(
    ("services", "bases", "good"),
    [
        ("a", "x", True),
        ("ab", "xy", True),
        ("abc", "x", False),  # c was not asked for
        ("a", "z", False),
        ("", "x", False),
        ("a", "", False),
        ("d", "x", False),
    ],
)
def test_what_is_granted_was_asked_for(services, bases, good):
    rights = Rights(services=frozenset(services), bases=frozenset(bases))
    asked = Rights(services=frozenset("abd"), bases=frozenset("xy"))

    if good:
        access.check_rights(rights, asked=asked, most=MANY)
    else:
        with pytest.raises(errors.RightsTooWide):
            access.check_rights(rights, asked=asked, most=MANY)


def test_a_role_that_asks_no_register_is_granted_without_services():
    access.check_rights(NONE, asked=NONE, most=NONE)


REQUESTS = (None, AccessStage.REQUESTED, AccessStage.RETURNED, AccessStage.REFUSED,
            AccessStage.GRANTED)  # fmt: skip


@pytest.mark.parametrize(
    ("request_stage", "user", "agreement"),
    list(itertools.product(REQUESTS, UserStanding, AgreementStanding)),
)
def test_a_stage_follows_from_request_standing_and_agreement(request_stage, user, agreement):
    shown = access.stage_of(request=request_stage, user=user, agreement=agreement)

    stages = {
        UserStanding.BLOCKED: AccessStage.BLOCKED,
        UserStanding.SUSPENDED: AccessStage.SUSPENDED,
        UserStanding.ACTIVE: AccessStage.ACTIVE
        if agreement is AgreementStanding.SIGNED
        else AccessStage.GRANTED,
    }
    assert shown is stages.get(user, request_stage)
