"""The Rules written down a second time, as sentences over plain words; slow on purpose.

It looks for *every* fault of a request and only then asks which gate stands first. It imports no
rule of the program, so that a mistake would have to be made twice to go unseen.
"""

from tests.factories_rules import EVERY_SERVICE

GATES = (
    "AUTH", "DEVICE", "USER", "AGREEMENT", "ROLE", "LIST", "ARTICLE", "FIELDS", "SANCTION",
    "RECON", "LIMIT", "SAMPLE",
)  # fmt: skip
# basis | who | way | fields that must be there | fields that may be there | not opened
TABLE = """
PRIMARY_CHECK       | patrol_officer investigator | own | | | person_photo
CRIMINAL_CASE       | investigator | own   | case_number | |
CRIMINAL_ORDER      | investigator | own   | case_number order_number | |
INTERNATIONAL_ORDER | investigator | own   | order_number order_body cover_letter | case_number |
ADMIN_LE            | investigator | own   | case_number | | legal_entity
CRIMINAL_COURT      | court        | eaias | case_number year court | |
ADMIN_COURT         | court        | eaias | case_number year court | | wanted
CIVIL_COURT         | court        | eaias | case_number year court | | wanted
SEARCH_CASE         | investigator | own   | case_number | |
ENFORCEMENT         | investigator | own   | case_number | | person_photo wanted
""".replace("wanted", "wanted_persons wanted_vehicles")
BASES = {
    cells[0]: [set(cell.split()) for cell in cells[1:]]
    for cells in ([cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines())
}
NAMES_OF_FIELDS = {
    "case_number": "CASE_NO",
    "order_number": "ORDER_NO",
    "order_body": "INTL_BODY",
    "cover_letter": "COVER_NO",
    "year": "YEAR",
    "court": "COURT",
}
OF_PERSON = {"person_documents", "person_photo", "driver_licence", "wanted_persons", "unpaid_fines"}
OF_VEHICLE = {"vehicle", "insurance", "inspection", "wanted_vehicles"}
ABOUT = {
    "person": OF_PERSON,
    "vehicle": OF_VEHICLE,
    "person_and_vehicle": OF_PERSON | OF_VEHICLE,
    "legal_entity": {"legal_entity"},
    "none": set(),
}
STOPS = {
    "traffic_violation", "stolen_vehicle_search", "emergency_use_of_vehicle",
    "document_check_at_post", "cargo_document_check", "traffic_ban", "witness_questioning",
    "traffic_regulation",
}  # fmt: skip


def faults(it):
    """Yield every fault of the request ``it`` as gate and code; a gate's own stand in order."""
    yield from faults_of_caller(it)
    yield from faults_of_rights(it)
    if it["basis"] in BASES:
        yield from faults_of_list(it)
        yield from faults_of_subject(it)
        yield from faults_of_fields(it)
        yield from faults_of_sanction(it)
        yield from faults_of_register(it)
    elif it["basis"] == "COURT_OTHER":
        yield "LIST", "BASIS_CLOSED"
    else:
        yield "LIST", "LIST_NO_BASIS"
    yield from faults_of_limits(it)


def faults_of_caller(it):
    own = it["channel"] == "own"
    proof = it["session"] if own else it["person_behind"]
    if it["channel"] == "unknown" or proof is None:
        yield "AUTH", "AUTH_UNKNOWN"
    if proof is False:
        yield "AUTH", "AUTH_NO_SESSION" if own else "NO_PERSON"
    device, kind = it["device"], it["device_kind"]
    if own:
        named = {
            "absent": "ABSENT",
            "issued_to_another": "NOT_YOURS",
            "of_another_unit": "UNIT",
            "out_of_service": "OUT_OF_SERVICE",
            "unknown": "UNKNOWN",
            "system": "UNKNOWN",
        }
        if device in named:
            yield "DEVICE", "DEVICE_" + named[device]
        if device == "workplace" and it["role"] != "investigator":
            yield "DEVICE", "DEVICE_ABSENT"
        if device in {"issued_to_caller", "of_unit"} and kind != "tablet":
            yield "DEVICE", "DEVICE_UNKNOWN" if kind is None else "DEVICE_KIND"
    elif device != "system":
        yield "DEVICE", "DEVICE_UNKNOWN"
    if it["user"] != "active":
        yield "USER", "USER_" + it["user"].upper()
    if it["agreement"] != "signed":
        yield "AGREEMENT", "AGREEMENT_" + it["agreement"].upper()


def faults_of_rights(it):
    role, services = it["role"], set(it["services"])
    rights = {
        "investigator": set(EVERY_SERVICE),
        "court": set(EVERY_SERVICE),
        "patrol_officer": set(EVERY_SERVICE) - {"person_photo", "legal_entity"},
    }
    if role is None or services - rights.get(role, set()):
        yield "ROLE", "ROLE_NO_RIGHT"
    if it["granted_services"] is None:
        yield "ROLE", "ROLE_UNKNOWN"
    elif services - it["granted_services"]:
        yield "ROLE", "ROLE_NO_SERVICE"


def faults_of_list(it):
    who, way, _, _, not_opened = BASES[it["basis"]]
    services = set(it["services"])
    if way == {"eaias"} and it["channel"] != "eaias":
        yield "LIST", "CHANNEL_ONLY_EAIAS"
    if way != {"eaias"} and it["channel"] == "eaias":
        yield "LIST", "LIST_NOT_FOR_COURTS"
    if it["role"] not in who:
        yield "LIST", "LIST_ROLE"
    if it["granted_bases"] is None:
        yield "LIST", "LIST_UNKNOWN"
    elif it["basis"] not in it["granted_bases"]:
        yield "LIST", "LIST_NOT_GRANTED"
    if not services or services & not_opened or services - set(EVERY_SERVICE):
        yield "LIST", "LIST_NOT_" + ("PRIMARY" if it["basis"] == "PRIMARY_CHECK" else "OPENED")
    if economic(it) and not it["article"]:
        yield "ARTICLE", "ARTICLE_UNKNOWN"
    elif economic(it) and it["article"] not in [str(number) for number in range(214, 250)]:
        yield "ARTICLE", "ARTICLE_NOT_LISTED"


def economic(it):
    criminal = {"CRIMINAL_CASE", "CRIMINAL_ORDER", "INTERNATIONAL_ORDER"}
    return it["basis"] in criminal and "legal_entity" in it["services"]


def faults_of_subject(it):
    basis, kind = it["basis"], it["subject_kind"] or "none"
    if kind == "none" or set(it["services"]) - ABOUT[kind]:
        yield "FIELDS", "FIELDS_SUBJECT_KIND"
    if basis == "PRIMARY_CHECK" and kind == "vehicle":
        yield "FIELDS", "FIELDS_SUBJECT_KIND"
    if kind != "vehicle" and it["subject"] != "good":
        yield "FIELDS", "FIELDS_SUBJECT"
    if kind == "vehicle" and it["subject"] != "absent":
        yield "FIELDS", "FIELDS_SUBJECT_EXTRA"
    if "vehicle" in kind:
        if it["plate"] != "good":
            yield "FIELDS", "FIELDS_PLATE"
    elif it["plate"] != "absent":
        yield "FIELDS", "FIELDS_PLATE_EXTRA" if it["plate"] == "good" else "FIELDS_PLATE"


def faults_of_fields(it):
    basis = it["basis"]
    roadside = basis == "PRIMARY_CHECK" and it["device_kind"] is not None
    if roadside and it["stop_ground"] not in STOPS:
        yield "FIELDS", "FIELDS_STOP_GROUND"
    if not roadside and it["stop_ground"]:
        yield "FIELDS", "FIELDS_STOP_GROUND_EXTRA"
    _, _, must, may, _ = BASES[basis]
    for field, usual in NAMES_OF_FIELDS.items():
        foreign = basis == "INTERNATIONAL_ORDER" and field == "order_number"
        name = "FIELDS_" + ("INTL_NO" if foreign else usual)
        if it[field] in {None, "unknown"}:
            yield "FIELDS", "FIELDS_UNKNOWN"
        elif it[field] == "absent" and field in must:
            yield "FIELDS", name
        elif it[field] != "absent" and field not in must | may:
            yield "FIELDS", name + "_EXTRA"
        elif it[field] == "malformed":
            yield "FIELDS", name + "_FORM"
    if basis == "PRIMARY_CHECK" and it["sanction"] != "not_named":
        yield "FIELDS", "FIELDS_SANCTION_EXTRA"


def faults_of_sanction(it):
    sanction = it["sanction"]
    if sanction == "not_named":
        if it["basis"] == "SEARCH_CASE" and "legal_entity" in it["services"]:
            yield "SANCTION", "SANCTION_NONE"
    elif sanction == "out_of_scope":
        yield "SANCTION", "SANCTION_SCOPE"
    elif sanction != "granted":
        yield "SANCTION", "SANCTION_" + sanction.upper()


def faults_of_register(it):
    second, register = it["second_person"], it["recon"]
    if it["basis"] == "INTERNATIONAL_ORDER":
        if second == "not_yet":
            yield "RECON", "NEEDS_SECOND_PERSON"
        elif second != "confirmed":
            yield "RECON", "SECOND_PERSON_" + second.upper()
    elif it["basis"] != "PRIMARY_CHECK":
        if register is None:
            yield "RECON", "RECON_NOT_ASKED"
        elif register != "confirmed":
            yield "RECON", "RECON_" + register.upper()
        elif economic(it) and it["article"] not in it["recon_articles"]:
            yield "RECON", "RECON_ARTICLE"


def faults_of_limits(it):
    counts = it["requests_hour"], it["requests_day"], it["same_subject_day"]
    if None in counts:
        yield "LIMIT", "LIMIT_UNKNOWN"
    else:
        hour, day, same = counts
        if hour + 1 > 120:
            yield "LIMIT", "LIMIT_HOUR"
        if day + 1 > 600:
            yield "LIMIT", "LIMIT_DAY"
        if it["basis"] == "PRIMARY_CHECK" and same + 1 > 10:
            yield "LIMIT", "LIMIT_PRIMARY"
    if it["drawn"] is None or (it["drawn"] and it["justification"] == "unknown"):
        yield "SAMPLE", "SAMPLE_UNKNOWN"
    elif it["drawn"] and it["justification"] == "absent":
        yield "SAMPLE", "SAMPLE_JUSTIFICATION"
    elif it["drawn"] and it["justification"] == "malformed":
        yield "SAMPLE", "SAMPLE_JUSTIFICATION_FORM"


def verdict_of(it):
    found = list(faults(it))
    if not found:
        return None
    return min(found, key=lambda fault: GATES.index(fault[0]))  # the first of the first gate
