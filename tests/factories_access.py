"""What the access test asks of every route: which objects it names, and what a good request is.

A new route needs a line here only where it names something new: a parameter nobody has told the
object of, or a body. The test says which line is missing.
"""

import hashlib
import io
import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import get_args
from uuid import UUID, uuid4

from fastapi.routing import APIRoute, iter_route_contexts
from PIL import Image
from pydantic import BaseModel

from app.access import Access, Role, declared_access
from app.clock import utc_now
from app.exchange.rules.access_papers import grant_paper
from app.iin import check_digit
from bodycam.wire import protocol as dock
from bodycam.wire.digests import content_digest
from fines.wire import protocol as terminal
from fines.wire import settlement, treasury
from sim.district import LATITUDE, LONGITUDE, PLACE
from sim.rights import ROADSIDE_BASES, ROADSIDE_SERVICES
from tests import factories_bodycam as bodycam
from tests import factories_devices as devices
from tests import factories_fines as fines
from tests import factories_papers as papers
from tests import factories_tus as tus
from tests.factories_exchange import JUSTIFICATION
from tests.factories_requests import PDF


@dataclass(frozen=True)
class Named:
    """An object that routes name. One that is ``personal`` is not found by a colleague either.

    ``everywhere`` are the roles that serve all units: to them it is nobody else's.
    """

    personal: bool = False
    everywhere: frozenset[Role] = frozenset()


PERSONAL = Named(personal=True)
SERVE_ALL = frozenset({Role.EXCHANGE_OPERATOR, Role.EXCHANGE_CONTROLLER, Role.AUDITOR})
OBJECTS = {
    "account": PERSONAL,  # a body-worn system's own
    "access_request_id": Named(personal=True, everywhere=SERVE_ALL),
    "assignment_id": PERSONAL,
    "camera_id": Named(),
    "case_id": Named(),
    "check_id": PERSONAL,
    "complaint": Named(),
    "complaint_id": Named(),
    "control_request_id": Named(everywhere=SERVE_ALL),
    "device_id": Named(),
    "hold_id": Named(everywhere=SERVE_ALL),
    "device_ids": Named(),
    "entry_id": PERSONAL,
    "offence_record_id": PERSONAL,
    "officer_id": Named(everywhere=SERVE_ALL),
    "officer_iin": Named(),
    "order_id": PERSONAL,
    "payment_id": PERSONAL,
    "person_id": Named(everywhere=SERVE_ALL),
    "post_id": Named(),
    "before": PERSONAL,
    "coverage_case_id": Named(),
    "change_id": Named(),
    "legal_hold_id": Named(),
    "recording_ids": Named(),
    "ledger_id": Named(),
    "pause_id": Named(),
    "request_id": PERSONAL,
    "sanction_id": PERSONAL,
    "responsible_id": Named(everywhere=SERVE_ALL),
    "report_id": Named(everywhere=SERVE_ALL),
    "request": Named(everywhere=SERVE_ALL),
    "request_ids": Named(everywhere=SERVE_ALL),
    "notice_id": Named(),
    "refund_id": Named(),
    "recording_id": PERSONAL,  # to docks; reviewers of a unit share them
    "shift_id": PERSONAL,
    "slip_id": PERSONAL,
    "slip_ids": PERSONAL,
    "doubtful_slip_ids": PERSONAL,
    "system_id": Named(),
    "upload_id": PERSONAL,  # the dock's that began it
}
# What a path names that is no object of anybody.
VALUES = {
    "part_number": "0",
    "piece_number": "0",
    "sheet_number": "0",
    "day": "2026-11-20",
    "container": "c-1",
    "object_name": "o-1",
    "anything": "c-1/o-1",
}


@dataclass(frozen=True)
class Ask:
    """A good request to a route, past its path.

    ``make`` takes the world, the signing caller and the ids, and returns what httpx is given.
    ``names`` are the objects it names beside those of the path; ``harmless`` are those among
    them that may be anybody's, with the reason: the answer is the same as for an unknown one.
    ``of_unit`` are personal objects that the whole unit may use here. What is not ``good`` is
    refused to its owner too: it must be refused to others without telling them more.
    """

    make: Callable[..., dict[str, object]] = lambda _world, _caller, _ids: {}
    names: tuple[str, ...] = ()
    harmless: Mapping[str, str] = field(default_factory=dict)
    of_unit: tuple[str, ...] = ()
    good: bool = True


