"""Body cameras for tests: small real footage, a dock with its credential, an issued camera."""

import functools
import hashlib
import json
import random
import resource
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import ffmpeg
import httpx
import imageio_ffmpeg
import sqlalchemy as sa

from app.access import DeviceKind, Principal, Role
from app.audit.models import Leaf, OutboxRow
from app.audit.service import AuditTrail
from app.calendar.service import load_calendar
from app.db import transaction
from app.identity.models import SignatureRow
from app.identity.rules.certificates import Purpose
from app.identity.service import post_of_iin
from bodycam.rules.life_cycle import ComplaintKind
from bodycam.service import NewComplaint, register_complaint
from bodycam.wire import protocol
from bodycam.wire.digests import BLOCK_SIZE_BYTES, content_digest
from bodycam.wire.manifest import TrackPoint
from bodycam.wire.protocol import Announce
from devices import service as devices
from devices.models import Assignment, Device, Shift
from devices.rules.lifecycle import DeviceStatus
from sim.camera import Camera, make_footage
from sim.district import KEEPER, LATITUDE, LONGITUDE, OFFICER, PLACE, REVIEWER
from tests.factories_identity import district

_FOLDER = tempfile.TemporaryDirectory(prefix="saqshy-footage-")
STARTED_AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
SECONDS = 60
TRAIL = AuditTrail(subject_key=b"s" * 32)


@functools.cache
def footage(seconds=SECONDS):
    """Return real footage of a minute; made once a run."""
    return make_footage(folder=Path(_FOLDER.name), seconds=seconds)


@functools.cache
def long_footage(blocks=3):
    """Return footage of over ``blocks`` - 1 blocks: the minute's, filled up by a ``free`` box."""
    whole = Path(_FOLDER.name) / f"long-{blocks}.mp4"
    plain = footage().read_bytes()
    size = (blocks - 1) * BLOCK_SIZE_BYTES + 4321 - len(plain)
    filling = size.to_bytes(4, "big") + b"free" + random.Random(7).randbytes(size - 8)
    whole.write_bytes(plain + filling)
    return whole


@functools.cache
def spread_footage(blocks=4):
    """Return the minute's footage with room between its fragments, so that it takes ``blocks``.

    The room is a ``free`` box before each ``moof``: what plays stays the same.
    """
    whole = Path(_FOLDER.name) / f"spread-{blocks}.mp4"
    plain = footage().read_bytes()
    boxes, at = [], 0
    while at < len(plain):
        size = int.from_bytes(plain[at : at + 4], "big")
        boxes.append(plain[at : at + size])
        at += size
    moofs = sum(one[4:8] == b"moof" for one in boxes)
    room = ((blocks - 1) * BLOCK_SIZE_BYTES + 4321 - len(plain)) // moofs
    filling = room.to_bytes(4, "big") + b"free" + random.Random(9).randbytes(room - 8)
    whole.write_bytes(b"".join((filling if one[4:8] == b"moof" else b"") + one for one in boxes))
    return whole


@functools.cache
def troubled_footage():
    """Return 430 s: a moving picture for 20 s, black for 30, frozen for 340, moving again.

    Its sound is a tone for 200 s, silent for 120, and a tone again.
    """
    whole = Path(_FOLDER.name) / "troubled.mp4"
    size, rate = "320x180", 5
    parts = [
        f"testsrc2=s={size}:r={rate}:d=20",
        f"color=black:s={size}:r={rate}:d=30",
        f"smptebars=s={size}:r={rate}:d=340",
        f"testsrc2=s={size}:r={rate}:d=40",
    ]
    sources = [ffmpeg.input(one, f="lavfi") for one in parts]
    picture = ffmpeg.concat(*sources, n=len(sources), v=1, a=0)
    quiet = "if(between(t,200,320),0,sin(440*2*PI*t)/4)"
    tone = ffmpeg.input(f"aevalsrc='{quiet}':s=16000:d=430", f="lavfi")
    options = {
        "c:v": "libx264", "preset": "ultrafast", "profile:v": "main", "pix_fmt": "yuv420p",
        "g": 2 * rate, "keyint_min": 2 * rate, "sc_threshold": 0, "bf": 0, "c:a": "aac",
        "ac": 1, "movflags": "+frag_keyframe+empty_moov+default_base_moof", "f": "mp4",
    }  # fmt: skip
    stream = ffmpeg.output(picture, tone, str(whole), **options).overwrite_output()
    stream = stream.global_args("-nostdin", "-loglevel", "error")
    subprocess.run(stream.compile(cmd=imageio_ffmpeg.get_ffmpeg_exe()), check=True)
    return whole


