"""The dock agent as a process of its own against the server as a process of its own."""

import re
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app import keys as app_keys
from bodycam.wire import protocol
from sim.camera import Camera, change_byte, cut_short
from tests import factories_bodycam as bodycam
from tests.factories_dock import (
    Agent,
    Server,
    good_receipt,
    stub_answers,
    stub_server,
    until,
    wiped,
)
from tests.factories_store import stored_bytes


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
def server(settings, database_url):
    server = Server(settings, database_url).start()
    yield server
    server.kill()


@pytest.fixture
def agent(server, yard, tmp_path):
    return Agent(server.url, yard, tmp_path / "dock")


def stored(settings, recorded):
    return stored_bytes(settings, f"recordings/{recorded.recording_id}")


def test_all_bays_are_taken_and_each_camera_is_wiped(agent, yard, settings):
    recordings = [yard.record(), yard.record(footage_file=bodycam.long_footage())]
    contents = [(one.folder / "recording.mp4").read_bytes() for one in recordings]

    code = agent.run()

    assert code == 0, agent.lines
    for recorded, content in zip(recordings, contents, strict=True):
        assert wiped(recorded)["merkle_root"] == recorded.manifest.merkle_root
        assert stored(settings, recorded) == content
    assert "100 %" in agent.lines


def test_several_cameras_are_taken_beside_each_other(agent, server, yard):
    recordings = [yard.record(footage_file=bodycam.long_footage(6)) for _ in range(2)]
    agent.start("--bandwidth-mb-s", "5")

    until(lambda: all(server.acknowledged(one, yard.dock) for one in recordings))
    both = [len(server.acknowledged(one, yard.dock)) for one in recordings]

    assert agent.wait() == 0, agent.lines
    assert max(both) < 6
    assert all(wiped(one) for one in recordings)


async def test_what_a_complaint_waits_for_goes_first(agent, yard):
    yard.record(footage_file=bodycam.long_footage(2), track=[])
    wanted = yard.record(footage_file=bodycam.long_footage(2), track=[bodycam.passed()])
    await bodycam.complain(yard)

    code = agent.run("--cameras", "1")

    assert code == 0, agent.lines
    first, second = (line for line in agent.lines.splitlines() if "camera wiped" in line)
    assert first.startswith(wanted.folder.name)
    assert not second.startswith(wanted.folder.name)


def test_a_killed_agent_goes_on_from_the_last_acknowledged_part(agent, server, yard, settings):
    recorded = yard.record(footage_file=bodycam.long_footage(8))
    content = (recorded.folder / "recording.mp4").read_bytes()
    agent.start("--bandwidth-mb-s", "4")
    until(lambda: len(server.acknowledged(recorded, yard.dock)) >= 2)
    agent.kill()
    held = len(server.acknowledged(recorded, yard.dock))

    code = agent.run()

    assert code == 0, agent.lines
    # A part that had left when the agent was killed may still have arrived.
    resumed = int(re.search(r"resumes, (\d+) parts are there", agent.lines)[1])
    assert 2 <= held <= resumed < 8
    assert wiped(recorded)["whole"] is True
    assert stored(settings, recorded) == content


def test_a_camera_with_several_recordings_is_emptied_of_each_against_its_receipt(
    agent, server, yard, settings
):
    length = bodycam.SECONDS
    recordings = [
        yard.camera.record(
            bay=yard.bays / "bay-01" / f"{number:04}",
            footage=bodycam.long_footage(4),
            started_at=bodycam.STARTED_AT + number * timedelta(seconds=length),
            seconds=length,
        )
        for number in range(3)
    ]
    contents = [(one.folder / "recording.mp4").read_bytes() for one in recordings]
    unsigned = yard.bays / "bay-01" / "0003"
    unsigned.mkdir()
    (unsigned / "recording.mp4").write_bytes(b"the camera still writes")
    agent.start("--bandwidth-mb-s", "20")
    until(lambda: any(server.acknowledged(one, yard.dock) for one in recordings))
    agent.kill()

    code = agent.run()

    assert code == 0, agent.lines
    for recorded, content in zip(recordings, contents, strict=True):
        assert wiped(recorded)["merkle_root"] == recorded.manifest.merkle_root
        assert stored(settings, recorded) == content
        assert f"bay-01/{recorded.folder.name}: stored (whole)" in agent.lines
    assert [one.name for one in unsigned.iterdir()] == ["recording.mp4"]


