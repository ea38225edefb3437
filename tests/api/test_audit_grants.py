from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.exc import DBAPIError

from app.audit import repository, service
from app.audit.service import AuditTrail, Sequencer
from app.db import driver_of, make_engine, make_sessions, transaction

GRANTS = Path("deploy/audit-grants.sql").read_text()
ROLE = "saqshy_runtime"
NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
EVIDENCE = (
    "audit_leaves", "audit_nodes", "audit_checkpoints", "audit_cosignatures", "audit_anchors",
    "audit_closed_months", "control_reports", "control_officers", "control_spans",
    "control_marks", "control_reviews", "escalations", "ledger_postings", "acquirer_files",
    "acquirer_rows", "treasury_statements", "treasury_lines", "refund_instructions",
)  # fmt: skip


@pytest.fixture
async def runtime(sessions, database_url):
    """A session factory of the runtime role, with exactly the rights of the file."""
    text = "\n".join(line for line in GRANTS.splitlines() if not line.startswith("--"))
    async with transaction(sessions) as session:
        await session.execute(sa.text(f"CREATE ROLE {ROLE} LOGIN PASSWORD 'runtime'"))
        for statement in filter(str.strip, text.split(";")):
            await session.execute(sa.text(statement))
    url = sa.make_url(database_url).set(username=ROLE, password="runtime")
    engine = make_engine(url.render_as_string(hide_password=False), pool_size=2)
    yield make_sessions(engine)
    await engine.dispose()
    async with transaction(sessions) as session:
        await session.execute(sa.text(f"DROP OWNED BY {ROLE}"))
        await session.execute(sa.text(f"DROP ROLE {ROLE}"))


async def test_the_log_is_written_numbered_and_closed_with_these_rights(runtime):
    trail = AuditTrail(subject_key=b"s" * 32)
    async with transaction(runtime) as session:
        running = await service.next_number(await driver_of(session), stream=uuid4(), at=NOW)
        await trail.record(
            session,
            event="test.asked",
            at=NOW,
            who=None,
            subject_iin="950817301017",
            fields=running.as_fields(),
        )
    closed = await service.close_month(runtime, trail=trail, now=NOW + timedelta(days=20))
    sequencer = Sequencer(sessions=runtime, checkpoint_key=KEY, origin="test.example/log")

    assert await sequencer.drain_once() == 3
    assert closed == ["2026-11"]
    async with transaction(runtime) as session:
        await repository.put_cosignature(session, size=3, witness="w", line="l", at=NOW)
        await repository.put_anchor(session, size=3, response=b"r", at=NOW)
        assert (await service.proof_of_leaf(session, index=0)).startswith("c2sp.org/tlog-proof")


@pytest.mark.parametrize("table", EVIDENCE)
@pytest.mark.parametrize(
    "act",
    ["DELETE FROM {}", "TRUNCATE {}", "ALTER TABLE {} DISABLE TRIGGER USER", "DROP TABLE {}"],
)
async def test_evidence_cannot_be_taken_away_with_these_rights(runtime, table, act):
    with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
        async with transaction(runtime) as session:
            await session.execute(sa.text(act.format(table)))


@pytest.mark.usefixtures("runtime")
async def test_no_column_of_evidence_can_be_changed_with_these_rights(sessions):
    changeable = sa.text(
        "SELECT table_name FROM information_schema.column_privileges"
        " WHERE grantee = :role AND privilege_type = 'UPDATE' AND table_name = ANY(:tables)"
    )
    async with transaction(sessions) as session:
        found = list(await session.scalars(changeable, {"role": ROLE, "tables": list(EVIDENCE)}))

    assert found == []
