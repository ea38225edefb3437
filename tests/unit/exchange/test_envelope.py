"""An envelope of the bus is believed where the register's own signature reaches, and nowhere else.

Each attack is a change to a genuine, signed reply; the last tests ask libxmlsec the same.
"""

import base64
import copy
import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import xmlsec
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from app.exchange.register.envelope import EnvelopeRefused, SystemKey, seal, unseal
from app.exchange.rules.signers import SignerRefused, check_system
from app.exchange.wire.registers import (
    AnswerNotValid,
    DriverLicence,
    Query,
    RegisterRequest,
    Requester,
)
from app.exchange.wire.smartbridge import (
    BYTES_MAX,
    SOAP,
    WSU,
    Head,
    answer_body,
    answer_json,
    question_body,
    read_question,
)
from sim.layouts import EMPLOYEE, LEGAL_ENTITY
from sim.smartbridge import REGISTER_BIN, SYSTEM, SimSmartBridge, system_of
from tests.factories_identity import authority, trust

pytestmark = pytest.mark.sockets  # the simulated bus takes a port, and nobody connects

ASKED, NOW = uuid4(), datetime.now(UTC).replace(microsecond=0)
OURS = "210940000013"
BODY, HEADER = f"{{{SOAP}}}Body", f"{{{SOAP}}}Header"
ID = f"{{{WSU}}}Id"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
ANSWER = {
    "message_id": str(ASKED),
    "register": "driver_licence",
    "answered_at": NOW.isoformat(),
    "status": "found",
    "record": {
        "iin": "950817301017",
        "licence_number": "AB678912",
        "categories": ["B"],
        "issued_on": "2022-10-14",
        "valid_until": "2032-10-13",
        "state": "in_force",
    },
}
REQUEST = RegisterRequest(
    message_id=ASKED,
    message_at=NOW,
    requester=Requester(department_bin=OURS, officer_iin="900315300120", basis="CRIMINAL_CASE"),
    query=Query(iin="950817301017"),
)


@pytest.fixture(scope="module")
def bus():
    bus = SimSmartBridge(authority())
    yield bus
    bus._socket.close()
    bus.cases._socket.close()


def body(answer=None, body_id="body-1"):
    return answer_body(answer or ANSWER, asked=ASKED, message_id=uuid4(), at=NOW, body_id=body_id)


@pytest.fixture(scope="module")
def reply(bus):
    return bus.sealed(body(), created=NOW)


def opened(content, **changed):
    values = {"signer_bin": REGISTER_BIN, "trust": trust(), "bytes_max": BYTES_MAX, "now": NOW}
    return unseal(content, **(values | changed))


def refused_at(content, **changed):
    with pytest.raises(EnvelopeRefused) as refused:
        opened(content, **changed)
    return str(refused.value)


def changed(content, change):
    """Return the envelope after ``change`` of its tree."""
    envelope = etree.fromstring(content)
    other = change(envelope)
    return etree.tostring(envelope if other is None else other)


def security_of(envelope):
    return envelope.find(f"{HEADER}/{{{WSSE}}}Security")


def test_a_genuine_reply_is_read_as_its_canonical_body(reply):
    text = opened(reply)

    assert text.startswith(b"<SOAP-ENV:Body")
    assert b'"iin": "950817301017"' in answer_json(
        text, asked=ASKED, key="record", form=DriverLicence
    )


# -- wrapping: the signed Body goes elsewhere, another one is read -------------------------------


def forged(envelope, **changes):
    fake = copy.deepcopy(envelope.find(BODY))
    fake.attrib.update({ID: changes["id"]} if "id" in changes else {})
    fake.find(".//licenceNumber").text = "FORGED00"
    return fake


def in_header(envelope):
    genuine = envelope.find(BODY)
    fake = forged(envelope, id="body-2")
    envelope.replace(genuine, fake)
    etree.SubElement(envelope.find(HEADER), "wrapper").append(genuine)


def in_security(envelope):
    genuine = envelope.find(BODY)
    envelope.replace(genuine, forged(envelope, id="body-2"))
    security_of(envelope).append(genuine)


