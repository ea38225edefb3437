"""Version 1 of what the register of administrative proceedings is told: JSON over HTTP.

One notice is one ``POST {address}/v1/notices/{register}``; see ``docs/protocols/registers.md``. A
notice asks nothing: the answer is an acknowledgement and holds nothing of a person. The register
knows a notice by its ``message_id`` and counts it once, however often it comes.
"""

import enum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from app.exchange.wire.registers import AnswerNotValid, BinText, IinText, Message, Short

VERSION = 1
PATH = "/v1/notices/{register}"
ANSWER_BYTES_MAX = 4 * 1024


class NoticeRegister(enum.Enum):
    """The registers that are told."""

    ERAP = "erap"  # the unified register of administrative proceedings


class NoticeOf(enum.Enum):
    """What is told of a fine."""

    PAID = "paid"
    REFUNDED = "refunded"
    CORRECTED = "corrected"


class FineNotice(Message):
    """What happened to one fine; sums in whole tiyn."""

    message_id: UUID
    message_at: AwareDatetime
    department_bin: BinText
    kind: NoticeOf
    decision_number: Annotated[str, Field(min_length=1, max_length=64)]
    iin: IinText
    happened_at: AwareDatetime
    amount_tiyn: int | None = Field(default=None, ge=1, le=10**12)
    full_tiyn: int | None = Field(default=None, ge=1, le=10**12)
    rrn: Short = ""


class NoticeAnswer(Message):
    """What the register says of a notice."""

    message_id: UUID
    register_name: NoticeRegister = Field(alias="register")
    answered_at: AwareDatetime
    status: Literal["accepted", "refused"]


def read_notice_answer(content: bytes, *, register: NoticeRegister, notice: FineNotice) -> bool:
    """Return whether the register has accepted ``notice``.

    Raises:
        AnswerNotValid: not JSON, another form, another message or another register.
    """
    # Causes are cut off: an error of validation repeats the input.
    try:
        answer = NoticeAnswer.model_validate_json(content)
    except ValueError:
        raise AnswerNotValid("not an acknowledgement of this protocol") from None
    if answer.message_id != notice.message_id or answer.register_name is not register:
        raise AnswerNotValid("an acknowledgement of another notice")
    return answer.status == "accepted"
