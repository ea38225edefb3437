"""A database that is away is told as such, and the server finds it again by itself."""

import shutil
import tempfile
from pathlib import Path

import httpx
import pytest

from app.main import create_app, sequencing
from app.parts import open_parts
from app.runtime import migrate
from app.runtime.postgres import EmbeddedPostgres
from app.settings import Settings


@pytest.fixture
def own_server():
    folder = Path(tempfile.mkdtemp(prefix="saqshy-away-"))
    server = EmbeddedPostgres(folder, options=("fsync=off",))
    server.start()
    server.ensure_database()
    migrate.upgrade(database_url=server.url())
    yield server
    server.stop()
    shutil.rmtree(folder)


async def test_a_database_that_was_away_is_missed_and_found_again(own_server, keys_dir, tmp_path):
    settings = Settings(
        database_url=own_server.url(), var_dir=tmp_path, keys_dir=keys_dir, metrics_port=0
    )
    async with open_parts(settings) as parts, sequencing(parts):
        transport = httpx.ASGITransport(app=create_app(parts))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            before = await client.get("/health")
            own_server.stop()
            away = [await client.get("/health") for _ in range(3)]
            own_server.start()
            back = await client.get("/health")

    assert before.status_code == 200
    assert {answer.status_code for answer in away} == {503}
    assert {answer.json()["code"] for answer in away} == {"app.database_away"}
    assert all(answer.headers["Retry-After"] for answer in away)
    assert back.status_code == 200