def in_signature_object(envelope):
    genuine = envelope.find(BODY)
    envelope.replace(genuine, forged(envelope, id="body-2"))
    signature = security_of(envelope).find(f"{{{DS}}}Signature")
    etree.SubElement(signature, f"{{{DS}}}Object").append(genuine)


def in_new_body(envelope):
    genuine = envelope.find(BODY)
    fake = forged(envelope, id="body-2")
    envelope.replace(genuine, fake)
    fake.append(genuine)


def second_body(envelope):
    envelope.append(forged(envelope, id="body-2"))


def first_body(envelope):
    envelope.insert(1, forged(envelope, id="body-2"))


def same_id(envelope):
    genuine = envelope.find(BODY)
    fake = forged(envelope)
    envelope.replace(genuine, fake)
    fake.append(genuine)


def no_id(envelope):
    genuine = envelope.find(BODY)
    fake = forged(envelope)
    del fake.attrib[ID]
    envelope.replace(genuine, fake)
    fake.append(genuine)


def plain_id(envelope):
    """The same id under another attribute's name, before the genuine one."""
    genuine = envelope.find(BODY)
    fake = forged(envelope, id="body-2")
    fake.set("ID", "body-1")
    envelope.replace(genuine, fake)
    etree.SubElement(envelope.find(HEADER), "wrapper").append(genuine)


def second_security(envelope):
    header = envelope.find(HEADER)
    header.append(copy.deepcopy(header[0]))


def second_signature(envelope):
    security_of(envelope).append(copy.deepcopy(security_of(envelope)[-1]))


def second_timestamp(envelope):
    security_of(envelope).insert(0, copy.deepcopy(security_of(envelope)[0]))


def new_root(envelope):
    root = etree.Element(f"{{{SOAP}}}Envelope")
    header = etree.SubElement(root, HEADER)
    header.append(envelope)
    root.append(forged(envelope, id="body-2"))
    return root


@pytest.mark.parametrize(
    "attack",
    [
        in_header, in_security, in_signature_object, in_new_body, second_body, first_body, same_id,
        no_id, plain_id, second_security, second_signature, second_timestamp, new_root,
    ],
)  # fmt: skip
def test_a_signed_body_that_was_moved_is_not_believed(reply, attack):
    content = changed(reply, attack)

    assert refused_at(content)


# -- changes of the signature itself --------------------------------------------------------------


def without(path):
    def change(envelope):
        found = envelope.find(path)
        found.getparent().remove(found)

    return change


def with_text(path, text):
    def change(envelope):
        envelope.find(path).text = text

    return change


def with_attribute(path, name, value):
    def change(envelope):
        envelope.find(path).set(name, value)

    return change


SIGNED = f".//{{{DS}}}SignedInfo"


def only_the_timestamp(envelope):
    info = envelope.find(SIGNED)
    info.remove(info.findall(f"{{{DS}}}Reference")[0])


def enveloped_transform(envelope):
    transforms = envelope.find(f"{SIGNED}/{{{DS}}}Reference/{{{DS}}}Transforms")
    where = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
    etree.SubElement(transforms, f"{{{DS}}}Transform", Algorithm=where)


