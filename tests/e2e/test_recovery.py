"""kill -9 at the worst moments, with the real server: nothing acknowledged is lost, books agree."""

import os
import shutil
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from app.runtime.postgres import EmbeddedPostgres
from sim.client import Refused
from sim.district import DRIVER, OFFICER
from sim.dockside import wait_for_parts
from sim.patrol import Keeper, Officer
from sim.stage import Ports
from tests import factories_bodycam as bodycam
from tests.factories_stage import (
    Export,
    StageOnDatabase,
    alive,
    checkpoint_of,
    descendants,
    dock_said,
    pull_plug,
    until,
)

BURST_THREADS = 4
PARTS = 8


@pytest.fixture
def street(own_street):
    """The street as the last test left it, its server and its agent up again."""
    if own_street.agent.process.poll() is not None:
        own_street.agent.start()
    until(lambda: "idle" in own_street.steps[-1:] or not own_street.steps)
    return own_street


def assert_settled(street, payment_id, *, paid):
    """The server, the issuer's book and the log tell the same of a payment."""
    payment = street.settled(payment_id, *(["slips_printed"] if paid else ["reversed", "declined"]))
    rrns = [debit.rrn for debit in street.book.standing]
    confirmed = street.log.events("fines.payment_confirmed", payment_id=payment_id)
    assert payment["paid"] is paid
    assert len(confirmed) == paid
    if paid:
        assert rrns.count(payment["rrn"]) == 1
    else:
        assert payment["rrn"] not in rrns
    assert street.terminal.owed_reversals == 0


# ---------------------------------------------------------------------- the terminal's agent


@pytest.mark.parametrize(
    ("where", "paid"),
    [
        ("terminal: host_answered", False),
        ("terminal: status_sending", False),
        ("server: after approval", False),
        ("terminal: stored", True),
        ("printer", True),
    ],
    ids=[
        "the issuer has booked",
        "the terminal shows the approval",
        "the server has committed",
        "the terminal keeps it",
        "a slip is being printed",
    ],
)
def test_an_agent_killed_in_a_sale_settles_it_and_sells_no_second_time(street, where, paid):
    offence = street.offence()
    sold, standing = street.steps.count("authorisation"), len(street.book.standing)
    place, _, moment = where.partition(": ")
    if place == "terminal":
        street.strikes[moment] = street.agent.kill
    elif place == "server":
        street.door.strikes[moment] = street.agent.kill
    else:
        street.printer.on_paper = lambda _paper: street.agent.kill()

    payment_id = street.begin(offence, card=DRIVER.card)
    street.killed()
    street.printer.on_paper = None
    street.agent.start()

    assert_settled(street, payment_id, paid=paid)
    assert len(street.book.standing) == standing + paid
    assert street.steps.count("authorisation") == sold + 1
    street.printed(payment_id)


# ---------------------------------------------------------------------- the server


def test_a_server_killed_between_an_approval_and_its_answer_leaves_no_money_behind(street):
    """The request is in the server, waiting for a lock; all its processes are killed at once."""
    offence = street.offence()
    standing = len(street.book.standing)
    asked, locked = threading.Event(), threading.Event()

    def hold():
        asked.set()
        return locked.wait(60)

    street.door.strikes["before approval"] = hold
    payment_id = street.begin(offence, card=DRIVER.card)
    assert asked.wait(60)
    with pytest.raises(psycopg.OperationalError):
        with street.log.connect() as holding, holding.transaction():
            holding.execute("SELECT FROM payments WHERE id = %s FOR UPDATE", (payment_id,))
            locked.set()
            with street.log.connect() as watching:
                waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                until(lambda: watching.execute(waiting).fetchone()[0])
                pull_plug(street.stage)
    street.stage.start_server()

    assert_settled(street, payment_id, paid=False)
    assert len(street.book.standing) == standing
    assert street.log.events("fines.payment_approved", payment_id=payment_id) == []


def test_a_server_killed_after_its_commit_and_before_its_answer_agrees_with_the_book(street):
    offence = street.offence()
    standing = len(street.book.standing)

    street.door.strikes["after approval"] = lambda: street.stage.kill_server()
    payment_id = street.begin(offence, card=DRIVER.card)
    until(lambda: "after approval" not in street.door.strikes)
    until(lambda: street.stage._server is None)
    street.stage.start_server()

    assert_settled(street, payment_id, paid=False)
    assert len(street.book.standing) == standing
    assert street.log.events("fines.payment_approved", payment_id=payment_id)


def test_a_server_killed_before_it_hears_that_the_sale_is_done_learns_it_afterwards(street):
    offence = street.offence()
    standing = len(street.book.standing)

    street.door.strikes["before outcome"] = lambda: pull_plug(street.stage)
    payment_id = street.begin(offence, card=DRIVER.card)
    until(lambda: street.stage._server is None)
    street.stage.start_server()

    assert_settled(street, payment_id, paid=True)
    assert len(street.book.standing) == standing + 1


def burst(street, *, kill_after):
    """Check drivers from several threads until the plug is pulled; return what was answered."""
    answered, stopped, checkpoints = [], threading.Event(), []

    def check():
        while not stopped.is_set():
            try:
                answered.append(street.officer.check({"iin": DRIVER.iin}, DRIVER.plate))
            except (httpx.TransportError, Refused):
                return

    with ThreadPoolExecutor(BURST_THREADS) as pool:
        threads = [pool.submit(check) for _ in range(BURST_THREADS)]
        until(lambda: len(answered) >= kill_after or all(one.done() for one in threads))
        checkpoints.append(checkpoint_of(street.stage))
        pull_plug(street.stage)
        stopped.set()
    return answered, checkpoints[0]


