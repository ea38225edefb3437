"""The command line: ``python -m app COMMAND``. Settings come from the environment."""

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from app import commands
from app.errors import DomainError
from app.keys import KeysMissing
from app.runtime.postgres import PostgresDidNotStart
from app.runtime.supervisor import AlreadyRunning, NotHealthy, PortInUse

cli = typer.Typer(
    help="The server of Saqshy. Every setting is read from the environment; see app/settings.py.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_EXPECTED = (
    AlreadyRunning,
    DomainError,
    KeysMissing,
    NotHealthy,
    PortInUse,
    PostgresDidNotStart,
    ValueError,
)


def _refuse(error: Exception) -> NoReturn:
    typer.echo(f"cannot go on: {error}", err=True)
    raise typer.Exit(1)


@cli.command()
def up() -> None:
    """Run the database (unless one is set), the server and the worker; watch and restart them."""
    try:
        commands.up(say=typer.echo)
    except _EXPECTED as error:
        _refuse(error)


@cli.command()
def serve() -> None:
    """Run the server alone; a database must be set and migrated."""
    try:
        commands.serve()
    except _EXPECTED as error:
        _refuse(error)


@cli.command()
def work(
    queue: Annotated[
        list[str] | None, typer.Option(help="Only these queues; all by default.")
    ] = None,
) -> None:
    """Run the worker alone: background jobs and the audit log's sequencer."""
    try:
        commands.work(queues=queue)
    except _EXPECTED as error:
        _refuse(error)


@cli.command()
def migrate(
    revision: Annotated[str, typer.Argument(help="The revision to reach.")] = "head",
) -> None:
    """Bring the schema of the set database up to a revision, and load the catalogues."""
    try:
        commands.migrate(revision=revision, say=typer.echo)
    except _EXPECTED as error:
        _refuse(error)


@cli.command(name="make-keys")
def make_keys() -> None:
    """Make the server's keys that are not there yet, in the folder of the settings."""
    typer.echo(f"keys are in {commands.make_keys()}")


@cli.command(name="import-staff")
def import_staff(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="JSON; see docs/staff-file.md")
    ],
) -> None:
    """Enter departments, people and their posts from a personnel file; safe to repeat."""
    try:
        typer.echo(commands.import_staff(file))
    except _EXPECTED as error:
        _refuse(error)


@cli.command(name="publish-agreement")
def publish_agreement(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="JSON; see docs/access.md")
    ],
) -> None:
    """Bring a new version of the user agreement into force: everybody signs it anew."""
    try:
        typer.echo(commands.publish_agreement(file))
    except _EXPECTED as error:
        _refuse(error)


@cli.command(name="export-log")
def export_log(
    folder: Annotated[Path, typer.Argument(help="Gets key, checkpoint and leaves.")],
) -> None:
    """Write the audit log for somebody who checks it without us: app.audit.verify reads it."""
    try:
        typer.echo(commands.export_log(folder))
    except _EXPECTED as error:
        _refuse(error)


@cli.command(name="check-draw")
def check_draw(
    day: Annotated[
        datetime, typer.Argument(formats=["%Y-%m-%d"], help="A day that is over, in Astana.")
    ],
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="What export-log wrote.")
    ],
) -> None:
    """Repeat the draws of a day's extended justifications from an exported log."""
    try:
        typer.echo(commands.check_draw(day.date(), folder))
    except _EXPECTED as error:
        _refuse(error)


def main() -> None:
    """Run the command line."""
    os.umask(0o077)  # what the server writes is for the server's user alone
    cli()
