"""The demonstration district: invented departments, people, vehicles and cards.

Everybody here is made up; every IIN has a valid form and belongs to nobody we know of.

    from sim.district import DRIVER, OFFICER
    print(OFFICER.iin, DRIVER.plate)
"""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

LAW_ZONE = ZoneInfo("Asia/Almaty")
DEPARTMENT_BIN = "210940000013"
OTHER_DEPARTMENT_BIN = "210940000024"
COMMITTEE_BIN = "030340000018"  # of legal statistics and special accounts: runs the exchange
COURT_BIN = "980440000016"
COURT = "Алмалинский районный суд города Алматы"


@dataclass(frozen=True)
class Staff:
    """One member of staff, as the personnel file of the department names him."""

    key: str
    iin: str
    surname: str
    given_name: str
    patronymic: str
    role: str
    title: str
    badge: str
    department_bin: str = DEPARTMENT_BIN

    @property
    def full_name(self) -> str:
        """Surname, given name, patronymic."""
        return f"{self.surname} {self.given_name} {self.patronymic}".strip()


@dataclass(frozen=True)
class Driver:
    """A driver with his vehicle and the cards in his pocket."""

    key: str
    iin: str
    surname: str
    given_name: str
    patronymic: str
    birth_date: str
    document_number: str
    residence: str
    phone: str
    plate: str
    vehicle: str
    vin: str
    card: "Card"


@dataclass(frozen=True)
class Card:
    """A payment card of the simulated issuer. Numbers of this form open nothing anywhere."""

    key: str
    pan: str
    expiry: str  # YYMM
    brand: str
    holder_iin: str
    pin: str = "1234"
    balance_tiyn: int = 50_000_000
    holder_name: str = ""  # as embossed; told only by terminals that tell it


@dataclass(frozen=True)
class Firm:
    """A legal entity and who is at its head."""

    bin: str
    name_kk: str
    name_ru: str
    registered_on: str
    address: str
    head: Driver


def _iin(first_eleven: str) -> str:
    # The rule of app.iin, written again: a simulator imports nothing of the server.
    for weights in (range(1, 12), (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)):
        rest = sum(int(d) * w for d, w in zip(first_eleven, weights, strict=True)) % 11
        if rest < 10:  # noqa: PLR2004 - ten is no digit
            return f"{first_eleven}{rest}"
    raise ValueError(first_eleven)


