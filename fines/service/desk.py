"""What every use case of fines needs: the database, the audit trail, what papers state."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from app.db import Sessions, transaction
from app.errors import DomainError
from app.keys import Keys
from fines import models, repository
from fines.errors import OffenceRecordNotFound, PaymentNotFound
from fines.rules.amounts import DatedRounding
from fines.rules.refunds import DatedLimits
from fines.rules.terms import DatedTerms
from fines.rules.verification import PaperKey, paper_code, verification_url


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The ports and settings of this slice, built once by the composition root's routes.

    Attributes:
        sessions: the database.
        trail: the audit trail.
        keys: opens the answer of the roadside check that a record is filled from.
        paper_key: keys the short codes on papers.
        public_url: where a paper's code can be asked about.
        sale_timeout: a started sale without an outcome is unknown after this long.
        budget_code: КБК, the treasury's code of the income.
        purpose_code: КНП, the code of the payment's purpose.
        refund_limits: how much in refunds a clerk and a unit may approve in a day.
        rounding: how half a fine is rounded, from which day on.
        reduced_terms: how long after its drawing up reduced proceedings can be agreed.
        read_card: a card is read and looked at before it is charged, where a terminal can.
        names_prove: where an issuer has no check of the IIN, the name on the chip may prove.
    """

    sessions: Sessions
    trail: AuditTrail
    keys: Keys = field(repr=False)
    paper_key: PaperKey
    public_url: str
    sale_timeout: timedelta
    budget_code: str
    purpose_code: str
    refund_limits: DatedLimits
    reduced_terms: DatedTerms
    rounding: DatedRounding
    read_card: bool = True
    names_prove: bool = False

    def paper_url(self, *, paper: str, object_id: UUID, amount_tiyn: int) -> str:
        """Return the address in a paper's QR code."""
        code = paper_code(
            key=self.paper_key, paper=paper, object_id=object_id, amount_tiyn=amount_tiyn
        )
        return verification_url(
            public_url=self.public_url, paper=paper, object_id=object_id, code=code
        )

    @asynccontextmanager
    async def refusals_audited(
        self, *, event: str, who: Principal | None, at: datetime, fields: Mapping[str, object]
    ) -> AsyncIterator[None]:
        """Audit a refusal raised within, in a transaction of its own, and raise it on."""
        try:
            yield
        except DomainError as refusal:
            async with transaction(self.sessions) as session:
                await self.trail.record(
                    session, event=event, at=at, who=who, fields={**fields, "code": refusal.code}
                )
            raise


async def own_record(
    session: AsyncSession, *, caller: Principal, offence_record_id: UUID, lock: bool = False
) -> models.OffenceRecord:
    """Return a record that the calling officer drew up.

    Raises:
        OffenceRecordNotFound: there is none, or it is another's.
    """
    record = await repository.offence_record(session, offence_record_id, lock=lock)
    if record is None or record.post_id != caller.post_id:
        raise OffenceRecordNotFound(f"no offence record {offence_record_id}")
    return record


async def own_payment(
    session: AsyncSession, *, caller: Principal, payment_id: UUID, lock: bool = False
) -> models.Payment:
    """Return a payment that the calling officer began.

    Raises:
        PaymentNotFound: there is none, or it is another's.
    """
    payment = await repository.payment(session, payment_id, lock=lock)
    if payment is None or payment.post_id != caller.post_id:
        raise PaymentNotFound(f"no payment {payment_id}")
    return payment
