"""A disk that fails: the operations on files under one folder, and on nothing else."""

import errno
import os
import threading
from contextlib import contextmanager
from pathlib import Path

CODES = [errno.ENOSPC, errno.EROFS, errno.EIO]
_BY_PATH = ("stat", "mkdir", "rename", "unlink", "chmod")
_BY_HANDLE = (
    "fstat", "fchmod", "ftruncate", "posix_fallocate", "pread", "preadv", "pwrite", "fsync",
    "fdatasync",
)  # fmt: skip
_READS = frozenset({"stat", "fstat", "pread", "preadv"})  # no room and no writing is no hindrance
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class FailingDisk:
    """Lets the ``at``-th operation under ``folder`` fail, or it and all that follow.

    Put in the place of the calls of ``os`` that a directory store makes. It also keeps in mind
    what the kernel has not put on the disk: ``unsynced`` are paths whose name would be gone after
    a power cut, ``unwritten`` those whose bytes would be.
    """

    def __init__(self, folder, monkeypatch):
        self.folder = str(folder)
        self.failed = []  # what was refused, in order
        self.unsynced, self.unwritten = set(), set()
        self._opened = {}
        self._left = None
        self._code, self._lasting = 0, False
        self._lock = threading.RLock()
        for name in _BY_PATH:
            monkeypatch.setattr(os, name, self._by_path(name, getattr(os, name)))
        for name in _BY_HANDLE:
            monkeypatch.setattr(os, name, self._by_handle(name, getattr(os, name)))
        monkeypatch.setattr(os, "open", self._open(os.open))
        monkeypatch.setattr(os, "close", self._close(os.close))

    @contextmanager
    def failing(self, code, *, at, lasting):
        """Fail with ``code`` from the ``at``-th operation on, counted from 0; once, or lasting."""
        self.failed = []
        self._left, self._code, self._lasting = at, code, lasting
        try:
            yield self
        finally:
            self._left = None

    def kept(self, file):
        """Whether the file with all its bytes would be there after a power cut."""
        above = [Path(file), *Path(file).parents]
        names = {str(one) for one in above if str(one).startswith(self.folder)}
        return not names & self.unsynced and str(file) not in self.unwritten

    def _count(self, name, *, reads):
        if self._left is None or (reads and self._code != errno.EIO):
            return
        with self._lock:
            left, self._left = self._left, self._left - 1
            if left > 0 or (left < 0 and not self._lasting):
                return
            self.failed.append(name)
        raise OSError(self._code, os.strerror(self._code))

    def _ours(self, path):
        return isinstance(path, str | os.PathLike) and os.fspath(path).startswith(self.folder)

    def _by_path(self, name, plain):
        def call(path, *more, **named):
            if not self._ours(path):
                return plain(path, *more, **named)
            self._count(name, reads=name in _READS)
            found = plain(path, *more, **named)
            self._note(name, os.fspath(path), *more)
            return found

        return call

    def _note(self, name, path, *more):
        with self._lock:
            if name == "mkdir":
                self.unsynced.add(path)
            if name in {"rename", "unlink"}:
                self.unsynced.discard(path)
                unwritten = path in self.unwritten
                self.unwritten.discard(path)
            if name == "rename":
                target = os.fspath(more[0])
                self.unsynced.add(target)
                self.unwritten |= {target} if unwritten else set()

    def _by_handle(self, name, plain):
        def call(handle, *more):
            path = self._opened.get(handle)
            if path is None:
                return plain(handle, *more)
            self._count(name, reads=name in _READS)
            found = plain(handle, *more)
            with self._lock:
                if name in {"pwrite", "ftruncate", "posix_fallocate"}:
                    self.unwritten.add(path)
                if name in {"fsync", "fdatasync"}:
                    self.unwritten.discard(path)
                    self.unsynced = {one for one in self.unsynced if str(Path(one).parent) != path}
            return found

        return call

    def _open(self, plain):
        def call(path, flags, *more, **named):
            if not self._ours(path):
                return plain(path, flags, *more, **named)
            self._count("open", reads=not flags & _WRITES)
            new = flags & os.O_CREAT and not os.path.lexists(path)
            with self._lock:
                handle = plain(path, flags, *more, **named)
                self._opened[handle] = os.fspath(path)
                if new:
                    self.unsynced.add(os.fspath(path))
            return handle

        return call

    def _close(self, plain):
        def call(handle):
            with self._lock:
                self._opened.pop(handle, None)
                plain(handle)

        return call
