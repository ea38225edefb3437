"""Answers that pass, and what the dock agent does about them."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bodycam.field.server import NotAdmitted
from bodycam.wire import protocol
from tests import factories_bodycam as bodycam
from tests.factories_dock import (
    PROBLEM,
    FieldAgent,
    good_receipt,
    receiving_answers,
    stub_answers,
    stub_server,
    until,
    wiped,
)

TAKEN = 200, {}, {"number": 0, "sha256": "0" * 64}
KEY = Ed25519PrivateKey.generate()


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


def refusals(agent):
    return [one["code"] for one in agent.noted if one["fact"] == "refused"]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("bodycam.part_goes_to_store", 409),
        ("bodycam.already_stored", 409),
        ("bodycam.recording_not_found", 404),
    ],
)
def test_an_answer_that_asks_for_it_is_followed_by_another_announcement(
    yard, tmp_path, code, status
):
    recorded = yard.record()
    refused = status, PROBLEM, {"code": code, "title": "not now"}
    answers = receiving_answers(recorded, KEY, of_part=lambda n: refused if n == 1 else TAKEN)

    with stub_server(answers) as (url, asked):
        agent = FieldAgent(url, yard, tmp_path)
        good = agent.run()

    assert good, agent.lines
    assert asked[protocol.PATH_ANNOUNCE] == 3
    assert refusals(agent) == []
    assert wiped(recorded)


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (404, {}, {}),
        (404, PROBLEM, {"code": "app.not_found", "title": "no such page"}),
        (404, PROBLEM, b"[]"),
        (422, {"Content-Type": "application/json"}, {"code": "bodycam.part_size_wrong"}),
        (407, {"Content-Type": "text/html"}, b"<h1>Sign in</h1>"),
    ],
)
def test_a_refusal_that_is_not_of_the_protocol_is_tried_again_later(
    yard, tmp_path, status, headers, body
):
    recorded = yard.record()
    refused = status, headers, body
    answers = receiving_answers(recorded, KEY, of_part=lambda n: refused if n <= 2 else TAKEN)

    with stub_server(answers) as (url, _):
        agent = FieldAgent(url, yard, tmp_path)
        with agent.going_on():
            until((recorded.folder / "wiped.json").exists)

    assert wiped(recorded)
    assert refusals(agent) == []
    assert any("left for a later attempt" in line for line in agent.lines)


def test_a_refusal_that_is_of_the_protocol_is_for_good(yard, tmp_path):
    recorded = yard.record()
    refused = 422, PROBLEM, {"code": "bodycam.part_size_wrong", "title": "another size"}
    answers = receiving_answers(recorded, KEY, of_part=lambda _: refused)

    with stub_server(answers) as (url, _):
        agent = FieldAgent(url, yard, tmp_path)
        good = agent.run()

    assert not good
    assert refusals(agent) == ["bodycam.part_size_wrong"]


@pytest.mark.parametrize("code", ["http.404", "", "bodycam.recording_not_found"])
def test_what_an_earlier_agent_noted_as_refused_for_good_is_tried_again(yard, tmp_path, code):
    recorded = yard.record()
    fact = {"fact": "refused", "recording_id": str(recorded.recording_id), "code": code}
    (tmp_path / "journal").write_text(json.dumps(fact) + "\n")

    with stub_server(stub_answers(recorded, KEY, good_receipt(recorded))) as (url, _):
        agent = FieldAgent(url, yard, tmp_path)
        good = agent.run()

    assert good, agent.lines
    assert wiped(recorded)


def test_a_server_that_is_being_replaced_is_waited_for(yard, tmp_path):
    recorded = yard.record()
    answers = stub_answers(recorded, KEY, good_receipt(recorded))

    def replaced(path, times):
        return (404, {}, {}) if path == protocol.PATH_HELLO and times <= 2 else answers(path, times)

    with stub_server(replaced) as (url, _):
        agent = FieldAgent(url, yard, tmp_path)
        good = agent.run()

    assert good, agent.lines
    assert wiped(recorded)


FOREIGN = [
    (401, {}, b""),
    (403, {"Content-Type": "text/html"}, b"<h1>Sign in to the network</h1>"),
    (401, {"Content-Type": "application/json"}, {"code": "access.device_not_known", "title": "?"}),
    (403, PROBLEM, {"title": "another program's"}),
    (403, PROBLEM, {"code": "gateway.denied", "title": "another program's"}),
]


@pytest.mark.parametrize(("status", "headers", "body"), FOREIGN)
@pytest.mark.parametrize("at", ["hello", "announcement", "part", "receipt"])
def test_who_refuses_between_the_dock_and_the_server_is_waited_out_and_told(
    yard, tmp_path, status, headers, body, at
):
    recorded = yard.record()
    good = receiving_answers(recorded, KEY, of_part=lambda _: TAKEN)
    steps = {protocol.PATH_HELLO: "hello", protocol.PATH_ANNOUNCE: "announcement"}

    def answers(path, times):
        step = "part" if "/parts/" in path else steps.get(path, "receipt")
        return (status, headers, body) if step == at and times <= 2 else good(path, times)

    with stub_server(answers) as (url, _):
        agent = FieldAgent(url, yard, tmp_path)
        done = agent.run()

    assert done, agent.lines
    assert wiped(recorded)
    told = [line for line in agent.lines if "between the dock and the server" in line]
    assert len(told) == 2
    assert all(f"refused ({status})" in line for line in told)


@pytest.mark.parametrize(
    ("status", "code"), [(401, "access.device_not_known"), (403, "access.not_admitted")]
)
def test_a_dock_that_the_server_does_not_admit_stops(yard, tmp_path, status, code):
    recorded = yard.record()
    refused = status, PROBLEM, {"code": code, "title": "not known", "cure": "Enroll it."}
    good = stub_answers(recorded, KEY, good_receipt(recorded))

    def answers(path, times):
        return refused if path == protocol.PATH_ANNOUNCE else good(path, times)

    with stub_server(answers) as (url, _):
        agent = FieldAgent(url, yard, tmp_path)
        with pytest.raises(NotAdmitted, match=f"{code}: not known Enroll it."):
            agent.run()

    assert (recorded.folder / "recording.mp4").exists()
