"""What tests of the API begin with: officer and superior, a yard of cameras, an S3 server."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycam.repository import findings
from bodycam.rules.signed_video.trust import Anchors
from bodycam.service.examining import Examining, examine_recording
from sim.district import OFFICIAL, REVIEWER
from tests import factories_bodycam as bodycam
from tests import factories_fines
from tests.factories_ceph import Ceph, missing
from tests.factories_identity import signed_in, trust_the_authority
from tests.factories_media import sandbox


@pytest.fixture(scope="session")
def ceph() -> Iterator[Ceph]:
    """A real S3 server; without its packages the tests that need it are skipped."""
    if missing():
        pytest.skip(missing())
    # A short path of our own: the kernel limits the path of a Unix socket.
    folder = Path(tempfile.mkdtemp(prefix="saqshy-ceph-"))
    try:
        with Ceph(folder / "c") as ceph:
            yield ceph
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def yard(sessions, tmp_path, settings):
    """Return a unit with a dock and a camera that is issued."""
    trust_the_authority(settings)
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
async def reviewer(client, yard):  # noqa: ARG001 - the staff must be there to sign in
    """Return the client, signed in as the reviewer of complaints."""
    return await signed_in(client, REVIEWER)


@pytest.fixture
async def officer(sessions, client):
    """Return an officer with tablet and terminal, in a district with the offence catalogue."""
    await factories_fines.district_with_catalogue(sessions)
    return await factories_fines.officer(sessions, client)


@pytest.fixture
async def superior(sessions, client, officer):
    """Return who is over that officer, signed in."""
    assert officer
    return await factories_fines.officer(sessions, client, OFFICIAL, terminal_number="")


@pytest.fixture
def examine(sessions, parts):
    async def examine(recorded, *, shut_in=None, anchors=None):
        examining = Examining(
            sessions=sessions,
            store=parts.store,
            trail=bodycam.TRAIL,
            sandbox=shut_in or sandbox(),
            anchors=anchors or Anchors(),
        )
        await examine_recording(examining, recording_id=recorded.recording_id)

    return examine


@pytest.fixture
async def found(sessions):
    async def found(recorded):
        async with sessions() as session:
            return await findings.findings_of(session, recorded.recording_id)

    return found
