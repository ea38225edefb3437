"""What the commands of ``app.cli`` do; kept apart so that tests call them without a shell."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import uvicorn

import app.audit.service
import app.calendar.service
import app.exchange.service
import app.exchange.service.access
import app.identity.service
import fines.service
import fines.service.finance
import fines.service.treasury
from app import keys as app_keys
from app import logs, worker
from app.audit.service import AuditTrail
from app.clock import utc_now
from app.commands import stores as stores
from app.db import make_engine, make_sessions, transaction
from app.exchange.rules.draws import repeat_day
from app.exchange.schemas.access import AgreementFile
from app.identity.schemas import StaffFile
from app.keys import Keys
from app.runtime import migrate as migrations
from app.runtime.postgres import EmbeddedPostgres
from app.runtime.supervisor import DOOR, Child, Supervisor, program, refuse_used_port, sole_owner
from app.settings import Settings, StoreKind
from fines.api import make_desk
from fines.api.money import SETTLEMENT_BYTES_MAX
from fines.service import catalogue_import
from fines.service.reconciling import import_settlement as import_acquirer_file

_START_SECONDS = 180.0  # a first start on a slow, busy machine; normally two seconds
_STAFF_FILE_BYTES_MAX = 16 << 20
_AGREEMENT_BYTES_MAX = 256 << 10


class NoDatabase(ValueError):
    """The command needs a database address, and none is set."""


def up(*, say: Callable[[str], None]) -> None:
    """Run everything on this machine until told to stop."""
    settings = Settings()
    with sole_owner(settings.var_dir):
        refuse_used_port(host=settings.host, port=settings.port, setting="SAQSHY_PORT")
        if settings.parts_port:
            refuse_used_port(
                host=settings.host, port=settings.parts_port, setting="SAQSHY_PARTS_PORT"
            )
        with _database(settings, say=say) as (url, postgres):
            _run(settings, url=url, postgres=postgres, say=say)


def _run(
    settings: Settings, *, url: str, postgres: EmbeddedPostgres | None, say: Callable[[str], None]
) -> None:
    environment = {"DATABASE_URL": url, "SAQSHY_KEYS_DIR": str(settings.keys)}
    logs_dir = settings.var_dir / "logs"
    children = [
        Child("server", program("serve"), environment, logs_dir / "serve.log"),
        Child("worker", program("work"), environment, logs_dir / "work.log"),
    ]
    if settings.parts_port and settings.object_store is StoreKind.DIRECTORY:
        door = Child("door", DOOR, environment, logs_dir / "door.log")
        children.append(door)
    supervisor = Supervisor(children=children, postgres=postgres, say=say)
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host
    health = f"http://{host}:{settings.port}/health"
    supervisor.start(health_url=health, timeout_seconds=_START_SECONDS)
    say(f"the server answers at {settings.public_url}; logs are in {logs_dir}")
    try:
        supervisor.watch()
    finally:
        say("stopping")
        supervisor.stop()


@contextmanager
def _database(
    settings: Settings, *, say: Callable[[str], None]
) -> Iterator[tuple[str, EmbeddedPostgres | None]]:
    """Yield the database's address; in the embedded mode started, migrated and filled."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value(), None
        return
    postgres = EmbeddedPostgres(settings.var_dir / "db")
    postgres.start()
    try:
        postgres.ensure_database()
        app_keys.make_missing(settings.keys)
        url = postgres.url()
        say("PostgreSQL runs; bringing the schema up to date")
        _prepare(url)
        yield url, postgres
    finally:
        postgres.stop()


def _prepare(database_url: str) -> None:
    migrations.upgrade(database_url=database_url)
    asyncio.run(_load_catalogues(database_url))


async def _load_catalogues(database_url: str) -> None:
    engine = make_engine(database_url, pool_size=1)
    async with transaction(make_sessions(engine)) as session:
        await app.calendar.service.load_calendar(session)
        await fines.service.load_catalogue(session, utc_now())
    await engine.dispose()


def _database_url(settings: Settings) -> str:
    if settings.database_url is None:
        raise NoDatabase("set DATABASE_URL, or use 'up', which brings its own database")
    return settings.database_url.get_secret_value()


def serve() -> None:
    """Answer HTTP until told to stop."""
    settings = Settings()
    _database_url(settings)
    app_keys.load(settings.keys)  # refuse before the first request, with a clear word
    fines.service.warm_up_papers(settings.var_dir / "fonts")  # cut once for each installation
    logs.configure()
    uvicorn.run(
        "app.main:from_environment",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.serve_processes,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        access_log=False,  # our own line names the route, never the path
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=10,
        timeout_keep_alive=30,
    )


