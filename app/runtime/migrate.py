"""Running the migrations from the program: on start in the embedded mode, else by command."""

from pathlib import Path

import alembic.command
from alembic.config import Config
from sqlalchemy.engine import Connection

_ROOT = Path(__file__).resolve().parent.parent.parent


def configuration(*, database_url: str = "", connection: Connection | None = None) -> Config:
    """Return Alembic's configuration for a database, or for a connection already open."""
    config = Config(str(_ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(_ROOT / "alembic"))
    config.attributes["database_url"] = database_url
    config.attributes["connection"] = connection
    return config


def upgrade(*, database_url: str, revision: str = "head") -> None:
    """Bring the schema up to ``revision``. Two programs that do it at once wait for each other."""
    alembic.command.upgrade(configuration(database_url=database_url), revision)
