"""The worker: runs queued and periodic jobs, and stands by for the audit log's sequencer."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import procrastinate
import structlog
from procrastinate import JobContext, PsycopgConnector

import app.audit.service
import app.exchange.api
import app.exchange.service
import app.exchange.service.access
import devices.api
import fines.service
from app.clock import utc_now
from app.exchange.service import control
from app.jobs import FIRST, Queue
from app.main import sequencing
from app.parts import Parts, open_parts
from app.settings import Settings
from bodycam.media import make_sandbox
from bodycam.rules.derived import EXAMINE_TASK, PREVIEW_TASK, READ_BACK_TASK, RESTORE_TASK
from bodycam.rules.signed_video.trust import Anchors, read_anchors
from bodycam.service import Docking, coverage, expiry, locks, scrubbing, tiers
from bodycam.service.axis import TAKE_IN_TASK, take_in_object
from bodycam.service.axis import take_in_waiting as take_in_waiting_objects
from bodycam.service.axis_keys import ClearObjects, ClipCiphers
from bodycam.service.examining import Examining, examine_recording
from bodycam.service.previewing import preview_recording
from bodycam.service.reading_back import read_back, read_back_waiting
from bodycam.service.restoring import Restoring, restore_recording, restore_waiting
from bodycam.service.tus import expire_uploads
from bodycam.service.tus_finishing import finish_upload, finish_uploads
from bodycam.service.tus_receiving import FINISH_TASK
from fines.api import make_desk
from fines.rules.closing import parse_hours
from fines.rules.terms import parse_terms
from fines.service import refund_papers
from fines.service.reconciling import age_all

log = structlog.get_logger(__name__)

_CONCURRENCY = 4  # jobs at once in one worker; media jobs start processes of their own
_CONNECTION_SECONDS = 5.0  # for one from the pool: else a worker outlives its database by 30 s
_STALLED_AFTER_SECONDS = 30  # procrastinate's heartbeat comes each 10 s
_KEEP_DONE_JOBS = timedelta(days=7)


def make_queue(database_url: str, parts: Parts) -> procrastinate.App:
    """Return the job application with every task of every slice."""
    connector = PsycopgConnector(
        conninfo=database_url, min_size=1, max_size=4, timeout=_CONNECTION_SECONDS
    )
    jobs = procrastinate.App(connector=connector)
    maintenance = Queue.MAINTENANCE.value

    @jobs.periodic(cron="* * * * *")
    @jobs.task(
        name="jobs.retry_stalled",
        queue=maintenance,
        queueing_lock="jobs.retry_stalled",
        pass_context=True,
    )
    async def retry_stalled(context: JobContext, timestamp: int) -> None:
        del timestamp
        manager = context.app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=_STALLED_AFTER_SECONDS):
            log.warning("job was stalled and is run again", job=job.id, task=job.task_name)
            await manager.retry_job(job)
        keep_hours = int(_KEEP_DONE_JOBS.total_seconds() // 3600)
        await manager.delete_old_jobs(nb_hours=keep_hours)

    @jobs.periodic(cron="*/5 * * * *")
    @jobs.task(name="audit.close_month", queue=maintenance, queueing_lock="audit.close_month")
    async def close_month(timestamp: int) -> None:
        del timestamp
        await app.audit.service.close_month(parts.sessions, trail=parts.trail, now=utc_now())

    _footage_jobs(jobs, parts)
    _access_jobs(jobs, parts)
    _control_jobs(jobs, parts)
    _fine_jobs(jobs, parts)
    _notice_jobs(jobs, parts)
    _add_exchange(jobs, parts)
    _add_custody(jobs, parts)
    _add_footage(jobs, parts)
    return jobs


def _access_jobs(jobs: procrastinate.App, parts: Parts) -> None:
    exchange = Queue.EXCHANGE.value

    @jobs.periodic(cron="* * * * *")
    @jobs.task(
        name="exchange.read_access_clocks",
        queue=exchange,
        queueing_lock="exchange.read_access_clocks",
    )
    async def read_access_clocks(timestamp: int) -> None:
        del timestamp
        await app.exchange.service.access.read_clocks(
            parts.sessions, trail=parts.trail, now=utc_now()
        )


def _fine_jobs(jobs: procrastinate.App, parts: Parts) -> None:
    desk = make_desk(
        sessions=parts.sessions, trail=parts.trail, keys=parts.keys, settings=parts.settings
    )
    payments = Queue.PAYMENTS.value

    @jobs.periodic(cron="* * * * * */10")
    @jobs.task(name="fines.expire_orders", queue=payments, queueing_lock="fines.expire_orders")
    async def expire_orders(timestamp: int) -> None:
        del timestamp
        await fines.service.expire_orders(desk, utc_now())

    @jobs.periodic(cron="*/5 * * * *")
    @jobs.task(name="fines.lapse_receipts", queue=payments, queueing_lock="fines.lapse_receipts")
    async def lapse_receipts(timestamp: int) -> None:
        del timestamp
        await fines.service.lapse_receipts(desk, utc_now())
        await fines.service.end_reduced_terms(desk, utc_now())

    @jobs.periodic(cron="*/5 * * * *")
    @jobs.task(name="fines.end_terms", queue=payments, queueing_lock="fines.end_terms")
    async def end_terms(timestamp: int) -> None:
        del timestamp
        await fines.service.end_terms(desk, utc_now())

    @jobs.periodic(cron="*/15 * * * *")
    @jobs.task(name="fines.age_items", queue=payments, queueing_lock="fines.age_items")
    async def age_items(timestamp: int) -> None:
        del timestamp
        await age_all(desk, utc_now())

    @jobs.periodic(cron="* * * * *")
    @jobs.task(
        name="fines.file_refund_slips", queue=payments, queueing_lock="fines.file_refund_slips"
    )
    async def file_refund_slips(timestamp: int) -> None:
        del timestamp
        await refund_papers.file_refund_slips(desk, utc_now())

    closing_hours = parse_hours(parts.settings.end_of_day_hours)
    missing_hours = parse_hours(parts.settings.totals_missing_hours)

    @jobs.periodic(cron="*/5 * * * *")
    @jobs.task(name="fines.close_days", queue=payments, queueing_lock="fines.close_days")
    async def close_days(timestamp: int) -> None:
        del timestamp
        await fines.service.close_days(
            desk, closing_hours=closing_hours, missing_hours=missing_hours, now=utc_now()
        )


def _notice_jobs(jobs: procrastinate.App, parts: Parts) -> None:
    tell = parts.tell_register
    if tell is None:
        return  # what is wanted stays in the outbox until the register has an address
    desk = make_desk(
        sessions=parts.sessions, trail=parts.trail, keys=parts.keys, settings=parts.settings
    )
    terms = parse_terms(parts.settings.register_notice_hours)

    @jobs.periodic(cron="* * * * * */10")
    @jobs.task(
        name="fines.tell_register",
        queue=Queue.PAYMENTS.value,
        queueing_lock="fines.tell_register",
    )
    async def tell_register(timestamp: int) -> None:
        del timestamp
        await fines.service.tell_register(desk, tell=tell, terms=terms, now=utc_now())


def _footage_jobs(jobs: procrastinate.App, parts: Parts) -> None:
    """Add what comes in by other doors: what waits there, what is whole, what has expired."""
    ciphers = ClipCiphers(sessions=parts.sessions, vault=parts.keys.vault)
    docking = Docking(
        sessions=parts.sessions,
        store=parts.store,
        trail=parts.trail,
        recording_bytes_max=parts.settings.recording_bytes_max,
        ciphers=ciphers,
    )
    restoring = Restoring(
        docking=docking,
        reader=ClearObjects(parts.store, ciphers),
        sandbox=make_sandbox(parts.settings.media_sandbox),
    )

    @jobs.periodic(cron="*/5 * * * *")
    @jobs.task(
        name="bodycam.take_in_waiting",
        queue=Queue.MEDIA.value,
        queueing_lock="bodycam.take_in_waiting",
    )
    async def take_in_waiting(timestamp: int) -> None:
        del timestamp
        now, key = utc_now(), parts.keys.receipt
        await take_in_waiting_objects(docking, now=now)
        await finish_uploads(docking, receipt_key=key, now=now)
        await expire_uploads(docking, now=now)

    @jobs.task(name=READ_BACK_TASK, queue=Queue.MEDIA.value)
    async def first_reading(recording_id: str) -> None:
        await read_back(docking, recording_id=UUID(recording_id), now=utc_now())

    @jobs.periodic(cron="33 * * * *")
    @jobs.task(
        name="bodycam.read_back_waiting",
        queue=Queue.MEDIA.value,
        queueing_lock="bodycam.read_back_waiting",
        priority=FIRST,
    )
    async def first_readings(timestamp: int) -> None:
        del timestamp
        await read_back_waiting(docking, now=utc_now())
        await restore_waiting(restoring, now=utc_now())

    @jobs.task(name=RESTORE_TASK, queue=Queue.MEDIA.value)
    async def restore(recording_id: str) -> None:
        await restore_recording(restoring, recording_id=UUID(recording_id), now=utc_now())

    @jobs.task(name=TAKE_IN_TASK, queue=Queue.MEDIA.value)
    async def take_in(object_id: str) -> None:
        await take_in_object(docking, object_id=UUID(object_id), now=utc_now())

    @jobs.task(name=FINISH_TASK, queue=Queue.MEDIA.value)
    async def finish(upload_id: str) -> None:
        key = parts.keys.receipt
        await finish_upload(docking, upload_id=UUID(upload_id), receipt_key=key, now=utc_now())


def _control_jobs(jobs: procrastinate.App, parts: Parts) -> None:
    exchange = Queue.EXCHANGE.value

    @jobs.periodic(cron="*/5 * * * *")
    @jobs.task(name="exchange.open_reports", queue=exchange, queueing_lock="exchange.open_reports")
    async def open_reports(timestamp: int) -> None:
        del timestamp
        await control.open_reports(parts.sessions, trail=parts.trail, now=utc_now())

    @jobs.periodic(cron="*/15 * * * *")
    @jobs.task(
        name="exchange.escalate_reports", queue=exchange, queueing_lock="exchange.escalate_reports"
    )
    async def escalate_reports(timestamp: int) -> None:
        del timestamp
        await control.escalate_reports(parts.sessions, trail=parts.trail, now=utc_now())


def _add_exchange(jobs: procrastinate.App, parts: Parts) -> None:
    """Add what goes on in the exchange by itself: waiting requests, seeds, terms."""
    ports = app.exchange.api.make_ports(
        sessions=parts.sessions,
        direct=parts.direct,
        trail=parts.trail,
        keys=parts.keys,
        settings=parts.settings,
        registers=parts.registers,
        cases=parts.case_registers,
        seeds=parts.seeds,
        surroundings=parts.surroundings,
        device_standing=devices.api.device_standing,
    )
    exchange = Queue.EXCHANGE.value

    @jobs.periodic(cron="* * * * * */10")
    @jobs.task(
        name="exchange.verify_waiting", queue=exchange, queueing_lock="exchange.verify_waiting"
    )
    async def verify_waiting(timestamp: int) -> None:
        del timestamp
        await app.exchange.service.verify_waiting(ports)

    @jobs.periodic(cron="* * * * *")
    @jobs.task(name="exchange.end_overdue", queue=exchange, queueing_lock="exchange.end_overdue")
    async def end_overdue(timestamp: int) -> None:
        del timestamp
        await app.exchange.service.end_overdue(ports)
        await app.exchange.service.expire_sanctions(ports)

    @jobs.periodic(cron="*/10 * * * *")
    @jobs.task(name="exchange.keep_seeds", queue=exchange, queueing_lock="exchange.keep_seeds")
    async def keep_seeds(timestamp: int) -> None:
        del timestamp
        await app.exchange.service.keep_seeds(ports, now=utc_now())

    @jobs.periodic(cron="17 * * * *")
    @jobs.task(
        name="exchange.destroy_overdue",
        queue=Queue.MAINTENANCE.value,
        queueing_lock="exchange.destroy_overdue",
    )
    async def destroy_overdue(timestamp: int) -> None:
        del timestamp
        await app.exchange.service.destroy_overdue(ports, reviewed_of=control.is_reviewed)


def _add_custody(jobs: procrastinate.App, parts: Parts) -> None:
    """Add what goes on with stored footage by itself: ledgers, terms."""
    maintenance = Queue.MAINTENANCE.value

    @jobs.periodic(cron="*/5 * * * *")
    @jobs.task(name="bodycam.keep_ledgers", queue=maintenance, queueing_lock="bodycam.keep_ledgers")
    async def keep_ledgers(timestamp: int) -> None:
        del timestamp
        await coverage.keep_ledgers(parts.sessions, trail=parts.trail, now=utc_now())

    @jobs.periodic(cron="23 * * * *")
    @jobs.task(name="bodycam.end_terms", queue=maintenance, queueing_lock="bodycam.end_terms")
    async def end_terms(timestamp: int) -> None:
        del timestamp
        now = utc_now()
        await expiry.expire_recordings(parts.sessions, trail=parts.trail, now=now)
        await expiry.destroy_expired(parts.sessions, store=parts.store, trail=parts.trail, now=now)

    @jobs.periodic(cron="7 * * * *")
    @jobs.task(name="bodycam.move_tiers", queue=maintenance, queueing_lock="bodycam.move_tiers")
    async def move_tiers(timestamp: int) -> None:
        del timestamp
        await tiers.move_due(
            tiers.Moving(
                sessions=parts.sessions,
                store=parts.store,
                trail=parts.trail,
                rules=parts.tier_rules,
            ),
            now=utc_now(),
        )

    @jobs.periodic(cron="*/5 * * * *")
    @jobs.task(name="bodycam.keep_locks", queue=maintenance, queueing_lock="bodycam.keep_locks")
    async def keep_locks(timestamp: int) -> None:
        del timestamp
        await locks.keep_locks(
            parts.sessions, store=parts.store, retained_in=parts.retained_in, now=utc_now()
        )

    @jobs.periodic(cron="41 * * * *")
    @jobs.task(name="bodycam.scrub", queue=maintenance, queueing_lock="bodycam.scrub")
    async def scrub(timestamp: int) -> None:
        del timestamp
        now, store = utc_now(), parts.store
        await scrubbing.scrub(parts.sessions, store=store, trail=parts.trail, now=now)
        await scrubbing.clear_abandoned(parts.sessions, store=store, trail=parts.trail, now=now)


def _add_footage(jobs: procrastinate.App, parts: Parts) -> None:
    """Add what is made of heads before their bulk, and of recordings after their receipt."""
    anchors_file = parts.settings.camera_anchors_file
    ciphers = ClipCiphers(sessions=parts.sessions, vault=parts.keys.vault)
    examining = Examining(
        sessions=parts.sessions,
        store=ClearObjects(parts.store, ciphers),
        trail=parts.trail,
        sandbox=make_sandbox(parts.settings.media_sandbox),
        anchors=read_anchors(anchors_file.read_bytes()) if anchors_file else Anchors(),
    )

    @jobs.task(name=EXAMINE_TASK, queue=Queue.MEDIA.value)
    async def examine(recording_id: str) -> None:
        await examine_recording(examining, recording_id=UUID(recording_id))

    @jobs.task(name=PREVIEW_TASK, queue=Queue.MEDIA.value)
    async def preview(recording_id: str) -> None:
        await preview_recording(examining, recording_id=UUID(recording_id))


async def run(settings: Settings, *, queues: Sequence[str] | None) -> None:
    """Work until a signal says stop."""
    async with open_parts(settings) as parts, sequencing(parts):
        url = settings.database_url
        assert url is not None  # noqa: S101 - open_parts has refused otherwise
        jobs = make_queue(url.get_secret_value(), parts)
        async with jobs.open_async():
            await jobs.run_worker_async(
                queues=queues or [queue.value for queue in Queue],
                concurrency=_CONCURRENCY,
                fetch_job_polling_interval=5.0,
                shutdown_graceful_timeout=10.0,
            )
