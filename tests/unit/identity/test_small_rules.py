import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identity import errors
from app.identity.rules.challenge import Operation, challenge_content, check_challenge
from app.identity.rules.names import full_name, sort_key
from app.identity.rules.session import SessionTerm, check_same_origin, check_session

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TABLET = UUID(int=1)
OTHER = UUID(int=2)
GOOD = {
    "operation": Operation.SIGN_IN,
    "expected": Operation.SIGN_IN,
    "device_id": TABLET,
    "answered_on": TABLET,
    "expires_at": NOW + SECOND,
    "used_at": None,
    "now": NOW,
}


def test_a_challenge_names_server_act_and_device():
    content = challenge_content(
        challenge_id=UUID(int=3),
        operation=Operation.SIGN_IN,
        audience="https://saqshy.example",
        device_id=TABLET,
        nonce=b"n" * 32,
        expires_at=NOW,
    )

    assert content.decode() == (
        "Saqshy challenge v1\n"
        "audience: https://saqshy.example\n"
        "operation: sign_in\n"
        "device: 00000000-0000-0000-0000-000000000001\n"
        "challenge: 00000000-0000-0000-0000-000000000003\n"
        "nonce: bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4=\n"
        "expires: 2026-11-22T05:00:00+00:00\n"
    )


def test_a_challenge_is_answered_in_time_on_its_own_device():
    check_challenge(**GOOD)
    check_challenge(**(GOOD | {"device_id": None, "answered_on": None}))


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"answered_on": OTHER}, errors.ChallengeOfAnotherDevice),
        ({"answered_on": None}, errors.ChallengeOfAnotherDevice),
        ({"device_id": None}, errors.ChallengeOfAnotherDevice),
        ({"used_at": NOW}, errors.ChallengeUsed),
        ({"expires_at": NOW}, errors.ChallengeExpired),
        ({"expires_at": NOW - SECOND}, errors.ChallengeExpired),
        ({"expected": "another act"}, errors.ChallengeNotFound),
    ],
)
def test_a_challenge_is_good_for_nothing_else(changed, refusal):
    with pytest.raises(refusal):
        check_challenge(**(GOOD | changed))


IDLE = timedelta(minutes=15)


@pytest.mark.parametrize(
    ("expires_in", "unused_for", "ended", "reason"),
    [
        (SECOND, timedelta(0), False, None),
        (SECOND, IDLE - SECOND, False, None),
        (SECOND, IDLE, False, "idle"),
        (timedelta(0), timedelta(0), False, "term"),
        (-SECOND, timedelta(0), False, "term"),
        (SECOND, timedelta(0), True, "ended"),
    ],
)
def test_a_session_lives_within_its_term_while_used_and_not_ended(
    expires_in, unused_for, ended, reason
):
    term = SessionTerm(
        expires_at=NOW + expires_in,
        last_seen_at=NOW - unused_for,
        ended_at={True: NOW, False: None}[ended],
    )

    try:
        check_session(term, idle=IDLE, now=NOW)
        found = None
    except errors.SessionOver as over:
        found = over.fields["reason"]

    assert found == reason


OWN = "https://saqshy.example"
# method, origin, fetch site -> whether it passes; host is the server's own.
SITES = {
    ("GET", None, None): True,
    ("HEAD", "https://evil.example", "cross-site"): True,
    ("POST", None, "same-origin"): True,
    ("POST", OWN, "same-origin"): True,
    ("POST", OWN, None): True,
    ("POST", "http://inside:8700", None): True,
    ("POST", None, None): False,
    ("POST", "null", None): False,
    ("POST", "https://evil.example", None): False,
    ("POST", "https://evil.example", "same-origin"): False,
    ("POST", OWN, "same-site"): False,
    ("POST", OWN, "cross-site"): False,
    ("POST", None, "none"): False,
    ("DELETE", "https://saqshy.example.evil.example", None): False,
}


@pytest.mark.parametrize(("case", "passes"), list(SITES.items()))
def test_an_act_by_cookie_comes_from_our_own_page(case, passes):
    method, origin, fetch_site = case

    try:
        check_same_origin(
            method=method, own_url=OWN, host="inside:8700", origin=origin, fetch_site=fetch_site
        )
        found = True
    except errors.CrossSite:
        found = False

    assert found is passes


def test_names_stand_in_the_order_of_the_kazakh_and_russian_alphabets():
    ordered = [
        "Абаев", "Ақ Болат", "Әбіл", "Еж", "Ёлка", "Ж", "Иванов", "Кім", "Қасым",
        "Нұр", "Ңаз", "Оспан", "Өмір", "Сәкен", "Ули", "Ұлан", "Үміт", "Хан", "Һарис", "Яна",
    ]  # fmt: skip

    shuffled = sorted(ordered, key=len)

    assert sorted(shuffled, key=sort_key) == ordered


def test_a_shorter_surname_stands_before_a_double_one():
    names = ["Ахмет-Ұлы", "Ахметов", "Ахмет"]

    assert sorted(names, key=sort_key) == ["Ахмет", "Ахмет-Ұлы", "Ахметов"]


@given(name=st.text(max_size=40))
def test_any_name_has_a_key_of_plain_characters(name):
    key = sort_key(name)

    assert key.isascii()
    assert sort_key(name.upper().lower()) == sort_key(name.upper().lower().casefold())


def test_a_full_name_leaves_out_what_is_not_there():
    parts = itertools.product(("А", ""), repeat=2)

    assert [full_name("Ли", *part) for part in parts] == ["Ли А А", "Ли А", "Ли А", "Ли"]
