"""A warning needs an admission; as what a person acted decides the sum; the acts are on paper."""

from datetime import UTC, datetime, timedelta

import pytest

from fines.service import end_reduced_terms
from tests import factories_fines as make
from tests.api.test_offence_records import desk_of, events
from tests.api.test_proceedings import cases
from tests.factories_pdf import pdf_text

WARNING_DUE = {"article": "612", "part": "1"}
RELEASED_UNCHECKED = {"article": "590", "part": "8"}


async def paper(officer, record, name="record"):
    """Return what a paper of the record says, without its blanks."""
    answer = await officer.get(f"/api/offence-records/{record['offence_record_id']}/{name}.pdf")
    assert answer.status_code == 200, answer.text
    return pdf_text(answer.content).replace(" ", "")


@pytest.mark.parametrize("penalty", [None, "warning"])
async def test_without_a_word_on_admission_no_warning_is_given(sessions, keys, officer, penalty):
    check_id = await make.check(sessions, keys, officer)
    body = make.offence(check_id, **WARNING_DUE, admits=None, penalty=penalty)

    answer = await officer.post("/api/offence-records", body)

    assert (answer.status_code, answer.json()["code"]) == (422, "fines.admission_not_stated")
    assert "fines.offence_record_refused" in await events(sessions)


async def test_who_admits_is_warned_and_the_resolution_says_so(sessions, keys, officer):
    record = await make.drawn_up(sessions, keys, officer, **WARNING_DUE, admits=True)

    assert (record["status"], record["details"]["admits"]) == ("warned", True)
    assert "мойындайды/признаёт" in await paper(officer, record)


async def test_who_does_not_admit_gets_a_record_and_no_fine(sessions, keys, officer):
    record = await make.drawn_up(sessions, keys, officer, **WARNING_DUE, admits=False)

    assert (record["status"], record["reason"], record["reduced_eligible"]) == (
        "drawn_up",
        "warning_not_admitted",
        False,
    )
    assert (record["fine_full_tiyn"], record["mrp_count"]) == (0, None)
    text = await paper(officer, record)
    assert "ПРОТОКОЛОБАДМИНИСТРАТИВНОМПРАВОНАРУШЕНИИ" in text
    assert "мойындамайды/непризнаёт" in text
    assert "предупреждение" not in text


async def test_a_record_of_who_does_not_admit_is_not_ended_by_a_receipt(sessions, keys, officer):
    record = await make.drawn_up(sessions, keys, officer, **WARNING_DUE, admits=False)
    await make.explained(officer, record["offence_record_id"])

    answer = await officer.post(
        f"/api/offence-records/{record['offence_record_id']}/reduced", make.AGREED
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "fines.reduced_not_eligible")
    assert answer.json()["reason"] == "warning_not_admitted"


@pytest.mark.parametrize("left_lying", [False, True], ids=["sent on", "left lying"])
async def test_it_goes_by_ordinary_proceedings_as_not_admitted(
    sessions, keys, officer, superior, app, left_lying
):
    record = await make.drawn_up(sessions, keys, officer, **WARNING_DUE, admits=False)

    if left_lying:
        await end_reduced_terms(desk_of(app), datetime.now(UTC) + timedelta(days=2))
    else:
        await officer.post(f"/api/offence-records/{record['offence_record_id']}/ordinary")

    (case,) = await cases(superior)
    assert case["ground"] == "not_admitted"


@pytest.mark.parametrize(
    ("part", "acted_as", "mrp"), [("3", "official", 50), ("3", "small", 100), ("8", "small", 30)]
)
async def test_who_answers_for_his_post_or_his_business_has_a_sum_of_his_own(
    sessions, keys, officer, part, acted_as, mrp
):
    record = await make.drawn_up(
        sessions, keys, officer, article="590", part=part, acted_as=acted_as
    )

    assert (record["mrp_count"], record["fine_full_tiyn"]) == (mrp, mrp * make.MRP_2026_TIYN)
    said = {"official": "должностноелицо", "small": "субъектмалогопредпринимательства"}
    assert said[acted_as] in await paper(officer, record)


@pytest.mark.parametrize(
    ("changed", "code", "named"),
    [
        (RELEASED_UNCHECKED, "fines.no_fine_in_sanction", ["large", "medium", "small"]),
        ({"acted_as": "official"}, "fines.subject_not_in_sanction", []),
        (RELEASED_UNCHECKED | {"acted_as": "large"}, "app.bad_request", None),
    ],
    ids=["as nobody named", "not in the sanction", "a firm has no card to check"],
)
async def test_a_sum_that_does_not_follow_makes_no_record(
    sessions, keys, officer, changed, code, named
):
    check_id = await make.check(sessions, keys, officer)

    answer = await officer.post("/api/offence-records", make.offence(check_id, **changed))

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json().get("named") == named


async def test_the_catalogue_tells_whom_a_sanction_names(officer):
    listed = (await officer.get("/api/offence-articles")).json()["articles"]

    rows = {(one["article"], one["part"]): one["mrp_of_others"] for one in listed}
    assert rows["590", "8"] == {"small": 30, "medium": 40, "large": 50}
    assert rows["592", "2"] == {}


async def test_the_receipt_lists_the_acts_that_came_before_it(sessions, keys, officer):
    record_id = await make.with_receipt(sessions, keys, officer)

    text = await paper(officer, {"offence_record_id": record_id}, "receipt")

    for label in ("Жарияланды/Объявлено", "Жүйегеенгізілді/Внесено", "Түсіндірілді/Разъяснено"):
        assert label in text
