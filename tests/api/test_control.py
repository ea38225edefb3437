"""Departmental control over HTTP: who sees which report, marks, signature, files, passing up."""

import asyncio
import base64
import csv
import io

import pytest
import sqlalchemy as sa

from app.db import transaction
from app.exchange.rules.basis_rules import Basis
from app.exchange.rules.requests import RequestStatus
from app.exchange.service import control
from sim.authority import Use
from sim.district import CLERK, OFFICER, OFFICIAL, SECOND_OFFICER
from tests.factories_control import (
    AUDITOR,
    CHIEF,
    CONTROLLER,
    MONTH,
    SUBJECT,
    Month,
    minutes,
)
from tests.factories_identity import authority, signed_in, trust_the_authority

MONTHS = "/api/control/months"


@pytest.fixture
async def month(parts, settings):
    trust_the_authority(settings)
    made = await Month.create(parts)
    await made.usual()
    return made


@pytest.fixture
async def official(client, month):  # noqa: ARG001 - the staff must be there to sign in
    return await signed_in(client, OFFICIAL)


async def reports(client, headers):
    answer = await client.get(MONTHS, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["reports"]


async def only_report(client, headers):
    (report,) = await reports(client, headers)
    return f"{MONTHS}/{report['report_id']}", report


async def lines(client, address, headers, **query):
    answer = await client.get(address, headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["lines"]


async def marked(client, address, headers, ids, mark="in_order", text=""):
    body = {"request_ids": [str(one) for one in ids], "mark": mark, "text": text}
    return await client.post(f"{address}/marks", json=body, headers=headers)


async def signed(client, address, headers, staff, *, over=None):
    shown = await client.get(f"{address}/review", headers=headers)
    if shown.status_code != 200:
        return shown
    content = base64.b64decode(shown.json()["document"])
    cms = authority().sign(staff, over or content, Use.SIGN)
    body = {
        "document_sha256": shown.json()["document_sha256"],
        "cms": base64.b64encode(cms).decode(),
    }
    return await client.post(f"{address}/review", json=body, headers=headers)


async def events(month, name):
    await month.settle()
    async with transaction(month.parts.sessions) as session:
        rows = await session.scalars(
            sa.text(
                "SELECT convert_from(leaf, 'UTF8')::jsonb -> 'fields' FROM audit_leaves"
                " WHERE event = :name ORDER BY index"
            ),
            {"name": name},
        )
        return list(rows)


async def test_the_official_sees_every_request_of_his_subordinates_masked(client, month, official):
    await month.request()
    await month.request(SECOND_OFFICER.key, minutes(1), flags=["night"])
    await month.close()

    address, report = await only_report(client, official)
    shown = await lines(client, address, official)

    assert (report["month"], report["due_on"], report["overdue"]) == (MONTH, "2026-11-10", True)
    assert [(one["officer"], one["number"]) for one in shown] == [
        (OFFICER.full_name, 1),
        (SECOND_OFFICER.full_name, 1),
    ]
    assert shown[1]["astana_time"] == "2026-10-05T12:01:00+05:00"
    assert SUBJECT not in str(shown)
    assert shown[0]["subject"].startswith("••••••••1017")


async def test_one_line_says_everything_that_the_rules_ask_of_it(client, month, official):
    await month.request(
        basis=Basis.CRIMINAL_CASE,
        case_register="erdr",
        case_number="237500031000141",
        recon="confirmed",
        said="Свидетель назвал номер",
        flags=["repeat"],
    )
    await month.close()

    address, _ = await only_report(client, official)
    (line,) = await lines(client, address, official)

    assert line["basis"] == "CRIMINAL_CASE"
    assert line["numbers"] == {"case_register": "erdr", "case_number": "237500031000141"}
    assert line["register_verdict"] == "confirmed"
    assert line["extended"] == "Свидетель назвал номер"
    assert (line["hit"], line["flags"], line["shown"]) == (True, ["repeat"], 0)
    assert line["unit"] == "Первый батальон"
    assert isinstance(line["leaf_index"], int)


@pytest.mark.parametrize("staff", [OFFICER, CLERK], ids=["officer", "clerk"])
async def test_other_roles_are_not_admitted(client, month, staff):  # noqa: ARG001 - staff must be there
    headers = await signed_in(client, staff)

    assert (await client.get(MONTHS, headers=headers)).status_code == 403


async def test_the_officials_own_requests_go_to_his_superior(client, month, official):
    await month.request()
    own = await month.request(OFFICIAL.key, minutes(1))
    await month.close()
    chief = await signed_in(client, CHIEF)

    address, _ = await only_report(client, official)
    above, _ = await only_report(client, chief)

    assert [one["officer"] for one in await lines(client, address, official)] == [OFFICER.full_name]
    assert [one["request_id"] for one in await lines(client, above, chief)] == [str(own)]


async def test_a_report_of_another_is_as_good_as_absent(client, month, official):
    await month.request()
    await month.close()
    chief = await signed_in(client, CHIEF)
    controller = await signed_in(client, CONTROLLER)
    address, _ = await only_report(client, official)

    for headers in (chief, controller):
        for path in ("", "/summary", "/review", "/report.csv", "/report.pdf", "/closing.jsonl"):
            assert (await client.get(address + path, headers=headers)).status_code == 404


async def test_an_auditor_reads_every_report_and_reviews_none(client, month, official):
    request_id = await month.request()
    await month.close()
    auditor = await signed_in(client, AUDITOR)
    address, _ = await only_report(client, official)

    assert len(await lines(client, address, auditor)) == 1
    assert (await marked(client, address, auditor, [request_id])).status_code == 403
    unmask = await client.post(f"{address}/requests/{request_id}/subject", headers=auditor)
    assert unmask.status_code == 403


async def test_showing_the_subject_is_in_the_log_before_anything_is_shown(client, month, official):
    request_id = await month.request()
    await month.close()
    address, _ = await only_report(client, official)

    answer = await client.post(f"{address}/requests/{request_id}/subject", headers=official)

    assert answer.json() == {"subject": {"iin": SUBJECT, "plate": "777ABC02"}}
    (event,) = await events(month, "exchange.subject_unmasked")
    assert event["request_id"] == str(request_id)
    (line,) = await lines(client, address, official)
    assert line["unmasked"] == 1


async def test_a_subject_that_was_destroyed_is_not_shown(client, month, official):
    request_id = await month.request(wrapped_key=None)
    await month.close()
    address, _ = await only_report(client, official)

    answer = await client.post(f"{address}/requests/{request_id}/subject", headers=official)

    assert (answer.status_code, answer.json()["code"]) == (404, "exchange.subject_destroyed")


async def test_filters_find_flags_foreign_orders_and_abandoned_draws(client, month, official):
    await month.request()
    flagged = await month.request(at=minutes(1), flags=["self", "night"])
    foreign = await month.request(at=minutes(2), basis=Basis.INTERNATIONAL_ORDER)
    abandoned = await month.request(
        at=minutes(3), extended_asked=True, status=RequestStatus.EXPIRED
    )
    await month.close()
    address, _ = await only_report(client, official)

    async def found(**query):
        return [one["request_id"] for one in await lines(client, address, official, **query)]

    assert await found(flag="any") == [str(flagged)]
    assert await found(flag="self") == [str(flagged)]
    assert await found(flag="volume") == []
    assert await found(international=True) == [str(foreign)]
    assert await found(abandoned=True) == [str(abandoned)]
    assert await found(own_mark=True) == [str(flagged), str(foreign), str(abandoned)]


async def test_pages_follow_each_other_without_a_gap_or_a_repetition(client, month, official):
    for place in range(7):
        await month.request(OFFICER.key if place % 2 else SECOND_OFFICER.key, minutes(place))
    await month.close()
    address, _ = await only_report(client, official)

    seen, after = [], None
    while True:
        query = {"limit": 2} | ({"after": after} if after else {})
        answer = (await client.get(address, headers=official, params=query)).json()
        seen += [(one["officer"], one["number"]) for one in answer["lines"]]
        after = answer["after"]
        if after is None:
            break

    assert len(seen) == len(set(seen)) == 7
    assert seen == sorted(seen, key=lambda one: (one[0] != OFFICER.full_name, one[1]))


async def test_a_doubt_without_words_is_refused(client, month, official):
    request_id = await month.request()
    await month.close()
    address, _ = await only_report(client, official)

    answer = await marked(client, address, official, [request_id], "violation", "  ")

    assert (answer.status_code, answer.json()["code"]) == (422, "exchange.mark_not_valid")


async def test_the_review_waits_for_a_word_on_every_flagged_request(client, month, official):
    await month.request()
    flagged = await month.request(at=minutes(1), flags=["self"])
    await month.close()
    address, _ = await only_report(client, official)

    early = await signed(client, address, official, OFFICIAL)
    await marked(client, address, official, [flagged], "violation", "Проверял себя")
    in_time = await signed(client, address, official, OFFICIAL)

    assert (early.status_code, early.json()["code"]) == (409, "exchange.marks_missing")
    assert in_time.status_code == 201, in_time.text
    (report,) = await reports(client, official)
    assert [one["version"] for one in report["reviews"]] == [1]
    assert report["overdue"] is False


async def test_a_signature_over_something_else_is_refused_and_recorded(client, month, official):
    await month.request()
    await month.close()
    address, _ = await only_report(client, official)

    answer = await signed(client, address, official, OFFICIAL, over=b"{}")

    assert answer.status_code in {401, 403, 422}
    (event,) = await events(month, "exchange.review_refused")
    assert event["code"] == answer.json()["code"]


async def test_somebody_elses_signature_is_refused(client, month, official):
    await month.request()
    await month.close()
    address, _ = await only_report(client, official)

    answer = await signed(client, address, official, OFFICER)

    assert not answer.is_success
    assert (await reports(client, official))[0]["reviews"] == []


async def test_a_mark_after_the_document_was_shown_makes_it_stale(client, month, official):
    request_id = await month.request()
    await month.close()
    address, _ = await only_report(client, official)
    shown = (await client.get(f"{address}/review", headers=official)).json()
    await marked(client, address, official, [request_id], "to_clarify", "Зачем?")
    cms = authority().sign(OFFICIAL, base64.b64decode(shown["document"]), Use.SIGN)

    answer = await client.post(
        f"{address}/review",
        json={
            "document_sha256": shown["document_sha256"],
            "cms": base64.b64encode(cms).decode(),
        },
        headers=official,
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "exchange.review_stale")


async def test_a_correction_is_a_new_signed_review_that_names_the_first(client, month, official):
    request_id = await month.request()
    await month.close()
    address, _ = await only_report(client, official)
    first = (await signed(client, address, official, OFFICIAL)).json()

    again = await signed(client, address, official, OFFICIAL)
    await marked(client, address, official, [request_id], "violation", "Всё же нарушение")
    second = await signed(client, address, official, OFFICIAL)

    assert (again.status_code, again.json()["code"]) == (409, "exchange.review_unchanged")
    assert second.json()["version"] == 2
    async with transaction(month.parts.sessions) as session:
        documents = list(
            await session.scalars(sa.text("SELECT document FROM control_reviews ORDER BY version"))
        )
    assert first["document_sha256"].encode() in documents[1]


async def test_of_two_signatures_at_once_one_is_kept(client, month, official):
    await month.request()
    await month.close()
    address, _ = await only_report(client, official)

    answers = await asyncio.gather(*(signed(client, address, official, OFFICIAL) for _ in range(3)))

    assert sorted(one.status_code for one in answers) == [201, 409, 409]
    assert len((await reports(client, official))[0]["reviews"]) == 1


async def test_nobody_signs_a_report_with_his_own_requests(client, month, official):
    await month.request()
    await month.close()
    address, report = await only_report(client, official)
    async with transaction(month.parts.sessions) as session:
        await session.execute(
            sa.text(
                "INSERT INTO control_officers (report_id, person_id, place, last_number)"
                " VALUES (:report, :person, 99, 0)"
            ),
            {"report": report["report_id"], "person": month.people[OFFICIAL.key]},
        )

    answer = await signed(client, address, official, OFFICIAL)

    assert (answer.status_code, answer.json()["code"]) == (403, "exchange.own_requests")


async def test_a_month_is_reviewed_once_every_report_that_holds_it_is_signed(
    client, month, official
):
    await month.request()
    person_id = month.people[OFFICER.key]

    async def known(of=MONTH):
        async with transaction(month.parts.sessions) as session:
            return await control.is_reviewed(session, person_id=person_id, month=of)

    early = await known()
    await month.close()
    address, _ = await only_report(client, official)
    waiting = await known()
    await signed(client, address, official, OFFICIAL)

    assert (early, waiting, await known(), await known("2026-09")) == (None, False, True, None)


async def test_opening_again_opens_nothing(month):
    await month.request()

    assert await month.close() == [MONTH]
    assert await month.close() == []


@pytest.mark.parametrize(
    "table",
    [
        "control_reports",
        "control_officers",
        "control_spans",
        "control_marks",
        "control_reviews",
        "escalations",
    ],
)
@pytest.mark.parametrize("act", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_what_control_wrote_stays(sessions, table, act):
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        async with transaction(sessions) as session:
            await session.execute(sa.text(act.format(table)))


async def test_an_overdue_report_goes_to_the_superior_and_the_controller_once(
    client, month, official
):
    await month.request()
    await month.close()
    parts = month.parts

    counts = [
        await control.escalate_reports(parts.sessions, trail=parts.trail, now=minutes(60 * 24 * 45))
        for _ in range(2)
    ]

    chief, controller = await signed_in(client, CHIEF), await signed_in(client, CONTROLLER)
    _, own = await only_report(client, official)
    assert counts == [2, 0]  # the official's report, and the chief's with the official in it
    for headers in (chief, controller):
        assert own["report_id"] in {one["report_id"] for one in await reports(client, headers)}
    up = {one["official"]: one for one in await events(month, "exchange.review_overdue")}
    passed = up[str(month.people[OFFICIAL.key])]
    assert (passed["reason"], passed["to"]) == ("overdue", str(month.people[CHIEF.key]))


async def test_the_superior_signs_what_came_up_to_him(client, month, official):
    await month.request()
    await month.close()
    parts = month.parts
    await control.escalate_reports(parts.sessions, trail=parts.trail, now=minutes(60 * 24 * 45))
    chief = await signed_in(client, CHIEF)
    address, _ = await only_report(client, official)

    answer = await signed(client, address, chief, CHIEF)

    assert answer.status_code == 201, answer.text
    assert (await reports(client, official))[0]["reviews"][0]["reviewer"] == CHIEF.full_name


async def test_requests_of_people_without_an_official_are_the_controllers(client, month):
    lonely = await month.request(CLERK.key)
    await month.close()
    controller = await signed_in(client, CONTROLLER)

    address, report = await only_report(client, controller)

    assert report["official_id"] is None
    assert [one["request_id"] for one in await lines(client, address, controller)] == [str(lonely)]


async def test_the_summary_counts_and_names_a_missing_number(client, month, official):
    for place in range(4):
        await month.request(at=minutes(place), flags=["night"] if place == 1 else [])
    await month.close()
    address, _ = await only_report(client, official)
    whole = (await client.get(f"{address}/summary", headers=official)).json()
    async with transaction(month.parts.sessions) as session:
        await session.execute(
            sa.text("DELETE FROM register_requests WHERE id = :id"), {"id": month.planted[2]}
        )

    broken = (await client.get(f"{address}/summary", headers=official)).json()

    assert (whole["requests"], whole["complete"], whole["by_flag"]) == (4, True, {"night": 1})
    officer = next(one for one in broken["officers"] if one["last_number"])
    assert (broken["complete"], officer["missing"], officer["here"]) == (
        False,
        [[3, 3]],
        [[1, 2], [4, 4]],
    )


async def test_the_table_is_whole_safe_and_logged_before_it_is_handed_out(client, month, official):
    await month.request(said='=HYPERLINK("http://evil"), "кавычки"\nи строка')
    await month.request(at=minutes(1))
    await month.close()
    address, _ = await only_report(client, official)

    answer = await client.get(f"{address}/report.csv", headers=official)

    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert [row["number"] for row in rows] == ["1", "2"]
    assert rows[0]["extended_justification"].startswith("'=HYPERLINK")
    assert SUBJECT not in answer.text
    assert answer.headers["Content-Disposition"].endswith('.csv"')
    (event,) = await events(month, "exchange.report_exported")
    assert (event["form"], event["lines"]) == ("csv", 2)


async def test_the_report_comes_as_volumes_of_paper(client, month, official):
    await month.request(flags=["self"], said="Ұзақ түсіндірме " * 30)
    await month.close()
    address, _ = await only_report(client, official)

    answer = await client.get(f"{address}/report.pdf", headers=official)
    beyond = await client.get(f"{address}/report.pdf?volume=2", headers=official)

    assert answer.content.startswith(b"%PDF-")
    assert "-1-of-1.pdf" in answer.headers["Content-Disposition"]
    assert beyond.status_code == 404
