"""What the simulated registers of cases hold: a small district of invented cases.

    CaseWorld().case(CaseRegister.ERDR, CaseQuery(number=HELD.number))

Numbers have the lengths that are told of real ones; no published source gives their formats.
"""

from typing import Final

from app.exchange.wire.cases import (
    AddressedOrder,
    CaseKind,
    CaseQuery,
    CaseRecord,
    CaseRegister,
    CaseState,
    Holder,
    HolderPart,
)
from sim.district import (
    COURT,
    COURT_BIN,
    DEPARTMENT_BIN,
    OFFICER,
    OTHER_DEPARTMENT_BIN,
    SECOND_OFFICER,
    STRANGER,
)

ORDER_NUMBER: Final = "12-3/1042"

_OURS = Holder(iin=OFFICER.iin, part=HolderPart.INVESTIGATOR, department_bin=DEPARTMENT_BIN)
_MEMBER = Holder(
    iin=SECOND_OFFICER.iin, part=HolderPart.GROUP_MEMBER, department_bin=DEPARTMENT_BIN
)
_THEIRS = Holder(
    iin=STRANGER.iin, part=HolderPart.INVESTIGATOR, department_bin=OTHER_DEPARTMENT_BIN
)


def _criminal(number: str, **changed: object) -> CaseRecord:
    values: dict[str, object] = {
        "number": number,
        "kind": CaseKind.CRIMINAL,
        "state": CaseState.OPEN,
        "body_bin": DEPARTMENT_BIN,
        "articles": ("188", "190"),
        "holders": (_OURS,),
    }
    return CaseRecord.model_validate(values | changed)


HELD = _criminal("267500031000141", holders=(_OURS, _MEMBER))
CLOSED_CASE = _criminal("267500031000142", state=CaseState.CLOSED)
ANOTHERS = _criminal("267500031000143", body_bin=OTHER_DEPARTMENT_BIN, holders=(_THEIRS,))
ORDERED = _criminal(
    "267500031000144",
    body_bin=OTHER_DEPARTMENT_BIN,
    holders=(_THEIRS,),
    orders=(
        AddressedOrder(number=ORDER_NUMBER, addressed_to_bin=DEPARTMENT_BIN),
        AddressedOrder(number="12-3/1043", addressed_to_bin=OTHER_DEPARTMENT_BIN),
    ),
)
BEFORE_COURT = _criminal(
    "267500031000145",
    state=CaseState.IN_COURT,
    orders=(AddressedOrder(number="7-14/88", addressed_to_bin=DEPARTMENT_BIN),),
)
ECONOMIC = _criminal("267500031000146", articles=("218", "245"))
ADMINISTRATIVE = _criminal("2675000310002411", kind=CaseKind.ADMINISTRATIVE, articles=("592(1)",))
SEARCH = _criminal("2675000310003511", kind=CaseKind.SEARCH, articles=())
ENFORCEMENT = _criminal(
    "1234/26-75-5678",
    kind=CaseKind.ENFORCEMENT,
    articles=(),
    holders=(Holder(iin=OFFICER.iin, part=HolderPart.BAILIFF, department_bin=DEPARTMENT_BIN),),
)


def _of_court(number: str, kind: CaseKind, **changed: object) -> CaseRecord:
    values = {"body_bin": COURT_BIN, "year": 2026, "court": COURT, "holders": ()}
    return _criminal(number, kind=kind, **(values | changed))


COURT_CRIMINAL = _of_court("7527-26-00-1/101", CaseKind.CRIMINAL)
COURT_ADMINISTRATIVE = _of_court("7527-26-00-3/202", CaseKind.ADMINISTRATIVE, articles=())
COURT_CIVIL = _of_court("7527-26-00-2/303", CaseKind.CIVIL, articles=())
COURT_OF_ANOTHER = _of_court(
    "7527-26-00-2/304", CaseKind.CIVIL, articles=(), body_bin="980440000027"
)

CASES: Final[dict[CaseRegister, tuple[CaseRecord, ...]]] = {
    CaseRegister.ERDR: (HELD, CLOSED_CASE, ANOTHERS, ORDERED, BEFORE_COURT, ECONOMIC),
    CaseRegister.AIS_SU: (ADMINISTRATIVE, SEARCH),
    CaseRegister.AIS_OIP: (ENFORCEMENT,),
    CaseRegister.EAIAS: (COURT_CRIMINAL, COURT_ADMINISTRATIVE, COURT_CIVIL, COURT_OF_ANOTHER),
}


class CaseWorld:
    """What the registers of cases know; cases change hands and end."""

    def __init__(self) -> None:
        self._cases = {
            (register, case.number): case for register, cases in CASES.items() for case in cases
        }

    def case(self, register: CaseRegister, query: CaseQuery) -> CaseRecord | None:
        """Return the case of that number, year and court, or ``None``."""
        case = self._cases.get((register, query.number))
        if case is None or case.year != query.year or case.court != query.court:
            return None
        return case

    def another(self, register: CaseRegister, number: str) -> CaseRecord | None:
        """Return a case of the register that has another number."""
        found = (
            case
            for (of, _), case in self._cases.items()
            if of is register and case.number != number
        )
        return next(found, _criminal("267500031000999"))

    def add(self, register: CaseRegister, case: CaseRecord) -> None:
        """Enter a case, or replace the one of its number."""
        self._cases[register, case.number] = case

    def hand_over(self, number: str, iin: str) -> None:
        """Give a case to another person of the same body.

        Raises:
            KeyError: no register holds a case of that number.
        """
        register, case = self._held(number)
        part = case.holders[0].part if case.holders else HolderPart.INVESTIGATOR
        holder = Holder(iin=iin, part=part, department_bin=case.body_bin)
        self._cases[register, number] = case.model_copy(update={"holders": (holder,)})

    def move(self, number: str, state: CaseState) -> None:
        """Put a case into another state.

        Raises:
            KeyError: no register holds a case of that number.
        """
        register, case = self._held(number)
        self._cases[register, number] = case.model_copy(update={"state": state})

    def _held(self, number: str) -> tuple[CaseRegister, CaseRecord]:
        for (register, of), case in self._cases.items():
            if of == number:
                return register, case
        raise KeyError(number)
