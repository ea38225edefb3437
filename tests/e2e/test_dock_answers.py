"""Answers that pass, and what the dock agent does about them."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bodycam.wire import protocol
from tests import factories_bodycam as bodycam
from tests.factories_dock import (
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
    refused = status, {}, {"code": code, "title": "not now"}
    answers = receiving_answers(recorded, KEY, of_part=lambda n: refused if n == 1 else TAKEN)

    with stub_server(answers) as (url, asked):
        agent = FieldAgent(url, yard, tmp_path)
        good = agent.run()

    assert good, agent.lines
    assert asked[protocol.PATH_ANNOUNCE] == 3
    assert refusals(agent) == []
    assert wiped(recorded)


@pytest.mark.parametrize("body", [{}, {"code": "app.not_found", "title": "no such page"}])
def test_a_refusal_that_is_not_of_the_protocol_is_tried_again_later(yard, tmp_path, body):
    recorded = yard.record()
    refused = 404, {}, body
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
    refused = 422, {}, {"code": "bodycam.part_size_wrong", "title": "another size"}
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
