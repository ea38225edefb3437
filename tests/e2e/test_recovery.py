"""kill -9 at the worst moments, with the real server: nothing acknowledged is lost, books agree."""

import itertools
import os
import shutil
import signal
import socket
import threading
from contextlib import ExitStack, closing
from dataclasses import dataclass

import httpx
import psycopg
import pytest

from app.runtime.postgres import EmbeddedPostgres
from sim.camera import Recorded
from sim.client import Refused
from sim.district import DRIVER, OFFICER, SECOND_OFFICER
from sim.dockside import DockAgent, parts_acknowledged, wait_for_parts
from sim.patrol import Keeper, Officer
from sim.stage import Ports
from tests import factories_bodycam as bodycam
from tests.factories_access import iin
from tests.factories_stage import (
    SECONDS,
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
CHECKS_MAX = 100
PARTS = 8


@pytest.fixture
def street(own_street):
    """The street as the last test left it, its server and its agent up again."""
    if own_street.stage._server is None:
        own_street.stage.start_server()
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
    slips = street.printed(payment_id)["slips"]
    numbers = [(slip["kind"], slip["copy_number"], slip["duplicate"]) for slip in slips]
    assert len(set(numbers)) == len(numbers)
    # Of what may have come out twice one has a number; what was never begun is an original.
    doubted = [slip for slip in slips if slip["doubted_at"]]
    assert len(doubted) == (where == "printer")
    assert sum(slip["duplicate"] for slip in slips) == len(doubted)


# ---------------------------------------------------------------------- the server


@dataclass
class Struck:
    """What was under way when the plug was pulled, and what had been acknowledged by then."""

    payment_id: str
    recorded: Recorded
    dock: DockAgent
    parts_held: int
    parts_after: int
    checks: list
    checkpoint: str
    officer: Officer
    standing: int


@pytest.fixture(scope="module")
def struck(own_street):
    """An upload, an approval and a burst of checks are in the server when all of it is killed."""
    street = own_street
    tablet = Keeper(street.stage).enrol("tablet", "TAB-2")
    officer = Officer(street.stage, tablet, SECOND_OFFICER)
    offence, standing = street.offence(), len(street.book.standing)
    recorded, dock = street.record(bodycam.long_footage(PARTS), seconds=bodycam.SECONDS)
    recording_id = str(recorded.recording_id)
    with ExitStack() as stack:
        stack.callback(dock.kill)
        dock.start(bandwidth_mb_s=4)
        wait_for_parts(street.dock, street.stage.base_url, recording_id, at_least=1)
        holding = stack.enter_context(closing(street.log.connect()))
        payment_id = hold_approval(street, holding, offence)
        checks = burst(officer, count=12)
        checkpoint = checkpoint_of(street.stage)
        held = parts_acknowledged(street.dock, street.stage.base_url, recording_id)
        pull_plug(street.stage)
        checks.stop()
        street.stage.start_server()
        after = parts_acknowledged(street.dock, street.stage.base_url, recording_id)
        yield Struck(
            payment_id=payment_id,
            recorded=recorded,
            dock=dock,
            parts_held=held,
            parts_after=after,
            checks=checks.answered,
            checkpoint=checkpoint,
            officer=officer,
            standing=standing,
        )


def hold_approval(street, holding, offence):
    """Begin a sale; return when its approval waits in the server for a row that we hold."""
    asked, locked = threading.Event(), threading.Event()

    def hold():
        asked.set()
        return locked.wait(SECONDS)

    street.door.strikes["before approval"] = hold
    payment_id = street.begin(offence, card=DRIVER.card)
    assert asked.wait(SECONDS)
    holding.autocommit = False
    holding.execute("SELECT FROM payments WHERE id = %s FOR UPDATE", (payment_id,))
    locked.set()
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with street.log.connect() as watching:
        until(lambda: watching.execute(waiting).fetchone()[0])
    return payment_id


class Burst:
    """Checks from several threads until the server is gone."""

    def __init__(self, officer):
        self.answered = []
        self._officer = officer
        self._subjects = itertools.count(5000)
        self._threads = [threading.Thread(target=self._check) for _ in range(BURST_THREADS)]
        for thread in self._threads:
            thread.start()

    def _check(self):
        for _ in range(CHECKS_MAX // BURST_THREADS):  # an officer's hour has a limit
            # Each of another person: the checks of one in a day have a limit too.
            identity = {"iin": iin(next(self._subjects))}
            try:
                self.answered.append(self._officer.check(identity, DRIVER.plate))
            except Refused:  # by a server that waits for the disk, and not for ever
                continue
            except httpx.TransportError:
                return

    def stop(self):
        for thread in self._threads:
            thread.join()


def burst(officer, *, count):
    """Begin a burst of checks; return it when ``count`` of them have been answered."""
    checks = Burst(officer)
    until(lambda: len(checks.answered) >= count)
    return checks


def test_a_server_killed_between_an_approval_and_its_answer_leaves_no_money_behind(struck, street):
    assert_settled(street, struck.payment_id, paid=False)
    assert len(street.book.standing) == struck.standing
    assert street.log.events("fines.payment_approved", payment_id=struck.payment_id) == []


def test_a_server_killed_in_a_burst_of_checks_loses_no_answer_and_no_leaf(struck, street, tmp_path):
    again = [struck.officer._api.get(f"/api/checks/{check['check_id']}") for check in struck.checks]
    export = Export(street.stage, tmp_path / "log")
    new = export.verify()
    size = int(struck.checkpoint.splitlines()[1])
    old = export.verify(checkpoint=struck.checkpoint, size=size)

    assert len(struck.checks) >= 12
    assert [check["parts"] for check in again] == [check["parts"] for check in struck.checks]
    for check in struck.checks:
        assert check["check_id"].encode() in export.leaves[check["decision_leaf_index"]]
        assert check["check_id"].encode() in export.leaves[check["leaf_index"]]
    assert old.size < new.size == len(export.leaves)


def test_a_server_killed_after_its_commit_and_before_its_answer_agrees_with_the_book(street):
    offence = street.offence()
    standing = len(street.book.standing)

    children = descendants(street.stage._server.pid)
    street.door.strikes["after approval"] = street.stage.kill_server
    payment_id = street.begin(offence, card=DRIVER.card)
    until(lambda: street.stage._server is None)
    until(lambda: not any(alive(pid) for pid in children))
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


def test_a_server_killed_in_an_upload_keeps_every_acknowledged_part(struck, street):
    recording_id = str(struck.recorded.recording_id)

    code = struck.dock.wait()

    assert code == 0, dock_said(struck.dock)
    assert 1 <= struck.parts_held < PARTS
    assert struck.parts_after >= struck.parts_held
    assert "again in" in dock_said(struck.dock)
    facts = street.recording(struck.recorded)
    assert facts["size_bytes"] == struck.recorded.manifest.size_bytes
    assert street.log.wait("bodycam.recording_stored", recording_id=recording_id, whole=True)
    assert [file.name for file in struck.recorded.folder.iterdir()] == ["wiped.json"]


def test_a_dock_agent_killed_twice_goes_on_each_time_where_it_was(street):
    recorded, dock = street.record(bodycam.long_footage(PARTS), seconds=bodycam.SECONDS)
    base_url, recording_id = street.stage.base_url, str(recorded.recording_id)

    dock.start(bandwidth_mb_s=4)
    first = wait_for_parts(street.dock, base_url, recording_id, at_least=2)
    dock.kill()
    dock.start(bandwidth_mb_s=4)
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
        # Outsiders are given the newest checkpoint that the witness has cosigned.
        until(lambda: int(checkpoint_of(stage).splitlines()[1]) > check["leaf_index"])

    assert check["complete"] is True
    assert not (folder / "server" / "db").exists()
    with psycopg.connect(any_postgres.url()) as connection:
        count = connection.execute("SELECT count(*) FROM audit_leaves").fetchone()[0]
    assert count > check["leaf_index"]
