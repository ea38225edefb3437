"""The command line: ``python -m app COMMAND``. Settings come from the environment."""

import importlib
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from app.errors import DomainError
from app.keys import KeysMissing
from app.runtime.postgres import PostgresDidNotStart
from app.runtime.supervisor import DOOR, AlreadyRunning, NotHealthy, PortInUse

if TYPE_CHECKING:
    from app import commands
else:

    class _Later:
        """``app.commands``, imported by the first command that runs.

        It brings the whole server, two seconds of processor: help and a misspelled word need none.
        """

        def __getattr__(self, name: str) -> Any:
            return getattr(importlib.import_module("app.commands"), name)

    commands = _Later()

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


@cli.command(name="receive-parts")
def receive_parts() -> None:
    """Run the door for parts of footage alone: lean, beside a server; see SAQSHY_PARTS_PORT."""
    # In this process's place: the command line alone takes 20 MiB that the door can do without.
    os.execv(sys.executable, DOOR)  # noqa: S606 - our own program


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


catalogue_cli = typer.Typer(help="The catalogue of offences, the index, the days off.")
cli.add_typer(catalogue_cli, name="catalogue")


@catalogue_cli.callback()
def catalogue() -> None:
    """Keep dated law: what is entered from a file is never overwritten by a release."""


@catalogue_cli.command(name="import")
def import_catalogue(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV; see docs/catalogue.md")
    ],
    apply: Annotated[  # noqa: FBT002 - the flag of a command
        bool, typer.Option("--apply", help="Enter it; without this the difference is only shown.")
    ] = False,
) -> None:
    """Check a file of articles, MRP or special days and show the difference; enter it on demand."""
    try:
        typer.echo(commands.import_catalogue(file, apply=apply))
    except _EXPECTED as error:
        _refuse(error)


reconcile = typer.Typer(
    help="Reconciliation: take files, show the days, write them as CSV.", no_args_is_help=True
)
cli.add_typer(reconcile, name="reconcile")


@reconcile.command(name="import")
def reconcile_import(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    *,
    treasury: Annotated[
        bool, typer.Option(help="A statement of the treasury, not the acquirer's file.")
    ] = False,
) -> None:
    """Take the acquirer's settlement file, or the treasury's statement; safe to repeat."""
    try:
        typer.echo(commands.import_settlement(file, treasury=treasury))
    except _EXPECTED as error:
        _refuse(error)


@reconcile.command(name="show")
def reconcile_show() -> None:
    """Show the days of the last month: what matches and what does not."""
    try:
        typer.echo(commands.show_reconciliation())
    except _EXPECTED as error:
        _refuse(error)


@reconcile.command(name="csv")
def reconcile_csv(
    file: Annotated[Path, typer.Argument(dir_okay=False)],
    first: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"])],
    last: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"])],
) -> None:
    """Write what is said of every row of some days into a file."""
    try:
        typer.echo(commands.export_reconciliation(file, first=first.date(), last=last.date()))
    except _EXPECTED as error:
        _refuse(error)


objects = typer.Typer(
    help="Stored objects of the directory: their keys and envelopes.", no_args_is_help=True
)
cli.add_typer(objects, name="objects")


@objects.command(name="rotate-key")
def objects_rotate_key() -> None:
    """Make a new key that wraps the keys of objects; the old one stays in the folder."""
    try:
        typer.echo(commands.stores.rotate_object_key())
    except _EXPECTED as error:
        _refuse(error)


@objects.command(name="rewrap")
def objects_rewrap() -> None:
    """Wrap every object's key under the current key; reads and writes no footage."""
    try:
        typer.echo(commands.stores.rewrap_objects())
    except _EXPECTED as error:
        _refuse(error)


@objects.command(name="seal")
def objects_seal() -> None:
    """Give an envelope to what was stored without; needs room for the largest of them."""
    try:
        typer.echo(commands.stores.seal_objects(say=typer.echo))
    except _EXPECTED as error:
        _refuse(error)


tiers = typer.Typer(help="The stores of recordings, and what lies in which.", no_args_is_help=True)
cli.add_typer(tiers, name="tiers")


@tiers.command(name="show")
def tiers_show() -> None:
    """Show what lies in which store, what waits to be moved, and which store can lock."""
    try:
        typer.echo(commands.stores.show_tiers())
    except _EXPECTED as error:
        _refuse(error)


@tiers.command(name="move")
def tiers_move() -> None:
    """Move what is due by SAQSHY_TIER_RULES now; the worker does it each hour."""
    try:
        typer.echo(commands.stores.move_tiers())
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
