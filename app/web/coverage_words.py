"""What became of a camera's time, in words for people; said in English here."""

from typing import Final

from app.web.texts import N_
from bodycam.rules.axis import WaitsBecause
from bodycam.rules.coverage import CoverageKind, Ending, GapReason
from bodycam.rules.coverage_cases import CaseStatus
from bodycam.rules.retention import Category, HoldReason, KeptBecause

KINDS: Final = {
    CoverageKind.RECORDED: N_("recorded"),
    CoverageKind.PAUSED: N_("permitted pause"),
    CoverageKind.GAP: N_("gap"),
}
REASONS: Final = {
    GapReason.HANDED_OVER: N_("between the signature and the first second"),
    GapReason.DOCKING: N_("on the way into the dock"),
    GapReason.SEAM: N_("seam between two recordings"),
    GapReason.NOT_DOCKED: N_("not docked yet"),
    GapReason.NOT_UPLOADED: N_("not uploaded yet"),
    GapReason.UNREADABLE: N_("no readable video"),
    GapReason.DAMAGED: N_("the recording is damaged"),
    GapReason.BLACK: N_("the picture is black"),
    GapReason.FROZEN: N_("nothing moves in the picture"),
    GapReason.LENS_COVERED: N_("the lens was covered, by the camera's own word"),
    GapReason.SILENT: N_("there is no sound"),
    GapReason.MUTED: N_("the sound was switched off at the camera"),
    GapReason.CARD_REMOVED: N_("the memory card was taken out"),
    GapReason.MISSING_PREDECESSOR: N_("a recording before this one is missing"),
    GapReason.MEMORY_CHANGED: N_("the memory card was changed or made empty"),
    GapReason.CLOCK_LEAP: N_("the camera's clock leapt"),
    GapReason.LOW_BATTERY: N_("the battery was empty"),
    GapReason.LOST: N_("the camera was lost"),
    GapReason.NOT_RECORDING: N_("the camera was not recording"),
    GapReason.UNSIGNED: N_("only footage that no camera signed shows this time"),
}
ENDINGS: Final = {
    Ending.STILL_OUT: N_("still out"),
    Ending.DOCKED: N_("docked"),
    Ending.RETURNED: N_("returned without a dock"),
    Ending.LOST: N_("lost"),
}
CASE_STATUSES: Final = {
    CaseStatus.OPENED: N_("to be explained"),
    CaseStatus.EXPLAINED: N_("explained, to be closed by another"),
    CaseStatus.CLOSED: N_("the gap is settled"),
    CaseStatus.RESOLVED: N_("resolved by itself: the footage came"),
}
CATEGORIES: Final = {
    Category.CRIME: N_("Crime: 5 years"),
    Category.ADMINISTRATIVE: N_("Administrative offence or inspection: 3 years"),
    Category.OTHER: N_("Other: 2 months"),
}
HOLD_REASONS: Final = {
    HoldReason.COURT: N_("A court's case"),
    HoldReason.CRIMINAL_CASE: N_("A criminal case"),
    HoldReason.ADMINISTRATIVE_CASE: N_("A case of an administrative offence"),
    HoldReason.INTERNAL_INVESTIGATION: N_("An internal investigation"),
    HoldReason.PROSECUTOR: N_("The prosecutor's demand"),
}
BECAUSE: Final = {
    KeptBecause.NOT_STORED: N_("it is not stored yet"),
    KeptBecause.HELD: N_("it is held"),
    KeptBecause.COMPLAINT: N_("a complaint asks for it"),
    KeptBecause.TERM: N_("its term is not over"),
    KeptBecause.KEPT_BY_WORD: N_("somebody took it back from the expiring"),
    KeptBecause.NO_RULE: N_("no rule in force lets it go"),
}
WAITS_BECAUSE: Final = {
    WaitsBecause.NO_CAMERA: N_("the unit has no camera of this serial number: enroll it"),
    WaitsBecause.NO_TIME: N_("nothing says when it was recorded"),
    WaitsBecause.NOT_READ: N_("its stored bytes could not be read: look after the store"),
}
