"""What reconciliation and refunds call their states, in words for people."""

from typing import Final

from app.web.texts import N_
from fines.rules.notices import NoticeStatus
from fines.rules.reconciliation_words import CaseKind, CaseStatus, Detail, Source, Verdict

SOURCES: Final = {
    Source.ACQUIRER: N_("Acquirer"),
    Source.TERMINAL: N_("Terminal"),
    Source.TREASURY: N_("Treasury"),
}
PAYMENT_VERDICTS: Final = {
    Verdict.WAITING: N_("waiting"),
    Verdict.WITHDRAWN: N_("taken back"),
    Verdict.MATCHED: N_("matched"),
    Verdict.LATE: N_("late"),
    Verdict.ONLY_OURS: N_("only ours"),
    Verdict.ONLY_THEIRS: N_("only theirs"),
    Verdict.AMOUNT_DIFFERS: N_("amount differs"),
    Verdict.DUPLICATE: N_("duplicate"),
}
DETAILS: Final = {
    Detail.NONE: "",
    Detail.KEY_DIFFERS: N_("same RRN, another transaction"),
    Detail.TAKEN_BACK: N_("a sale and its reversal"),
    Detail.TAKEN_BACK_THERE: N_("reversed by the acquirer"),
    Detail.PAIRED: N_("found its pair later"),
    Detail.COUNT_DIFFERS: N_("the number of sales differs"),
}
CASE_STATUSES: Final = {
    CaseStatus.OPEN: N_("case open"),
    CaseStatus.EXPLAINED: N_("case explained"),
    CaseStatus.CLOSED: N_("case closed"),
}
REFUND_STATUSES: Final = {
    "requested": N_("asked for"),
    "refused": N_("refused"),
    "approved": N_("approved"),
    "sent": N_("sent to the acquirer"),
    "paid": N_("paid out"),
}
REFUND_REASONS: Final = {
    "paid_twice": N_("Paid twice"),
    "decision_cancelled": N_("The decision was cancelled"),
    "amount_wrong": N_("The sum was wrong"),
    "not_the_offender": N_("Not the offender"),
}
CASE_KINDS: Final = {
    CaseKind.DIFFERENCE: N_("a difference"),
    CaseKind.HAND_IN: N_("handed in unmatched"),
    CaseKind.TOTALS_MISSING: N_("totals missing in the morning"),
    CaseKind.REGISTER_NOTICE: N_("the register was not told"),
}
NOTICE_STATUSES: Final = {
    NoticeStatus.WAITING: N_("to be told to the register"),
    NoticeStatus.TOLD: N_("told to the register"),
    NoticeStatus.DEAD: N_("given up"),
}
