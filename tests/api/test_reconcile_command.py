"""The administrator's command takes files, shows the days and writes them as CSV."""

import asyncio

import pytest
from typer.testing import CliRunner

from app.cli import cli
from fines.wire import settlement
from tests import factories_fines
from tests import factories_money as make


@pytest.fixture
async def rows(parts, sessions):
    await factories_fines.district_with_catalogue(sessions)
    return await make.paid_day(parts, count=3)


@pytest.fixture
def run(settings, keys_dir, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("SAQSHY_KEYS_DIR", str(keys_dir))

    def run(*arguments):
        return CliRunner().invoke(cli, ["reconcile", *map(str, arguments)])

    return run


async def test_a_file_is_taken_once_shown_and_written_out(rows, run, tmp_path):
    file, table = tmp_path / "settlement.csv", tmp_path / "table.csv"
    file.write_bytes(settlement.write(rows))
    days = ("--first", make.DAY.isoformat(), "--last", make.DAY.isoformat())

    taken, again, written = [
        await asyncio.to_thread(run, *words)
        for words in (("import", file), ("import", file), ("csv", table, *days))
    ]

    assert taken.output.startswith("3 rows")
    assert "matched 3" in taken.output
    assert "nothing has changed" in again.output
    assert "3 rows are in" in written.output
    assert table.read_text().count("matched") == 3


async def test_a_torn_file_is_refused_with_its_line(rows, run, tmp_path):
    file = tmp_path / "torn.csv"
    file.write_bytes(settlement.write(rows)[:-5])

    refused = await asyncio.to_thread(run, "import", file)

    assert refused.exit_code == 1
    assert "line " in refused.output
