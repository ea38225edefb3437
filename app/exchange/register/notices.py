"""The register that is told of money and corrections. Nothing else in the server may tell it.

A notice carries what the register needs to know its own fine again, and brings back no more
than an acknowledgement. It may be sent again: the register counts it once by its id.
"""

import functools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from pydantic import ValidationError

from app.clock import utc_now
from app.exchange.register.addresses import channels_of
from app.exchange.register.channel import Channel, Question, Unusable
from app.exchange.register.smartbridge import bus_of
from app.exchange.rules.notices import Notice, NoticeOutcome, NoticeReply, Tell
from app.exchange.wire.notices import (
    ANSWER_BYTES_MAX,
    PATH,
    FineNotice,
    NoticeAnswer,
    NoticeRegister,
    read_notice_answer,
)
from app.settings import Settings

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Notices:
    """Tells the register over the channel of the settings; one per application."""

    channels: Mapping[NoticeRegister, Channel] = field(repr=False)
    clock: Callable[[], datetime] = utc_now

    async def tell(self, notice: Notice) -> NoticeReply:
        """Tell it, within the register's limit of seconds.

        Never raises for anything the far end does.
        """
        register = NoticeRegister.ERAP
        try:
            message = self._message(notice)
        except ValidationError:  # a number that no register could have given
            return NoticeReply(outcome=NoticeOutcome.REFUSED, fault="notice_not_valid")
        try:
            accepted = await self.channels[register].ask(_asked(register, message))
        except Unusable as error:
            log.warning("register_not_told", fault=str(error), notice=str(notice.notice_id))
            return NoticeReply(outcome=NoticeOutcome.SILENT, fault=str(error))
        if accepted:
            return NoticeReply(outcome=NoticeOutcome.TOLD)
        return NoticeReply(outcome=NoticeOutcome.REFUSED, fault="refused")

    def _message(self, notice: Notice) -> FineNotice:
        return FineNotice(
            message_id=notice.notice_id,
            message_at=self.clock(),
            department_bin=notice.department_bin,
            kind=notice.kind,
            decision_number=notice.decision_number,
            iin=notice.iin,
            happened_at=notice.happened_at,
            amount_tiyn=notice.amount_tiyn,
            full_tiyn=notice.full_tiyn,
            rrn=notice.rrn,
        )


def _asked(register: NoticeRegister, message: FineNotice) -> Question[bool]:
    return Question(
        register=register.value,
        path=PATH.format(register=register.value),
        message_id=message.message_id,
        request=message,
        record_key="",  # an acknowledgement has no record
        record_form=NoticeAnswer,
        bytes_max=ANSWER_BYTES_MAX,
        read=functools.partial(read_notice_answer, register=register, notice=message),
    )


@asynccontextmanager
async def open_notices(settings: Settings) -> AsyncIterator[Tell | None]:
    """Yield what tells the register; ``None`` where it has no address.

    Raises:
        RegisterNotKnown, BusNotReady: the settings cannot be followed.
    """
    channels = channels_of(
        NoticeRegister,
        settings=settings,
        common=settings.registers_url,
        repeats_max=settings.register_repeats_max,
        bus=bus_of(settings),
    )
    async with AsyncExitStack() as stack:
        for channel in channels.values():
            stack.push_async_callback(channel.aclose)
        yield Notices(channels=channels).tell if channels else None