async def principal_of(sessions, staff, role=None):
    """Return the caller that ``staff`` is when signed in."""
    async with transaction(sessions) as session:
        card = await post_of_iin(session, iin=staff.iin, now=STARTED_AT)
    return Principal(
        department_id=card.department_id,
        person_id=card.person_id,
        post_id=card.post_id,
        role=role or Role(staff.role),
    )


@dataclass
class Yard:
    """A district with a dock and a camera that the officer held on the day of the recordings."""

    sessions: object
    bays: Path
    department_id: UUID
    post_id: UUID
    dock_id: UUID
    dock: dict[str, str]
    camera: Camera
    bay_numbers: list[int] = field(default_factory=list)

    def record(self, *, footage_file=None, seconds=SECONDS, **more):
        """Put a recording into the next bay."""
        self.bay_numbers.append(len(self.bay_numbers) + 1)
        return self.camera.record(
            bay=self.bays / f"bay-{self.bay_numbers[-1]:02d}",
            footage=footage_file or footage(),
            started_at=more.pop("started_at", STARTED_AT),
            seconds=seconds,
            **more,
        )


async def register(sessions, keeper, kind, *, public_key_pem=None):
    """Take a device on and enroll it; return its id and its credential header."""
    async with transaction(sessions) as session:
        device_id = await devices.register_device(
            session,
            trail=TRAIL,
            caller=keeper,
            kind=kind,
            inventory_number=uuid4().hex[:12],
            serial_number="S-1",
            public_key_pem=public_key_pem,
            terminal_number=None,
            now=STARTED_AT,
        )
        credential = await devices.enroll_device(
            session, trail=TRAIL, caller=keeper, device_id=device_id, now=STARTED_AT
        )
    return device_id, {protocol.CREDENTIAL_HEADER: credential}


async def yard(sessions, folder, **changed):
    """Return a yard in a fresh database; ``changed`` is for the personnel file."""
    await district(sessions, **changed)
    async with transaction(sessions) as session:
        await load_calendar(session)
    keeper = await principal_of(sessions, KEEPER)
    officer = await principal_of(sessions, OFFICER)
    dock_id, dock = await register(sessions, keeper, DeviceKind.DOCK)
    camera = Camera(camera_id=uuid4())
    camera.camera_id, _ = await register(
        sessions, keeper, DeviceKind.CAMERA, public_key_pem=camera.public_key_pem
    )
    await issue(sessions, camera.camera_id, officer=officer, keeper=keeper)
    return Yard(
        sessions=sessions,
        bays=folder / "bays",
        department_id=keeper.department_id,
        post_id=officer.post_id,
        dock_id=dock_id,
        dock=dock,
        camera=camera,
    )


async def issue(
    sessions, device_id, *, officer, keeper, at=STARTED_AT - timedelta(hours=1), closed=False
):
    """Hand the device to the officer, past the sheet and its signature; of a ``closed`` shift."""
    async with transaction(sessions) as session:
        signature = SignatureRow(
            id=uuid4(),
            person_id=officer.person_id,
            purpose=Purpose.DOCUMENT,
            content_sha256=hashlib.sha256(b"sheet").digest(),
            cms=b"-",
            certificate_serial="1",
            signed_at=at,
            signing_time=at,
        )
        shift = Shift(
            id=uuid4(),
            post_id=officer.post_id,
            person_id=officer.person_id,
            department_id=officer.department_id,
            opened_by_post_id=keeper.post_id,
            opened_at=at,
            closed_at=at if closed else None,
        )
        session.add_all([signature, shift])
        await session.flush()
        session.add(
            Assignment(
                id=uuid4(),
                device_id=device_id,
                shift_id=shift.id,
                post_id=officer.post_id,
                person_id=officer.person_id,
                department_id=officer.department_id,
                sheet="sheet",
                sheet_at=at,
                issued_by_post_id=keeper.post_id,
                issued_at=at,
                issue_signature_id=signature.id,
            )
        )
        device = await session.get(Device, device_id)
        device.status = DeviceStatus.ISSUED


