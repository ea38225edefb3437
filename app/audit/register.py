"""Adapters to the bodies that vouch for the log: a witness and a time-stamping authority.

They decide nothing: they send, hold the limits of time and size, and hand back what came. The
letters sent hold hashes and sizes only.
"""

from dataclasses import dataclass, field
from typing import Final, Protocol

import httpx

from app.audit.rules.timestamp import RESPONSE_BYTES_MAX

_TIMEOUT_SECONDS: Final = 10.0
_ANSWER_BYTES_MAX: Final = 16 * 1024  # some signature lines


class PeerSilent(Exception):
    """No answer in time, or none that fits into the limits."""


@dataclass(frozen=True, kw_only=True)
class WitnessAnswer:
    """What a witness said: the HTTP status and the text."""

    status: int
    text: str


class WitnessPort(Protocol):
    """A C2SP witness (https://c2sp.org/tlog-witness)."""

    async def add_checkpoint(self, *, body: str) -> WitnessAnswer:
        """Submit a checkpoint with its proof of growth.

        Raises:
            PeerSilent: no answer; nothing is known of what the witness has seen.
        """
        ...


class StampPort(Protocol):
    """A time-stamping authority (RFC 3161 section 3.4)."""

    async def stamp(self, *, query: bytes) -> bytes:
        """Return the answer's bytes, unverified.

        Raises:
            PeerSilent: no answer.
        """
        ...


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(
        timeout=_TIMEOUT_SECONDS,
        follow_redirects=False,  # nobody sends us elsewhere
        trust_env=False,
    )


async def _post(
    client: httpx.AsyncClient, url: str, *, content: bytes, kind: str, bytes_max: int
) -> tuple[int, bytes]:
    headers = {"Content-Type": kind, "Accept-Encoding": "identity"}
    received = bytearray()
    try:
        async with client.stream("POST", url, content=content, headers=headers) as answer:
            async for piece in answer.aiter_raw():  # raw: nothing is unpacked beyond the limit
                received += piece
                if len(received) > bytes_max:
                    raise PeerSilent("the answer is too large")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise PeerSilent(type(error).__name__) from error
    return answer.status_code, bytes(received)


@dataclass(frozen=True, kw_only=True)
class HttpWitness:
    """``WitnessPort`` over HTTP.

    Attributes:
        url: the witness's submission prefix.
    """

    url: str
    _http: httpx.AsyncClient = field(default_factory=_client, init=False, repr=False)

    async def add_checkpoint(self, *, body: str) -> WitnessAnswer:
        """Submit a checkpoint; see ``WitnessPort``."""
        status, content = await _post(
            self._http,
            f"{self.url.rstrip('/')}/add-checkpoint",
            content=body.encode(),
            kind="text/plain; charset=utf-8",
            bytes_max=_ANSWER_BYTES_MAX,
        )
        return WitnessAnswer(status=status, text=content.decode(errors="replace"))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()


@dataclass(frozen=True, kw_only=True)
class HttpStamps:
    """``StampPort`` over HTTP.

    Attributes:
        url: where queries are posted.
    """

    url: str
    _http: httpx.AsyncClient = field(default_factory=_client, init=False, repr=False)

    async def stamp(self, *, query: bytes) -> bytes:
        """Ask for a time-stamp; see ``StampPort``."""
        status, content = await _post(
            self._http,
            self.url,
            content=query,
            kind="application/timestamp-query",
            bytes_max=RESPONSE_BYTES_MAX,
        )
        if status != httpx.codes.OK:
            raise PeerSilent(f"http_{status}")
        return content

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()
