"""A request on any basis: the register of cases is asked before anything is decided."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from app.access import Principal
from app.exchange.register import CaseQuestion, CaseReply
from app.exchange.rules.cases import CaseVerdict
from app.exchange.rules.gates import Channel, Gate, Outcome, decide_before
from app.exchange.rules.inputs import RequestInput
from app.exchange.rules.number_formats import tidy
from app.exchange.rules.requests import RequestStatus
from app.exchange.service.answering import answer_request
from app.exchange.service.asking import Asking, Said, new_asking
from app.exchange.service.deciding import Decided, decide_and_record
from app.exchange.service.gathering import gather
from app.exchange.service.placing import with_surroundings
from app.exchange.service.ports import CheckAnswer, ExchangePorts
from app.exchange.service.refusing import refusal_of
from app.identity import service as identity


@dataclass(frozen=True, kw_only=True)
class RequestOutcome:
    """Where a request stands after a step; ``answer`` only where it was released."""

    request_id: UUID
    status: RequestStatus
    answer: CheckAnswer | None = None


async def make_request(
    ports: ExchangePorts,
    *,
    caller: Principal,
    sent: RequestInput,
    channel: Channel = Channel.OWN,
    person_behind: bool | None = None,
) -> RequestOutcome:
    """Ask registers on a basis; answer, or say what the request waits for.

    A register of cases is asked only for a request that every earlier gate lets through, and its
    verdict is a fact of the decision. Where it is silent the request waits and is verified later;
    nothing is ever shown before.

    Args:
        ports: everything a request needs.
        caller: the person who asks.
        sent: the request as it was sent.
        channel: how the call came; over another body's system the person stands behind the call.
        person_behind: whether that person proved himself.

    Raises:
        IinNotValid, MrzNotValid, PlateNotValid: misread; recorded as a refusal.
        GateRefused: a gate refuses; recorded. ``SampleRefused`` where the draw fell on it: the
            request waits for its justification.
        AuditSilent, AnswerWithheld: see ``answering.answer_request``.
    """
    asking = new_asking(
        request_id=uuid4(),
        caller=caller,
        sent=sent,
        now=ports.clock(),
        channel=channel,
        person_behind=person_behind,
    )
    asking = await with_surroundings(ports, asking)
    said = Said(case=await confirmed_case(ports, asking, Said()))
    return await settled(ports, await decide_and_record(ports, asking, said))


async def settled(ports: ExchangePorts, decided: Decided) -> RequestOutcome:
    """Carry a recorded verdict out: answer, say what is waited for, or raise the refusal."""
    request_id = decided.asking.request_id
    outcome = decided.verdict.outcome
    if outcome is Outcome.ALLOWED:
        answer = await answer_request(ports, decided)
        return RequestOutcome(request_id=request_id, status=RequestStatus.RELEASED, answer=answer)
    if outcome in {Outcome.PENDING_VERIFICATION, Outcome.NEEDS_SECOND_PERSON}:
        return RequestOutcome(request_id=request_id, status=decided.status)
    raise refusal_of(request_id=request_id, verdict=decided.verdict, about=decided.asking.about)


async def confirmed_case(ports: ExchangePorts, asking: Asking, said: Said) -> CaseReply | None:
    """Return what the register of the basis says of the case; ``None`` where it is not asked.

    It is not asked where the basis has none, nor for a request that an earlier gate refuses: that
    must not be told to it.
    """
    rule = asking.rule
    if rule is None or rule.register is None:
        return None
    now = ports.clock()
    async with ports.direct.connection() as connection:
        gathered = await gather(connection, ports, asking, said, drawn=None, now=now)
    officer = gathered.officer
    if officer is None or not decide_before(Gate.RECON, gathered.facts, rules=asking.rules).allowed:
        return None
    if ports.cases is None:
        return CaseReply(
            verdict=CaseVerdict.UNAVAILABLE, message_id=uuid4(), fault="not_configured"
        )
    return await ports.cases.confirm(_question(asking, officer))


def _question(asking: Asking, officer: identity.Requester) -> CaseQuestion:
    rule, sent = asking.rule, asking.sent
    if rule is None or rule.register is None:
        raise ValueError("a basis without a register of cases asks none")
    return CaseQuestion(
        register=rule.register,
        number=tidy(sent.case_number),
        officer_iin=officer.iin,
        department_bin=officer.department_bin,
        order_number=tidy(sent.order_number) or None,
        year=sent.year,
        court=tidy(sent.court) or None,
        kind=rule.kind,
    )