def work(*, queues: Sequence[str] | None) -> None:
    """Run background jobs until told to stop."""
    settings = Settings()
    _database_url(settings)
    logs.configure()
    asyncio.run(worker.run(settings, queues=queues))


def migrate(*, revision: str, say: Callable[[str], None]) -> None:
    """Bring the set database up to ``revision``; at the head, load the catalogues too."""
    url = _database_url(Settings())
    migrations.upgrade(database_url=url, revision=revision)
    if revision == "head":
        asyncio.run(_load_catalogues(url))
    say(f"the schema is at {revision}")


def make_keys() -> Path:
    """Make the keys that are missing; return their folder."""
    settings = Settings()
    app_keys.make_missing(settings.keys)
    return settings.keys


def import_staff(file: Path) -> str:
    """Enter the personnel file; return what was done, in a sentence."""
    settings = Settings()
    if file.stat().st_size > _STAFF_FILE_BYTES_MAX:
        raise ValueError(f"a personnel file holds at most {_STAFF_FILE_BYTES_MAX >> 20} MiB")
    document = StaffFile.model_validate(json.loads(file.read_text(encoding="utf-8")))
    keys = app_keys.load(settings.keys)
    return asyncio.run(_import_staff(_running_database_url(settings), document, keys))


def publish_agreement(file: Path) -> str:
    """Enter a new version of the user agreement; return what was done, in a sentence."""
    settings = Settings()
    if file.stat().st_size > _AGREEMENT_BYTES_MAX:
        raise ValueError(f"an agreement holds at most {_AGREEMENT_BYTES_MAX >> 10} KiB")
    document = AgreementFile.model_validate(json.loads(file.read_text(encoding="utf-8")))
    trail = AuditTrail(subject_key=app_keys.load(settings.keys).subject)
    return asyncio.run(_publish_agreement(_running_database_url(settings), document, trail))


async def _publish_agreement(url: str, document: AgreementFile, trail: AuditTrail) -> str:
    engine = make_engine(url, pool_size=1)
    async with transaction(make_sessions(engine)) as session:
        version = await app.exchange.service.access.publish_agreement(
            session,
            text_kk=document.text_kk,
            text_ru=document.text_ru,
            text_en=document.text_en,
            valid_from=document.valid_from,
            trail=trail,
            now=utc_now(),
        )
    await engine.dispose()
    return f"version {version} of the user agreement is entered"


def import_catalogue(file: Path, *, apply: bool) -> str:
    """Return what a file of dated law would change, one line each; enter it where asked."""
    settings = Settings()
    if file.stat().st_size > catalogue_import.FILE_BYTES_MAX:
        raise ValueError(
            f"a catalogue file holds at most {catalogue_import.FILE_BYTES_MAX >> 20} MiB"
        )
    text = file.read_text(encoding="utf-8-sig")
    trail = AuditTrail(subject_key=app_keys.load(settings.keys).subject) if apply else None
    return asyncio.run(_import_catalogue(_running_database_url(settings), text, trail))


async def _import_catalogue(url: str, text: str, trail: AuditTrail | None) -> str:
    engine = make_engine(url, pool_size=1)
    async with transaction(make_sessions(engine)) as session:
        difference = await catalogue_import.read_difference(session, text=text)
        if trail is not None:
            await catalogue_import.apply_difference(session, difference, trail=trail, now=utc_now())
    await engine.dispose()
    changes = f"{len(difference.added)} added, {len(difference.changed)} changed"
    ending = "entered" if trail is not None else "nothing entered; add --apply to enter it"
    lines = [*difference.lines, f"{changes}, {difference.same} the same: {ending}"]
    return "\n".join(lines)


def export_log(folder: Path) -> str:
    """Write key, checkpoint, tiles, anchor and leaves into ``folder``; return what was written."""
    settings = Settings()
    folder.mkdir(parents=True, exist_ok=True)
    public_key = app_keys.load(settings.keys).checkpoint.public_key().public_bytes_raw()
    return asyncio.run(_export_log(_running_database_url(settings), public_key, folder))


async def _export_log(url: str, public_key: bytes, folder: Path) -> str:
    engine = make_engine(url, pool_size=1)
    # One snapshot: the checkpoint's size and the leaves belong together.
    async with transaction(make_sessions(engine)) as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        size = await app.audit.service.copy_log(session, public_key=public_key, folder=folder)
    await engine.dispose()
    return f"{size} leaves are in {folder}"


