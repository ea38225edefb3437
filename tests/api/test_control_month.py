"""A synthetic month: every planted abuse stands out, every request is in exactly one report."""

import collections
import itertools
import random
from datetime import date, datetime

import pytest
import sqlalchemy as sa

from app.audit.service import leaf_count, published_note, verifier_key
from app.audit.verify import main
from app.clock import LAW_ZONE
from app.db import transaction
from app.exchange.rules.basis_rules import Basis
from app.exchange.rules.flags import Flag
from app.exchange.rules.requests import RequestStatus
from sim.district import DEPARTMENT_BIN, OFFICER, OFFICIAL, SECOND_OFFICER, Staff
from tests.factories_access import iin
from tests.factories_control import (
    AUDITOR,
    CHIEF,
    CONTROLLER,
    Month,
    minutes,
)
from tests.factories_identity import signed_in, trust_the_authority

MONTHS = "/api/control/months"
OTHER_OFFICIAL = Staff(
    "other-official", iin(8010), "САДЫҚОВ", "Асқар", "", "responsible_official",
    "Командир второго батальона", "ALA-0003", DEPARTMENT_BIN,
)  # fmt: skip
ABUSES = [
    *({"flags": ["self"]} for _ in range(5)),
    *({"flags": ["colleague"]} for _ in range(5)),
    *({"flags": ["relative"]} for _ in range(3)),
    *({"flags": ["night", "repeat"]} for _ in range(6)),
    *({"flags": ["volume"]} for _ in range(8)),
    *({"flags": ["out_of_district"]} for _ in range(4)),
    *({"flags": ["several_bases"], "basis": Basis.CRIMINAL_CASE} for _ in range(4)),
    *({"extended_asked": True, "status": RequestStatus.EXPIRED} for _ in range(3)),
    *({"basis": Basis.INTERNATIONAL_ORDER, "order_number": "1"} for _ in range(2)),
]


@pytest.fixture
async def month(parts, settings):
    trust_the_authority(settings)
    return await Month.create(parts, staff=(OTHER_OFFICIAL,))


def at(day, hour=12, minute=0):
    return datetime(2026, 10, day, hour, minute, tzinfo=LAW_ZONE)


async def reports_of(client, staff):
    headers = await signed_in(client, staff)
    answer = await client.get(MONTHS, headers=headers)
    return headers, answer.json()["reports"]


async def every_line(client, address, headers, **query):
    found, after = [], None
    while True:
        params = query | {"limit": 50} | ({"after": after} if after else {})
        answer = (await client.get(address, headers=headers, params=params)).json()
        found += answer["lines"]
        after = answer["after"]
        if after is None:
            return found


async def test_forty_planted_abuses_all_stand_out_among_ordinary_requests(client, month):
    await month.usual()
    chance = random.Random(40)
    everything = [*ABUSES, *({} for _ in range(80))]
    chance.shuffle(everything)
    planted = {}
    for place, changed in enumerate(everything):
        who = chance.choice([OFFICER.key, SECOND_OFFICER.key])
        planted[str(await month.request(who, minutes(place), **changed))] = changed
    await month.close()

    headers, (report,) = await reports_of(client, OFFICIAL)
    address = f"{MONTHS}/{report['report_id']}"
    lines = await every_line(client, address, headers)
    standing_out = await every_line(client, address, headers, own_mark=True)
    summary = (await client.get(f"{address}/summary", headers=headers)).json()

    abuses = {one for one, changed in planted.items() if changed}
    assert len(ABUSES) == len(abuses) == 40
    assert {one["request_id"] for one in lines} == set(planted)
    assert {one["request_id"] for one in standing_out} == abuses
    assert summary["own_marks_missing"] == 40
    assert (summary["abandoned"], summary["international"]) == (3, 2)
    wanted = collections.Counter(flag for one in ABUSES for flag in one.get("flags", ()))
    assert summary["by_flag"] == wanted
    # A draw is abandoned when the request dies, a day later: tried where waiting requests are.
    assert set(wanted) == {flag.value for flag in Flag} - {Flag.ABANDONED.value}


def random_lives(chance, people, officials):
    """Return who reported to whom from which day on, for everybody: up to four changes."""
    for person in people:
        cuts = sorted({1, 32, *chance.sample(range(2, 32), chance.randint(0, 3))})
        for first, after in itertools.pairwise(cuts):
            superior = chance.choice([*officials, None])
            if superior not in {None, person}:
                yield person, superior, first, after - 1


