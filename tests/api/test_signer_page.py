import base64
import json

from websockets.sync.client import connect

from app.identity.rules.cms import check_content, read_message
from sim.authority import Use
from sim.district import OFFICER
from sim.ncalayer import SimNcaLayer
from tests.factories_identity import authority

CONTENT = b"Saqshy challenge v1\n"
REQUEST = {
    "module": "kz.gov.pki.knca.basics",
    "method": "sign",
    "args": {
        "allowedStorages": None,
        "format": "cms",
        "data": base64.b64encode(CONTENT).decode(),
        "signingParams": {"decode": True, "encapsulate": False, "digested": False},
        "signerParams": {"extKeyUsageOids": ["1.3.6.1.5.5.7.3.2"], "iin": OFFICER.iin},
        "locale": "ru",
    },
}


def test_a_page_is_greeted_with_the_version_and_gets_its_signature():
    with (
        SimNcaLayer(authority(), port=0) as signer,
        connect(signer.url, proxy=None) as page,
    ):
        greeting = json.loads(page.recv(5))
        page.send(json.dumps(REQUEST))
        answer = json.loads(page.recv(5))

    read = read_message(base64.b64decode(answer["body"]["result"]))
    check_content(read, content=CONTENT)
    assert greeting["result"]["version"]
    assert read.certificate == authority().key_for(OFFICER, Use.AUTH).certificate


def test_two_pages_are_served_at_once():
    with (
        SimNcaLayer(authority(), port=0) as signer,
        connect(signer.url, proxy=None) as one,
        connect(signer.url, proxy=None) as other,
    ):
        for page in (one, other):
            page.recv(5)
            page.send(json.dumps(REQUEST))
        answers = [json.loads(page.recv(5)) for page in (other, one)]

    assert [answer["status"] for answer in answers] == [True, True]
