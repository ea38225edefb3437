"""The server of a simulated town: its store in memory, its decisions by the server's own rules.

What the use cases of ``fines.service`` do in PostgreSQL is done here on plain objects, each call
one step of virtual time: the same transition table, the same judgement of approvals and outcomes,
the same answers to repeated reports.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from fines.errors import CardNumberRefused
from fines.rules.duplicates import replacement_of
from fines.rules.payment import (
    LAST_RESULT_RETRY,
    LIVE,
    OPEN_ORDERS,
    ORDER_LIFE,
    PRINT_RETRY,
    STANDING_ORDER_LIFE,
    Expected,
    OrderStatus,
    PaymentStatus,
    Reported,
    judge_approval,
    next_payment_status,
    status_after_outcome,
)
from fines.service.reports import refuse_card_numbers
from fines.wire.protocol import (
    Approval,
    ApprovalAnswer,
    Order,
    OrderKind,
    Outcome,
    OutcomeAnswer,
    Printed,
    Reason,
    Result,
    StartedAnswer,
)
from fines.wire.slip import Slip, SlipKind, SlipLine

SALE_TIMEOUT = timedelta(seconds=60)
UNPAID = {
    PaymentStatus.DECLINED: SlipKind.DECLINED,
    PaymentStatus.REVERSED: SlipKind.REVERSED,
}
_URGENCY = {OrderKind.LAST_RESULT: 0, OrderKind.SALE: 1, OrderKind.PRINT: 2}


class Refused(Exception):
    """The server will not have it."""


@dataclass
class PaymentRow:
    payment_id: UUID
    record: str
    terminal: str
    iin: str
    amount_tiyn: int
    key: str
    status: PaymentStatus = PaymentStatus.CREATED
    reason: Reason = Reason.NONE
    sale_order_id: UUID | None = None
    approval: Approval | None = None
    confirmed: bool = False
    slips: list[Slip] = field(default_factory=list)
    printed: set[UUID] = field(default_factory=set)
    doubtful: set[UUID] = field(default_factory=set)


@dataclass
class OrderRow:
    order_id: UUID
    payment: PaymentRow
    kind: OrderKind
    created: int
    not_before: datetime
    expires_at: datetime
    status: OrderStatus = OrderStatus.WAITING
    started_at: datetime | None = None
    answers: dict[str, tuple[str, object]] = field(default_factory=dict)


class TownServer:
    """``new_id`` and ``now`` are the world's. ``wake`` is called when an order may be due."""

    def __init__(self, *, new_id, now, wake):
        self._new_id, self._now, self._wake = new_id, now, wake
        self.payments: dict[UUID, PaymentRow] = {}
        self.orders: dict[UUID, OrderRow] = {}
        self._live: dict[str, PaymentRow] = {}  # by record
        self._keys: dict[str, PaymentRow] = {}
        self._open: dict[UUID, OrderRow] = {}

    # ------------------------------------------------------------------ the officer

    def pay(self, *, record, terminal, iin, amount_tiyn, key):
        if (known := self._keys.get(key)) is not None:
            if known.record != record:
                raise Refused("idempotency_key_reused")
            return known
        live = self._live.get(record)
        if live is not None and live.status in LIVE:
            raise Refused("already_paid" if live.confirmed else "payment_in_flight")
        if any(one.payment.terminal == terminal and self._unsettled(one.payment)
               for one in self._open.values()):  # fmt: skip
            raise Refused("terminal_busy")
        payment = PaymentRow(self._new_id(), record, terminal, iin, amount_tiyn, key)
        self.payments[payment.payment_id] = payment
        self._live[record] = self._keys[key] = payment
        self._order(payment, OrderKind.SALE, after=timedelta(), life=ORDER_LIFE)
        return payment

    def file(self, payment):
        """The signed slip is photographed and filed."""
        for target in (PaymentStatus.SIGNED, PaymentStatus.FILED):
            self._move(payment, target)

    @staticmethod
    def _unsettled(payment):
        return payment.status in {
            PaymentStatus.CREATED, PaymentStatus.SENT, PaymentStatus.UNKNOWN,
        } or (payment.status is PaymentStatus.APPROVED and not payment.confirmed)  # fmt: skip

    # ------------------------------------------------------------------ the agent

    def next_order(self, terminal):
        now = self._now()
        due = [
            one
            for one in self._open.values()
            if one.payment.terminal == terminal
            and one.status in (OrderStatus.WAITING, OrderStatus.TAKEN)
            and one.not_before <= now < one.expires_at
        ]
        if not due:
            return None
        row = min(due, key=lambda one: (_URGENCY[one.kind], one.created))
        row.status = OrderStatus.TAKEN
        payment = row.payment
        settling = row.kind is OrderKind.LAST_RESULT
        return Order(
            order_id=row.order_id,
            kind=row.kind,
            payment_id=payment.payment_id,
            amount_tiyn=payment.amount_tiyn,
            payer_iin=payment.iin,
            original_receipt_number=(
                payment.approval.receipt_number if settling and payment.approval else None
            ),
            original_order_id=payment.sale_order_id if settling else None,
            slips=self._unprinted(payment) if row.kind is OrderKind.PRINT else (),
            expires_at=row.expires_at,
        )

    def started(self, order_id, _report):
        row = self.orders[order_id]
        if row.kind is not OrderKind.SALE:
            return StartedAnswer(may_start=row.status in OPEN_ORDERS)
        if row.status is OrderStatus.STARTED:
            return StartedAnswer(may_start=True)
        if row.status not in OPEN_ORDERS or row.payment.status is not PaymentStatus.CREATED:
            return StartedAnswer(may_start=False)
        if self._now() >= row.expires_at:
            self._withdraw(row)
            return StartedAnswer(may_start=False)
        row.status, row.started_at = OrderStatus.STARTED, self._now()
        self._move(row.payment, PaymentStatus.SENT)
        return StartedAnswer(may_start=True)

    def approval(self, order_id, approval):
        try:
            refuse_card_numbers(approval)
        except CardNumberRefused as refusal:
            raise Refused(refusal.code) from None
        return self._once(order_id, "approval", approval, self._judge)

    def outcome(self, order_id, outcome):
        return self._once(order_id, "outcome", outcome, self._settle, exclude={"approval"})

    def printed(self, order_id, printed: Printed):
        row = self.orders[order_id]
        payment = row.payment
        wanted = {slip.slip_id for slip in payment.slips}
        payment.printed |= wanted & set(printed.slip_ids)
        for slip_id in printed.doubtful_slip_ids:
            self._replace(payment, slip_id)
        if row.kind is OrderKind.PRINT:
            self._end(row)
        if self._unprinted(payment):
            self._want(payment, OrderKind.PRINT, after=PRINT_RETRY)
        elif payment.status is PaymentStatus.APPROVED and payment.confirmed:
            self._move(payment, PaymentStatus.SLIPS_PRINTED)

    def expire(self):
        """What the worker does from time to time."""
        now = self._now()
        for row in list(self._open.values()):
            if row.kind is not OrderKind.SALE:
                continue
            if row.status is not OrderStatus.STARTED:
                if now >= row.expires_at:
                    self._withdraw(row)
            elif (
                row.started_at + SALE_TIMEOUT <= now
                and not row.payment.confirmed
                and row.payment.status in {PaymentStatus.SENT, PaymentStatus.APPROVED}
            ):
                self._end(row)
                self._move(row.payment, PaymentStatus.UNKNOWN)
                self._want(row.payment, OrderKind.LAST_RESULT, after=timedelta())

    # ------------------------------------------------------------------ inside

    def _once(self, order_id, name, report, act, *, exclude=frozenset()):
        row = self.orders[order_id]
        body = report.model_dump_json(exclude=set(exclude))
        if name in row.answers:
            known, answer = row.answers[name]
            if known != body:
                raise Refused("report_differs")
            return answer
        answer = act(row, report)
        row.answers[name] = (body, answer)
        return answer

    def _judge(self, row, approval):
        payment = row.payment
        on_time = (
            row.kind is OrderKind.SALE
            and row.status is OrderStatus.STARTED
            and payment.status is PaymentStatus.SENT
        )
        reason = self._against(payment, approval) if on_time else Reason.SERVER_REFUSED
        if reason is not Reason.NONE:
            payment.reason = reason
            return ApprovalAnswer(accepted=False, reason=reason)
        self._store(payment, approval)
        return ApprovalAnswer(accepted=True, slips=tuple(payment.slips))

    @staticmethod
    def _against(payment, approval):
        return judge_approval(
            expected=Expected(amount_tiyn=payment.amount_tiyn, terminal_number=payment.terminal),
            reported=Reported(
                amount_tiyn=approval.amount_tiyn,
                currency=approval.currency,
                terminal_number=approval.terminal_number,
                owner_verdict=approval.owner_verdict,
                rrn=approval.rrn,
                approval_code=approval.approval_code,
            ),
        )

    def _store(self, payment, approval):
        self._move(payment, PaymentStatus.APPROVED)
        payment.approval = approval
        self._make(payment, SlipKind.SALE, 1)
        self._make(payment, SlipKind.SALE, 2)

    def _settle(self, row, outcome: Outcome):
        payment, before = row.payment, row.payment.status
        late = outcome.approval is not None and before in {
            PaymentStatus.SENT, PaymentStatus.UNKNOWN,
        }  # fmt: skip
        if outcome.result is Result.COMPLETED and payment.approval is None and late:
            payment.reason = self._against(payment, outcome.approval)
            if payment.reason is Reason.NONE:
                self._store(payment, outcome.approval)
        after = status_after_outcome(
            current=payment.status,
            confirmed=payment.confirmed,
            result=outcome.result,
            approval_stored=payment.approval is not None,
        )
        if after is not payment.status:
            self._move(payment, after)
        self._end(row)
        slips = self._slips_after(payment, before, outcome)
        if payment.status is PaymentStatus.UNKNOWN:
            again = row.kind is OrderKind.LAST_RESULT
            after_time = LAST_RESULT_RETRY if again else timedelta()
            self._want(payment, OrderKind.LAST_RESULT, after=after_time)
        elif slips and row.kind is OrderKind.LAST_RESULT:
            self._want(payment, OrderKind.PRINT, after=timedelta())
            slips = ()
        return OutcomeAnswer(slips=slips)

    def _slips_after(self, payment, before, outcome):
        if payment.status is PaymentStatus.APPROVED and not payment.confirmed:
            payment.confirmed, payment.reason = True, Reason.NONE
        elif payment.status in UNPAID and before is not payment.status:
            payment.reason = outcome.reason
            self._make(payment, UNPAID[payment.status], 1)
        if payment.confirmed or payment.status in UNPAID:
            self._end_all(payment, OrderKind.LAST_RESULT)
            return self._unprinted(payment)
        return ()

    def _make(self, payment, kind, copy_number):
        text = "ТӨЛЕНДІ" if kind is SlipKind.SALE else "ТӨЛЕНГЕН ЖОҚ"
        slip = Slip(
            slip_id=self._new_id(),
            payment_id=payment.payment_id,
            kind=kind,
            copy_number=copy_number,
            lines=(SlipLine(text=text), SlipLine(text=str(payment.amount_tiyn))),
        )
        payment.slips.append(slip)

    def _replace(self, payment, slip_id):
        """A paper that may have come out: a numbered one is wanted in its place."""
        if slip_id in payment.printed | payment.doubtful:
            return
        doubtful = next(one for one in payment.slips if one.slip_id == slip_id)
        copy = (doubtful.kind, doubtful.copy_number)
        same = [one for one in payment.slips if (one.kind, one.copy_number) == copy]
        payment.doubtful.add(slip_id)
        payment.slips.append(
            replacement_of(
                doubtful,
                original=same[0],
                slip_id=self._new_id(),
                number=len(same),
                at=self._now(),
                officer_badge="ALA-1042",
            )
        )

    @staticmethod
    def _unprinted(payment):
        kind = UNPAID.get(payment.status, SlipKind.SALE)
        return tuple(
            slip
            for slip in sorted(payment.slips, key=lambda one: (one.copy_number, one.duplicate))
            if slip.kind is kind and slip.slip_id not in payment.printed | payment.doubtful
        )

    def _withdraw(self, row):
        self._end(row, OrderStatus.EXPIRED)
        self._move(row.payment, PaymentStatus.DECLINED)
        row.payment.reason = Reason.ABORTED

    @staticmethod
    def _move(payment, target):
        payment.status = next_payment_status(current=payment.status, target=target)

    def _want(self, payment, kind, *, after):
        if not any(one.payment is payment and one.kind is kind for one in self._open.values()):
            self._order(payment, kind, after=after, life=STANDING_ORDER_LIFE)

    def _order(self, payment, kind, *, after, life):
        now = self._now()
        row = OrderRow(self._new_id(), payment, kind, len(self.orders), now + after, now + life)
        self.orders[row.order_id] = self._open[row.order_id] = row
        if kind is OrderKind.SALE:
            payment.sale_order_id = row.order_id
        self._wake(payment.terminal, after.total_seconds())

    def _end(self, row, status=OrderStatus.DONE):
        row.status = status
        self._open.pop(row.order_id, None)

    def _end_all(self, payment, kind):
        for row in list(self._open.values()):
            if row.payment is payment and row.kind is kind:
                self._end(row)

    @property
    def is_idle(self):
        """Whether nothing is wanted of anybody and every payment has its end."""
        return not self._open and all(
            one.status in {PaymentStatus.FILED, PaymentStatus.DECLINED, PaymentStatus.REVERSED}
            for one in self.payments.values()
        )