@pytest.mark.parametrize("seed", range(3))
async def test_people_move_and_each_request_is_in_exactly_one_report(client, month, seed):
    chance = random.Random(seed)
    officials = [OFFICIAL.key, OTHER_OFFICIAL.key, CHIEF.key]
    people = [OFFICER.key, SECOND_OFFICER.key, *officials]
    lives = list(random_lives(chance, people, officials))
    for below, above, first, last in lives:
        await month.under(below, above, since=date(2026, 10, first), until=date(2026, 10, last))
    owner = {}
    edges = [(1, 0, 0), (31, 23, 59), *((day, hour, 0) for day in (8, 15, 22) for hour in (0, 23))]
    for person in people:
        for when in [*edges, *((chance.randint(1, 31), chance.randint(0, 23), 7) for _ in "1234")]:
            request_id = await month.request(person, at(*when))
            owner[str(request_id)] = by_hand(person, when[0], lives)
    await month.close()

    found = collections.defaultdict(list)
    readers = {OFFICIAL: OFFICIAL.key, OTHER_OFFICIAL: OTHER_OFFICIAL.key, CHIEF: CHIEF.key}
    for staff, name in [*readers.items(), (CONTROLLER, None)]:
        headers, reports = await reports_of(client, staff)
        for report in reports:
            for line in await every_line(client, f"{MONTHS}/{report['report_id']}", headers):
                found[line["request_id"]].append(name)

    assert found == {request_id: [name] for request_id, name in owner.items()}


def by_hand(person, day, lives):
    """The oracle: all superiors here are officials, so the one of that day reviews, or nobody."""
    above = [up for below, up, first, last in lives if below == person and first <= day <= last]
    return above[0] if above else None


async def downloads(client, month, folder):
    """Hand an auditor every report, the closing records and the log itself."""
    headers, reports = await reports_of(client, AUDITOR)
    (folder / "closing").write_bytes(b"")
    tables = []
    for report in reports:
        address = f"{MONTHS}/{report['report_id']}"
        table = folder / f"{report['report_id']}.csv"
        table.write_bytes((await client.get(f"{address}/report.csv", headers=headers)).content)
        tables.append(table)
        closing = await client.get(f"{address}/closing.jsonl", headers=headers)
        with (folder / "closing").open("ab") as file:
            file.write(closing.content)
    async with transaction(month.parts.sessions) as session:
        key = await verifier_key(
            session,
            public_key=month.parts.keys.checkpoint.public_key().public_bytes_raw(),
        )
        assert await leaf_count(session)
        assert await published_note(session)
        leaves = await session.scalars(sa.text("SELECT leaf FROM audit_leaves ORDER BY index"))
        (folder / "leaves").write_bytes(b"".join(leaf + b"\n" for leaf in leaves))
    (folder / "key").write_text(key)
    return tables


def verified(folder, tables):
    given = ["report", "--key", str(folder / "key"), "--closing", str(folder / "closing")]
    given += ["--leaves", str(folder / "leaves")]
    return main([*given, *(part for one in tables for part in ("--report", str(one)))])


async def test_an_outsider_notices_one_line_taken_out_of_an_exported_report(
    client, month, tmp_path, capsys
):
    await month.under(OFFICER.key, OFFICIAL.key, until=date(2026, 10, 14))
    await month.under(OFFICER.key, OTHER_OFFICIAL.key, since=date(2026, 10, 15))
    await month.under(SECOND_OFFICER.key, OFFICIAL.key)
    for day in range(12, 18):
        await month.request(OFFICER.key, at(day), said='с "кавычками",\nи строкой')
        await month.request(SECOND_OFFICER.key, at(day, 13))
    await month.close()
    tables = await downloads(client, month, tmp_path)

    whole = verified(tmp_path, tables)
    for table in tables:
        content = table.read_bytes()
        records = content.split(b"\r\n")[1:-1]
        for record in records:
            table.write_bytes(content.replace(record + b"\r\n", b""))
            assert verified(tmp_path, tables) == 1
        table.write_bytes(content)
    again = verified(tmp_path, tables)

    printed = capsys.readouterr().out.splitlines()
    said = [one for one in printed if one.startswith(("holds", "REFUSED"))]
    assert (whole, again) == (0, 0)
    assert said[0] == said[-1] == "holds: 12 requests of 2 officers, none missing"
    assert len(said) == 2 + 12


async def test_no_instant_of_a_person_can_be_in_two_reports(month, parts):
    await month.usual()
    await month.request()
    await month.close()

    with pytest.raises(sa.exc.IntegrityError):
        async with transaction(parts.sessions) as session:
            await session.execute(
                sa.text(
                    "INSERT INTO control_spans (id, report_id, person_id, begin_at, end_at)"
                    " SELECT gen_random_uuid(), report_id, person_id, begin_at, end_at"
                    " FROM control_spans LIMIT 1"
                )
            )
