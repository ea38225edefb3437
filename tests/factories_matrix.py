"""Signatures to show to several verifiers, each case one message over one content at one instant.

Everybody is given the root alone, the lists of revoked certificates of the root and of the issuing
authority, and the question whether this message is a good detached signature over the content.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from sim.authority import Key, Use
from sim.district import KEEPER, OFFICER, SECOND_OFFICER, STRANGER
from sim.layouts import subject_of
from sim.revocation import Fault, SimRevocation
from tests import factories_cms as forge
from tests.factories_identity import authority, gost_authority

CONTENT = "Бір парақ: планшет, терминал, камера".encode()
NOW = datetime.now(UTC).replace(microsecond=0)
EMPLOYEE = ("1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.5")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One message to judge."""

    cms: bytes
    content: bytes = CONTENT
    at: datetime = NOW
    revoked: tuple = ()  # certificates
    fault: Fault = Fault.NONE  # of the lists
    lists: tuple = field(default=("full", "root"))
    maker: str = "trusted"

    def crls(self):
        """Return the lists, DER."""
        moment = [self.at - timedelta(hours=1)]
        maker = gost_authority() if self.maker == "gost" else authority(self.maker)
        service = SimRevocation([maker], clock=lambda: moment[0])
        for certificate in self.revoked:
            service.revoke(certificate)
        moment[0] = self.at
        service.publish()
        service.list_fault = self.fault
        return [service.list_of(0, name) for name in self.lists]


def key():
    return authority().key_for(OFFICER, Use.SIGN)


def other_key():
    return authority().key_for(SECOND_OFFICER, Use.SIGN)


def made(*, use=Use.SIGN, user_types=EMPLOYEE, maker="trusted", subject=None, public=None, **more):
    """Return the officer's key with a certificate that an authority was talked into."""
    genuine = key()
    certificate = authority(maker).issue(
        subject=subject or genuine.certificate.subject,
        public_key=public or genuine.private_key.public_key(),
        use=use,
        user_types=tuple(x509.ObjectIdentifier(one) for one in user_types),
        **more,
    )
    issuer = authority(maker).issuing.certificate
    return Key(certificate=certificate, private_key=genuine.private_key, issuer=issuer)


def signed(a_key=None, **how):
    return forge.signed(a_key or key(), CONTENT, **how)


def message(signers, certificates, **how):
    return forge.message_of(signers, certificates, **how)


def one(a_key=None, **how):
    return forge.signer_of(a_key or key(), CONTENT, **how)


def whole(a_key=None):
    a_key = a_key or key()
    return [a_key.certificate, a_key.issuer]


def without(place):
    listed = forge.attributes(CONTENT)
    del listed[place]
    return signed(listed=listed)


def doubled(place):
    listed = forge.attributes(CONTENT)
    return signed(listed=[*listed, listed[place]])


def replaced(old, new, content=None):
    content = content or signed()
    assert content.count(old) == 1
    return content.replace(old, new)


def named(**texts):
    oids = {"iin": NameOID.SERIAL_NUMBER, "bin": NameOID.ORGANIZATIONAL_UNIT_NAME}
    changed = {oids[name]: text for name, text in texts.items()}
    kept = [(one.oid, changed.get(one.oid, one.value)) for one in subject_of(OFFICER)]
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in kept if text])


def flipped_signature():
    good = signed()
    return good[:-1] + bytes([good[-1] ^ 1])


def long_length():
    return b"\x30\x83\x00" + signed()[2:]


def indefinite():
    good = signed()
    return b"\x30\x80" + good[4:] + b"\0\0"


def swapped():
    listed = forge.set_of(forge.attributes(CONTENT))
    return Case(cms=forge.signed(key(), listed, listed=()), content=listed)


def ambiguous():
    listed = forge.set_of(forge.attributes(CONTENT))
    return Case(cms=forge.signed(key(), listed), content=listed)


def out_of_order():
    listed = forge.attributes(CONTENT)
    in_order = forge.set_of(listed)
    parts = sorted(one.dump() for one in listed)
    wrong = in_order[:2] + b"".join(reversed(parts))
    good = signed()
    return good.replace(in_order[2:], wrong[2:])


def by_key_id():
    sid = cms.SignerIdentifier("subject_key_identifier", b"k" * 20)
    return message([one(sid=sid)], whole())


