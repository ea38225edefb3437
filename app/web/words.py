"""What the law and the slices call their states, in words for people. Said in English here."""

from typing import Final

from app.web.texts import N_
from bodycam.rules.box_index import DamageKind
from bodycam.rules.life_cycle import ComplaintKind, ComplaintStatus, RecordingStatus
from bodycam.wire.manifest import EventKind

COMPLAINT_KINDS: Final = {
    ComplaintKind.COMPLAINT: N_("Complaint (жалоба), 20 working days"),
    ComplaintKind.APPEAL: N_("Appeal (обращение), 15 working days"),
}
COMPLAINT_STATUSES: Final = {
    ComplaintStatus.REGISTERED: N_("Registered"),
    ComplaintStatus.ASSIGNED: N_("Assigned"),
    ComplaintStatus.FOOTAGE_FOUND: N_("Footage found"),
    ComplaintStatus.UNDER_REVIEW: N_("Under review"),
    ComplaintStatus.DECIDED: N_("Decided"),
    ComplaintStatus.ANSWERED: N_("Answered"),
}
ENDED: Final = frozenset({ComplaintStatus.DECIDED, ComplaintStatus.ANSWERED})
RECORDING_STATUSES: Final = {
    RecordingStatus.ANNOUNCED: N_("In the dock, not sent yet"),
    RecordingStatus.RECEIVING: N_("Being received"),
    RecordingStatus.VERIFIED: N_("Received, being indexed"),
    RecordingStatus.DAMAGED: N_("Received damaged, being indexed"),
    RecordingStatus.QUARANTINED: N_("In quarantine: the bytes are kept, but they are no video"),
    RecordingStatus.INDEXED: N_("Being indexed"),
    RecordingStatus.REVIEWABLE: N_("Ready to watch"),
    RecordingStatus.HELD: N_("Held: not to be destroyed"),
    RecordingStatus.EXPIRING: N_("Its term of storage is ending"),
    RecordingStatus.DESTROYED: N_("Destroyed after its term of storage"),
}
DAMAGES: Final = {
    DamageKind.TRUNCATED.value: N_("the recording breaks off in the middle of a fragment"),
    DamageKind.GAP.value: N_("some bytes between fragments cannot be read"),
    DamageKind.SHORT.value: N_("the camera held fewer bytes than it had signed"),
    DamageKind.LONG.value: N_("the camera held more bytes than it had signed"),
    DamageKind.BLOCK_DIFFERS.value: N_("a part is not as the camera signed it"),
    DamageKind.DESCRIPTION.value: N_(
        "the camera broke off before it wrote how to read the file: its pictures were found anew"
        " and are shown at an even pace, its sound is lost"
    ),
}
OTHER_DAMAGE: Final = N_("damage of another kind")
EVENTS: Final = {
    EventKind.TRIGGER_ON.value: N_("switched on by a signal"),
    EventKind.TRIGGER_OFF.value: N_("the signal ended"),
    EventKind.BUTTON.value: N_("button pressed"),
    EventKind.LOW_BATTERY.value: N_("battery low"),
    EventKind.CARD_REMOVED.value: N_("memory card taken out"),
    EventKind.CARD_INSERTED.value: N_("memory card put in"),
    EventKind.CLOCK_SET.value: N_("clock set"),
    EventKind.LENS_COVERED.value: N_("lens covered"),
    EventKind.LENS_FREE.value: N_("lens free again"),
    EventKind.MUTED.value: N_("sound switched off"),
    EventKind.UNMUTED.value: N_("sound switched on"),
    EventKind.FALL.value: N_("the camera fell"),
}
