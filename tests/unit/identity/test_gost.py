import base64
import random

import pytest
from cryptography import x509

from app.identity.rules import gost
from app.identity.rules.der import children
from app.identity.rules.streebog import streebog512
from sim.gost import PARAM_SET_A, Curve, GostKey, spki_of
from sim.streebog import streebog512 as plain_streebog512

# RFC 6986, section 10; the digests are written least significant byte first.
HASHES = [
    (
        b"012345678901234567890123456789012345678901234567890123456789012",
        (
            "1b54d01a4af5b9d5cc3d86d68d285462b19abc2475222f35c085122be4ba1ffa"
            "00ad30f8767b3a82384c6574f024c311e2a481332b08ef7f41797891c1646f48"
        ),
    ),
    (
        bytes.fromhex(
            "d1e520e2e5f2f0e82c20d1f2f0e8e1eee6e820e2edf3f6e82c20e2e5fef2fa20"
            "f120eceef0ff20f1f2f0e5ebe0ece820ede020f5f0e0e1f0fbff20efebfaeafb"
            "20c8e3eef0e5e2fb"
        ),
        (
            "1e88e62226bfca6f9994f1f2d51569e0daf8475a3b0fe61a5300eee46d961376"
            "035fe83549ada2b8620fcd7c496ce5b33f0cb9dddc2b6460143b03dabac9fb28"
        ),
    ),
]


def number(text):
    return int(text, 16)