def officer_as_authority():
    officer, victim = authority().key_for(OFFICER, Use.SIGN), authority().key_for(KEEPER, Use.SIGN)
    builder = (
        x509.CertificateBuilder()
        .subject_name(victim.certificate.subject)
        .issuer_name(officer.certificate.subject)
        .public_key(victim.private_key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
    )
    for extension in victim.certificate.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    forged = builder.sign(officer.private_key, hashes.SHA256())
    a_key = Key(certificate=forged, private_key=victim.private_key, issuer=officer.certificate)
    return message([forge.signer_of(a_key, CONTENT)], [forged, officer.certificate, officer.issuer])


def with_extension(value, *, critical):
    genuine = key()
    own = authority().issuing
    builder = (
        x509.CertificateBuilder()
        .subject_name(genuine.certificate.subject)
        .issuer_name(own.certificate.subject)
        .public_key(genuine.private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(value, critical=critical)
    )
    for extension in genuine.certificate.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    certificate = builder.sign(own.private_key, hashes.SHA256())
    return signed(replace(genuine, certificate=certificate))


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.398.3.3.5"), b"\x04\x00")


def small_key():
    return made(public=rsa.generate_private_key(65537, 1024).public_key())


def curve_key():
    return made(public=ec.generate_private_key(ec.SECP256R1()).public_key())


def rogue():
    return made(maker="rogue")


def case(build, **more):
    return lambda: Case(cms=build(), **more)


CASES = {
    # Good ones.
    "one certificate for both uses": case(lambda: authority().sign(OFFICER, CONTENT)),
    "the signing half of a pair": case(lambda: authority().sign(OFFICER, CONTENT, Use.SIGN)),
    "signature algorithm rsaEncryption": case(lambda: signed(scheme="rsassa_pkcs1v15")),
    "signature algorithm sha256WithRSA": case(lambda: signed(scheme="sha256_rsa")),
    "an unknown extension": case(lambda: with_extension(UNKNOWN, critical=False)),
    "a head of a body": case(lambda: signed(made(user_types=(*EMPLOYEE[:1], f"{EMPLOYEE[0]}.1")))),
    "another certificate besides": case(
        lambda: message([one()], [*whole(), other_key().certificate])
    ),
    "the root in the message": case(lambda: message([one()], [*whole(), authority().root])),
    "somebody else is revoked": lambda: Case(cms=signed(), revoked=(other_key().certificate,)),
    "at the last second of the certificate": lambda: Case(
        cms=signed(), at=key().certificate.not_valid_after_utc
    ),
    # Form.
    "nothing": case(lambda: b""),
    "no DER": case(lambda: b"-----BEGIN CMS-----"),
    "a byte after the message": case(lambda: signed() + b"\0"),
    "cut off": case(lambda: signed()[:-1]),
    "an indefinite length": case(indefinite),
    "a length longer than needed": case(long_length),
    "another structure": case(lambda: b"\x30\x03\x02\x01\x01"),
    "plain data": case(lambda: message([], [], outer="data")),
    "signedData of version 3": case(lambda: message([one()], whole(), version="v3")),
    "content of another type": case(
        lambda: message([one()], whole(), content_type="encrypted_data")
    ),
    "the content inside": case(lambda: message([one()], whole(), attached=CONTENT)),
    "another content inside": case(lambda: message([one()], whole(), attached=b"other")),
    "over 64 KiB": case(lambda: message([one()], [key().certificate] + [key().issuer] * 80)),
    "nine certificates": case(lambda: message([one()], [key().certificate] + [key().issuer] * 8)),
    # Signers and their certificates.
    "no signer": case(lambda: message([], whole())),
    "two signers": case(
        lambda: message([one(), one(other_key())], [*whole(), other_key().certificate])
    ),
    "the second signer is wrong": case(
        lambda: message(
            [one(), one(other_key(), signing_key=key().private_key)],
            [*whole(), other_key().certificate],
        )
    ),
    "no certificate": case(lambda: message([one()], [])),
    "the issuer's certificate alone": case(lambda: message([one()], [key().issuer])),
    "another's certificate": case(
        lambda: message([one()], [other_key().certificate, key().issuer])
    ),
    "the certificate twice": case(lambda: message([one()], [key().certificate, *whole()])),
    "signer named by key": case(by_key_id),
    "signer of version 3": case(lambda: message([one(version="v3")], whole())),
    # Signed attributes.
    "no signed attributes": case(lambda: signed(listed=())),
    "the attribute swap": swapped,
    "content that reads as attributes": ambiguous,
    "no content type": case(lambda: without(0)),
    "no signing time": case(lambda: without(1)),
    "no digest": case(lambda: without(2)),
    "content type twice": case(lambda: doubled(0)),
    "signing time twice": case(lambda: doubled(1)),
    "digest twice": case(lambda: doubled(2)),
    "two values of the digest": case(
        lambda: signed(
            listed=[
                *forge.attributes(CONTENT)[:2],
                forge.attribute(
                    "message_digest",
                    hashlib.sha256(CONTENT).digest(),
                    hashlib.sha256(CONTENT).digest(),
                ),
            ]
        )
    ),
    "attributes out of order": case(out_of_order),
    "attribute of another content type": case(
        lambda: signed(listed=forge.attributes(CONTENT, content_type="signed_data"))
    ),
    # Algorithms.
    "SHA-1": case(lambda: signed(digest="sha1")),
    "SHA-512": case(lambda: signed(digest="sha512")),
    "SHA-1 in the name only": case(lambda: signed(scheme="sha1_rsa")),
    "an RSA key of 1024 bits in the certificate": case(lambda: signed(small_key())),
    "an elliptic key in the certificate": case(lambda: signed(curve_key())),
    "GOST-2015": lambda: Case(cms=gost_authority().sign(OFFICER, CONTENT), maker="gost"),
    # The signature itself.
    "another content": lambda: Case(cms=signed(), content=CONTENT + b"."),
    "no content": lambda: Case(cms=signed(), content=b""),
    "a bit of the signature": case(flipped_signature),
    "another's key": case(lambda: signed(signing_key=other_key().private_key)),
    # The chain.
    "a rogue authority of the same name": case(lambda: signed(rogue())),
    "a rogue authority with its root": case(
        lambda: message(
            [forge.signer_of(rogue(), CONTENT)], [*whole(rogue()), authority("rogue").root]
        )
    ),
    "an officer as authority": case(officer_as_authority),
    "without the issuing authority": case(lambda: message([one()], [key().certificate])),
    "expired": lambda: Case(cms=signed(made(valid_from=NOW - timedelta(days=400)))),
    "a second after the end": lambda: Case(
        cms=signed(), at=key().certificate.not_valid_after_utc + timedelta(seconds=1)
    ),
    "not yet valid": lambda: Case(cms=signed(made(valid_from=NOW + timedelta(days=1)))),
    "an unknown critical extension": case(lambda: with_extension(UNKNOWN, critical=True)),
    # What the certificate is for.
    "the half of a pair that signs in": case(lambda: authority().sign(OFFICER, CONTENT, Use.AUTH)),
    "a natural person": case(lambda: signed(made(user_types=("1.2.398.3.3.4.1.1",)))),
    "an information system": case(
        lambda: signed(made(user_types=(EMPLOYEE[0], f"{EMPLOYEE[0]}.6")))
    ),
    "the treasury": case(lambda: signed(made(user_types=(*EMPLOYEE, "1.2.398.5.19.1.2.2.1")))),
    "no IIN in the name": case(lambda: signed(made(subject=named(iin=None)))),
    "no BIN in the name": case(lambda: signed(made(subject=named(bin=None)))),
    "an IIN that cannot be one": case(lambda: signed(made(subject=named(iin="IIN123456789011")))),
    # Revocation.
    "revoked": lambda: Case(cms=signed(), revoked=(key().certificate,)),
    "the issuing authority is revoked": lambda: Case(cms=signed(), revoked=(key().issuer,)),
    "lists of two days ago": lambda: Case(cms=signed(), fault=Fault.STALE),
    "lists from the future": lambda: Case(cms=signed(), fault=Fault.FUTURE),
    "lists by another key": lambda: Case(cms=signed(), fault=Fault.FORGED),
    "no list at all": lambda: Case(cms=signed(), lists=()),
    "no list of the root": lambda: Case(cms=signed(), lists=("full",)),
    "no list of the issuing authority": lambda: Case(cms=signed(), lists=("root",)),
    "lists of a rogue of the same name": lambda: Case(cms=signed(), maker="rogue"),
    "signed by somebody of another body": case(lambda: authority().sign(STRANGER, CONTENT)),
}
