"""What the exchange calls its bases, states and flags, in words for people; in English here."""

from typing import Final

from app.exchange.service.control import HoldReason, Mark
from app.web.texts import N_

BASES: Final = {
    "PRIMARY_CHECK": N_("Primary check (item 20)"),
    "CRIMINAL_CASE": N_("Criminal case (item 21)"),
    "CRIMINAL_ORDER": N_("Order in a criminal case (item 22, part 1)"),
    "INTERNATIONAL_ORDER": N_("International order (item 22, part 2)"),
    "ADMIN_LE": N_("Administrative case (item 23)"),
    "CRIMINAL_COURT": N_("Court: criminal case (item 24)"),
    "ADMIN_COURT": N_("Court: administrative case (item 25)"),
    "CIVIL_COURT": N_("Court: civil case (item 25)"),
    "COURT_OTHER": N_("Court: other case (item 24)"),
    "SEARCH_CASE": N_("Search case (item 26)"),
    "ENFORCEMENT": N_("Enforcement (item 27)"),
}
FLAGS: Final = {
    "self": N_("himself"),
    "colleague": N_("colleague"),
    "relative": N_("relative"),
    "repeat": N_("repeated"),
    "volume": N_("many an hour"),
    "night": N_("at night"),
    "out_of_district": N_("out of district"),
    "several_bases": N_("several bases"),
    "abandoned": N_("abandoned when drawn"),
}
SECOND: Final = {
    "confirmed": N_("Confirmed"),
    "objected": N_("Objected"),
}
HOLD_REASONS: Final = {
    HoldReason.COMPLAINT: N_("A complaint"),
    HoldReason.CASE: N_("A case"),
    HoldReason.INSPECTION: N_("An inspection"),
    HoldReason.OTHER: N_("Another reason"),
}
STATUSES: Final = {
    "received": N_("Received"),
    "pending_verification": N_("Waits for the register of cases"),
    "needs_second_person": N_("Waits for the second person"),
    "needs_justification": N_("Waits for the justification"),
    "refused": N_("Refused"),
    "asked": N_("Asked"),
    "sequenced": N_("Answer recorded"),
    "released": N_("Answered"),
    "withheld": N_("Withheld"),
    "expired": N_("Lapsed"),
}
MARKS: Final = {
    Mark.IN_ORDER: N_("In order"),
    Mark.TO_CLARIFY: N_("To clarify"),
    Mark.VIOLATION: N_("Violation"),
}
SERVICES: Final = {
    "person_documents": N_("person and documents"),
    "driver_licence": N_("driver's licence"),
    "vehicle": N_("vehicle"),
    "insurance": N_("insurance"),
    "inspection": N_("technical inspection"),
    "wanted_persons": N_("wanted persons"),
    "wanted_vehicles": N_("wanted vehicles"),
    "unpaid_fines": N_("unpaid fines"),
    "person_photo": N_("photograph"),
    "legal_entity": N_("legal entity"),
}
VERDICTS: Final = {
    "confirmed": N_("confirmed"),
    "no_case": N_("no such case"),
    "closed": N_("the case is closed"),
    "not_yours": N_("not in his work"),
    "order_not_addressed": N_("the order is addressed to others"),
    "refused": N_("the register refused"),
    "unavailable": N_("the register was silent"),
}
REFERENCES: Final = {
    "case_register": N_("Register"),
    "case_number": N_("Case"),
    "case_year": N_("Year"),
    "court": N_("Court"),
    "order_number": N_("Order"),
    "order_body": N_("Body"),
    "cover_letter_number": N_("Covering letter"),
    "article": N_("Article"),
}
SUBJECT_FIELDS: Final = {
    "iin": N_("IIN"),
    "bin": N_("BIN"),
    "plate": N_("Plate"),
    "surname": N_("Surname"),
    "given_name": N_("Given name"),
    "patronymic": N_("Patronymic"),
    "birth_date": N_("Date of birth"),
}
MARK_FAULTS: Final = {
    "text_missing": N_("Write what is to be clarified or what was violated."),
    "text_too_long": N_("This is too long."),
    "too_many_requests": N_("Choose at least one request."),
}