# RFC 7091, section 7.2: a test curve of 512 bits.
TEST_CURVE = Curve(
    p=number(
        "4531ACD1FE0023C7550D267B6B2FEE80922B14B2FFB90F04D4EB7C09B5D2D15D"
        "F1D852741AF4704A0458047E80E4546D35B8336FAC224DD81664BBF528BE6373"
    ),
    a=7,
    b=number(
        "1CFF0806A31116DA29D8CFA54E57EB748BC5F377E49400FDD788B649ECA1AC43"
        "61834013B2AD7322480A89CA58E0CF74BC9E540C2ADD6897FAD0A3084F302ADC"
    ),
    q=number(
        "4531ACD1FE0023C7550D267B6B2FEE80922B14B2FFB90F04D4EB7C09B5D2D15D"
        "A82F2D7ECB1DBAC719905C5EECC423F1D86E25EDBE23C595D644AAF187E6E6DF"
    ),
    base=(
        number(
            "24D19CC64572EE30F396BF6EBBFD7A6C5213B3B3D7057CC825F91093A68CD762"
            "FD60611262CD838DC6B60AA7EEE804E28BC849977FAC33B4B530F1B120248A9A"
        ),
        number(
            "2BB312A43BD2CE6E0D020613C857ACDDCFBF061E91E5F2C3F32447C259F39B2C"
            "83AB156D77F1496BF7EB3351E1EE4E43DC1A18B91B24640B6DBB92CB1ADD371E"
        ),
    ),
)
SECRET = number(
    "BA6048AADAE241BA40936D47756D7C93091A0E8514669700EE7508E508B10207"
    "2E8123B2200A0563322DAD2827E2714A2636B7BFD18AADFC62967821FA18DD4"
)
PUBLIC = (
    number(
        "115DC5BC96760C7B48598D8AB9E740D4C4A85A65BE33C1815B5C320C854621DD"
        "5A515856D13314AF69BC5B924C8B4DDFF75C45415C1D9DD9DD33612CD530EFE1"
    ),
    number(
        "37C7C90CD40B0F5621DC3AC1B751CFA0E2634FA0503B3D52639F5D7FB72AFD61"
        "EA199441D943FFE7F0C70A2759A3CDB84C114E1F9339FDF27F35ECA93677BEEC"
    ),
)
DIGEST = number(
    "3754F3CFACC9E0615C4F4A7C4D8DAB531B09B6F9C170C533A71D147035B0C591"
    "7184EE536593F4414339976C647C5D5A407ADEDB1D560C4FC6777D2972075B8C"
)
NONCE = number(
    "359E7F4B1410FEACC570456C6801496946312120B39D019D455986E364F36588"
    "6748ED7A44B3E794434006011842286212273A6D14CF70EA3AF71BB1AE679F1"
)
R = number(
    "2F86FA60A081091A23DD795E1E3C689EE512A3C82EE0DCC2643C78EEA8FCACD3"
    "5492558486B20F1C9EC197C90699850260C93BCBCD9C5C3317E19344E173AE36"
)
S = number(
    "1081B394696FFE8E6585E7A9362D26B6325F56778AADBC081C0BFBE933D52FF5"
    "823CE288E8C4F362526080DF7F70CE406A6EEB1F56919CB92A9853BDE73E5B4A"
)
# A genuine key of the national authority's test environment, and its genuine list of revoked
# certificates of 2 September 2022: what fixes the orders of bytes.
GENUINE_AUTHORITY = base64.b64decode(
    "MIID/TCCA2WgAwIBAgIUetJLG6OgyWH+HKhQPmqiu0UNuKMwDgYKKoMOAwoBAQIDAgUAMF8xUDBOBgNVBAMMR9Cd0JXQ"
    "k9CG0JfQk9CGINCa0KPTmNCb0JDQndCU0KvQoNCj0KjQqyDQntCg0KLQkNCb0KvSmiAoR09TVCkgVEVTVCAyMDIyMQsw"
    "CQYDVQQGEwJLWjAeFw0yMjA3MDcwOTU1MjNaFw0zMjA3MDQwOTU1MjNaMF0xTjBMBgNVBAMMRdKw0JvQotCi0KvSmiDQ"
    "mtCj05jQm9CQ0J3QlNCr0KDQo9Co0Ksg0J7QoNCi0JDQm9Cr0pogKEdPU1QpIFRFU1QgMjAyMjELMAkGA1UEBhMCS1ow"
    "gawwIwYJKoMOAwoBAQICMBYGCiqDDgMKAQECAgEGCCqDDgMKAQMDA4GEAASBgLg6ffxI/sxPLaDh3hLsK8f9P7PMFjc5"
    "6V21F+SDFKNkURgSXG93YnmPUuKv6NqP8flHGTFV+gpGiM4p3XPRbdE3sg0hQ8SaoHXR2h6hofM3OycgAFJHIBHDsrM5"
    "McqfgkuVVgnP/FnUkzmEG3/sC0Z9c7Ux27UsnudfeVvVEBhro4IBpzCCAaMwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8B"
    "Af8EBAMCAQYwOgYDVR0fBDMwMTAvoC2gK4YpaHR0cDovL2NybC5yb290Lmdvdi5rei9nb3N0X3Rlc3RfMjAyMi5jcmww"
    "HQYDVR0OBBYEFPrSSxujoMlh/hyoUD5qortFDbijMIGcBgNVHSMEgZQwgZGAFKfTq3eQNy5baYFw3eYMzKOLw6SyoWOk"
    "YTBfMVAwTgYDVQQDDEfQndCV0JPQhtCX0JPQhiDQmtCj05jQm9CQ0J3QlNCr0KDQo9Co0Ksg0J7QoNCi0JDQm9Cr0pog"
    "KEdPU1QpIFRFU1QgMjAyMjELMAkGA1UEBhMCS1qCFCfTq3eQNy5baYFw3eYMzKOLw6SyMEsGCCsGAQUFBwEBBD8wPTA7"
    "BggrBgEFBQcwAoYvaHR0cDovL3Jvb3QuZ292Lmt6L2NlcnQvcm9vdF90ZXN0X2dvc3RfMjAyMi5jZXIwOQYDVR0gBDIw"
    "MDAuBgYqgw4DAwIwJDAiBggrBgEFBQcCARYWIGh0dHA6Ly9wa2kuZ292Lmt6L2NwczAOBgoqgw4DCgEBAgMCBQADgYEA"
    "F1XLtw6Fcdzrl33J2DaP125p+nQviyEddDJxb0mUlxbWUTAZlKsAqphfN/SxEd2w0pJL39hTysG0rAC6Lp5bdMdmsclP"
    "Zqdn22SqiCluNXUpTj84jh8hdT9QVB6Ll4yYlBf9WlZUFqzWF6oR151h1xL1D1wcq8c2SQpMUZFOKHU="
)
GENUINE_LIST = base64.b64decode(
    "MIICmzCCAgMCAQEwDgYKKoMOAwoBAQIDAgUAMF0xTjBMBgNVBAMMRdKw0JvQotCi0KvSmiDQmtCj05jQm9CQ0J3QlNCr"
    "0KDQo9Co0Ksg0J7QoNCi0JDQm9Cr0pogKEdPU1QpIFRFU1QgMjAyMjELMAkGA1UEBhMCS1oXDTIyMDcyNzExMjYwNloX"
    "DTIzMDEyMzExMjYwNlowggE+MDMCFCADJ/LNNFxDeKTGkqubiMEXjc+hFw0yMjA3MjcxMDI4MTBaMAwwCgYDVR0VBAMK"
    "AQYwMwIUOpA0PnIFlMVSBLGcuaQCQi7w5iIXDTIyMDcyNzEwMjUzMFowDDAKBgNVHRUEAwoBBjAzAhRb1dfNh800Wo38"
    "PCJSOt8gYafkHhcNMjIwNzI3MTAyNjU5WjAMMAoGA1UdFQQDCgEGMDMCFHt93rWOh2shFibwAE8N3t+e7uogFw0yMjA3"
    "MjcxMDI3NDhaMAwwCgYDVR0VBAMKAQYwMwIUfwfBLu7rSOEO080l04QXKu4dLKkXDTIyMDcyNzEwMjcyOVowDDAKBgNV"
    "HRUEAwoBBjAzAhQP1RunBZJhrmDMYh8xbbTvDvS6FBcNMjIwNzI3MTAxMzE5WjAMMAoGA1UdFQQDCgEBoC8wLTAKBgNV"
    "HRQEAwIBBDAfBgNVHSMEGDAWgBT60ksbo6DJYf4cqFA+aqK7RQ24ozAOBgoqgw4DCgEBAgMCBQADgYEA5rJ/Tn5c7xbE"
    "ZqypmUbGNopI/syL1hYQSF5kXMDSdE6JuFz+XSdS0wko6DJ5gWV74JYoF17tRaGe5tCM6fiwTzAUPqJ2bgDEIJLFXTje"
    "wtcKhD32v+gk+CX8StC8vzxC9cQ7K4C8FJlO+dYfDh/Z21RVNGgN+vnOiR4uV9KZIsI="
)


