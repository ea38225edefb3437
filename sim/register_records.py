"""What the simulated registers hold: the district's people, as each register knows them.

World().record(RegisterName.VEHICLE, Query(plate="777ABC02"), date.today())
card_mrz(DRIVER)  # the three lines on the back of his identity card
"""

import base64
import io
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import lru_cache
from uuid import UUID

from PIL import Image, ImageDraw

from app.exchange.wire.notices import FineNotice, NoticeOf
from app.exchange.wire.registers import (
    DriverLicence,
    EntityState,
    Inspection,
    Insurance,
    LegalEntity,
    LicenceState,
    PersonDocuments,
    PersonPhoto,
    Query,
    Record,
    RegisterName,
    UnpaidFine,
    UnpaidFines,
    Vehicle,
    WantedPerson,
    WantedVehicle,
)
from sim.district import DRIVERS, FIRMS, FRIEND, Driver


class World:
    """What the registers know: the district's people, and who is wanted."""

    def __init__(self, drivers: tuple[Driver, ...] = DRIVERS) -> None:
        self._people = {driver.iin: driver for driver in drivers}
        self._vehicles = {driver.plate: driver for driver in drivers}
        self.wanted_iins: set[str] = set()
        self.wanted_plates: set[str] = set()
        self.owing_iins: set[str] = {FRIEND.iin}
        self.notices: dict[UUID, FineNotice] = {}  # each counted once, by its id

    def record(self, register: RegisterName, query: Query, today: date) -> Record | None:
        """Return the record of the subject, or ``None``."""
        if register is RegisterName.WANTED_PERSONS:
            return self._wanted_person(query.iin)
        if register is RegisterName.WANTED_VEHICLES:
            return self._wanted_vehicle(query.plate)
        if register is RegisterName.UNPAID_FINES:
            return self._fines(query.iin, today)
        if register is RegisterName.LEGAL_ENTITY:
            return _entity(query.bin)
        subject = self._people.get(query.iin or "") or self._vehicles.get(query.plate or "")
        return None if subject is None else _MAKERS[register](subject, today)

    def take_notice(self, notice: FineNotice) -> bool:
        """Take what is told of a fine; ``False`` where its id has told something else before."""
        known = self.notices.setdefault(notice.message_id, notice)
        return known.model_copy(update={"message_at": notice.message_at}) == notice

    def paid_tiyn(self, decision_number: str) -> int:
        """Return what was paid of a fine and not given back."""
        told = [one for one in self.notices.values() if one.decision_number == decision_number]
        sign = {NoticeOf.PAID: 1, NoticeOf.REFUNDED: -1, NoticeOf.CORRECTED: 0}
        return sum(sign[one.kind] * (one.amount_tiyn or 0) for one in told)

    def _wanted_person(self, iin: str | None) -> WantedPerson | None:
        if iin is None or iin not in self.wanted_iins:
            return None
        return WantedPerson(
            iin=iin,
            category="Без вести пропавший",
            initiator="Управление полиции Ауэзовского района г. Алматы",
            since=date(2026, 3, 14),
        )

    def _wanted_vehicle(self, plate: str | None) -> WantedVehicle | None:
        if plate is None or plate not in self.wanted_plates:
            return None
        return WantedVehicle(
            plate=plate,
            category="Угон",
            initiator="Управление полиции Бостандыкского района г. Алматы",
            since=date(2026, 9, 2),
        )

    def _fines(self, iin: str | None, today: date) -> UnpaidFines | None:
        if iin is None or iin not in self.owing_iins:
            return None
        fine = UnpaidFine(
            decision_number="264750000001234",
            article="592(1)",
            decided_on=today - timedelta(days=20),
            amount_tiyn=4_325_000,
        )
        if self.paid_tiyn(fine.decision_number) >= fine.amount_tiyn:
            return None
        return UnpaidFines(iin=iin, fines=(fine,))


def _documents(person: Driver, _today: date) -> PersonDocuments:
    return PersonDocuments(
        iin=person.iin,
        surname=person.surname,
        given_name=person.given_name,
        patronymic=person.patronymic,
        birth_date=date.fromisoformat(person.birth_date),
        document_number=person.document_number,
        document_issued_on=date(2021, 5, 20),
        document_valid_until=date(2031, 5, 19),
        residence=person.residence,
        phone=person.phone,
        portrait_png_base64=portrait(person.iin),
    )


def _licence(person: Driver, today: date) -> DriverLicence:
    return DriverLicence(
        iin=person.iin,
        licence_number=f"AB{person.document_number[-6:]}",
        categories=("B", "B1"),
        issued_on=today - timedelta(days=1500),
        valid_until=today + timedelta(days=2150),
        state=LicenceState.IN_FORCE,
    )


