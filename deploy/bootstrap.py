"""Make ``.venv`` hold exactly what ``requirements.lock`` says; standard library only.

    python3 deploy/bootstrap.py [--browser] [--store] [--dissector]

Says what it does while it does it, and does nothing when nothing has changed. With ``--browser``
it also looks for Chromium and installs it where it may (as root, by apt-get); with ``--store`` the
programs of Ceph's gateway, a real S3 server for the tests; with ``--dissector`` tshark, which reads
our messages in the tests by a foreign hand.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / ".installed"
BROWSER_TRIED = VENV / ".browser-tried"
STORE_TRIED = VENV / ".store-tried"
STORE_PACKAGES = ("radosgw", "ceph-mon", "ceph-osd", "ceph-common")
STORE_PROGRAMS = ("radosgw", "ceph-mon", "ceph-osd", "ceph", "monmaptool", "radosgw-admin")
DISSECTOR_TRIED = VENV / ".dissector-tried"
SANDBOX_TRIED = VENV / ".sandbox-tried"
PLAYER = ROOT / "deploy" / "player"
PLAYER_STAMP = PLAYER / "node_modules" / ".installed"
LOWEST = (3, 11)
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


class CannotInstall(Exception):
    """Something is missing that we may not or cannot install; the message says the cure."""


def say(text: str) -> None:
    """Tell what is being done."""
    print(f"==> {text}", flush=True)  # noqa: T201 - this is how a program for the terminal speaks


def run(*command: str | Path, quiet: bool = False) -> bool:
    """Run ``command``; return whether it ended well. Its words are shown only when it fails."""
    done = subprocess.run(  # noqa: S603 - our own commands
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0 and not quiet:
        print("\n".join(done.stdout.splitlines()[-15:]), file=sys.stderr)  # noqa: T201 - as above
    return done.returncode == 0


def digest() -> str:
    """Return what identifies the wanted installation: lock, interpreter and place."""
    parts = (LOCK.read_bytes(), sys.version.encode(), str(ROOT).encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def interpreter() -> str:
    """Return the Python to make the environment with: never the environment's own.

    That one is deleted first; what it was made from is what it is made from again.

    Raises:
        CannotInstall: we run by the environment's own, and what it was made from is gone.
    """
    if Path(sys.prefix).resolve() != VENV.resolve():
        return sys.executable
    made_from: str | None = sys._base_executable  # noqa: SLF001 - no public name tells it
    if not made_from or not Path(made_from).exists() or VENV in Path(made_from).parents:
        raise CannotInstall(
            f"this is {VENV.name}'s own Python, which would be deleted under its feet."
            " Run it by another one: python3 deploy/bootstrap.py"
        )
    return made_from


def make_venv() -> None:
    """Make an empty virtual environment, by whichever way this machine offers."""
    python = interpreter()
    shutil.rmtree(VENV, ignore_errors=True)
    if run(python, "-m", "venv", VENV, quiet=True):
        return
    shutil.rmtree(VENV, ignore_errors=True)
    uv = shutil.which("uv")
    if uv and run(uv, "venv", "--seed", "--python", python, VENV):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("this Python lacks the module venv: installing it by apt-get")
        version = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        apt_install(version, "python3-venv")
        if run(python, "-m", "venv", VENV):
            return
    shutil.rmtree(VENV, ignore_errors=True)
    bare = run(python, "-m", "venv", "--without-pip", VENV)
    if bare and run(python, "-m", "pip", "--python", PYTHON, "install", "pip", quiet=True):
        return
    raise CannotInstall(
        "cannot make a virtual environment: this Python comes without pip and ensurepip."
        " Install the package python3-venv (apt-get install python3-venv) and run it again."
    )


def locked(package: str) -> str:
    """Return the lock's lines of one package, hashes included."""
    kept: list[str] = []
    for line in LOCK.read_text().splitlines():
        if line.startswith(f"{package}=="):
            kept = [line]
        elif kept and line.startswith("    "):
            kept.append(line)
        elif kept:
            break
    return "\n".join(kept) + "\n"


