"""A real S3 server for the whole run, where its packages are installed."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories_ceph import Ceph, missing


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
