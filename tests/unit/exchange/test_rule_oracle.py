"""20,000 generated requests, judged by the gates and by a slow oracle that shares nothing.

The requests are plain words; ``tests/oracle_of_requests.py`` judges the words, the gates judge the
facts that the words mean.
"""

import hashlib
import json
import random

import rfc8785

from app.exchange.rules.access import AgreementStanding, UserStanding
from app.exchange.rules.bases import RULE_SETS, SubjectKind
from app.exchange.rules.cases import CaseVerdict
from app.exchange.rules.gates import (
    Channel,
    DeviceStanding,
    FieldState,
    RefusalCode,
    SanctionStanding,
    SecondPerson,
    decide,
)
from tests.factories_rules import EVERY_BASIS, EVERY_SERVICE, case_facts, given
from tests.oracle_of_requests import ABOUT, BASES, NAMES_OF_FIELDS, verdict_of

STATES = ["good", "absent", "malformed", "unknown"]
FIELD_NAMES = tuple(NAMES_OF_FIELDS)
ANYTHING = {
    "channel": [one.value for one in Channel],
    "session": [True, False, None],
    "person_behind": [True, False, None],
    "device_kind": ["tablet", "terminal", None],
    "device": [one.value for one in DeviceStanding],
    "user": [one.value for one in UserStanding],
    "agreement": [one.value for one in AgreementStanding],
    "role": ["patrol_officer", "investigator", "court", "device_keeper", None],
    "granted_services": [frozenset(EVERY_SERVICE), frozenset({"vehicle"}), frozenset(), None],
    "granted_bases": [frozenset(EVERY_BASIS), frozenset({"ADMIN_LE"}), frozenset(), None],
    "basis": [*EVERY_BASIS, "CURIOSITY", ""],
    "article": ["218", "249", "213", "250", "106", "", None],
    "subject_kind": ["person", "vehicle", "person_and_vehicle", "legal_entity", None],
    "subject": STATES,
    "plate": STATES,
    "stop_ground": ["", "traffic_ban", "because"],
    "sanction": [one.value for one in SanctionStanding],
    "recon": [*[one.value for one in CaseVerdict], None],
    "recon_articles": [("218",), ("106", "249"), ()],
    "second_person": [one.value for one in SecondPerson],
    "requests_hour": [0, 119, 120, 500, None],
    "requests_day": [0, 599, 600, None],
    "same_subject_day": [0, 9, 10, None],
    "drawn": [True, False, None],
    "justification": STATES,
    **{name: [*STATES, None] for name in FIELD_NAMES},
}
ODD = ["", "ә\u20ac\U0001f512", 'quo"te\\', "\x00\x1f\x7f\b\t\n\f\r", "\u2028/", "ﬀ e\u0301"]
ENUMS = {
    "channel": Channel,
    "device": DeviceStanding,
    "user": UserStanding,
    "agreement": AgreementStanding,
    "subject_kind": SubjectKind,
    "subject": FieldState,
    "plate": FieldState,
    "sanction": SanctionStanding,
    "recon": CaseVerdict,
    "second_person": SecondPerson,
    "justification": FieldState,
}


def a_request(chance):
    """Return a request that mostly holds, then spoiled in up to five places."""
    basis = chance.choice(EVERY_BASIS)
    who, way, must, _, _ = BASES.get(basis, [{"court"}, {"eaias"}, set(), set(), set()])
    role = chance.choice(sorted(who))
    court, patrol = way == {"eaias"}, role == "patrol_officer"
    kinds = ["person", "person_and_vehicle"] if patrol else ["person", "vehicle", "legal_entity"]
    kind = chance.choice(kinds)
    about = sorted(ABOUT[kind])
    services = chance.sample(about, chance.randint(1, len(about)))
    it = {
        "channel": "eaias" if court else "own",
        "session": None if court else True,
        "person_behind": True if court else None,
        "device_kind": "tablet" if patrol else None,
        "device": "issued_to_caller" if patrol else "system" if court else "workplace",
        "user": "active",
        "agreement": "signed",
        "role": role,
        "granted_services": frozenset(EVERY_SERVICE),
        "granted_bases": frozenset(EVERY_BASIS),
        "basis": basis,
        "services": tuple(services),
        "article": "218",
        "subject_kind": kind,
        "subject": "absent" if kind == "vehicle" else "good",
        "plate": "good" if "vehicle" in kind else "absent",
        "stop_ground": "traffic_ban" if patrol else "",
        "sanction": "granted" if basis == "SEARCH_CASE" else "not_named",
        "recon": "confirmed",
        "recon_articles": ("218", "245"),
        "second_person": "confirmed",
        "requests_hour": 3,
        "requests_day": 30,
        "same_subject_day": 0,
        "drawn": chance.random() < 0.1,
        "justification": "good",
        **{name: "good" if name in must else "absent" for name in FIELD_NAMES},
    }
    for _ in range(chance.choice([0, 1, 1, 1, 2, 3, 5])):
        name = chance.choice(list(ANYTHING))
        it[name] = chance.choice(ANYTHING[name])
    if chance.random() < 0.05:
        every = [*EVERY_SERVICE, "tax_returns"]
        it["services"] = tuple(chance.sample(every, chance.randint(0, 3)))
    return it


def facts_of(it):
    states = {name: None if it[name] is None else FieldState(it[name]) for name in FIELD_NAMES}
    rest = {name: value for name, value in it.items() if name not in FIELD_NAMES}
    for name, kind in ENUMS.items():
        rest[name] = None if rest[name] is None else kind(rest[name])
    return case_facts(**rest, given=given(**states))


def test_the_gates_agree_with_the_oracle_over_20000_requests():
    chance = random.Random(151_2015_12_22)
    rules = RULE_SETS[0]
    seen = dict.fromkeys([code.value for code in RefusalCode], 0)
    allowed = 0

    for _ in range(20_000):
        it = a_request(chance)

        verdict = decide(facts_of(it), rules=rules)

        found = verdict.code and (verdict.gate.value, verdict.code.value)
        assert found == verdict_of(it), it
        allowed += verdict.allowed
        if verdict.code is not None:
            seen[verdict.code.value] += 1

    # A generator that never gets somewhere proves nothing of it.
    assert [code for code, times in seen.items() if times == 0] == []
    assert allowed > 3_000


def test_the_snapshot_is_hashed_over_its_rfc_8785_form():
    chance = random.Random(8785)
    for _ in range(500):
        facts = facts_of(a_request(chance) | {"stop_ground": chance.choice(ODD)})

        canonical = facts.canonical()

        assert canonical == rfc8785.dumps(json.loads(canonical))
        assert facts.sha256() == hashlib.sha256(canonical).hexdigest()
