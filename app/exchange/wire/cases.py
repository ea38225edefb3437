"""Version 1 of the protocol between the exchange and a register of cases: JSON over HTTP.

One question is one ``POST {address}/v1/cases/{register}``; see ``docs/protocols/cases.md``. The
register says who holds the case, never whether our officer may ask: that is decided here, from
what it says (``rules.cases``). An answer is believed only if it has this form, repeats the
question's ``message_id`` and ``register``, and is about the very case that was asked for.
"""

import enum
from collections.abc import Iterator
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from app.exchange.wire.registers import AnswerNotValid, BinText, IinText

VERSION = 1
PATH = "/v1/cases/{register}"
ANSWER_BYTES_MAX = 64 * 1024  # a case with a group of two hundred is a fifth of it
HOLDERS_MAX = 200
ORDERS_MAX = 200

# What no XML may hold is no part of a number: the same question goes by either protocol.
_PLAIN = r"^[^\p{Cc}\x{FFFE}\x{FFFF}]+$"
CaseNumber = Annotated[str, Field(max_length=64, pattern=_PLAIN)]
CourtName = Annotated[str, Field(max_length=256, pattern=_PLAIN)]
Article = Annotated[str, Field(min_length=1, max_length=32)]


class _Message(BaseModel):
    """Messages name persons: none of their values shows in ``repr``, hence in no log."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        yield from ()


class CaseRegister(enum.Enum):
    """The registers that confirm a case (Order 151, items 5 and 21-27)."""

    ERDR = "erdr"  # the unified register of pre-trial investigations
    AIS_SU = "ais_su"  # special accounts: administrative and search cases
    AIS_OIP = "ais_oip"  # bodies of enforcement proceedings
    EAIAS = "eaias"  # the courts' information and analytical system


class CaseKind(enum.Enum):
    """What a case is; AIS SU and EAIAS hold more than one kind."""

    CRIMINAL = "criminal"
    ADMINISTRATIVE = "administrative"
    SEARCH = "search"
    ENFORCEMENT = "enforcement"
    CIVIL = "civil"
    OTHER = "other"


class CaseState(enum.Enum):
    """Where a case stands."""

    OPEN = "open"
    IN_COURT = "in_court"  # the investigation is over, orders may still be given (item 22)
    CLOSED = "closed"


class HolderPart(enum.Enum):
    """What a person is to a case."""

    INVESTIGATOR = "investigator"
    INQUIRER = "inquirer"
    PROSECUTOR = "prosecutor"
    GROUP_MEMBER = "group_member"  # of the operational-investigative group (item 21)
    OFFICER = "officer"  # who holds an administrative or a search case
    BAILIFF = "bailiff"
    JUDGE = "judge"


class CaseRequester(_Message):
    """Who asks: the register keeps it in its own log."""

    department_bin: BinText
    officer_iin: IinText


class CaseQuery(_Message):
    """The case, as the officer named it."""

    number: CaseNumber
    kind: CaseKind | None = None
    year: int | None = Field(default=None, ge=1990, le=2200)
    court: CourtName | None = None
    order_number: CaseNumber | None = None


class CaseRequest(_Message):
    """One question to one register of cases."""

    message_id: UUID
    message_at: AwareDatetime
    requester: CaseRequester
    query: CaseQuery


class Holder(_Message):
    """One person in whose work the case is."""

    iin: IinText
    part: HolderPart
    department_bin: BinText


class AddressedOrder(_Message):
    """An order given in the case, and the body that is to execute it."""

    number: CaseNumber
    addressed_to_bin: BinText


class CaseRecord(_Message):
    """What a register holds of a case."""

    number: CaseNumber
    kind: CaseKind
    state: CaseState
    body_bin: BinText  # whose case it is: the investigating body, the bailiffs' body, the court
    year: int | None = Field(default=None, ge=1990, le=2200)
    court: CourtName | None = None
    articles: Annotated[tuple[Article, ...], Field(max_length=64)] = ()
    holders: Annotated[tuple[Holder, ...], Field(max_length=HOLDERS_MAX)] = ()
    orders: Annotated[tuple[AddressedOrder, ...], Field(max_length=ORDERS_MAX)] = ()


class CaseStatus(enum.Enum):
    """What a register of cases says of a question."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    REFUSED = "refused"  # the register's own rules do not allow the question


class _Answer(_Message):
    message_id: UUID
    register_name: CaseRegister = Field(alias="register")
    answered_at: AwareDatetime


class FoundCase(_Answer):
    """The register holds the case."""

    status: Literal["found"]
    case: CaseRecord


class OtherCase(_Answer):
    """The register holds no such case, or may not say."""

    status: Literal["not_found", "refused"]


_ANSWER: TypeAdapter[FoundCase | OtherCase] = TypeAdapter(
    Annotated[FoundCase | OtherCase, Field(discriminator="status")]
)


def read_case(
    content: bytes, *, register: CaseRegister, request: CaseRequest
) -> tuple[CaseStatus, CaseRecord | None]:
    """Return what the register says in ``content``, checked against the question.

    Raises:
        AnswerNotValid: not JSON, another form, another message, another register or another case
            than was asked for.
    """
    # Causes are cut off: an error of validation repeats the input, which names persons.
    try:
        answer = _ANSWER.validate_json(content)
    except ValueError:
        raise AnswerNotValid("not an answer of this protocol") from None
    if answer.message_id != request.message_id or answer.register_name is not register:
        raise AnswerNotValid("an answer to another question")
    if isinstance(answer, OtherCase):
        return CaseStatus(answer.status), None
    case, asked = answer.case, request.query
    if case.number != asked.number:
        raise AnswerNotValid("another case")
    if asked.year is not None and case.year != asked.year:
        raise AnswerNotValid("a case of another year")
    if asked.court is not None and case.court != asked.court:
        raise AnswerNotValid("a case of another court")
    return CaseStatus.FOUND, case