def _pan(first_fifteen: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(first_fifteen)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - Luhn
    return f"{first_fifteen}{-total % 10}"


OFFICER = Staff(
    "officer", _iin("90031530012"), "ӘБДІРАХМАНОВ", "Ғалымжан", "Қуанышұлы",
    "patrol_officer", "Инспектор патрульной полиции, лейтенант", "ALA-1042",
)  # fmt: skip
SECOND_OFFICER = Staff(
    "second-officer", _iin("92071130044"), "ПЕТРОВ", "Сергей", "Иванович",
    "patrol_officer", "Инспектор патрульной полиции, сержант", "ALA-1043",
)  # fmt: skip
KEEPER = Staff(
    "keeper", _iin("85112440021"), "ҚАСЫМОВА", "Әйгерім", "Бөлекқызы",
    "device_keeper", "Ответственный за технические средства", "ALA-0107",
)  # fmt: skip
REVIEWER = Staff(
    "reviewer", _iin("88060740035"), "НҰРЛАНОВА", "Жанар", "Ерболқызы",
    "complaints_reviewer", "Старший инспектор собственной безопасности", "ALA-0031",
)  # fmt: skip
OFFICIAL = Staff(
    "official", _iin("79010130058"), "ОСПАНОВ", "Дәурен", "Сәкенұлы",
    "responsible_official", "Командир батальона, подполковник", "ALA-0002",
)  # fmt: skip
CLERK = Staff(
    "clerk", _iin("91021940066"), "КИМ", "Елена", "Викторовна",
    "finance_clerk", "Специалист финансовой службы", "ALA-0215",
)  # fmt: skip
# A refund takes two people besides the officer, and a case of money is closed by a third.
SECOND_CLERK = Staff(
    "second-clerk", _iin("86090940101"), "РАХИМОВА", "Дана", "Маратқызы",
    "finance_clerk", "Старший специалист финансовой службы", "ALA-0216",
)  # fmt: skip
CHIEF_CLERK = Staff(
    "chief-clerk", _iin("78022830102"), "ТӨЛЕГЕНОВ", "Асхат", "Бауыржанұлы",
    "finance_clerk", "Главный бухгалтер", "ALA-0217",
)  # fmt: skip
DUTY = Staff(
    "duty", _iin("83051230079"), "ІСКАКОВ", "Мұрат", "Өмірұлы",
    "duty_officer", "Оперативный дежурный, майор", "ALA-0044",
)  # fmt: skip
ADMINISTRATOR = Staff(
    "administrator", _iin("87091830087"), "ЛИ", "Андрей", "Сергеевич",
    "administrator", "Администратор системы", "ALA-0300",
)  # fmt: skip
STRANGER = Staff(
    "stranger", _iin("93040130091"), "ҺАРИСОВ", "Тимур", "Ренатович",
    "patrol_officer", "Инспектор патрульной полиции, лейтенант", "AST-2001",
    OTHER_DEPARTMENT_BIN,
)  # fmt: skip
INVESTIGATOR = Staff(
    "investigator", _iin("86090930102"), "ӘУЕЗОВ", "Самат", "Ілиясұлы",
    "investigator", "Старший следователь, капитан юстиции", "ALA-0410",
)  # fmt: skip
OPERATOR = Staff(
    "operator", _iin("84040440115"), "ЖҮНІСОВА", "Гүлнар", "Маратқызы",
    "exchange_operator", "Оператор СИО ПСО", "KPS-0011", COMMITTEE_BIN,
)  # fmt: skip
SECOND_OPERATOR = Staff(
    "second-operator", _iin("89111130123"), "ЦОЙ", "Виктор", "Ильич",
    "exchange_operator", "Оператор СИО ПСО", "KPS-0012", COMMITTEE_BIN,
)  # fmt: skip
CONTROLLER = Staff(
    "controller", _iin("77030330131"), "БЕКТҰРОВА", "Сәуле", "Қайратқызы",
    "exchange_controller", "Прокурор управления контроля", "KPS-0003", COMMITTEE_BIN,
)  # fmt: skip

STAFF = (
    OFFICER, SECOND_OFFICER, KEEPER, REVIEWER, OFFICIAL, CLERK, DUTY, ADMINISTRATOR, STRANGER,
    INVESTIGATOR, OPERATOR, SECOND_OPERATOR, CONTROLLER, SECOND_CLERK, CHIEF_CLERK,
)  # fmt: skip
# Everybody in the battalion is the commander's; see the personnel file.
SUPERIORS = {
    one.iin: OFFICIAL.iin
    for one in STAFF
    if one.department_bin == OFFICIAL.department_bin and one is not OFFICIAL
}

# Courts sign in nowhere: their people stand behind the calls of the courts' system.
JUDGE = Staff(
    "judge", _iin("76032040105"), "ЖҮНІСОВА", "Сәуле", "Қайратқызы",
    "court", "Судья", "COURT-11", COURT_BIN,
)  # fmt: skip
COURT_STAFF = (JUDGE,)

DRIVER_IIN = _iin("95081730101")
FRIEND_IIN = _iin("96022940113")  # born on a leap day

DRIVER = Driver(
    "driver", DRIVER_IIN, "ҮСЕНОВ", "Нұрлан", "Ыбырайұлы", "1995-08-17", "045678912",
    "Алматы қ., Әуезов ауданы, Құрманғазы көшесі, 14 үй", "+77010000001",
    "777ABC02", "Toyota Camry, 2019, ақ", "XTAKZ0000K0001042",
    Card("own", _pan("400000000000104"), "2909", "VISA", DRIVER_IIN),
)  # fmt: skip
FRIEND = Driver(
    "friend", FRIEND_IIN, "ҚОЖАХМЕТОВА", "Һүснә", "Өтегенқызы", "1996-02-29", "045678913",
    "Алматы қ., Бостандық ауданы, Тимирязев көшесі, 42", "+77010000002",
    "123KZA02", "Hyundai Tucson, 2021, көк", "XTAKZ0000K0001043",
    Card("friend", _pan("510510000000204"), "2811", "MASTERCARD", FRIEND_IIN),
)  # fmt: skip
DRIVERS = (DRIVER, FRIEND)
FIRM = Firm(
    _iin("21034000009"), "«Алатау Жүк» ЖШС", "ТОО «Алатау Жүк»", "2021-03-15",
    "Алматы қ., Түрксіб ауданы, Сүйінбай даңғылы, 480", FRIEND,
)  # fmt: skip
FIRMS = (FIRM,)
POOR_CARD = Card("poor", _pan("400000000000205"), "2909", "VISA", DRIVER_IIN, balance_tiyn=100)
EXPIRED_CARD = Card("expired", _pan("400000000000306"), "2001", "VISA", DRIVER_IIN)
CARDS = (DRIVER.card, FRIEND.card, POOR_CARD, EXPIRED_CARD)

# Abay avenue and Baitursynov street, Almaty: where the demonstration day happens.
PLACE = "Алматы, Абай даңғылы – Байтұрсынов көшесі"
LATITUDE, LONGITUDE = 43.2403, 76.9250
# A ring round the city, longitude first, far simpler than any real one.
CITY = [[76.70, 43.10], [77.15, 43.10], [77.15, 43.40], [76.70, 43.40], [76.70, 43.10]]
