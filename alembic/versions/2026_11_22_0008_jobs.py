"""Tables of the job queue (procrastinate), in the same database as the business.

Revision 0008_jobs. First release: no older code runs against it. The schema is the one the
locked version of procrastinate brings; a newer version's own migrations become revisions here.
"""

from typing import Any

import procrastinate.schema
import sqlalchemy as sa
from alembic import op

revision = "0008_jobs"
down_revision = "0007_bodycam"
branch_labels = None
depends_on = None

_DROP = """
DO $$
DECLARE one record;
BEGIN
    FOR one IN SELECT tablename AS name FROM pg_tables
        WHERE schemaname = current_schema() AND tablename LIKE 'procrastinate\\_%'
    LOOP EXECUTE format('DROP TABLE %I CASCADE', one.name); END LOOP;
    FOR one IN SELECT oid::regprocedure AS name FROM pg_proc
        WHERE proname LIKE 'procrastinate\\_%' AND pronamespace = current_schema()::regnamespace
    LOOP EXECUTE format('DROP FUNCTION %s CASCADE', one.name); END LOOP;
    FOR one IN SELECT typname AS name FROM pg_type
        WHERE typname LIKE 'procrastinate\\_%' AND typnamespace = current_schema()::regnamespace
            AND typelem = 0
    LOOP EXECUTE format('DROP TYPE IF EXISTS %I CASCADE', one.name); END LOOP;
END $$
"""


def upgrade() -> None:
    script = procrastinate.schema.SchemaManager.get_schema()
    connection: Any = op.get_bind().connection.dbapi_connection
    # Many statements in one script: only the driver's simple protocol takes them.
    connection.run_async(lambda driver: driver.execute(script))


def downgrade() -> None:
    op.execute(sa.text(_DROP))