def announcement(recorded, *, found_bytes=None, differing=()):
    """Return the announcement of a recording as a dock makes it."""
    return Announce(
        manifest=recorded.manifest,
        signature=recorded.signature,
        found_bytes=recorded.manifest.size_bytes if found_bytes is None else found_bytes,
        differing=differing,
    )


async def announce(client, recorded, headers, **more):
    body = announcement(recorded, **more).model_dump_json()
    return await client.post(protocol.PATH_ANNOUNCE, content=body, headers=headers)


def block(recorded, number):
    """Return a block of the recording as it lies on the camera."""
    with (recorded.folder / "recording.mp4").open("rb") as file:
        file.seek(number * BLOCK_SIZE_BYTES)
        return file.read(BLOCK_SIZE_BYTES)


async def put(client, recorded, number, headers, *, body=None, digest_of=None):
    """Send one part; ``digest_of`` are the bytes that the header speaks of."""
    body = block(recorded, number) if body is None else body
    digest = hashlib.sha256(body if digest_of is None else digest_of).digest()
    return await client.put(
        protocol.PATH_PART.format(recording_id=recorded.recording_id, part_number=number),
        content=body,
        headers={**headers, protocol.DIGEST_HEADER: content_digest(digest)},
    )


async def put_head(client, recorded, headers, content=None, *, digest=None):
    """Send the head as it lies on the camera, or ``content`` under ``digest``."""
    content = (recorded.folder / "head.bin").read_bytes() if content is None else content
    digest = digest or hashlib.sha256(content).digest()
    return await client.put(
        protocol.PATH_HEAD.format(recording_id=recorded.recording_id),
        content=content,
        headers={**headers, protocol.DIGEST_HEADER: content_digest(digest)},
    )


async def complete(client, recorded, headers):
    path = protocol.PATH_COMPLETE.format(recording_id=recorded.recording_id)
    return await client.post(path, headers=headers)


async def status(client, recorded, headers):
    path = protocol.PATH_STATUS.format(recording_id=recorded.recording_id)
    return await client.get(path, headers=headers)


async def dock_whole(client, recorded, headers, **more):
    """Take a recording through the whole protocol; return the answer to ``complete``."""
    plan = (await announce(client, recorded, headers, **more)).raise_for_status().json()
    for part in plan["parts"]:
        answer = await put(client, recorded, part["number"], headers)
        assert answer.status_code == httpx.codes.OK, answer.text
    return await complete(client, recorded, headers)


async def events(sessions, event):
    """Return the fields of the events of that name in their order, each once."""
    told = []
    # The sequencer may carry an event over between the two: so the outbox is read first.
    for table, place in ((OutboxRow, OutboxRow.position), (Leaf, Leaf.index)):
        query = sa.select(table.leaf).where(table.event == event).order_by(place)
        async with transaction(sessions) as session:
            rows = await session.execute(query)
        told = [*map(json.loads, rows.scalars()), *told]
    return list({leaf["id"]: leaf["fields"] for leaf in told}.values())


@contextmanager
def full_disk(bytes_max=1 << 20):
    """Let no file of this process grow over ``bytes_max``: the kernel refuses, as a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def passed(seconds=10):
    """Return a point at the place of the district, so long after the recording began."""
    return TrackPoint(
        at=STARTED_AT + timedelta(seconds=seconds),
        latitude_e7=round(LATITUDE * 10**7),
        longitude_e7=round(LONGITUDE * 10**7),
    )


async def complain(yard):
    """Register a complaint about the place of the district in the time of the recordings."""
    reviewer = await principal_of(yard.sessions, REVIEWER)
    new = NewComplaint(
        kind=ComplaintKind.APPEAL,
        place=PLACE,
        latitude=LATITUDE,
        longitude=LONGITUDE,
        radius_meters=150,
        seen_from=STARTED_AT - timedelta(minutes=10),
        seen_to=STARTED_AT + timedelta(minutes=10),
        text="Инспектор не назвал себя.",
        complainant_name="Серікова Әлия",
        complainant_contact="+77019998877",
    )
    async with transaction(yard.sessions) as session:
        return await register_complaint(
            session, trail=TRAIL, new=new, caller=reviewer, now=STARTED_AT + timedelta(days=1)
        )