def test_a_killed_server_is_waited_for_and_nothing_acknowledged_is_lost(
    agent, server, yard, settings
):
    recorded = yard.record(footage_file=bodycam.long_footage(8))
    content = (recorded.folder / "recording.mp4").read_bytes()
    agent.start("--bandwidth-mb-s", "4")
    before = until(lambda: server.acknowledged(recorded, yard.dock))
    server.kill()
    server.start()
    after = server.acknowledged(recorded, yard.dock)

    code = agent.wait()

    assert code == 0, agent.lines
    assert set(before) <= set(after)
    assert "again in" in agent.lines
    assert stored(settings, recorded) == content
    assert wiped(recorded)["whole"] is True


def test_a_truncated_recording_is_declared_stored_and_told(agent, yard, settings):
    recorded = yard.record()
    cut_short(recorded, keep_bytes=recorded.manifest.size_bytes // 2)
    content = (recorded.folder / "recording.mp4").read_bytes()

    code = agent.run()

    assert code == 0, agent.lines
    assert "declared truncated" in agent.lines
    assert wiped(recorded)["whole"] is False
    assert stored(settings, recorded) == content


def test_a_block_that_rotted_on_the_camera_is_declared_and_stored(agent, yard, settings):
    recorded = yard.record(footage_file=bodycam.long_footage())
    change_byte(recorded, at_byte=9_000_000)
    content = (recorded.folder / "recording.mp4").read_bytes()

    code = agent.run()

    assert code == 0, agent.lines
    assert "not as the camera signed them, declared: 1" in agent.lines
    assert wiped(recorded)["whole"] is False
    assert stored(settings, recorded) == content


def test_a_refused_camera_is_left_and_does_not_hold_up_the_others(agent, yard):
    forger = Camera(camera_id=yard.camera.camera_id)
    forged = forger.record(
        bay=yard.bays / "bay-00",
        footage=bodycam.footage(),
        started_at=bodycam.STARTED_AT,
        seconds=bodycam.SECONDS,
    )
    honest = yard.record()

    code = agent.run()

    assert code == 1, agent.lines
    assert "refused for good: bodycam.manifest_not_signed" in agent.lines
    assert (forged.folder / "recording.mp4").exists()
    assert wiped(honest)


def test_a_refusal_is_remembered_until_it_is_asked_to_try_again(agent, yard):
    forger = Camera(camera_id=yard.camera.camera_id)
    forger.record(
        bay=yard.bays / "bay-00",
        footage=bodycam.footage(),
        started_at=bodycam.STARTED_AT,
        seconds=bodycam.SECONDS,
    )
    agent.run()

    codes = [agent.run(), agent.run("--retry-refused")]

    assert codes == [1, 1]
    assert agent.lines.count("refused before") == 1
    assert agent.lines.count("refused for good") == 2


def test_a_folder_that_is_no_camera_is_left_alone(agent, yard):
    odd = yard.bays / "bay-00"
    odd.mkdir(parents=True)
    (odd / "manifest.json").write_text("{}")
    (odd / "recording.mp4").write_bytes(b"x")

    code = agent.run()

    assert code == 1
    assert "the camera is left as it is" in agent.lines
    assert sorted(path.name for path in odd.iterdir()) == ["manifest.json", "recording.mp4"]


def test_a_folder_of_bays_that_is_not_there_is_told(agent):
    assert agent.run() == 2
    assert "is not a folder" in agent.lines


def test_a_wrong_credential_ends_the_agent_with_a_clear_word(server, yard, tmp_path):
    yard.dock[protocol.CREDENTIAL_HEADER] = f"{uuid4()}.wrong"
    recorded = yard.record()
    agent = Agent(server.url, yard, tmp_path / "dock")

    code = agent.run()

    assert code == 2
    assert "access.device_not_known" in agent.lines
    assert (recorded.folder / "recording.mp4").exists()


def test_a_server_with_another_receipt_key_gets_nothing_and_wipes_nothing(
    agent, server, yard, settings, database_url, tmp_path
):
    yard.bays.mkdir()
    assert agent.run() == 0
    server.kill()
    app_keys.make_missing(tmp_path / "other-keys")
    impostor = Server(settings, database_url, keys_dir=tmp_path / "other-keys").start()
    recorded = yard.record()
    other = Agent(impostor.url, yard, tmp_path / "dock")

    code = other.run()

    impostor.kill()
    server.start()
    assert code == 2
    assert "not the one this dock knows" in agent.lines
    assert (recorded.folder / "recording.mp4").exists()


@pytest.mark.parametrize(
    "changed", [{"merkle_root": "00" * 32}, {"size_bytes": 5}, {"recording_id": uuid4()}]
)
def test_a_receipt_for_anything_else_wipes_nothing(yard, tmp_path, changed):
    recorded = yard.record()
    receipt = good_receipt(recorded, **changed)
    key = Ed25519PrivateKey.generate()

    with stub_server(stub_answers(recorded, key, receipt)) as (url, _):
        agent = Agent(url, yard, tmp_path / "dock")
        code = agent.run()

    assert code == 1
    assert "the camera is left as it is" in agent.lines
    assert (recorded.folder / "recording.mp4").exists()
    assert (recorded.folder / "manifest.json").exists()


def test_a_receipt_under_another_key_wipes_nothing(yard, tmp_path):
    recorded = yard.record()
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    answers = stub_answers(recorded, key, good_receipt(recorded), signed_by=other)

    with stub_server(answers) as (url, _):
        agent = Agent(url, yard, tmp_path / "dock")
        code = agent.run()

    assert code == 1
    assert "not signed by the server" in agent.lines
    assert (recorded.folder / "recording.mp4").exists()


def test_a_busy_server_is_asked_again_when_it_said(yard, tmp_path):
    recorded = yard.record()
    key = Ed25519PrivateKey.generate()
    began = time.monotonic()

    with stub_server(stub_answers(recorded, key, good_receipt(recorded), busy=2)) as (url, asked):
        agent = Agent(url, yard, tmp_path / "dock")
        code = agent.run()

    assert code == 0, agent.lines
    assert asked[protocol.PATH_ANNOUNCE] == 3
    assert agent.lines.count("again in 1 s") == 2
    assert 2 <= time.monotonic() - began < 20
    assert wiped(recorded)


@pytest.mark.parametrize("left", [("manifest.json", "manifest.sig"), ("manifest.json",)])
def test_a_wipe_cut_off_by_a_power_cut_is_finished(yard, tmp_path, left):
    recorded = yard.record()
    key = Ed25519PrivateKey.generate()
    kept = {name: (recorded.folder / name).read_bytes() for name in left}
    answers = stub_answers(recorded, key, good_receipt(recorded))
    with stub_server(answers) as (url, _):
        agent = Agent(url, yard, tmp_path / "dock")
        agent.run()
        # The state between two deletions: the receipt is in the journal, the footage is gone.
        (recorded.folder / "wiped.json").unlink()
        for name, content in kept.items():
            (recorded.folder / name).write_bytes(content)

        code = agent.run()

    assert code == 0, agent.lines
    assert "wipe finished after a restart" in agent.lines
    assert wiped(recorded)["merkle_root"] == recorded.manifest.merkle_root
