"""Checking who calls: a signature in CMS, and the session and device of every request."""

import hashlib
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import uvloop
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from starlette.requests import Request

from app.access import proofs
from app.identity.rules import gost, issuing
from app.identity.rules.certificates import Environment, Purpose, Trust, trust_from_pem
from app.identity.rules.signature import verify_signature
from app.main import create_app
from app.parts import open_parts
from app.settings import Settings
from benchmarks.figures import Figure, percentile
from benchmarks.world import World
from sim.authority import Authority
from sim.district import OFFICER
from sim.gost_authority import GostAuthority

_TIMES: Final = 400
_GOST_TIMES: Final = 40
_ROUNDS: Final = 3
_CONTENT: Final = "Акт выдачи технического средства".encode() * 40
_SESSION: Final = """
    SELECT s.id, s.person_id, s.post_id, s.device_id, s.last_seen_at, s.expires_at, s.ended_at,
           p.department_id, p.role, p.valid_from, p.valid_to
    FROM sessions AS s JOIN posts AS p ON p.id = s.post_id WHERE s.token_sha256 = $1
"""
_DEVICE: Final = (
    "SELECT id, kind, department_id, status, credential_sha256 FROM devices WHERE id = $1"
)


def measure(world: World) -> list[Figure]:
    """Verify signatures, then authenticate an officer's request in this process."""
    gost = GostAuthority.create(world.folder / "authority-gost")
    return [
        *_signatures(world.authority),
        *_gost_signatures(gost),
        *uvloop.run(_authentication(world)),
    ]


def _signatures(authority: Authority) -> list[Figure]:
    key = authority.certificate_for(OFFICER).sign
    cms = authority.sign_cms_detached(key, _CONTENT)
    trust = _trust(authority)
    signature = key.private_key.sign(_CONTENT, padding.PKCS1v15(), hashes.SHA256())
    now = datetime.now(UTC)

    def whole() -> None:
        verify_signature(cms=cms, content=_CONTENT, purpose=Purpose.DOCUMENT, trust=trust, now=now)

    def three() -> None:
        # The arithmetic alone: the content's signature, and the two of the chain.
        public = key.certificate.public_key()
        public.verify(signature, _CONTENT, padding.PKCS1v15(), hashes.SHA256())  # type: ignore[union-attr,call-arg,arg-type]
        key.certificate.verify_directly_issued_by(key.issuer)
        key.issuer.verify_directly_issued_by(authority.root)

    spent, bare = _best(whole), _best(three)
    return [
        Figure(
            name="signature.rsa",
            value=spent,
            unit="ms",
            peer="the three RSA checks alone, by cryptography",
            peer_value=bare,
            target="<= 1.5 ms",
            note="form, content, chain to the root (RSA 2048 below 4096), purpose and holder;"
            f" median of {_TIMES}, the best of {_ROUNDS} rounds",
        )
    ]


def _gost_signatures(authority: GostAuthority) -> list[Figure]:
    key = authority.key_for(OFFICER)
    cms = authority.sign_cms_detached(key, _CONTENT)
    trust = _trust(authority)
    public = gost.key_from_spki(key.private_key.spki)
    signature = key.private_key.sign(_CONTENT)
    now = datetime.now(UTC)

    def whole() -> None:
        verify_signature(cms=cms, content=_CONTENT, purpose=Purpose.DOCUMENT, trust=trust, now=now)

    def first() -> None:
        issuing.forget()
        whole()

    def alone() -> None:
        gost.verify(public, signature=signature, content=_CONTENT)

    known, new, bare = (_best(act, times=_GOST_TIMES) for act in (whole, first, alone))
    beside = "hash and curve of the content alone"
    return [
        Figure(
            name="signature.gost",
            value=known,
            unit="ms",
            peer=beside,
            peer_value=bare,
            target="<= 25 ms",
            note="GOST 34.10-2015 of 512 bits; the certificate was met before, and its chain is"
            f" remembered; median of {_GOST_TIMES}, the best of {_ROUNDS} rounds",
        ),
        Figure(
            name="signature.gost_first",
            value=new,
            unit="ms",
            peer=beside,
            peer_value=bare,
            note="the same with nothing remembered: three signatures, not one",
        ),
    ]


def _trust(authority: Authority | GostAuthority) -> Trust:
    files = [one.read_bytes() for one in authority.roots_dir.glob("*.pem")]
    return trust_from_pem(files, environment=Environment.TEST)


def _best(act: Callable[[], None], *, times: int = _TIMES) -> float:
    """Return the median time in ms, of the quietest round."""
    medians = []
    for _ in range(_ROUNDS):
        spent = []
        for _ in range(times):
            began = time.perf_counter()
            act()
            spent.append((time.perf_counter() - began) * 1000)
        medians.append(statistics.median(spent))
    return min(medians)


async def _authentication(world: World) -> list[Figure]:
    caller = world.officers[0]
    settings = Settings(
        database_url=world.database_url, var_dir=world.folder / "server", metrics_port=0
    )
    async with open_parts(settings) as parts:
        headers = [(k.lower().encode(), v.encode()) for k, v in caller.headers.items()]
        scope: dict[str, Any] = {
            "type": "http", "app": create_app(parts), "headers": headers, "method": "POST",
        }  # fmt: skip

        async def both() -> None:
            request = Request(scope)
            person, device = await proofs(request, person=True, device=True)
            if person is None or device is None:
                raise RuntimeError("the officer was not known")

        connection = await asyncpg.connect(world.database_url)
        token_sha256 = hashlib.sha256(caller.token.encode()).digest()
        device_id = UUID(caller.credential.partition(".")[0])

        async def bare() -> None:
            await connection.fetchrow(_SESSION, token_sha256)
            await connection.fetchrow(_DEVICE, device_id)

        spent, beside = await _timed(both), await _timed(bare)
        await connection.close()
    return [
        Figure(
            name=f"authentication.p{percent}",
            value=percentile(spent, percent),
            unit="ms",
            peer="the same two rows, raw asyncpg",
            peer_value=percentile(beside, percent),
            target="<= 0.3 ms" if percent == 50 else "",  # noqa: PLR2004 - the median
            note="session by its token and device by its credential, in process, one at a time",
        )
        for percent in (50, 95)
    ]


async def _timed(act: Callable[[], Awaitable[None]]) -> list[float]:
    spent = []
    for turn in range(2 * _TIMES):
        began = time.perf_counter()
        await act()
        if turn >= _TIMES:  # the first half warms statements and caches
            spent.append((time.perf_counter() - began) * 1000)
    return spent
