"""Signing with GOST R 34.10-2012 (RFC 7091), as the simulated authority and its people do.

    key = GostKey.make()
    signature = key.sign(b"what is signed")                # 128 bytes, as NUC RK orders them
    key.spki                                               # the SubjectPublicKeyInfo, DER

The arithmetic is the schoolbook's, on any curve of the standard. Nothing here hides its timing:
these keys open nothing outside the simulation.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Final, Self

from asn1crypto import core, parser

from sim.streebog import streebog512

KEY_OID: Final = "1.2.398.3.10.1.1.2.2"
CURVE_OID: Final = "1.2.398.3.10.1.1.2.2.1"
DIGEST_OID: Final = "1.2.398.3.10.1.3.3"
SIGNATURE_OID: Final = "1.2.398.3.10.1.1.2.3.2"
_BYTES: Final = 64

Point = tuple[int, int] | None  # None is the point at infinity


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A curve y² = x³ + ax + b over the prime p, with a point of the prime order q."""

    p: int
    a: int
    b: int
    q: int
    base: tuple[int, int]

    def added(self, one: Point, other: Point) -> Point:
        """Return the sum of two points."""
        if one is None or other is None:
            return one or other
        if one[0] == other[0]:
            if (one[1] + other[1]) % self.p == 0:
                return None
            slope = (3 * one[0] * one[0] + self.a) * pow(2 * one[1], -1, self.p)
        else:
            slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, self.p)
        x = (slope * slope - one[0] - other[0]) % self.p
        return x, (slope * (one[0] - x) - one[1]) % self.p

    def times(self, number: int, point: Point) -> Point:
        """Return ``point`` added to itself ``number`` times."""
        total: Point = None
        while number:
            if number & 1:
                total = self.added(total, point)
            point = self.added(point, point)
            number >>= 1
        return total

    def signed(self, *, secret: int, digest: int, nonce: int) -> tuple[int, int]:
        """Return r and s (RFC 7091, section 6.1); a zero in them asks for another nonce."""
        point = self.times(nonce, self.base)
        if point is None:
            return 0, 0
        r = point[0] % self.q
        return r, (r * secret + nonce * (digest % self.q or 1)) % self.q

    def holds(self, *, public: Point, digest: int, r: int, s: int) -> bool:
        """Tell whether r and s sign ``digest`` (RFC 7091, section 6.2)."""
        if not (0 < r < self.q and 0 < s < self.q):
            return False
        inverse = pow(digest % self.q or 1, -1, self.q)
        one = self.times(s * inverse % self.q, self.base)
        point = self.added(one, self.times(-r * inverse % self.q, public))
        return point is not None and point[0] % self.q == r


# id-tc26-gost-3410-12-512-paramSetA, RFC 7836 appendix A.2.
PARAM_SET_A: Final = Curve(
    p=(1 << 512) - 0x239,
    a=-3,
    b=int(
        "e8c2505dedfc86ddc1bd0b2b6667f1da34b82574761cb0e879bd081cfd0b6265"
        "ee3cb090f30d27614cb4574010da90dd862ef9d4ebee4761503190785a71c760", 16,
    ),
    q=int(
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "27e69532f48d89116ff22b8d4e0560609b4b38abfad2b85dcacdb1411f10b275", 16,
    ),
    base=(
        3,
        int(
            "7503cfe87a836ae3a61b8816e25450e6ce5e1c93acf1abc1778064fdcbefa921"
            "df1626be4fd036e93d75e6a50e3a41e98028fe5fc235f5b889a589cb5215f2a4", 16,
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class GostKey:
    """A private key on the curve that NUC RK uses."""

    secret: int = field(repr=False)

    @classmethod
    def make(cls) -> Self:
        """Return a new key."""
        return cls(1 + secrets.randbelow(PARAM_SET_A.q - 1))

    @property
    def public(self) -> tuple[int, int]:
        """The point of the public key."""
        point = PARAM_SET_A.times(self.secret, PARAM_SET_A.base)
        if point is None:
            raise ValueError("no key")
        return point

    @property
    def spki(self) -> bytes:
        """The SubjectPublicKeyInfo in DER, laid out as in genuine certificates."""
        x, y = self.public
        return spki_of(x.to_bytes(_BYTES, "little") + y.to_bytes(_BYTES, "little"))

    @property
    def identifier(self) -> bytes:
        """The SHA-1 of the key's bits, which names it in other certificates (RFC 5280)."""
        return hashlib.sha1(key_bits(self.spki)).digest()  # noqa: S324 - a name, no proof

    def sign(self, content: bytes) -> bytes:
        """Return r and s, each 64 bytes, least significant first."""
        digest = int.from_bytes(streebog512(content), "little")
        r = s = 0
        while not (r and s):
            nonce = 1 + secrets.randbelow(PARAM_SET_A.q - 1)
            r, s = PARAM_SET_A.signed(secret=self.secret, digest=digest, nonce=nonce)
        return r.to_bytes(_BYTES, "little") + s.to_bytes(_BYTES, "little")


def spki_of(point: bytes, *, curve: str = CURVE_OID, key: str = KEY_OID) -> bytes:
    """Return a SubjectPublicKeyInfo around the bytes of a point."""
    parameters = sequence(oid(curve), oid(DIGEST_OID))
    return sequence(
        sequence(oid(key), parameters),
        _bit_string(tagged(0x04, point)),
    )


def key_bits(spki: bytes) -> bytes:
    """Return the bits of a SubjectPublicKeyInfo's key, without the count of unused ones."""
    return bytes(core.Sequence.load(spki)[1].contents[1:])


def algorithm(dotted: str) -> bytes:
    """Return an AlgorithmIdentifier without parameters, as NUC RK writes them."""
    return sequence(oid(dotted), b"\x05\x00")


def oid(dotted: str) -> bytes:
    """Return an object identifier in DER."""
    return _dump(core.ObjectIdentifier(dotted))


def sequence(*parts: bytes) -> bytes:
    """Return the DER SEQUENCE of encoded parts."""
    return tagged(0x30, b"".join(parts))


def tagged(tag: int, content: bytes) -> bytes:
    """Return a DER value of any tag."""
    length = len(content)
    if length < 0x80:  # noqa: PLR2004 - DER's short form
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def resigned(value: bytes, key: GostKey, *, replaced: dict[int, bytes]) -> bytes:
    """Return a signed DER structure with parts replaced, signed by ``key`` instead.

    The structure is SEQUENCE {to be signed, algorithm, signature, …}; ``replaced`` says which
    parts of what is to be signed become what, by their place.
    """
    to_sign, _, _, *after = parts_of(value)
    parts = parts_of(to_sign)
    for place, part in replaced.items():
        parts[place] = part
    signed = sequence(*parts)
    return sequence(signed, algorithm(SIGNATURE_OID), _bit_string(key.sign(signed)), *after)


def parts_of(value: bytes) -> list[bytes]:
    """Return the encodings inside a DER SEQUENCE."""
    inner = core.Sequence.load(value).contents
    parts = []
    while inner:
        length = parser.peek(inner)
        parts.append(bytes(inner[:length]))
        inner = inner[length:]
    return parts


def _bit_string(content: bytes) -> bytes:
    return tagged(0x03, b"\0" + content)


def _dump(value: core.Asn1Value) -> bytes:
    return bytes(value.dump())