@pytest.fixture(scope="module")
def key():
    return GostKey(SECRET)


@pytest.fixture(scope="module")
def public(key):
    return gost.key_from_spki(key.spki)


@pytest.mark.parametrize(("content", "digest"), HASHES)
def test_the_hash_is_the_standards(content, digest):
    assert streebog512(content).hex() == digest
    assert plain_streebog512(content).hex() == digest


@pytest.mark.parametrize("length", [0, 1, 62, 63, 64, 65, 127, 128, 129, 500])
def test_two_hashes_that_share_nothing_agree(length):
    content = random.Random(length).randbytes(length)

    assert streebog512(content) == plain_streebog512(content)


def test_the_simulators_arithmetic_is_the_standards():
    assert TEST_CURVE.times(SECRET, TEST_CURVE.base) == PUBLIC
    assert TEST_CURVE.signed(secret=SECRET, digest=DIGEST, nonce=NONCE) == (R, S)
    assert TEST_CURVE.holds(public=PUBLIC, digest=DIGEST, r=R, s=S)
    assert not TEST_CURVE.holds(public=PUBLIC, digest=DIGEST + 1, r=R, s=S)


def test_the_base_point_has_the_order_of_the_group():
    assert PARAM_SET_A.times(PARAM_SET_A.q, PARAM_SET_A.base) is None


