"""Running on one machine: the embedded PostgreSQL, migrations, and the supervisor of ``up``."""
