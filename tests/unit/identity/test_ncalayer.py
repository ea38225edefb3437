import base64
import json

import pytest

from app.identity.rules.cms import check_content, read_message
from sim.authority import Use
from sim.district import KEEPER, OFFICER, OTHER_DEPARTMENT_BIN
from sim.ncalayer import SimNcaLayer
from tests.factories_identity import authority

CONTENT = b"Saqshy challenge v1\n"
DETACHED = {"decode": True, "encapsulate": False, "digested": False, "tsaProfile": {}}
E_MAIL, CLIENT = "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.2"


@pytest.fixture
def signer():
    return SimNcaLayer(authority(), people=(KEEPER, OFFICER))


def request(**changed):
    # As ncalayer-js-client's basicsSignCMS sends it.
    arguments = {
        "allowedStorages": ["PKCS12"],
        "format": "cms",
        "data": base64.b64encode(CONTENT).decode(),
        "signingParams": DETACHED,
        "signerParams": {"extKeyUsageOids": [E_MAIL], "iin": OFFICER.iin},
        "locale": "kk",
    }
    return json.dumps(
        {"module": "kz.gov.pki.knca.basics", "method": "sign", "args": arguments | changed}
    )


def certificate_in(answer):
    read = read_message(base64.b64decode(answer["body"]["result"]))
    check_content(read, content=CONTENT)
    return read.certificate


@pytest.mark.parametrize(
    ("filters", "staff", "use"),
    [
        ({"extKeyUsageOids": [E_MAIL], "iin": OFFICER.iin}, OFFICER, Use.COMBINED),
        ({"extKeyUsageOids": [CLIENT], "iin": OFFICER.iin}, OFFICER, Use.AUTH),
        ({"iin": OFFICER.iin}, OFFICER, Use.COMBINED),
        ({"extKeyUsageOids": [], "chain": []}, KEEPER, Use.COMBINED),
        ({"iin": "", "bin": OFFICER.department_bin}, KEEPER, Use.COMBINED),
    ],
)
def test_the_first_key_that_fits_the_filters_signs(signer, filters, staff, use):
    answer = signer.answer(request(signerParams=filters))

    assert certificate_in(answer) == authority().key_for(staff, use).certificate


def test_several_documents_get_several_signatures(signer):
    answer = signer.answer(request(data=["MTEK", "MTIK"]))

    assert len(answer["body"]["result"]) == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"signerParams": {"iin": "000101000000"}},
        {"signerParams": {"iin": OFFICER.iin, "bin": OTHER_DEPARTMENT_BIN}},
        {"signerParams": {"extKeyUsageOids": ["1.2.3"]}},
        {"signerParams": 5},
        {"signingParams": {}},
        {"signingParams": DETACHED | {"encapsulate": True}},
        {"signingParams": 555},
        {"format": "xml"},
        {"data": "not base64!"},
        {"data": None},
    ],
    ids=range(10),
)
def test_what_cannot_be_signed_is_refused_as_the_real_one_does(signer, changed):
    answer = signer.answer(request(**changed))

    assert answer["status"] is False
    assert set(answer) == {"status", "code", "message", "details"}


def test_a_closed_window_answers_without_a_result(signer):
    signer.cancel_next()

    assert signer.answer(request()) == {"status": True, "body": {}}
    assert signer.answer(request())["status"] is True


@pytest.mark.parametrize("frame", ["", "[]", '{"module": "kz.digiflow.mobile.extensions"}', "{}"])
def test_other_requests_get_an_answer_and_no_signature(signer, frame):
    answer = signer.answer(frame)

    assert answer.get("status") is not True
