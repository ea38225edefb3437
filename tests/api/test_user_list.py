"""The list of users: found by a part of a name or of a badge, page by page."""

import pytest

from sim.district import OFFICIAL, OPERATOR, STAFF
from tests.factories_identity import district, signed_in, trust_the_authority

PEOPLE = "/api/access/people"


@pytest.fixture
async def operator(settings, sessions, client):
    trust_the_authority(settings)
    await district(sessions)
    return await signed_in(client, OPERATOR)


async def found(client, headers, **query):
    answer = await client.get(PEOPLE, headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    return [one["person"]["name"] for one in answer.json()]


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("қасым", {"ҚАСЫМОВА Әйгерім Бөлекқызы"}),
        ("ALA-1042", {"ӘБДІРАХМАНОВ Ғалымжан Қуанышұлы"}),
        ("ala-104", {"ӘБДІРАХМАНОВ Ғалымжан Қуанышұлы", "ПЕТРОВ Сергей Иванович"}),
        ("сергей иван", {"ПЕТРОВ Сергей Иванович"}),
        ("%", set()),
        ("_", set()),
        ("нет такого", set()),
    ],
)
async def test_users_are_found_by_name_and_badge(client, operator, search, names):
    assert set(await found(client, operator, search=search)) == names


async def test_pages_follow_each_other_in_the_order_of_names(client, operator):
    everybody = await found(client, operator)

    after = await found(client, operator, skip=3)

    assert after == everybody[3:]
    assert everybody[0].startswith("ӘБДІРАХМАНОВ")  # Ә follows A, not Я
    assert len(everybody) == len(STAFF)


async def test_an_official_finds_his_own_people_only(client, operator):  # noqa: ARG001 - the staff
    official = await signed_in(client, OFFICIAL)

    assert await found(client, official, search="ЖҮНІСОВА") == []
    assert len(await found(client, official, search="петров")) == 1


async def test_the_page_finds_and_says_so(client, operator):
    page = PEOPLE.replace("/api", "/console")

    one = await client.get(page, headers=operator, params={"search": "петров"})
    none = await client.get(page, headers=operator, params={"search": "<b>"})

    assert "ПЕТРОВ Сергей" in one.text
    assert "ҚАСЫМОВА" not in one.text
    assert "<b>" not in none.text
    assert none.status_code == 200