REQUEST = {
    "basis": "PRIMARY_CHECK",
    "services": ["person_documents"],
    "subject": {"iin": fines.DRIVER.iin},
    "justification": JUSTIFICATION,
}
SANCTION = {
    "register": "ais_su",
    "case_number": "2675000310003511",
    "court": "Алмалинский районный суд города Алматы",
    "services": ["person_documents"],
    "iin": fines.DRIVER.iin,
    "grounds": JUSTIFICATION,
}
_UNKNOWN_ALIKE = "another's sanction refuses as one that does not exist, and is recorded so"
# One investigator stands for his unit in this world: a colleague of the officer's is the same.
_OF_INVESTIGATOR = Ask(of_unit=("sanction_id",))


def _asked(changed, *names):
    def make(_world, _caller, ids):
        return {"json": REQUEST | changed | {name: ids[name] for name in names}}

    harmless = dict.fromkeys(names, _UNKNOWN_ALIKE)
    return Ask(make, names, harmless=harmless, good=False)  # gates refuse it: no tablet, no case


def _any_signature(_world, caller, _ids):
    return {"json": devices.signature_over(caller, "-")}


def _json(*names, **fixed):
    """Return an ask whose body holds the ids of ``names`` and what is ``fixed``."""
    many = {name for name in names if name.endswith("_ids")}

    def make(_world, _caller, ids):
        named = {name: [ids[name]] if name in many else ids[name] for name in names}
        return {"json": fixed | named}

    return Ask(make, names)


def _step_of_case(**body):
    """Return an ask of ordinary proceedings: the unit's, and the record in hand is paid."""
    return Ask(lambda _w, _c, _i: {"json": body}, of_unit=("offence_record_id",), good=False)


def _drawn_up(_world, _caller, ids):
    return {"json": fines.offence(ids["check_id"], **fines.PLAIN)}


def _payment(_world, _caller, ids):
    body = {"offence_record_id": ids["offence_record_id"]}
    return {"json": body, "headers": {"Idempotency-Key": uuid4().hex}}


def _fine_payment(_world, _caller, ids):
    body = {"check_id": ids["check_id"], "decision_number": fines.OWED["decision_number"]}
    return {"json": body, "headers": {"Idempotency-Key": uuid4().hex}}


def _refund(_world, _caller, _ids):
    body = {"amount_tiyn": 1, "reason": "amount_wrong", "note": "-"}
    return {"json": body, "headers": {"Idempotency-Key": uuid4().hex}}


def _decision(_world, _caller, _ids):
    return {"json": {"approve": False}}


def _settlement(_world, _caller, _ids):
    return {"content": settlement.write([])}


def _statement(_world, _caller, _ids):
    return {"content": treasury.write([])}


def _file(_world, _caller, _ids):
    sheet = ("settlement.csv", settlement.write([]), "text/csv")
    return {"data": {"kind": "settlement"}, "files": {"file": sheet}}


def _signature(world, caller, ids):
    return {"json": devices.signature_over(caller, world.sheets.get(ids["assignment_id"], "-"))}


def _photograph(_world, _caller, _ids):
    content = io.BytesIO()
    Image.new("RGB", (16, 16), "white").save(content, "PNG")
    return {"content": content.getvalue()}


def _message(message):
    return Ask(lambda _world, _caller, _ids: {"json": message.model_dump(mode="json")})


def _totals(_world, _caller, _ids):
    counted = terminal.Totals(
        terminal_number="00000001", closed_at=bodycam.STARTED_AT, count=0, sum_tiyn=0
    )
    return {"json": counted.model_dump(mode="json")}


def _printed(_world, _caller, ids):
    named = {name: [ids[name]] for name in ("slip_ids", "doubtful_slip_ids")}
    return {"json": named | {"at": bodycam.STARTED_AT.isoformat()}}


def complaint():
    return {
        "place": PLACE,
        "latitude": LATITUDE,
        "longitude": LONGITUDE,
        "from": bodycam.STARTED_AT.isoformat(),
        "to": (bodycam.STARTED_AT + timedelta(minutes=5)).isoformat(),
        "text": "-",
        "complainant": {"name": "-", "contact": "-"},
    }