def key_value(envelope):
    etree.SubElement(envelope.find(f".//{{{DS}}}KeyInfo"), f"{{{DS}}}KeyName").text = "another"


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (without(f"{HEADER}/{{{WSSE}}}Security"), "header"),
        (without(f".//{{{DS}}}Signature"), "security"),
        (without(f".//{{{WSU}}}Timestamp"), "security"),
        (without(f".//{{{WSSE}}}BinarySecurityToken"), "security"),
        (without(f".//{{{DS}}}KeyInfo"), "key"),
        (without(f".//{{{DS}}}Transforms"), "transforms"),
        (without(BODY), "envelope"),
        (only_the_timestamp, "references"),
        (enveloped_transform, "transforms"),
        (key_value, "key"),
        (with_attribute(f"{SIGNED}/{{{DS}}}Reference", "URI", ""), "references"),
        (with_attribute(f"{SIGNED}/{{{DS}}}Reference", "URI", "#xpointer(/)"), "references"),
        (with_attribute(f"{SIGNED}/{{{DS}}}Reference", "URI", "http://127.0.0.1/"), "references"),
        (
            with_attribute(
                f"{SIGNED}/{{{DS}}}CanonicalizationMethod",
                "Algorithm",
                "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
            ),
            "canonicalization",
        ),
        (
            with_attribute(
                f"{SIGNED}/{{{DS}}}SignatureMethod",
                "Algorithm",
                "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
            ),
            "signature",
        ),
        (
            with_attribute(
                f"{SIGNED}/{{{DS}}}SignatureMethod",
                "Algorithm",
                "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
            ),
            "signature",
        ),
        (
            with_attribute(
                f"{SIGNED}/{{{DS}}}Reference/{{{DS}}}DigestMethod",
                "Algorithm",
                "http://www.w3.org/2000/09/xmldsig#sha1",
            ),
            "signature",
        ),
        (with_text(f".//{{{DS}}}SignatureValue", "AAAA"), "signature"),
        (with_text(".//licenceNumber", "FORGED00"), "signature"),
        (with_text(f".//{{{WSU}}}Expires", "2099-01-01T00:00:00Z"), "signature"),
        (with_text(f".//{{{WSSE}}}BinarySecurityToken", "AAAA"), "token"),
        (with_text(f".//{{{WSSE}}}BinarySecurityToken", "no base64"), "token"),
    ],
)
def test_each_step_refuses_what_it_is_there_for(reply, change, step):
    assert refused_at(changed(reply, change)) == step


# -- who signed ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bin_", "user_types", "step"),
    [
        (OURS, (LEGAL_ENTITY, SYSTEM), "signer_body"),
        (REGISTER_BIN, (LEGAL_ENTITY, EMPLOYEE), "signer_not_a_system"),
    ],
)
def test_another_certificate_of_the_same_authority_does_not_speak_for_the_register(
    bus, bin_, user_types, step
):
    other = system_of(authority(), bin_, user_types=user_types)

    assert refused_at(bus.sealed(body(), system=other, created=NOW)) == step


def test_a_stranger_authoritys_system_does_not_speak_for_the_register(bus):
    other = system_of(authority("stranger"), REGISTER_BIN)

    assert refused_at(bus.sealed(body(), system=other, created=NOW)) == "signer_chain"


@pytest.mark.parametrize("days", [-800, 30])
def test_a_certificate_is_good_in_its_term_alone(days):
    other = system_of(authority(), REGISTER_BIN, valid_from=NOW + timedelta(days=days))

    with pytest.raises(SignerRefused, match="chain"):
        check_system(other.certificate, body_bin=REGISTER_BIN, trust=trust(), now=NOW)


def test_anothers_certificate_over_a_good_signature_is_refused(reply):
    other = system_of(authority(), REGISTER_BIN)  # of the same body, but of another key
    token = base64.b64encode(other.certificate.public_bytes(Encoding.DER)).decode()
    content = changed(reply, with_text(f".//{{{WSSE}}}BinarySecurityToken", token))

    assert refused_at(content) == "signature"


# -- when ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [-59, 0, 59, 119])
def test_a_reply_is_good_for_its_minute_and_the_clocks_difference(reply, seconds):
    assert opened(reply, now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-61, 121, 86_400])
def test_a_reply_outside_of_its_time_is_refused(reply, seconds):
    assert refused_at(reply, now=NOW + timedelta(seconds=seconds)) == "expired"


def test_a_reply_cannot_give_itself_a_year(bus):
    content = bus.sealed(body(), created=NOW, seconds=31_536_000)

    assert refused_at(content, now=NOW + timedelta(minutes=10)) == "expired"


# -- what is no envelope ---------------------------------------------------------------------------

ENTITY = b'<!DOCTYPE x [<!ENTITY e "AB678912">]>'
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'
FILE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("prefix", [ENTITY, LAUGHS, OUTSIDE, FILE])
def test_a_document_type_is_refused_whatever_it_says(reply, prefix):
    assert refused_at(prefix + reply) == "dtd"
    assert refused_at(prefix + reply.replace(b"AB678912", b"&e;")) in {"dtd", "not_xml"}