def _vehicle(owner: Driver, _today: date) -> Vehicle:
    model, year, color = (piece.strip() for piece in owner.vehicle.split(","))
    return Vehicle(
        plate=owner.plate,
        make_model=model,
        year=int(year),
        color=color,
        vin=owner.vin,
        registration_number=f"KZ{owner.vin[-8:]}",
        owner_iin=owner.iin,
        owner_name=f"{owner.surname} {owner.given_name} {owner.patronymic}",
    )


def _insurance(owner: Driver, today: date) -> Insurance:
    return Insurance(
        plate=owner.plate,
        policy_number=f"OGPO-{owner.vin[-6:]}",
        insurer="Алатау Сақтандыру АҚ",
        valid_from=today - timedelta(days=100),
        valid_until=today + timedelta(days=264),
    )


def _inspection(owner: Driver, today: date) -> Inspection:
    return Inspection(
        plate=owner.plate,
        certificate_number=f"TO-{owner.vin[-6:]}",
        passed_on=today - timedelta(days=60),
        valid_until=today + timedelta(days=305),
    )


def _photo(person: Driver, _today: date) -> PersonPhoto:
    return PersonPhoto(
        iin=person.iin, taken_on=date(2021, 5, 12), portrait_png_base64=portrait(person.iin)
    )


def _entity(bin_: str | None) -> LegalEntity | None:
    firm = next((one for one in FIRMS if one.bin == bin_), None)
    if firm is None:
        return None
    return LegalEntity(
        bin=firm.bin,
        name_kk=firm.name_kk,
        name_ru=firm.name_ru,
        registered_on=date.fromisoformat(firm.registered_on),
        state=EntityState.ACTIVE,
        address=firm.address,
        head_iin=firm.head.iin,
        head_name=f"{firm.head.surname} {firm.head.given_name} {firm.head.patronymic}",
        activity_code="49410",
    )


_MAKERS: dict[RegisterName, Callable[[Driver, date], Record]] = {
    RegisterName.PERSON_DOCUMENTS: _documents,
    RegisterName.DRIVER_LICENCE: _licence,
    RegisterName.VEHICLE: _vehicle,
    RegisterName.INSURANCE: _insurance,
    RegisterName.INSPECTION: _inspection,
    RegisterName.PERSON_PHOTO: _photo,
}


@lru_cache(maxsize=64)
def portrait(iin: str) -> str:
    """Return a drawn head and shoulders as PNG in base64; nobody's face."""
    tint = 90 + int(iin[-4:]) % 120
    image = Image.new("RGB", (90, 120), (226, 232, 240))
    drawing = ImageDraw.Draw(image)
    drawing.ellipse((27, 18, 63, 64), fill=(tint, 120, 100))
    drawing.ellipse((8, 70, 82, 170), fill=(60, tint, 130))
    content = io.BytesIO()
    image.save(content, "PNG", optimize=True)
    return base64.b64encode(content.getvalue()).decode()


_LATIN = {
    "А": "A", "Ә": "A", "Б": "B", "В": "V", "Г": "G", "Ғ": "G", "Д": "D", "Е": "E", "Ё": "E",
    "Ж": "ZH", "З": "Z", "И": "I", "Й": "I", "К": "K", "Қ": "K", "Л": "L", "М": "M", "Н": "N",
    "Ң": "N", "О": "O", "Ө": "O", "П": "P", "Р": "R", "С": "S", "Т": "T", "У": "U", "Ұ": "U",
    "Ү": "U", "Ф": "F", "Х": "KH", "Һ": "H", "Ц": "TS", "Ч": "CH", "Ш": "SH", "Щ": "SHCH",
    "Ъ": "", "Ы": "Y", "І": "I", "Ь": "", "Э": "E", "Ю": "IU", "Я": "IA",
}  # fmt: skip


def card_mrz(person: Driver, *, expires_on: date = date(2031, 5, 19)) -> tuple[str, str, str]:
    """Return the three lines on the back of the person's identity card (ICAO TD1)."""
    born = f"{date.fromisoformat(person.birth_date):%y%m%d}"
    expiry = f"{expires_on:%y%m%d}"
    sex = "M" if int(person.iin[6]) % 2 else "F"
    number = person.document_number
    first = f"IDKAZ{number}{_digit(number)}{person.iin}".ljust(30, "<")
    second = f"{born}{_digit(born)}{sex}{expiry}{_digit(expiry)}KAZ".ljust(29, "<")
    whole = first[5:] + second[0:7] + second[8:15] + second[18:29]
    names = f"{_latin(person.surname)}<<{_latin(person.given_name)}"
    return first, second + _digit(whole), names[:30].ljust(30, "<")


def _digit(text: str) -> str:
    weights = _weights()
    values = (0 if letter == "<" else int(letter, 36) for letter in text)
    return str(sum(value * next(weights) for value in values) % 10)


def _weights() -> Iterator[int]:
    while True:
        yield from (7, 3, 1)


def _latin(text: str) -> str:
    return "".join(_LATIN.get(letter, letter) for letter in text.upper()).replace(" ", "<")
