import os
import subprocess
import threading
import time

import ffmpeg
import pytest

from app.settings import SandboxKind
from bodycam.errors import MediaToolFailed, MediaToolRefused
from bodycam.media import Limits, Sandbox, check_decodes, make_sandbox
from bodycam.media.sandbox import forms
from tests.factories_media import hostile, sandbox, small


def copied(**options):
    """A stream that gives back pictures of what it reads."""
    return ffmpeg.output(ffmpeg.input("pipe:0", **options), "pipe:1", f="rawvideo")


async def test_whole_footage_decodes_inside():
    assert await check_decodes(sandbox=sandbox(), content=small())


async def test_footage_of_zeros_does_not_decode():
    assert not await check_decodes(sandbox=sandbox(), content=hostile()["mdat of zeros"])


async def test_without_a_sandbox_nothing_runs():
    bare = Sandbox(SandboxKind.BUBBLEWRAP, (), "/bin/true")

    with pytest.raises(MediaToolRefused):
        await check_decodes(sandbox=bare, content=small())


async def test_what_takes_too_long_is_ended():
    endless = ffmpeg.output(ffmpeg.input("testsrc2", f="lavfi"), "null", f="null")
    began = time.monotonic()

    with pytest.raises(MediaToolFailed):
        await sandbox().run(endless, b"-", limits=Limits(seconds=1.5))

    assert time.monotonic() - began < 20


async def test_what_takes_too_much_of_the_processor_is_ended():
    endless = ffmpeg.output(ffmpeg.input("testsrc2=s=1280x720", f="lavfi"), "null", f="null")

    with pytest.raises(MediaToolFailed):
        await sandbox().run(endless, b"-", limits=Limits(seconds=60, cpu_seconds=1))


async def test_what_makes_too_much_is_ended():
    endless = ffmpeg.output(ffmpeg.input("testsrc2", f="lavfi"), "pipe:1", f="rawvideo")

    with pytest.raises(MediaToolFailed, match="more than it may"):
        await sandbox().run(endless, b"-", limits=Limits(output_bytes=1 << 20))


async def test_what_wants_too_much_memory_is_refused_it():
    large = ffmpeg.output(
        ffmpeg.input("color=s=16000x16000:r=1", f="lavfi"), "pipe:1", f="rawvideo", t=3
    )

    with pytest.raises(MediaToolFailed):
        await sandbox().run(large, b"-", limits=Limits(memory_bytes=400 << 20))


async def test_more_bytes_than_allowed_are_not_given():
    with pytest.raises(MediaToolFailed):
        await sandbox().run(copied(f="mov"), bytes(2000), limits=Limits(input_bytes=1000))


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/hostname", __file__])
async def test_no_file_of_the_machine_can_be_read(path):
    shut = make_sandbox(SandboxKind.BUBBLEWRAP)
    # As a tool that is led astray would: the raw bytes of a file as pictures.
    stream = ffmpeg.output(
        ffmpeg.input(path, f="rawvideo", s="2x2", pix_fmt="gray"), "pipe:1", f="rawvideo"
    )

    with pytest.raises(MediaToolFailed):
        await shut.run(stream, b"-", limits=Limits())


NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
FORKS = "i=0; while [ $i -lt 400 ]; do sleep 20 & i=$((i+1)); echo $i; done"


def forking(kind, user, script):
    """Run a shell program in the sandbox as another user of the machine would; what it said."""
    made, before = make_sandbox(kind), ()
    if user == "another user":
        before = NOBODY if os.getuid() == 0 else ()  # whoever is not root is such a one
        made = Sandbox(kind, forms(kind, "/bin/true")[0][0], "/bin/true")
    return subprocess.run(
        [*before, *made.command(["sh", "-c", script], limits=Limits())],
        capture_output=True,
        check=False,
        timeout=60,
        text=True,
    )


@pytest.mark.parametrize("user", ["this user", "another user"])
@pytest.mark.parametrize("kind", list(SandboxKind), ids=lambda kind: kind.value)
def test_no_more_processes_are_started_than_allowed(kind, user):
    done = forking(kind, user, FORKS)

    assert "Cannot fork" in done.stderr
    assert 0 < len(done.stdout.split()) < 48


@pytest.mark.parametrize("kind", list(SandboxKind), ids=lambda kind: kind.value)
def test_a_fork_bomb_takes_no_place_of_another_run(kind):
    bomb = threading.Thread(target=forking, args=(kind, "this user", FORKS))
    bomb.start()

    done = forking(kind, "this user", "sleep 0 & wait; echo alive")

    assert done.stdout == "alive\n"
    bomb.join()


async def test_no_file_can_be_written(tmp_path):
    target = tmp_path / "out.raw"
    stream = ffmpeg.output(ffmpeg.input("testsrc2", f="lavfi"), str(target), f="rawvideo", t=1)

    with pytest.raises(MediaToolFailed):
        await sandbox().run(stream, b"-", limits=Limits())

    assert not target.exists() or target.stat().st_size == 0


@pytest.mark.sockets
async def test_no_address_of_the_network_is_reached(unused_port_listener):
    listener, port = unused_port_listener
    stream = copied(f="hls", protocol_whitelist="file,http,tcp,pipe", allowed_extensions="ALL")
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nhttp://127.0.0.1:{port}/x.ts\n#EXT-X-ENDLIST\n"

    with pytest.raises(MediaToolFailed):
        await sandbox().run(stream, playlist.encode(), limits=Limits(seconds=10))

    listener.settimeout(0.2)
    with pytest.raises(TimeoutError):
        listener.accept()


@pytest.fixture
def unused_port_listener():
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener, listener.getsockname()[1]