def test_a_server_killed_in_a_burst_of_checks_loses_no_answer_and_no_leaf(street, tmp_path):
    answered, old_checkpoint = burst(street, kill_after=12)
    street.stage.start_server()
    again = [street.officer._api.get(f"/api/checks/{check['check_id']}") for check in answered]
    street.officer.check({"iin": DRIVER.iin}, DRIVER.plate)

    export = Export(street.stage, tmp_path / "log")
    new = export.verify()
    size = int(old_checkpoint.splitlines()[1])
    old = export.verify(checkpoint=old_checkpoint, size=size)

    assert len(answered) >= 12
    assert [check["parts"] for check in again] == [check["parts"] for check in answered]
    for check in answered:
        assert check["check_id"].encode() in export.leaves[check["decision_leaf_index"]]
        assert check["check_id"].encode() in export.leaves[check["leaf_index"]]
    assert old.size < new.size == len(export.leaves)


def test_a_server_killed_in_an_upload_keeps_every_acknowledged_part(street):
    recorded, dock = street.record(bodycam.long_footage(PARTS), seconds=bodycam.SECONDS)
    base_url, recording_id = street.stage.base_url, str(recorded.recording_id)

    dock.start(bandwidth_mb_s=15)
    held = wait_for_parts(street.dock, base_url, recording_id, at_least=2)
    pull_plug(street.stage)
    street.stage.start_server()
    kept = wait_for_parts(street.dock, base_url, recording_id, at_least=held)
    code = dock.wait()

    assert code == 0, dock_said(dock)
    assert 2 <= held < PARTS
    assert kept >= held
    assert "again in" in dock_said(dock)
    assert street.recording(recorded)["size_bytes"] == recorded.manifest.size_bytes
    assert street.log.wait("bodycam.recording_stored", recording_id=recording_id, whole=True)
    assert [file.name for file in recorded.folder.iterdir()] == ["wiped.json"]


def test_a_dock_agent_killed_twice_goes_on_each_time_where_it_was(street):
    recorded, dock = street.record(bodycam.long_footage(PARTS), seconds=bodycam.SECONDS)
    base_url, recording_id = street.stage.base_url, str(recorded.recording_id)

    dock.start(bandwidth_mb_s=15)
    first = wait_for_parts(street.dock, base_url, recording_id, at_least=2)
    dock.kill()
    dock.start(bandwidth_mb_s=15)
    second = wait_for_parts(street.dock, base_url, recording_id, at_least=first + 2)
    dock.kill()
    dock.start()
    code = dock.wait()

    assert code == 0, dock_said(dock)
    assert 2 <= first < second < PARTS
    assert dock_said(dock).count("resumes,") == 2
    assert street.log.wait("bodycam.recording_stored", recording_id=recording_id, whole=True)
    assert [file.name for file in recorded.folder.iterdir()] == ["wiped.json"]


# ---------------------------------------------------------------------- the end, in order


def test_told_to_stop_everything_ends_in_order_and_leaves_no_process(street):
    supervisor = street.stage._server
    processes = [supervisor.pid, *descendants(supervisor.pid)]
    folder = street.stage.folder
    street.agent.stop()

    os.kill(supervisor.pid, signal.SIGTERM)
    code = supervisor.wait(60)
    left = [pid for pid in processes if alive(pid)]
    with socket.socket() as probe:
        refused = probe.connect_ex(("127.0.0.1", street.stage.ports.server))
    street.stage.stop_server()
    said = (folder / "up.log").read_text(encoding="utf-8").splitlines()
    database = (folder / "server" / "db" / "postgres.log").read_text(errors="replace")
    street.stage.start_server()

    assert len(processes) > 6  # supervisor, server, worker, PostgreSQL and its own
    assert (code, left) == (0, [])
    assert refused != 0
    assert said[-1] == "stopping"
    assert "database system is shut down" in database.splitlines()[-1]
    assert street.agent.process.returncode == 0


# ---------------------------------------------------------------------- any PostgreSQL


@pytest.fixture
def any_postgres(tmp_path):
    """A PostgreSQL that somebody else runs, with an empty database."""
    server = EmbeddedPostgres(tmp_path / "elsewhere")
    server.start()
    try:
        server.ensure_database()
        yield server
    finally:
        server.stop()


def test_a_database_address_switches_to_any_postgresql(any_postgres, authority_folder, tmp_path):
    folder = tmp_path / "stage"
    shutil.copytree(authority_folder, folder / "authority")

    with StageOnDatabase(folder, ports=Ports.free(), database_url=any_postgres.url()) as stage:
        keeper = Keeper(stage)
        officer = Officer(stage, keeper.enrol("tablet", "TAB-1"), OFFICER)
        check = officer.check({"iin": DRIVER.iin}, DRIVER.plate)
        export = Export(stage, tmp_path / "log")
        size = export.verify().size

    assert check["complete"] is True
    assert size > check["leaf_index"]
    assert not (folder / "server" / "db").exists()
    with psycopg.connect(any_postgres.url()) as connection:
        count = connection.execute("SELECT count(*) FROM audit_leaves").fetchone()[0]
    assert count >= size
