"""An import killed at any instant has entered all of a file or nothing, and can be repeated.

The program is the administrator's own command, killed with SIGKILL while its transaction is open:

    python -m pytest tests/e2e/test_import_kills.py --import-kills 40
"""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import date, timedelta

import psycopg
import pytest

from fines.wire import settlement, treasury
from fines.wire.treasury import LineKind, TreasuryLine
from tests import factories_fines
from tests import factories_money as make

ROWS = 1500
SECONDS = 120  # the machine may be busy: a deadline, never a wait
_APPLIED = """
    SELECT (SELECT count(*) FROM acquirer_files), (SELECT count(*) FROM acquirer_rows),
        (SELECT count(*) FROM ledger_postings WHERE kind = 'settlement'),
        (SELECT count(*) FROM reconciliation_items WHERE verdict = 'matched'),
        (SELECT count(*) FROM payments WHERE status = 'settled'),
        (SELECT count(*) FROM treasury_statements), (SELECT count(*) FROM treasury_lines),
        (SELECT count(*) FROM ledger_postings WHERE kind = 'treasury_receipt'),
        (SELECT count(*) FROM special_days WHERE imported)
"""
_AT_WORK = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
    AND application_name NOT LIKE 'saqshy-%' -- those of the test's own server, which stands still
"""


class Database:
    """The test's database, looked at from outside while a program works at it."""

    def __init__(self, url, keys_dir):
        self._url, self._keys_dir = url, keys_dir

    def applied(self):
        """Return how many rows of each kind the imports have left."""
        return self._row(_APPLIED)

    def busy(self):
        """Return how many others have a transaction open."""
        return self._row(_AT_WORK)[0]

    def _row(self, query):
        with psycopg.connect(self._url, autocommit=True) as connection:
            return connection.execute(query).fetchone()

    def program(self, words):
        """Start the administrator's command."""
        own = {"DATABASE_URL": self._url, "SAQSHY_KEYS_DIR": str(self._keys_dir)}
        return subprocess.Popen(
            [sys.executable, "-m", "app", *words],
            env=os.environ | own,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, words):
        """Let the command end, and return what it says and how long it was at work."""
        running = self.program(words)
        began = self._begun(running)
        told, _ = running.communicate(timeout=SECONDS)
        assert running.returncode == 0, told
        return told, time.monotonic() - began

    def killed(self, words, *, after):
        """Kill the command ``after`` seconds of work; return once nothing of it is at work."""
        running = self.program(words)
        self._begun(running)
        time.sleep(after)
        running.send_signal(signal.SIGKILL)
        running.communicate(timeout=SECONDS)
        self._until(lambda: not self.busy())

    def _begun(self, running):
        self._until(lambda: self.busy() or running.poll() is not None)
        return time.monotonic()

    @staticmethod
    def _until(condition):
        deadline = time.monotonic() + SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("it did not come so far")
            time.sleep(0.005)


@pytest.fixture
async def database(sessions, settings, keys_dir):
    await factories_fines.district_with_catalogue(sessions)
    return Database(settings.database_url.get_secret_value(), keys_dir)


@pytest.fixture
async def rows(parts, database):
    assert database
    return await make.paid_day(parts, count=ROWS)


def settlement_words(rows, folder):
    file = folder / "settlement.csv"
    file.write_bytes(settlement.write(rows))
    return ["reconcile", "import", str(file)]


def treasury_words(_rows, folder):
    file = folder / "statement.csv"
    lines = [
        TreasuryLine(
            kind=LineKind.RECEIPT,
            order_number=f"{place}",
            merchant_number=f"{place:015d}",
            budget_code="204105",
            purpose_code="913",
            settlement_date=make.SETTLED_ON,
            received_on=make.SETTLED_ON,
            amount_tiyn=1000 + place,
        )
        for place in range(1, 200)
    ]
    file.write_bytes(treasury.write(lines))
    return ["reconcile", "import", str(file), "--treasury"]


def catalogue_words(_rows, folder):
    file = folder / "days.csv"
    first = date(2040, 1, 1)
    lines = [f"{first + timedelta(days=place)},holiday,а,а,test,no" for place in range(900)]
    file.write_text("\n".join(["day,kind,name_kk,name_ru,source,verified", *lines, ""]))
    return ["catalogue", "import", str(file), "--apply"]


@pytest.mark.nightly
@pytest.mark.parametrize("words_of", [settlement_words, treasury_words, catalogue_words])
def test_an_import_killed_anywhere_enters_all_or_nothing_and_can_be_repeated(
    database, rows, tmp_path, request, words_of
):
    words = words_of(rows, tmp_path)
    before = database.applied()
    chance = random.Random(words_of.__name__)
    kills = request.config.getoption("--import-kills")
    seconds, seen = 1.0, []
    for _ in range(kills):
        database.killed(words, after=chance.random() * seconds)
        seen.append(database.applied())
        if seen[-1] != before:
            break  # the kill came after the commit
        seconds *= 1.1  # until one does come so late

    told, _ = database.run(words)
    after = database.applied()
    again, _ = database.run(words)

    assert after != before
    assert set(seen) <= {before, after}
    assert told
    assert again
    assert database.applied() == after