@pytest.mark.parametrize(
    ("content", "step"),
    [
        (b"", "not_xml"),
        (b"\x00" * 100, "not_xml"),
        (b"{}", "not_xml"),
        (b"<a/>", "envelope"),
        (b"<a>" * 300 + b"</a>" * 300, "not_xml"),
        (b" " * (BYTES_MAX + 1), "size"),
    ],
)
def test_anything_else_is_refused(content, step):
    assert refused_at(content) == step


def test_a_comment_that_splits_a_text_is_refused(reply):
    content = reply.replace(b"AB678912", b"AB67<!-- -->8912")

    assert refused_at(content) == "not_plain"


def test_an_instruction_or_a_comment_around_the_envelope_is_refused(reply):
    assert refused_at(b"<?x y?>" + reply) == "not_plain"
    assert refused_at(reply + b"<!-- -->") == "not_plain"


def test_a_changed_byte_is_never_read_as_something_else(reply):
    genuine = opened(reply)
    chance = random.Random(20261122)
    for place in chance.sample(range(len(reply)), 1_500):
        content = bytearray(reply)
        content[place] ^= 1 << chance.randrange(7)
        try:
            assert opened(bytes(content)) == genuine  # a byte outside of what is read
        except EnvelopeRefused:
            continue


def test_a_cut_reply_is_refused(reply):
    for length in range(0, len(reply), 13):
        assert refused_at(reply[:length])


# -- what the body says ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(str(ASKED).encode(), str(uuid4()).encode(), 1),
        lambda text: text.replace(b"SCSS001", b"SCSE001"),
        lambda text: text.replace(b"SendMessageResponse", b"SendMessage"),
        lambda text: text.replace(b"responseData", b"otherData"),
        lambda text: text.replace(b"<record>", b"<record>" + b"<a>" * 20 + b"</a>" * 20),
        lambda text: text.replace(b"<record>", b"<record>" + b"<a/>" * 6000),
        lambda _text: b"<Fault/>",
        lambda _text: b"<",
    ],
)
def test_a_body_of_another_form_is_no_answer(change):
    with pytest.raises(AnswerNotValid):
        answer_json(change(body()), asked=ASKED, key="record", form=DriverLicence)


def test_a_question_reads_back_as_it_was_asked():
    head = Head(
        message_id=ASKED, service_id="Service", sent_at=NOW, sender_id="saqshy", password="p&<"
    )
    again, plain = read_question(question_body(head, REQUEST, body_id="body-1"))

    assert again == head
    assert RegisterRequest.model_validate(plain) == REQUEST
    assert "p&<" not in repr(head)


# -- the same by somebody else's code --------------------------------------------------------------


def xmlsec_says(content):
    envelope = etree.fromstring(content)
    xmlsec.tree.add_ids(envelope, ["Id"])
    context = xmlsec.SignatureContext()
    token = envelope.findtext(f".//{{{WSSE}}}BinarySecurityToken")
    context.key = xmlsec.Key.from_memory(
        base64.b64decode(token), xmlsec.constants.KeyDataFormatCertDer
    )
    try:
        context.verify(xmlsec.tree.find_node(envelope, xmlsec.constants.NodeSignature))
    except xmlsec.Error:
        return False
    return True


def test_libxmlsec_believes_our_question_and_no_changed_one():
    ours = system_of(authority(), OURS)
    key = SystemKey(private_key=ours.private_key, certificate=ours.certificate)
    head = Head(message_id=ASKED, service_id="S", sent_at=NOW, sender_id="saqshy", password="p")
    content = seal(question_body(head, REQUEST, body_id="body-1"), key=key, now=NOW)

    assert xmlsec_says(content)
    assert not xmlsec_says(content.replace(b"950817301017", b"960229401138"))
    assert not xmlsec_says(changed(content, with_text(f".//{{{WSU}}}Expires", "2099-01-01")))