def install_by_uv() -> bool:
    """Install the lock by uv, the quick way; return whether that worked."""
    own = VENV / "uv.txt"
    own.write_text(locked("uv"))
    pip = (PYTHON, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", own)
    if not run(*pip, quiet=True):
        return False
    uv = VENV / "bin" / "uv"
    return run(
        uv, "pip", "sync", "--quiet", "--python", PYTHON, "--require-hashes", LOCK, quiet=True
    )


def install() -> None:
    """Bring the virtual environment to the lock, unless it is there already."""
    if STAMP.exists() and STAMP.read_text() == digest() and PYTHON.exists():
        return
    began = time.monotonic()
    say(f"making {VENV.name} for Python {sys.version.split()[0]}")
    make_venv()
    say("installing the locked packages, each checked against its hash (one to two minutes)")
    by_pip = (PYTHON, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", LOCK)
    if not install_by_uv() and not run(*by_pip):
        raise CannotInstall("the packages could not be installed; see above, and run it again.")
    STAMP.write_text(digest())
    say(f"installed in {time.monotonic() - began:.0f} s")


def find_browser() -> str | None:
    """Return a Chromium that really starts (Ubuntu's package may be an empty stub), or None."""
    for name in BROWSERS:
        path = shutil.which(name)
        if path and run(path, "--version", quiet=True):
            return path
    return None


def apt_install(*packages: str) -> bool:
    """Install the first of ``packages`` that apt-get can."""
    os.environ.setdefault("DEBIAN_FRONTEND", "noninteractive")
    run("apt-get", "update", "-q", quiet=True)
    install_one = ("apt-get", "install", "-y", "-q", "--no-install-recommends")
    return any(run(*install_one, package, quiet=True) for package in packages)


def install_browser() -> None:
    """Find Chromium, or install it where that is allowed; without it ffmpeg plays instead."""
    if find_browser() or BROWSER_TRIED.exists():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("installing Chromium by apt-get (about a minute)")
        apt_install("chromium", "chromium-browser")
    if not find_browser():
        BROWSER_TRIED.touch()  # asked once; remove .venv to ask again
        say("no Chromium here and none may be installed: footage will be decoded by ffmpeg")


def install_store() -> None:
    """Find Ceph's gateway, or install it where that is allowed; else its tests are skipped."""
    if all(shutil.which(one) for one in STORE_PROGRAMS) or STORE_TRIED.exists():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("installing Ceph's gateway, an S3 server for the tests, by apt-get (about a minute)")
        os.environ.setdefault("DEBIAN_FRONTEND", "noninteractive")
        run("apt-get", "update", "-q", quiet=True)
        run(
            "apt-get", "install", "-y", "-q", "--no-install-recommends", *STORE_PACKAGES, quiet=True
        )
    if not all(shutil.which(one) for one in STORE_PROGRAMS):
        STORE_TRIED.touch()  # asked once; remove .venv to ask again
        say("no Ceph here and none may be installed: tests on a real S3 server are skipped")


def install_dissector() -> None:
    """Find tshark, or install it where that is allowed; else the tests with it are left out."""
    if shutil.which("tshark") or DISSECTOR_TRIED.exists():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("installing tshark, which reads our messages in the tests, by apt-get (half a minute)")
        apt_install("tshark")
    if not shutil.which("tshark"):
        DISSECTOR_TRIED.touch()  # asked once; remove .venv to ask again
        say("no tshark here and none may be installed: its tests of ZVT and ISO 8583 are left out")


def install_sandbox() -> None:
    """Install bubblewrap where that is allowed; without it no media program is run."""
    if shutil.which("bwrap") or SANDBOX_TRIED.exists():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("installing bubblewrap by apt-get: media programs run shut in by it")
        apt_install("bubblewrap")
    if not shutil.which("bwrap"):
        SANDBOX_TRIED.touch()  # asked once; remove .venv to ask again
        say("no bubblewrap here: recordings play, but no small pictures are made of them")


def install_player() -> None:
    """Install the player for browsers without HLS of their own, where npm is; else say so.

    npm checks the package against the hash in the lock and runs none of its scripts.
    """
    wanted = hashlib.sha256((PLAYER / "package-lock.json").read_bytes()).hexdigest()
    if PLAYER_STAMP.exists() and PLAYER_STAMP.read_text() == wanted:
        return
    npm = shutil.which("npm")
    options = ("ci", "--prefix", PLAYER, "--ignore-scripts", "--no-audit", "--no-fund")
    if npm and run(npm, *options, quiet=True):
        PLAYER_STAMP.write_text(wanted)
        return
    why = "npm could not install hls.js" if npm else "no npm here"
    say(f"{why}: footage plays in browsers that have HLS of their own (Chromium, Edge, Safari)")


def main() -> int:
    """Run it; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--browser", action="store_true", help="also find or install Chromium")
    parser.add_argument("--store", action="store_true", help="also find or install Ceph")
    parser.add_argument("--dissector", action="store_true", help="also find or install tshark")
    arguments = parser.parse_args()
    if sys.version_info < LOWEST:
        wanted = ".".join(map(str, LOWEST))
        raise CannotInstall(f"Python {wanted} or newer is needed; this is {sys.version.split()[0]}")
    install()
    install_sandbox()
    install_player()
    if arguments.browser:
        install_browser()
    if arguments.store:
        install_store()
    if arguments.dissector:
        install_dissector()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CannotInstall as error:
        sys.exit(f"cannot install: {error}")