def test_a_genuine_list_of_the_national_authority_holds():
    key = gost.key_from_spki(children(children(GENUINE_AUTHORITY)[0])[6])
    revoked = x509.load_der_x509_crl(GENUINE_LIST)
    content, signature = revoked.tbs_certlist_bytes, revoked.signature

    assert gost.verify(key, signature=signature, content=content)
    assert not gost.verify(key, signature=signature, content=content[:-1] + b"\0")
    assert not gost.verify(key, signature=signature[::-1], content=content)


@pytest.mark.parametrize("seed", range(8))
def test_what_the_simulator_signs_holds_and_nothing_else(key, public, seed):
    content = random.Random(seed).randbytes(100)
    signature = key.sign(content)

    assert gost.verify(public, signature=signature, content=content)
    assert not gost.verify(public, signature=signature, content=content + b"\0")
    for place in range(seed, 128, 31):
        broken = bytearray(signature)
        broken[place] ^= 1
        assert not gost.verify(public, signature=bytes(broken), content=content)


@pytest.mark.parametrize("digest", [0, 1, PARAM_SET_A.q, PARAM_SET_A.q + 1, 2**512 - 1])
def test_both_read_a_digest_at_the_edges_alike(key, public, digest):
    r, s = PARAM_SET_A.signed(secret=SECRET, digest=digest, nonce=NONCE)

    assert gost.holds(public, r=r, s=s, digest=digest)
    assert PARAM_SET_A.holds(public=key.public, digest=digest, r=r, s=s)


@pytest.mark.parametrize("secret", [1, 2, 3, PARAM_SET_A.q - 1])
def test_keys_that_make_points_meet_are_reckoned_rightly(secret):
    key = GostKey(secret)

    held = [
        gost.verify(gost.key_from_spki(key.spki), signature=key.sign(content), content=content)
        for content in (b"a", b"b", b"c")
    ]

    assert held == [True] * 3


@pytest.mark.parametrize(
    ("r", "s"),
    [(0, 1), (1, 0), (PARAM_SET_A.q, 1), (1, PARAM_SET_A.q), (1, 1), (2**512 - 1, 2**512 - 1)],
)
def test_numbers_out_of_range_sign_nothing(public, r, s):
    assert not gost.holds(public, r=r, s=s, digest=5)


@pytest.mark.parametrize("length", [0, 1, 64, 127, 129, 256])
def test_a_signature_of_another_length_is_none(public, length):
    assert not gost.verify(public, signature=b"\1" * length, content=b"a")


def _point(x, y):
    return x.to_bytes(64, "little") + y.to_bytes(64, "little")


X, Y = PARAM_SET_A.base


@pytest.mark.parametrize(
    "spki",
    [
        b"",
        b"\x30\x00",
        spki_of(_point(X, Y + 1)),
        spki_of(_point(0, 0)),
        spki_of(_point(X + PARAM_SET_A.p, Y)),
        spki_of(_point(X, Y)[:-1]),
        spki_of(_point(X, Y), curve="1.2.398.3.10.1.1.2.2.2"),
        spki_of(_point(X, Y), key="1.2.398.3.10.1.1.1.1"),
        spki_of(_point(X, Y)) + b"\0",
    ],
    ids=range(9),
)
def test_what_is_no_point_of_the_curve_is_no_key(spki):
    with pytest.raises(gost.KeyNotValid):
        gost.key_from_spki(spki)


def test_the_base_point_is_a_key():
    assert gost.key_from_spki(spki_of(_point(X, Y))) == gost.GostKey(x=X, y=Y)