_FORM = {
    "place": PLACE,
    "latitude": str(LATITUDE),
    "longitude": str(LONGITUDE),
    "seen_from": "2026-11-20T08:00",
    "seen_to": "2026-11-20T08:05",
    "complainant_name": "-",
    "complainant_contact": "-",
    "text": "-",
}


def _announced(world, _caller, ids):
    recorded = world.undocked.get(ids["camera_id"]) or world.recorded_by(ids["camera_id"])
    return {"content": bodycam.announcement(recorded).model_dump_json()}


def _forged(world, _caller, ids):
    recorded = world.recorded_by(ids["camera_id"])  # by another camera's key
    return {"content": bodycam.announcement(recorded).model_dump_json()}


def _part(world, _caller, ids):
    content = bodycam.block(world.recorded.get(ids["recording_id"]) or world.sample, 0)
    digest = content_digest(hashlib.sha256(content).digest())
    return {"content": content, "headers": {dock.DIGEST_HEADER: digest}}


def _head(world, _caller, ids):
    recorded = world.recorded.get(ids["recording_id"]) or world.sample
    content = (recorded.folder / "head.bin").read_bytes()
    digest = content_digest(hashlib.sha256(content).digest())
    return {"content": content, "headers": {dock.DIGEST_HEADER: digest}}


def _form(_world, _caller, ids):
    return {"json": papers.form(responsible_id=ids["responsible_id"])}


def _old_request(world, caller, ids):
    form = _form(world, caller, ids)["json"]
    cms = papers.signature(caller, "-")
    return {"json": {"form": form, "drawn_at": "2026-01-01T00:00:00Z", "cms": cms}}


def _granted(world, caller, ids):
    # All that he had: what comes after still needs it.
    rights = {"services": list(ROADSIDE_SERVICES), "bases": list(ROADSIDE_BASES)}
    paper = grant_paper(
        request_id=ids["access_request_id"],
        form_sha256=world.forms.get(ids["access_request_id"], "-"),
        **rights,
    )
    return {"json": rights | {"cms": papers.signature(caller, paper.decode())}}


def _agreed(_world, caller, _ids):
    return {"json": {"version": 1, "cms": papers.signature(caller, "-")}}


def _reviewed(_world, caller, _ids):
    return {"json": {"document_sha256": "0" * 64, "cms": papers.signature(caller, "-")}}


def _of_officer(_world, _caller, ids):
    return {"params": {"officer_id": ids["officer_id"]}}


def _pause(_world, _caller, _ids):
    return {"json": {"reason": "meal", "until": (utc_now() + timedelta(hours=1)).isoformat()}}


def _chosen(_world, _caller, ids):
    return {"data": {"request": [ids["request"]]}}


_IN_CUSTODY = "/api/custody/recordings/{recording_id}"
_ONE_RECORDING = f"GET {_IN_CUSTODY}"
_OF_RECORDING = Ask(of_unit=("recording_id",))


def _of_recording(*, good=True, **fixed):
    return Ask(lambda _w, _c, _i: {"json": fixed}, of_unit=("recording_id",), good=good)


def _any_cms(_world, caller, _ids):
    return {"json": {"cms": papers.signature(caller, "-")}}


