"""A client over HTTP/1.1 that costs little: on two cores it shares them with what it measures."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import urlsplit

from benchmarks.figures import percentile

_LENGTH: Final = b"content-length:"
_HEAD_BYTES_MAX: Final = 1 << 16


class Failed(Exception):
    """An answer that was not the one to measure; holds its status and its beginning."""


@dataclass
class Load:
    """What came of a number of clients asking for some seconds."""

    clients: int
    seconds: float = 0.0
    spent_ms: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.spent_ms) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """Return a percentile of the time to the whole answer."""
        return percentile(self.spent_ms, percent)


class Caller:
    """One kept connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def at(cls, url: str) -> Self:
        """Connect to the server of ``url``."""
        parts = urlsplit(url)
        return cls(
            *await asyncio.open_connection(parts.hostname, parts.port, limit=_HEAD_BYTES_MAX)
        )

    async def ask(self, request: bytes) -> bytes:
        """Send a whole request and return the answer's body.

        Raises:
            Failed: the answer is no success.
        """
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        sizes = [line[len(_LENGTH) :] for line in lines if line.startswith(_LENGTH)]
        body = await self._reader.readexactly(int(sizes[0])) if sizes else b""
        if not head.startswith(b"HTTP/1.1 2"):
            raise Failed(f"{lines[0]!r} {body[:300]!r}")
        return body

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()


def request(
    method: str, path: str, *, headers: dict[str, str], body: dict[str, Any] | None = None
) -> bytes:
    """Return the bytes of a request."""
    content = b"" if body is None else json.dumps(body).encode()
    fields = {"Host": "127.0.0.1", "Content-Length": str(len(content))} | headers
    if body is not None:
        fields["Content-Type"] = "application/json"
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + content


async def loaded(
    url: str, *, clients: int, seconds: float, next_request: Callable[[], bytes | None]
) -> Load:
    """Let ``clients`` ask one after the other until the time, or the requests, are used up.

    Raises:
        Failed: an answer was no success: then no figure is true.
    """
    load = Load(clients)
    callers = [await Caller.at(url) for _ in range(clients)]
    began = time.perf_counter()

    async def ask(caller: Caller) -> None:
        while (start := time.perf_counter()) - began < seconds:
            content = next_request()
            if content is None:
                return
            await caller.ask(content)
            load.spent_ms.append((time.perf_counter() - start) * 1000)

    try:
        async with asyncio.TaskGroup() as group:
            for caller in callers:
                group.create_task(ask(caller))
        load.seconds = time.perf_counter() - began
    finally:
        for caller in callers:
            await caller.close()
    return load