def import_settlement(file: Path, *, treasury: bool) -> str:
    """Take a settlement file or a statement of the treasury; return what came of it."""
    if file.stat().st_size > SETTLEMENT_BYTES_MAX:
        raise ValueError(f"a file holds at most {SETTLEMENT_BYTES_MAX >> 20} MiB")
    take = fines.service.treasury.import_treasury if treasury else import_acquirer_file
    content = file.read_bytes()

    async def work(desk: fines.service.Desk) -> str:
        done = await take(desk, content=content, caller=None, now=utc_now())
        if done.again:
            return "the file was taken before; nothing has changed"
        found = ", ".join(f"{one.value} {count}" for one, count in done.verdicts.items() if count)
        return f"{done.rows} rows, {done.sum_tiyn} tiyn: {found or 'nothing to match'}"

    return asyncio.run(_at_desk(work))


def export_reconciliation(file: Path, *, first: date, last: date) -> str:
    """Write what reconciliation says of every row of some days into ``file``, as CSV."""

    async def work(desk: fines.service.Desk) -> str:
        count = -1  # the heading is no row
        with file.open("wb") as out:
            async for line in fines.service.finance.items_as_csv(
                desk, caller=None, first=first, last=last, now=utc_now()
            ):
                out.write(line)
                count += 1
        return f"{count} rows are in {file}"

    return asyncio.run(_at_desk(work))


def show_reconciliation() -> str:
    """Return the days of the last month, a line for each verdict of each source."""

    async def work(desk: fines.service.Desk) -> str:
        rows = await fines.service.finance.days_of_all(desk, now=utc_now())
        lines = [
            f"{day}  {source.value:<9} {verdict.value:<15} {count:>8}"
            f"  {ours or 0:>14} {theirs or 0:>14}"
            for day, source, verdict, count, ours, theirs in rows
        ]
        heading = "day         source    verdict             rows       our tiyn     their tiyn"
        return "\n".join([heading, *lines])

    return asyncio.run(_at_desk(work))


async def _at_desk(work: Callable[[fines.service.Desk], Awaitable[str]]) -> str:
    settings = Settings()
    keys = app_keys.load(settings.keys)
    engine = make_engine(
        _running_database_url(settings), pool_size=2, statement_timeout_seconds=600
    )
    desk = make_desk(
        sessions=make_sessions(engine),
        trail=AuditTrail(subject_key=keys.subject),
        keys=keys,
        settings=settings,
    )
    try:
        return await work(desk)
    finally:
        await engine.dispose()


class DrawDoesNotHold(ValueError):
    """The draws of a day are not those of the seed that was committed to."""


def check_draw(day: date, folder: Path) -> str:
    """Repeat the draws of ``day`` from exported leaves; return what was found, in a sentence.

    Raises:
        DrawDoesNotHold: with how many leaves are not as the seed draws them.
        DayNotOpen: that day's seed is not opened in these leaves.
    """
    with (folder / "leaves").open("rb") as leaves:
        report = repeat_day(leaves, day=day)
    if not report.holds:
        raise DrawDoesNotHold(
            f"of {report.leaves} requests of {day.isoformat()} {len(report.wrong)} are marked"
            f" otherwise than the seed draws, {len(report.twice)} numbers stand twice;"
            f" the seed opens the commitment: {report.seed_opens}"
        )
    return f"{report.drawn} of {report.leaves} requests were drawn, as the seed draws them"


def _running_database_url(settings: Settings) -> str:
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return EmbeddedPostgres(settings.var_dir / "db").url()  # of a running ``up``


async def _import_staff(url: str, document: StaffFile, keys: Keys) -> str:
    engine, now = make_engine(url, pool_size=1), utc_now()
    trail = AuditTrail(subject_key=keys.subject)
    async with transaction(make_sessions(engine)) as session:
        done = await app.identity.service.import_staff(
            session, document=document, now=now, trail=trail
        )
        moved = await app.exchange.service.access.note_transfers(
            session, trail=trail, now=now, learned_now=True
        )
        declared = {one.iin: one.relatives for one in document.staff if one.relatives is not None}
        people = await app.identity.service.person_ids(session, iins=declared)
        relatives = await app.exchange.service.declare_relatives(
            session,
            keys=keys,
            relatives={people[iin]: named for iin, named in declared.items()},
            trail=trail,
            now=now,
        )
    await engine.dispose()
    return (
        f"{done}; {moved} users were moved to another post: their rights are cut;"
        f" {relatives} declared relatives changed"
    )