_ONE_CASE = "POST /api/proceedings/{offence_record_id}"
_ONE_REPORT = "POST /api/control/months/{report_id}"
_NARROWS = "it only narrows a report that the caller may see"
_ONE_REQUEST = "POST /api/access/requests/{access_request_id}"
_ONE_PERSON = "POST /api/access/people/{person_id}"
_NOT_HIS_OFFICIAL = "an official of another unit is none of the applicant's, as nobody is"
_UNSIGNED = {"cms": "AAAA"}
_DEVICE = {"kind": "tablet", "serial_number": "SN-ACCESS"}
_CARD = terminal.CardShown(
    card_brand="VISA", card_masked="400000******1042", card_ref="-", card_ref_kind="par"
)
DONE = fines.outcome(terminal.Result.COMPLETED)
_CARRIED = "only carried on to the playlist, which looks whose it is"
_PASSED_OVER = "only the papers of the order's own payment are noted"
_TUS = {"Tus-Resumable": "1.0.0"}
_FROM_START = {"Content-Type": tus.MEDIA, "Upload-Offset": "0"}
ASKS: dict[str, tuple[Ask, ...]] = {
    "POST /tus": (Ask(tus.beginning, ("recording_id",)),),
    "HEAD /tus/{upload_id}": (Ask(lambda _w, _c, _i: {"headers": _TUS}),),
    "PATCH /tus/{upload_id}": (Ask(lambda _w, _c, _i: {"headers": _TUS | _FROM_START}),),
    "DELETE /tus/{upload_id}": (
        Ask(lambda _w, _c, _i: {"headers": _TUS}, good=False),  # it is whole
    ),
    "GET /axis/v1.0/{account}/System/{object_name:path}": (Ask(),),
    **{
        f"{method} /axis/v1.0/{{account}}/{{anything:path}}": (Ask(good=False),)
        for method in ("GET", "DELETE", "PATCH", "COPY", "OPTIONS")
    },
    "POST /api/axis/connection-file": (_json("device_id", site_name="Алматы"),),
    "POST /api/access/forms": (
        Ask(_form, ("responsible_id",), harmless={"responsible_id": _NOT_HIS_OFFICIAL}),
    ),
    "POST /api/access/requests": (
        Ask(
            _old_request,
            ("responsible_id",),
            harmless={"responsible_id": _NOT_HIS_OFFICIAL},
            good=False,
        ),
    ),
    "POST /api/access/agreement": (Ask(_agreed, good=False),),
    f"{_ONE_REQUEST}/grant-paper": (_json(services=["vehicle"], bases=["PRIMARY_CHECK"]),),
    f"{_ONE_REQUEST}/grant": (Ask(_granted),),
    f"{_ONE_REQUEST}/refusal-paper": (_json(reason="no_need", text="-"),),
    f"{_ONE_REQUEST}/refuse": (
        Ask(lambda _w, _c, _i: {"json": {"reason": "no_need"} | _UNSIGNED}, good=False),
    ),
    f"{_ONE_REQUEST}/return": (_json(text="-"),),
    f"{_ONE_PERSON}/block": (_json(reason="violation", text="-"),),
    f"{_ONE_PERSON}/unblock-paper": (_json(text="-"),),
    f"{_ONE_PERSON}/unblock": (
        Ask(lambda _w, _c, _i: {"json": {"text": "-"} | _UNSIGNED}, good=False),
    ),
    "GET /api/control/months/{report_id}": (
        Ask(),
        Ask(_of_officer, ("officer_id",), harmless={"officer_id": _NARROWS}),
    ),
    f"{_ONE_REPORT}/marks": (_json("request_ids", mark="in_order"),),
    f"{_ONE_REPORT}/review": (Ask(_reviewed),),
    f"{_ONE_REPORT}/requests/{{control_request_id}}/holds": (_json(reason="case", text="-"),),
    f"{_ONE_REPORT}/requests/{{control_request_id}}/holds/{{hold_id}}/release": (
        _json(text="-"),
    ),
    "POST /console/control/{report_id}/requests/{control_request_id}/holds": (
        Ask(lambda _w, _c, _i: {"data": {"reason": "case", "text": "-"}}),
    ),
    "POST /console/control/{report_id}/requests/{control_request_id}/holds/{hold_id}/release": (
        Ask(lambda _w, _c, _i: {"data": {"text": "-"}}),
    ),
    "POST /console/control/{report_id}/marks": (Ask(_chosen, ("request",)),),
    "POST /console/control/{report_id}/requests/{control_request_id}/mark": (
        Ask(lambda _w, _c, _i: {"data": {"mark": "in_order"}}),
    ),
    "GET /console/log/leaf": (Ask(good=False),),  # the first leaf may be anybody's
    "POST /api/checks": (
        _json(
            identity={"iin": fines.DRIVER.iin},
            stop_ground="traffic_violation",
            justification=JUSTIFICATION,
        ),
    ),
    "POST /api/courts/systems": (_json(name="-"),),
    "POST /api/requests": (
        _asked({}),
        _asked({"basis": "SEARCH_CASE"}, "sanction_id"),
    ),
    "GET /api/requests": (
        Ask(),
        Ask(
            lambda _w, _c, ids: {"params": {"before": ids["before"]}}, ("before",), good=False
        ),
    ),
    # Each of the roles admitted has requests of his own; those of the officer are made here.
    "GET /api/requests/{request_id}": (Ask(good=False),),
    "POST /api/requests/{request_id}/print": (Ask(good=False),),
    "POST /api/requests/{request_id}/export": (Ask(good=False),),
    "POST /api/requests/{request_id}/justification": (
        Ask(lambda _w, _c, _i: {"json": {"text": JUSTIFICATION}}, good=False),
    ),
    "POST /api/requests/{request_id}/confirmation": (Ask(_any_signature, good=False),),
    # The request of this world is a primary check: no second person is waited for.
    "PUT /api/requests/{request_id}/document": (
        Ask(lambda _w, _c, _i: {"content": PDF}, good=False),
    ),
    "GET /api/requests/{request_id}/document": (Ask(good=False),),
    "GET /api/control/months/{report_id}/requests/{control_request_id}/document": (
        Ask(good=False),
    ),
    "POST /api/requests/{request_id}/objection-paper": (
        Ask(lambda _w, _c, _i: {"json": {"reason": "-"}}, good=False),
    ),
    "POST /api/requests/{request_id}/objection": (
        Ask(
            lambda world, caller, ids: {
                "json": {"reason": "-"} | _any_signature(world, caller, ids)["json"]
            },
            good=False,
        ),
    ),
    "POST /api/sanctions": (Ask(lambda _w, _c, _i: {"json": SANCTION}),),
    "GET /api/sanctions/{sanction_id}": (_OF_INVESTIGATOR,),
    "POST /api/sanctions/{sanction_id}/signature": (
        Ask(_any_signature, of_unit=("sanction_id",), good=False),
    ),
    "POST /api/sanctions/{sanction_id}/sending": (
        Ask(of_unit=("sanction_id",), good=False),  # a draft is signed first
    ),
    "POST /api/sanctions/{sanction_id}/withdrawal": (_OF_INVESTIGATOR,),
    "POST /api/devices": (_json(**_DEVICE, inventory_number="INV-ACCESS"),),
    "POST /api/devices/{device_id}/status": (_json(status="suspended", reason="other"),),
    "POST /api/shifts": (_json("post_id"), _json("officer_iin")),
    "POST /api/shifts/{shift_id}/assignments": (_json("device_ids"),),
    "POST /api/assignments/{assignment_id}/signature": (Ask(_signature),),
    "POST /api/assignments/{assignment_id}/return": (_json(good=True),),
    "POST /api/assignments/{assignment_id}/corrections": (_json("entry_id", note="-"),),
    "POST /api/offence-records": (Ask(_drawn_up, ("check_id",)),),
    "POST /api/offence-records/{offence_record_id}/acts": (_json(act="announced"),),
    "POST /api/offence-records/{offence_record_id}/copies": (_json(way="paper"),),
    "POST /api/offence-records/{offence_record_id}/signatures": (_json(signature="signed"),),
    "POST /api/offence-records/{offence_record_id}/corrections": (
        Ask(lambda _w, _c, _i: {"json": {"text": "..."}}, of_unit=("offence_record_id",)),
    ),
    "GET /console/records/{offence_record_id}": (Ask(of_unit=("offence_record_id",)),),
    "POST /console/records/{offence_record_id}/corrections": (
        Ask(lambda _w, _c, _i: {"data": {"text": "..."}}, of_unit=("offence_record_id",)),
    ),
    "POST /api/offence-records/{offence_record_id}/reduced": (_json(**fines.AGREED),),
    "GET /api/checks/{check_id}/old-fines": (Ask(),),
    f"{_ONE_CASE}/hand-on": (_step_of_case(outgoing_number="1", addressee="court"),),
    "POST /console/proceedings/{offence_record_id}/hand-on": (
        Ask(
            lambda _w, _c, _i: {"data": {"outgoing_number": "1", "addressee": "court"}},
            of_unit=("offence_record_id",),
            good=False,
        ),
    ),
    **{
        f"POST /console/proceedings/{{offence_record_id}}/{step}": (
            Ask(
                lambda _w, _c, _i, data=data: {"data": data},
                of_unit=("offence_record_id",),
                good=False,
            ),
        )
        for step, data in {
            "decision": {"decision_number": "1", "decided_on": "2026-11-20", "tenge": "1"},
            "in-force": {"in_force_on": "2026-11-20"},
            "appeal": {},
            "appeal-end": {"upheld": "yes", "in_force_on": "2026-11-20"},
            "hand-over": {"outgoing_number": "1"},
        }.items()
    },
    f"{_ONE_CASE}/decision": (
        _step_of_case(decision_number="1", decided_on="2026-11-20", fine_tiyn=1),
    ),
    f"{_ONE_CASE}/in-force": (_step_of_case(in_force_on="2026-11-20"),),
    f"{_ONE_CASE}/appeal": (_step_of_case(),),
    f"{_ONE_CASE}/appeal-end": (_step_of_case(upheld=True, in_force_on="2026-11-20"),),
    f"{_ONE_CASE}/hand-over": (_step_of_case(outgoing_number="1"),),
    "POST /api/payments": (
        Ask(_payment, ("offence_record_id",)),
        Ask(_fine_payment, ("check_id",), good=False),  # that check names no fine
    ),
    # The unit's clerks share the payments of its officers.
    "POST /api/payments/{payment_id}/refunds": (Ask(_refund, of_unit=("payment_id",)),),
    "POST /api/refunds/{refund_id}/decision": (Ask(_decision, good=False),),  # by who asked: never
    "POST /api/reconciliation/settlements": (Ask(_settlement),),
    "POST /api/reconciliation/statements": (Ask(_statement),),
    "POST /api/reconciliation/cases/{case_id}/explanation": (_json(text="The roll was torn."),),
    "POST /api/reconciliation/cases/{case_id}/conclusion": (
        _json(accept=True, text="The roll was found."),
    ),
    # The device of this world is a tablet; a unit's terminal is tried in test_hand_in.
    "POST /api/terminals/{device_id}/hand-in-override": (
        Ask(lambda _w, _c, _i: {"json": {"text": "The roll was torn."}}, good=False),
    ),
    "POST /console/terminals/{device_id}/totals": (Ask(good=False),),
    "POST /console/terminals/{device_id}/hand-in-override": (
        Ask(lambda _w, _c, _i: {"data": {"text": "The roll was torn."}}, good=False),
    ),
    "GET /console/finance/items.csv": (
        Ask(lambda _w, _c, _i: {"params": {"first": "2026-11-01", "last": "2026-11-02"}}),
    ),
    "POST /console/finance/files": (Ask(_file),),
    "POST /console/finance/cases/{case_id}/explanation": (
        Ask(lambda _w, _c, _i: {"data": {"text": "The roll was torn."}}),
    ),
    "POST /console/finance/cases/{case_id}/conclusion": (
        Ask(lambda _w, _c, _i: {"data": {"text": "The roll was found.", "accept": "yes"}}),
    ),
    "GET /api/refunds/{refund_id}/slip.pdf": (Ask(good=False),),  # not paid out yet
    "POST /console/finance/payments/{payment_id}/refunds": (
        Ask(
            lambda _w, _c, _i: {
                "data": {"tenge": "1", "reason": "amount_wrong", "note": "---", "key": "0" * 32}
            },
            of_unit=("payment_id",),
            good=False,
        ),
    ),
    "POST /console/finance/notices/{notice_id}/sending": (Ask(good=False),),  # never given up
    "POST /console/finance/refunds/{refund_id}/decision": (
        Ask(lambda _w, _c, _i: {"data": {"approve": "no"}}, good=False),
    ),
    "POST /api/payments/{payment_id}/signed-slip": (Ask(_photograph),),
    # Whoever is over the unit's officers looks at the slips of all of them.
    "POST /api/payments/{payment_id}/filed": (Ask(of_unit=("payment_id",)),),
    "POST /console/slips/{payment_id}/filed": (Ask(of_unit=("payment_id",)),),
    f"POST {terminal.PATH_HELLO}": (
        _json(agent_version="1", terminal_number="00000001", driver="zvt"),
    ),
    f"POST {terminal.PATH_STARTED}": (_json(at=bodycam.STARTED_AT.isoformat()),),
    f"POST {terminal.PATH_APPROVAL}": (_message(fines.approval(1)),),
    f"POST {terminal.PATH_CARD}": (_message(_CARD),),
    f"POST {terminal.PATH_OUTCOME}": (_message(DONE),),
    f"POST {terminal.PATH_PRINTED}": (
        Ask(
            _printed,
            ("slip_ids", "doubtful_slip_ids"),
            harmless={"slip_ids": _PASSED_OVER, "doubtful_slip_ids": _PASSED_OVER},
        ),
    ),
    # The order of this world is a sale: a terminal without an order for totals tells none.
    f"POST {terminal.PATH_TOTALS}": (Ask(_totals, good=False),),
    # The device of this world is a camera; a unit's terminal is tried in test_terminal_totals.
    "POST /api/terminals/{device_id}/totals": (Ask(good=False),),
    "GET /api/terminals/{device_id}/totals": (Ask(good=False),),
    f"POST {dock.PATH_ANNOUNCE}": (
        Ask(_announced, ("camera_id",)),
        Ask(_forged, ("camera_id",), good=False),
    ),
    f"PUT {dock.PATH_PART}": (Ask(_part),),
    # The recordings of this world are stored: their heads are wanted no more.
    f"PUT {dock.PATH_HEAD}": (Ask(_head, good=False),),
    "GET /api/recordings/{recording_id}/playlist.m3u8": (
        Ask(),
        Ask(lambda _w, _c, ids: {"params": {"complaint_id": ids["complaint_id"]}},
            ("complaint_id",)),
    ),
    f"{_ONE_RECORDING}": (_OF_RECORDING,),
    "POST /console/coverage/cases/{coverage_case_id}/explanation": (
        Ask(lambda _w, _c, _i: {"data": {"explanation": "-"}}),
    ),
    "POST /console/coverage/cases/{coverage_case_id}/closing": (
        Ask(lambda _w, _c, _i: {"data": {"believed": "true", "conclusion": "-"}}),
    ),
    "POST /console/custody/permission": (
        Ask(
            lambda _w, _c, ids: {"data": {"recording_ids": [ids["recording_ids"]]}},
            ("recording_ids",),
        ),
    ),
    f"POST {_IN_CUSTODY}/holds": (_of_recording(reason="court", case_number="-"),),
    f"POST {_IN_CUSTODY}/category": (_of_recording(category="crime", grounds="-"),),
    f"POST {_IN_CUSTODY}/keeping": (_of_recording(good=False, until="2026-11-20"),),
    "POST /api/custody/changes/{change_id}/signature": (Ask(_any_cms, good=False),),
    "POST /api/custody/expiring/permission": (_json("recording_ids"),),
    "POST /api/custody/holds/{legal_hold_id}/release": (Ask(),),
    "POST /api/coverage/cases/{coverage_case_id}/explanation": (_json(explanation="-"),),
    "POST /api/coverage/cases/{coverage_case_id}/closing": (_json(believed=True, conclusion="-"),),
    "POST /api/coverage/ledgers/{ledger_id}/pauses": (Ask(_pause),),
    "GET /api/recordings/{recording_id}/arriving": (
        Ask(lambda _w, _c, _i: {"headers": {"Range": "bytes=0-9"}}),
    ),
    "GET /api/recordings/{recording_id}/arriving.m3u8": (
        Ask(),
        Ask(lambda _w, _c, ids: {"params": {"complaint_id": ids["complaint_id"]}},
            ("complaint_id",)),
    ),
    "GET /api/recordings/{recording_id}/shift.m3u8": (
        Ask(),
        Ask(lambda _w, _c, ids: {"params": {"complaint_id": ids["complaint_id"]}},
            ("complaint_id",)),
    ),
    "POST /api/complaints": (Ask(lambda _world, _caller, _ids: {"json": complaint()}),),
    "POST /console/complaints": (Ask(lambda _world, _caller, _ids: {"data": _FORM}),),
    "GET /console/recordings/{recording_id}": (
        Ask(lambda _w, _c, ids: {"params": {"complaint": ids["complaint"]}},
            ("complaint",), harmless={"complaint": _CARRIED}),
    ),
    "GET /console/recordings/{recording_id}/shift": (
        Ask(lambda _w, _c, ids: {"params": {"complaint": ids["complaint"]}},
            ("complaint",), harmless={"complaint": _CARRIED}),
    ),
    "GET /console/custody/recordings/{recording_id}": (_OF_RECORDING,),
    "POST /console/custody/recordings/{recording_id}/holds": (
        Ask(lambda _w, _c, _i: {"data": {"reason": "court", "case_number": "1"}},
            of_unit=("recording_id",)),
    ),
    "POST /console/custody/recordings/{recording_id}/category": (
        Ask(lambda _w, _c, _i: {"data": {"category": "crime", "grounds": "-"}},
            of_unit=("recording_id",)),
    ),
    "POST /console/custody/holds/{legal_hold_id}/release": (Ask(),),
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One way to call one route; ``names`` are the objects it names."""

    method: str
    path: str
    access: Access
    ask: Ask
    names: tuple[str, ...]

    @property
    def route(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_page(self) -> bool:
        return not self.path.startswith(("/api/", "/device/"))

    @property
    def is_read(self) -> bool:
        return self.method in {"GET", "HEAD"}

    @property
    def is_known(self) -> bool:
        """Whether every object that it names can be made; ``gaps`` tells of the others."""
        return OBJECTS.keys() >= set(self.names)

    def is_open(self, name, role) -> bool:
        """Whether the role serves every unit, as to this object."""
        return role in OBJECTS[name].everywhere

    def is_personal(self, name) -> bool:
        return OBJECTS[name].personal and name not in self.ask.of_unit

    def callers(self):
        """Return the roles and kinds of device that are admitted, each with each.

        A system brings its person in a signed message: test_court_messages tries those.
        """
        if self.access.systems:
            return []
        roles = sorted(self.access.roles, key=lambda one: one.value) or [None]
        kinds = sorted(self.access.devices, key=lambda one: one.value) or [None]
        return list(itertools.product(roles, kinds))


def _closed_routes(application):
    for route in iter_route_contexts(application.routes):
        if isinstance(route.original_route, APIRoute):
            access = declared_access(route)
            if not access.public_because:
                for method in sorted(route.methods):
                    yield f"{method} {route.path}", route, access


def _path_names(path):
    return re.findall(r"\{(\w+)(?::\w+)?\}", path)


def cases(application):
    """Return every way to call every route that is not public."""
    found = []
    for title, route, access in _closed_routes(application):
        in_path = [name for name in _path_names(route.path) if name not in VALUES]
        method = title.split()[0]
        found += [
            Case(method, route.path, access, ask, (*in_path, *ask.names))
            for ask in ASKS.get(title, (Ask(),))
        ]
    return found


def gaps(application):
    """Return what this module does not know of the routes yet, one line each."""
    here = "say in factories_access.py"
    lines, titles = [], set()
    for title, route, access in _closed_routes(application):
        titles.add(title)
        if access.systems:  # what such a route names stands in a signed message: test_courts
            continue
        asks = ASKS.get(title, ())
        named = {name for ask in asks for name in ask.names}
        unknown = [one for one in _path_names(route.path) if one not in OBJECTS | VALUES]
        lines += [f"{title}: {here} which object {{{one}}} names" for one in unknown]
        if route.dependant.body_params and not asks:
            lines.append(f"{title}: {here} what a good body of it is")
        lines += [
            f"{title}: {here} which object its field or query {one!r} names"
            for one in sorted(_ids_sent(route.dependant))
            if one not in named
        ]
    return lines + [
        f"{one}: {here} nothing of it, there is no such route" for one in ASKS.keys() - titles
    ]


def _ids_sent(dependant):
    for param in dependant.query_params:
        yield from _ids_in(param.alias, param.field_info.annotation)
    for param in dependant.body_params:
        yield from _ids_in(param.alias, param.field_info.annotation)
    for one in dependant.dependencies:
        yield from _ids_sent(one)


def _ids_in(name, annotation):
    if annotation is UUID:
        yield name
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for inner, info in annotation.model_fields.items():
            yield from _ids_in(info.alias or inner, info.annotation)
    else:
        for inner in get_args(annotation):
            yield from _ids_in(name, inner)


def unknown(name):
    """Return an id of that kind that nobody has."""
    return iin(9999) if name == "officer_iin" else str(uuid4())


def iin(number):
    """Return an IIN of valid form; the same number is the same IIN."""
    # Where the check digit would be ten no IIN is issued: then another day of birth.
    for day in range(10, 20):
        eleven = f"8501{day}3{number:04d}"
        digit = check_digit(eleven)
        if digit is not None:
            return f"{eleven}{digit}"
    raise ValueError(number)
