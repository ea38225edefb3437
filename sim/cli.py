"""The command line of the simulators: ``python -m sim COMMAND``."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from sim import demo as demonstration
from sim.acquirer import run as run_acquirer
from sim.district import STAFF
from sim.stage import DidNotStart, Ports, Stage

cli = typer.Typer(
    help="The world around the server: a demonstration of the main job, or its parts alone.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_VAR = Path("var")


@cli.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where slips, pictures and the summary go.")] = (
        _VAR / "demo"
    ),
    hours: Annotated[float, typer.Option(min=0.05, max=24, help="Length of the recording.")] = 8,
) -> None:
    """Drive the main job end to end on real parts and tell it as it happens."""
    sys.exit(demonstration.run(folder, hours=hours))


@cli.command()
def up(
    folder: Annotated[Path, typer.Option(help="Where everything is kept.")] = _VAR / "up",
) -> None:
    """Keep the server, the worker and the simulators up; print addresses and logins."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with Stage(folder, ports=Ports()) as stage:
            _tell(stage)
            stop.wait()
            typer.echo("stopping")
    except (DidNotStart, OSError) as error:
        typer.echo(f"cannot start: {error}", err=True)
        raise typer.Exit(1) from error


def _tell(stage: Stage) -> None:
    typer.echo(f"\nPages           {stage.base_url}/sign-in")
    typer.echo(f"Registers       {stage.registers.url}")
    typer.echo(f"Cases           {stage.cases.url} (ERDR, AIS SU, AIS OIP, EAIAS)")
    typer.echo(f"State bus       {stage.bus.url} (SmartBridge)")
    typer.echo(f"Acquirer        127.0.0.1:{stage.acquirer.address[1]} (ISO 8583)")
    typer.echo(f"Signer          {stage.signer_url} (plays NCALayer)")
    typer.echo(f"Metrics         http://127.0.0.1:{stage.ports.metrics}/metrics")
    typer.echo(f"Everything in   {stage.folder}")
    typer.echo("\nDemonstration logins: enter the IIN at the sign-in page and press the button.")
    for one in STAFF:
        typer.echo(f"  {one.iin}  {one.role:<22} {one.full_name}")
    typer.echo("\nStop with Ctrl-C.")


@cli.command()
def terminal(
    link: Annotated[Path, typer.Option(help="Where the serial line appears (a pty).")],
    acquirer: Annotated[str, typer.Option(help="host:port of the acquirer")] = "127.0.0.1:8712",
    paper: Annotated[Path, typer.Option(help="Where printed papers go.")] = _VAR / "paper",
) -> None:
    """Play a card terminal on a serial line that any ZVT cash register can open."""
    from sim.terminal import run  # noqa: PLC0415 - the other commands do not need it

    host, _, port = acquirer.partition(":")
    run(link=link, acquirer=(host, int(port)), paper=paper)


@cli.command()
def acquirer(
    port: Annotated[int, typer.Option(help="Where it listens.")] = 8712,
    settlements: Annotated[
        Path | None, typer.Option(help="Where each day's settlement file goes.")
    ] = None,
    instructions: Annotated[
        Path | None, typer.Option(help="Where refund instructions (*.csv) are put for it.")
    ] = None,
) -> None:
    """Play the acquirer and the issuer over ISO 8583."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run_acquirer(port=port, settlements=settlements, instructions=instructions, stop=stop)


def main() -> None:
    """Run the command line."""
    os.umask(0o077)
    cli()
