"""A real S3 server for tests: Ceph's RADOS gateway over one monitor and one object store daemon.

    with Ceph(folder) as ceph:
        S3Store(endpoint=ceph.endpoint, access_key=ceph.access_key, ...)

Everything runs from ``folder`` on loopback, without authentication between the daemons and without
systemd. The programs are Debian's packages ``radosgw ceph-mon ceph-osd ceph-common``.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

from sim.stage import unused_port

PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")
_READY_SECONDS = 120
# The monitor was busy with itself: the command was not even sent, and may be given again.
_NOT_ASKED = "problem getting command descriptions"
_DISK_BYTES = 2 << 30  # sparse

_CONF = """\
[global]
fsid = {fsid}
mon host = v1:127.0.0.1:{monitor}/0
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
ms bind msgr2 = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon max pg per osd = 500
# One daemon is one host: copies are placed over daemons.
osd crush chooseleaf type = 0
run dir = {folder}/run
admin socket = {folder}/run/$name.$pid.asok
log file = {folder}/log/$name.log
[mon.a]
mon data = {folder}/mon
[osd.0]
osd data = {folder}/osd
osd objectstore = bluestore
bluestore block create = true
bluestore block size = {disk}
osd memory target = 939524096
# The daemon would ask a manager that is not there.
osd class update on start = false
osd crush update on start = false
[client.rgw]
rgw data = {folder}/rgw
# Without it each small answer on a kept connection waits 40 ms for the peer's delayed ACK.
rgw frontends = beast endpoint=127.0.0.1:{gateway} tcp_nodelay=1
"""


def missing():
    """Return why Ceph cannot run here, or an empty text."""
    absent = [one for one in PROGRAMS if shutil.which(one) is None]
    return f"not installed: {', '.join(absent)}; see deploy/bootstrap.py --store" if absent else ""


class Ceph:
    """One monitor, one disk, one gateway."""

    access_key = "access-of-the-tests"
    secret_key = "secret-of-the-tests"

    def __init__(self, folder: Path, *, disk_bytes=_DISK_BYTES):
        self._folder = folder
        self._daemons = {}
        monitor, self.port = unused_port(), unused_port()
        for name in ("mon", "osd", "run", "log", "rgw"):
            (folder / name).mkdir(parents=True)
        self._fsid, self._disk = uuid.uuid4(), uuid.uuid4()
        self._monitor = monitor
        (folder / "ceph.conf").write_text(
            _CONF.format(
                fsid=self._fsid,
                folder=folder,
                monitor=monitor,
                gateway=self.port,
                disk=disk_bytes,
            )
        )

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in reversed(list(self._daemons)):
            self.kill(name)

    def _make(self):
        folder = self._folder
        place = ("--addv", "a", f"[v1:127.0.0.1:{self._monitor}/0]", "--fsid", str(self._fsid))
        self._run("monmaptool", "--create", *place, str(folder / "monmap"))
        self._run("ceph-mon", "-i", "a", "--mkfs", "--monmap", str(folder / "monmap"))
        self.start("ceph-mon", "-i", "a")
        self._until(lambda: self._tried("ceph", "mon", "stat"))
        self._run("ceph", "osd", "new", str(self._disk))
        self._run("ceph", "osd", "crush", "add-bucket", "h", "host")
        self._run("ceph", "osd", "crush", "move", "h", "root=default")
        self._run("ceph", "osd", "crush", "add", "osd.0", "1.0", "host=h")
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", str(self._disk))
        self.start("ceph-osd", "-i", "0")
        self.start("radosgw", "-n", "client.rgw")
        self._until(self.answers)
        self._run(
            "radosgw-admin", "-n", "client.rgw", "user", "create", "--uid=t", "--display-name=t",
            f"--access-key={self.access_key}", f"--secret-key={self.secret_key}",
        )  # fmt: skip

    def start(self, program, *arguments):
        """Start a daemon in the foreground of its own process."""
        with (self._folder / "log" / f"{program}.out").open("ab") as out:
            self._daemons[program] = subprocess.Popen(
                [program, "-c", str(self._folder / "ceph.conf"), *arguments, "-f"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    def kill(self, program):
        """Kill a daemon as a power cut does."""
        daemon = self._daemons.pop(program)
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()

    def kill_and_restart(self, program):
        """Kill the gateway or the disk's daemon, start it again, wait until the store answers."""
        arguments = {"radosgw": ("-n", "client.rgw"), "ceph-osd": ("-i", "0")}[program]
        self.kill(program)
        self.start(program, *arguments)
        self._until(self.answers)

    def answers(self):
        """Whether the gateway takes a connection."""
        with socket.socket() as line:
            return line.connect_ex(("127.0.0.1", self.port)) == 0

    def _run(self, program, *arguments):
        done = None

        def is_asked():
            nonlocal done
            done = self._done(program, *arguments)
            return done.returncode == 0 or _NOT_ASKED not in done.stdout

        self._until(is_asked)
        if done.returncode:
            raise RuntimeError(f"{program} {arguments[:2]}: {done.stdout[-400:]}")

    def _tried(self, program, *arguments):
        return self._done(program, *arguments).returncode == 0

    def _done(self, program, *arguments):
        # Debian's programs take their modules from the system's Python, not from ours.
        env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        own = Path(sys.executable).parent
        env["PATH"] = os.pathsep.join(
            one for one in env["PATH"].split(os.pathsep) if Path(one) != own
        )
        options = () if program == "monmaptool" else ("-c", str(self._folder / "ceph.conf"))
        return subprocess.run(
            [program, *options, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_READY_SECONDS,
            check=False,
            env=env,
        )

    @staticmethod
    def _until(ready):
        end = time.monotonic() + _READY_SECONDS
        while not ready():
            if time.monotonic() > end:
                raise TimeoutError("Ceph is not ready")
            time.sleep(0.2)
