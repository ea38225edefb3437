"""The roadside check: a primary check of a driver, and of a vehicle where a plate is given."""

from dataclasses import replace
from uuid import uuid4

from app.access import Principal
from app.exchange.rules.bases import SubjectKind
from app.exchange.rules.inputs import RequestInput
from app.exchange.rules.subjects import CheckInput
from app.exchange.service.answering import answer_request
from app.exchange.service.asking import Said, new_asking
from app.exchange.service.deciding import decide_and_record
from app.exchange.service.placing import with_surroundings
from app.exchange.service.ports import CheckAnswer, ExchangePorts
from app.exchange.service.refusing import refusal_of


async def make_check(ports: ExchangePorts, *, caller: Principal, sent: CheckInput) -> CheckAnswer:
    """Check a driver, and a vehicle where a plate is given, on the basis of a primary check.

    No register is asked before the verdict has its leaf in the log, and nothing of the answer is
    returned before the answer's hash has one. A register that is silent leaves its part missing
    and hides none of the others.

    Raises:
        IinNotValid, MrzNotValid, PlateNotValid: misread; recorded as a refusal.
        GateRefused: a gate refuses; recorded, with the item of the Rules and three texts.
            ``SampleRefused`` where the draw fell on it: the request waits for its justification.
        AuditSilent: the log gave no leaf in time. Nothing was asked, or what was answered is
            withheld for ever; make a new check.
        AnswerWithheld: the officer lost the right while the registers were asked.
    """
    now = ports.clock()
    asking = new_asking(
        request_id=uuid4(),
        caller=caller,
        sent=RequestInput.of_check(sent, with_plate=bool(sent.plate and sent.plate.strip())),
        now=now,
    )
    if asking.about.kind is None or asking.about.kind is SubjectKind.VEHICLE:
        # A check is of a driver: who names none has left the driver out, not asked of a vehicle.
        kind = SubjectKind.PERSON_AND_VEHICLE if asking.about.kind else SubjectKind.PERSON
        asking = replace(asking, about=replace(asking.about, kind=kind))
    asking = await with_surroundings(ports, asking)
    decided = await decide_and_record(ports, asking, Said())
    if not decided.verdict.allowed:
        raise refusal_of(request_id=asking.request_id, verdict=decided.verdict, about=asking.about)
    return await answer_request(ports, decided)
