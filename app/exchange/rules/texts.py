"""What a refusal says to the officer: the item of the Rules and a sentence in three languages.

Items are those of the Rules approved by Order No. 151 of 22.12.2015, edition of 15.02.2021. No
sentence tells whether a person or a vehicle exists.
"""

from dataclasses import dataclass

from app.exchange.rules.gates import RefusalCode


@dataclass(frozen=True)
class RefusalText:
    """One refusal in words."""

    item: str
    kk: str
    ru: str
    en: str


TEXTS: dict[RefusalCode, RefusalText] = {
    RefusalCode.AUTH_NO_SESSION: RefusalText(
        "18",
        "Сұрау салу үшін ЭЦҚ арқылы кіру қажет.",
        "Для запроса нужен вход по ЭЦП.",
        "A request needs a sign-in by electronic signature.",
    ),
    RefusalCode.AUTH_UNKNOWN: RefusalText(
        "18",
        "Сеансты тексеру мүмкін болмады. ЭЦҚ арқылы қайта кіріңіз.",
        "Сеанс не удалось проверить. Войдите по ЭЦП заново.",
        "The session could not be checked. Sign in again.",
    ),
    RefusalCode.DEVICE_ABSENT: RefusalText(
        "7",
        "Сұрау салу тек есепте тұрған планшеттен жіберіледі.",
        "Запрос возможен только с учтённого планшета.",
        "A request can be made only from an enrolled tablet.",
    ),
    RefusalCode.DEVICE_KIND: RefusalText(
        "7",
        "Бұл құрылғыдан сұрау салуға болмайды.",
        "С устройства этого вида запрос невозможен.",
        "A request cannot be made from this kind of device.",
    ),
    RefusalCode.DEVICE_UNIT: RefusalText(
        "2",
        "Құрылғы басқа бөлімшеге тиесілі.",
        "Устройство принадлежит другому подразделению.",
        "The device belongs to another unit.",
    ),
    RefusalCode.DEVICE_NOT_YOURS: RefusalText(
        "7",
        "Құрылғы басқа қызметкерге берілген.",
        "Устройство выдано другому сотруднику.",
        "The device is issued to another officer.",
    ),
    RefusalCode.DEVICE_OUT_OF_SERVICE: RefusalText(
        "7",
        "Құрылғы пайдаланудан шығарылған.",
        "Устройство выведено из эксплуатации.",
        "The device is out of service.",
    ),
    RefusalCode.DEVICE_UNKNOWN: RefusalText(
        "7",
        "Құрылғының күйін тексеру мүмкін болмады.",
        "Состояние устройства не удалось проверить.",
        "The state of the device could not be checked.",
    ),
    RefusalCode.USER_NO_POST: RefusalText(
        "15",
        "Сіздің лауазымыңыз бойынша қолжетімділік тоқтатылған.",
        "Доступ по вашей должности прекращён.",
        "Access by your post has ended.",
    ),
    RefusalCode.USER_UNKNOWN: RefusalText(
        "14",
        "Сіздің қолжетімділігіңізді тексеру мүмкін болмады.",
        "Ваш доступ не удалось проверить.",
        "Your access could not be checked.",
    ),
    RefusalCode.ROLE_NO_RIGHT: RefusalText(
        "2",
        "Сіздің рөліңіздің бұл сервиске құқығы жоқ.",
        "У вашей роли нет права на этот сервис.",
        "Your role has no right to this service.",
    ),
    RefusalCode.LIST_NOT_PRIMARY: RefusalText(
        "20",
        "Бұл негіз бойынша сервис ашылмайды.",
        "По этому основанию сервис не открывается.",
        "The basis does not open this service.",
    ),
    RefusalCode.FIELDS_SUBJECT: RefusalText(
        "20",
        "Тексерілетін адам көрсетілмеген немесе ЖСН қате.",
        "Не указано проверяемое лицо, или ИИН неверен.",
        "The person to check is not named, or the IIN is wrong.",
    ),
    RefusalCode.FIELDS_PLATE: RefusalText(
        "20",
        "Мемлекеттік нөмір қате жазылған.",
        "Государственный номер написан неверно.",
        "The number plate is not written correctly.",
    ),
    RefusalCode.FIELDS_STOP_GROUND: RefusalText(
        "20",
        "Тоқтату негізін тізімнен таңдаңыз.",
        "Выберите основание остановки из списка.",
        "Choose the ground of the stop from the list.",
    ),
    RefusalCode.LIMIT_HOUR: RefusalText(
        "6",
        "Бір сағаттағы сұрау салу шегіне жеттіңіз.",
        "Достигнут предел запросов за час.",
        "The limit of requests in an hour is reached.",
    ),
    RefusalCode.LIMIT_DAY: RefusalText(
        "6",
        "Бір тәуліктегі сұрау салу шегіне жеттіңіз.",
        "Достигнут предел запросов за сутки.",
        "The limit of requests in a day is reached.",
    ),
    RefusalCode.LIMIT_UNKNOWN: RefusalText(
        "6",
        "Сұрау салу санын тексеру мүмкін болмады.",
        "Число ваших запросов не удалось проверить.",
        "The number of your requests could not be checked.",
    ),
}
