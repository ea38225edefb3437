"""The national authority's answers about revoked certificates, over HTTP.

The adapter decides nothing about what an answer says: it fetches, from an address that is allowed,
within limits of time and size, and follows nobody elsewhere.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

import httpx

from app.identity.rules.revocation import OCSP_BYTES_MAX
from app.settings import Settings

_CONNECTIONS_MAX: Final = 16
_REQUEST: Final = "application/ocsp-request"


class SourceSilent(Exception):
    """No answer came from this address within the limits; the message is a stable word."""


class RevocationPort(Protocol):
    """Fetches what an authority says about its certificates."""

    def ocsp_addresses(self, named: tuple[str, ...]) -> tuple[str, ...]:
        """Return where to ask about a certificate that names these addresses itself."""
        ...

    def list_addresses(self, named: tuple[str, ...]) -> tuple[str, ...]:
        """Return where lists and deltas lie, for a certificate that names these itself."""
        ...

    async def ask(self, *, url: str, question: bytes) -> bytes:
        """Return the answer to an OCSP question.

        Raises:
            SourceSilent: there is none.
        """
        ...

    async def fetch_list(self, *, url: str) -> bytes:
        """Return a list of revoked certificates.

        Raises:
            SourceSilent: there is none.
        """
        ...


@dataclass(kw_only=True)
class HttpRevocation:
    """``RevocationPort`` over HTTP; one per process.

    Attributes:
        ocsp_url: asked for every certificate, where it is set.
        list_urls: lists and deltas of every authority we trust.
        hosts: where certificates themselves may send us.
        timeout_seconds: for one question, from connecting to the last byte.
        list_bytes_max: of one list.
    """

    ocsp_url: str | None
    list_urls: tuple[str, ...]
    hosts: frozenset[str]
    timeout_seconds: float
    list_bytes_max: int
    _client: httpx.AsyncClient = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._client = httpx.AsyncClient(
            timeout=self.timeout_seconds,
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=_CONNECTIONS_MAX),
        )

    def ocsp_addresses(self, named: tuple[str, ...]) -> tuple[str, ...]:
        """See ``RevocationPort``: ours where it is set, and then no other."""
        return (self.ocsp_url,) if self.ocsp_url else self._allowed(named)

    def list_addresses(self, named: tuple[str, ...]) -> tuple[str, ...]:
        """See ``RevocationPort``: ours first."""
        return tuple(dict.fromkeys((*self.list_urls, *self._allowed(named))))

    async def ask(self, *, url: str, question: bytes) -> bytes:
        """See ``RevocationPort``."""
        return await self._fetched("POST", url, limit=OCSP_BYTES_MAX, content=question)

    async def fetch_list(self, *, url: str) -> bytes:
        """See ``RevocationPort``."""
        return await self._fetched("GET", url, limit=self.list_bytes_max)

    async def aclose(self) -> None:
        """Close the client's connections."""
        await self._client.aclose()

    def _allowed(self, named: tuple[str, ...]) -> tuple[str, ...]:
        found = []
        for address in named:
            try:
                url = httpx.URL(address)
            except httpx.InvalidURL:
                continue
            host = url.netloc.decode("ascii")
            if url.scheme in {"http", "https"} and not url.userinfo and host in self.hosts:
                found.append(address)
        return tuple(found)

    async def _fetched(
        self, method: str, url: str, *, limit: int, content: bytes | None = None
    ) -> bytes:
        headers = {"Accept-Encoding": "identity"}
        if content is not None:
            headers["Content-Type"] = _REQUEST
        try:
            async with (
                asyncio.timeout(self.timeout_seconds),
                self._client.stream(method, url, content=content, headers=headers) as answer,
            ):
                if answer.status_code != httpx.codes.OK:
                    raise SourceSilent(f"http_{answer.status_code}")
                received = bytearray()
                async for piece in answer.aiter_raw():  # raw: nothing unpacks beyond the limit
                    received += piece
                    if len(received) > limit:
                        raise SourceSilent("too_large")
                return bytes(received)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise SourceSilent("timed_out") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceSilent(f"transport.{type(error).__name__}") from error


@asynccontextmanager
async def open_revocation(settings: Settings) -> AsyncIterator[HttpRevocation]:
    """Yield the adapter of one process; its connections are given back at the end."""
    port = HttpRevocation(
        ocsp_url=None if settings.ocsp_url is None else str(settings.ocsp_url),
        list_urls=_listed(settings.crl_urls),
        hosts=frozenset(_listed(settings.revocation_hosts)),
        timeout_seconds=settings.revocation_timeout_seconds,
        list_bytes_max=settings.crl_bytes_max,
    )
    try:
        yield port
    finally:
        await port.aclose()


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(one.strip() for one in (text or "").split(",") if one.strip())
