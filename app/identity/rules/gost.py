"""Checking signatures of GOST R 34.10-2012 with 512-bit keys (RFC 7091), as NUC RK issues them.

Kazakhstan's "GOST-2015" is this algorithm on the curve id-tc26-gost-3410-12-512-paramSetA
(RFC 7836) with Streebog-512, under object identifiers of its own. Byte orders, read from genuine
certificates: the key is X and Y, each 64 bytes, least significant first, in an OCTET STRING; the
signature is r and s the same way; the hash is read as a number, least significant byte first.

Only public values pass through here, so the arithmetic need not hide its timing.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from app.identity.rules.der import DerNotValid, check_der, children, content_of
from app.identity.rules.streebog import streebog512

KEY: Final = "1.2.398.3.10.1.1.2.2"
KEY_PARAMETERS: Final = "1.2.398.3.10.1.1.2.2.1"
DIGEST: Final = "1.2.398.3.10.1.3.3"
SIGNATURE: Final = "1.2.398.3.10.1.1.2.3.2"

# id-tc26-gost-3410-12-512-paramSetA, RFC 7836 appendix A.2.
_P: Final = (1 << 512) - 0x239
_B: Final = int(
    "e8c2505dedfc86ddc1bd0b2b6667f1da34b82574761cb0e879bd081cfd0b6265"
    "ee3cb090f30d27614cb4574010da90dd862ef9d4ebee4761503190785a71c760", 16,
)  # fmt: skip
_Q: Final = int(
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
    "27e69532f48d89116ff22b8d4e0560609b4b38abfad2b85dcacdb1411f10b275", 16,
)  # fmt: skip
_BASE: Final = (
    3,
    int(
        "7503cfe87a836ae3a61b8816e25450e6ce5e1c93acf1abc1778064fdcbefa921"
        "df1626be4fd036e93d75e6a50e3a41e98028fe5fc235f5b889a589cb5215f2a4", 16,
    ),
)  # fmt: skip
_NUMBER_BYTES: Final = 64
_LOW: Final = (1 << 512) - 1
_FOLD: Final = 0x239  # 2^512 modulo the prime
_WIDTH_OF_KEY: Final = 5  # windows: few points to make for a key seen once,
_WIDTH_OF_BASE: Final = 8  # many for the one point that is always the same
_KEYS_REMEMBERED: Final = 64

_Point = tuple[int, int]
_Triple = tuple[int, int, int]  # Jacobian: x = X/Z², y = Y/Z³; Z = 0 is the point at infinity


class KeyNotValid(ValueError):
    """The bytes are no public key of this algorithm on this curve."""


@dataclass(frozen=True, kw_only=True)
class GostKey:
    """A point of the curve."""

    x: int
    y: int


def key_from_spki(spki: bytes) -> GostKey:
    """Return the key of a SubjectPublicKeyInfo in DER.

    Raises:
        KeyNotValid: another algorithm or curve, another form, or no point of the curve.
    """
    try:
        check_der(spki)
        algorithm, bits = children(spki)
        oid, parameters = children(algorithm)
        curve = children(parameters)[0]
        packed = content_of(bits, tag=0x03)
        point = content_of(packed[1:], tag=0x04)
        check_der(packed[1:])
    except (DerNotValid, ValueError, IndexError) as error:
        raise KeyNotValid("not a key of GOST 34.10-2015") from error
    if (oid, curve) != (_OID_OF_KEY, _OID_OF_CURVE) or packed[:1] != b"\0":
        raise KeyNotValid("a key of another algorithm or curve")
    if len(point) != 2 * _NUMBER_BYTES:
        raise KeyNotValid("a key of another length")
    x = int.from_bytes(point[:_NUMBER_BYTES], "little")
    y = int.from_bytes(point[_NUMBER_BYTES:], "little")
    if not (x < _P and y < _P) or (y * y - (x * x - 3) * x - _B) % _P:
        raise KeyNotValid("not a point of the curve")
    return GostKey(x=x, y=y)


def verify(key: GostKey, *, signature: bytes, content: bytes) -> bool:
    """Tell whether ``signature`` over ``content`` was made with the key (RFC 7091, section 6.2)."""
    if len(signature) != 2 * _NUMBER_BYTES:
        return False
    r = int.from_bytes(signature[:_NUMBER_BYTES], "little")
    s = int.from_bytes(signature[_NUMBER_BYTES:], "little")
    return holds(key, r=r, s=s, digest=int.from_bytes(streebog512(content), "little"))


def holds(key: GostKey, *, r: int, s: int, digest: int) -> bool:
    """Tell whether the pair (r, s) signs the number ``digest``."""
    if not (0 < r < _Q and 0 < s < _Q):
        return False
    inverse = pow(digest % _Q or 1, -1, _Q)
    x, z = _sum_of_products(s * inverse % _Q, -r * inverse % _Q, (key.x, key.y))
    if z == 0:
        return False
    return bool(x * pow(z * z, -1, _P) % _P % _Q == r)


def _sum_of_products(of_base: int, of_key: int, point: _Point) -> tuple[int, int]:
    """Return X and Z of ``of_base`` times the base point plus ``of_key`` times ``point``."""
    base_digits = _digits(of_base, _WIDTH_OF_BASE)
    key_digits = _digits(of_key, _WIDTH_OF_KEY)
    base_points, key_points = _odd_multiples(_BASE, _WIDTH_OF_BASE), _multiples_of(point)
    total: _Triple = (1, 1, 0)
    for place in range(max(len(base_digits), len(key_digits)) - 1, -1, -1):
        total = _doubled(total)
        for digits, points in ((base_digits, base_points), (key_digits, key_points)):
            digit = digits[place] if place < len(digits) else 0
            if digit > 0:
                total = _added(total, points[digit >> 1])
            elif digit < 0:
                x, y = points[-digit >> 1]
                total = _added(total, (x, _P - y))
    return total[0], total[2]


def _digits(number: int, width: int) -> list[int]:
    # Signed digits, each 0 or odd, no two that are not 0 within ``width`` places.
    found = []
    full, half = 1 << width, 1 << (width - 1)
    while number:
        digit = 0
        if number & 1:
            digit = number & (full - 1)
            if digit >= half:
                digit -= full
            number -= digit
        found.append(digit)
        number >>= 1
    return found


@lru_cache(maxsize=_KEYS_REMEMBERED)
def _multiples_of(point: _Point) -> tuple[_Point, ...]:
    return _odd_multiples(point, _WIDTH_OF_KEY)


@lru_cache(maxsize=_KEYS_REMEMBERED)
def _odd_multiples(point: _Point, width: int) -> tuple[_Point, ...]:
    # 1, 3, 5 … times the point. The group has no small multiples at infinity: its order is prime.
    twice = _affine(_doubled((*point, 1)))
    triples: list[_Triple] = [(*point, 1)]
    for _ in range((1 << (width - 2)) - 1):
        triples.append(_added(triples[-1], twice))
    return tuple(_affine(one) for one in triples)


def _affine(point: _Triple) -> _Point:
    x, y, z = point
    inverse = pow(z, -1, _P)
    square = inverse * inverse % _P
    return x * square % _P, y * square * inverse % _P


def _reduced(number: int) -> int:
    # Folding first, as 2^512 is 569 modulo the prime, takes a quarter of a long division's time.
    return ((number & _LOW) + (number >> 512) * _FOLD) % _P


def _doubled(point: _Triple) -> _Triple:
    # The curve's coefficient is -3: 3·X² + a·Z⁴ is 3·(X - Z²)·(X + Z²).
    x, y, z = point
    zz = _reduced(z * z)
    yy = _reduced(y * y)
    four = _reduced(4 * x * yy)
    slope = _reduced(3 * (x - zz) * (x + zz))
    new_x = _reduced(slope * slope - 2 * four)
    new_y = _reduced(slope * (four - new_x) - 8 * yy * yy)
    return new_x, new_y, _reduced(2 * y * z)


def _added(point: _Triple, other: _Point) -> _Triple:
    x, y, z = point
    other_x, other_y = other
    if z == 0:
        return other_x, other_y, 1
    zz = _reduced(z * z)
    across = _reduced(other_x * zz - x)
    up = _reduced(other_y * _reduced(zz * z) - y)
    if across == 0:
        return _doubled(point) if up == 0 else (1, 1, 0)
    square = _reduced(across * across)
    cube = _reduced(square * across)
    middle = _reduced(x * square)
    new_x = _reduced(up * up - cube - 2 * middle)
    new_y = _reduced(up * (middle - new_x) - y * cube)
    return new_x, new_y, _reduced(z * across)


def _oid(dotted: str) -> bytes:
    first, second, *rest = (int(step) for step in dotted.split("."))
    body = bytearray([40 * first + second])
    for step in rest:
        septets = [step & 0x7F]
        while step := step >> 7:
            septets.append(step & 0x7F | 0x80)
        body += bytes(reversed(septets))
    return bytes([0x06, len(body)]) + bytes(body)


_OID_OF_KEY: Final = _oid(KEY)
_OID_OF_CURVE: Final = _oid(KEY_PARAMETERS)
